"""Answers that are checked: what passes, what does not, and that the file tells nothing."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.site import exercises
from vvlm_utils.site.exercises import check, record

numbers = st.floats(1e-9, 1e12) | st.floats(-1e12, -1e-9)


@pytest.fixture
def answers(tmp_path, monkeypatch):
    path = tmp_path / "answers.json"
    monkeypatch.setattr(exercises, "ANSWERS", path)
    record("ex-a", 2.5714e6, path)
    record("ex-b", "VDC", path)
    return path


@given(numbers)
def test_a_number_and_its_rounding_agree_wherever_the_edge_lies(number):
    hashed = exercises._spellings(number)[0]
    assert hashed in exercises._spellings(float(f"{number:.3g}"))
    assert hashed in exercises._spellings(number * (1 + 1e-12))


@given(numbers)
def test_two_units_away_is_another_answer(number):
    hashed = exercises._spellings(number)[0]
    assert hashed not in exercises._spellings(number * 1.021)
    assert hashed not in exercises._spellings(-number)


@pytest.mark.parametrize("answer", [2571428.6, 2.57e6, "2.57e6", "2571400", 2.5749e6])
def test_the_right_number_passes_as_the_reader_writes_it(answers, answer, capsys):
    assert check("ex-a", answer)
    assert capsys.readouterr().out == "ex-a: right\n"


@pytest.mark.parametrize("answer", [2.59e6, 2.57, 0, "VDC", -2.57e6])
def test_another_answer_does_not_pass(answers, answer, capsys):
    assert not check("ex-a", answer)
    assert capsys.readouterr().out == "ex-a: not yet\n"


def test_a_text_passes_in_any_case(answers):
    assert check("ex-b", " vdc ") and not check("ex-b", "LVB")


def test_a_whole_number_is_exact(answers):
    record("ex-c", 14, answers)
    assert check("ex-c", 14.0) and not check("ex-c", 13) and not check("ex-c", 15)


def test_zero_is_an_answer(answers):
    record("ex-c", 0, answers)
    assert check("ex-c", 0.0) and not check("ex-c", 1e-9)


def test_what_cannot_be_checked_is_refused(answers):
    with pytest.raises(ValueError, match="'ex-d' is not checked; these are: ex-a, ex-b"):
        check("ex-d", 1)
    with pytest.raises(ValueError, match="finite number or a text, got nan"):
        check("ex-a", float("nan"))


def test_the_file_holds_labels_and_hashes_alone():
    known = json.loads(exercises.ANSWERS.read_text())
    assert [x for x in known.values() if not re.fullmatch("[0-9a-f]{32}", x)] == []


def test_equal_answers_do_not_look_equal(answers):
    record("ex-c", 2.5714e6, answers)
    known = json.loads(answers.read_text())
    assert known["ex-c"] != known["ex-a"]


def test_recording_renews_one_answer_and_keeps_the_rest(answers):
    before = json.loads(answers.read_text())
    record("ex-a", 7, answers)
    after = json.loads(answers.read_text())
    assert check("ex-a", 7) and after["ex-b"] == before["ex-b"]
    assert list(answers.parent.iterdir()) == [answers]
