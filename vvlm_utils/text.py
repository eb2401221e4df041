"""Numbers, factors and designs as words: the one home of how the project writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

FACTOR_NAMES = {
    "lm_params": "LM size",
    "frames": "frames",
    "tokens_per_frame": "tokens per frame",
    "train_examples": "training examples",
}

MINUS = "\u2212"  # as wide as a plus, so that numbers line up; a hyphen is not
_HYPHEN = re.compile(r"(?<![\w)\]-])-(?=[\d.∞])")  # before a number, and not within a word

UNITS = (("TFLOPs", 1e12), ("GFLOPs", 1e9), ("MFLOPs", 1e6), ("FLOPs", 1.0))


def true_minus(text: str) -> str:
    """Write a minus sign before every negative number of a text; words and powers stay.

    >>> true_minus("-0.2 (-1.5 to 0.3)"), true_minus("mini-40k, 1e-05, 2024-10-09")
    ('−0.2 (−1.5 to 0.3)', 'mini-40k, 1e-05, 2024-10-09')
    """
    return _HYPHEN.sub(MINUS, text)


def short_count(value: float) -> str:
    """Write a count with its thousand's letter.

    >>> short_count(7.5e9), short_count(250_000), short_count(83)
    ('7.5B', '250k', '83')
    """
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def say_level(value: float) -> str:
    """A level as one would say it.

    >>> say_level(2_818_000_000.0), say_level(196.0)
    ('2.82B', '196')
    """
    return short_count(float(f"{value:.3g}")) if value >= 1e4 else f"{value:g}"


def say_name(factor: str) -> str:
    """A factor in words.

    >>> say_name("lm_params"), say_name("tower_params")
    ('LM size', '`tower_params`')
    """
    return FACTOR_NAMES.get(factor, f"`{factor}`")


def say_levels(levels: Sequence[float]) -> str:
    shown = [say_level(v) for v in levels]
    if len(shown) > 8:
        return f"{len(shown)} levels from {shown[0]} to {shown[-1]}"
    return f"{len(shown)} levels ({', '.join(shown)})" if len(shown) > 1 else f"only {shown[0]}"


def show_interval(value: float, low: float, high: float, digits: int = 1) -> str:
    """Write a value with its interval.

    >>> show_interval(1.234, -0.06, 2.5)
    '1.2 (−0.1 to 2.5)'
    """
    value, low, high = (f"{round(x, digits) + 0.0:.{digits}f}" for x in (value, low, high))
    return true_minus(f"{value} ({low} to {high})")


def unit_of(flops: float) -> tuple[str, float]:
    """The unit in which an amount of FLOPs reads best: its name and its size."""
    return next((unit for unit in UNITS if flops >= unit[1]), UNITS[-1])


def say_design(row: Mapping, factors: Sequence[str] = ()) -> str:
    """A design as words: LM size, frames x tokens per frame, and further factors it has.

    >>> say_design({"lm_params": 7.5e9, "frames": 8, "tokens_per_frame": 49.0})
    '7.5B LM, 8 x 49'
    """
    further = [f"{f} {say_level(row[f])}" for f in factors if f in row]
    three = f"{say_level(row['lm_params'])} LM, {row['frames']:g} x {row['tokens_per_frame']:g}"
    return ", ".join([three, *further])
