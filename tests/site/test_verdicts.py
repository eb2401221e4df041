"""Verdicts in executed chapters against the words that are kept."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from vvlm_utils.advice.claims import CLAIMS
from vvlm_utils.advice.claims.kept import VerdictError, load_verdicts
from vvlm_utils.site.build import execute, find_needs
from vvlm_utils.site.verdicts import check_chapters, words_of

ROOT = Path(__file__).parents[2]
CELL = """
from myst_nb import glue
from vvlm_utils.advice import claims

verdict = claims.c12_deployment(340.0)
for key, text in verdict.texts().items():
    glue(key, text, display=False)
"""


@pytest.fixture(scope="module")
def chapter(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("chapter")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbformat.write(notebook, folder / "source.ipynb")
    execute(folder / "source.ipynb", folder / "executed.ipynb")
    return folder / "executed.ipynb"


def test_an_executed_chapter_tells_its_verdicts(chapter):
    assert words_of(chapter) == {"C12": "holds"}


def test_a_verdict_that_moved_is_refused(chapter, tmp_path):
    check_chapters([chapter])
    kept = tmp_path / "verdicts.json"
    kept.write_text(json.dumps(load_verdicts() | {"C12": "does not hold"}))
    with pytest.raises(VerdictError, match="C12: the chapters find 'holds'"):
        check_chapters([chapter], kept)


def test_chapters_without_a_claim_need_no_kept_words(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "plain.ipynb")
    check_chapters([tmp_path / "plain.ipynb"], tmp_path / "none.json")


def test_no_chapter_runs_again_for_a_kept_word():
    needs = {path.name for path in find_needs(ROOT / "notebooks" / "05_runs.ipynb")}
    assert "verdicts.json" not in needs and {"verdict.py", "trends.py"} <= needs


def claim_rows() -> list[re.Match]:
    """Rows of the page of claims: number, the chapter that glues its verdict, where it links."""
    row = r"^\| C(\d+) \|.*notebooks/(\w+)\.ipynb::.*\{ref\}`chapter (\d+) <(sec-c\d+)>` \|$"
    return list(re.finditer(row, (ROOT / "book" / "claims.md").read_text(), re.M))


def test_the_page_of_claims_links_each_to_the_section_that_decides_it():
    rows = [match.groups() for match in claim_rows()]
    assert [f"C{number}" for number, *_ in rows] == list(CLAIMS)
    for number, chapter, shown, label in rows:
        cells = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells
        assert (int(shown), label) == (int(chapter[:2]), f"sec-c{number}")
        assert any(f"({label})=\n#" in cell.source for cell in cells), label


def test_the_page_of_claims_shows_the_rule_of_each():
    page = (ROOT / "book" / "claims.md").read_text()
    shown = re.findall(
        r"^- \*\*C(\d+)\.\*\* .*notebooks/(\w+)\.ipynb::c(\d\d)_rule:s`$", page, re.M
    )
    assert [(n, chapter) for n, chapter, _ in shown] == [m.groups()[:2] for m in claim_rows()]
    assert all(int(n) == int(key) for n, _, key in shown)
