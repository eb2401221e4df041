"""Sentences that compare or count: what they say follows from the numbers."""

import pandas as pd

from vvlm_utils.advice import find_moves, say_moves, say_other_law
from vvlm_utils.advice.sentences import say_left_out
from vvlm_utils.cost import FACTORS
from vvlm_utils.laws.forms import get_law


def ends(*pairs) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["low", "high"], index=list(FACTORS))


def test_a_factor_moves_only_where_every_computation_agrees():
    rising, mixed = ends((1, 2), (1, 2), (-2, -1)), ends((1, 2), (-1, 2), (1, 2))
    assert list(find_moves({"one": rising}).values()) == ["rises", "rises", "falls"]
    both = find_moves({"one": rising, "two": mixed})
    assert say_moves(both) == "LM size rises, frames are open, and tokens per frame are open"


def test_another_law_is_a_tie_only_within_the_noise_of_a_run():
    lost = pd.DataFrame({"value": [0, 0.1, 0.3], "low": [0, 0, 0.2], "high": [0, 0.3, 0.6]})
    ours, theirs = ["a", "b", "c"], ["a", "x", "x"]
    assert say_other_law(ours, theirs, lost, 0.4).endswith("a tie at 1 of 2")
    assert say_other_law(ours, theirs, lost, 0.7).endswith("a tie at 2 of 2")
    assert say_other_law(ours, ours, lost, 0.4) == "the two agree at 3 of 3 budgets"


def test_the_best_law_is_named_where_it_does_not_answer():
    rows = [("add", 40.0), ("mult", 44.0)]
    held = pd.DataFrame(
        [
            {"law": law, "test": "cv", "split": 0, "run_id": k, "observed": 40.1, "predicted": p}
            for law, p in rows
            for k in range(3)
        ]
    )
    (said,) = say_left_out(held, [get_law("mult")])
    assert "add predicts" in said and "--law add" in said
    assert say_left_out(held, [get_law("mult"), get_law("add")]) == []
    assert say_left_out(held.iloc[:0], [get_law("mult")]) == []
