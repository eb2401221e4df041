"""What chapter 7 says of its tables, branch by branch."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.sentences import frontier_tables as tables
from vvlm_utils.advice.sentences import frontiers as said
from vvlm_utils.advice.sentences import repriced
from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.frontier.comparisons import Mispriced


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        (["", ""], "every design of the table lies within the runs"),
        (["lm_params", ""], "at 1 of the 2 budgets, each time because of its LM size: there"),
        (["lm_params, frames", "frames"], "both budgets, at 1 of them because of its LM size: "),
        (["frames", "frames"], "at both budgets, and never because of its LM size: there"),
    ],
)
def test_outside(outside, words):
    assert words in said.say_outside(pd.DataFrame({"outside": outside}))


def test_sizes_of_training_sets():
    assert said.say_sizes([1e6], [2.5e5, 1e6]).startswith("Every line lies at a size")
    assert said.say_sizes([1e6, 4e6, 1e7], [1e6]).startswith("2 of the 3 lines lie at sizes")
    assert said.say_sizes([4e6], [1e6]) == (
        "No run has the sizes of the training set that are asked: 4M."
    )


def test_ways():
    table = pd.DataFrame({"lm_params": [1, 1], "frames": [1, 2], "tokens_per_frame": [9, 4]})
    assert said.say_ways(table) == (
        "Along the first line LM size stays, frames rise and tokens per frame fall."
    )


@pytest.mark.parametrize(
    ("shares", "end"), [(1.0, "of one mind."), (0.6, "against it."), (0.4, "line looks.")]
)
def test_leads(shares, end):
    found = said.say_lead({"n = 1M": pd.Series([shares] * 3), "n = 10M": pd.Series([1.0])})
    assert f"has {shares:.0%} at n = 1M and 100% at n = 10M" in found and found.endswith(end)


def prices(*rows):
    return pd.DataFrame(rows, columns=["budget_tflops", "lm_params", "low"])


def test_sizes_that_cannot_be_told_apart():
    assert "nothing to tell apart" in said.say_apart(prices((2, 1e9, 0)), 0.1)
    table = prices((2, 1e9, 1), (2, 2e9, 0), (2, 3e9, 0), (5, 1e9, 1), (5, 2e9, 0), (5, 3e9, 2))
    assert said.say_apart(table, 0.1) == (
        "More than one size is left at 1 of the 2 budgets. 1B is ruled out at every budget shown."
    )
    assert said.say_apart(table, 3).endswith(
        "No size of the list is ruled out at every budget shown."
    )


def test_ties():
    assert said.say_flat(1, 100, 0.5).startswith("Of 100 designs none ties")
    assert said.say_flat(9, 100, 0.5).startswith("At most 9 of 100 designs tie at one budget; the")
    one = pd.DataFrame({"lm_params": [1.0], "frames": [8], "tokens_per_frame": [4]})
    assert said.say_near(one) == "No other design ties with the best here."
    two = pd.concat([one, one.assign(frames=9)])
    assert said.say_near(two) == "The 2 designs that tie differ in frames alone."
    assert said.say_near(pd.concat([two, one * 2])).endswith("differ in all three factors.")


def growth(**sizes):
    rows = [(float(n[1:]), f, v) for n, row in sizes.items() for f, v in row.items()]
    return pd.DataFrame(rows, columns=["n", "factor", "value"])


def test_growth():
    up, down = {"lm_params": 2.0, "frames": 20.0}, {"lm_params": 8.0, "frames": 7.0}
    assert said.say_growth(growth(n1000000=up)) == (
        "In order of growth, with 1M examples: frames (20.0 times), then LM size (2.0 times)."
    )
    assert "at every size: frames, then LM size." in said.say_growth(growth(n1=up, n2=up))
    third, fourth = up | {"tokens_per_frame": 3.0}, up | {"tokens_per_frame": 1.0}
    assert said.say_growth(growth(n1=third, n2=fourth)) == (
        "At every size frames grow most; what grows least differs."
    )
    fifth = third | {"data": 2.5}, third | {"data": 3.5}
    assert said.say_growth(growth(n1=fifth[0], n2=fifth[1])) == (
        "At every size frames grow most and LM size least."
    )
    assert "depends on the training set: with 1 examples frames (20.0" in said.say_growth(
        growth(n1=up, n2=down)
    )


def test_rates():
    def ratios(*rows):
        return pd.DataFrame(rows, ["x_T / x_N", "x_V / x_N"], ["low", "high"])

    assert said.say_rates(ratios((0.5, 2), (0.5, 2))) == (
        "which factor grows faster is open for every pair"
    )
    assert said.say_rates(ratios((1.5, 2), (0.5, 2))) == (
        "frames grow faster than LM size; between tokens per frame and LM size it is open"
    )
    assert said.say_rates(ratios((1.5, 2), (0.5, 0.8))) == (
        "frames grow faster than LM size and LM size grows faster than tokens per frame"
    )
    pairs = pd.DataFrame([(2, 3), (2, 3)], ["x_T / x_N", "x_T / x_V"], ["low", "high"])
    assert said.say_rates(pairs) == "frames grow faster than LM size and tokens per frame"


def test_what_a_smaller_model_loses():
    rows = [(1e9, 5.7, 4.3, 6.0), (2.8e9, 1.8, 1.5, 2.1), (7.5e9, 0.0, 0.0, 0.0)]
    table = pd.DataFrame(rows, columns=["lm_params", "value", "low", "high"])
    assert said.say_forced(table) == (
        "Forced to a smaller language model, the best design loses 1.8 points (1.5 to 2.1) with "
        "2.8B and 5.7 points (4.3 to 6.0) with 1B."
    )
    assert said.say_forced(table.tail(1)) == "7.5B is the smallest size on the list."


@pytest.mark.parametrize(
    ("least", "near", "words"),
    [
        (0.99, (1, 8), "agree on the language model (at least 99% choose it), but at 1 of the 2"),
        (0.6, (1, 8), "do not agree on the language model (at one budget only 60% choose it), but"),
        (0.99, (1, 1), "and no other design is as good at any budget"),
    ],
)
def test_how_firm_the_answer_is(least, near, words):
    front = pd.DataFrame({"probability": [1.0, least], "within_epsilon": near})
    assert words in said.say_firm(front)


def test_lists_of_sizes():
    assert said.say_chosen(0, 60, "1B", False).startswith("1B is never chosen")
    assert "choice at 5 of the 60 budgets" in said.say_chosen(5, 60, "1B", False)
    assert "holds 1B already; it is the choice at 0 of 60" in said.say_chosen(0, 60, "1B", True)
    assert said.say_promise(np.array([0.0, 0.01])).endswith("the same error")
    assert said.say_promise(np.array([0.1, 1.0])).endswith("0.1 to 1.0 points less error")
    assert said.say_promise(np.array([-1.0, -0.1])).endswith("0.1 to 1.0 points more error")
    assert "up to 1.0 points less error at some budgets and up to 0.5" in said.say_promise(
        np.array([-0.5, 1.0])
    )


def test_votes_and_intervals():
    change = pd.DataFrame([[0.2, -0.2], [0.0, 0.0]], [2e12, 5e12], [1e9, 2e9])
    assert repriced.say_moved(change) == (
        "Averaged over the budgets 1B gains and 2B loses most votes, by at most 10% of the bag; at "
        "one budget, 2.0 TFLOPs, a size moves by 20%."
    )
    assert repriced.say_moved(0 * change) == "No vote for an LM size moves at any budget."
    assert repriced.say_overlap([(0, 1), (2, 3)], [(1, 2), (4, 5)]) == (
        "The intervals overlap in 1 of the 2 rows."
    )


ROW = {"error": 46.4, "error_low": 46.1, "error_high": 46.9, "probability": 0.97}


@pytest.mark.parametrize(
    ("near", "end"),
    [
        (1, "no other design is as good."),
        (2, "one other design is about as good."),
        (9, "8 other designs are about as good."),
    ],
)
def test_how_good_and_how_sure(near, end):
    found = said.say_expected(ROW | {"within_epsilon": near}, 0.8)
    assert found.startswith("Its expected score is 53.6 points (80% band: 53.1 to 53.9), 97% of")
    assert found.endswith(end)


def front(**columns):
    table = pd.DataFrame({"lm_params": 7e9, "frames": 2.0, "tokens_per_frame": 9.0}, range(3))
    return table.assign(budget_flops=[2e12, 5e12, 30e12], **columns)


def test_spans():
    table = front(frames=[2, 4, 8], tokens_per_frame=[9, 16, 4])
    assert said.say_span(table) == (
        "From 2 to 30 TFLOPs LM size stays at 7B, frames rise from 2 to 8 and tokens per frame go "
        "from 9 to 4, not steadily."
    )
    assert "tokens per frame fall from 9 to 1." in said.say_span(front(tokens_per_frame=[9, 4, 1]))


def test_the_largest_size_with_runs():
    assert said.say_largest(front(), 7.5e9).startswith("The choice is never 7.5B")
    assert said.say_largest(front(), 7e9).startswith("At all 3 budgets the choice is 7B, the")
    some = front(lm_params=[1e9, 7e9, 7e9])
    assert said.say_largest(some, 7e9).startswith("At 2 of the 3 budgets the choice is 7B")


def test_the_best_of_the_sizes_with_runs():
    inside = pd.Series([True, True, False, False])
    one = said.say_best_of(pd.Series([7e9] * 4), inside)
    assert one.startswith("Of the sizes with runs 7B is the best at every budget; 50% of")
    most = said.say_best_of(pd.Series([7e9, 7e9, 7e9, 1e9]), inside)
    assert "7B is the best most often, at 75% of the budgets" in most


def test_agreement_with_printed_designs():
    assert said.say_agreement(["a", "b"], ["a", "c"]) == (
        "At 1 of the 2 end points the bag makes the paper's choice."
    )


def test_growing():
    table = pd.DataFrame({"factor": FACTORS, "low": [2.0, 2.0, 2.0]})
    assert said.say_growing(table, 1.0) == (
        "every factor grows with the budget, and in 100% of the refits some factor falls on the way"
    )
    some = said.say_growing(table.assign(low=[0.5, 2, 0.5]), 0.5)
    assert some.startswith("with the budget frames grow for sure, and in 50%")
    two = said.say_growing(table.assign(low=[0.5, 2, 2]), 0.5)
    assert two.startswith("with the budget frames and tokens per frame grow for sure")
    assert said.say_growing(table.assign(low=0.5), 0).startswith("no factor grows for sure")


def test_plans_without_the_encoder():
    assert repriced.say_overspent([2, 30], [12.5, 2.1], ["2.6 (2 to 3)", "0.3 (0 to 1)"]) == (
        "At 2 TFLOPs the plan costs 12.5 times its budget and loses 2.6 (2 to 3) points; at 30 "
        "TFLOPs the plan costs 2.1 times its budget and loses 0.3 (0 to 1) points."
    )
    assert ";" not in repriced.say_overspent([2], [12.5], ["2.6"])
    planned, better = front(frames=9.0, tokens_per_frame=4.0), front()
    assert "at all 3 budgets the plan has more" in repriced.say_planner(planned, better)
    assert repriced.say_planner(better, planned).startswith("The plan never has both")


def test_two_costs():
    assert repriced.say_ratio_of_costs(pd.Series([1.02, 1.07])).endswith(
        "is 1.02 to 1.07 times that of Equation 1."
    )
    assert "is 1.02 times" in repriced.say_ratio_of_costs(pd.Series([1.02, 1.021]))
    assert repriced.say_same_answer(1, 1) == "Both costs name the same design at every budget."
    assert "at every budget, and the same design at 50%" in repriced.say_same_answer(1, 0.5)
    assert "LM size at 75% of the budgets" in repriced.say_same_answer(0.75, 0.5)


def test_tables_write_designs_ranges_and_intervals():
    solved = front(cost_flops=2e12, error=46.4, error_low=46.1, error_high=46.9, probability=0.5)
    solved = solved.assign(outside=["", "frames", "lm_params, frames"])
    for name in ("lm_params", "frames", "tokens"):
        solved = solved.assign(**{f"{name}_low": 1e9, f"{name}_high": [1e9, 2e9, 2e9]})
    table = tables.answer_table(solved)
    assert table["design"].tolist() == ["7B, 2 x 9"] * 3
    assert table["LM sizes"].tolist() == ["1B", "1B to 2B", "1B to 2B"]
    assert table["outside the runs"].tolist() == ["nothing", "frames", "LM size, frames"]
    lost = pd.DataFrame({"value": [1.0] * 3, "low": 0.5, "high": 2.0})
    plan = Mispriced(solved, np.array([4e12, 5e12, 6e12]), solved, lost)
    assert tables.forgotten_table(plan)["lost (points)"].tolist() == ["1.00 (0.50 to 2.00)"] * 3
    exact = tables.exact_table({"list": (plan, solved)})
    assert exact["exact cost over Equation 1"].tolist() == [2.0, 2.5, 3.0]
    sizes = pd.DataFrame({"budget_tflops": 2.0, "lm_params": [1e9, 2e9], "low": [0.0, 1.0]})
    assert tables.left_table(sizes, 0.1).iloc[0].tolist() == ["1B"]
