"""Simulated tables are like the real one, and a band is scored as the package states it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.frontier.elasticities import elasticity
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.bootstrap import design_names
from vvlm_utils.laws.forms import LAWS, make_law
from vvlm_utils.laws.recommendation import RECOMMENDED
from vvlm_utils.runs.table import load_runs
from vvlm_utils.studies.coverage import (
    BEST,
    DESIGNS,
    ELASTICITIES,
    ELASTICITY,
    FRONTIERS,
    Answers,
    ask,
    bands,
    coverage,
    level_that_holds,
    load_coverage,
    score_table,
    study,
)
from vvlm_utils.studies.truths import fit_model, known_law, simulate, table_rng

RUNS = load_runs("paper")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def truth():
    return known_law(LAWS["add"], RUNS, rng())


@pytest.fixture(scope="module")
def bagged(truth):
    return bag(truth.law, simulate(truth, rng(1)), rng=rng(2), resamples=10)


@pytest.fixture(scope="module")
def answers(truth, bagged):
    return ask(truth, bagged)


def test_the_noise_is_the_residual_scale_with_the_spent_parameters_taken_off(truth):
    residual = np.log(RUNS["error"] / truth.fit.predict(RUNS))
    # add has 9 parameters, none at a bound; 87 runs leave 78 degrees of freedom
    assert truth.noise == pytest.approx(np.sqrt((residual**2).sum() / 78), rel=1e-6)


def test_a_simulated_table_has_the_same_designs_and_fresh_noise_of_that_size(truth):
    table = simulate(truth, rng(3))
    pd.testing.assert_frame_equal(
        table.drop(columns=["metric", "error"]), truth.runs.drop(columns=["metric", "error"])
    )
    np.testing.assert_allclose(table["metric"] + table["error"], 100)
    drawn = [np.log(simulate(truth, rng(i))["error"] / truth.fit.predict(RUNS)) for i in range(60)]
    # 60 x 87 draws: the SD is known to 1%, the mean to 1.4% of the SD
    assert np.std(drawn) == pytest.approx(truth.noise, rel=0.04)
    assert abs(np.mean(drawn)) < 0.06 * truth.noise


def test_a_table_depends_on_its_seed_law_and_number_alone(truth):
    first = simulate(truth, table_rng(0, truth, 7))
    simulate(truth, table_rng(0, truth, 8))
    pd.testing.assert_frame_equal(first, simulate(truth, table_rng(0, truth, 7)))
    others = [table_rng(1, truth, 7), table_rng(0, truth, 8), table_rng(0, truth, 7, "rows")]
    assert all((first["error"] != simulate(truth, other)["error"]).all() for other in others)


def test_the_same_table_is_scored_the_same_whatever_came_before(truth):
    together = study(truth, [0, 1], ["dirichlet"], resamples=3)
    alone = score_table(truth, 0, 1, "dirichlet", resamples=3)
    second = together[together["table"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(second, alone)


def test_the_scored_bands_are_those_that_the_package_states(truth, bagged, answers):
    table = bands(answers, 0.8)
    errors = table[table["quantity"] == "error"]
    np.testing.assert_allclose(errors[["low", "high"]].T, bagged.interval(DESIGNS, 0.8))
    np.testing.assert_allclose(errors["value"], bagged.predict(DESIGNS))
    np.testing.assert_allclose(errors["truth"], truth.fit.predict(DESIGNS))
    stated = pd.concat(
        [solve(bagged, Question(a.budgets, a.train_examples, a.space)).table() for a in FRONTIERS]
    )
    best = pd.concat(
        [
            solve(truth.fit, Question(a.budgets, a.train_examples, a.space)).table()
            for a in FRONTIERS
        ]
    )
    names = {"x_N": "lm_params", "x_T": "frames", "x_V": "tokens"}
    for name, column in names.items():
        rows, factor = (
            table[table["quantity"] == name],
            column.replace("tokens", "tokens_per_frame"),
        )
        np.testing.assert_array_equal(rows["value"], stated[factor])
        np.testing.assert_array_equal(rows["low"], stated[f"{column}_low"])
        np.testing.assert_array_equal(rows["high"], stated[f"{column}_high"])
        np.testing.assert_array_equal(rows["truth"], best[factor])
    reached = table[table["quantity"] == "error at x*"]
    np.testing.assert_allclose(reached["low"], stated["error_low"])
    np.testing.assert_allclose(reached["high"], stated["error_high"])
    np.testing.assert_allclose(reached["truth"], truth.fit.predict(stated))
    regret = table[table["quantity"] == "regret"]
    np.testing.assert_allclose(regret["high"], stated["regret_high"], atol=1e-12)
    np.testing.assert_allclose(regret["value"], stated["regret"], atol=1e-12)
    np.testing.assert_allclose(
        regret["truth"], reached["truth"].to_numpy() - best["error"].to_numpy(), atol=1e-12
    )
    moves = elasticity(bagged, **ELASTICITY)
    rows = table[table["quantity"].isin(ELASTICITIES)]
    np.testing.assert_allclose(rows[["value", "low", "high"]], moves)
    np.testing.assert_array_equal(rows["truth"], 0)  # the frontier of add does not move with n


def test_bands_of_the_truth_itself_always_hold(truth):
    from vvlm_utils.laws.bagging import as_bag

    sure = bands(ask(truth, as_bag(truth.fit)), 0.8)
    np.testing.assert_allclose(sure["value"], sure["truth"], atol=1e-12)
    np.testing.assert_allclose(sure["high"], sure["truth"], atol=1e-12)


def test_normal_members_around_a_normal_estimate_are_covered_as_stated():
    # 200 estimates of 0 with SD 1, each with 400 members of SD 1 around it: 80% bands hold 80%.
    draw = rng(5)
    parts = []
    for i in range(200):
        centre, answers = draw.normal(), Answers()
        answers.add("error", "inside", "x", 0.0, centre, centre + draw.normal(size=400))
        table = bands(answers, 0.8)
        holds = table["low"].le(0) & table["high"].ge(0)
        names = {"truth_law": "normal", "resampling": "rows", "table": i, "band": "percentile"}
        parts.append(table.assign(holds=holds, **names))
    rates = coverage(pd.concat(parts)).set_index("at")
    assert rates.loc["x", "coverage"] == pytest.approx(0.8, abs=0.085)  # three SE of 0.028
    assert rates.loc["x", "se"] == pytest.approx(0.028, abs=0.004)
    assert rates.loc["all", "coverage"] == rates.loc["x", "coverage"]
    assert rates.loc["x", "width"] == pytest.approx(2 * 1.2816, rel=0.05)
    missed = rates.loc["x", ["too_low", "too_high"]].sum()
    assert missed == pytest.approx(1 - rates.loc["x", "coverage"])


def test_expanded_bands_hold_the_percentile_bands(truth):
    scored = score_table(truth, 0, 2, "rows", resamples=20)
    kinds = {kind: part.reset_index() for kind, part in scored.groupby("band")}
    assert (kinds["expanded"]["low"] <= kinds["percentile"]["low"]).all()
    assert (kinds["expanded"]["high"] >= kinds["percentile"]["high"]).all()
    assert (kinds["expanded"]["holds"] >= kinds["percentile"]["holds"]).all()
    assert set(scored["quantity"]) == {
        "error", *BEST, "error at x*", "regret", "regret within epsilon", *ELASTICITIES
    }  # fmt: skip


def test_a_law_that_spends_every_run_has_no_noise_to_give():
    frames, n = np.array([4, 8, 16, 32, 8.0]), np.array([1, 1, 1, 1, 0.25]) * 1e6
    error = 30 + 40 * frames**-0.8 + 5 * (n / 1e6) ** -0.5
    few = pd.DataFrame({"frames": frames, "train_examples": n, "error": error})
    law = make_law("add", ["frames"])  # alpha, xi, eps, a, d: 5 parameters
    with pytest.raises(ValueError, match="5 runs leave no degree of freedom to law 'add'"):
        known_law(law, few, rng())


def test_shared_noise_is_common_to_a_design_and_as_large_as_before(truth):
    shared = replace(truth, shared=0.6)
    names = design_names(RUNS)
    several = [np.flatnonzero(names == n) for n in np.unique(names) if (names == n).sum() > 1]
    noise = np.array(
        [np.log(simulate(shared, rng(k))["error"] / truth.fit.predict(RUNS)) for k in range(400)]
    )
    together = np.mean([np.corrcoef(noise[:, i[0]], noise[:, i[1]])[0, 1] for i in several])
    assert together == pytest.approx(0.6, abs=0.03)
    assert noise.std() == pytest.approx(truth.noise, rel=0.03)


def test_an_lm_effect_moves_all_runs_of_a_size_alike(truth):
    silent = replace(truth, noise=1e-12, lm_effect=0.05)
    moved = np.log(simulate(silent, rng(5))["error"] / truth.fit.predict(RUNS))
    by_size = moved.groupby(RUNS["lm_params"])
    assert (by_size.std() < 1e-9).all() and by_size.mean().std() > 0.005


def test_the_model_that_is_scored_need_not_know_the_truth(truth):
    table = simulate(truth, rng(1))
    assert fit_model(truth, table, "recommended", 4, rng()).names == RECOMMENDED
    assert fit_model(truth, table, "paper law", 2, rng()).law.name == "add-interact"
    assert fit_model(truth, table, "designs", 2, rng()).law.name == "add"


def test_truths_have_names_of_their_own_and_streams_too(truth):
    other = replace(truth, name="add, again")
    one, two = (simulate(t, table_rng(0, t, 1))["error"] for t in (truth, other))
    assert other.title == "add, again" and not np.allclose(one, two)
    with pytest.raises(ValueError, match="shared must be a share of the noise, got 2"):
        replace(truth, shared=2)
    with pytest.raises(ValueError, match="model must be one of .*got 'all'"):
        load_coverage("all")


def test_the_level_that_holds_is_the_least_that_does_under_every_truth():
    kept = pd.DataFrame(
        {
            "truth_law": ["add", "add", "mult", "mult"],
            "level": [0.8, 0.9, 0.8, 0.9],
            "coverage": [0.9, 1.0, 0.6, 0.85],
        }
    ).assign(quantity="e_N", at="all", band="percentile")
    assert level_that_holds(kept, "e_N") == 0.9
    assert level_that_holds(kept, "e_N", without=["mult"]) == 0.8
    assert np.isnan(level_that_holds(kept, "e_N", wanted=0.95))
    with pytest.raises(ValueError, match="no band of 'e_X'"):
        level_that_holds(kept, "e_X")
