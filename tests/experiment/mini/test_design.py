"""The mini sweep's plan holds what the analysis needs."""

import importlib
import re
import sys

import numpy as np
import pytest

from vvlm_utils.cost.equation import FACTORS, VisionTower
from vvlm_utils.experiment.mini import design as plan
from vvlm_utils.experiment.mini import kept, sweeps
from vvlm_utils.runs.designs import budget_gap
from vvlm_utils.runs.sources import read_source

DESIGNS, HELD_OUT = plan.mini_designs(), plan.held_out_designs()
RUNS = plan.mini_runs()
STAR, CURVES = (DESIGNS[DESIGNS["sweep"] == name] for name in ("star", "isoflop"))


def levels(table, factor):
    return set(table[factor])


def away(table):
    """How many factors differ from the star's centre."""
    return sum((table[name] != plan.CENTRE[name]).astype(int) for name in FACTORS)


def test_the_star_varies_every_factor_alone():
    assert away(STAR).max() == 1
    for name in FACTORS:
        assert levels(STAR, name) == set(plan.LEVELS[name])
    assert len(levels(STAR, "lm_params")) == 6
    for name, span in (("lm_params", 100), ("frames", 16), ("train_examples", 16)):
        assert STAR[name].max() / STAR[name].min() >= span


def test_no_design_stands_in_both_sweeps():
    assert not DESIGNS.duplicated([*FACTORS, "train_examples"]).any()


def test_isoflop_curves_keep_their_budget():
    assert CURVES.groupby(["target_tflops", "train_examples"]).size().min() >= 8
    assert budget_gap(CURVES, plan.mini_flops).abs().max() <= plan.TOLERANCE


def test_sweep_and_training_set_size_are_not_confounded():
    assert len(levels(CURVES, "train_examples")) == 2
    assert levels(CURVES, "train_examples") < levels(STAR, "train_examples")
    by_n = [set(map(tuple, part[list(FACTORS)].to_numpy())) for _, part in
            CURVES.groupby("train_examples")]  # fmt: skip
    assert by_n[0] == by_n[1]
    assert plan.CENTRE["lm_params"] in levels(CURVES, "lm_params")


def test_held_out_designs_lie_on_neither_sweep_or_have_a_larger_decoder():
    larger = HELD_OUT["lm_params"] > DESIGNS["lm_params"].max()
    assert (away(HELD_OUT[~larger]) >= 2).all() and (~larger).sum() >= 10 and larger.sum() >= 5
    known = set(map(tuple, DESIGNS[list(FACTORS)].to_numpy(float)))
    assert not known & set(map(tuple, HELD_OUT[list(FACTORS)].to_numpy(float)))
    assert levels(HELD_OUT, "train_examples") <= set(plan.EXAMPLES)


def test_the_centres_decoder_has_seven_draws_and_every_other_four():
    for runs in (RUNS, plan.held_out_runs()):
        first = runs[runs["seed"] == runs["draw"]]
        draws = first.groupby("run_id")["draw"].nunique()
        centre = first.groupby("run_id")["lm_params"].first() == plan.CENTRE["lm_params"]
        assert (draws[centre] == 7).all() and (draws[~centre] == 4).all()
        assert not runs.duplicated(["run_id", "draw", "seed"]).any()
        assert runs["draw"].is_monotonic_increasing  # a sweep that is cut off has complete draws
    seeds = RUNS[RUNS["draw"] == 0].groupby("run_id")["seed"].nunique()
    assert (seeds >= 3).sum() == 2


def test_what_is_served_elsewhere_has_its_own_runs_beside_it():
    own = STAR[(away(STAR) == 0) | (STAR["frames"] != plan.CENTRE["frames"])]
    own = own[own["train_examples"] == plan.EXAMPLES[-1]]
    assert set(plan.SERVED) <= levels(own, "frames") and plan.SERVE_TUNED in plan.SERVED
    assert max(plan.SERVED) >= 8 * plan.SERVE_TUNED
    assert len(sweeps.SWEEPS["mini"].served) == 7


def test_held_out_runs_wait_for_their_predictions(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "PREDICTIONS", tmp_path / "predictions.csv")
    with pytest.raises(ValueError, match="predictions.csv is not there; write and commit the laws"):
        sweeps.choose_sweep("held-out")
    sweeps.PREDICTIONS.touch()
    chosen, mini = sweeps.choose_sweep("held-out"), sweeps.SWEEPS["mini"]
    assert chosen.recipe_hash() == mini.recipe_hash() and chosen.root == mini.root
    assert not set(kept.run_keys(chosen.plan())) & set(kept.run_keys(mini.plan()))
    assert chosen.table != mini.table  # no law is fitted to what is held out


def test_designs_that_were_run_are_not_predicted_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweeps, "HELD_OUT", tmp_path / "held_out.csv")
    monkeypatch.setattr(sys, "argv", ["sweeps", "--held-out", str(tmp_path / "designs.csv")])
    sweeps.main()
    assert (tmp_path / "designs.csv").read_text().count("\n") == 1 + len(HELD_OUT)
    sweeps.HELD_OUT.touch()
    with pytest.raises(SystemExit):
        sweeps.main()
    assert "held_out.csv holds runs already" in capsys.readouterr().err


def test_the_plan_is_the_same_every_time():
    np.testing.assert_array_equal(RUNS["run_id"], plan.mini_runs()["run_id"])


@pytest.mark.parametrize("name", sweeps.SWEEPS)
def test_no_run_wants_more_clips_than_there_are(name):
    sweep = sweeps.SWEEPS[name]
    assert sweep.plan()["train_examples"].max() <= sweep.counts["train"]


@pytest.mark.parametrize(
    ("module", "words", "hint"),
    [
        ("sweep", ["run", "mini-1b", "0"], "choose among mini-2k 0"),
        ("stages", ["features", "training"], "choose among train"),
        ("stages", ["decoder", "mini-1b"], "choose among mini-2k"),
    ],
)
def test_a_stage_that_is_not_there_is_refused(module, words, hint, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [module, *words])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"vvlm_utils.experiment.mini.{module}").main()
    assert ended.value.code not in (0, None)
    assert re.search(hint, f"{ended.value}{capsys.readouterr().err}")


def test_the_published_table_names_the_tower_that_the_plan_prices():
    source = read_source("mini")
    assert plan.TOWER == VisionTower(source.tower_params, source.features_per_frame)
