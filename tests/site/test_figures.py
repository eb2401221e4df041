"""Figures written into a page, in the colours of its theme."""

import re

import matplotlib.pyplot as plt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.plots.style import FACTOR_COLORS, LAW_COLORS, use_style
from vvlm_utils.site.figures import dark_colour, dark_sheet, inline_figures, theme


def luminance(colour):
    linear = []
    for k in (1, 3, 5):
        c = int(colour[k : k + 2], 16) / 255
        linear.append(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@given(st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}"))
def test_every_line_drawn_on_white_stands_out_from_the_dark_page_as_well(colour):
    if contrast(colour, "#ffffff") >= 4.5:
        assert contrast(dark_colour(colour), "#121212") >= 3.9


def test_colours_that_are_told_apart_on_white_stay_apart():
    dark = [dark_colour(c.lower()) for c in (*FACTOR_COLORS.values(), *LAW_COLORS.values())]
    assert len(set(dark)) == len({*FACTOR_COLORS.values(), *LAW_COLORS.values()})


@pytest.fixture
def picture(tmp_path):
    use_style()
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], color="#0072B2", label="a line")
    ax.text(0.5, 0.5, "on a colour", color="white", gid="fixed-1")
    ax.set_title("<b>&</b>")
    ax.legend()
    figure.savefig(tmp_path / "a.svg")
    return tmp_path


def test_a_picture_becomes_part_of_the_page_with_its_words(picture):
    page, colours = inline_figures('<p><img alt="A &amp; B" src="a.svg"></p>', picture)
    assert page.startswith("<p><svg") and "<img" not in page
    assert 'role="img"' in page and 'aria-label="A &amp; B"' in page
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page  # a title stays text
    assert "#0072b2" in colours and "#ffffff" not in colours
    assert "--fig-0072b2: " in dark_sheet(colours)


def test_two_pictures_of_a_page_share_no_id(picture):
    page, _ = inline_figures('<img alt="one" src="a.svg"><img alt="two" src="a.svg">', picture)
    ids = re.findall(r'\bid="([^"]+)"', page)
    pointers = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert len(ids) == len(set(ids)) and pointers <= set(ids)


def test_what_is_drawn_on_a_colour_keeps_its_own(picture):
    svg, _ = theme((picture / "a.svg").read_text(), "f", "words")
    fixed = svg[svg.index("f-fixed-1") :]
    text = fixed[: fixed.index("</text>")]
    assert "#ffffff" in text and "var(" not in text


def test_a_picture_that_is_not_there_is_left_alone(tmp_path):
    page = '<img alt="gone" src="gone.svg">'
    assert inline_figures(page, tmp_path) == (page, set())


def test_the_colours_of_a_chart_follow_the_theme_as_well(tmp_path):
    chart = '<script type="application/json" class="vvlm-chart">{"fill": "#EEEEEE"}</script>'
    assert inline_figures(chart, tmp_path) == (chart, {"#eeeeee"})
