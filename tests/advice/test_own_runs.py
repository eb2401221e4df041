"""Somebody's runs: what is asked of them is theirs, and what is said of them is in their table."""

import pandas as pd
import pytest

from vvlm_utils.advice.own_runs import own_runs
from vvlm_utils.advice.sentences import own
from vvlm_utils.runs.schema import RunsError


def test_sizes_budgets_and_n_are_those_of_the_runs():
    asked = own_runs("mini")
    flops = asked.prepared.cost_flops
    assert flops.min() <= asked.budgets[0] and asked.budgets[-1] <= flops.max()
    assert asked.train_examples == asked.prepared.runs["train_examples"].max()
    assert asked.unit[0] == "MFLOPs"


def test_what_is_named_is_taken_and_a_range_without_budgets_is_refused():
    asked = own_runs("paper", [1e9, 7.5e9], 2.0, 30.0, 5e5)
    assert asked.train_examples == 5e5 and max(asked.budgets) <= 30e12
    with pytest.raises(RunsError, match="mini: low_budget 2 and high_budget .* its runs cost"):
        own_runs("mini", low_budget=2.0)


def runs(*rows):
    columns = ["lm_params", "frames", "tokens_per_frame", "train_examples", "error"]
    return pd.DataFrame(rows, columns=columns)


def test_what_a_table_holds():
    said = own.say_runs(runs((1e9, 8, 16, 1e5, 50.0), (2e9, 8, 16, 1e5, 40.0)))
    assert said[0] == (
        "The table holds 2 runs of 2 designs; LM size has 2 levels (1B, 2B), frames is 8 "
        "throughout, tokens per frame is 16 throughout and training examples is 100k throughout."
    )
    assert said[1].startswith("The least error is 40 points (2B LM, 8 x 16, n = 100k), the largest")
    same = own.say_runs(runs((1e9, 8, 16, 1e5, 50.0), (1e9, 8, 16, 2e5, 50.0)), "loss")
    assert same[0].startswith("The table holds 2 runs of one design;")
    assert same[1] == "Every run has the same error, 50 loss."


def plan(left, outside=""):
    return pd.DataFrame({"left": left, "train_flops": 1e18, "outside": outside})


def test_plans():
    assert own.say_plan(plan([]), 1e18) == "No run that 1 EFLOPs pay for would tell anything."
    assert "its first run takes half of" in own.say_plan(plan([0.4, 0.3]), 1e18)
    assert "its first 2 runs take half" in own.say_plan(plan([0.8, 0.3]), 1e18)
    said = own.say_plan(plan([0.8, 0.7], "frames"), 1e18)
    assert said == (
        "The plan has 2 runs for 2 EFLOPs of training; it takes less than half of what the bag "
        "leaves open, and 70% of it is left; both planned runs lie outside the range of the runs "
        "that exist."
    )


@pytest.mark.parametrize(
    ("designs", "said"),
    [
        ({"a": "x"}, "The table has one task, a; a comparison needs several."),
        ({"a": "x", "b": "x"}, "All 2 tasks ask for the same design, x."),
        ({"a": "x", "b": "y"}, "Each of the 2 tasks asks for a design of its own."),
        ({"a": "x", "b": "x", "c": "y"}, "The tasks ask for 2 designs; x by the most, 2 of 3."),
        (
            {"a": "x", "b": "x", "c": "y", "d": "y"},
            "The tasks ask for 2 designs; x and y are each asked for by 2 of 4.",
        ),
    ],
)
def test_tasks(designs, said):
    assert own.say_tasks(designs) == said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1.0]], "Only one LM size is offered, 1B."),
        ([[1.0, 0.0], [1.0, 0.0]], "has all of the refits (100%); over the budgets 1B leads."),
        ([[0.6, 0.4], [0.3, 0.7]], "has most of the refits (65%); over the budgets 1B and 2B lead"),
        ([[0.4, 0.3, 0.3]], "has less than half of the refits (40%); over the budgets 1B leads."),
    ],
)
def test_votes(rows, said):
    table = pd.DataFrame(rows, columns=[1e9, 2e9, 3e9][: len(rows[0])])
    assert said in own.say_votes(table)
