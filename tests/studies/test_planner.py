"""Strategies compete on equal terms: the same known runs, errors, budget and resamples."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import next_runs as benchmark
from vvlm_utils.advice.next_runs import (
    RUN_COLUMNS,
    candidate_designs,
    plan_runs,
    training_price,
)
from vvlm_utils.frontier.solver import Question
from vvlm_utils.runs.space import Space
from vvlm_utils.runs.table import load_runs
from vvlm_utils.studies import planner as pt

RUNS = load_runs("paper")
QUESTION = replace(pt.QUESTION, budgets=(5e12, 30e12))


@pytest.fixture(scope="module")
def truths():
    return pt.paper_bag(RUNS, seed=1000, resamples=4)


@pytest.fixture(scope="module")
def trial(truths):
    return pt.simulated_trial(RUNS, truths, seed=1000, index=1, resamples=4)


def one(truths, index):
    part = slice(index, index + 1)
    return replace(truths, members=truths.members[part], losses=truths.losses[part])


def test_regret_is_zero_for_the_truth_itself_and_never_negative(truths):
    truth = one(truths, 0)
    assert abs(pt.regret(truth, truth, QUESTION)).max() < 1e-9
    assert (pt.regret(truth, truths, QUESTION) >= -1e-9).all()


def test_runs_in_order_are_bought_as_long_as_they_can_be_paid_for():
    pool = RUNS.head(6)
    price = training_price(pool)
    left = price[0] + price[2] * 1.001
    spent, expected = 0.0, []
    for row in range(6):
        if spent + price[row] <= left:
            spent, expected = spent + price[row], [*expected, row]
    assert pt.in_order(None, pool, QUESTION, left)["run_id"].tolist() == list(
        pool["run_id"].iloc[expected]
    )


def test_no_run_is_bought_twice_and_no_budget_is_passed(truths):
    pool = candidate_designs(QUESTION, (250_000,), values=4)
    pool = pool.assign(error=truths.predict(pool))
    known = RUNS[RUNS["sweep"] == "star"]
    fit = pt.refit([1, 2], resamples=4)
    for choose in (pt.planned(), pt.in_order):
        start = pt.Start(known, pool, choose, (0.25, 1.0))
        steps = [table for _, table, _ in pt.reveal(start, QUESTION, 4e19, fit(known), fit)]
        bought = [table.iloc[len(known) :] for table in steps]
        assert len(bought[0]) == 0 < len(bought[1]) < len(bought[2])
        assert not bought[2].duplicated(RUN_COLUMNS).any()
        assert training_price(bought[1]).sum() <= 1e19
        assert training_price(bought[2]).sum() <= 4e19


def test_a_planner_with_too_little_money_buys_nothing(truths):
    pool = RUNS.head(3)
    assert len(pt.planned()(truths, pool, QUESTION, 1.0)) == 0


def test_strategies_start_from_the_same_bag_and_end_within_the_same_budget(trial):
    start = trial[trial["share"] == 0]
    assert set(start["strategy"]) == {"planner", "random", "cheap"}
    assert start["regret"].nunique() == 1 and (start["train_flops"] == 0).all()
    iso = training_price(RUNS[RUNS["sweep"] == "isoflop"]).sum()
    assert (trial["train_flops"] <= trial["share"] * pt.OF_ISOFLOP * iso).all()
    end = trial[trial["share"] == 1]
    assert set(end["strategy"]) == set(start["strategy"]) and (end["runs"] > 0).all()


def test_a_trial_depends_on_its_seed_and_number_alone(truths, trial):
    again = pt.simulated_trial(RUNS, truths, seed=1000, index=1, resamples=4)
    pd.testing.assert_frame_equal(again, trial)
    other = pt.simulated_trial(RUNS, truths, seed=1000, index=2, resamples=4)
    assert other["regret"].iloc[0] != trial["regret"].iloc[0]


def test_hidden_runs_are_split_without_overlap():
    known, pool, test = pt.split_runs(RUNS, np.random.default_rng(0))
    ids = pd.concat([known, pool, test])["run_id"]
    assert ids.is_unique and len(ids) == len(RUNS)
    assert (len(known), len(pool), len(test)) == (43, 30, 14)


def test_the_star_order_buys_star_runs_first(truths):
    table = pt.hidden_trial(RUNS, truths, seed=1000, index=0, resamples=3)
    assert set(table["strategy"]) == {"planner", "random", "star"}
    last = table[table["share"] == pt.REVEALED[-1]].set_index("strategy")["runs"]
    assert (last > 0).all()


def test_a_tie_is_no_win():
    table = pd.DataFrame(
        {
            "share": 1.0,
            "trial": [0, 0, 1, 1, 2, 2],
            "strategy": ["planner", "random"] * 3,
            "regret": [0.1, 0.2, 0.1, 0.1, 0.3, 0.2],
        }
    )
    assert pt.versus(table, "random", 1)["wins"].tolist() == [True, False, False]


def test_the_benchmark_resumes_from_its_files(tmp_path, truths):
    paths = benchmark.run(tmp_path, RUNS, truths, 1, seed=1000, resamples=3, progress=False)
    assert [path.name for path in paths] == ["simulated-0000.csv", "hidden-0000.csv"]
    marked = pd.read_csv(paths[0]).assign(regret=-7.0)
    marked.to_csv(paths[0], index=False)
    paths[1].unlink()
    benchmark.run(tmp_path, RUNS, truths, 1, seed=1000, resamples=3, progress=False)
    assert (pd.read_csv(paths[0])["regret"] == -7).all() and paths[1].exists()
    shown = benchmark.summary(pd.concat(map(pd.read_csv, paths)))
    assert shown.loc[("simulated", 1.0, "random"), "planner_wins"] == 0  # all tie at -7


def test_the_relative_error_is_a_percentage():
    assert pt.relative_error(np.array([50.0, 40.0]), np.array([51.0, 40.0])) == pytest.approx(1.0)


def test_what_a_plan_leaves_is_what_the_planner_says(truths):
    question = Question((10e12, 50e12), 1e6, Space(lm_params=(1e9, 7.5e9)))
    pool = candidate_designs(question, train_examples=[1e6], values=5)
    plan = plan_runs(truths, pool, question, 3e20)
    left = pt.left_after(truths, plan, question)
    assert np.allclose(left["left"], plan["left"])
    assert np.allclose(left["cumulative_flops"], plan["cumulative_flops"])


def test_means_over_trials_lie_within_two_standard_errors():
    rows = [("a", 0.1, e, 1e18, 4) for e in (1.0, 3.0)] + [("a", 0.3, 2.0, 3e18, 8)] * 2
    table = pd.DataFrame(rows, columns=["strategy", "share", "regret", "train_flops", "runs"])
    found = pt.mean_by_share(table, "regret")
    assert found[["value", "low", "high"]].to_numpy().tolist() == [[2, 0, 4], [2, 2, 2]]
    assert found["runs"].tolist() == [4, 8]
