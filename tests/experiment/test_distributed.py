"""Many processes: accelerate's launcher on the CPU, and a cluster's profile."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vvlm_utils.experiment import finetune
from vvlm_utils.experiment.presets import MINI
from vvlm_utils.experiment.stages import clip_dataset, load_decoder

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
import torch
from accelerate import PartialState
from accelerate.state import AcceleratorState
from vvlm_utils.experiment import finetune, stages
from vvlm_utils.experiment.plan import SWEEPS
from vvlm_utils.experiment.presets import MINI

root, folder, counts = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(1)
sweep = replace(SWEEPS["tiny"], root=root, counts=counts)
model = stages.load_decoder("mini-7k", 0, sweep)
data = stages.clip_dataset("train", sweep, 2, 4)
report = finetune.train_stage(model, data, MINI.finetune, folder, 0)
if PartialState().is_main_process:
    report |= {"processes": PartialState().num_processes}
    report |= {"kind": str(AcceleratorState().distributed_type)}
    (folder / "report.json").write_text(json.dumps(report))
"""
LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no"]
LAUNCH += [
    "--multi_gpu"
]  # its launcher starts processes; ACCELERATE_USE_CPU gives them CPUs and gloo


def launch(tiny, folder: Path) -> dict:
    script = folder / "train.py"
    script.write_text(SCRIPT)
    arguments = [str(script), str(tiny.root), str(folder), json.dumps(tiny.counts)]
    ended = subprocess.run(
        [*LAUNCH, "--num_processes", "2", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads((folder / "report.json").read_text())


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(tiny, tmp_path):
    data = clip_dataset("train", tiny, frames=2, tokens_per_frame=4)
    model = load_decoder("mini-7k", 0, tiny)
    alone = finetune.train_stage(model, data, MINI.finetune, tmp_path / "one", 0)
    together = launch(tiny, tmp_path)
    assert together["processes"] == 2 and together["steps"] == alone["steps"]
    assert together["kind"].endswith("MULTI_CPU")  # accelerate shards on accelerators only
    for one, two in zip(alone["curve"], together["curve"], strict=True):
        assert two["step"] == one["step"]
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)


@pytest.mark.parametrize(("processes", "accumulate"), [(3, 1), (16, 1), (2, 8)])
def test_a_batch_that_does_not_divide_is_refused(processes, accumulate):
    with pytest.raises(ValueError, match=f"batch 8 does not divide into {processes} processes"):
        finetune.split_batch(8, processes, accumulate)


def test_the_slurm_profile_plans_the_whole_sweep_with_gpus(tmp_path):
    for name in ("Snakefile", "_toc.yml", "notebooks", "params", "vvlm_utils", "profiles"):
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "snakemake", "sweep", "--profile", "profiles/slurm"]
    command += ["--dry-run", "--config", "sweep=mini", "table=mine.csv"]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    said = ended.stdout + ended.stderr
    counts = dict(re.findall(r"^(tower|features|decoder|runs)\s+(\d+)$", said, re.M))
    assert counts == {"tower": "1", "features": "3", "decoder": "15", "runs": "15"}
    assert said.count("gpu=1") == 1 + 3 + 15 + 15
    assert "slurm_partition=gpu" in said
