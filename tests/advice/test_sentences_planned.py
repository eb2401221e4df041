"""What chapter 11 says of its plans and trials, branch by branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import planned as said


@pytest.fixture
def plan():
    row = {"frames": 2, "tokens_per_frame": 9, "train_examples": 2.5e5, "train_flops": 1e18}
    rows = [
        row | {"lm_params": 2.8e9, "gain": 0.27, "left": 0.73, "outside": ""},
        row | {"lm_params": 32e9, "frames": 8, "gain": 0.1, "left": 0.63, "outside": "lm_params"},
    ]
    return pd.DataFrame(rows)


def test_a_plan_is_shown_in_words(plan):
    table = said.plan_table(plan, 4e18)
    assert table["price (% of the budget)"].tolist() == [25, 25]
    assert table["outside the runs in"].tolist() == ["–", "LM size"]
    assert table["left (%)"].tolist() == [73, 63]


def test_the_first_run(plan):
    assert said.say_first(plan) == (
        "The run that settles most for its price is 2.8B LM, 2 x 9 with 250k examples: for 1 "
        "EFLOPs of training (2.23 hours of one a100-80gb-sxm at 40% of its peak) it is expected to "
        "remove 27% of the doubt."
    )
    assert said.say_first(plan.head(0)).startswith("No run that the budget pays for")


def test_what_a_plan_spends(plan):
    assert said.say_spent(plan, 7.5e9, 4e18) == (
        "25% of the budget goes to LM sizes that were never run (32B); 1 of the 2 runs has at most "
        "4 frames of at most 16 tokens."
    )
    inside = said.say_spent(plan.head(1), 7.5e9, 4e18)
    assert inside.startswith("Nothing goes to LM sizes that were never run; the only one of the")
    assert said.say_spent(plan.head(0), 7.5e9, 4e18) == "Nothing is spent."


def test_planned_beside_other_choices():
    rows = pd.DataFrame(
        {"wins": [0.4, 0.6], "ties": [0.2, 0], "gap": [-0.003, -0.035], "se2": [0.004, 0.043]},
        index=["regret", "error"],
    )
    told = said.say_against(rows, "random")
    assert told.startswith("Against random choices the planned ones have the smaller regret in 40%")
    assert told.endswith("neither mean difference exceeds two standard errors.")
    rows.loc["error", "se2"] = 0.01
    assert said.say_against(rows, "random").endswith(
        "the mean difference of the error exceeds two standard errors."
    )


def test_whether_there_is_anything_to_gain():
    assert said.say_start(0.005, 0.03).endswith("and there is nothing to gain.")
    assert "more than the 0.03" in said.say_start(0.05, 0.03)


def test_the_aim():
    assert "not reached" in said.say_aim(0.7, 0.6, 50)


def test_runs_that_leave_the_star():
    assert said.say_off(15, 28, 0.64) == (
        "15 of the 28 planned runs leave the star, with 64% of the gain."
    )
    assert said.say_off(1, 28, 0.1).startswith("1 of the 28 planned runs leaves")
    assert said.say_off(28, 28, 1.0).startswith("All 28 planned runs leave")
    assert said.say_off(0, 28, 0.0) == "None of the planned runs leaves the star."


def test_how_far_unseen_designs_are_missed():
    randoms = pd.DataFrame({"before": [8.0, 7.0], "after": [6.5, 4.0]})
    assert said.say_missed(6.0, 4.0, randoms) == (
        "Designs that were not bought are missed by 6.0% before the planned runs and by 4.0% after "
        "them: the planned runs help the prediction less than 1 of the 2 random draws."
    )
    assert said.say_missed(6.0, 3.0, randoms).endswith("as much as each of the 2 random draws.")
    assert said.say_beaten(4.0, 6.0, randoms) == (
        "On the mini experiment the planned runs do not help the prediction, and do less than each "
        "of the 2 random draws."
    )


def test_trials_run_again():
    kept = pd.Series([0.1, 0.2])
    assert said.say_same(kept, kept).endswith("give what is kept.")
    assert "by up to 0.100 points" in said.say_same(kept + 0.1, kept)
