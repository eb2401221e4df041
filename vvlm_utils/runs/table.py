"""The runs table: one row per finetuned and evaluated model, and the only way in.

``load_runs("paper")`` gives the 87 published runs of ``wang2025`` (39 star, 48 isoFLOP), read off
the figures: ``data/README.md`` says how, and how sure the numbers are. ``load_runs("mini")`` gives
the runs of the mini experiment, a row for every draw and seed. A path gives a table of your own.
Counts are plain (``lm_params = 7.5e9``), ``metric`` lies on 0-100 and ``metric_se`` is the
uncertainty of that number (for the paper's runs: of reading it off a figure).

A sweep may move more than the three factors: a column that is declared as a factor (the size of
the tower, bits of a quantisation) is checked like them and tells runs apart.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from vvlm_utils.cost.equation import FACTORS, LIMIT
from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.runs.designs import is_perfect_square, name_runs
from vvlm_utils.runs.sources import find_table, list_sources

TASKS = ("VDC", "AQA", "VCG", "LVB", "PT", "MV", "VMME", "NQA")  # the paper's eight, Table 5
AVERAGE = "avg"

REQUIRED = (*FACTORS, "train_examples", "metric")
DEFAULTS = {
    "source": "user",
    "sweep": "other",
    "target_tflops": np.nan,
    "task": AVERAGE,
    "metric_se": np.nan,
    "seed": 0,
}
COLUMNS = (
    *("run_id", "source", "sweep", "target_tflops", *FACTORS, "train_examples"),
    *("task", "metric", "metric_se", "seed"),
)
TEXTS = ("run_id", "source", "sweep", "task")
NUMBERS = (*REQUIRED, "target_tflops", "metric_se", "seed")
COUNTS = ("frames", "tokens_per_frame", "train_examples", "seed")
ROW_KEY = ("source", *FACTORS, "train_examples", "task", "seed")
COST = "cost_flops"  # a column of your own costs, FLOPs per video; optional


class RunsError(ValueError):
    """A runs table that cannot be used: names every failing row, column, value and mend."""


def _at_least(low: float, mend: str) -> pa.Check:
    return pa.Check(lambda s: s >= low, error=mend)


LEAST_LM = 1e3  # parameters; a smaller number counts billions
_BOUNDED = pa.Check(lambda s: s < LIMIT, error="must be a number below 1e18; correct it")
_POSITIVE = pa.Check(lambda s: s > 0, error="must be a positive number")


def _is_fraction(table: pd.DataFrame) -> bool:
    """Tell a table whose metrics all look like fractions, 0.55 for 55."""
    return bool(len(table)) and bool((table["metric"] <= 1).all()) and table["metric"].max() > 0


_WHOLE = pa.Check(lambda s: s % 1 == 0, error="must be a whole number")
_SQUARE = pa.Check(
    lambda s: pd.Series(is_perfect_square(s), index=s.index),
    error="must be a perfect square (a square grid of features), such as 4, 16 or 196",
)


def _no_duplicate(key: tuple[str, ...]) -> pa.Check:
    return pa.Check(
        lambda t: ~t.duplicated(list(key), keep=False),
        error=f"duplicate run: {', '.join(key)} are equal; remove one, or give each its own seed",
    )


_TARGET = pa.Check(
    lambda t: (t["sweep"] != "isoflop") | t["target_tflops"].notna(),
    error="an isoflop row needs its target_tflops; fill it in, or call the sweep other",
)
_SCALE = pa.Check(
    lambda t: ~pd.Series(_is_fraction(t), index=t.index),
    error="every metric is at most 1; write them on the 0-100 scale",
)

RUNS_SCHEMA = pa.DataFrameSchema(
    {
        "run_id": pa.Column(str),
        "source": pa.Column(str),
        "sweep": pa.Column(
            str, pa.Check.isin(["star", "isoflop", "other"], error="must be star, isoflop or other")
        ),
        "target_tflops": pa.Column(
            float,
            [_at_least(1e-9, "must be a positive number of TFLOPs"), _BOUNDED],
            nullable=True,
        ),
        "lm_params": pa.Column(
            float,
            [_at_least(LEAST_LM, "must be the count itself: 7.5e9, not 7.5 (billions)"), _BOUNDED],
        ),
        "frames": pa.Column(float, [_at_least(1, "must be at least 1 frame"), _WHOLE, _BOUNDED]),
        "tokens_per_frame": pa.Column(float, [_SQUARE, _BOUNDED]),
        "train_examples": pa.Column(
            float,
            [
                _at_least(20, "must be the count itself: 250000, not 0.25 (millions)"),
                _WHOLE,
                _BOUNDED,
            ],
        ),
        "task": pa.Column(str),
        "metric": pa.Column(
            float, pa.Check.in_range(0, 100, error="must lie on the 0-100 scale; correct it")
        ),
        "metric_se": pa.Column(
            float, [_at_least(0, "must not be negative"), _BOUNDED], nullable=True
        ),
        "seed": pa.Column(float, [_at_least(0, "must not be negative"), _WHOLE, _BOUNDED]),
    },
    checks=[_no_duplicate(ROW_KEY), _TARGET, _SCALE],
)


def _schema(factors: Sequence[str], has_cost: bool) -> pa.DataFrameSchema:
    """The schema of a table with declared factors, which tell runs apart, and maybe a cost."""
    if not factors and not has_cost:
        return RUNS_SCHEMA
    further = {name: pa.Column(float, [_POSITIVE, _BOUNDED]) for name in factors}
    if has_cost:
        further[COST] = pa.Column(float, [_POSITIVE, pa.Check(np.isfinite, error="is not finite")])
    checks = [_no_duplicate((*ROW_KEY, *factors)), _TARGET, _SCALE]
    return pa.DataFrameSchema(RUNS_SCHEMA.columns | further, checks=checks)


def check_factors(factors: Sequence[str]) -> tuple[str, ...]:
    """Names of declared factors, refusing what cannot be a column of its own.

    >>> check_factors(["tower_params"])
    ('tower_params',)
    """
    taken = (*COLUMNS, "error", COST)
    for name in factors:
        if not re.fullmatch(r"[A-Za-z]\w{0,40}", name, re.ASCII):
            raise RunsError(f"factor {name!r} must be a name of letters, digits and _")
        if name in taken:
            raise RunsError(f"factor {name!r} is a column of its own; declare a further column")
    if len(set(factors)) < len(factors):
        raise RunsError(f"factors must be distinct, got {', '.join(factors)}")
    return tuple(factors)


def _show(value: object) -> str:
    text = f"{value:.12g}" if isinstance(value, int | float) else repr(value)
    return text if len(text) <= 60 else f"{text[:56]} ..."


def _name_rows(indices: list, first_line: int | None) -> str:
    """Name rows, or lines of a file, in order; neighbours become a range: lines 2-88, 91."""
    numbers = sorted(int(index) + (first_line or 0) for index in indices)
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    unit = "row" if first_line is None else "line"
    plural = "s" if len(numbers) > 1 else ""
    return f"{unit}{plural} " + ", ".join(
        f"{low}" if low == high else f"{low}-{high}" for low, high in spans
    )


def _to_floats(column: pd.Series) -> pd.Series:
    """A column as floats, NaN where a value is no number."""
    try:
        return pd.to_numeric(column, errors="coerce").astype(float)
    except OverflowError:  # a whole number of more than 300 digits
        short = column.map(lambda value: value if len(str(value)) < 300 else np.inf)
        return pd.to_numeric(short, errors="coerce").astype(float)


def _as_numbers(table: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, list[tuple]]:
    """Turn columns into floats; report (column, mend, index, value) where that fails."""
    problems = []
    table = table.copy()
    for name in columns:
        numbers = _to_floats(table[name])
        bad = numbers.isna() & table[name].notna()
        for index, value in table.loc[bad, name].items():
            problems.append((name, "must be a plain number, such as 7.5e9 or 196", index, value))
        table[name] = numbers
    return table, problems


def _schema_problems(table: pd.DataFrame, schema: pa.DataFrameSchema) -> list[tuple]:
    """Run the schema; return (column, mend, index, value) for every failing cell."""
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as failure:
        problems = {}
        for case in failure.failure_cases.itertuples():
            column, mend, value = case.column, case.check, case.failure_case
            if case.schema_context == "DataFrameSchema":
                column, value = "", table.loc[case.index, "run_id"]
            if mend == "not_nullable":
                mend = "is empty; fill it in or remove the row"
            problems[column, mend, case.index] = (column, mend, case.index, value)
        return list(problems.values())
    return []


def _message(problems: list[tuple], label: str, first_line: int | None) -> str:
    """One line for every column and mend, naming all rows and values that need it."""
    grouped: dict[tuple, dict[str, list]] = {}
    for column, mend, index, value in problems:
        grouped.setdefault((column, mend), {}).setdefault(_show(value), []).append(index)
    lines = []
    for (column, mend), rows in grouped.items():
        places = (f"{_name_rows(where, first_line)} ({value})" for value, where in rows.items())
        lines.append(f"{column} {mend}: {', '.join(places)}".lstrip())
    if len(lines) == 1:
        return f"{label}: {lines[0]}"
    return f"{label}: {len(lines)} kinds of problem\n  " + "\n  ".join(lines)


def _check_header(table: pd.DataFrame, needed: Sequence[str], label: str) -> None:
    """Refuse a header that lacks a column or, as read or as pandas renames it, repeats one."""
    names = [str(name) for name in table.columns]
    found = [name if name.isprintable() else repr(name) for name in names]
    missing = [name for name in needed if name not in names]
    if missing:
        there = ", ".join(found)
        there = there if len(there) <= 300 else f"{there[:300]} ..."
        raise RunsError(
            f"{label}: missing column {', '.join(missing)}; add it "
            f"(required: {', '.join(needed)}; found: {there})"
        )
    known = (*COLUMNS, *needed, COST)
    stems = [re.sub(r"\.\d+$", "", name) for name in names]
    twice = [name for name in known if stems.count(name) > 1]
    if twice:
        raise RunsError(f"{label}: column {', '.join(dict.fromkeys(twice))} stands there twice; "
                        "keep the one that counts")  # fmt: skip


def validate_runs(
    table: pd.DataFrame,
    label: str = "runs table",
    first_line: int | None = None,
    factors: Sequence[str] = (),
) -> pd.DataFrame:
    """Check a table against ``RUNS_SCHEMA``, fill optional columns and add ``error``.

    Only ``lm_params, frames, tokens_per_frame, train_examples, metric`` must be there; further
    columns pass through. ``factors`` are those of them that the sweep moved: positive numbers.
    ``first_line`` is the file line of row 0, for messages about a file.
    """
    factors = check_factors(factors)
    _check_header(table, (*REQUIRED, *factors), label)
    if table.empty:
        raise RunsError(f"{label}: holds no rows; add one row per finetuned and evaluated model")
    table = table.assign(**{k: v for k, v in DEFAULTS.items() if k not in table.columns})
    has_cost = COST in table.columns
    columns = (*NUMBERS, *factors, *([COST] if has_cost else []))
    table, problems = _as_numbers(table, columns)
    if "run_id" not in table.columns:
        table["run_id"] = name_runs(table.fillna({"lm_params": 0, "train_examples": 0}))
    for name in TEXTS:
        table[name] = table[name].astype("str").where(table[name].notna())
    unreadable = {(column, index) for column, _, index, _ in problems}
    found = _schema_problems(table, _schema(factors, has_cost))
    rows = {index for _, index in unreadable}  # their keys are not known, so neither are doubles
    problems += [
        (column, mend, index, value)
        for column, mend, index, value in found
        if (column, index) not in unreadable and not (column == "" and index in rows)
    ]
    if problems:
        raise RunsError(_message(problems, label, first_line))
    table = table.astype(dict.fromkeys(COUNTS, "int64")).assign(error=100.0 - table["metric"])
    extra = [name for name in table.columns if name not in (*COLUMNS, "error")]
    return table[[*COLUMNS, "error", *extra]].reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    """Read a CSV keeping the file's line numbers; turn every failure into one line."""
    if path.is_dir():
        raise RunsError(f"{path} is a folder; name a CSV")
    plain = {"skip_blank_lines": False, "index_col": False, "compression": None}
    try:
        with warnings.catch_warnings():
            # Rows longer than the header: pandas would drop what hangs over.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            table = pd.read_csv(path, **plain)
    except FileNotFoundError:
        raise RunsError(
            f"{path}: no such file; give the path of a CSV, or one of {', '.join(list_sources())}"
        ) from None
    except pd.errors.ParserWarning:
        raise RunsError(
            f"{path}: rows have more fields than the header; write numbers without separators "
            "(7500000000 or 7.5e9), and put quotes around text that holds a comma"
        ) from None
    except (ValueError, OSError) as bad:  # pandas' own errors are ValueErrors
        reason = (str(bad).splitlines() or [type(bad).__name__])[0]
        raise RunsError(f"{path}: not a readable CSV ({reason}); save it as UTF-8 CSV") from None
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(table.columns) == 1 and separator in str(table.columns[0]):
            raise RunsError(f"{path}: its fields are separated by {name}; save it with commas")
    return table.dropna(how="all")


