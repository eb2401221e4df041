"""A frontier is brute force done once; data moves it only where the law says so."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.cost.architectures import ALL_COSTS
from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.frontier.space import space_errors
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import FORMS, LAWS
from vvlm_utils.runs.space import PAPER_SPACE, Space
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")
BAGS = {form: bag(LAWS[form], RUNS, rng=np.random.default_rng(0), resamples=12) for form in FORMS}
SMALL = Space((1e9, 7.5e9), (1, 4, 9, 20), (1, 9, 49, 196))


@pytest.mark.parametrize("form", FORMS)
def test_tables_of_factors_equal_point_by_point_prediction(form):
    table = SMALL.designs.assign(train_examples=3e6)
    np.testing.assert_allclose(
        space_errors(BAGS[form], SMALL, 3e6), BAGS[form].predict_members(table), rtol=1e-10
    )


@settings(max_examples=30, deadline=None)
@given(
    form=st.sampled_from(list(FORMS)),
    cost=st.sampled_from(list(ALL_COSTS)),
    sizes=st.lists(st.sampled_from([1e9, 2.8e9, 7.5e9, 32e9]), min_size=1, max_size=3),
    frames=st.lists(st.integers(1, 64), min_size=1, max_size=5),
    sides=st.lists(st.integers(1, 14), min_size=1, max_size=5),
    room=st.lists(st.floats(1, 300), min_size=1, max_size=6),
    n=st.floats(1e5, 1e7),
)
def test_frontier_equals_brute_force(form, cost, sizes, frames, sides, room, n):
    bagged, price = BAGS[form], ALL_COSTS[cost]
    space = Space(tuple(sizes), tuple(frames), tuple(s * s for s in sides))
    flops = price(*(space.designs[name].to_numpy() for name in FACTORS))
    budgets = flops.min() * np.array(room)
    found = solve(bagged, Question(budgets, n, space, price)).table()
    error = bagged.predict(space.designs.assign(train_examples=n))
    for budget, row in zip(budgets, found.itertuples(), strict=True):
        assert row.cost_flops <= budget
        assert row.error == pytest.approx(error[flops <= budget].min(), rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_more_budget_is_never_worse(form):
    found = solve(BAGS[form], Question(np.linspace(1e12, 1e14, 60), 1e6)).table()
    assert (np.diff(found["error"]) <= 0).all()


@pytest.mark.parametrize(
    ("form", "moves"), [("mult", False), ("add", False), ("add-interact", True)]
)
def test_only_interaction_laws_move_with_data(form, moves):
    """Each member's frontier; the median over members mixes their shares of n, and may move."""
    budgets = np.linspace(2e12, 1e14, 40)
    one = BAGS[form].with_aggregate("median", members=1)
    here, there = (solve(one, Question(budgets, n)).table()[list(FACTORS)] for n in (1e6, 1e7))
    assert here.equals(there) is not moves


def per_token(lm_params, frames, tokens_per_frame):
    """A cost that a user gives: the LM is free of charge."""
    return 1e9 * frames * (10 + tokens_per_frame) + 0 * lm_params


def endless(lm_params, frames, tokens_per_frame):
    return np.inf * frames


def test_any_callable_can_be_the_cost():
    found = solve(BAGS["add"], Question([1e12], 1e6, SMALL, per_token)).table().iloc[0]
    assert found["lm_params"] == 7.5e9
    assert found["cost_flops"] == per_token(7.5e9, found["frames"], found["tokens_per_frame"])


def test_the_cheaper_of_two_equal_designs_is_chosen():
    flat = replace(BAGS["add"], members=BAGS["add"].members * [0, 0, 0, 1, 1, 1, 1, 1, 1])
    found = solve(flat, Question([1e14], 1e6)).table().iloc[0]
    assert found[list(FACTORS)].tolist() == [3e9, 1, 1]
    assert found["within_epsilon"] > 1000


def test_units_do_not_change_the_frontier():
    bagged = BAGS["add-interact"]
    plain = replace(bagged.options, units={})
    moved = bagged.law.change_units(bagged.members, -bagged.options.log_units(bagged.law))
    other = replace(bagged, members=moved, options=plain)
    here, there = (solve(b, Question([2e12, 2e13, 9e13], 1e6)).table() for b in (bagged, other))
    assert here[list(FACTORS)].equals(there[list(FACTORS)])
    np.testing.assert_allclose(here["error"], there["error"], rtol=1e-9)


def test_a_single_fit_is_a_bag_of_one():
    one = fit(LAWS["add"], RUNS, rng=np.random.default_rng(0))
    found = solve(one, Question([3e13], 1e6)).table().iloc[0]
    assert found["error_low"] == found["error"] == found["error_high"]
    assert found["probability"] == 1 and found["regret"] == 0
    assert found["frames_low"] == found["frames"] == found["frames_high"]


