"""Tables for readers: words and units for names, sensible digits, one row of headers, a caption.

A cell that ends in ``show(table, "what it says")`` has a table that a page can number, with pandas'
own frame as its text. What a value means follows from the column's name: counts are short (7.5B),
costs are in TFLOPs, a missing value is a dash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from vvlm_utils.text import MINUS, short_count, true_minus

NAMES = {
    "lm_params": "LM size",
    "frames": "frames",
    "tokens_per_frame": "tokens per frame",
    "train_examples": "finetuning examples",
    "cost_flops": "cost (TFLOPs)",
    "budget_flops": "budget (TFLOPs)",
    "target_tflops": "budget (TFLOPs)",
    "total_flops": "total (TFLOPs)",
    "vision_flops": "encoder (TFLOPs)",
    "lm_flops": "LM (TFLOPs)",
    "train_flops": "training (FLOPs)",
    "metric": "metric (points)",
    "metric_se": "standard error (points)",
    "error": "error (points)",
    "error_low": "error, low",
    "error_high": "error, high",
    "e_pct": "E (%)",
    "mse": "MSE",
    "r2": "R²",
    "cover80": "coverage of 80% intervals",
    "cover50": "coverage of 50% intervals",
    "log_score": "log score",
    "within_epsilon": "designs about as good",
    "probability": "share of refits",
}
"""Words for the names of columns; any other name loses its underscores."""

COUNTS = {"lm_params", "train_examples", "parameters"}
TFLOPS = {name for name in NAMES if name.endswith("_flops") and "TFLOPs" in NAMES[name]}
MISSING = "–"
DIGITS = 3  # significant, of the largest number of a column


def _say(value, decimals: int) -> str:
    """One value of a column as text."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, str):
        return true_minus(value)
    if value is None or pd.isna(value):
        return MISSING
    if isinstance(value, int | np.integer):
        return true_minus(f"{value:,d}")
    if not isinstance(value, float | np.floating):
        return str(value)
    if np.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return true_minus(f"{round(value, decimals) + 0.0:,.{decimals}f}")  # never a zero with a minus


def _decimals(values: pd.Series) -> int:
    """Digits after the point that give the largest number ``DIGITS`` that count."""
    numbers = pd.to_numeric(values, errors="coerce").replace([np.inf, -np.inf], np.nan).dropna()
    numbers = numbers[numbers != 0].abs()
    if numbers.empty or (numbers % 1 == 0).all():
        return 0
    return int(np.clip(DIGITS - 1 - np.floor(np.log10(numbers.max())), 0, 6))


def say_column(name: str, values: pd.Series, decimals: int | None = None) -> list[str]:
    """The values of a column as a reader wants them.

    >>> say_column("lm_params", pd.Series([7.5e9, 40160]))
    ['7.5B', '40.2k']
    >>> say_column("cost_flops", pd.Series([9.6e12, 2e12]))
    ['9.60', '2.00']
    >>> say_column("seen", pd.Series([True, None], dtype=object))
    ['yes', '–']
    """
    if name in COUNTS:
        return [MISSING if pd.isna(v) else short_count(float(f"{v:.3g}")) for v in values]
    if name in TFLOPS:
        values = values / 1e12
    decimals = _decimals(values) if decimals is None else decimals
    return [_say(value, decimals) for value in values]


@dataclass(frozen=True)
class Table:
    """A table that shows itself; :func:`show` makes it.

    frame : the numbers as they are, columns only
    caption : one sentence that says what to see
    names : words for names of columns, before those of ``NAMES``
    decimals : digits after the point of a column, where the usual ones will not do
    """

    frame: pd.DataFrame
    caption: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)

    def head(self) -> list[str]:
        """The words above the columns."""
        words = NAMES | dict(self.names)
        return [words.get(c, str(c).replace("_", " ")) for c in self.frame.columns]

    def body(self) -> list[list[str]]:
        """The rows, as text."""
        columns = [say_column(c, self.frame[c], self.decimals.get(c)) for c in self.frame.columns]
        return [list(row) for row in zip(*columns, strict=True)]

    def __repr__(self) -> str:
        return pd.DataFrame(self.body(), columns=self.head()).to_string(index=False)

    def _repr_html_(self) -> str:
        shown = pd.DataFrame(self.body(), columns=range(len(self.head())))  # a table may be empty
        kinds = ["number" if pd.api.types.is_numeric_dtype(t) else "" for t in self.frame.dtypes]
        classes = pd.DataFrame([kinds] * len(shown), columns=shown.columns)
        style = Styler(shown, uuid="vvlm", cell_ids=False, caption=escape(self.caption) or None)
        style = style.relabel_index([escape(name) for name in self.head()], axis=1)
        style = style.hide(axis="index").format(escape="html").set_td_classes(classes)
        page = style.to_html(table_attributes='class="dataframe vvlm-table"')
        return page[page.index("<table") :].replace(' id="T_vvlm"', "")


def show(
    table: pd.DataFrame | pd.Series,
    caption: str = "",
    names: Mapping[str, str] | None = None,
    decimals: Mapping[str, int] | None = None,
) -> Table:
    """A table for a page.

    Parameters
    ----------
    table
        Any table; a named index becomes its first columns, row numbers are left out.
    caption
        One sentence that says what to see; pages number tables that have one.
    names
        Words for column names, where the book's own (``NAMES``) will not do.
    decimals
        Digits after the point of a column.

    Raises
    ------
    ValueError
        ``names`` or ``decimals`` speak of a column that is not there.

    Examples
    --------
    >>> show(pd.DataFrame({"lm_params": [7.5e9], "e_pct": [1.236]}, index=["x"]).rename_axis("law"))
    law LM size E (%)
      x    7.5B  1.24
    """
    frame = table.to_frame() if isinstance(table, pd.Series) else table
    frame = frame.copy()
    if isinstance(frame.columns, pd.MultiIndex):
        frame.columns = [", ".join(str(part) for part in c if part != "") for c in frame.columns]
    frame.columns.name = None
    if not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None):
        frame.index = frame.index.set_names([n or "" for n in frame.index.names])
        frame = frame.reset_index(allow_duplicates=True)
    strangers = {*(names or {}), *(decimals or {})} - set(frame.columns)
    if strangers:
        raise ValueError(f"no columns {sorted(strangers)}; there are {list(frame.columns)}")
    return Table(frame, caption, names or {}, decimals or {})
