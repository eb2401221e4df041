"""The tables of chapter 7 in words: designs as names, ranges and intervals as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, encoder_share
from vvlm_utils.frontier.comparisons import Mispriced
from vvlm_utils.text import say_level, say_name, short_count, show_interval

BUDGET = "budget (TFLOPs)"


def names_of(designs: pd.DataFrame) -> list[str]:
    """Every design as LM size, frames and tokens per frame.

    >>> row = {"lm_params": [7.5e9], "frames": [8.0], "tokens_per_frame": [36.0]}
    >>> names_of(pd.DataFrame(row))
    ['7.5B, 8 x 36']
    """
    rows = zip(*(designs[f] for f in FACTORS), strict=True)
    return [f"{say_level(z)}, {t:g} x {v:g}" for z, t, v in rows]


def ranges_of(table: pd.DataFrame, column: str) -> list[str]:
    """The range from column_low to column_high in words, one per row.

    >>> ranges_of(pd.DataFrame({"lm_params_low": [7e9, 7e9], "lm_params_high": [7e9, 14e9]}),
    ...           "lm_params")
    ['7B', '7B to 14B']
    """
    ends = zip(table[f"{column}_low"], table[f"{column}_high"], strict=True)
    return [say_level(a) if a == b else f"{say_level(a)} to {say_level(b)}" for a, b in ends]


def intervals_of(table: pd.DataFrame, value: str = "value", digits: int = 1) -> list[str]:
    """A value with its interval, one per row; the ends are low and high, or error_low and so on."""
    low, high = ("low", "high") if value == "value" else (f"{value}_low", f"{value}_high")
    return [show_interval(*row, digits) for row in table[[value, low, high]].to_numpy()]


def answer_table(solved: pd.DataFrame) -> pd.DataFrame:
    """A frontier with the ranges of the refits' own choices, one row per budget."""
    outside = [
        "nothing" if not text else ", ".join(map(say_name, text.split(", ")))
        for text in solved["outside"]
    ]
    return pd.DataFrame(
        {
            BUDGET: solved["budget_flops"] / 1e12,
            "design": names_of(solved),
            "error (points)": intervals_of(solved, "error"),
            "refits that choose this LM": solved["probability"].map("{:.0%}".format),
            "LM sizes": ranges_of(solved, "lm_params"),
            "frames": ranges_of(solved, "frames"),
            "tokens per frame": ranges_of(solved, "tokens"),
            "outside the runs": outside,
        }
    )


def beside_table(ours: pd.DataFrame, theirs: pd.DataFrame, lost: pd.DataFrame) -> pd.DataFrame:
    """Two answers side by side, and what the second loses in points, one row per budget."""
    return pd.DataFrame(
        {
            BUDGET: ours["budget_flops"].to_numpy() / 1e12,
            "this book": names_of(ours),
            "the paper's law": names_of(theirs),
            "what that loses (points)": intervals_of(lost, digits=2),
        }
    )


def left_table(prices: pd.DataFrame, epsilon: float) -> pd.DataFrame:
    """The LM sizes that may be the best at each budget, for ``size_prices``."""
    same = prices[prices["low"] <= epsilon].groupby("budget_tflops")["lm_params"]
    sizes = same.agg(lambda group: ", ".join(say_level(z) for z in group))
    return sizes.rename("LM sizes that may be the best").rename_axis(BUDGET).to_frame()


def flat_table(solved: pd.DataFrame) -> pd.DataFrame:
    """How many designs are about as good, and what a refit loses with the bag's choice."""
    return pd.DataFrame(
        {
            BUDGET: solved["budget_flops"] / 1e12,
            "designs about as good": solved["within_epsilon"],
            "median regret (points)": solved["regret"],
            "high end of the regret (points)": solved["regret_high"],
        }
    )


def near_table(near: pd.DataFrame) -> pd.DataFrame:
    """The designs that tie at one budget, best first."""
    return pd.DataFrame(
        {
            "design": names_of(near),
            "error (points)": near["error"],
            "above the best (points)": near["excess"],
            "refits that call it a tie": near["votes"].map("{:.0%}".format),
            "cost (TFLOPs)": near["cost_flops"] / 1e12,
        }
    )


