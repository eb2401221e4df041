"""What chapter 8 says of its tables, branch by branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import elasticities as said


def ends(*rows):
    return pd.DataFrame(rows, columns=["low", "high"])


def test_intervals_that_hold_zero():
    assert said.say_zeros(ends((-1, 1), (0.1, 1))) == "1 of the 2 intervals hold zero"
    assert said.say_zeros(ends((-1, 1), (-1, 1))) == "both intervals hold zero"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((2, 1, 2, 1), "in the paper *and* here"),
        ((1, 2, 2, 1), "in the paper, and not here"),
        ((2, 1, 1, 2), "here, and not in the paper"),
        ((1, 1, 1, 2), "neither here nor in the paper"),
    ],
)
def test_short_steps(numbers, words):
    assert words in said.say_short_steps(*numbers)


def test_reach():
    runs = pd.DataFrame({"train_examples": [250_000, 2_000_000], "lm_params": [1e9, 7.5e9]})
    assert said.say_reach((1e6, 1e7), 1e6, runs) == (
        "The average above reaches from 1M to 11M examples, the runs from 250k to 2M, and their "
        "LMs stop at 7.5B."
    )


def test_signs():
    table = pd.DataFrame({"x": [None, None], "y": [None, None]}, dtype=object)
    assert said.say_signs(table).startswith("all 4 signs are open: neither")
    table.loc[0, "x"], table.loc[1, "y"] = True, False
    assert said.say_signs(table) == (
        "2 of the 4 signs are open; of the others 1 as in the paper's table and 1 as in the "
        "poster's arrows"
    )


def gains(a, b):
    rows = [("a", k, v) for k, v in enumerate(a)] + [("b", k, v) for k, v in enumerate(b)]
    return pd.DataFrame(rows, columns=["kind", "budget_tflops", "value"])


def test_lines():
    assert said.say_lines(gains([2, 2], [1, 1]), "a", "b") == "a lies above b at every budget"
    assert said.say_lines(gains([1, 1], [1, 2]), "a", "b") == "a lies above b at no budget"
    assert said.say_lines(gains([2, 1], [1, 2]), "a", "b") == (
        "a lies above b at 0 TFLOPs and below at the others"
    )


def test_wishes():
    def table(*rows):
        return pd.DataFrame(rows, index=[2, 30, 100][: len(rows)], columns=["low", "high"])

    assert said.say_wish(table((-1, 1))).startswith("Which part had better become cheaper is open")
    assert said.say_wish(table((1, 2), (-1, 1), (-2, -1))) == (
        "A cheaper encoder is surely the better wish at 2 TFLOPs and a cheaper LM at 100; 1 of 3 "
        "budgets are open."
    )
    assert said.say_wish(table((-2, -1))) == "A cheaper LM at 2 TFLOPs."


def test_discounts():
    assert said.say_discount({0.5: 0.1, 0.01: 0.2}, 0.3).startswith("No discount suffices")
    assert said.say_discount({0.5: 0.1, 0.01: 0.3}, 0.3).startswith("An encoder at 0.01 of its")
