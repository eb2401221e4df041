"""What cannot be true of an executed chapter: its sentences against its own tables.

Every chapter is held to the same checks: a value lies within its interval, a count is no larger
than what it counts among, an LM size that a sentence names is shown, no value is missing, and a
chapter about somebody's runs says no verdict on the paper. Where a sentence is made from a table
that the page shows, ``RECOMPUTED`` makes it again from that table.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from vvlm_utils.chapters.glued import ROLE, read_glued, say
from vvlm_utils.chapters.notebook import find_parameters
from vvlm_utils.runs.sources import find_table
from vvlm_utils.runs.table import load_runs
from vvlm_utils.site.truth.recomputed import RECOMPUTED
from vvlm_utils.site.truth.tables import INTERVAL, read_number, read_tables
from vvlm_utils.text import say_level

COUNT = re.compile(r"(?<![\d.,])(\d[\d,]*) of (?:the |its )?(\d[\d,]*)(?![\d.,]*[%\w])")
SIZE = re.compile(r"(?<![\w.-])(\d+(?:\.\d+)?)B(?![\w-])")
MISSING = re.compile(r"(?<![\w-])(?:nan|inf|NaT|None)(?![\w-])|(?<![\d.])-0(?:\.0+)?%")
VERDICT = re.compile(r"c\d\d_(?:verdict|ours)")


def _faults_of(text: str, shown: str) -> list[str]:
    """What cannot be true of one line, whatever the tables say, and the sizes that none shows."""
    found = []
    for value, low, high in (map(read_number, m) for m in INTERVAL.findall(text)):
        if not low <= value <= high:
            found.append(f"{value:g} lies outside its interval, {low:g} to {high:g}")
    for count, total in (map(read_number, m) for m in COUNT.findall(text)):
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
    given = next((t for t in tables if {"value", "may be"} <= set(t.columns)), None)
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