def test_near_optimal_designs_are_those_the_frontier_counts():
    found = solve(BAGS["add-interact"], Question([3e13], 1e6)).table(epsilon=0.3).iloc[0]
    near = solve(BAGS["add-interact"], Question(3e13, 1e6)).near(epsilon=0.3)
    assert len(near) == found["within_epsilon"]
    assert near.iloc[0][list(FACTORS)].equals(found[list(FACTORS)].astype(float).rename(0))
    assert near["excess"].between(0, 0.3).all() and (near["cost_flops"] <= 3e13).all()
    assert near["votes"].between(0, 1).all()


def test_regret_is_never_negative_within_the_budget_and_zero_at_ones_own_best():
    budgets = [5e12, 5e13]
    found = solve(BAGS["add-interact"], Question(budgets, 1e6)).table()
    regret = solve(BAGS["add-interact"], Question(budgets, 1e6)).regret_of(found)
    assert (regret["low"] >= -1e-9).all()
    np.testing.assert_allclose(regret["value"], found["regret"], atol=1e-9)


def test_a_result_keeps_the_lm_sizes_it_chose_from():
    assert (
        solve(BAGS["add"], Question([1e13], 1e6, SMALL)).table().attrs["lm_sizes"]
        == SMALL.lm_params
    )


def test_the_papers_space_holds_its_designs():
    assert len(PAPER_SPACE.designs) == 5 * 128 * 28


def test_three_hundred_budgets_take_well_under_a_second():
    bagged = BAGS["add-interact"]
    large = replace(bagged, members=np.resize(bagged.members, (100, bagged.members.shape[1])))
    start = time.perf_counter()
    solve(large, Question(np.linspace(1e12, 1e14, 300), 1e6)).table()
    assert time.perf_counter() - start < 1.5  # 0.05 s alone on two cores; room for a busy machine


def test_votes_are_shares_and_agree_with_the_frontier():
    budgets = [2e12, 3e13]
    votes = solve(BAGS["add-interact"], Question(budgets, 1e6)).votes()
    found = solve(BAGS["add-interact"], Question(budgets, 1e6)).table()
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    chosen = [votes.loc[b, s] for b, s in zip(budgets, found["lm_params"], strict=True)]
    np.testing.assert_allclose(chosen, found["probability"])


def test_what_no_run_supports_is_flagged():
    inside = Space((7.5e9,), (8, 16), (49, 100))
    known = solve(BAGS["add"], Question([3e13], 1e6, inside)).table()
    assert not known["extrapolates"].any() and (known["outside"] == "").all()
    far = solve(BAGS["add"], Question([3e13], 9e6, inside)).table()
    assert far["extrapolates"].all() and (far["outside"] == "train_examples").all()
    large = solve(BAGS["add"], Question([1e14], 9e6, Space((72e9,), (8,)))).table()
    assert large["outside"].item() == "lm_params, train_examples"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Space(tokens_per_frame=(16, 17)), "tokens_per_frame .* squares, got 17"),
        (lambda: Space(frames=(1, 1.5)), "frames .* whole numbers, got 1.5"),
        (lambda: Space(frames=()), "no frames"),
        (lambda: Space(lm_params=(-1e9,)), "lm_params must be positive numbers, got -1e"),
        (
            lambda: solve(BAGS["add"], Question([1e9], 1e6)).table(),
            "buys no design: the cheapest costs",
        ),
        (
            lambda: solve(BAGS["add"], Question([np.nan], 1e6)).table(),
            "a budget must be a positive .* nan",
        ),
        (
            lambda: solve(BAGS["add"], Question([np.inf], 1e6)).table(),
            "a budget must be a positive .* inf",
        ),
        (
            lambda: solve(BAGS["add"], Question([1e13], 0)).table(),
            "train_examples must be a number from 1",
        ),
        (lambda: solve(BAGS["add"], Question([1e13], 1e300)), "from 1 to 1e\\+12, got 1e\\+300"),
        (
            lambda: solve(BAGS["add"], Question([1e300], 1e6)),
            "must be below 1e\\+18 FLOPs .* got 1e",
        ),
        (lambda: solve(BAGS["add"], Question([1e13], 1e6)).table(level=2), "level must lie"),
        (lambda: solve(BAGS["add"], Question([1e13], 1e6)).table(epsilon=-1), "epsilon must not"),
        (
            lambda: solve(BAGS["add"], Question([1e13], 1e6, cost=endless)).table(),
            "cost must be finite",
        ),
    ],
)
def test_refusals_name_the_field_and_the_value(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
