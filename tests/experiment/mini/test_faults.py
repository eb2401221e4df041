"""What a sweep must survive: kills, a full disk, damaged files, a loss that is no number."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from vvlm_utils.experiment.data.video import VideoError
from vvlm_utils.experiment.mini import design as plan
from vvlm_utils.experiment.mini import records, run, stages, sweep
from vvlm_utils.experiment.mini.stages import clip_dataset, load_decoder, make_split, split_features
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.train import checkpoints, finetune

ROOT = Path(__file__).parents[3]
RUN = plan.Run("mini-7k", frames=2, tokens_per_frame=4, train_examples=16)
SCORES = ["run_id", "task", "metric", "metric_se", "seed", "draw", "blind", "recipe"]


@pytest.fixture
def elsewhere(tiny, tmp_path):
    """The tiny sweep with its weights, clips and features, and with no run done."""
    for name in ("clips", "cache"):
        (tmp_path / name).symlink_to(tiny.root / name)
    return replace(tiny, root=tmp_path, weights=tiny.weights_folder, table=tmp_path / "runs.csv")


def start_driver(folder: Path) -> subprocess.Popen:
    """`snakemake sweep` of the tiny sweep, in a folder of its own."""
    for name in ("Snakefile", "_toc.yml", "notebooks", "params", "vvlm_utils"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "snakemake", "sweep", "--config", "sweep=tiny"]
    command += ["--cores", "1", "--nolock", "--rerun-incomplete", "--keep-going", "--quiet", "all"]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_after(landmark: Path, driver: subprocess.Popen, delay: float) -> None:
    """Kill a driver and all that it started, some time after a path appears."""
    while not landmark.exists():
        assert driver.poll() is None
        time.sleep(0.02)
    time.sleep(delay)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()


@pytest.mark.long
def test_a_sweep_killed_twice_ends_in_the_table_of_an_undisturbed_one(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    assert start_driver(whole).wait() == 0
    rng, table = random.Random(time.time_ns()), Path("_build/tiny/runs.csv")
    for landmark in ("_build/tiny/weights/tower", "_build/tiny/runs/test"):
        kill_after(cut / landmark, start_driver(cut), 4 * rng.random())
        assert not (cut / table).exists()
    assert start_driver(cut).wait() == 0
    first, second = (pd.read_csv(folder / table) for folder in (whole, cut))
    assert first["run_id"].nunique() == 6 and len(first) == 54
    pd.testing.assert_frame_equal(first[SCORES], second[SCORES])


def test_a_loss_that_is_no_number_fails_one_run_alone(elsewhere, monkeypatch):
    planned = elsewhere.plan()
    two = planned[planned["lm"] == "mini-7k"].iloc[[0, 2]].assign(train_examples=[8, 16])
    two["run_id"] = ["first", "second"]
    other, real = replace(elsewhere, plan=lambda: two), finetune.train_stage

    def poisoned(model, data, *rest):
        if len(data) == 8:
            with torch.no_grad():
                model.projector[0].weight.fill_(float("nan"))
        return real(model, data, *rest)

    monkeypatch.setattr(finetune, "train_stage", poisoned)
    made = sweep.run_group(two, other)
    assert [record.status for record in made] == ["failed", "evaluated"]
    assert "loss is nan at step 0" in made[0].reason
    assert list(sweep.gather(two, other)["run_id"].unique()) == ["second"]
    monkeypatch.undo()
    assert [record.status for record in sweep.run_group(two, other)] == ["evaluated"]
    assert list(sweep.gather(two, other)["run_id"].unique()) == ["first", "second"]


def test_a_full_disk_under_a_record_fails_one_run_alone(elsewhere):
    path = sweep.record_path(RUN, elsewhere)
    path.parent.mkdir(parents=True)
    full = path.with_name(path.name + ".part")
    full.symlink_to("/dev/full")
    record = sweep.do_run(RUN, elsewhere)
    assert record.status == "failed" and "No space left" in record.reason
    assert sweep.find_record(RUN, elsewhere) is None
    full.unlink()
    assert sweep.do_run(RUN, elsewhere).status == "evaluated"
    assert not list(path.parent.glob("*.part"))


FULL_DISK = """
import resource
from dataclasses import replace
from pathlib import Path
from vvlm_utils.experiment.train import finetune
from vvlm_utils.experiment.mini import stages
from vvlm_utils.experiment.mini.design import SWEEPS
from vvlm_utils.experiment.model.presets import MINI, Recipe
sweep = replace(SWEEPS["tiny"], root=Path({root!r}), counts={counts!r})
model = stages.load_decoder("mini-7k", 0, sweep)
data = stages.clip_dataset("train", sweep, 2, 4)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    finetune.train_stage(model, data, MINI.finetune, Path({folder!r}), 0, 1)
except finetune.TrainingFailed as failure:
    print("refused:", failure)
