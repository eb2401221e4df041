"""The student's edition: the same book without its solutions.

``make book EDITION=student`` makes two things in ``_build/student``: ``html/``, a site whose pages,
search index and downloads hold no solution, and ``notebooks/``, the chapters to hand out, with an
empty cell where each solution stood. A solution is all that stands between ``solution-start`` and
``solution-end``, in whatever cells, and the body of a ``solution`` directive.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from vvlm_utils.files import whole, whole_folder
from vvlm_utils.site.build import NOTEBOOKS, PROSE, compile_site, stage

OPENING = re.compile(r"\s*(`{3,}|:{3,})\{solution(-start)?\}\s*(\S*)")
ENDING = re.compile(r"\s*(`{3,}|:{3,})\{solution-end\}")
GATE = "solution-end"  # inside a gated solution: nothing but its end leads out


def _split(text: str, inside: str | None) -> tuple[str, str | None, list[str]]:
    """Drop the solutions of a text; ``inside`` is what ends the one that it begins in, if any.

    Returns what is left, what ends the solution that the text leaves open, and the labels of
    those that it opens.
    """
    left, labels = [], []
    for line in text.splitlines():
        opening, ending = OPENING.match(line), ENDING.match(line)
        if inside is None and opening:
            fence, gated, label = opening.groups()
            inside = GATE if gated else fence
            labels.append(label)
        elif inside == GATE:
            inside = ending[1] if ending else GATE
        elif inside is not None:  # the rest of a directive, up to its closing fence
            closed = line.strip().startswith(inside) and not line.strip().strip(inside[0])
            inside = None if closed else inside
        else:
            left.append(line)
    return "\n".join(left).strip("\n"), inside, labels


def strip_text(text: str) -> str:
    """Remove the solutions of a Markdown page. Raises ValueError when one has no end."""
    left, inside, labels = _split(text, None)
    if inside:
        raise ValueError(f"the solution of {labels[-1]} has no end: close it")
    return f"{left}\n" if labels else text


def strip_cells(cells: list[NotebookNode], answers: bool = False) -> list[NotebookNode]:
    """Remove the solutions of a notebook; with ``answers`` an empty cell takes each one's place.

    Raises ValueError, naming the exercise, when a solution has no end.
    """
    kept, inside, label = [], None, ""
    for cell in cells:
        if cell.cell_type != "markdown":
            kept += [] if inside else [cell]
            continue
        left, inside, labels = _split(cell.source, inside)
        if left:
            kept.append(NotebookNode(cell | {"source": left}))
        for label in labels:
            place = new_code_cell(f"# Your answer to {label}", id=f"answer-{label}"[:64])
            kept += [place] if answers else []
    if inside:
        raise ValueError(f"the solution of {label} has no end: close it with solution-end")
    return kept


def strip_notebook(source: Path, target: Path, answers: bool = False) -> None:
    """Write a notebook without its solutions."""
    notebook = nbformat.read(source, as_version=4)
    notebook.cells = strip_cells(notebook.cells, answers)
    nbformat.write(notebook, target)


def strip_archive(path: Path) -> None:
    """Take the solutions out of the chapters in the archive of the sources."""
    with whole(path) as part, zipfile.ZipFile(path) as old, zipfile.ZipFile(part, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if f"/{NOTEBOOKS}/" in entry.filename and entry.filename.endswith(".ipynb"):
                notebook = nbformat.reads(content.decode(), as_version=4)
                notebook.cells = strip_cells(notebook.cells, answers=True)
                content = nbformat.writes(notebook).encode()
            new.writestr(entry, content, zipfile.ZIP_DEFLATED)


def make_student(root: Path, executed: Path, target: Path) -> None:
    """Make the student's edition of the book at ``root`` from its executed chapters."""
    source = target / "source"
    stage(root, executed, source)
    for archive in (source / PROSE).rglob("*.zip"):
        strip_archive(archive)
    for page in (source / PROSE).glob("*.md"):
        page.write_text(strip_text(page.read_text()))
    with whole_folder(target / NOTEBOOKS) as handouts:
        for chapter in (source / NOTEBOOKS).glob("*.ipynb"):
            strip_notebook(chapter, chapter)
            strip_notebook(root / NOTEBOOKS / chapter.name, handouts / chapter.name, answers=True)
    compile_site(source, target / "html")


if __name__ == "__main__":
    make_student(Path("."), Path(sys.argv[1]), Path(sys.argv[2]))
