"""What the chapter on single benchmarks says of its tables: chapter 9."""

from __future__ import annotations

import pandas as pd

from vvlm_utils.advice.sentences.words import say_list, say_part
from vvlm_utils.text import say_design

FAR = 3  # a copy whose error is this many times the median copy's is named


def say_pays(gaps: pd.DataFrame) -> str:
    """For which tasks frames pay more than data, and for which less.

    gaps : points per doubling of frames less those per doubling of data (negative where frames
        pay more), columns low and high, a row per task
    """
    more, less = list(gaps.index[gaps["high"] < 0]), list(gaps.index[gaps["low"] > 0])
    left = [task for task in gaps.index if task not in (*more, *less)]
    said = [f"more than a doubling of data for {say_list(more)}"] if more else []
    said += [
        f"less for {say_list(less)}" if more else f"less than one of data for {say_list(less)}"
    ] * bool(less)
    if not said:
        return (
            "whether a doubling of frames or of data lowers the error more is open for every task"
        )
    end = f"; for {say_list(left)} the interval of the difference contains zero" if left else ""
    return f"a doubling of frames lowers the error {' and '.join(said)}{end}"


def say_answer(gaps: pd.DataFrame) -> str:
    """Whether the tasks agree on what frames are worth beside data; ``gaps`` as in ``say_pays``."""
    if (gaps["high"] < 0).any() and (gaps["low"] > 0).any():
        return f"They do not agree: {say_pays(gaps)}."
    return f"These runs do not show that they disagree: {say_pays(gaps)}."


def say_designs(designs: pd.DataFrame) -> str:
    """How many designs the tasks ask for, and how far their frames are apart.

    designs : the best design of each task, columns lm_params, frames, tokens_per_frame
    """
    texts = [say_design(row) for row in designs.to_dict("records")]
    count = len(set(texts))
    if count == 1:
        return f"All {len(texts)} tasks ask for the same design, {texts[0]}."
    frames = designs["frames"]
    if frames.min() == frames.max():
        apart = f"all with {frames.iloc[0]:g} frames"
    else:
        ends = f"{frames.min():g} ({frames.idxmin()}) to {frames.max():g} ({frames.idxmax()})"
        apart = f"with {ends} frames"
    return f"The {len(texts)} tasks ask for {count} different designs, {apart}."


def say_widest(table: pd.DataFrame) -> str:
    """Which task has the fewest and which the most frames, and whose range is the widest.

    table : columns value, low, high, a row per task
    """
    width = table["high"] - table["low"]
    if table["value"].min() == table["value"].max():
        first = f"Every task has {table['value'].iloc[0]:g} frames"
    else:
        few, many = table["value"].idxmin(), table["value"].idxmax()
        first = f"{few} has the fewest frames, {table.loc[few, 'value']:g}, and {many} the most, "
        first += f"{table.loc[many, 'value']:g}"
    if width.max() == 0:
        return f"{first}; no range has any width."
    wide = width.idxmax()
    ends = f"{table.loc[wide, 'low']:g} to {table.loc[wide, 'high']:g}"
    return f"{first}; {wide} has the widest range, {ends}."


def say_agreement(same: pd.DataFrame) -> str:
    """In how many cases two laws name the same design; a truth value per task and budget."""
    cases = say_part(int(same.to_numpy().sum()), same.size, "cases")
    return f"The two laws name the same design in {cases}."


def say_served(losses: pd.DataFrame, ties: pd.Series) -> str:
    """What tasks lose with the design that is best for their average.

    losses : points, a row per budget, a column per task
    ties : the noise of a run of each task, points
    """
    within = int((losses < ties[losses.columns]).to_numpy().sum())
    cases = say_part(within, losses.size, "cases")
    most = losses.max()
    worst = most.idxmax()
    if most[worst] <= 0:
        return f"the tasks lose less than the noise of a run in {cases}, and nothing in any of them"
    return (
        f"the tasks lose less than the noise of a run in {cases}, and at most {most[worst]:.1f} "
        f"points ({worst})"
    )


