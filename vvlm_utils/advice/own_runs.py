"""Somebody's runs as a chapter asks about them: sizes, budgets and n are theirs, unless named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.report import round_budgets
from vvlm_utils.cost.equation import TRAIN_EXAMPLES
from vvlm_utils.runs.prepared import Prepared, prepare
from vvlm_utils.runs.schema import RunsError
from vvlm_utils.text import say_level, say_name, unit_of


@dataclass(frozen=True)
class OwnRuns:
    """A prepared table with what it is asked at.

    prepared : the table, checked and priced
    budgets : FLOPs per video, from the lowest asked to the highest
    train_examples : n
    unit : name and size of the unit in which the budgets read best
    """

    prepared: Prepared
    budgets: list[float]
    train_examples: float
    unit: tuple[str, float]


def own_runs(
    runs: str,
    lm_params: Sequence[float] | None = None,
    low_budget: float | None = None,
    high_budget: float | None = None,
    train_examples: float | None = None,
) -> OwnRuns:
    """Prepare a table and choose what to ask of it.

    Parameters
    ----------
    runs
        The name of a published sweep, or the path of a CSV.
    lm_params
        LM sizes to choose from; those of the runs where none are given.
    low_budget, high_budget
        TFLOPs per video; what the cheapest and the costliest run cost where none are given.
    train_examples
        Finetuning examples; the most that the runs have where none are given.

    Raises
    ------
    RunsError
        The table cannot be used, or no budget lies between the two.
    """
    prepared = prepare(runs, lm_params=list(lm_params) if lm_params else None)
    flops = prepared.cost_flops
    low = float(flops.min()) if low_budget is None else 1e12 * low_budget
    high = float(flops.max()) if high_budget is None else 1e12 * high_budget
    if not low < high:
        own = f"its runs cost {flops.min() / 1e12:.3g} to {flops.max() / 1e12:.3g} TFLOPs"
        raise RunsError(
            f"{runs}: low_budget {low / 1e12:.3g} and high_budget {high / 1e12:.3g} leave no "
            f"budget between them; {own}"
        )
    budgets = round_budgets(low, high)
    most = float(np.max(prepared.runs[TRAIN_EXAMPLES]))
    return OwnRuns(prepared, budgets, train_examples or most, unit_of(budgets[len(budgets) // 2]))


def error_by_level(runs: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Error at every level of every factor that moves: runs, smallest, median, largest."""
    moved = [f for f in dict.fromkeys([*factors, TRAIN_EXAMPLES]) if runs[f].nunique() > 1]
    spans = {
        say_name(f): runs.groupby(f)["error"]
        .agg(["size", "min", "median", "max"])
        .rename(say_level)
        for f in moved
    }
    names = {"size": "runs", "min": "smallest", "max": "largest"}
    return pd.concat(spans, names=["factor", "level"]).rename(columns=names)
