"""What the chapter on the next runs says of its plans and trials: chapter 11."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import say_flops, say_list, say_number, say_part
from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.cost.serving import get_accelerator
from vvlm_utils.cost.training import gpu_hours
from vvlm_utils.text import say_design, say_level, say_name

FEW = (4, 16)  # frames and tokens up to which a design is too small to be served
DEVICE, UTILISATION = "a100-80gb-sxm", 0.4  # what training is said to take hours of


def plan_table(plan: pd.DataFrame, train_flops: float) -> pd.DataFrame:
    """The runs of a plan as a page shows them: shares in per cent, and factors in words."""
    table = plan[[*FACTORS, TRAIN_EXAMPLES]].copy()
    table["price (% of the budget)"] = 100 * plan["train_flops"] / train_flops
    table["gain (%)"], table["left (%)"] = 100 * plan["gain"], 100 * plan["left"]
    table["outside the runs in"] = [
        ", ".join(say_name(name) for name in names.split(", ")) if names else "–"
        for names in plan["outside"]
    ]
    return table.reset_index(drop=True)


def say_first(plan: pd.DataFrame) -> str:
    """Which single run settles most for its price; the first row of a plan."""
    if len(plan) == 0:
        return "No run that the budget pays for would tell anything."
    row = plan.iloc[0]
    return (
        f"The run that settles most for its price is {say_design(row)} with "
        f"{say_level(row[TRAIN_EXAMPLES])} examples: for {say_flops(row['train_flops'])} of "
        f"training ({_hours(row['train_flops'])}) it is expected to remove {row['gain']:.0%} of "
        "the doubt."
    )


def _hours(train_flops: float) -> str:
    """Training FLOPs as hours of one device at a usual utilisation."""
    hours = gpu_hours(train_flops, get_accelerator(DEVICE), UTILISATION)
    return f"{say_number(hours)} hours of one {DEVICE} at {UTILISATION:.0%} of its peak"


def say_spent(plan: pd.DataFrame, largest: float, train_flops: float) -> str:
    """On which designs a plan spends its budget.

    plan : columns of the factors and train_flops
    largest : the largest LM that was run
    """
    if len(plan) == 0:
        return "Nothing is spent."
    beyond = plan[plan["lm_params"] > largest]
    share = beyond["train_flops"].sum() / train_flops
    sizes = say_list([say_level(size) for size in sorted(beyond["lm_params"].unique())])
    small = (plan["frames"] <= FEW[0]) & (plan["tokens_per_frame"] <= FEW[1])
    said = (
        f"{share:.0%} of the budget goes to LM sizes that were never run ({sizes})"
        if len(beyond)
        else "Nothing goes to LM sizes that were never run"
    )
    part = say_part(int(small.sum()), len(plan), "runs")
    verb = "has" if small.sum() == 1 else "have"
    return f"{said}; {part} {verb} at most {FEW[0]} frames of at most {FEW[1]} tokens."


def say_against(rows: pd.DataFrame, other: str) -> str:
    """How planned runs do beside others on runs that were hidden.

    rows : a row per measure, regret and error, columns wins, ties, gap and se2: shares of the
        splits, the mean difference (planned less other) and two standard errors
    """
    regret, error = rows.loc["regret"], rows.loc["error"]
    said = (
        f"Against {other} choices the planned ones have the smaller regret in {regret['wins']:.0%} "
        f"of the splits ({regret['ties']:.0%} are ties), and the smaller error on the test runs in "
        f"{error['wins']:.0%}"
    )
    sure = [name for name in rows.index if abs(rows.loc[name, "gap"]) > rows.loc[name, "se2"]]
    if not sure:
        return f"{said}; neither mean difference exceeds two standard errors."
    return f"{said}; the mean difference of the {say_list(sure)} exceeds two standard errors."


def say_start(start: float, reading: float) -> str:
    """Whether hidden runs leave anything to gain; points of regret and of reading error."""
    said = f"Before any run is bought the regret is {start:.3f} points"
    if start < reading:
        return (
            f"{said}, less than the {reading:.2f} to which the published numbers can be read: half "
            "of the runs already answer the question, and there is nothing to gain."
        )
    return f"{said}, more than the {reading:.2f} to which the published numbers can be read."


def say_aim(wins: float, cheap: float, count: int, aim: float = 0.8) -> str:
    """How often planned runs leave less regret than random and than cheap ones.

    >>> say_aim(0.9, 0.76, 50)
    'in 90% of 50 trials (the aim of 80% is reached), and less than cheap random runs in 76%'
    """
    reached = "reached" if wins >= aim else "not reached"
    return (
        f"in {wins:.0%} of {count} trials (the aim of {aim:.0%} is {reached}), and less than cheap "
        f"random runs in {cheap:.0%}"
    )


def say_off(off: int, total: int, gain: float) -> str:
    """How many planned runs leave the star, and how much of the gain is theirs."""
    if off == 0:
        return "None of the planned runs leaves the star."
    verb = "leaves" if off == 1 else "leave"
    return (
        f"{say_part(off, total, 'planned runs').capitalize()} {verb} the star, with {gain:.0%} of "
        "the gain."
    )


def say_missed(before: float, after: float, randoms: pd.DataFrame) -> str:
    """How far designs are missed that no plan bought, before and after, in per cent.

    randoms : the same after random runs, a row per draw, columns before and after
    """
    fall, falls = before - after, randoms["before"] - randoms["after"]
    return (
        f"Designs that were not bought are missed by {before:.1f}% before the planned runs and by "
        f"{after:.1f}% after them: the planned runs {_held(fall, falls)}."
    )


def _held(fall: float, falls: pd.Series) -> str:
    """How a fall of the error compares with those after random draws."""
    less = int((fall < falls).sum())
    if less == 0:
        return f"help the prediction at least as much as each of the {len(falls)} random draws"
    helped = "help the prediction" if fall > 0 else "do not help the prediction, and do"
    some = say_part(less, len(falls), "random draws")
    return (
        f"{helped} less than {f'each of the {less} random draws' if less == len(falls) else some}"
    )


def say_beaten(before: float, after: float, randoms: pd.DataFrame) -> str:
    """:func:`say_missed` in short, for the top of the chapter."""
    held = _held(before - after, randoms["before"] - randoms["after"])
    return f"On the mini experiment the planned runs {held}."


def say_same(here: pd.Series, kept: pd.Series) -> str:
    """Whether trials that were run again give what is kept."""
    if np.allclose(here, kept, atol=5e-4):
        return "The trials that were run again give what is kept."
    most = float(np.abs(here - kept).max())
    return f"The trials that were run again differ from what is kept by up to {most:.3f} points."