"""


@pytest.mark.parametrize("limit", [50_000, 500_000], ids=["weights", "optimizer"])
def test_a_full_disk_under_a_checkpoint_says_what_to_do(tiny, tmp_path, limit):
    folder = tmp_path / "run"
    script = FULL_DISK.format(
        root=str(tiny.root), counts=tiny.counts, folder=str(folder), limit=limit
    )
    python = [sys.executable, "-c", script]
    ended = subprocess.run(python, capture_output=True, text=True, cwd=ROOT)
    assert "refused: a checkpoint could not be written" in ended.stdout, ended.stderr[-2000:]
    assert checkpoints.last_whole(folder) is None and not list(folder.glob("checkpoint-*"))


def test_a_damaged_checkpoint_is_left_out(tiny, tmp_path, capsys):
    data = clip_dataset("train", tiny, frames=2, tokens_per_frame=4)
    finetune.train_stage(load_decoder("mini-7k", 0, tiny), data, MINI.finetune, tmp_path, 0, 1)
    early, late = sorted(tmp_path.glob("checkpoint-*"))
    weights = late / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert checkpoints.last_whole(tmp_path) == early
    assert f"{late} is damaged" in capsys.readouterr().out and not late.exists()
    (early / checkpoints.MARK).unlink()
    assert checkpoints.last_whole(tmp_path) is None


def test_damaged_weights_are_named(tiny, tmp_path):
    other = replace(tiny, weights=tmp_path)
    folder = shutil.copytree(tiny.weights_folder / "mini-7k-0", tmp_path / "mini-7k-0")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(stages.WeightsError, match="mini-7k-0: damaged weights .*remove the folder"):
        load_decoder("mini-7k", 0, other)


def test_a_damaged_clip_fails_its_run_until_it_is_mended(elsewhere):
    (elsewhere.root / "clips").unlink(), (elsewhere.root / "cache").unlink()
    clip = make_split("test", elsewhere) / "000003.mp4"
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match=r"000003\.mp4: .*replace the file"):
        split_features("test", elsewhere)
    record = sweep.do_run(RUN, elsewhere)
    assert record.status == "failed" and "000003.mp4" in record.reason
    assert sweep.find_record(RUN, elsewhere).reason == record.reason
    clip.write_bytes(whole)
    assert sweep.do_run(RUN, elsewhere).status == "evaluated"


def test_a_damaged_record_is_refused_by_name(tiny, tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(records.RecordError, match="no such record"):
        records.read_record(path)
    for text, problem in (('{"preset": "mini"', "as JSON"), ("[]", "is no record")):
        path.write_text(text)
        with pytest.raises(records.RecordError, match=problem):
            records.read_record(path)
    path.write_text(json.dumps({"preset": "mini"}))
    with pytest.raises(records.RecordError, match="no whole record"):
        records.read_record(path)
    record = run.new_record(RUN, tiny)
    records.write_record(record, path)
    assert asdict(records.read_record(path)) == json.loads(json.dumps(asdict(record)))
