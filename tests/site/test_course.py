"""The teaching page says what the chapters say of themselves."""

from pathlib import Path

import nbformat
import pytest

from vvlm_utils.site import course
from vvlm_utils.site.notation import fill

ROOT = Path(__file__).parents[2]
PAGE = ROOT / course.PAGE


def test_the_page_holds_the_table_that_the_chapters_make():
    page = PAGE.read_text()
    made = fill(page, course.make_tables(ROOT / "notebooks"), course.MODULE, course.PAGE)
    assert made == page, "run python -m vvlm_utils.site.course"


def test_a_chapter_builds_on_earlier_ones_and_states_its_times():
    chapters = course.read_chapters(ROOT / "notebooks")
    assert chapters.loc[6, "builds_on"] == [5] and chapters.loc[1, "builds_on"] == []
    assert chapters.loc[9, "builds_on"] == [5, 6, 7]
    assert chapters.loc[6, "know"] == "cross-validation; the bootstrap"
    assert all(k < number for number, row in chapters.iterrows() for k in row["builds_on"])
    assert (chapters[["reading", "exercises"]] >= 10).all(axis=None)


def test_the_shortest_way_to_the_frontier_is_the_one_on_the_page():
    builds_on = course.read_chapters(ROOT / "notebooks")["builds_on"]
    way, ahead = set(), [7]
    while ahead:
        way.add(number := ahead.pop())
        ahead += builds_on[number]
    names = [str(number) for number in sorted(way)]
    assert f"is chapters {', '.join(names[:-1])} and {names[-1]}." in PAGE.read_text()


def test_a_chapter_that_states_no_time_is_refused(tmp_path):
    cell = nbformat.v4.new_markdown_cell("(ch-x)=\n# A title\n\n- **Time:** long")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "01_x.ipynb")
    with pytest.raises(ValueError, match="does not state needs, time, goal"):
        course.read_chapters(tmp_path)
