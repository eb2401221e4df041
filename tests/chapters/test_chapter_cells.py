"""Chapters and their declarations: one cell, one class, and what is refused before a kernel."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command import vvlm

from vvlm_utils.chapters import finetune, frontier, runs
from vvlm_utils.chapters.declaration import Chapter, ParameterError
from vvlm_utils.chapters.notebook import (
    LEFT_OUT,
    OTHER_RUNS,
    PAPER_ONLY,
    find_parameters,
    leave_out,
    read_notebook,
    source_of,
    tags_of,
    write_cell,
)

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@each_chapter
def test_the_cell_is_what_is_declared(path):
    assert not write_cell(path, check=True), "run `make format`"


@each_chapter
def test_the_first_code_after_the_parameters_checks_them(path):
    code = [c for c in read_notebook(path)["cells"] if c["cell_type"] == "code"]
    (at,) = (k for k, cell in enumerate(code) if "parameters" in tags_of(cell))
    topic = path.stem.partition("_")[2]
    first = f"from vvlm_utils.chapters.{topic} import Parameters\n\nParameters.check(globals())"
    assert at == 0 and source_of(code[1]) == first


@each_chapter
def test_defaults_are_what_they_may_be_and_every_parameter_is_explained(path):
    declared = find_parameters(path)
    assert declared.settle({}).model_dump() == {
        name: field.default for name, field in declared.model_fields.items()
    }
    assert all(field.description for field in declared.model_fields.values())
    done = vvlm("run", "--help", path)
    assert done.returncode == 0
    assert all(f"\n  {name} [" in done.stdout for name in declared.model_fields)


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yml")), ids=lambda p: p.stem)
def test_a_variant_is_taken(path):
    chapter = ROOT / "notebooks" / f"{path.stem.split('.')[0]}.ipynb"
    find_parameters(chapter).settle(yaml.safe_load(path.read_text()))


def test_a_refusal_comes_before_anything_slow_is_imported():
    command = [sys.executable, "-m", "vvlm_utils.cli", "run", CHAPTERS[6], "-p", "law", "best"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("vvlm: law is 'best', and takes one of mult, add")
    checked = f"""
import sys
from pathlib import Path
from vvlm_utils.chapters.notebook import find_parameters
find_parameters(Path({str(CHAPTERS[6])!r})).settle({{}})
assert not {{"pandas", "numba", "nbformat", "papermill"}} & set(sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", checked]).returncode == 0


def test_names_that_are_declared_as_text_are_those_of_the_code():
    from vvlm_utils.experiment.mini.design import LIVE_EXAMPLES
    from vvlm_utils.experiment.model.presets import PRESETS
    from vvlm_utils.laws.forms import BUILDERS, ONE_FACTOR
    from vvlm_utils.runs.table import load_runs

    assert frontier.LAWS == tuple(name for name in BUILDERS if name not in ONE_FACTOR)
    assert finetune.TRAINED == LIVE_EXAMPLES
    assert finetune.DECODERS == {name: tuple(p.decoders) for name, p in PRESETS.items()}
    budgets = load_runs("paper")["target_tflops"].dropna().unique()
    assert list(runs.BUDGETS) == sorted(budgets)


class Somebody(Chapter):
    runs: str = "paper"


def test_cells_about_the_paper_are_left_out_for_other_runs():
    def cell(source, *tags):
        return {"cell_type": "markdown", "id": source, "source": source, "metadata": {"tags": tags}}

    cells = [cell("a"), cell("b", PAPER_ONLY), cell("c", PAPER_ONLY), cell("d", OTHER_RUNS)]
    assert leave_out(cells, Somebody.settle({})) == cells[:3]
    kept = leave_out(cells, Somebody.settle({"runs": "mine.csv"}))
    assert [c["source"] for c in kept] == ["a", LEFT_OUT.format(cells="2 cells"), "d"]


def test_a_name_that_a_declaration_cannot_hold_is_refused(tmp_path):
    cell = {"cell_type": "code", "source": "check: int = 1", "metadata": {"tags": ["parameters"]}}
    (tmp_path / "own.ipynb").write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(ValueError, match="parameter 'check': a name that is taken; rename it"):
        find_parameters(tmp_path / "own.ipynb")


def test_papermill_alone_refuses_in_the_first_cell(tmp_path):
    import papermill

    with pytest.raises(papermill.PapermillExecutionError) as failed:
        papermill.execute_notebook(
            CHAPTERS[6],
            tmp_path / "out.ipynb",
            {"lm_params": "[-1e9, 7e9]"},
            kernel_name="python3",
            progress_bar=False,
        )
    assert failed.value.ename == ParameterError.__name__ and failed.value.exec_count == 3
    assert failed.value.evalue.startswith("lm_params is '[-1e9, 7e9]', and takes a list of")
    assert len(failed.value.traceback) == 1


@each_chapter
def test_a_chapter_about_any_runs_says_of_every_cell_whose_it_is(path):
    cells = read_notebook(path)["cells"]
    if not any(OTHER_RUNS in tags_of(cell) for cell in cells):
        return
    (at,) = (k for k, c in enumerate(cells) if "Parameters.check(globals())" in source_of(c))
    kinds = {PAPER_ONLY, OTHER_RUNS}
    untold = [c["id"] for c in cells[at + 1 :] if len(kinds & set(tags_of(c))) != 1]
    assert untold == [], f"tag them {PAPER_ONLY} or {OTHER_RUNS}"
