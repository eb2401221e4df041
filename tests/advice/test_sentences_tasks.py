"""What chapter 9 says of its tables, branch by branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import tasks as said


def ends(**rows):
    return pd.DataFrame(rows, index=["low", "high"]).T


def test_what_frames_are_worth_beside_data():
    assert said.say_pays(ends(LVB=(-2, -1), PT=(1, 2), MV=(-1, 1))) == (
        "a doubling of frames lowers the error more than a doubling of data for LVB and less for "
        "PT; for MV the interval of the difference contains zero"
    )
    assert said.say_pays(ends(PT=(1, 2))) == (
        "a doubling of frames lowers the error less than one of data for PT"
    )
    assert said.say_pays(ends(LVB=(-2, -1))).endswith("than a doubling of data for LVB")
    assert said.say_pays(ends(PT=(-1, 2))).endswith("is open for every task")


def test_whether_tasks_agree():
    assert said.say_answer(ends(LVB=(-2, -1), PT=(1, 2))).startswith(
        "They do not agree: a doubling"
    )
    assert said.say_answer(ends(LVB=(-2, -1))).startswith("These runs do not show")


def designs(**frames):
    rows = {
        task: {"lm_params": 7.5e9, "frames": f, "tokens_per_frame": 49}
        for task, f in frames.items()
    }
    return pd.DataFrame(rows).T


def test_designs_of_tasks():
    assert said.say_designs(designs(A=8, B=8)) == (
        "All 2 tasks ask for the same design, 7.5B LM, 8 x 49."
    )
    assert said.say_designs(designs(A=8, B=4)) == (
        "The 2 tasks ask for 2 different designs, with 4 (B) to 8 (A) frames."
    )
    apart = designs(A=8, B=8)
    apart.loc["A", "tokens_per_frame"] = 36
    assert said.say_designs(apart).endswith("2 different designs, all with 8 frames.")


def test_widest_range():
    table = pd.DataFrame({"value": [4, 9], "low": [4, 5], "high": [6, 30]}, ["A", "B"])
    assert said.say_widest(table) == (
        "A has the fewest frames, 4, and B the most, 9; B has the widest range, 5 to 30."
    )
    flat = table.assign(value=4, low=4, high=4)
    assert said.say_widest(flat) == "Every task has 4 frames; no range has any width."


def test_agreement_of_two_laws():
    same = pd.DataFrame({"a": [True, False], "b": [True, True]})
    assert said.say_agreement(same) == "The two laws name the same design in 3 of the 4 cases."


def test_tasks_served_by_the_design_of_their_average():
    losses, ties = pd.DataFrame({"A": [0.1, 0.2], "B": [0.0, 2.0]}), pd.Series({"A": 1, "B": 1})
    assert said.say_served(losses, ties) == (
        "the tasks lose less than the noise of a run in 3 of the 4 cases, and at most 2.0 "
        "points (B)"
    )
    assert said.say_served(losses * 0, ties).endswith("in all 4 cases, and nothing in any of them")


@pytest.fixture
def flat():
    row = {"frames_low": -1, "frames_high": 1, "tokens_low": -1, "tokens_high": 1}
    row |= {"designs": 241, "fewest": 4, "most": 41, "best": 21}
    return pd.DataFrame({"NQA": row, "LVB": row | {"designs": 118}}).T.astype(float)


def test_a_plateau(flat):
    assert said.say_plateau(flat, "NQA") == (
        "At the centre the intervals of a doubling of frames and of one of tokens both contain "
        "zero. At the largest budget 241 designs lie within the noise of a run of its best, "
        "while no other task has more than 118; they have from 4 to 41 frames. So the 21 frames "
        "of its best design are one of many choices."
    )
    assert "and NQA has as many as 241" in said.say_plateau(flat, "LVB")
    flat.loc["NQA", "frames_high"] = -0.5
    assert "of a doubling of frames leaves zero out, and that of one of tokens contains it" in (
        said.say_plateau(flat, "NQA")
    )
    flat.loc["NQA", ["tokens_high", "designs"]] = -0.5, 1
    told = said.say_plateau(flat, "NQA")
    assert "both leave zero out" in told and told.endswith("its only choice.")


def test_whether_the_average_is_predicted_best():
    table = pd.DataFrame({"value": [1.6, 2.7, 11.0]}, ["Avg", "MV", "NQA"])
    assert said.say_misses(table) == (
        "the average is predicted better (1.6%) than every single task (2.7% to 11.0%)"
    )
    table.loc["Avg"] = 3.0
    assert said.say_misses(table) == (
        "1 of the 2 tasks are predicted at least as well as their average (3.0%)"
    )


def test_copies_that_miss_by_far():
    copies = pd.DataFrame({"MV": [2.0, 2.0, 3.0], "LVB": [4.0, 5.0, 62.6]})
    assert said.say_far(copies).startswith(
        "In some copies a task is missed more than 3 times as far as in its median copy: LVB in 1 "
        "of the 3 copies (up to 62.6%, against 5.0%)"
    )
    assert said.say_far(copies.head(2)) == (
        "No copy misses a task by more than 3 times its median copy."
    )


def test_simpler_laws():
    assert said.say_simple(4.9, 4.8, "LVB").startswith("For LVB add predicts worse: it misses by")
    assert "better" in said.say_simple(4.0, 4.8, "LVB")
    assert said.say_simple(4.8, 4.8, "LVB") == "For LVB both laws miss by 4.8%."


def test_a_task_left_out():
    assert said.say_leaving(pd.Series({"A": -0.2, "B": 0.1}), -1.6) == (
        "Without A the average moves most, by 12% of it; so no single task decides it."
    )
    assert said.say_leaving(pd.Series({"A": -1.2, "B": 0.1}), -1.6).endswith("most of it.")
