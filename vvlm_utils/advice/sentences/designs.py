"""What the chapter on sweeps says of its designs: chapter 2."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import say_list

WIDE = 0.8  # designs that span at least this share of their curves are called spread over them


def say_choices(counts: pd.DataFrame) -> str:
    """Where a tolerance leaves the fewest designs and where the most.

    counts : designs within the tolerance, a row per budget (TFLOPs), a column per LM
    """
    flat = counts.stack()
    if flat.min() == flat.max():
        return f"Every budget leaves {flat.max():,} designs for every LM size."

    def place(where: tuple) -> str:
        budget, lm = where
        return f"{flat[where]:,} with {lm} at {budget:g} TFLOPs"

    none = [f"{lm} at {budget:g}" for (budget, lm), count in flat.items() if count == 0]
    left = f"the most are {place(flat.idxmax())}"
    if none:
        return f"There is no design with {say_list(none)} TFLOPs; {left}."
    return f"The fewest are {place(flat.idxmin())}, where one frame is a large step; {left}."


def say_outside(budgets: pd.Series) -> str:
    """How many designs miss each budget; ``budgets`` has one value (TFLOPs) per design.

    >>> say_outside(pd.Series([2.0, 2.0, 15.0]))
    '2 at 2 TFLOPs and 1 at 15 TFLOPs'
    """
    counts = budgets.value_counts().sort_index()
    return say_list([f"{count} at {budget:g} TFLOPs" for budget, count in counts.items()])


def say_ran(ran: pd.DataFrame, budget: float, budgets: Sequence[float]) -> str:
    """The paper's own designs at a budget, as a figure's caption names them.

    ran : the designs that the paper ran there; budgets : those at which it ran any (TFLOPs)
    """
    if len(ran) == 0:
        own = say_list([f"{b:g}" for b in budgets])
        return f"the paper ran none at {budget:g} TFLOPs (it ran at {own})"
    return f"red rings: the {len(ran)} that the paper ran"


def say_spread(ran: pd.DataFrame, around: pd.DataFrame) -> str:
    """Whether the paper's designs are spread over their curves.

    ran, around : designs that the paper ran, and all near the budget, with lm_params and
        tokens_per_frame
    """
    if len(ran) == 0:
        return "At this budget the paper has no designs to compare with."

    def span(table: pd.DataFrame) -> pd.Series:
        logs = np.log(table["tokens_per_frame"]).groupby(table["lm_params"])
        return logs.max() - logs.min()

    shares = (span(ran) / span(around).replace(0, np.nan)).dropna()
    if shares.empty:
        return "Every curve holds a single design near this budget, so there is nothing to spread."
    said = f"The published designs span {shares.mean():.0%} of their curves, in log tokens"
    if shares.mean() >= WIDE:
        return f"{said}: they cover them from end to end."
    return f"{said}: they were added around low errors and do not cover the curves evenly."
