"""What chapters say of frontiers: which way designs move, how laws agree, what is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS

SYMBOLS = dict(zip(FACTORS, ("x_N", "x_T", "x_V"), strict=True))


def say_moves(tables: Mapping[str, pd.DataFrame]) -> str:
    """Which way each factor moves with more data, as far as every computation agrees.

    tables : elasticities by name of the computation: columns low and high, one row per factor

    >>> table = pd.DataFrame({"low": [0.1, -2, -1], "high": [1, -1, 1]}, index=list(FACTORS))
    >>> say_moves({"one": table})
    'x_N rises, x_T falls, x_V is open'
    """
    said = []
    for factor, symbol in SYMBOLS.items():
        rows = [table.loc[factor] for table in tables.values()]
        rises, falls = all(r["low"] > 0 for r in rows), all(r["high"] < 0 for r in rows)
        said.append(f"{symbol} {'rises' if rises else 'falls' if falls else 'is open'}")
    return ", ".join(said)


def say_other_law(
    ours: Sequence[str], theirs: Sequence[str], lost: pd.DataFrame, tie: float
) -> str:
    """How far another law's designs agree, and what they lose where they do not.

    Parameters
    ----------
    ours, theirs : designs as text, one per budget
    lost : what their design loses against each member's own best: value, low, high in points
    tie : the difference that counts as none, points

    Examples
    --------
    >>> lost = pd.DataFrame({"value": [0.0, 0.1], "low": [0, 0], "high": [0.1, 0.3]})
    >>> say_other_law(["7.5B, 4 x 36", "7.5B, 6 x 9"], ["7.5B, 4 x 36", "7.5B, 4 x 36"], lost, 0.4)
    'the two agree at 1 of 2 budgets, and where they do not the loss is a tie at 1 of 1'
    """
    apart = np.array([a != b for a, b in zip(ours, theirs, strict=True)])
    agreed = f"the two agree at {int((~apart).sum())} of {len(apart)} budgets"
    if not apart.any():
        return agreed
    ties = int((lost["high"].to_numpy()[apart] <= tie).sum())
    return f"{agreed}, and where they do not the loss is a tie at {ties} of {int(apart.sum())}"
