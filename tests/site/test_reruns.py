"""The chapters with other parameters: what is refused, and that a tenth of what runs is true."""

import os
import random
from pathlib import Path

import nbformat
import pytest

from vvlm_utils.chapters.glued import PLAIN
from vvlm_utils.site import reruns
from vvlm_utils.site.build import execute
from vvlm_utils.site.truth import find_faults

ROOT = Path(__file__).parents[2]
MATRIX = reruns.read_matrix(ROOT)
SEED = int(os.environ.get("RERUN_SEED", random.SystemRandom().randrange(10**6)))
MOST_SECONDS = 25  # of two idle cores, that the drawn tenth may take together


def draw_tenth() -> list[tuple[str, int]]:
    """A tenth of the sensible settings, drawn with the seed among those that the time allows."""
    every = [(name, k) for name, r in MATRIX.items() for k in range(len(r.sensible))]
    shuffled = random.Random(SEED).sample(every, len(every))
    drawn, left = [], MOST_SECONDS
    for chapter, index in shuffled:
        if MATRIX[chapter].seconds <= left and len(drawn) < len(every) / 10:
            drawn.append((chapter, index))
            left -= MATRIX[chapter].seconds
    return drawn


def test_every_chapter_of_the_matrix_has_enough_settings():
    few = {n for n, r in MATRIX.items() if len(r.sensible) < 10 or len(r.edges) < 6}
    assert few == set()


def test_edges_are_refused_with_name_and_value():
    assert reruns.find_taken_edges(ROOT) == []


@pytest.mark.parametrize("chapter", MATRIX)
def test_sensible_settings_are_taken(chapter):
    notebook = ROOT / "notebooks" / f"{chapter}.ipynb"
    said = [reruns.refusal_of(notebook, setting) for setting in MATRIX[chapter].sensible]
    assert [text for text in said if text] == []


def test_a_variant_without_its_folders_is_left_out(tmp_path):
    (tmp_path / "params").mkdir()
    for name, line in (("a", "seed: 1"), ("b", "weights: models"), ("c", "data: videos")):
        (tmp_path / "params" / f"01_x.{name}.yml").write_text(line)
    (tmp_path / "videos").mkdir()
    assert reruns.list_variants(tmp_path) == ["01_x.a", "01_x.c"]


@pytest.mark.slow
def test_a_tenth_of_the_matrix_runs_and_is_true(tmp_path):
    print(f"RERUN_SEED={SEED}")
    for chapter, index in draw_tenth():
        out = tmp_path / f"{chapter}.{index}.ipynb"
        execute(ROOT / "notebooks" / f"{chapter}.ipynb", out, MATRIX[chapter].sensible[index])
        assert find_faults(out) == [], f"{chapter} {MATRIX[chapter].sensible[index]}"


def executed(folder: Path, sentence: str, table: str = "", runs: str = "paper", **glued) -> Path:
    """A notebook as if it had run: its values, one sentence with them, one table."""
    new = nbformat.v4
    parameters = new.new_code_cell('runs: str = "paper"', metadata={"tags": ["parameters"]})
    shown = f"<table><tr><th></th><th>value</th><th>meaning</th><th>may be</th></tr><tr><th>runs</th><td>&quot;{runs}&quot;</td><td>y</td><td>x</td></tr></table>{table}"  # noqa: E501
    outputs = [new.new_output("display_data", {"text/html": shown})]
    outputs += [
        new.new_output("display_data", {PLAIN: repr(v)}, metadata={"scrapbook": {"name": k}})
        for k, v in glued.items()
    ]
    cells = [parameters, new.new_code_cell("x", outputs=outputs), new.new_markdown_cell(sentence)]
    nbformat.write(new.new_notebook(cells=cells), folder / "a.ipynb")
    return folder / "a.ipynb"


HEAD = "<tr><th>LM</th><th>error</th></tr>"
TABLE = f"<table>{HEAD}<tr><th>7.5B</th><td>1.0 (0.5 to 2.0)</td></tr></table>"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("2.5 (1.0 to 2.3)", "2.5 lies outside its interval, 1 to 2.3"),
        ("1.5 (80%: 1.0 to 2.3)", None),
        ("-0.1 (-0.2 to 0.3)", None),
        ("5 of the 4 budgets", "counts 5 of 4"),
        ("4 of 4 budgets", None),
        ("a 3B LM", "names an LM of 3B, which no table shows"),
        ("a 7.5B LM", None),
        ("nan points", "shows 'nan'"),
        ("-0% more", "shows '-0%'"),
    ],
)
def test_a_sentence_that_its_tables_contradict_is_found(tmp_path, value, fault):
    found = find_faults(executed(tmp_path, "It is {glue:text}`x`.", TABLE, x=value))
    assert found == [] if fault is None else len(found) == 1 and fault in found[0]


def test_a_value_that_nothing_glues_and_a_table_outside_its_interval_are_found(tmp_path):
    assert find_faults(executed(tmp_path, "{glue:text}`y`")) == ["nothing glues y"]
    wrong = TABLE.replace("1.0 (", "3.0 (")
    assert "3 lies outside its interval" in find_faults(executed(tmp_path, "", wrong))[0]


def test_a_verdict_on_the_paper_from_other_runs_is_found(tmp_path):
    said = {"c09_verdict": "holds"}
    assert find_faults(executed(tmp_path, "", **said)) == []
    assert find_faults(executed(tmp_path, "", runs="mine.csv", **said)) == [
        "says c09_verdict of other runs"
    ]
