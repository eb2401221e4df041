"""The tables of chapter 6 in words: scores beside the paper's, parameters, coverage."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vvlm_utils.advice.audit import judge
from vvlm_utils.advice.sentences.laws import SAME_LOSS
from vvlm_utils.text import say_design, say_level, show_interval, true_minus

TEST_NAMES = {"cv": "cross-validation", "extrapolation": "star to isoFLOP"}
GREEK = {"alpha": "α", "beta": "β", "xi": "ξ", "eps": "ε"}
KINDS = {
    "term": "coefficient",
    "floor": "error that stays",
    "factor_exponent": "exponent of a factor",
    "decay": "exponent of n in a term",
    "data_exponent": "exponent of n",
}


def symbol(name: str) -> str:
    """A parameter as the formulas write it.

    >>> symbol("alpha_N"), symbol("eps"), symbol("a_T")
    ('α_N', 'ε', 'a_T')
    """
    stem, *rest = name.split("_", 1)
    return "_".join([GREEK.get(stem, stem), *rest])


def form_table(compared: pd.DataFrame, exact: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Scores of the forms beside the paper's, and MSE of deeper searches.

    compared : as ``beside_paper`` gives it; exact : the same of kept searches, by name
    """
    table = pd.DataFrame(
        {
            "test": [TEST_NAMES[test] for test, _ in compared.index],
            "form": [law for _, law in compared.index],
            "MSE": compared["mse", "ours"].to_numpy(),
            "SD over splits": compared["mse", "SD"].to_numpy(),
        }
    )
    for name, kept in exact.items():
        table[f"MSE, {name}"] = kept["mse", "ours"].reindex(compared.index).to_numpy()
    table["MSE, paper"] = compared["mse", "paper"].to_numpy()
    for metric, words in (("e_pct", "E (%)"), ("r2", "R²")):
        table[words] = compared[metric, "ours"].to_numpy()
        table[f"{words}, paper"] = compared[metric, "paper"].to_numpy()
    return table.set_index(["test", "form"])


def test_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of somebody's runs with words for heads; columns (test, metric)."""
    words = {"mse": "MSE", "e_pct": "E (%)", "r2": "R²"}
    heads = [f"{words[metric]}, {TEST_NAMES[test]}" for test, metric in scores.columns]
    return scores.set_axis(heads, axis=1)


def loss_table(gaps: pd.DataFrame) -> pd.DataFrame:
    """By how much one optimiser ends above another, in words; relative differences."""

    def say(gap: float) -> str:
        return "the same" if abs(gap) <= SAME_LOSS else true_minus(f"{gap:+.1%}")

    return gaps.map(say).rename_axis("resample")


def gap_table(gaps: pd.DataFrame) -> pd.DataFrame:
    """Differences in MSE of pairs of laws, with their intervals."""
    columns = ["mse_difference", "low", "high"]
    return pd.DataFrame(
        {
            "first form": [worse for worse, _, _ in gaps.index],
            "second form": [better for _, better, _ in gaps.index],
            "test": [TEST_NAMES[test] for _, _, test in gaps.index],
            "MSE of the first less the second": [
                show_interval(*row, 3) for row in gaps[columns].to_numpy()
            ],
        }
    )


def prior_words(beside: pd.DataFrame) -> pd.DataFrame:
    """What a prior expects of each parameter, and how far it decides it."""
    rows = beside[["median", "low", "high"]].to_numpy()
    return pd.DataFrame(
        {
            "parameter": [symbol(name) for name in beside.index],
            "what it is": beside["kind"].map(lambda kind: KINDS.get(kind, kind)).to_numpy(),
            "prior median (80% range)": [show_interval(*row, 2) for row in rows],
            "prior decides": beside["prior decides"].map("{:.0%}".format).to_numpy(),
        }
    )