def load_runs(
    source: str | Path = "paper", task: str | None = AVERAGE, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """Load the checked runs of one task: a published sweep (``paper``, ``mini``) or your own CSV.

    ``task=None`` keeps every task in the table. The columns are the runs table's and ``error``.
    ``factors`` : further columns that the sweep moved, see :func:`validate_runs`

    >>> runs = load_runs("paper")
    >>> runs["sweep"].value_counts().to_dict()
    {'isoflop': 48, 'star': 39}
    """
    path = find_table(str(source), by_task=task not in (None, AVERAGE)) or Path(source)
    runs = validate_runs(_read(path), label=str(source), first_line=2, factors=factors)
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
    """One row a design and task: the mean metric over draws of the decoder, and over their seeds.

    ``metric_se`` joins the clips' error, which all runs of a design share, with the spread between
    draws: sqrt(se^2 + variance / draws). A table without a column ``draw`` takes seeds for draws.
    Adds ``draws``, how many there were.
    """
    design = ["source", "sweep", "target_tflops", *FACTORS, "train_examples", "task", *factors]
    by_draw = [*design, "draw" if "draw" in runs else "seed"]
    numbers = {"run_id": "first", "metric": "mean", "metric_se": "mean"}
    numbers |= {COST: "mean"} if COST in runs else {}
    drawn = runs.groupby(by_draw, sort=False, dropna=False).agg(numbers).reset_index()
    groups = drawn.groupby(design, sort=False, dropna=False)
    table = groups.agg(numbers).reset_index()
    spread = groups["metric"].var().fillna(0.0).to_numpy()
    table["draws"] = groups.size().to_numpy()
    table["metric_se"] = np.sqrt(table["metric_se"] ** 2 + spread / table["draws"])
    return validate_runs(table.assign(seed=0), label="averaged runs", factors=factors)


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
