"""What chapter 7 says of its tables, branch by branch."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.sentences import frontiers as said


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        (["", ""], "every design of the table lies within the runs"),
        (["lm_params", ""], "outside the runs at 1 of the 2 budgets, in LM size at 1: there"),
        (["frames", "frames"], "at both budgets, and never in LM size: there"),
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
        "Along the first line LM size stays, frames rises and tokens per frame falls."
    )


@pytest.mark.parametrize(
    ("shares", "end"), [(1.0, "of one mind."), (0.6, "against it."), (0.4, "one of several.")]
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
        "More than one size is left at 1 of the 2 budgets. Ruled out at all of them: 1B."
    )
    assert said.say_apart(table, 3).endswith("No size of the list is ruled out at all of them.")


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
        "At every size frames grows most; what grows least differs."
    )
    fifth = third | {"data": 2.5}, third | {"data": 3.5}
    assert said.say_growth(growth(n1=fifth[0], n2=fifth[1])) == (
        "At every size frames grows most and LM size least."
    )
    assert "depends on the training set: with 1 examples frames (20.0" in said.say_growth(
        growth(n1=up, n2=down)
    )


def test_rates():
    def ratios(*rows):
        return pd.DataFrame(rows, ["x_T / x_N", "x_V / x_N"], ["low", "high"])

    assert said.say_rates(ratios((0.5, 2), (0.5, 2))) == (
        "which factor outgrows which is open for every pair"
    )
    assert said.say_rates(ratios((1.5, 2), (0.5, 2))) == (
        "$x_T$ outgrows $x_N$; open: $x_V$ or $x_N$"
    )
    assert said.say_rates(ratios((1.5, 2), (0.5, 0.8))) == (
        "$x_T$ outgrows $x_N$ and $x_N$ outgrows $x_V$"
    )


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
    assert said.say_moved(change) == (
        "Averaged over the budgets 1B gains and 2B loses most votes, by at most 10% of the bag; at "
        "one budget, 2.0 TFLOPs, a size moves by 20%."
    )
    assert said.say_moved(0 * change) == "No vote for an LM size moves at any budget."
    assert said.say_overlap([(0, 1), (2, 3)], [(1, 2), (4, 5)]) == (
        "The intervals overlap in 1 of the 2 rows."
    )
