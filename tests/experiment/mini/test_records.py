"""The runs that chapters replay: complete, and of the clips and rules that the code has."""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.chapters import replayed
from vvlm_utils.cost import FACTORS
from vvlm_utils.experiment.data.clips import draw_clip, questions_of
from vvlm_utils.experiment.data.video import read_video, write_video
from vvlm_utils.experiment.mini import design as plan
from vvlm_utils.experiment.mini import live, records, replays, scores, sweeps
from vvlm_utils.experiment.mini.replays import PICTURES, kept_runs, read_kept
from vvlm_utils.experiment.mini.stages import load_decoder
from vvlm_utils.experiment.world.questions import FAMILIES
from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.runs import load_runs

WEIGHTS = DATA_FOLDER / "weights"
KEPT_LMS = sorted(folder.name.removesuffix("-0") for folder in WEIGHTS.glob("mini-*-0"))


def test_every_run_that_the_plan_keeps_is_kept_and_no_other():
    assert set(kept_runs()) == set(live.runs_to_keep())
    assert replayed.KEPT == [asdict(run) for run in kept_runs()]
    assert {run.lm for run in kept_runs()} == set(KEPT_LMS)


@pytest.mark.parametrize("run", kept_runs(), ids=replays.name_of)
def test_a_kept_record_is_that_of_its_answers(run):
    record, answers = read_kept(run)
    assert record.status == "evaluated" and len(answers) == 1024 * len(FAMILIES)
    metrics = scores.summarise(answers)["metric"]
    for name, found in record.stages["evaluate"]["metrics"].items():
        assert found["metric"] == pytest.approx(metrics[name], abs=1e-4)
    assert record.counts["flops_per_video"] == plan.mini_exact_flops(
        record.lm_params, record.frames, record.tokens_per_frame
    )


def test_kept_runs_score_what_the_sweep_scored():
    key = [*FACTORS, "train_examples", "draw", "seed"]
    swept = load_runs("mini").set_index(key)["metric"]
    found = 0
    for record in (read_kept(run)[0] for run in kept_runs()):
        same = swept.get(tuple(getattr(record, name) for name in key))
        if same is not None:
            metrics = record.stages["evaluate"]["metrics"]
            assert metrics["avg"]["metric"] == pytest.approx(float(same), abs=0.01)
            found += 1
    assert found >= 15


def test_the_kept_pictures_are_what_the_world_draws_and_a_file_gives_back(tmp_path):
    with np.load(PICTURES) as kept:
        frames, index = kept["frames"], json.loads(str(kept["index"]))
    for number in (0, 5):
        _, asked, clip = draw_clip("test", 0, number)
        write_video(clip, tmp_path / "clip.mp4", 2)
        assert np.array_equal(read_video(tmp_path / "clip.mp4"), frames[number])
        assert [q.answer for q in questions_of(index[number])] == [q.answer for q in asked]


def test_a_run_that_is_not_kept_is_refused_with_the_way_out():
    with pytest.raises(records.RecordError, match="no such run is kept; set mode = train"):
        read_kept(replace(live.DEFAULT, frames=3))


def test_what_is_kept_is_read_back_and_other_questions_are_refused(tmp_path):
    record, answers = read_kept(live.DEFAULT)
    replays.keep_run(record, answers, tmp_path)
    again = read_kept(live.DEFAULT, tmp_path)
    assert again[0] == record and again[1].equals(answers)
    assert kept_runs(tmp_path) == [live.DEFAULT]
    with pytest.raises(records.RecordError, match="other questions than the run's"):
        replays.keep_run(record, answers.iloc[::-1].reset_index(drop=True), tmp_path)
    short = tmp_path / "questions.csv.gz"
    records.write_table(answers.iloc[:5][["clip", "family", "level", "answer"]], short)
    with pytest.raises(records.RecordError, match="8192 answers to 5 questions; keep it again"):
        read_kept(live.DEFAULT, tmp_path)


def test_a_run_that_is_kept_is_not_made_again(tmp_path, monkeypatch):
    shutil.copytree(replays.KEPT, tmp_path / "kept")
    monkeypatch.setattr(live, "train_here", lambda run: pytest.fail(f"{run} is trained"))
    live.keep(folder=tmp_path / "kept")


@pytest.mark.parametrize("lm", KEPT_LMS)
def test_the_kept_weights_load_and_belong_to_the_recipe(lm):
    model = load_decoder(lm, 0, sweeps.SWEEPS["live"])
    assert model.config.lm == lm
    note = json.loads((WEIGHTS / f"{lm}-0" / "recipe.json").read_text())
    assert note["recipe"]["steps"] == sweeps.SWEEPS["mini"].recipe.steps


def test_a_live_run_trains_then_evaluates(tiny, tmp_path):
    run = plan.Run("mini-7k", 2, 4, 16)
    sweep = replace(tiny, root=tmp_path, weights=tiny.weights_folder)
    (tmp_path / "clips").symlink_to(tiny.root / "clips")
    first = "no such record; first run .*03_finetune.ipynb -p mode train -p lm mini-7k -p frames 2 "
    with pytest.raises(records.RecordError, match=first):
        live.evaluate_here(run, sweep)
    trained = live.train_here(run, sweep)
    assert trained.status == "trained" and {"align", "finetune"} == set(trained.stages)
    assert trained.counts["matmul_flops_per_second"] > 1e8
    record, answers = live.evaluate_here(run, sweep)
    assert record.status == "evaluated" and len(answers) == 8 * tiny.counts["test"]


def test_difficulty_groups_hold_every_answer_once():
    rng = np.random.default_rng(0)
    answers = pd.DataFrame(
        {
            "family": np.repeat(FAMILIES, 40),
            "level": rng.integers(1, 7, 40 * len(FAMILIES)).astype(float),
            "correct": rng.random(40 * len(FAMILIES)) < 0.5,
        }
    )
    levels = scores.by_level(answers, groups=4)
    assert levels.groupby("family")["count"].sum().unique().tolist() == [40]
    wrong = (levels["error"] * levels["count"]).sum() / levels["count"].sum()
    assert wrong == pytest.approx(100 * (1 - answers["correct"].mean()))
    for _, part in levels.groupby("family"):
        assert part["level"].is_monotonic_increasing


def test_the_same_answers_are_the_same_bytes(tmp_path):
    _, answers = read_kept(live.DEFAULT)
    for name in ("one", "two"):
        records.write_answers(answers, tmp_path / f"{name}.json")
    first, second = sorted(tmp_path.glob("*.csv.gz"))
    assert first.read_bytes() == second.read_bytes()
    pd.testing.assert_frame_equal(records.read_answers(tmp_path / "one.json"), answers)
