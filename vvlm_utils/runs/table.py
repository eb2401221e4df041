"""The runs table: one row per finetuned and evaluated model, and the only way in.

``load_runs("paper")`` gives the 87 published runs of ``wang2025`` (39 star, 48 isoFLOP), read off
the figures: ``data/README.md`` says how, and how sure the numbers are. ``load_runs("mini")`` gives
the runs of the mini experiment, a row for every draw and seed. A path gives a table of your own.
``metric_se`` is the uncertainty of the metric (for the paper's runs: of reading it off a figure).

A sweep may move more than the three factors: a column that is declared as a factor (the size of
the tower, bits of a quantisation) is checked like them and tells runs apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.runs.designs import name_runs
from vvlm_utils.runs.reading import read_table
from vvlm_utils.runs.schema import (
    AVERAGE,
    COLUMNS,
    COST,
    COUNTS,
    DEFAULTS,
    OUTCOMES,
    ROW_KEY,
    TEXTS,
    Problems,
    RunsError,
    as_numbers,
    check_factors,
    clean_counts,
    refusal,
    schema_for,
    schema_problems,
)
from vvlm_utils.runs.sources import find_table, list_sources

TASKS = ("VDC", "AQA", "VCG", "LVB", "PT", "MV", "VMME", "NQA")  # the paper's eight, Table 5


def _drop_derived(table: pd.DataFrame, is_file: bool) -> pd.DataFrame:
    """A table that was checked before, without what that check added: error, or an empty metric.

    Of a table in memory the metric counts, as it may have been changed since; in a file the two
    must agree.
    """
    if not {"metric", "error"} <= set(table.columns) or not table.columns.is_unique:
        return table
    if table["metric"].isna().all():
        return table.drop(columns="metric")
    if not is_file:
        return table.drop(columns="error")
    both = pd.DataFrame({n: pd.to_numeric(table[n], errors="coerce") for n in ("metric", "error")})
    derived = np.allclose(both["error"], 100 - both["metric"], atol=1e-6, equal_nan=True)
    return table.drop(columns="error") if derived else table


def _outcome(table: pd.DataFrame, label: str) -> str:
    """Which of metric, error and loss a table gives; one of them, or it is refused."""
    there = [name for name in OUTCOMES if name in table.columns]
    if len(there) > 1:
        derived = ", and error is not 100 - metric" if there == ["metric", "error"] else ""
        raise RunsError(
            f"{label}: columns {' and '.join(there)} are both there{derived}; keep the one that "
            "the law is to explain, and rename or remove the other"
        )
    return there[0] if there else "metric"


def _check_header(table: pd.DataFrame, needed: Sequence[str], label: str) -> None:
    """Refuse a header that lacks a column or, as read or as pandas renames it, repeats one."""
    names = [str(name) for name in table.columns]
    found = [name if name.isprintable() else repr(name) for name in names]
    missing = [name for name in needed if name not in names]
    if missing:
        there = ", ".join(found)
        there = there if len(there) <= 300 else f"{there[:300]} ..."
        also = " (or error, or loss: smaller is better)" if "metric" in missing else ""
        raise RunsError(
            f"{label}: missing column {', '.join(missing)}{also}; add it "
            f"(required: {', '.join(needed)}; found: {there})"
        )
    known = (*COLUMNS, *needed, COST)
    stems = [re.sub(r"\.\d+$", "", name) for name in names]
    twice = [name for name in known if stems.count(name) > 1]
    twice += [found[k] for k, name in enumerate(names) if names.count(name) > 1]
    if twice:
        raise RunsError(f"{label}: column {', '.join(dict.fromkeys(twice))} stands there twice; "
                        "keep the one that counts")  # fmt: skip


def _join(unreadable: Problems, found: Problems) -> Problems:
    """All problems, without those that follow from cells that are no numbers.

    Such a cell counts as empty to the schema, and the key of its row is not known.
    """
    rows = {index for values in unreadable.values() for index in values.index}
    cells = {name: set() for name, _ in unreadable}
    for (name, _), values in unreadable.items():
        cells[name].update(values.index)
    joined = dict(unreadable)
    for (name, hint), values in found.items():
        left = values[~values.index.isin(cells.get(name, ()) if name else rows)]
        if len(left):
            joined[name, hint] = left
    return joined


def validate_runs(
    table: pd.DataFrame,
    label: str = "runs table",
    first_line: int | None = None,
    factors: Sequence[str] = (),
) -> pd.DataFrame:
    """Check a table against the runs' schema, fill optional columns and add ``error``.

    Only ``lm_params, frames, tokens_per_frame, train_examples`` must be there, and one of
    ``metric`` (0-100), ``error`` and ``loss`` (positive, any scale, smaller is better). Further
    columns pass through. Rounding noise of counts is removed.

    Parameters
    ----------
    factors : further columns that the sweep moved: positive numbers
    first_line : the file's line of row 0, for messages about a file; None names rows

    Returns
    -------
    The columns of the runs table, ``error`` (100 - metric, or what the table gave), the further
    ones. ``attrs["unit"]`` says in what the error counts: "points", "error" or "loss"; a table
    without a metric has an empty one. Frames and tokens are int64 where all are whole.

    Raises
    ------
    RunsError : within ten lines, naming the first failing rows, columns, values and hints
    """
    factors = check_factors(factors)
    unit = table.attrs.get("unit")
    table = _drop_derived(table, is_file=first_line is not None)
    outcome = _outcome(table, label)
    _check_header(table, (*FACTORS, "train_examples", outcome, *factors), label)
    if table.empty:
        raise RunsError(f"{label}: holds no rows; add one row per finetuned and evaluated model")
    if first_line is None and not (table.index.is_unique and table.index.dtype == "int64"):
        table = table.reset_index(drop=True)
    table = table.assign(**{k: v for k, v in DEFAULTS.items() if k not in table.columns})
    has_cost = COST in table.columns
    counts = (*FACTORS, "train_examples", *factors)
    others = ("target_tflops", "metric_se", "seed", outcome, *([COST] if has_cost else []))
    table, unreadable = as_numbers(table, (*counts, *others))
    table = table.assign(**{name: clean_counts(table[name]) for name in counts})
    for name in (name for name in TEXTS if name in table.columns):
        texts = table[name].astype("str").str.strip()
        if table[name].dtype == float:  # as a column of whole numbers is read that has a gap
            texts = texts.str.removesuffix(".0")
        table[name] = texts.where(table[name].notna())
    if "run_id" not in table.columns:
        table["run_id"] = name_runs(table.fillna({"lm_params": 0, "train_examples": 0}))
    problems = _join(unreadable, schema_problems(table, schema_for(outcome, factors, has_cost)))
    if problems:
        raise RunsError(refusal(problems, label, first_line))
    whole = [name for name in COUNTS if (table[name] % 1 == 0).all()]
    table = table.astype(dict.fromkeys(whole, "int64"))
    if outcome == "metric":
        table, unit = table.assign(error=100.0 - table["metric"]), "points"
    else:
        unit = unit if outcome == "error" and unit == "loss" else outcome
        table = table.rename(columns={outcome: "error"}).assign(metric=np.nan)
    extra = [name for name in table.columns if name not in (*COLUMNS, "error")]
    table = table[[*COLUMNS, "error", *extra]].reset_index(drop=True)
    table.attrs["unit"] = unit
    return table


def load_runs(
    source: str | Path = "paper", task: str | None = AVERAGE, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """Load the checked runs of one task: a published sweep (``paper``, ``mini``) or your own CSV.

    Parameters
    ----------
    source
        The name of a published sweep, or the path of a CSV.
    task
        The task whose rows to keep; None keeps every task.
    factors
        Further columns that the sweep moved beyond LM size, frames and tokens per frame.

    Returns
    -------
    DataFrame
        One row per run and task: counts of parameters, frames, tokens and examples, the metric
        (0 to 100) and ``error``; ``attrs["unit"]`` says in what the error counts.

    Raises
    ------
    RunsError
        The table cannot be used, or has no such task; the message names rows, columns and values.

    Notes
    -----
    The paper's runs are read off its figures; ``vvlm_utils/data/README.md`` says how, and
    ``metric_se`` how sure each number is.

    Examples
    --------
    >>> runs = load_runs("paper")
    >>> runs["sweep"].value_counts().to_dict()
    {'isoflop': 48, 'star': 39}
    """
    path = find_table(str(source), by_task=task not in (None, AVERAGE)) or Path(source)
    table = read_table(path, known=list_sources())
    runs = validate_runs(table, label=str(source), first_line=0, factors=factors)
    if task is None:
        return runs
    chosen = runs[runs["task"] == task]
    if chosen.empty:
        there = ", ".join(dict.fromkeys(runs["task"]))
        raise RunsError(f"{source}: no runs of task {task!r}; choose one of {there}")
    return chosen.reset_index(drop=True)


def load_task_runs(source: str | Path = "paper") -> pd.DataFrame:
    """Load the runs of every task, eight rows a run for the paper's.

    ``metric_se`` is the uncertainty of inverting a colour or a contour, in points.

    >>> load_task_runs().groupby("task").size().unique().tolist()
    [87]
    """
    runs = load_runs(find_table(str(source), by_task=True) or source, task=None)
    return runs[runs["task"] != AVERAGE].reset_index(drop=True)


def average_seeds(runs: pd.DataFrame, factors: Sequence[str] = ()) -> pd.DataFrame:
    """One row per design and task: the mean over draws of the decoder, and over their seeds.

    The mean is that of the metric, or of the error of a table without one. ``metric_se`` joins the
    clips' error, which all runs of a design share, with the spread between draws:
    sqrt(se^2 + variance / draws). A table without a column ``draw`` takes seeds for draws.
    Adds ``draws``, how many there were. A design that stands in several sweeps, or at several
    isoFLOP budgets, keeps a row in each, told apart by ``seed``; every other row has seed 0.
    """
    design = ["source", "sweep", "target_tflops", *FACTORS, "train_examples", "task", *factors]
    by_draw = [*design, "draw" if "draw" in runs else "seed"]
    outcome = "error" if runs["metric"].isna().all() else "metric"
    numbers = {"run_id": "first", outcome: "mean", "metric_se": "mean"}
    numbers |= {COST: "mean"} if COST in runs else {}
    drawn = runs.groupby(by_draw, sort=False, dropna=False).agg(numbers).reset_index()
    groups = drawn.groupby(design, sort=False, dropna=False)
    table = groups.agg(numbers).reset_index()
    spread = groups[outcome].var().fillna(0.0).to_numpy()
    table["draws"] = groups.size().to_numpy()
    table["metric_se"] = np.sqrt(table["metric_se"] ** 2 + spread / table["draws"])
    key = [name for name in (*ROW_KEY, *factors) if name != "seed"]
    table = table.assign(seed=table.groupby(key).cumcount())
    table.attrs["unit"] = runs.attrs.get("unit")
    return validate_runs(table, label="averaged runs", factors=factors)


def load_reference() -> pd.DataFrame:
    """Load the numbers printed in the paper: table, row, quantity, value."""
    return pd.read_csv(DATA_FOLDER / "paper_tables.csv")


def reference(table: str, row: str, quantity: str) -> float:
    """Look up one number printed in the paper.

    >>> reference("table2", "add-interact", "cv_r2")
    0.98
    """
    numbers = load_reference()
    for name, value in {"table": table, "row": row, "quantity": quantity}.items():
        chosen = numbers[numbers[name] == value]
        if chosen.empty:
            there = ", ".join(dict.fromkeys(numbers[name]))
            raise ValueError(f"{name} {value!r} is not among the printed numbers: {there}")
        numbers = chosen
    return float(numbers["value"].iloc[0])
