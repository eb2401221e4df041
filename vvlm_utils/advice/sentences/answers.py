"""What chapters say of frontiers: which way designs move, how laws agree, what is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.frontiers import verb
from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.text import say_name


def find_moves(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Which way each factor moves with more data: rises, falls, or open unless all tables agree.

    tables : elasticities by name of the computation: columns low and high, one row per factor
    """
    moves = {}
    for factor in FACTORS:
        rows = [table.loc[factor] for table in tables.values()]
        rises, falls = all(r["low"] > 0 for r in rows), all(r["high"] < 0 for r in rows)
        moves[factor] = "rises" if rises else "falls" if falls else "open"
    return moves


def say_moves(moves: Mapping[str, str]) -> str:
    """Which way each factor moves, as ``find_moves`` gives it.

    >>> say_moves({"lm_params": "rises", "frames": "falls", "tokens_per_frame": "open"})
    'LM size rises, frames fall, and tokens per frame are open'
    """
    said = [
        f"{say_name(f)} {verb(f, way) if way != 'open' else f'{be} open'}"
        for (f, way), be in zip(moves.items(), ("is", "are", "are"), strict=True)
    ]
    return f"{', '.join(said[:-1])}, and {said[-1]}"


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