def expected_table(
    designs: pd.DataFrame, drawn: np.ndarray, fitted: np.ndarray, level: float = 0.8
) -> pd.DataFrame:
    """Errors of designs before any run is seen, and after the fit; drawn (draws, designs)."""
    low, middle, high = np.quantile(drawn, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    rows = zip(middle, low, high, strict=True)
    return pd.DataFrame(
        {
            "design": [say_design(row) for row in designs.to_dict("records")],
            "finetuning examples": designs["train_examples"].map(say_level).to_numpy(),
            "lies": designs["where"].to_numpy(),
            f"before any run ({level:.0%} range)": [show_interval(*row, 0) for row in rows],
            "after the fit": fitted,
        }
    )


def choice_table(choice: pd.DataFrame) -> pd.DataFrame:
    """Log score of every way on each group of tables, and its coverage over all of them."""
    scores = choice.pivot(index="way", columns="group", values="log_score")
    groups = [name for name in dict.fromkeys(choice["group"]) if name != "all"]
    table = scores[[*groups, "all"]].rename(columns={"all": "mean of the groups"})
    cover = choice[choice["group"] == "all"].set_index("way")["cover80"]
    table["held by 80% intervals"] = cover.map("{:.0%}".format)
    return table.sort_values("mean of the groups", ascending=False)


def miss_table(scores: pd.DataFrame, column: str = "worst_e_pct") -> pd.DataFrame:
    """E% of every way under each test, with every LM size that was left out."""
    pooled = scores[scores["part"] == "all"].pivot(index="way", columns="test", values=column)
    sizes = scores[(scores["test"] == "LM size out") & (scores["part"] != "all")]
    by_size = sizes.pivot(index="way", columns="part", values=column).add_suffix(" out")
    tests = [test for test in dict.fromkeys(scores["test"]) if test != "LM size out"]
    order = list(dict.fromkeys(scores["way"]))
    return pd.concat([pooled[tests], by_size, pooled[["LM size out"]]], axis=1).loc[order]


def cover_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Share of the runs inside their 80% intervals, by test, and the mean log score."""
    pooled = scores[scores["part"] == "all"]
    table = pooled.pivot(index="way", columns="test", values="cover80")
    order = list(dict.fromkeys(pooled["way"]))
    table = table.loc[order, list(dict.fromkeys(pooled["test"]))].map("{:.0%}".format)
    means = pooled.groupby("way")["log_score"].mean()
    return table.assign(**{"mean log score": means.loc[order]})


def choices_table(table_8: pd.DataFrame, worth: pd.DataFrame) -> pd.DataFrame:
    """MSE under each choice of the fit, the paper's, and the paired difference, by test."""
    keys = list(table_8.index)
    tests, choices = zip(*keys, strict=True)
    rows = []
    for test, choice in keys:
        found = worth.loc[(choice, test)] if choice != "chosen" else None
        columns = ["mse_difference", "low", "high"]
        rows.append("–" if found is None else show_interval(*found[columns], 3))
    return pd.DataFrame(
        {
            "test": [TEST_NAMES[test] for test in tests],
            "choice": choices,
            "MSE": table_8["mse", "ours"].to_numpy(),
            "MSE, paper": table_8["mse", "paper"].to_numpy(),
            "MSE less that of the chosen": rows,
        }
    )


def decided_table(parameters: pd.DataFrame) -> pd.DataFrame:
    """What is known of each parameter, with a verdict; as ``parameter_table`` gives it."""
    rows = parameters.iterrows()
    verdicts = [
        judge(r["bag_low"], r["bag_high"], r["at_bound"], str(name).split("_")[0] not in GREEK)
        for name, r in rows
    ]
    return pd.DataFrame(
        {
            "parameter": [symbol(str(name)) for name in parameters.index],
            "value": parameters["value"].to_numpy(),
            "standard error": parameters["standard_error"].to_numpy(),
            "solutions as good": _ranges(parameters, "near"),
            "range over the refits": _ranges(parameters, "bag"),
            "refits at a bound": parameters["at_bound"].map("{:.0%}".format).to_numpy(),
            "verdict": verdicts,
        }
    )


def _ranges(table: pd.DataFrame, name: str) -> list[str]:
    ends = zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
    return [true_minus(f"{low:.2f} to {high:.2f}") for low, high in ends]
