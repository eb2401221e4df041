"""The notation page says what the code says."""

from pathlib import Path

import pytest

from vvlm_utils.cost.equation import FACTORS, SOVIT_400M, TRAIN_EXAMPLES
from vvlm_utils.runs.schema import COLUMNS, RUNS_SCHEMA
from vvlm_utils.runs.space import Space
from vvlm_utils.runs.table import load_runs
from vvlm_utils.site import notation

PAGE = (Path(__file__).parents[2] / notation.PAGE).read_text()


def test_the_page_holds_the_tables_that_the_code_makes():
    assert notation.fill(PAGE, notation.make_tables()) == PAGE, (
        "run python -m vvlm_utils.site.notation"
    )


def test_every_column_of_the_schema_is_explained_and_no_other():
    assert set(notation.MEANINGS) == set(COLUMNS) == set(RUNS_SCHEMA.columns)


def test_names_that_are_typed_are_names_of_the_code():
    tower = [name.removeprefix("tower.") for _, _, name, _ in notation.SYMBOLS if "tower" in name]
    assert [getattr(SOVIT_400M, name) > 0 for name in tower] == [True, True]
    assert {*FACTORS, TRAIN_EXAMPLES, "error"} <= set(load_runs("paper").columns)
    assert list(Space(lm_params=(1e9,)).designs.columns) == list(FACTORS)


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="put both marks back"):
        notation.fill("# A page\n", notation.make_tables())
