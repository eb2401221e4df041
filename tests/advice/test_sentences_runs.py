"""What chapter 5 says of the published runs, branch by branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import runs as said

BEST = pd.DataFrame(
    {
        "lm_params": [1e9, 7.5e9, 7.5e9],
        "frames": [3, 5, 25],
        "tokens_per_frame": [1, 64, 36],
        "train_examples": 2e6,
        "best": [50.0, 53.25, 58.0],
        "worst": [44.0, 49.25, 53.0],
    },
    index=[5.0, 15.0, 30.0],
)


def intervals(rows: dict, names=("low", "high")) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(names))


@pytest.mark.parametrize(
    ("budget", "examples", "words"),
    [
        (10.0, 5e5, "The best runs at the budgets nearest to 10 TFLOPs reach 50.0 points at 5"),
        (10.0, 5e5, "They were finetuned on 2M examples, not on 500k."),
        (15.0, 2e6, "The best runs reach 53.2 points at 15 TFLOPs (7.5B LM, 5 x 64)."),
        (2.0, 2e6, "nearest to 2 TFLOPs reach 50.0 points at 5 TFLOPs (1B LM, 3 x 1)."),
        (99.0, 2e6, "nearest to 99 TFLOPs reach 58.0 points at 30 TFLOPs (7.5B LM, 25 x 36)."),
    ],
)
def test_the_example_is_held_against_the_budgets_beside_it(budget, examples, words):
    assert words in said.say_example(BEST, budget, examples)


def test_the_same_training_set_is_not_mentioned():
    assert "finetuned" not in said.say_example(BEST, 10.0, 2e6)


def test_spread():
    assert said.say_spread(BEST).endswith("differ by 4.0 to 6.0 points.")
    assert said.say_spread(BEST.head(1)).endswith("differ by 6.0 points.")


def test_gaps():
    gaps = pd.DataFrame({"rmse": [0.1, 0.2], "expected": [0.1, 0.2]}, index=["star", "isoFLOP"])
    assert said.say_gaps(gaps).endswith("for the isoFLOP runs: what the uncertainties allow.")
    more = said.say_gaps(gaps.assign(expected=[0.1, 0.1]))
    assert more.endswith("more than the uncertainties allow for the isoFLOP runs.")


def test_scatter():
    text = said.say_scatter(pd.Series([0.3, 0.5]), 0.03)
    assert "at least 10 times the reading error of 0.03" in text
    assert "0.8 to 1.4 points" in text  # 2 sqrt 2 times 0.3 and 0.5
    assert "about the reading error" in said.say_scatter(pd.Series([0.3, 0.5]), 0.3)


def test_rises():
    table = pd.DataFrame(
        {"steps": [6, 18], "rises": [0, 2], "largest": [None, 0.63]},
        index=["frames", "tokens_per_frame"],
    )
    assert said.say_rises(table) == (
        "2 of 24 steps raise the error, all of them in tokens per frame, by at most 0.6 points."
    )
    assert said.say_rises(table.assign(rises=[0, 1])).startswith("1 of 24 steps raises the error")
    assert said.say_rises(table.assign(rises=0)) == "None of the 24 steps raises the error."


def test_the_run_furthest_from_its_curve():
    runs = BEST.reset_index(names="target_tflops")
    text = said.say_worst(runs.assign(above=[0.1, -1.1, 0.2]))
    assert text.endswith("lies 1.1 points below it: 7.5B LM, 5 x 64, at 15 TFLOPs.")
    assert "2.0 points above it" in said.say_worst(runs.assign(above=[2, -1.1, 0.2]))


def test_bends():
    assert said.say_bends(intervals({"1B": (0.1, 1), "7.5B": (0.2, 1)})).startswith("Every")
    one = said.say_bends(intervals({"1B": (-0.1, 1), "7.5B": (0.2, 1)}))
    assert one.endswith("for 1 of the 2 LMs.")
    none = said.say_bends(intervals({"1B": (-0.1, 1), "7.5B": (-0.2, 1)}))
    assert none.endswith("for none of the 2 LMs.")


def growth(frames, tokens) -> pd.DataFrame:
    rows = {(n, "frames"): f for n, f in zip(("1B", "7.5B"), frames, strict=True)}
    rows |= {(n, "tokens"): f for n, f in zip(("1B", "7.5B"), tokens, strict=True)}
    table = pd.DataFrame({"low": rows.values()}, index=pd.MultiIndex.from_tuples(rows))
    return table.assign(high=9.0)


def test_growth():
    assert said.say_growth(growth([2, 3], [0.5, 2]), (5, 30)) == (
        "From 5 to 30 TFLOPs, the best frames grow for every LM and the best tokens grow for "
        "1 of the 2 LMs (not shown for 1B)."
    )
    none = said.say_growth(growth([2, 3], [0.5, 0.6]), (5, 30))
    assert none.endswith("for the best tokens every interval includes 1, which is no growth.")


def path(tokens, low=(2, 2), high=(4, 4)) -> pd.DataFrame:
    table = pd.DataFrame({"lm_params": [1e9, 7.5e9], "tokens": tokens, "target_tflops": 5.0})
    return table.assign(frames_low=low, frames_high=high)


def test_split():
    both = said.say_split(path([20, 10]))
    assert "fewer tokens at the only one of the budgets, since each token costs it more" in both
    assert both.endswith("agree within their intervals at the only one of the budgets.")
    neither = said.say_split(path([10, 20], (2, 5)))
    assert "fewer tokens at none of the budgets;" in neither and "at none of the" in neither


def test_a_smaller_lm_that_wins():
    top = pd.DataFrame({1e9: [50.0, 52.0], 7.5e9: [51.0, 51.5]}, index=[5.0, 30.0])
    assert said.say_ahead(top, 0.6).startswith("No smaller LM beats 7.5B at any budget")
    assert said.say_ahead(top, 0.4).endswith("the scatter of a run at 30 TFLOPs.")


def test_the_ratio_of_gains():
    assert said.say_ratio((-3, -2, -1), 0.9).endswith("twice the gain is excluded.")
    assert said.say_ratio((1, 2, 3), 0.9).endswith("more than twice the gain.")
    assert said.say_ratio((-3, -2, 1), 0.9).endswith("neither shown nor excluded.")
