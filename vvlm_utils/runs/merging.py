"""One row per design, training-set size and task: tasks chosen or averaged, repeats merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import (
    FACTORS,
    TRAIN_EXAMPLES,
)
from vvlm_utils.runs.schema import AVERAGE, COST, RunsError
from vvlm_utils.runs.table import average_seeds, load_runs, validate_runs


def choose_task(
    table: str | Path | pd.DataFrame, name: str, task: str | None, factors: tuple[str, ...]
) -> tuple[pd.DataFrame, str, list[str]]:
    """The rows of one task, its name, and a sentence where nobody named it."""
    if isinstance(table, pd.DataFrame):
        runs = table if {"run_id", "error"} <= set(table) else validate_runs(table, factors=factors)
    else:
        runs = load_runs(table, task=task if task else None, factors=factors)
    there = list(dict.fromkeys(runs["task"]))
    if task is not None:
        if task not in there:
            raise RunsError(f"{name}: no runs of task {task!r}; choose one of {', '.join(there)}")
        return runs[runs["task"] == task].reset_index(drop=True), task, []
    if AVERAGE in there or len(there) == 1:
        task = AVERAGE if AVERAGE in there else there[0]
        said = [] if task == AVERAGE else [f"The table has one task, {task}."]
        return runs[runs["task"] == task].reset_index(drop=True), task, said
    return average_tasks(runs, there, name, factors), AVERAGE, [
        f"The answer is for the mean of the table's {len(there)} tasks: {', '.join(there)}."
    ]  # fmt: skip


def average_tasks(
    runs: pd.DataFrame, there: list[str], name: str, factors: tuple[str, ...]
) -> pd.DataFrame:
    """The mean over tasks of every run; refused where a run lacks one."""
    run = ["source", "sweep", "target_tflops", *FACTORS, TRAIN_EXAMPLES, *factors, "seed"]
    run += [c for c in ("draw",) if c in runs]
    groups = runs.groupby(run, sort=False, dropna=False)
    counts = groups["task"].nunique()
    if (counts < len(there)).any():
        lacking = int((counts < len(there)).sum())
        raise RunsError(
            f"{name}: {lacking} of {len(counts)} runs lack some of the tasks {', '.join(there)}, "
            "so their mean would compare unlike things; choose one with --task"
        )
    numbers = {c: "first" for c in runs if c not in run} | {"metric": "mean", "error": "mean"}
    numbers |= {"metric_se": lambda se: float(np.sqrt((se**2).sum()) / len(se))}
    numbers |= {COST: "mean"} if COST in runs else {}
    return groups.agg(numbers).reset_index().assign(task=AVERAGE)


def merge_repeats(runs: pd.DataFrame, factors: Sequence[str] = ()) -> pd.DataFrame:
    """One row per design and n: repeats share a design, and a law cannot tell them apart."""
    design = ["source", "sweep", "target_tflops", *FACTORS, *factors, TRAIN_EXAMPLES]
    return average_seeds(runs, factors) if runs.duplicated(design).any() else runs
