"""The chapters as sources: what a reader may change, what is stored, how they are written."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from vvlm_utils import book

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PARAMETER = re.compile(r"(\w+): (.+?) = (.+?)  # (\S.+)")
LONGEST_CELL = 20

each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def cells(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def code(path: Path) -> list:
    return [cell for cell in cells(path) if cell.cell_type == "code"]


def parameters(path: Path) -> dict[str, object]:
    """Values of the parameters cell, read without running it."""
    tagged = [c for c in code(path) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1, "exactly one cell is tagged `parameters`"
    found = {}
    for statement in ast.parse(tagged[0].source).body:
        assert isinstance(statement, ast.AnnAssign), ast.unparse(statement)
        found[statement.target.id] = ast.literal_eval(statement.value)
    return found


def test_the_table_of_contents_names_every_chapter():
    assert sorted(book.list_chapters(ROOT / "_toc.yml")) == [path.stem for path in CHAPTERS]


def test_the_readme_maps_every_chapter():
    readme = (ROOT / "README.md").read_text()
    assert [path.stem for path in CHAPTERS if f"notebooks/{path.name}" not in readme] == []


@each_chapter
def test_parameters_are_documented_literals(path):
    assert parameters(path)
    source = next(c.source for c in code(path) if "parameters" in c.metadata.get("tags", []))
    undocumented = [line for line in source.splitlines() if not PARAMETER.fullmatch(line)]
    assert undocumented == []


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yml")), ids=lambda p: p.stem)
def test_variant_sets_known_parameters(path):
    chapter = ROOT / "notebooks" / f"{path.stem.split('.')[0]}.ipynb"
    assert set(yaml.safe_load(path.read_text())) <= set(parameters(chapter))


@each_chapter
def test_nothing_that_ran_is_stored(path):
    assert [c.id for c in code(path) if c.outputs or c.execution_count] == []


@each_chapter
def test_the_kernel_is_plain_python(path):
    assert json.loads(path.read_text())["metadata"]["kernelspec"]["name"] == "python3"


@each_chapter
def test_code_cells_are_short(path):
    lengths = {cell.id: len(cell.source.splitlines()) for cell in code(path)}
    assert {k: n for k, n in lengths.items() if n > LONGEST_CELL} == {}


@each_chapter
def test_prose_stands_between_code_cells(path):
    kinds = [(cell.id, cell.cell_type) for cell in cells(path)]
    pairs = zip(kinds, kinds[1:], strict=False)
    assert [b[0] for a, b in pairs if a[1] == b[1] == "code"] == []


@each_chapter
def test_figures_have_caption_name_and_alt_text(path):
    for cell in code(path):
        if "plt.show()" in cell.source:
            shown = cell.metadata.get("mystnb", {})
            assert {"caption", "name"} <= set(shown.get("figure", {})), cell.id
            assert shown.get("image", {}).get("alt"), cell.id


@each_chapter
def test_chapter_has_goals_exercises_and_takeaways(path):
    prose = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    assert re.match(r"\(ch-[a-z]+\)=\n# .+\?\n", prose)
    assert "```{tip}" in prose or ":::{tip}" in prose
    labels = re.findall(r"\{exercise(?:-start)?\}[^\n]*\n:label: (\S+)", prose)
    solved = re.findall(r"\{solution(?:-start)?\} (\S+)", prose)
    assert 2 <= len(labels) <= 4 and labels == solved
    assert "Takeaways" in prose


def pages() -> list[Path]:
    return [*CHAPTERS, *sorted((ROOT / "book").glob("*.md")), *sorted(ROOT.glob("*.md"))]


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_no_page_names_a_folder_of_one_machine(path):
    assert re.findall(r"(?<![\w.:/])/(?:home|root|tmp|Users|work|mnt)/\S*", path.read_text()) == []


def test_first_chapter_runs_from_end_to_end(tmp_path):
    output = tmp_path / "executed.ipynb"
    book.execute(ROOT / "notebooks" / "01_inference_cost.ipynb", output)
    executed = code(output)
    assert all(cell.execution_count for cell in executed)
    assert any("image/png" in out.get("data", {}) for c in executed for out in c.outputs)
    assert list(tmp_path.iterdir()) == [output]
