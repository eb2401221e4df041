"""What a checked table probably got wrong, said before any answer is given from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.text import say_name

MOST_ROWS = 1_500  # compared pair by pair; a larger table is thinned to so many
FALLS = 0.75  # share of comparable pairs that shows a table upside down
LEAST_PAIRS = 4


def larger_is_worse(runs: pd.DataFrame, factors: Sequence[str]) -> tuple[float, int]:
    """How often the larger of two runs has the larger error, and among how many pairs.

    Two runs of one task are compared where one has at least as much of every factor, and more of
    one: no law of the factors' trade-offs is needed. Equal errors count half.

    >>> runs = pd.DataFrame({"task": "avg", "frames": [4, 8, 16], "error": [50.0, 45.0, 41.0]})
    >>> larger_is_worse(runs, ["frames"])
    (0.0, 3)
    """
    thinned = runs.iloc[:: -(-len(runs) // MOST_ROWS)]
    worse, pairs = 0.0, 0
    for _, rows in thinned.groupby("task"):
        z = rows[list(factors)].to_numpy(dtype=float)
        error = rows["error"].to_numpy(dtype=float)
        larger = np.ones((len(rows), len(rows)), dtype=bool)
        equal = larger.copy()
        for column in z.T:
            larger &= column[:, None] >= column
            equal &= column[:, None] == column
        gap = np.sign(error[:, None] - error)[larger & ~equal]
        worse, pairs = worse + float(((gap + 1) / 2).sum()), pairs + len(gap)
    return (worse / pairs if pairs else 0.5), pairs


def _say_upside_down(runs: pd.DataFrame, factors: Sequence[str]) -> str | None:
    moving = [f for f in (*FACTORS, *factors, TRAIN_EXAMPLES) if runs[f].nunique() > 1]
    share, pairs = larger_is_worse(runs, moving)
    if not moving or pairs < LEAST_PAIRS or share < FALLS:
        return None
    unit = runs.attrs.get("unit", "points")
    names = ", ".join(map(say_name, moving))
    where = f"in {share:.0%} of the pairs of runs in which one has as much or more of {names}, "
    if unit == "points":
        return (
            f"The metric falls as the design grows: {where}the larger run has the lower metric. "
            "Is it a loss? Then name the column `loss` (or `error`), of which smaller is better."
        )
    return (
        f"The {unit} grows with the design: {where}the larger run has the larger {unit}. "
        "Is it a score? Then name the column `metric` and give it on the 0-100 scale."
    )


def _say_fractions(runs: pd.DataFrame) -> str | None:
    most = runs.groupby("task", sort=False)["metric"].max()
    low = most.index[most <= 1].tolist()
    if not low or len(low) == len(most):
        return None
    names = ", ".join(low[:5]) + (f" and {len(low) - 5} more" if len(low) > 5 else "")
    return (
        f"Every metric of {names} is at most 1, those of other tasks are not: are they fractions? "
        "Then write them on the 0-100 scale."
    )


def suspicions(runs: pd.DataFrame, factors: Sequence[str] = ()) -> list[str]:
    """Sentences, each with a hint, about what looks wrong in a checked table; often none.

    factors : declared beyond x_N, x_T, x_V
    """
    said = [_say_upside_down(runs, factors), _say_fractions(runs)]
    return [sentence for sentence in said if sentence]
