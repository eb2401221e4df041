"""The check that a model sees, on a tiny twin with random weights."""

import numpy as np
import pandas as pd
import pytest
import torch

from vvlm_utils.experiment.model.model import IGNORE, VideoVLM, make_config
from vvlm_utils.experiment.model.presets import Stage
from vvlm_utils.experiment.train import sight

WIDTH = make_config("mini", "mini-15k").vision_config.hidden_size


@pytest.fixture(scope="module")
def films():
    generator = torch.Generator().manual_seed(0)
    looks = torch.randn(3, 1, 1, WIDTH, generator=generator)
    features = [look + 0.1 * torch.randn(8, 4, WIDTH, generator=generator) for look in looks]
    return sight.Films(features, [5, 6, 7], {"first": [1, 2], "last": [1, 3], "missing": [4]})


@pytest.fixture(scope="module")
def blank():
    return torch.zeros(1, 1, 4, WIDTH)


def test_a_clip_shows_its_films_in_order(films):
    clips, answers = sight.pairs_of(films, 4, np.random.default_rng(0))
    assert clips.shape == (6, 4, 4, WIDTH)
    assert answers.sort(1).values.tolist() == [[0, 1, 2]] * 6
    assert all((answers == film).sum(0).tolist() == [2, 2, 2] for film in range(3))
    centres = torch.stack([film.mean((0, 1)) for film in films.features])
    shown = torch.cdist(clips.mean(2), centres[None]).argmin(-1)
    first, last = answers[:, :1], answers[:, 1:2]
    assert torch.equal(shown, torch.cat([first, first, last, last], dim=1))


def test_only_answers_are_learned(films):
    batch = sight.batch_of(films, torch.tensor([[2, 0, 1]]))
    assert batch["input_ids"].tolist() == [[1, 2, 7, 1, 3, 5, 4, 6]]
    assert batch["question_ids"].tolist() == [[0, 0, 0, 1, 1, 1, 2, 2]]
    x = IGNORE
    assert batch["labels"].tolist() == [[x, x, 7, x, x, 5, x, 6]]


def test_a_model_that_learns_to_see_passes_and_a_blind_one_fails(films, blank):
    torch.manual_seed(0)
    model = VideoVLM(make_config("mini", "mini-15k"))
    rng = np.random.default_rng(0)
    blind = sight.accuracies(model.eval(), films, blank, (4, 1), 2, rng)
    assert blind.loc["blanked"].tolist() == pytest.approx([sight.CHANCE] * 3)
    assert any(fault.startswith("right frames") for fault in sight.faults_of(blind))

    stage = Stage(6, 3e-3, 5e-3, 0.0, 5e-3)
    losses = sight.learn(model, films, stage, (4, 1), 300, rng)
    assert losses[-1] < 0.5 * losses[0]
    seen = sight.accuracies(model, films, blank, (4, 1), 8, rng)
    assert sight.faults_of(seen) == [], seen


def test_each_sign_of_blindness_is_named():
    columns, third = list(sight.QUESTIONS), [sight.CHANCE] * 3
    sees = {"right": [1, 1, 1], "shuffled": [0.5, 0.5, 1], "reversed": [0, 0, 1], "blanked": third}
    for row, values, fault in (
        ("right", [0.6, 1, 1], "right frames"),
        ("shuffled", [1, 1, 1], "shuffled frames: the order"),
        ("reversed", [0, 0, 0.5], "without order"),
        ("blanked", [1, 1, 1], "blind guess"),
    ):
        table = pd.DataFrame.from_dict(sees | {row: values}, orient="index", columns=columns)
        assert [fault in found for found in sight.faults_of(table)] == [True], row
