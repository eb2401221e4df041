"""The chapters as sources: what a reader may change, what is stored, how they are written."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from vvlm_utils.site import build as book
from vvlm_utils.site.exercises import ANSWERS, GRADES

ROOT = Path(__file__).parents[2]
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


def test_the_readme_maps_every_chapter_in_order():
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| \[(\d\d)\]\(notebooks/(\w+)\.ipynb\) \| (.+) \|$", readme, re.M)
    assert [name for _, name, _ in rows] == [path.stem for path in CHAPTERS]
    assert [number for number, _, _ in rows] == [path.stem[:2] for path in CHAPTERS]


def test_the_table_of_contents_lists_every_page_once():
    pages = book.list_pages(ROOT / "_toc.yml")
    assert [page for page in set(pages) if pages.count(page) > 1] == []


def test_the_readme_maps_the_prose_that_a_reader_looks_for():
    toc, readme = (ROOT / "_toc.yml").read_text(), (ROOT / "README.md").read_text()
    pages = set(re.findall(r"book/(\w+)", toc)) - {"lab_log", "references"}
    assert [page for page in sorted(pages) if f"](book/{page}.md)" not in readme] == []


def test_the_introduction_says_what_each_chapter_does():
    labels = [re.match(r"\((ch-[a-z]+)\)=", prose(path))[1] for path in CHAPTERS]
    listed = (ROOT / "book" / "intro.md").read_text().split("## What you will find")[1]
    assert re.findall(r"^\{ref\}`(ch-[a-z]+)`\n: ", listed, re.M) == labels


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


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yml")), ids=lambda p: p.stem)
def test_variant_says_what_it_shows(path):
    assert re.match(r"# [A-Z].{20,}[.?]\n", path.read_text())


@each_chapter
def test_every_chapter_has_a_variant(path):
    assert list((ROOT / "params").glob(f"{path.stem}.*.yml"))


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


def prose(path: Path) -> str:
    return "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")


def exercises(path: Path) -> list[tuple[str, str]]:
    """Grade and label of every exercise of a chapter, in order."""
    return re.findall(r"\{exercise(?:-start)?\}([^\n]*)\n:label: (\S+)", prose(path))


@each_chapter
def test_chapter_has_goals_and_takeaways(path):
    text = prose(path)
    assert re.match(r"\(ch-[a-z]+\)=\n# .+\?\n", text)
    assert "{tip}" in text or "```{admonition} You will learn\n:class: tip\n" in text
    assert "Takeaways" in text


@each_chapter
def test_exercises_are_graded_and_grow_harder(path):
    grades = [grade.strip() for grade, _ in exercises(path)]
    assert 3 <= len(grades) <= 5
    order = [list(GRADES).index(grade) for grade in grades]
    assert order == sorted(order) and set(grades) == set(GRADES)


def solutions(path: Path) -> dict[str, list[str]]:
    """Code cells of every folded solution, in order."""
    found, inside = {}, None
    gate = re.compile(r"\{solution-start\} (\S+)\n:class: dropdown\n|\{solution-end\}")
    for cell in cells(path):
        if cell.cell_type == "code" and inside:
            found[inside].append(cell.source)
        for match in gate.finditer(cell.source):
            inside = match[1]
            found |= {inside: []} if inside else {}
    return found


@each_chapter
def test_every_exercise_has_a_folded_solution_that_runs(path):
    solved = solutions(path)
    assert list(solved) == [label for _, label in exercises(path)]
    assert [label for label, sources in solved.items() if not sources] == []


@each_chapter
def test_chapter_states_needs_prerequisites_and_time(path):
    for word in ("Needs", "Prerequisites"):
        assert len(re.findall(rf"^- \*\*{word}:\*\* \S.+\.$", prose(path), re.M)) == 1, word
    time = r"^- \*\*Time:\*\* about \d+ minutes to read, (\d+) for the exercises\.$"
    (stated,) = re.findall(time, prose(path), re.M)
    assert int(stated) == sum(GRADES[grade.strip()] for grade, _ in exercises(path))


CHECK = re.compile(r'check\("(ex-[a-z-]+)", ')


@each_chapter
def test_what_a_reader_may_check_the_solution_checks_too(path):
    offered = set(CHECK.findall(prose(path)))
    solved = {
        label
        for label, sources in solutions(path).items()
        if f'assert check("{label}", ' in "\n".join(sources)
    }
    assert offered and offered == solved


def test_every_kept_answer_belongs_to_an_exercise():
    offered = {label for path in CHAPTERS for label in CHECK.findall(prose(path))}
    assert offered == set(json.loads(ANSWERS.read_text()))


TERM = re.compile(r"\{term\}`(?:[^`<]+ <)?([^`>]+)>?`")


@each_chapter
def test_words_of_the_glossary_are_linked_once_and_before_the_exercises(path):
    linked = TERM.findall(prose(path))
    assert len(linked) >= 4
    assert [term for term in set(linked) if linked.count(term) > 1] == []
    assert TERM.findall(prose(path).split("## What to try")[1]) == []


def test_every_word_of_the_glossary_is_linked_from_somewhere():
    glossary = (ROOT / "book" / "glossary.md").read_text()
    entries = re.findall(r"^(\S.*)\n  \S", glossary, re.M)
    text = glossary + "".join(prose(path) for path in CHAPTERS)
    assert len(entries) >= 25
    assert sorted(set(TERM.findall(text))) == sorted(entries)


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
