"""Verdicts in executed chapters against the words that are kept."""

import json
from pathlib import Path

import nbformat
import pytest

from vvlm_utils.advice.claims.kept import VerdictError, load_verdicts
from vvlm_utils.parsing import read_yaml
from vvlm_utils.site.build import execute
from vvlm_utils.site.needs import find_needs
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


def test_every_claim_is_decided_in_the_section_that_its_card_names():
    cells = {
        path.name: nbformat.read(path, as_version=4).cells
        for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    for claim in read_yaml(ROOT / "book" / "claims.yml", ValueError, "a list of claims"):
        deciding = [
            name
            for name, chapter in cells.items()
            if any(f"({claim['section']})=\n#" in cell.source for cell in chapter)
        ]
        assert len(deciding) == 1, claim
        glued = f"c{int(claim['claim'][1:]):02d}_verdict"
        assert any(glued in cell.source for cell in cells[deciding[0]]), claim
