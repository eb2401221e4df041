"""What a chapter says of somebody's runs, beside what the report says of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import say_flops, say_list, say_part
from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.text import say_design, say_level, say_levels, say_name


def say_runs(runs: pd.DataFrame, unit: str = "points") -> list[str]:
    """What a table holds: how many runs, at which levels, and from which error to which."""
    best, worst = (runs.loc[getattr(runs["error"], end)()] for end in ("idxmin", "idxmax"))
    columns = [*FACTORS, TRAIN_EXAMPLES]
    designs = runs.groupby(list(FACTORS)).ngroups
    named = {1: "one design"}.get(designs, f"{designs} designs")
    moved = [
        f"{say_name(f)} has {say_levels(sorted(runs[f].unique()))}" if runs[f].nunique() > 1
        else f"{say_name(f)} is {say_level(runs[f].iloc[0])} throughout"
        for f in columns
    ]  # fmt: skip
    said = [f"The table holds {len(runs)} runs of {named}; {say_list(moved)}."]
    if best["error"] == worst["error"]:
        return [*said, f"Every run has the same error, {best['error']:.3g} {unit}."]
    return [
        *said,
        f"The least error is {best['error']:.3g} {unit} ({say_design(best)}, n = "
        f"{say_level(best[TRAIN_EXAMPLES])}), the largest {worst['error']:.3g} "
        f"({say_design(worst)}, n = {say_level(worst[TRAIN_EXAMPLES])}).",
    ]


def say_plan(plan: pd.DataFrame, train_flops: float) -> str:
    """What a plan of next runs buys; columns left, train_flops, outside."""
    if len(plan) == 0:
        return f"No run that {say_flops(train_flops)} pay for would tell anything."
    half = plan["left"] < 0.5
    left = plan["left"].iloc[-1]
    runs = "1 run" if len(plan) == 1 else f"{len(plan)} runs"
    said = f"The plan has {runs} for {say_flops(plan['train_flops'].sum())} of training"
    if half.any():
        first = int(half.to_numpy().argmax()) + 1
        take = "run takes" if first == 1 else f"{first} runs take"
        said += f"; its first {take} half of what the bag leaves open"
    else:
        said += "; it takes less than half of what the bag leaves open"
    outside = int((plan["outside"] != "").sum())
    part = say_part(outside, len(plan), "planned runs")
    verb = "lies" if outside == 1 else "lie"
    ends = f"; {part} {verb} outside the range of the runs that exist" if outside else ""
    return f"{said}, and {left:.0%} of it is left{ends}."


def say_tasks(designs: Mapping[str, str]) -> str:
    """Whether the tasks of a table ask for one design; ``designs`` by task, at one budget."""
    if len(designs) < 2:
        (task,) = designs
        return f"The table has one task, {task}; a comparison needs several."
    counts = pd.Series(designs).value_counts()
    if len(counts) == 1:
        return f"All {len(designs)} tasks ask for the same design, {counts.index[0]}."
    if counts.iloc[0] == 1:
        return f"Each of the {len(designs)} tasks asks for a design of its own."
    tied = counts[counts == counts.iloc[0]]
    if len(tied) > 1:
        return (
            f"The tasks ask for {len(counts)} designs; {say_list(list(tied.index))} are each "
            f"asked for by {counts.iloc[0]} of {len(designs)}."
        )
    return (
        f"The tasks ask for {len(counts)} designs; {counts.index[0]} by the most, "
        f"{counts.iloc[0]} of {len(designs)}."
    )


def say_votes(votes: pd.DataFrame) -> str:
    """How firm the LM size is over the budgets; ``votes``: a row per budget, a column per size."""
    if votes.shape[1] == 1:
        return f"Only one LM size is offered, {say_level(float(votes.columns[0]))}."
    top = votes.max(axis=1)
    leaders = list(dict.fromkeys(say_level(float(size)) for size in votes.idxmax(axis=1)))
    middle = float(np.median(top))
    how = "all" if middle > 0.995 else "most" if middle > 0.5 else "less than half"
    return (
        f"At the median budget the leading LM size has {how} of the refits ({middle:.0%}); "
        f"over the budgets {say_list(leaders)} {'leads' if len(leaders) == 1 else 'lead'}."
    )
