"""The schema of a runs table: its columns, what each may hold, and how a bad table is refused.

Plain counts (``lm_params = 7.5e9``), ``metric`` on 0-100. Frames and tokens per frame may be the
means of what a model really saw (27.4 frames, 182 tokens); only a space of new designs steps in
whole frames and square grids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pandera.pandas as pa

from vvlm_utils.cost.equation import FACTORS, LIMIT

AVERAGE = "avg"  # the task of a mean over benchmarks
OUTCOMES = ("metric", "error", "loss")  # a table gives exactly one of them
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
COUNTS = ("frames", "tokens_per_frame", "train_examples", "seed")
ROW_KEY = ("source", *FACTORS, "train_examples", "task", "seed")
COST = "cost_flops"  # a column of your own costs, FLOPs per video; optional
LEAST_LM = 1e3  # parameters; a smaller number counts billions
MOST_LINES = 10  # of a refusal
MOST_PLACES = 3  # rows, or runs of rows, that a line of a refusal names

Problems = dict[tuple[str, str], pd.Series]
"""(column, hint) -> the values that need it, by row; the column is "" for a fault of a row."""


class RunsError(ValueError):
    """A runs table that cannot be used: names the first failing rows, column, value and hint."""


def _at_least(low: float, hint: str) -> pa.Check:
    """At least ``low``, for values above 0; those have a check of their own."""
    return pa.Check(lambda s: ~((s > 0) & (s < low)), error=hint)


_BOUNDED = pa.Check(lambda s: ~(s >= LIMIT), error="must be a number below 1e18; correct it")
_POSITIVE = pa.Check(
    lambda s: ~(s <= 0), error="must be a positive number: a power law has no value at 0 or below"
)
_NOT_NEGATIVE = pa.Check(lambda s: ~(s < 0), error="must not be negative")
_WHOLE = pa.Check(lambda s: ~(s % 1 != 0), error="must be a whole number")
_TARGET = pa.Check(
    lambda t: (t["sweep"] != "isoflop") | t["target_tflops"].notna(),
    error="an isoflop row needs its target_tflops; fill it in, or call the sweep other",
)


def _is_fraction(table: pd.DataFrame) -> bool:
    """Tell a table whose metrics all look like fractions, 0.55 for 55."""
    return bool(len(table)) and bool((table["metric"] <= 1).all()) and table["metric"].max() > 0


_SCALE = pa.Check(
    lambda t: pd.Series(not _is_fraction(t), index=t.index),
    error="every metric is at most 1; write them on the 0-100 scale",
)


def _no_duplicate(key: tuple[str, ...]) -> pa.Check:
    return pa.Check(
        lambda t: ~t.duplicated(list(key), keep=False),
        error=f"duplicate run: {', '.join(key)} are equal; remove one, or give each its own seed",
    )


RUNS_SCHEMA = pa.DataFrameSchema(
    {
        "run_id": pa.Column(str),
        "source": pa.Column(str),
        "sweep": pa.Column(
            str, pa.Check.isin(["star", "isoflop", "other"], error="must be star, isoflop or other")
        ),
        "target_tflops": pa.Column(float, [_POSITIVE, _BOUNDED], nullable=True),
        "lm_params": pa.Column(
            float,
            [
                _POSITIVE,
                _at_least(LEAST_LM, "must be the count itself: 7.5e9, not 7.5 (billions)"),
                _BOUNDED,
            ],
        ),
        "frames": pa.Column(float, [_POSITIVE, _at_least(1, "must be at least 1 frame"), _BOUNDED]),
        "tokens_per_frame": pa.Column(float, [_POSITIVE, _BOUNDED]),
        "train_examples": pa.Column(
            float,
            [
                _POSITIVE,
                _at_least(20, "must be the count itself: 250000, not 0.25 (millions)"),
                _WHOLE,
                _BOUNDED,
            ],
        ),
        "task": pa.Column(str),
        "metric": pa.Column(
            float, pa.Check.in_range(0, 100, error="must lie on the 0-100 scale; correct it")
        ),
        "metric_se": pa.Column(float, [_NOT_NEGATIVE, _BOUNDED], nullable=True),
        "seed": pa.Column(float, [_NOT_NEGATIVE, _WHOLE, _BOUNDED]),
    },
    checks=[_no_duplicate(ROW_KEY), _TARGET, _SCALE],
)


def schema_for(
    outcome: str = "metric", factors: Sequence[str] = (), has_cost: bool = False
) -> pa.DataFrameSchema:
    """The schema of a table with this outcome, declared factors, which tell runs apart, and costs.

    outcome : "metric", or "error" or "loss", any positive numbers of which smaller is better
    """
    columns = dict(RUNS_SCHEMA.columns)
    checks = [_no_duplicate((*ROW_KEY, *factors)), _TARGET]
    if outcome == "metric":
        checks.append(_SCALE)
    else:
        del columns["metric"]
        columns[outcome] = pa.Column(float, [_POSITIVE, _BOUNDED])
    columns |= {name: pa.Column(float, [_POSITIVE, _BOUNDED]) for name in factors}
    if has_cost:
        finite = pa.Check(lambda s: ~np.isinf(s), error="is not finite")
        columns[COST] = pa.Column(float, [_POSITIVE, finite])
    return pa.DataFrameSchema(columns, checks=checks)


def check_factors(factors: Sequence[str]) -> tuple[str, ...]:
    """Names of declared factors, refusing what cannot be a column of its own.

    >>> check_factors(["tower_params"])
    ('tower_params',)
    """
    taken = (*COLUMNS, *OUTCOMES, COST)
    for name in factors:
        if not re.fullmatch(r"[A-Za-z]\w{0,40}", name, re.ASCII):
            raise RunsError(f"factor {name!r} must be a name of letters, digits and _")
        if name in taken:
            raise RunsError(f"factor {name!r} is a column of its own; declare a further column")
    if len(set(factors)) < len(factors):
        raise RunsError(f"factors must be distinct, got {', '.join(factors)}")
    return tuple(factors)


def clean_counts(numbers: pd.Series) -> pd.Series:
    """Counts without a spreadsheet's rounding noise: a whole number within 1e-9, or ten digits.

    >>> clean_counts(pd.Series([196.00000000001, 2.8000000001e9, 27.400000000000002])).tolist()
    [196.0, 2800000000.0, 27.4]
    """
    levels = numbers.unique()
    near = np.rint(levels)
    with np.errstate(invalid="ignore"):
        whole = (np.abs(levels - near) <= 1e-9 * np.abs(levels)) | ~np.isfinite(levels)
    cleaned = np.where(whole, near, levels)
    cleaned[~whole] = [float(f"{value:.10g}") for value in levels[~whole]]
    return numbers.map(dict(zip(levels.tolist(), cleaned.tolist(), strict=True))).astype(float)


# Values that are no numbers, and what to write in their place; the first that matches counts.
_NO_NUMBER = (
    (r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", "must be written without thousands separators: 1000000"),
    (r"[+-]?\d+,\d+(e[+-]?\d+)?", "must have a decimal point, not a decimal comma: 45.3"),
    (r"[+-]?[\d.]+\s*[kKmMbBgGtT]", "must be a plain number, such as 7.5e9, without a letter"),
    (r"[+-]?[\d.,]+\s*%", "must be a plain number without %"),
    (r"""['"‘’“”`].*""", "must be a plain number without quotes"),
)
_PLAIN = "must be a plain number, such as 7.5e9 or 196"


