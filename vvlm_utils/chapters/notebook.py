"""A notebook and its declaration: which class is its own, its cell, what it leaves out."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, create_model

from vvlm_utils.chapters.declaration import Chapter
from vvlm_utils.files import whole
from vvlm_utils.parsing import read_text

OWN = re.compile(r"^from (vvlm_utils\.chapters\.[a-z_]+) import Parameters$", re.MULTILINE)
TAG = "parameters"
PAPER_ONLY = "paper-only"  # the tag of a cell that speaks of the paper's runs alone
OTHER_RUNS = "other-runs"  # the tag of a cell that speaks of other runs, whose table it reads
LEFT_OUT = "*Left out here, since it is about the paper alone and these are other runs: {cells}.*"
TYPES: dict[str, Any] = {
    **{kind.__name__: kind for kind in (bool, float, int, str, list, dict)},
    **{f"list[{kind.__name__}]": list[kind] for kind in (float, int, str)},
    **{f"dict[str, {kind.__name__}]": dict[str, kind] for kind in (float, int, str)},
}


def read_notebook(path: Path) -> dict:
    """The JSON of a notebook; ValueError in one line for a file that is none."""
    if not path.exists():
        raise ValueError(f"no notebook at {path}")
    try:
        found = json.loads(read_text(path))
        for cell in found["cells"]:
            cell["cell_type"], source_of(cell).strip(), set(tags_of(cell))
    except (ValueError, OSError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"{path} is not a readable notebook: {reason}") from None
    return found


def find_cells(notebook: Mapping) -> list[dict]:
    """The cells that are tagged as parameters."""
    return [cell for cell in notebook["cells"] if TAG in tags_of(cell)]


def source_of(cell: Mapping) -> str:
    """The text of a cell, which a file may hold line by line."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def tags_of(cell: Mapping) -> list[str]:
    """The tags of a cell."""
    return cell.get("metadata", {}).get("tags", [])


def _from_cell(path: Path, source: str) -> type[Chapter]:
    """The class of a notebook that declares nothing: the names and types of its cell."""
    try:
        nodes = ast.parse(source).body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"{path}: its cell of parameters is no Python ({error})") from None
    named = [n for n in nodes if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    kinds = {n.target.id: TYPES.get(ast.unparse(n.annotation), Any) for n in named}
    taken = [name for name in kinds if name.startswith("_") or hasattr(Chapter, name)]
    if taken:
        raise ValueError(f"{path} has a parameter {taken[0]!r}: a name that is taken; rename it")
    fields = {name: (kind, Field(None, validate_default=False)) for name, kind in kinds.items()}
    return create_model(path.stem, __base__=Chapter, **fields)


def find_parameters(path: Path) -> type[Chapter]:
    """The class that declares a notebook's parameters: its chapter's, or one made of its cell."""
    notebook = read_notebook(path)
    tagged = find_cells(notebook)
    if len(tagged) != 1:
        raise ValueError(f"{path} has {len(tagged)} cells tagged 'parameters'; it needs one")
    for cell in notebook["cells"]:
        home = OWN.search(source_of(cell)) if cell["cell_type"] == "code" else None
        if home:
            try:
                return importlib.import_module(home[1]).Parameters
            except (ImportError, AttributeError):
                raise ValueError(f"{path} names {home[1]}, which declares no chapter") from None
    return _from_cell(path, source_of(tagged[0]))


def leave_out(cells: list[dict], values: Chapter) -> list[dict]:
    """The cells of a run: about the paper's runs, or about others.

    For other runs a line stands where cells about the paper alone were left out.
    """
    if getattr(values, "runs", "paper") == "paper":
        return [cell for cell in cells if OTHER_RUNS not in tags_of(cell)]
    kept: list[dict] = []
    gone = 0
    for cell in [*cells, None]:
        if cell is not None and PAPER_ONLY in tags_of(cell):
            gone += 1
            continue
        if gone:
            note = {"cell_type": "markdown", "metadata": {}, "id": f"left-out-{len(kept)}"}
            left_out = "1 cell" if gone == 1 else f"{gone} cells"
            kept.append(note | {"source": LEFT_OUT.format(cells=left_out)})
            gone = 0
        kept += [] if cell is None else [cell]
    return kept


def write_cell(path: Path, check: bool = False) -> bool:
    """Write the declared lines into a notebook's parameters cell; tell whether they differed.

    check : only compare
    """
    notebook, declared = read_notebook(path), find_parameters(path).lines()
    (cell,) = find_cells(notebook)
    if source_of(cell) == declared:
        return False
    if not check:
        cell["source"] = declared.splitlines(keepends=True)
        with whole(path) as part:
            part.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    return True
