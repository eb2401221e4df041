"""One tiny experiment, made once and shared: a tower, features and a decoder of a few steps."""

from dataclasses import replace

import pytest
import torch

from vvlm_utils.experiment.mini.stages import make_decoder
from vvlm_utils.experiment.mini.sweeps import SWEEPS
from vvlm_utils.experiment.model.presets import Recipe


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("tiny")
    sweep = replace(
        SWEEPS["tiny"],
        root=root,
        table=root / "runs.csv",
        counts={"train": 32, "validation": 12, "test": 16, "align": 16, "tower": 8},
        tower_steps=10,
        recipe=Recipe(steps=10, scenes=4, texts=16, pool=16),
    )
    make_decoder("mini-7k", 0, sweep)
    return sweep
