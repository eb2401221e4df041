"""The student's edition holds no solution, wherever one looks."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from test_build import TINY, make_tiny, snakemake, write_notebook

from vvlm_utils.site.archive import write_archive
from vvlm_utils.site.editions import strip_archive, strip_cells, strip_text

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FENCES = [("```", "```"), (":::", ":::"), ("````", "````")]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_nothing_but_the_solutions_goes(path):
    cells = nbformat.read(path, as_version=4).cells
    kept = strip_cells(cells)
    whole, left = "\n".join(c.source for c in cells), "\n".join(c.source for c in kept)
    asked = re.compile(r"\{exercise-start\}.+?\{exercise-end\}", re.DOTALL)
    assert asked.findall(left) == asked.findall(whole)
    assert "{solution" not in left and "assert check(" not in left
    first = next(i for i, cell in enumerate(cells) if "{exercise-start}" in cell.source)
    assert kept[:first] == cells[:first] and kept[-1] == cells[-1]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_handout_has_one_empty_cell_for_every_solution(path):
    cells = nbformat.read(path, as_version=4).cells
    labels = re.findall(r"\{solution-start\} (\S+)", "\n".join(c.source for c in cells))
    handed = strip_cells(cells, answers=True)
    assert [c.source for c in handed if c.id.startswith("answer-")] == [
        f"# Your answer to {label}" for label in labels
    ]
    assert "code code" not in " ".join(c.cell_type for c in handed)


@pytest.mark.parametrize(("start", "end"), FENCES)
def test_directives_with_any_fence_are_removed(start, end):
    text = f"before\n\n{start}{{solution}} ex-a\n:class: dropdown\nsecret\n{end}\n\nafter\n"
    assert strip_text(text).split() == ["before", "after"]
    gated = f"before\n{start}{{solution-start}} ex-a\n{end}\nsecret\n```python\nsecret\n```\n"
    gated += f"{start}{{solution-end}}\n{end}\nafter"
    assert strip_text(gated).split() == ["before", "after"]


def test_a_directive_ends_at_its_own_fence():
    text = "````{solution} ex-a\nsecret\n```python\nsecret\n```\nsecret\n````\nafter"
    assert strip_text(text).split() == ["after"]


def test_a_page_without_solutions_is_left_alone():
    text = "Word.\n\n```{note}\nWord.\n```\n\n\n"
    assert strip_text(text) == text


def test_a_solution_over_many_cells_and_two_in_one_are_removed():
    two = "```{solution} ex-b\nsecret\n```\nbetween\n```{solution} ex-c\nsecret\n```"
    cells = [
        new_markdown_cell("asked\n```{solution-start} ex-a\n```\nsecret"),
        new_code_cell("secret"),
        new_markdown_cell("secret"),
        new_code_cell("secret"),
        new_markdown_cell("secret\n```{solution-end}\n```\nnext"),
        new_markdown_cell(two),
    ]
    assert [cell.source for cell in strip_cells(cells)] == ["asked", "next", "between"]


def test_a_solution_without_end_is_refused():
    with pytest.raises(ValueError, match="ex-a has no end"):
        strip_text("```{solution-start} ex-a\n```\nsecret")
    with pytest.raises(ValueError, match="ex-a has no end"):
        strip_cells([new_markdown_cell("```{solution-start} ex-a\n```"), new_code_cell("secret")])


EXERCISE = """```{exercise-start} warm-up
:label: ex-tiny
```
Ask something.
```{exercise-end}
```

```{solution-start} ex-tiny
:class: dropdown
```
The hidden words are xylophone and"""
SOLVED = [
    *TINY,
    ("markdown", EXERCISE),
    ("code", "quokka = 'wombat' * 2\nprint(quokka)"),
    ("markdown", "numbat.\n\n```{solution-end}\n```"),
    ("markdown", "## Takeaways\n\nA last word."),
]
SECRETS = ("xylophone", "quokka", "wombat", "numbat")


@pytest.mark.long
def test_the_built_edition_holds_no_word_of_a_solution(tmp_path):
    root = make_tiny(tmp_path)
    write_notebook(root / "notebooks" / "01_tiny.ipynb", SOLVED)
    inline = "\n````{solution} ex-tiny\n:class: dropdown\nxylophone again\n````\n"
    (root / "book/references.md").write_text((root / "book/references.md").read_text() + inline)
    done = snakemake(root, "_build/student/site.done")
    assert done.returncode == 0, done.stdout + done.stderr
    built = [p for p in (root / "_build/student").rglob("*") if p.is_file()]
    leaks = {p: s for p in built for s in SECRETS if s.encode() in p.read_bytes().lower()}
    assert leaks == {}
    page = (root / "_build/student/html/notebooks/01_tiny.html").read_text()
    assert "Ask something." in page and "A last word." in page and "warm-up" in page
    handout = json.loads((root / "_build/student/notebooks/01_tiny.ipynb").read_text())
    assert ["# Your answer to ex-tiny"] in [cell["source"] for cell in handout["cells"]]
    assert not (root / "_build/html").exists()


def test_the_archive_of_the_edition_holds_no_solution(tmp_path):
    path = write_archive(ROOT, tmp_path / "code.zip")
    with zipfile.ZipFile(path) as full:
        names = full.namelist()
    strip_archive(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == names
        chapters = [n for n in names if "/notebooks/" in n and n.endswith(".ipynb")]
        texts = [archive.read(name).decode() for name in chapters]
    assert len(chapters) > 10
    assert not any("solution-start" in text for text in texts)
    assert any("Your answer to" in text for text in texts)


def test_another_edition_is_refused_in_one_line():
    command = ["make", "book", "EDITION=teacher", "PYTHON=" + sys.executable, "-n"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and 'not "teacher"' in done.stderr
