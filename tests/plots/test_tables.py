"""Tables for readers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.plots.tables import MISSING, show

ODD = ("NaN", "nan", "inf", "True", "False", "None", "e+")


@given(
    st.lists(
        st.one_of(st.floats(), st.booleans(), st.none(), st.integers(-(10**12), 10**12)),
        min_size=1,
        max_size=5,
    )
)
def test_no_cell_speaks_the_language_of_a_program(values):
    values = [v for v in values if not isinstance(v, float) or not np.isfinite(v) or abs(v) < 1e15]
    frame = pd.DataFrame({"a_value": pd.Series(values, dtype=object)})
    text = " ".join(row[0] for row in show(frame).body())
    assert not any(word in text for word in ODD)


def test_one_row_of_headers_in_words_whatever_the_index():
    columns = pd.MultiIndex.from_tuples([("mse", "mean"), ("mse", "sd")], names=["score", None])
    index = pd.MultiIndex.from_tuples([("add", "cv")], names=["law", "test"])
    table = show(pd.DataFrame([[0.25, np.nan]], index=index, columns=columns))
    assert table.head() == ["law", "test", "mse, mean", "mse, sd"]
    assert table.body() == [["add", "cv", "0.250", MISSING]]
    assert table._repr_html_().count("<tr>") == 2


def test_numbers_of_a_column_share_their_digits():
    assert [r[0] for r in show(pd.DataFrame({"error": [46.4712, 5.1]})).body()] == ["46.5", "5.1"]
    assert [r[0] for r in show(pd.DataFrame({"frames": [32.0, 8.0]})).body()] == ["32", "8"]


def test_a_caption_and_cells_stay_text():
    table = show(pd.DataFrame({"law": ["<b>"]}), "a < b")
    assert "<caption>a &lt; b</caption>" in table._repr_html_()
    assert "&lt;b&gt;" in table._repr_html_()


def test_a_name_for_no_column_is_refused():
    with pytest.raises(ValueError, match=r"no columns \['lm'\]"):
        show(pd.DataFrame({"law": [1]}), names={"lm": "LM"})


def test_two_columns_may_have_the_same_words_and_tables_share_no_id():
    table = show(pd.DataFrame({"a": [1], "b": [2]}), names={"b": "a"})
    assert table._repr_html_().count(">a</th>") == 2
    assert " id=" not in table._repr_html_() and "<style" not in table._repr_html_()
