"""The table of chapters on the teaching page, read off the chapters themselves.

What a chapter builds on, what a student must know, how long it takes and what it teaches first
stand in the chapter's own first cells. ``python -m vvlm_utils.site.course`` renews the table in
``book/teaching.md``; a test holds the page to it.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd

from vvlm_utils.files import whole
from vvlm_utils.site.notation import fill

PAGE = Path("book") / "teaching.md"
MODULE = "vvlm_utils.site.course"
LABEL = re.compile(r"^\((ch-\w+)\)=\n", re.M)
NEEDS = re.compile(r"^- \*\*Prerequisites:\*\* (.+)\.$", re.M)
TIME = re.compile(r"^- \*\*Time:\*\* about (\d+) minutes to read, (\d+) for the exercises", re.M)
GOAL = re.compile(r"You will learn\n(?:.*\n){1,2}- (.+?)[;.]$", re.M)
LINK = re.compile(r"\{(?:doc|ref)\}`[^<`]*<([^>`]+)>`")
ROLE = re.compile(r"\{\w+\}`(?:([^`<]+) <[^>]+>|([^`]+))`")


def read_chapters(folder: Path) -> pd.DataFrame:
    """What the chapters of a folder say of themselves, a row per chapter.

    Columns label, builds_on (numbers of chapters), know, reading and exercises (minutes) and goal;
    the index is the chapter's number. Raises ValueError where a chapter lacks one of them.
    """
    rows = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        cells = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"]
        first = "\n".join(cells[: next(k for k, c in enumerate(cells) if "**Time:**" in c) + 1])
        found = {"label": LABEL, "needs": NEEDS, "time": TIME, "goal": GOAL}
        found = {name: pattern.search(first) for name, pattern in found.items()}
        if lacking := [name for name, match in found.items() if match is None]:
            raise ValueError(f"{path.name} does not state {', '.join(lacking)} in its first cells")
        rows[int(path.name[:2])] = {
            "label": found["label"][1],
            "needs": found["needs"][1],
            "reading": int(found["time"][1]),
            "exercises": int(found["time"][2]),
            "goal": ROLE.sub(lambda m: m[1] or m[2], found["goal"][1]),
        }
    table = pd.DataFrame(rows).T
    numbers = {label: number for number, label in table["label"].items()}
    table["builds_on"] = [
        sorted(numbers.get(link) or int(link[:2]) for link in LINK.findall(needs))
        for needs in table["needs"]
    ]
    table["know"] = table["needs"].map(_without_chapters)
    return table


def _without_chapters(needs: str) -> str:
    """What a chapter needs beside other chapters, in words.

    >>> _without_chapters("{doc}`chapter 5 <05_runs>`; the bootstrap")
    'the bootstrap'
    """
    parts = [part for part in needs.split("; ") if not LINK.search(part) and "{doc}" not in part]
    return "; ".join(parts)


def make_tables(folder: Path) -> dict[str, str]:
    """The table of the page in Markdown."""
    chapters = read_chapters(folder)
    link = {number: f"{{ref}}`{number} <{label}>`" for number, label in chapters["label"].items()}
    head = (
        "chapter",
        "builds on",
        "a student must know",
        "reading",
        "exercises",
        "you learn, first of all,",
    )
    rows = [
        (
            link[number],
            ", ".join(link[k] for k in row["builds_on"]),
            row["know"],
            str(row["reading"]),
            str(row["exercises"]),
            row["goal"],
        )
        for number, row in chapters.iterrows()
    ]
    sums = [f"{chapters[name].sum() / 60:.0f} hours" for name in ("reading", "exercises")]
    rows.append(("together", "", "", *sums, ""))
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return {"chapters": re.sub(r" +\|", " |", "\n".join(lines))}


if __name__ == "__main__":
    filled = fill(PAGE.read_text(), make_tables(Path("notebooks")), MODULE, PAGE)
    with whole(PAGE) as part:
        part.write_text(filled)
