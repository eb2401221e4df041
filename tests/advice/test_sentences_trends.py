"""What chapters 5, 10 and 11 say of their tables, branch by branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import trends as said


def ends(*rows, names=("lm_params", "frames", "train_examples")):
    return pd.DataFrame(rows, index=names[: len(rows)], columns=["low", "high"])


def test_slopes():
    assert said.say_slopes(ends((-2, -1), (-2, -1))).startswith(
        "every slope and its whole interval lie below zero"
    )
    assert said.say_slopes(ends((-2, -1), (-2, 1))) == (
        "every slope but that of frames has its whole interval below zero"
    )
    assert said.say_slopes(ends((-2, 1), (-2, 1))).startswith("no slope has")


def test_doublings():
    assert said.say_doublings(ends((1.1, 2), (0.5, 0.9), (0.5, 2))) == (
        "Per doubling, returns diminish for LM size; they grow for frames; for training examples "
        "the interval leaves it open."
    )
    assert said.say_doublings(ends((1.1, 2))) == "Per doubling, returns diminish for LM size."


def test_an_lm_held_back():
    assert said.say_held_back(ends((1, 2), (1, 2)), "1B") == "At every budget 1B loses points"
    assert "at 1 of the 2 budgets" in said.say_held_back(ends((1, 2), (-1, 2)), "1B")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[2, 1], [2, 1]], "the *small* LM, 1B, gains more."),
        ([[1, 2], [1, 2]], "the large LM, 7.5B, gains more."),
        ([[1, 2], [2, 1]], "1B gains more under 1 of 2."),
        ([[2, 1], [None, 1]], "the *small* LM, 1B, gains more."),
    ],
)
def test_readings(rows, words):
    assert said.say_readings(pd.DataFrame(rows, columns=[1e9, 7.5e9])).endswith(words)


def test_the_step_before_and_the_runs_left_out():
    assert "larger LM makes" in said.say_before({"low": 1, "high": 2})
    assert "smaller LM makes" in said.say_before({"low": -2, "high": -1})
    assert "contains zero" in said.say_before({"low": -2, "high": 1})
    assert said.say_left_out(0).startswith("Whichever run is left out")
    assert said.say_left_out(1).startswith("With this run left out")
    assert said.say_left_out(3).startswith("With each of these runs left out")


def test_the_mini_world():
    assert said.say_interactions(0.9, 0.95, "x").startswith("yes: 0.950")
    assert said.say_interactions(0.95, 0.9, "x").startswith("no: 0.900")
    assert said.say_interactions(0.95, 0.951, "add").endswith("add predicts best")
    assert said.say_sum(0.7, 0.8).startswith("no: ")
    assert said.say_aim(4.9, 5).startswith("yes: ")
    paper = {"lm_params": "falls", "frames": "rises", "tokens_per_frame": "rises"}
    ours = {"lm_params": "falls", "frames": "falls", "tokens_per_frame": "open"}
    assert said.say_against(ours, paper) == (
        "LM size as in the paper; frames against it; tokens per frame open"
    )
    assert said.say_names(["a", "b"], ["a", "c"]) == (
        "The two prices name the same decoder at 1 of the 2 budgets."
    )
    plans = {"chance": 0.5, "the plan": 0.2}
    assert said.say_plans({k: pd.DataFrame({"left": [1.0, v]}) for k, v in plans.items()}) == (
        "At the end the plan leaves 20% and chance leaves 50%."
    )
