"""Wrong parameters of a chapter, and notebooks that can take none."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from benchmarks.malformed.values import Arguments, any_value, cut, swap

PARAMETERS = """frames: int = 8
share: float = 0.5
sizes: list[float] = [1.0]
names: list[str] = ["a"]
levels: dict[str, float] = {}
fast: bool = True
"""
NOT = {
    "frames": ["x", "1.5", "None", "", "1e3", "[1]", "9" * 5000, "True", "1" + "+1" * 3000],
    "share": ["x", "", "1,5", "None", "[0.5]", "9" * 400, "1j", "'0.5'", "-" * 9000 + "1"],
    "sizes": ["1", "x", "{}", "['a']", "[1,", "[[1.0]]", "[None]", "(" * 3000, "[" * 90_000],
    "names": ["a", "[1]", "[b'a']", "['a', None]", "{}", "[" + "'a'," * 5, "\x00", "[*a]"],
    "levels": ["[]", "{1: 2}", "{'a': 'b'}", "{[]: 1}", "{'a'}", "{**a}", "{'a': " * 200],
    "fast": ["yes", "1", "", "true", "None", "[True]"],
    "none": ["1"], "": ["1"], "frames ": ["1"], "__name__": ["1"], "fr\names": ["1"],
}  # fmt: skip


def _notebook(cells: list[dict]) -> dict:
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _cell(source: str, tags: list[str]) -> dict:
    return {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {"tags": tags},
            "outputs": [], "source": source}  # fmt: skip


def parameters(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """A value that is not of its parameter's type, or a notebook that cannot take any."""
    path = folder / "chapter.ipynb"
    notebook = _notebook([_cell(PARAMETERS, ["parameters"])])
    if draw.random() < 0.7:
        path.write_text(json.dumps(notebook))
        name = draw.choice(list(NOT))
        return ["run", path, "-o", folder / "out.ipynb", "-p", name, draw.choice(NOT[name])]
    kind = draw.randrange(4)
    if kind == 0:
        text = cut(json.dumps(notebook), draw)
    elif kind == 1:
        sources = ["frames: int = ", "(" * 5000, "\x00", "frames = 8", "import os", "f" * 99_999]
        text = json.dumps(_notebook([_cell(draw.choice(sources), ["parameters"])]))
    elif kind == 2:
        tags = draw.choice([[], ["parameter"]])
        text = json.dumps(_notebook([_cell(PARAMETERS, tags)] * draw.randrange(3)))
    else:
        for _ in range(3):
            swap(notebook, draw)
        notebook["cells"] = any_value(draw, ([],))
        text = json.dumps(notebook)
    path.write_text(text)
    return ["run", path, "-o", folder / "out.ipynb", "-p", "frames", "x"]