def say_plateau(table: pd.DataFrame, task: str) -> str:
    """How flat the error of one task is around its best design, beside the other tasks'.

    table : a row per task; frames_low, frames_high, tokens_low, tokens_high, the interval of what
        a doubling of frames and of tokens is worth; designs, how many tie with the best; fewest,
        most and best, numbers of frames
    """
    row, others = table.loc[task], table["designs"].drop(task)
    kinds = {"frames": "frames", "tokens": "tokens"}
    open_ = [k for k in kinds if row[f"{k}_low"] <= 0 <= row[f"{k}_high"]]
    if len(open_) == 2:
        buys = "the intervals of a doubling of frames and of one of tokens both contain zero"
    elif open_:
        (other,) = set(kinds) - set(open_)
        buys = (
            f"the interval of a doubling of {other} leaves zero out, and that of one of {open_[0]} "
            "contains it"
        )
    else:
        buys = "the intervals of a doubling of frames and of one of tokens both leave zero out"
    count = f"{row['designs']:g} designs lie within the noise of a run of its best"
    if row["designs"] > others.max():
        beside = f"while no other task has more than {others.max():g}"
    else:
        beside = f"and {others.idxmax()} has as many as {others.max():g}"
    return (
        f"At the centre {buys}. At the largest budget {count}, {beside}; they have from "
        f"{row['fewest']:g} to {row['most']:g} frames. So the {row['best']:g} frames of its best "
        f"design are {'one of many choices' if row['designs'] > 1 else 'its only choice'}."
    )


def say_misses(errors: pd.DataFrame) -> str:
    """Whether the average of the tasks is predicted better than every task; column value, "Avg"."""
    average, tasks = errors.loc["Avg", "value"], errors["value"].drop("Avg")
    if average < tasks.min():
        return (
            f"the average is predicted better ({average:.1f}%) than every single task "
            f"({tasks.min():.1f}% to {tasks.max():.1f}%)"
        )
    better = say_part(int((tasks <= average).sum()), len(tasks), "tasks")
    return f"{better} are predicted at least as well as their average ({average:.1f}%)"


def say_far(copies: pd.DataFrame) -> str:
    """Which tasks are missed by far more in some copy than in the median one.

    copies : E% in per cent, a row per copy, a column per task
    """
    middle = copies.median()
    count = (copies > FAR * middle).sum()
    far = [
        f"{task} in {say_part(int(n), len(copies), 'copies')} "
        f"(up to {copies[task].max():.1f}%, against {middle[task]:.1f}%)"
        for task, n in count[count > 0].items()
    ]
    if not far:
        return f"No copy misses a task by more than {FAR} times its median copy."
    return (
        f"In some copies a task is missed more than {FAR} times as far as in its median copy: "
        f"{say_list(far)}. There the fit to the star found exponents that fail outside of it."
    )


def say_better(ours: pd.Series, theirs: pd.Series, things: str) -> str:
    """In how many rows the first misses by less.

    >>> say_better(pd.Series([1, 3]), pd.Series([2, 2]), "rows")
    '1 of the 2 rows'
    """
    return say_part(int((ours < theirs).sum()), len(ours), things)


def say_simple(simple: float, full: float, task: str) -> str:
    """Whether a simpler law predicts a task worse; mean relative errors in per cent."""
    if abs(simple - full) < 0.05:
        return f"For {task} both laws miss by {full:.1f}%."
    word = "worse" if simple > full else "better"
    return (
        f"For {task} add predicts {word}: it misses by {simple:.1f}%, add-interact by {full:.1f}%."
    )


def say_leaving(moved: pd.Series, mean: float) -> str:
    """Whether one task decides the average slope; points by which leaving each out moves it."""
    task = moved.abs().idxmax()
    share = abs(moved[task] / mean)
    rules = "so no single task decides it" if share < 0.5 else "so this task decides most of it"
    return f"Without {task} the average moves most, by {share:.0%} of it; {rules}."
