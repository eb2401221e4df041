"""The kept table of a sweep: which of its rows are the sweep's own, and which runs it lacks."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from vvlm_utils.experiment.mini.sweeps import Sweep

RUN_KEY = ["run_id", "draw", "seed"]
COLUMNS = [
    *("run_id", "source", "sweep", "target_tflops", "lm_params", "frames", "tokens_per_frame"),
    *("train_examples", "task", "metric", "metric_se", "seed", "draw", "blind", "train_seconds"),
    "recipe",
]
"""The columns of a sweep's table; a kept one may have more."""


class TableError(ValueError):
    """A kept table that a sweep cannot be added to: names the file, what is wrong and the fix."""


def read_kept(path: Path) -> pd.DataFrame:
    """Every row of a kept table as text, whoever made it; no row where there is no file yet.

    Raises TableError for what is no table of runs.
    """
    fix = "name the table of a sweep, or a new file"
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    text = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "compression": None}
    try:
        rows = pd.read_csv(path, header=None, **text).fillna("")
    except ValueError as bad:  # of pandas' own kind, or of the characters
        raise TableError(f"{path}: no table of runs ({str(bad).splitlines()[0]}); {fix}") from None
    table = rows.iloc[1:].set_axis(rows.iloc[0].tolist(), axis=1).reset_index(drop=True)
    if lacking := [name for name in COLUMNS if name not in table.columns]:
        raise TableError(f"{path}: no column {', '.join(lacking)}; {fix}")
    if not table.columns.is_unique:
        raise TableError(f"{path}: two columns of one name; rename one")
    return table


def run_keys(table: pd.DataFrame) -> list[tuple]:
    """Which run each row is of; one whose draw or seed is no number is of none."""
    numbers = [pd.to_numeric(table[name], errors="coerce") for name in RUN_KEY[1:]]
    return list(zip(table[RUN_KEY[0]], *numbers, strict=True))


def is_own(table: pd.DataFrame, sweep: Sweep) -> pd.Series:
    """Which rows of a kept table are of the sweep's plan and of its recipe."""
    planned = set(run_keys(sweep.plan()))
    known = pd.Series([key in planned for key in run_keys(table)], table.index, dtype=bool)
    return known & (table["recipe"] == sweep.recipe_hash())


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """A table as its CSV is read back with every value as text."""
    written = StringIO(table.to_csv(index=False, float_format="%.6g"))
    return pd.read_csv(written, dtype=str, keep_default_na=False)


def kept_rows(sweep: Sweep) -> pd.DataFrame:
    """The kept table's rows of the sweep's plan and recipe; raises as ``read_kept`` does."""
    table = read_kept(sweep.table)
    own = StringIO(table[is_own(table, sweep)].to_csv(index=False))
    return pd.read_csv(own, dtype={"recipe": str, "run_id": str})


def missing_runs(sweep: Sweep) -> pd.DataFrame:
    """The planned runs that the kept table does not hold."""
    kept, runs = set(run_keys(kept_rows(sweep))), sweep.plan()
    return runs[[key not in kept for key in run_keys(runs)]]
