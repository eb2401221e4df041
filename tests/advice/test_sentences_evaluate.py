"""What chapter 4 says of a model's answers, branch by branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import evaluate as said


def test_the_average():
    assert said.say_average(27.246, 0.508, 8) == (
        "averaged over the 8 families its error is 27.2 ± 0.51 points"
    )
    assert said.say_average(27.246, 0.508, 1) == "its error is 27.2 ± 0.51 points"


BLIND = "the best answer that needs no video"


@pytest.mark.parametrize(
    ("below", "text"),
    [
        (
            {"a": 9.0, "b": 20.0},
            f"Both families do better than {BLIND}, by five standard errors or",
        ),
        ({"a": 4.0, "b": 20.0}, f"The family a does not do better than {BLIND} by five standard"),
        ({"a": 4.0, "b": -7.0, "c": 9.0}, f"The families a and b do not do better than {BLIND} by"),
        ({"a": 4.0, "b": float("nan")}, f"No family does better than {BLIND} by five standard"),
        ({"a": 9.0}, f"The model does better than {BLIND}, by 9 standard errors."),
        ({"a": float("inf"), "b": 6.0}, f"Both families do better than {BLIND}"),
        ({"a": 4.0}, f"No family does better than {BLIND}"),
    ],
)
def test_families_near_the_blind_answer(below, text):
    assert said.say_near(pd.Series(below)).startswith(text)


def test_the_closest_family_and_the_rest_are_named():
    closest = said.say_near(pd.Series({"a": 9.0, "b": 20.0}))
    assert closest.endswith("the family a is closest to it, at 9 standard errors.")
    assert said.say_near(pd.Series({"a": 4.0, "b": 9.0})).endswith("; the other one does.")
    assert said.say_near(pd.Series({"a": 4.0, "b": 9.0, "c": 9.0})).endswith("; the others do.")


def test_a_run_beside_the_sweeps_runs_of_its_design():
    assert said.say_beside(27.0, pd.Series(dtype=float)).startswith(
        "The sweep has no other run of this"
    )
    one = said.say_beside(27.0, pd.Series([26.0]))
    assert one.endswith("run of this design, at 26.0 points; this run lies 1.0 points above it.")
    assert said.say_beside(25.0, pd.Series([26.0])).endswith("1.0 points below it.")
    some = pd.Series([25.0, 28.0, 26.0])
    assert said.say_beside(27.0, some) == (
        "The sweep has 3 other runs of this design, from 25.0 to 28.0 points; this run, at 27.0, "
        "lies within them."
    )
    assert said.say_beside(29.5, some).endswith("at 29.5, lies 1.5 points above all of them.")
    assert said.say_beside(24.5, some).endswith("at 24.5, lies 0.5 points below all of them.")


def test_the_sweeps_own_run_of_a_draw_and_seed():
    assert said.say_again(27.0, pd.Series(dtype=float)).startswith("The sweep has no run")
    assert said.say_again(27.0, pd.Series([27.01])).endswith("has the same error.")
    assert said.say_again(27.0, pd.Series([26.5])).endswith("differs by 0.5 points.")


def test_the_spread_of_a_designs_runs():
    assert said.say_spread(pd.Series([25.0]), 0.5).endswith("these runs cannot tell.")
    wide = said.say_spread(pd.Series([25.0, 27.0]), 0.5)
    assert wide.startswith("Their standard deviation is 1.41 points; the test clips alone explain")
    assert wide.endswith("so the decoder and the seed matter too.")
    narrow = said.say_spread(pd.Series([25.0, 25.1]), 0.5)
    assert narrow.endswith("so they show no effect of decoder or seed.")


def levels(**families):
    rows = [(f, k, e, 1.0) for f, errors in families.items() for k, e in enumerate(errors)]
    return pd.DataFrame(rows, columns=["family", "level", "error", "se"])


def test_difficulty():
    text = said.say_difficulty(levels(a=[60, 30, 2], b=[20, 19, 19]))
    assert text == (
        "Difficulty matters most in the family a: the error is 60 points in the group at one end "
        "and 2 in the group at the other; in the family b the two ends do not differ by more than "
        "two standard errors."
    )
    assert said.say_difficulty(levels(a=[60, 2], b=[20, 30])).endswith(
        "in every family the two ends differ by more than two standard errors."
    )
    assert said.say_difficulty(levels(a=[2, 60])).endswith("and 2 in the group at the other.")
    assert said.say_difficulty(levels(a=[20, 21])).startswith("In no family do the two ends differ")
    assert said.say_difficulty(levels(a=[20])).startswith("These questions have no two levels")
    assert said.say_difficulty(levels()).startswith("These questions have no two levels")


def test_answers_that_are_shown():
    assert said.say_examples(6, 5).startswith("6 right and 5 wrong answers")
    assert "only right" in said.say_examples(6, 0) and "only wrong" in said.say_examples(0, 6)


@pytest.mark.parametrize(
    ("by_clips", "text"),
    [(0.51, "hardly depend"), (0.6, "tends to have others"), (0.4, "tends to have right ones")],
)
def test_answers_about_one_clip(by_clips, text):
    found = said.say_dependence(0.5, by_clips)
    assert text in found and found.startswith("Independent answers would give 0.50 points, clips")


def test_wrong_answers():
    answers = pd.Series(["a"] * 5 + ["b"] * 4 + ["c"] * 4 + ["d"] * 4)
    assert said.say_wrong(pd.Series([], dtype=str), answers) == "No answer is wrong."
    assert said.say_wrong(answers[:0], answers[:0]).startswith("There are no questions of these")
    spread = said.say_wrong(pd.Series(["a", "b", "c", "d"]), answers)
    assert spread.startswith("Wrong answers spread: a has 25% of the wrong answers, and an even ")
    gathered = said.say_wrong(pd.Series(["b"] * 9 + ["a"]), answers)
    assert gathered.startswith("Wrong answers gather: b has 90%")
    assert gathered.endswith("It is not the best answer that needs no video.")
    blind = said.say_wrong(pd.Series(["a"] * 8 + ["z"] * 2), answers)
    assert "It is the best answer that needs no video." in blind
    assert blind.endswith("20% of them are not among the right words.")


def test_a_plan_of_a_test_set():
    drawn = pd.Series([1.0, 0.51])
    assert said.say_scatter(drawn, pd.Series([1.0, 0.5])).startswith("It does: drawn and computed")
    assert said.say_scatter(drawn, pd.Series([1.0, 0.4])).startswith("Not quite")
    assert said.say_scatter(drawn * 0, drawn * 0).endswith("at most 0%.")
    assert said.say_plan(20_480.0, 1024).endswith(
        "20,480 clips, 20.0 times the 1,024 of this test."
    )
    assert said.say_plan(100.0, 1024).endswith("which is enough.")


def test_judged_benchmarks():
    assert said.say_judged(8, 8).endswith("all 8 benchmarks")
