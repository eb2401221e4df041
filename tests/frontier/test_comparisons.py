"""One answer beside others of the same model: other sizes, another price, growth of factors."""

import numpy as np
import pytest

from vvlm_utils.cost.equation import FACTORS, lm_only_flops, paper_flops
from vvlm_utils.frontier import comparisons
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.space import Space
from vvlm_utils.runs.table import load_runs

BUDGETS = np.geomspace(2e12, 100e12, 8)
SPACE = Space((1e9, 7.5e9, 32e9), tuple(range(1, 65)), (4, 9, 16, 25, 49, 100, 196))


@pytest.fixture(scope="module")
def answer():
    law = LAWS["add-interact"]
    model = bag(law, load_runs("paper"), rng=np.random.default_rng(0), resamples=6)
    return solve(model, Question(BUDGETS, 1e6, SPACE))


def test_the_same_question_has_the_same_answer(answer):
    again = comparisons.ask_again(answer)
    assert np.array_equal(again.designs(), answer.designs())


def test_the_price_of_the_chosen_size_is_zero_and_no_price_is_negative(answer):
    prices = comparisons.size_prices(answer)
    assert (prices[["value", "low"]] >= -1e-12).all(axis=None)
    least = prices.groupby("budget_tflops")["value"].idxmin()
    assert prices.loc[least, "lm_params"].tolist() == answer.table()["lm_params"].tolist()
    assert prices.loc[least, "value"].to_numpy() == pytest.approx(0, abs=1e-12)


def test_a_size_that_no_budget_pays_for_has_no_price(answer):
    huge = Space((7.5e9, 1e15), SPACE.frames, SPACE.tokens_per_frame)
    prices = comparisons.size_prices(comparisons.ask_again(answer, space=huge))
    assert set(prices["lm_params"]) == {7.5e9} and len(prices) == len(BUDGETS)


def test_a_plan_at_the_right_price_loses_what_the_bag_loses(answer):
    right = comparisons.misprice(answer, paper_flops, paper_flops)
    assert right.paid == pytest.approx(answer.table()["cost_flops"])
    assert right.better[list(FACTORS)].equals(right.planned[list(FACTORS)])


def test_a_planner_without_the_encoder_overspends(answer):
    plan = comparisons.misprice(answer, lm_only_flops, paper_flops)
    assert (plan.paid > BUDGETS).all()
    assert (plan.better["cost_flops"] <= plan.paid).all()
    assert (plan.lost["low"] <= plan.lost["value"]).all()


def test_growth_of_the_first_training_set_decides_ratios_and_falls(answer):
    more = comparisons.ask_again(answer, train_examples=4e6)
    growth, ratios, falls = comparisons.growth_table({1e6: answer, 4e6: more})
    alone, same, _ = comparisons.growth_table({1e6: answer})
    assert growth[growth["n"] == 1e6].equals(alone) and ratios.equals(same)
    assert (growth["low"] <= growth["value"]).all() and (growth["value"] <= growth["high"]).all()
    assert falls == comparisons.share_falling(answer.designs())


def test_an_answer_is_alike_to_itself(answer):
    assert comparisons.share_alike(answer, answer) == 1
    other = comparisons.ask_again(answer, space=Space((1e9,), SPACE.frames, (4,)))
    assert comparisons.share_alike(answer, other, FACTORS[:1]) < 1
