"""The tables that an executed chapter shows, read back from its page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import Any

import pandas as pd

from vvlm_utils.text import MINUS

Said = dict[str, Any]
NUMBER = r"[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
INTERVAL = re.compile(rf"({NUMBER})%? \((?:\d+%: )?({NUMBER})%? to ({NUMBER})%?\)")


class _Rows(HTMLParser):
    """The texts of the cells of every table, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        self.inside = tag in ("td", "th") and bool(self.tables and self.tables[-1])
        if self.inside:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.tables[-1][-1][-1] += data.strip()


def read_number(text: str) -> Any:
    """A printed number; the text itself where it is none.

    >>> read_number("1,234.5"), read_number("−0.2"), read_number("7.5B")
    (1234.5, -0.2, '7.5B')
    """
    try:
        return float(text.replace(",", "").replace(MINUS, "-"))
    except ValueError:
        return text


def read_tables(cells: Iterable[Mapping]) -> list[pd.DataFrame]:
    """The tables that an executed notebook shows, with their first column as index.

    Numbers are as they are printed; of several rows of heads the first is kept.
    """
    reader = _Rows()
    for cell in cells:
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html", "")
            reader.feed(page if isinstance(page, str) else "".join(page))
    found = []
    for head, *rows in (rows for rows in reader.tables if len(rows) > 1):
        rows = [row for row in rows if len(row) == len(head) and any(row[1:])]
        table = pd.DataFrame([[read_number(c) for c in row[1:]] for row in rows], columns=head[1:])
        found.append(table.set_index(pd.Index([read_number(row[0]) for row in rows], name=head[0])))
    return found


def shown(tables: Iterable[pd.DataFrame], *columns: str) -> pd.DataFrame:
    """The first table with these columns; ValueError where there is none."""
    for table in tables:
        if set(columns) <= set(table.columns):
            return table
    raise ValueError(f"no table shows {', '.join(columns)}")


def read_intervals(column: pd.Series) -> pd.DataFrame:
    """A column of values with intervals, as numbers: value, low, high.

    >>> read_intervals(pd.Series(["0.1 (−0.2 to 0.3)"])).iloc[0].tolist()
    [0.1, -0.2, 0.3]
    """
    found = [[read_number(part) for part in INTERVAL.match(text).groups()] for text in column]
    return pd.DataFrame(found, index=column.index, columns=["value", "low", "high"])


def unless_rounded(glued: Any, said: str, tolerance: float = 0.02, slack: float = 1e-9) -> Any:
    """A glued sentence where it differs from another by the rounding of its numbers alone.

    Two numbers may differ by the share ``tolerance`` of the larger, and ``slack`` beside.

    >>> unless_rounded("It is 36% more.", "It is 35% more.", 0.03)
    'It is 36% more.'
    >>> unless_rounded("It is 36% more.", "It is 36% less."), unless_rounded("It is 3.", "It is 4.")
    ('It is 36% less.', 'It is 4.')
    """
    number = re.compile(NUMBER)
    theirs, ours = (number.findall(str(text)) for text in (glued, said))
    if number.sub("#", str(glued)) != number.sub("#", said) or len(theirs) != len(ours):
        return said
    pairs = [(read_number(a), read_number(b)) for a, b in zip(theirs, ours, strict=True)]
    near = all(abs(a - b) <= tolerance * max(abs(a), abs(b)) + slack for a, b in pairs)
    return glued if near else said
