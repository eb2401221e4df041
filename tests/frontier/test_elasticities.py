"""The elasticity of a law whose optimum is known; compiled walks equal the frontier itself."""

import time
from dataclasses import replace

import numpy as np
import pytest

from vvlm_utils.cost.equation import COSTS, FACTORS
from vvlm_utils.frontier.elasticities import (
    TABLE_10,
    Paths,
    elasticity,
    elasticity_table,
    summarise,
)
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import BaggedLaw, bag
from vvlm_utils.laws.forms import FORMS, LAWS, make_law
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.runs.space import Space
from vvlm_utils.runs.table import load_reference, load_runs

RUNS = load_runs("paper")
BAGS = {form: bag(LAWS[form], RUNS, rng=np.random.default_rng(0), resamples=11) for form in FORMS}
BUDGETS = np.linspace(1e12, 1e14, 25)


def known_law(members: list[list[float]]) -> BaggedLaw:
    """f = alpha / x_T^a + beta x_T^b / n^d + eps, coefficients in counts."""
    law = make_law("add-interact-s", ["frames"])
    assert law.parameters == ("alpha_T", "beta_T", "eps", "a_T", "b_T", "d")
    return BaggedLaw(
        law=law,
        members=np.array(members, dtype=float),
        losses=np.zeros(len(members)),
        options=FitOptions(units={}),
        resampling="rows",
        aggregate="median",
        failed=0,
        rows=0,
        ranges={},
        at_bounds={},
    )


def test_elasticity_of_a_known_optimum():
    """a = b = 1: df/dx = 0 at x = sqrt(alpha / beta) n^(d/2), so the elasticity is d / 2."""
    fine = Space((1e9,), tuple(range(1, 6001)), (1,))
    bagged = known_law([[1e3, 1.0, 1, 1, 1, d] for d in (0.6, 0.8, 1.0)])  # x_T from 300 on
    found = elasticity(
        bagged, fine, budgets=[1e17], train_examples=[2e3, 4e3], step=4e3, form="arc"
    )
    assert found.loc["frames", "low"] == pytest.approx(0.3 + 0.2 * 0.1, abs=2e-3)
    assert found.loc["frames", "high"] == pytest.approx(0.5 - 0.2 * 0.1, abs=2e-3)
    assert (found.loc[["lm_params", "tokens_per_frame"]] == 0).all(axis=None)


def test_the_forward_difference_is_equation_9():
    """With d = 1 and one n: ((n + dn)^(1/2) / n^(1/2) - 1) n / dn."""
    fine = Space((1e9,), tuple(range(1, 6001)), (1,))
    n, step = 4e3, 2e3
    bagged = known_law([[1e3, 1.0, 1, 1, 1, 1.0]])
    found = elasticity(bagged, fine, budgets=[1e17], train_examples=[n], step=step)
    assert found.loc["frames", "value"] == pytest.approx((1.5**0.5 - 1) * n / step, abs=2e-3)


@pytest.mark.parametrize("aggregate", ["median", "mean"])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("form", FORMS)
def test_walks_equal_the_frontier(form, cost, aggregate):
    bagged = BAGS[form].with_aggregate(aggregate)
    space = Space((1e9, 7.5e9, 32e9), (1, 3, 4, 9, 20, 64), (1, 9, 49, 196))
    paths = Paths(bagged, space, COSTS[cost], BUDGETS)
    found = solve(bagged, Question(BUDGETS, 2e6, space, COSTS[cost])).table()
    chosen = paths.values[:, paths(2e6)[0]].T
    np.testing.assert_array_equal(chosen, found[list(FACTORS)].to_numpy())
    one = replace(bagged, members=bagged.members[[4]])
    own = solve(one, Question(BUDGETS, 2e6, space, COSTS[cost])).table()
    np.testing.assert_array_equal(paths.values[:, paths(2e6)[5]].T, own[list(FACTORS)])


@pytest.mark.parametrize("form", ["mult", "add"])
def test_members_without_interaction_do_not_move(form):
    found = elasticity(BAGS[form], budgets=BUDGETS, train_examples=[1e6, 5e6])
    assert (found[["low", "high"]] == 0).all(axis=None)


def test_the_two_forms_weigh_steps_differently():
    grid = {"budgets": BUDGETS, "train_examples": [1e6], "level": 0.5}
    forward = elasticity(BAGS["add-interact"], **grid)
    arc = elasticity(BAGS["add-interact"], form="arc", **grid)
    assert not np.allclose(forward, arc)


def test_table_10_has_the_papers_rows_and_its_main_row_is_the_default():
    printed = load_reference().query("table == 'table10'")["row"]
    assert set(printed) == set(TABLE_10)
    small = {
        "a": {"budgets": 20, "data_sizes": 3},
        "b": {"budgets": 20, "data_sizes": 3, "step": 1e6},
    }
    found = elasticity_table(BAGS["add-interact"], small)
    sizes, budgets = np.linspace(1e6, 10e6, 3), np.linspace(1e12, 1e14, 20)
    for row, step in (("a", 5e6), ("b", 1e6)):
        alone = elasticity(BAGS["add-interact"], budgets=budgets,
                           train_examples=sizes, step=step)  # fmt: skip
        np.testing.assert_allclose(found.loc[row], alone, atol=1e-12)


def test_the_middle_is_the_bags_own_or_the_median_members():
    mean = np.array([[9.0, 1.0, 2.0, 3.0]] * 3)  # the bag's own, then three members
    assert summarise(mean)["value"].tolist() == [9.0] * 3
    medians = summarise(mean, middle="members")
    assert medians["value"].tolist() == [2.0] * 3
    assert medians[["low", "high"]].equals(summarise(mean)[["low", "high"]])


def test_the_main_row_of_table_10_takes_seconds():
    bagged = BAGS["add-interact"]
    large = replace(bagged, members=np.resize(bagged.members, (100, bagged.members.shape[1])))
    start = time.perf_counter()
    elasticity(large)
    assert time.perf_counter() - start < 15


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"form": "log"}, "form must be 'forward' or 'arc', got 'log'"),
        ({"step": 0}, "step must be a positive number of examples, got 0"),
        ({"level": 1}, "level must lie between 0 and 1, got 1"),
        ({"middle": "mean"}, "middle must be 'bag' or 'members', got 'mean'"),
        ({"budgets": [1e9]}, "buys no design: the cheapest costs"),
        ({"train_examples": [-1]}, "train_examples must be a number from 1 to 1e.12, got -1"),
    ],
)
def test_refusals_name_the_field_and_the_value(wrong, message):
    with pytest.raises(ValueError, match=message):
        elasticity(BAGS["add"], **wrong)


def test_an_unknown_setting_of_table_10_is_refused():
    with pytest.raises(ValueError, match="row 'x' sets .'seeds'.; it may set budgets"):
        elasticity_table(BAGS["add"], {"x": {"seeds": 3}})
