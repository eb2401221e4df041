"""Whether an executed chapter is true: what its sentences state, against its own tables.

Every chapter is held to the same checks: a value lies within its interval, a count is no larger
than what it counts among, an LM size that a sentence names is shown, no value is missing, and a
chapter about somebody's runs says no verdict on the paper. Where a sentence is made from a table
that the page shows, ``RECOMPUTED`` makes it again from that table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from vvlm_utils.advice.sentences import costs, designs, served
from vvlm_utils.chapters.glued import ROLE, read_glued, say
from vvlm_utils.chapters.notebook import find_parameters
from vvlm_utils.runs.sources import find_table
from vvlm_utils.runs.table import load_runs
from vvlm_utils.text import say_level

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
INTERVAL = re.compile(rf"({NUMBER})%? \((?:\d+%: )?({NUMBER})%? to ({NUMBER})%?\)")
COUNT = re.compile(r"(?<![\d.,])(\d[\d,]*) of (?:the |its )?(\d[\d,]*)(?![\d.,]*[%\w])")
SIZE = re.compile(r"(?<![\w.-])(\d+(?:\.\d+)?)B(?![\w-])")
MISSING = re.compile(r"(?<![\w-])(?:nan|inf|NaT|None)(?![\w-])|(?<![\d.])-0(?:\.0+)?%")
VERDICT = re.compile(r"c\d\d_(?:verdict|ours)")

Said = dict[str, Any]
Recompute = Callable[[list[pd.DataFrame], Mapping[str, Any]], Said]


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


def _number(text: str) -> Any:
    try:
        return float(text.replace(",", ""))
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
        table = pd.DataFrame([[_number(c) for c in row[1:]] for row in rows], columns=head[1:])
        found.append(table.set_index(pd.Index([_number(row[0]) for row in rows], name=head[0])))
    return found


def _shown(tables: Iterable[pd.DataFrame], *columns: str) -> pd.DataFrame:
    """The first table with these columns; ValueError where there is none."""
    for table in tables:
        if set(columns) <= set(table.columns):
            return table
    raise ValueError(f"no table shows {', '.join(columns)}")


def _first_chapter(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    bills = _shown(tables, "accepted by LM alone", "of these over budget")
    accepted, over = (int(bills.iloc[:, k].sum()) for k in (0, 1))
    worst = re.search(NUMBER, glued["worst"])
    said = costs.say_overspent(accepted, over, float(worst[0]) if worst else 1.0)
    return {"bills": costs.say_bills(bills), "overspent": said}


def _sweep_chapter(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    counts = next(t for t in tables if list(t.columns) == ["1B", "2.8B", "7.5B"])
    counts = counts.astype(int)
    return {"choices": designs.say_choices(counts), "near_total": int(counts.to_numpy().sum())}


def _cluster_chapter(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    fits = next((t for t in tables if "GPUs, of 1, 2, 4, 8, 16" in t.columns), None)
    names = ["llama-3.2-1b", "llama-3.2-3b", "llama-3.1-8b"]
    found = {} if fits is None else {k: int(v) for k, v in fits.iloc[:, 0].items()}
    return {"fits": costs.say_fits(found, names, [1, 2, 4, 8, 16])}


def _served_chapter(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    bill = _shown(tables, "dollars per million", "at once")
    bill.index = bill.index.astype(int)
    parameters = _shown(tables, "value", "may be")["value"]
    model, device = (parameters[name].strip('"') for name in ("model_name", "accelerator"))
    return {"bill": served.say_bill(bill, model, device)}


RECOMPUTED: dict[str, Recompute] = {
    "inference_cost": _first_chapter,
    "sweep_design": _sweep_chapter,
    "cluster": _cluster_chapter,
    "served_models": _served_chapter,
}


def _faults_of(text: str, shown: str) -> list[str]:
    """What cannot be true of one line, whatever the tables say, and the sizes that none shows."""
    found = []
    for value, low, high in (map(_number, m) for m in INTERVAL.findall(text)):
        if not low <= value <= high:
            found.append(f"{value:g} lies outside its interval, {low:g} to {high:g}")
    for count, total in (map(_number, m) for m in COUNT.findall(text)):
        if count > total:
            found.append(f"counts {count:g} of {total:g}")
    for size in SIZE.findall(text):
        if not re.search(rf"(?<![\d.]){re.escape(size)}(?:B|0*e9|e\+09)?(?![\d])", shown):
            found.append(f"names an LM of {size}B, which no table shows")
    found += [f"shows {hit!r}" for hit in MISSING.findall(text)]
    return found


def own_sizes(runs: str) -> list[float]:
    """The LM sizes of the table that a chapter read; none where it is not there any more."""
    path = find_table(runs) or Path(runs)
    return sorted(load_runs(runs, task=None)["lm_params"].unique()) if path.is_file() else []


def find_faults(notebook: Path) -> list[str]:
    """Everything in an executed chapter that is not true of its own tables; empty where all is."""
    cells = nbformat.read(notebook, as_version=4).cells
    glued, tables = read_glued(cells), read_tables(cells)
    chapter = find_parameters(notebook)
    given = next((t for t in tables if list(t.columns[:2]) == ["value", "may be"]), None)
    asked = "paper" if given is None or "runs" not in given.index else given.loc["runs", "value"]
    asked = asked.strip('"')
    other = asked != "paper"
    own = [say_level(size) for size in own_sizes(asked)]
    shown = " ".join([*(t.to_csv() for t in tables), *own])
    lines = [
        say(line, glued)
        for cell in cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if ROLE.search(line) and all(m[0] in glued for m in ROLE.findall(line))
    ]
    lines += [
        line
        for cell in cells
        for output in cell.get("outputs", [])
        for line in "".join(output.get("data", {}).get("text/markdown", "")).splitlines()
    ]
    unsaid = [
        m[0]
        for cell in cells
        if cell.cell_type == "markdown"
        for m in ROLE.findall(cell.source)
        if m[0] not in glued
    ]
    faults = [f"nothing glues {name}" for name in dict.fromkeys(unsaid)]
    cells_shown = [str(text) for table in tables for text in table.to_numpy().ravel()]
    for line in [*lines, *(text for text in cells_shown if INTERVAL.search(text))]:
        faults += [f"{line.strip()[:120]!r} {fault}" for fault in _faults_of(line, shown)]
    faults += [f"says {name} of other runs" for name in glued if other and VERDICT.fullmatch(name)]
    recompute = RECOMPUTED.get(chapter.__module__.rpartition(".")[2])
    for name, said in recompute(tables, glued).items() if recompute else []:
        if glued.get(name) != said:
            faults.append(f"{name} is {glued.get(name)!r}, and its table says {said!r}")
    return faults