def _hint_for(value: object) -> str:
    """What to write in place of a value that is no number."""
    text = str(value).strip()
    if re.search(r"[^\W\d_]{3,}", text) and not re.search(r"\d|nan|inf", text.lower()):
        return f"{_PLAIN}, and not words"
    return next((hint for form, hint in _NO_NUMBER if re.fullmatch(form, text)), _PLAIN)


def _to_floats(column: pd.Series) -> pd.Series:
    """A column as floats, NaN where a value is no number."""
    try:
        return pd.to_numeric(column, errors="coerce").astype(float)
    except OverflowError:  # a whole number of more than 300 digits
        short = column.map(lambda value: value if len(str(value)) < 300 else np.inf)
        return pd.to_numeric(short, errors="coerce").astype(float)


def as_numbers(table: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, Problems]:
    """Turn columns into floats; the second part is what is no number."""
    problems: Problems = {}
    numbers = {name: _to_floats(table[name]) for name in columns}
    for name, found in numbers.items():
        bad = table.loc[found.isna() & table[name].notna(), name]
        if len(bad):
            hints = bad.map({value: _hint_for(value) for value in bad.unique()})
            for hint, values in bad.groupby(hints, sort=False):
                problems[name, hint] = values
    return table.assign(**numbers), problems


def schema_problems(table: pd.DataFrame, schema: pa.DataFrameSchema) -> Problems:
    """What the schema finds at fault, with the failing values by row."""
    found: Problems = {}
    for name, column in schema.columns.items():
        values = table[name]
        if not column.nullable and values.isna().any():
            found[name, "is empty; fill it in or remove the row"] = values[values.isna()]
        for check in column.checks:
            bad = values[~check(values).check_output & values.notna()]
            if len(bad):
                found[name, check.error] = bad
    for check in schema.checks:
        bad = table.loc[~check(table).check_output, "run_id"]
        if len(bad):
            found["", check.error] = bad
    return found


def _show(value: object) -> str:
    text = f"{value:.12g}" if isinstance(value, int | float) else repr(value)
    return text if len(text) <= 60 else f"{text[:56]} ..."


def _spans(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Rows in order, neighbours joined: 2, 3, 4, 9 become (2, 4), (9, 9)."""
    rows = np.sort(np.asarray(rows, dtype=int))
    cuts = np.flatnonzero(np.diff(rows) != 1) + 1
    for part in np.split(rows, cuts):
        yield int(part[0]), int(part[-1])


def _name_rows(values: pd.Series, first_line: int | None) -> str:
    """The first rows, or lines of a file, with their values, and how many there are beside."""
    unit = "row" if first_line is None else "line"
    places, named = [], 0
    for value, group in values.astype(object).groupby(values.map(_show), sort=False):
        spans = list(_spans(group.index + (first_line or 0)))[:MOST_PLACES]
        rows = sum(high - low + 1 for low, high in spans)
        where = ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in spans)
        places.append(f"{unit}{'s' if rows > 1 else ''} {where} ({value})")
        named += rows
        if len(places) == MOST_PLACES:
            break
    more = len(values) - named
    return ", ".join(places) + (f", and {more:,} more" if more else "")


def refusal(problems: Problems, label: str, first_line: int | None) -> str:
    """One line for every column and hint, with the first rows and values that need it.

    first_line : the file's line of row 0; None names rows instead of lines
    """
    lines = [
        f"{column} {hint}: {_name_rows(values, first_line)}".lstrip()
        for (column, hint), values in problems.items()
    ]
    if len(lines) == 1:
        return f"{label}: {lines[0]}"
    shown = lines if len(lines) < MOST_LINES else lines[: MOST_LINES - 2]
    if len(shown) < len(lines):
        shown = [*shown, f"and {len(lines) - len(shown)} more kinds"]
    return f"{label}: {len(lines)} kinds of problem\n  " + "\n  ".join(shown)
