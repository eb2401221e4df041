"""The words that sentences share: counts, lists, comparisons, directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vvlm_utils.text import show_interval


def say_list(names: Sequence[str], empty: str = "none") -> str:
    """Names in a row.

    >>> say_list(["a", "b", "c"]), say_list(["a", "b"]), say_list(["a"]), say_list([])
    ('a, b and c', 'a and b', 'a', 'none')
    """
    *first, last = names if len(names) else [empty]
    return f"{', '.join(first)} and {last}" if first else last


def say_part(count: int, total: int, things: str) -> str:
    """How many of so many.

    >>> say_part(0, 4, "budgets"), say_part(2, 4, "budgets"), say_part(4, 4, "budgets")
    ('none of the 4 budgets', '2 of the 4 budgets', 'all 4 budgets')
    >>> say_part(1, 1, "budgets"), say_part(0, 1, "budgets")
    ('the only one of the budgets', 'none of the budgets')
    """
    if total == 1:
        return f"the only one of the {things}" if count else f"none of the {things}"
    if count == total:
        return f"{'both' if total == 2 else f'all {total}'} {things}"
    return f"{count or 'none'} of the {total:,} {things}"


def say_more(ratio: float, digits: int = 0) -> str:
    """By how much one amount exceeds another, as words before what it is held against.

    >>> say_more(1.13), say_more(0.95), say_more(1.001), say_more(2.5)
    ('13% more than', '5% less than', 'as much as', '2.5 times as much as')
    """
    if ratio >= 2:
        return f"{ratio:.1f} times as much as"
    percent = f"{abs(100 * (ratio - 1)):.{digits}f}"
    if float(percent) == 0:
        return "as much as"
    return f"{percent}% {'more' if ratio > 1 else 'less'} than"


def say_at_most(share: float) -> str:
    """A bound in per cent, of two digits after the point; a rounded zero is no bound.

    >>> say_at_most(0.0123), say_at_most(1e-6)
    ('at most 1.23%', 'less than 0.005%')
    """
    return "less than 0.005%" if share < 5e-5 else f"at most {share:.2%}"


def say_number(value: float) -> str:
    """A number of any size with three digits that count.

    >>> say_number(340.0), say_number(0.00333), say_number(12345.6), say_number(0)
    ('340', '0.00333', '12,300', '0')
    """
    if value == 0:
        return "0"
    digits = 2 - int(np.floor(np.log10(abs(value))))
    return (
        f"{round(value, digits):,.{max(0, digits)}f}".rstrip("0").rstrip(".")
        if digits > 0
        else (f"{round(value, digits):,.0f}")
    )


def direction(values: Sequence[float], tolerance: float = 0.0) -> str:
    """Which way a row of numbers goes: rises, falls, stays, or "rises and falls".

    tolerance : a step of at most this size is none

    >>> direction([1, 2, 2]), direction([3, 1]), direction([1, 1]), direction([1, 3, 2])
    ('rises', 'falls', 'stays', 'rises and falls')
    """
    steps = np.diff(np.asarray(values, dtype=float))
    up, down = (steps > tolerance).any(), (steps < -tolerance).any()
    return {(1, 0): "rises", (0, 1): "falls", (0, 0): "stays", (1, 1): "rises and falls"}[
        int(up), int(down)
    ]


def say_intervals(table: pd.DataFrame, digits: int = 2) -> pd.Series:
    """The columns value, low and high of a table as one column of text.

    >>> say_intervals(pd.DataFrame({"value": [1.0], "low": [-0.001], "high": [2.0]})).tolist()
    ['1.00 (0.00 to 2.00)']
    """
    rows = table[["value", "low", "high"]].to_numpy()
    return pd.Series([show_interval(*row, digits) for row in rows], index=table.index, dtype=str)


def say_flops(flops: float) -> str:
    """An amount of training in the unit that reads best.

    >>> say_flops(4e20), say_flops(1.066e18), say_flops(2.5e15), say_flops(3e9)
    ('400 EFLOPs', '1.07 EFLOPs', '2.5 PFLOPs', '0.003 TFLOPs')
    """
    units = (("EFLOPs", 1e18), ("PFLOPs", 1e15), ("TFLOPs", 1e12))
    unit, size = next((u for u in units if flops >= u[1]), units[-1])
    return f"{say_number(flops / size)} {unit}"
