"""What chapter 6 says of its tables, branch by branch."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.sentences import law_tables as tables
from vvlm_utils.advice.sentences import laws as said


def test_the_law_that_misses_least_and_most():
    rows = [("a", "cv", 1.0, 2.0), ("b", "cv", 0.5, 1.0), ("a", "extrapolation", 1.0, 2.0)]
    scores = pd.DataFrame(rows, columns=["law", "test", "mse", "e_pct"])
    assert said.say_best(scores) == (
        "In cross-validation b misses unseen runs least, by 1.0% on average, and a most, by 2.0%; "
        "from star to isoFLOP a misses unseen runs least, by 2.0% on average, and a most, by 2.0%."
    )
    assert "isoFLOP" not in said.say_best(scores[scores["test"] == "cv"])


def test_scores_beside_printed_ones():
    ours, paper = pd.Series({"a": 1.0, "b": 2.0}), pd.Series({"a": 1.1, "b": 1.5})
    assert said.say_near_paper(ours, paper) == "at most 0.50 from the paper's"
    assert said.say_above(ours, paper) == "it is above the paper's for b alone"
    assert said.say_above(paper + 1, paper) == "it is above the paper's for both of them"
    assert said.say_above(paper, paper) == "it is above the paper's for none of them"
    three = pd.Series([1, 2, 3])
    assert said.say_above(three + 1, three) == "it is above the paper's for all of them"


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        ([1e-9, 2e-6], "in both fits."),
        ([0.2, 1e-9], "in 1 of the 2 fits; L-BFGS ends higher in 1, by up to 20%."),
        ([-0.19, 0.2], "in none of the 2 fits; L-BFGS ends higher in 1, by up to 20%; L-BFGS"),
    ],
)
def test_optimisers(gaps, words):
    table = pd.DataFrame({"mult": gaps})
    assert words in said.say_optimisers(table)
    same = tables.loss_table(table)["mult"].tolist()
    assert [text == "the same" for text in same] == [abs(gap) < 1e-3 for gap in gaps]


def test_criteria():
    table = pd.DataFrame(
        {"aic": [1, 2], "bic": [1, 2], "correlated": [0.5, 0.9], "moved": [1e-9, -1e-6]},
        index=["a", "b"],
    )
    assert said.say_criteria(table) == (
        "AIC and BIC both prefer a. lmfit moves the sum of squares by less than 0.005%. The "
        "strongest correlation of two parameters is 0.900, in b."
    )
    assert said.say_criteria(table.assign(bic=[2, 1])).startswith("AIC prefers a, BIC b.")
    assert "no correlation" in said.say_criteria(table.assign(correlated=np.nan))


def test_sides():
    rows = [("a", 1.0)] * 9 + [("a", -1.0)] + [("b", -1.0)] * 5 + [("c", 1.0), ("c", -1.0)]
    relative = pd.DataFrame(rows, columns=["law", "relative"]).assign(test="extrapolation")
    assert said.say_sides(relative) == (
        "From star to isoFLOP a predicts too large an error for 90% of the runs and b predicts too "
        "small an error for 100% of the runs."
    )
    assert said.say_sides(relative[relative["law"] == "c"]).startswith("No law errs to one side")


def test_tasks_beside_the_papers():
    rows = [("Avg", 1.0, 1.3), ("LVB", 4.4, 6.8), ("NQA", 10.2, 4.1), ("VDC", 4.0, 4.7)]
    bars = pd.DataFrame(rows, columns=["name", "value", "paper"])
    assert said.say_tasks_beside(bars) == (
        "The largest misses are those of NQA (10.2%) and LVB (4.4%); 1 of the 3 tasks lie within "
        "one point of the paper's."
    )


def gaps(*rows):
    index = [("a", "b", test) for test in ("cv", "extrapolation")]
    names = ["worse", "better", "test"]
    index = pd.MultiIndex.from_tuples(index, names=names)
    return pd.DataFrame(rows, index, ["mse_difference", "low", "high"])


def test_two_laws_apart_or_not():
    both = said.say_apart(gaps((0.1, -1, 1), (-0.2, -1, 1)), "a", "b")
    assert both.startswith("These runs cannot tell a and b apart: their MSE differs by 0.20")
    one = said.say_apart(gaps((0.1, 0.05, 1), (-0.2, -1, 1)), "a", "b")
    assert one.startswith("These runs tell a and b apart in cross-validation alone:")
    none = said.say_apart(gaps((0.1, 0.05, 1), (-0.2, -1, -0.1)), "a", "b")
    assert none.startswith("These runs tell a and b apart under every test:")
    shown = tables.gap_table(gaps((0.1, 0.05, 1), (-0.2, -1, -0.1)))
    assert shown.iloc[0].tolist() == ["a", "b", "cross-validation", "0.100 (0.050 to 1.000)"]


def kept(**columns):
    index = [(test, way) for test in ("LM size out", "CV by designs") for way in ("p", "d", "q")]
    return pd.DataFrame(columns, index=pd.MultiIndex.from_tuples(index))


def test_beyond_and_inside_the_runs():
    pooled = kept(worst_e_pct=[98.0, 1.2, 1.3, 0, 0, 0], e_pct=[0, 0, 0, 0.93, 1.08, 1.0])
    assert said.say_beyond(pooled, "p", "d", "q") == (
        "With one LM size left out, the mean relative error (of the worst seed) is 98% for the "
        "paper's law, 1.2% for the default of this book, *d*, and 1.3% for *q*."
    )
    assert "the paper's law stays ahead, with 0.93%" in said.say_inside(pooled, "p", "d")
    assert "the default is ahead as well" in said.say_inside(pooled, "d", "p")
    assert "the two miss by the same" in said.say_inside(pooled, "p", "p")


def test_choices_of_the_fit():
    table = pd.DataFrame(
        {"ours": [1.0, 1.2, 1.0], "paper": [1.0, 10.0, 1.0]}, ["chosen", "raw-space", "huber-loss"]
    )
    assert said.say_choices(table) == (
        "From star to isoFLOP 1 of the 2 choices change the MSE by less than in the paper; in raw "
        "space the printed MSE is 8.33 times ours."
    )


@pytest.mark.parametrize(
    ("mean", "words"), [(12.0, "12 times as large"), (1.5, "is larger."), (1.0, "is no larger.")]
)
def test_a_bag_by_its_mean(mean, words):
    index = pd.MultiIndex.from_product([["mean", "median"], [4]], names=["aggregate", "size"])
    assert words in said.say_bag(pd.DataFrame({"value": [mean, 1.0]}, index))


def test_what_one_fit_knows():
    table = pd.DataFrame(
        {"value": [1.0, 0.2, 20.0], "standard error": [0.1, 0.1, 8.0], "low": 0.0, "high": 1.0},
        ["a_T", "d", "eps"],
    )
    assert said.say_known(table) == (
        "Of the exponents a_T is known to 25% of its value or better, d is not."
    )
    assert said.say_known(table.drop("d")).startswith("Every exponent is known")
    open_ = said.say_known(table.drop("a_T").assign(low=[0.0, -np.inf]))
    assert open_ == (
        "No exponent is known to 25% of its value; the interval of eps has an open end."
    )


def test_verdicts_on_parameters():
    verdicts = pd.Series(["found", "at a bound", "found", "wide"])
    assert said.say_judged(verdicts) == (
        "The refits find 2 of the 4 parameters (the others: 1 at a bound and 1 wide)."
    )
    assert said.say_judged(verdicts[verdicts == "found"]) == "The refits find both parameters."
    found = {"bag_low": [0.1, -1], "bag_high": [0.4, 1], "at_bound": 0.0, "value": 0.2}
    found |= {"standard_error": np.nan, "near_low": 0.1, "near_high": 0.3}
    shown = tables.decided_table(pd.DataFrame(found, ["a_T", "beta_N"]))
    assert shown["verdict"].tolist() == ["found", "wide"]
    assert shown["parameter"].tolist() == ["a_T", "β_N"]


def test_profiles():
    value = np.arange(3)
    parts = {"a": [5, 0, 5], "b": [0, 0, 5], "c": [9, 9, 9]}
    profiles = pd.concat(
        pd.DataFrame({"parameter": k, "value": value, "excess": v}) for k, v in parts.items()
    )
    found = said.decided(profiles, 3)
    assert found == {"a": True, "b": False, "c": False}
    assert said.say_profiles(found) == (
        "Of a, b and c, a profile bounds a on both sides, and leaves b and c open."
    )
    assert said.say_profiles({"a": True}) == "A profile bounds each of a on both sides."
    assert said.say_profiles({"b": False}) == "A profile bounds none of b on both sides."


def test_coverage():
    shares = pd.Series({"error, inside": 0.8, "x_N, inside": 1.0, "e_N, outside": 0.32})
    assert said.say_coverage(shares, 0.8) == (
        "Of 3 kinds of 80% bands, the truth lies in 1 more often than they state, 1 about as "
        "often and 1 less often (e_N, outside (32%))."
    )
    assert said.say_coverage(shares.head(2), 0.8).endswith("1 about as often and none less often.")
    ways = pd.DataFrame({"rows": shares, "wild": shares})
    assert said.say_least(ways, ["rows", "wild"]).startswith(
        "Bands of the error contain the truth in at least 80% of the tables with rows and 80% with "
    )


def test_tables_of_scores():
    index = pd.MultiIndex.from_tuples([("cv", "mult")], names=["test", "law"])
    columns = pd.MultiIndex.from_product([["mse", "e_pct", "r2"], ["ours", "SD", "paper"]])
    compared = pd.DataFrame([np.arange(9.0)], index, columns)
    table = tables.form_table(compared, {"cold starts": compared})
    assert table.index.tolist() == [("cross-validation", "mult")]
    assert table["MSE, cold starts"].tolist() == table["MSE"].tolist() == [0.0]
    assert table["R², paper"].tolist() == [8.0]
    choice = pd.DataFrame(
        {"way": ["a", "b"] * 2, "group": ["mini"] * 2 + ["all"] * 2, "log_score": [1.0, 2.0] * 2}
    ).assign(cover80=0.5)
    assert tables.choice_table(choice).index.tolist() == ["b", "a"]
    worth = pd.DataFrame(
        {"mse_difference": [0.1], "low": [0.0], "high": [0.2]},
        pd.MultiIndex.from_tuples([("raw-space", "cv")]),
    )
    rows = pd.MultiIndex.from_tuples([("cv", "raw-space"), ("cv", "chosen")])
    table_8 = pd.DataFrame(np.ones((2, 9)), rows, columns)
    assert tables.choices_table(table_8, worth).iloc[:, -1].tolist() == [
        "0.100 (0.000 to 0.200)",
        "–",
    ]
