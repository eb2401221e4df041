"""A frontier is brute force done once; data moves it only where the law says so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.bagging import bag
from vvlm_utils.cost import COSTS, FACTORS
from vvlm_utils.frontier import Space, elasticity, size_votes, solve_frontier, space_errors
from vvlm_utils.laws import FORMS, LAWS
from vvlm_utils.runs import load_runs

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
    cost=st.sampled_from(list(COSTS)),
    sizes=st.lists(st.sampled_from([1e9, 2.8e9, 7.5e9, 32e9]), min_size=1, max_size=3),
    frames=st.lists(st.integers(1, 64), min_size=1, max_size=5),
    sides=st.lists(st.integers(1, 14), min_size=1, max_size=5),
    room=st.lists(st.floats(1, 300), min_size=1, max_size=6),
    n=st.floats(1e5, 1e7),
)
def test_frontier_equals_brute_force(form, cost, sizes, frames, sides, room, n):
    bagged, price = BAGS[form], COSTS[cost]
    space = Space(tuple(sizes), tuple(frames), tuple(s * s for s in sides))
    flops = price(*(space.designs[name].to_numpy() for name in FACTORS))
    budgets = flops.min() * np.array(room)
    found = solve_frontier(bagged, budgets, n, space, price)
    error = bagged.predict(space.designs.assign(train_examples=n))
    for budget, row in zip(budgets, found.itertuples(), strict=True):
        assert row.cost_flops <= budget
        assert row.error == pytest.approx(error[flops <= budget].min(), rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_more_budget_is_never_worse(form):
    found = solve_frontier(BAGS[form], np.linspace(1e12, 1e14, 60), 1e6)
    assert (np.diff(found["error"]) <= 0).all()


@pytest.mark.parametrize(
    ("form", "moves"), [("mult", False), ("add", False), ("add-interact", True)]
)
def test_only_interaction_laws_move_with_data(form, moves):
    """Each member's frontier; the median over members mixes their shares of n, and may move."""
    budgets = np.linspace(2e12, 1e14, 40)
    one = BAGS[form].with_aggregate("median", members=1)
    here, there = (solve_frontier(one, budgets, n)[list(FACTORS)] for n in (1e6, 1e7))
    assert here.equals(there) is not moves


def test_elasticity_of_additive_members_is_zero():
    table = elasticity(BAGS["add"], budgets=[5e12, 5e13], train_examples=[1e6, 5e6])
    assert (table[["low", "high"]] == 0).all(axis=None)


def test_votes_are_shares_and_agree_with_the_frontier():
    budgets = [2e12, 3e13]
    votes = size_votes(BAGS["add-interact"], budgets, 1e6)
    found = solve_frontier(BAGS["add-interact"], budgets, 1e6)
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    chosen = [votes.loc[b, s] for b, s in zip(budgets, found["lm_params"], strict=True)]
    np.testing.assert_allclose(chosen, found["probability"])


def test_what_no_run_supports_is_flagged():
    inside = Space((7.5e9,), (8, 16), (49, 100))
    assert not solve_frontier(BAGS["add"], [3e13], 1e6, inside)["extrapolates"].any()
    assert solve_frontier(BAGS["add"], [3e13], 9e6, inside)["extrapolates"].all()
    assert solve_frontier(BAGS["add"], [1e14], 1e6, Space((72e9,)))["extrapolates"].all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Space(tokens_per_frame=(17,)), "tokens_per_frame .* squares, got 17"),
        (lambda: Space(frames=(1.5,)), "frames .* whole numbers, got 1.5"),
        (lambda: Space(frames=()), "no frames"),
        (lambda: Space(lm_params=(-1e9,)), "lm_params must be positive numbers, got -1e"),
        (lambda: solve_frontier(BAGS["add"], [1e9], 1e6), "buys no design: the cheapest costs"),
        (lambda: solve_frontier(BAGS["add"], [np.nan], 1e6), "buys no design"),
        (lambda: solve_frontier(BAGS["add"], [1e13], 0), "train_examples must be a positive"),
        (lambda: solve_frontier(BAGS["add"], [1e13], 1e6, level=2), "level must lie"),
        (lambda: elasticity(BAGS["add"], form="log"), "form must be"),
    ],
)
def test_refusals_name_the_field_and_the_value(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
