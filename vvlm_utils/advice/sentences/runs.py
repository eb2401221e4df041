"""What the chapter on the published runs says of its tables: chapter 5."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vvlm_utils.advice import example
from vvlm_utils.advice.sentences.words import direction, say_list, say_part
from vvlm_utils.text import say_design, say_level, say_name

NEAR = 1.5  # a gap of at most this many times its uncertainty is what the uncertainty allows


def say_example(
    best: pd.DataFrame, budget: float = example.BUDGET_TFLOPS, examples: float = example.EXAMPLES
) -> str:
    """What the runs nearest to the book's example reach.

    best : as ``runs.curves.best_runs`` gives it
    """
    near = best.loc[[c for c in (*_below(best, budget), *_above(best, budget))]]
    said = [
        f"{row['best']:.1f} points at {c:g} TFLOPs ({say_design(row)})"
        for c, row in near.iterrows()
    ]
    apart = "The best runs reach"
    if budget not in best.index:
        apart = f"The best runs at the budgets nearest to {budget:g} TFLOPs reach"
    trained = near["train_examples"].unique()
    first = f"{apart} {say_list(said)}."
    if len(trained) == 1 and trained[0] != examples:
        first += (
            f" They were finetuned on {say_level(trained[0])} examples, "
            f"not on {say_level(examples)}."
        )
    return first


def _below(best: pd.DataFrame, budget: float) -> list[float]:
    """The budget itself, or the next lower one."""
    return [max(found)] if (found := [c for c in best.index if c <= budget]) else []


def _above(best: pd.DataFrame, budget: float) -> list[float]:
    """The next higher budget, where the budget itself has no runs."""
    found = [c for c in best.index if c > budget]
    return [min(found)] if found and budget not in best.index else []


def say_spread(best: pd.DataFrame) -> str:
    """How far apart the best and the worst design of one budget lie; columns best, worst."""
    apart = best["best"] - best["worst"]
    if len(apart) == 1 or f"{apart.min():.1f}" == f"{apart.max():.1f}":
        return f"At one budget the best and the worst run differ by {apart.max():.1f} points."
    return (
        f"At one budget the best and the worst run differ by {apart.min():.1f} to "
        f"{apart.max():.1f} points."
    )


def say_gaps(gaps: pd.DataFrame) -> str:
    """Whether two readings of the same scores agree.

    gaps : columns rmse and expected (points), a row per sweep
    """
    larger = [name for name, row in gaps.iterrows() if row["rmse"] > NEAR * row["expected"]]
    sizes = say_list(
        [f"{row['rmse']:.2f} points for the {name} runs" for name, row in gaps.iterrows()]
    )
    if not larger:
        return f"The root mean square of the gaps is {sizes}: what the uncertainties allow."
    return (
        f"The root mean square of the gaps is {sizes}: "
        f"more than the uncertainties allow for the {say_list(larger)} runs."
    )


def say_scatter(spread: pd.Series, reading: float) -> str:
    """How far runs scatter around smooth curves, beside the error of reading (points)."""
    low, high = spread.min(), spread.max()
    times = low / reading
    beside = (
        f"at least {times:.0f} times the reading error of {reading:.2f}"
        if times >= 1.5
        else f"about the reading error of {reading:.2f}"
    )
    pair = 2 * np.sqrt(2)
    return (
        f"Runs scatter by {low:.1f} to {high:.1f} points around them, {beside}. "
        f"Two standard deviations of a difference between two runs are therefore {pair * low:.1f} "
        f"to {pair * high:.1f} points, and a smaller difference between single runs means little."
    )


def say_rises(steps: pd.DataFrame) -> str:
    """How many steps up a ladder raise the error; columns steps, rises, largest, by factor."""
    total, count = int(steps["steps"].sum()), int(steps["rises"].sum())
    if not count:
        return f"None of the {total} steps raises the error."
    where = say_list([say_name(f) for f in steps.index[steps["rises"] > 0]])
    most = steps["largest"].max()
    verb = "raises" if count == 1 else "raise"
    return (
        f"{count} of {total} steps {verb} the error, all of them in {where}, "
        f"by at most {most:.1f} points."
    )


def say_worst(runs: pd.DataFrame) -> str:
    """The run furthest from its parabola; columns of a design, target_tflops and above (points)."""
    row = runs.loc[runs["above"].abs().idxmax()]
    side = "above" if row["above"] > 0 else "below"
    return (
        f"The run furthest from its parabola lies {abs(row['above']):.1f} points {side} it: "
        f"{say_design(row)}, at {row['target_tflops']:g} TFLOPs."
    )


def say_bends(bends: pd.DataFrame) -> str:
    """Whether the curves bend upwards; columns low, high, a row per LM size."""
    sure = int((bends["low"] > 0).sum())
    if sure == len(bends):
        return "Every curvature is positive with its whole interval: both extremes lose."
    which = say_part(sure, len(bends), "LMs")
    return f"The curvature is positive with its whole interval for {which}."


def say_growth(growth: pd.DataFrame, budgets: tuple[float, float]) -> str:
    """For how many LMs the best frames and the best tokens grow.

    growth : factors, columns low and high; index (LM size, "frames" or "tokens")
    """
    said = []
    for name, rows in growth.groupby(level=1, sort=False):
        sure = rows.index[rows["low"] > 1].get_level_values(0)
        left = [str(size) for size in rows.index.get_level_values(0) if size not in sure]
        if not left:
            said.append(f"the best {name} grow for every LM")
        elif not len(sure):
            said.append(f"for the best {name} every interval includes 1, which is no growth")
        else:
            said.append(
                f"the best {name} grow for {say_part(len(sure), len(rows), 'LMs')} "
                f"(not shown for {say_list(left)})"
            )
    return f"From {budgets[0]:g} to {budgets[1]:g} TFLOPs, {' and '.join(said)}."


def say_split(path: pd.DataFrame) -> str:
    """How the best tokens and frames of one budget depend on the LM size.

    path : as ``runs.curves.optimum_path`` gives it
    """
    falls, agree = 0, 0
    budgets = path.groupby("target_tflops")
    for _, rows in budgets:
        falls += direction(rows.sort_values("lm_params")["tokens"]) == "falls"
        agree += rows["frames_low"].max() <= rows["frames_high"].min()
    total = len(budgets)
    tokens = f"A larger LM does best on fewer tokens at {say_part(falls, total, 'budgets')}"
    why = ", since each token costs it more" if falls == total else ""
    frames = f"the best frames agree within their intervals at {say_part(agree, total, 'budgets')}"
    return f"{tokens}{why}; {frames}."


def say_ahead(top: pd.DataFrame, sigma: float) -> str:
    """Whether a smaller LM has the best run anywhere, beyond the scatter of a run.

    top : best score, a row per budget, a column per LM size
    """
    largest = max(top.columns)
    name, behind = say_level(largest), top.max(axis=1) - top[largest]
    beaten = [f"{c:g}" for c in behind.index[behind > sigma]]
    if beaten:
        return (
            f"A smaller LM beats {name} by more than the scatter of a run at {say_list(beaten)} "
            "TFLOPs."
        )
    return (
        f"No smaller LM beats {name} at any budget by more than the scatter of a run. "
        "So these runs cannot show that the LM should grow with the budget: the LM size beyond "
        "which a larger one stops paying is larger than any that was trained."
    )


def say_verdicts(words: Mapping[str, str]) -> str:
    """The verdicts on claims in a row, by claim.

    >>> say_verdicts({"C1": "holds", "C2": "holds in part"})
    'C1 *holds* and C2 *holds in part*'
    >>> say_verdicts({"C3": "undecided by these runs"})
    'C3 is *undecided by these runs*'
    """
    return say_list([f"{claim} {_is(word)}*{word}*" for claim, word in words.items()])


def _is(word: str) -> str:
    return "" if word.startswith(("holds", "does")) else "is "


def say_ratio(ends: tuple[float, float, float], level: float) -> str:
    """Whether the larger LM can gain twice what the smaller gains: low, middle and high."""
    low, middle, high = ends
    said = f"The difference is {middle:.1f} points ({level:.0%}: {low:.1f} to {high:.1f})"
    if high < 0:
        return f"{said}: twice the gain is excluded."
    if low > 0:
        return f"{said}: more than twice the gain."
    return f"{said}: twice the gain is neither shown nor excluded."
