"""Sentences of chapters 8, 9 and 11 are made again from what these chapters show."""

from pathlib import Path

import nbformat
import pandas as pd
import pytest

from vvlm_utils.advice.sentences import elasticities
from vvlm_utils.chapters import notebook as declared
from vvlm_utils.chapters.glued import PLAIN
from vvlm_utils.plots import show
from vvlm_utils.site.truth import find_faults, read_tables

ROOT = Path(__file__).parents[2]


def executed(path: Path, chapter: str, tables: list, **glued) -> Path:
    """A chapter as if it had run: its parameters, these tables, these values."""
    source = f"from vvlm_utils.chapters.{chapter} import Parameters\n\nParameters.check(globals())"
    new = nbformat.v4
    outputs = [new.new_output("display_data", {"text/html": t._repr_html_()}) for t in tables]
    outputs += [
        new.new_output("display_data", {PLAIN: repr(v)}, metadata={"scrapbook": {"name": k}})
        for k, v in glued.items()
    ]
    cells = [
        new.new_code_cell('runs: str = "paper"', metadata={"tags": ["parameters"]}),
        new.new_code_cell(source, outputs=outputs),
    ]
    nbformat.write(new.new_notebook(cells=cells), path)
    assert declared.find_parameters(path).__module__.endswith(chapter)
    return path


FACTORS = ["LM size", "frames", "tokens per frame"]


@pytest.fixture
def moved() -> list:
    """The tables of chapter 8 whose sentences are made again."""
    rows = {
        "the mix, forward": [
            "-0.01 (-0.14 to 0.13)",
            "0.03 (0.01 to 0.08)",
            "0.01 (-0.10 to 0.24)",
        ],
        "the paper, Table 10": ["-0.22", "0.17", "0.79"],
    }
    main = pd.DataFrame(rows, index=FACTORS).T.rename_axis("computed by")
    signs = pd.DataFrame(
        [["open", "as in the paper's table", "open"]], ["the mix, forward"], FACTORS
    )
    bands = pd.DataFrame(
        {"low": [-0.21, -0.07, None], "high": [0.38, 0.09, None], "level": ["95%", "90%", None]},
        index=pd.Index(FACTORS, name="factor"),
    )
    halved = pd.DataFrame(
        {"encoder less LM": ["2.782 (1.903 to 3.853)", "-0.536 (-0.617 to -0.473)"]},
        index=pd.Index([2, 100], name="budget (TFLOPs)"),
    )
    names = {"level": "level that holds"}
    return [
        show(main),
        show(bands, "", names),
        show(signs.rename_axis("computed by")),
        show(halved),
    ]


TRUE = {
    "zeros": "2 of the 3 intervals contain zero",
    "table10_held": "none of the 3 intervals contains its printed value",
    "signs": "2 of the 3 signs are open; of the others 1 as in the paper's table",
    "sizes_said": "the −0.22 for LM size lies outside its 95% band (−0.21 to 0.38); the 0.17 for "
    "frames lies outside its 90% band (−0.07 to 0.09); for tokens per frame no band is known to "
    "hold",
    "wish": "A cheaper encoder gains more at 2 TFLOPs, and a cheaper LM at 100 (whole intervals).",
}


def test_a_false_sentence_on_elasticities_is_found(tmp_path, moved):
    assert find_faults(executed(tmp_path / "a.ipynb", "elasticity", moved, **TRUE)) == []
    for name, false in {
        "zeros": elasticities.say_zeros(pd.DataFrame({"low": [-1] * 3, "high": [1] * 3})),
        "signs": "all 3 signs are open",
        "sizes_said": TRUE["sizes_said"].replace("lies outside", "lies inside"),
        "wish": "A cheaper LM gains more at 2 TFLOPs (whole intervals).",
    }.items():
        wrong = executed(tmp_path / "b.ipynb", "elasticity", moved, **(TRUE | {name: false}))
        (fault,) = find_faults(wrong)
        assert fault.startswith(f"{name} is ")


def test_tables_are_read_as_they_are_shown(tmp_path, moved):
    path = executed(tmp_path / "a.ipynb", "elasticity", moved)
    _, bands, *_ = read_tables(nbformat.read(path, as_version=4).cells)
    assert bands["low"].tolist() == [-0.21, -0.07, "–"]


def test_a_false_sentence_on_tasks_is_found(tmp_path):
    tasks = pd.Index(["LVB", "PT"], name="task")
    worth = pd.DataFrame({"frames less data": ["-1.7 (-2.2 to -1.2)", "1.4 (1.1 to 1.7)"]}, tasks)
    ours = pd.DataFrame({"30 TFLOPs": ["a", "b"], "agree on the LM": "99%"}, tasks)
    theirs = pd.DataFrame({"30 TFLOPs": ["a", "c"]}, tasks)
    losses = pd.DataFrame({"LVB": [None, 0.4], "PT": [0.2, None], "noise": [1.29, 0.98]}, tasks)
    served = pd.DataFrame({"LVB": [0.1], "PT": [1.5]}, pd.Index([30], name="TFLOPs"))
    errors = pd.DataFrame(
        {"median copy": [1.6, 4.8, 3.1], "the mix": [1.5, 5.9, 2.9]},
        pd.Index(["Avg", "LVB", "PT"], name="task"),
    )
    tables = [show(table) for table in (worth, ours, theirs, losses, served, errors)]
    pays = (
        "a doubling of frames lowers the error more than a doubling of data for LVB and less for PT"
    )
    true = {
        "pays": pays,
        "answer": f"They do not agree: {pays}.",
        "laws_agree": "The two laws name the same design in 1 of the 2 cases.",
        "served": "the tasks lose less than the noise of a run in 1 of the 2 cases, and at most "
        "1.5 points (PT)",
        "misses": "the average is predicted better (1.6%) than every single task (3.1% to 4.8%)",
        "mix_better": "2 of the 3 rows",
    }
    assert find_faults(executed(tmp_path / "a.ipynb", "tasks", tables, **true)) == []
    for name, text in true.items():
        wrong = executed(tmp_path / "b.ipynb", "tasks", tables, **(true | {name: f"not {text}"}))
        (fault,) = find_faults(wrong)
        assert fault.startswith(f"{name} is ")
