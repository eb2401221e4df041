"""The mini sweep's plan holds what the analysis needs."""

import importlib
import re

import numpy as np
import pytest

from vvlm_utils.cost.equation import FACTORS, VisionTower
from vvlm_utils.experiment.mini import design as plan
from vvlm_utils.runs.designs import budget_gap
from vvlm_utils.runs.sources import read_source

DESIGNS = plan.mini_designs()
RUNS = plan.mini_runs()


def levels(table, factor):
    return set(table[factor])


def test_the_star_varies_every_factor_alone():
    star = DESIGNS[DESIGNS["sweep"] == "star"]
    away = sum((star[name] != plan.CENTRE[name]).astype(int) for name in FACTORS)
    assert away.max() == 1
    assert {name: len(levels(star, name)) for name in FACTORS} == dict.fromkeys(FACTORS, 5)
    assert len(levels(star, "train_examples")) >= 3
    span = star["lm_params"].max() / star["lm_params"].min()
    assert span >= 20


def test_isoflop_curves_keep_their_budget():
    curves = DESIGNS[DESIGNS["sweep"] == "isoflop"]
    assert curves.groupby("target_tflops").size().min() >= 8
    assert curves["target_tflops"].nunique() == 4
    assert budget_gap(curves, plan.mini_flops).abs().max() <= plan.TOLERANCE
    star = DESIGNS[DESIGNS["sweep"] == "star"]
    assert levels(curves, "train_examples") == {2 * star["train_examples"].max()}


def test_some_designs_lie_on_neither():
    other = DESIGNS[DESIGNS["sweep"] == "other"]
    assert len(other) >= 10 and len(DESIGNS) >= 80
    away = sum((other[name] != plan.CENTRE[name]).astype(int) for name in FACTORS)
    assert away.min() >= 2


def test_every_design_has_three_draws_and_two_have_more_seeds():
    first = RUNS[RUNS["seed"] == RUNS["draw"]]
    assert (first.groupby("run_id")["draw"].nunique() == 3).all()
    assert not RUNS.duplicated(["run_id", "draw", "seed"]).any()
    seeds = RUNS[RUNS["draw"] == 0].groupby("run_id")["seed"].nunique()
    assert (seeds >= 3).sum() == 2


def test_the_plan_is_the_same_every_time():
    np.testing.assert_array_equal(RUNS["run_id"], plan.mini_runs()["run_id"])


@pytest.mark.parametrize("name", plan.SWEEPS)
def test_no_run_wants_more_clips_than_there_are(name):
    sweep = plan.SWEEPS[name]
    assert sweep.plan()["train_examples"].max() <= sweep.counts["train"]


@pytest.mark.parametrize(
    ("module", "words", "hint"),
    [
        ("sweep", ["run", "mini-1b", "0"], "choose among mini-7k 0"),
        ("stages", ["features", "training"], "choose among train"),
        ("stages", ["decoder", "mini-1b"], "choose among mini-7k"),
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