def inferred_table(
    parts: Sequence[tuple[float, pd.DataFrame, pd.DataFrame, pd.DataFrame]],
) -> pd.DataFrame:
    """The paper's designs beside these runs' at the same cost: n, theirs, ours, lost of each."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "finetuning examples": short_count(n),
                    "cost (TFLOPs)": ours["budget_flops"].to_numpy() / 1e12,
                    "the paper's design": names_of(theirs),
                    "ours at that cost": names_of(ours),
                    "what the paper's loses (points)": intervals_of(lost, digits=2),
                }
            )
            for n, theirs, ours, lost in parts
        ],
        ignore_index=True,
    )


def ratio_table(ratios: pd.DataFrame) -> pd.DataFrame:
    """How many times faster one factor grows than another."""
    words = {f"x_{s}": say_name(f) for f, s in zip(FACTORS, "NTV", strict=True)}
    pairs = [" over ".join(words[part] for part in pair.split(" / ")) for pair in ratios.index]
    return pd.DataFrame({"growth of": pairs, "ratio": intervals_of(ratios, digits=2)})


def forgotten_table(plan: Mispriced) -> pd.DataFrame:
    """What a plan without the encoder costs and loses, one row per budget."""
    planned = plan.planned
    share = encoder_share(planned["lm_params"], planned["tokens_per_frame"])
    return pd.DataFrame(
        {
            "budget believed (TFLOPs)": planned["budget_flops"] / 1e12,
            "planned": names_of(planned),
            "true cost (TFLOPs)": plan.paid / 1e12,
            "of it in the encoder": [f"{s:.0%}" for s in share],
            "best at that cost": names_of(plan.better),
            "lost (points)": intervals_of(plan.lost, digits=2),
        }
    )


def shelf_table(solved: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The best design from each list of LM sizes, one row per budget."""
    budgets = next(iter(solved.values()))["budget_flops"] / 1e12
    return pd.DataFrame({BUDGET: budgets} | {k: names_of(t) for k, t in solved.items()})


def exact_table(plans: Mapping[str, tuple[Mispriced, pd.DataFrame]]) -> pd.DataFrame:
    """Designs planned by Equation 1 and by the exact cost, for each list of LM sizes."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "LM sizes": title,
                    BUDGET: plan.planned["budget_flops"] / 1e12,
                    "by Equation 1": names_of(plan.planned),
                    "by the exact cost": names_of(counted),
                    "exact cost over Equation 1": plan.paid / plan.planned["cost_flops"],
                    "lost (points)": intervals_of(plan.lost, digits=2),
                }
            )
            for title, (plan, counted) in plans.items()
        ],
        ignore_index=True,
    )


def rate_table(rates: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Growth of each factor under each cost; tables with columns factor, value, low, high."""
    factors = next(iter(rates.values()))["factor"]
    return pd.DataFrame(
        {"factor": [say_name(f) for f in factors]} | {k: intervals_of(t) for k, t in rates.items()}
    )


def ends_of(rates: pd.DataFrame) -> list[tuple[float, float]]:
    """Low and high of every row, for ``say_overlap``."""
    return [tuple(row) for row in np.asarray(rates[["low", "high"]])]


def front_table(rows: pd.DataFrame, most: float = 100.0) -> pd.DataFrame:
    """The answer at a glance: one row per budget, scores in place of errors.

    Parameters
    ----------
    rows : as ``records`` gives them
    most : the score of no error at all

    Examples
    --------
    >>> row = {"budget_flops": 1e13, "lm_params": 7.5e9, "frames": 8, "tokens_per_frame": 36}
    >>> row |= {"error": 46.4, "error_low": 46.1, "error_high": 46.9}
    >>> row |= {"probability": 0.97, "within_epsilon": 8}
    >>> front_table(pd.DataFrame([row])).iloc[0].tolist()[4:]
    ['53.6 (53.1 to 53.9)', '97%', '7']
    """
    scores = most - rows[["error", "error_high", "error_low"]]
    return pd.DataFrame(
        {
            "TFLOPs": rows["budget_flops"] / 1e12,
            "LM size": [short_count(size) for size in rows["lm_params"]],
            "frames": rows["frames"],
            "tokens per frame": rows["tokens_per_frame"],
            "score": [show_interval(*score) for score in scores.to_numpy()],
            "refits that choose it": rows["probability"].map("{:.0%}".format),
            "others about as good": [f"{near - 1:g}" for near in rows["within_epsilon"]],
        }
    )
