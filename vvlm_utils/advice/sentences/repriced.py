"""What chapter 7 says of designs that another price chooses or pays."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from vvlm_utils.advice.sentences.words import say_part
from vvlm_utils.text import say_level


def say_overspent(budgets: Sequence[float], over: Sequence[float], lost: Sequence[str]) -> str:
    """How far a plan without the encoder overspends, and what it loses, at both ends.

    budgets : TFLOPs; over : true cost over budget; lost : points, with their interval
    """
    said = [
        f"at {budgets[k]:g} TFLOPs the plan costs {over[k]:.1f} times its budget and loses "
        f"{lost[k]} points"
        for k in dict.fromkeys((0, len(budgets) - 1))
    ]
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def say_planner(planned: pd.DataFrame, better: pd.DataFrame) -> str:
    """Whether a plan without the encoder has more frames and fewer tokens than the best design."""
    frames = planned["frames"].to_numpy() > better["frames"].to_numpy()
    tokens = planned["tokens_per_frame"].to_numpy() < better["tokens_per_frame"].to_numpy()
    total = len(planned)
    if (frames & tokens).sum() == 0:
        return "The plan never has both more frames and fewer tokens per frame than the best."
    return (
        "Frames look free of charge to this planner: at "
        f"{say_part(int((frames & tokens).sum()), total, 'budgets')} the plan has more frames, and "
        "fewer tokens per frame, than the best design of its true cost."
    )


def say_ratio_of_costs(ratios: pd.Series) -> str:
    """Between which bounds the exact cost lies, as a multiple of Equation 1."""
    low, high = float(ratios.min()), float(ratios.max())
    if f"{low:.2f}" == f"{high:.2f}":
        return f"The exact cost of these designs is {low:.2f} times that of Equation 1."
    return f"The exact cost of these designs is {low:.2f} to {high:.2f} times that of Equation 1."


def say_same_answer(size: float, design: float) -> str:
    """At how many budgets two costs agree; shares of the budgets, by LM size and by design."""
    if design == 1:
        return "Both costs name the same design at every budget."
    if size == 1:
        return (
            "Both costs name the same LM size at every budget, and the same design at "
            f"{design:.0%} of them."
        )
    return (
        f"Both costs name the same LM size at {size:.0%} of the budgets, and the same design at "
        f"{design:.0%}."
    )


def say_moved(change: pd.DataFrame) -> str:
    """Which LM sizes gain and lose votes under another cost; a row per budget (FLOPs)."""
    moved, most = change.mean(), float(change.abs().max(axis=None))
    if most < 0.005:
        return "No vote for an LM size moves at any budget."
    at = change.abs().max(axis=1).idxmax() / 1e12
    return (
        f"Averaged over the budgets {say_level(float(moved.idxmax()))} gains and "
        f"{say_level(float(moved.idxmin()))} loses most votes, by at most "
        f"{moved.abs().max():.0%} of the bag; at one budget, {at:.1f} TFLOPs, a size moves by "
        f"{most:.0%}."
    )


def say_overlap(first: Sequence[tuple[float, float]], second: Sequence[tuple[float, float]]) -> str:
    """Whether intervals overlap row by row; each a low and a high."""
    meets = [a[0] <= b[1] and b[0] <= a[1] for a, b in zip(first, second, strict=True)]
    return f"The intervals overlap in {say_part(sum(meets), len(meets), 'rows')}."
