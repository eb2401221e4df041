"""A figure laid out for a phone, and panels that show something."""

import re
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.text import Text

from vvlm_utils.plots.phone import LEAST, PHONE, WIDTH, faces, nest, on_phone, reflow
from vvlm_utils.site.figures import theme

pytestmark = pytest.mark.usefixtures("closed_figures")

EXECUTED = sorted((Path(__file__).parents[2] / "_build" / "executed").glob("*.ipynb"))
SVG = "{http://www.w3.org/2000/svg}"
NUMBER = r"-?\d+(?:\.\d+)?"


def panels(count, **shared):
    figure, axes = plt.subplots(1, count, figsize=(8, 3), squeeze=False, **shared)
    for ax in axes[0]:
        ax.plot([1, 2], [1, 2], label="a line")
        ax.set(xlabel="budget")
    axes[0, 0].set(ylabel="error")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center")
    return figure


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (3, 1), (4, 2), (6, 2)])
def test_panels_stand_below_one_another_and_every_row_has_its_label(count, columns):
    narrow = reflow(panels(count, sharey=True))
    places = [ax.get_subplotspec() for ax in narrow.axes]
    assert {place.colspan.start for place in places} == set(range(columns))
    firsts = [ax for ax, place in zip(narrow.axes, places, strict=True) if place.is_first_col()]
    assert {ax.get_ylabel() for ax in firsts} == {"error"}
    assert narrow.get_figwidth() == WIDTH and len(narrow.legends) == 1
    assert min(t.get_fontsize() for t in narrow.findobj(Text)) >= LEAST


def test_the_wide_figure_stays_as_it_was_and_may_refuse_to_be_narrow():
    figure = panels(3)
    before = [ax.get_subplotspec().get_geometry() for ax in figure.axes]
    assert reflow(figure) is not None
    assert [ax.get_subplotspec().get_geometry() for ax in figure.axes] == before
    on_phone(figure, 3)
    assert {ax.get_subplotspec().colspan.start for ax in reflow(figure).axes} == {0, 1, 2}
    on_phone(figure, 0)
    assert reflow(figure) is None and PHONE not in faces(figure)


def test_the_narrow_copy_is_no_further_figure_that_a_notebook_would_show():
    figure = panels(2)
    assert reflow(figure) is not None
    assert plt.get_fignums() == [figure.number]


def test_long_names_are_broken_into_lines():
    figure, ax = plt.subplots()
    ax.barh(["a name of five or six words", "short name"], [1, 2])
    names = [tick.get_text() for tick in reflow(figure).axes[0].get_yticklabels()]
    assert names == ["a name of five or six\nwords", "short name"]


def test_a_long_label_is_broken_so_that_rows_of_panels_keep_it_apart():
    figure = panels(4, sharey=True)
    figure.axes[0].set_ylabel("error above the best (points)")
    labels = {ax.get_ylabel() for ax in reflow(figure).axes} - {""}
    assert labels == {"error above the best\n(points)"}


def test_a_panel_grows_until_its_broken_names_have_room():
    figure, ax = plt.subplots(figsize=(7, 3))
    names = [f"a name of five or six words, {k}" for k in range(30)]
    ax.barh(names, range(30))
    narrow = reflow(figure)
    narrow.draw_without_rendering()
    boxes = [t.get_window_extent() for t in narrow.axes[0].get_yticklabels()]
    below = sorted(boxes, key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in zip(below, below[1:], strict=False))


def test_a_page_has_both_drawings_and_no_id_twice():
    drawn = faces(panels(3))
    page, _ = theme(nest(drawn["image/svg+xml"], drawn[PHONE]), "f", "three panels")
    assert re.findall(r'class="vvlm-figure vvlm-(\w+)"', page) == ["wide", "phone"]
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) and page.count('aria-label="three panels"') == 2


def numbers(path: ET.Element) -> np.ndarray:
    found = [float(n) for n in re.findall(NUMBER, path.get("d", ""))]
    return np.array(found[: len(found) // 2 * 2]).reshape(-1, 2)


def points(element: ET.Element) -> np.ndarray:
    """Where an artist of a drawing has its marks and corners."""
    paths = {p.get("id", ""): numbers(p) for p in element.iter(f"{SVG}path")}
    found = [np.empty((0, 2)), *paths.values()]
    for mark in element.iter(f"{SVG}use"):
        place = [float(mark.get("x", 0)), float(mark.get("y", 0))]
        known = paths.get(mark.get("{http://www.w3.org/1999/xlink}href", "#")[1:])
        found += [np.array([place])] + ([known + place] if known is not None else [])
    return np.vstack(found)


def empty_panels(svg: str) -> list[str]:
    """The panels of a drawing in whose limits nothing is drawn."""
    empty = []
    for panel in ET.fromstring(svg).iter(f"{SVG}g"):
        if not re.fullmatch(r"axes_\d+", panel.get("id", "")):
            continue
        if next(panel.iter(f"{SVG}image"), None) is not None:
            continue
        patches = [g for g in panel if g.get("id", "").startswith("patch")]
        edges = points(patches[0])
        artists = [
            g for g in panel
            if g not in patches[:1] and not re.match("matplotlib.axis|legend|text", g.get("id", ""))
            and any("fill: none" not in p.get("style", "") or not g.get("id").startswith("patch")
                    for p in g.iter() if p.tag in (f"{SVG}path", f"{SVG}use"))
        ]  # fmt: skip
        low, high = edges.min(axis=0) - 0.1, edges.max(axis=0) + 0.1
        marks = [points(artist) for artist in artists]
        if not any(((low <= m) & (m <= high)).all(axis=1).any() for m in marks if len(m)):
            empty.append(panel.get("id"))
    return empty


def drawing(figure) -> str:
    sink = StringIO()
    figure.savefig(sink, format="svg")
    return sink.getvalue()


def test_a_panel_whose_line_lies_outside_its_limits_is_found():
    figure, axes = plt.subplots(1, 4)
    axes[0].plot([1, 2], [1, 2])
    axes[1].plot([1, 2], [1, 2])
    axes[1].set_ylim(3, 4)
    axes[2].bar([1], [1])
    assert empty_panels(drawing(figure)) == ["axes_2", "axes_4"]


@pytest.mark.book
@pytest.mark.parametrize("chapter", EXECUTED, ids=lambda path: path.stem)
def test_every_panel_of_every_figure_shows_something(chapter):
    for cell in nbformat.read(chapter, as_version=4).cells:
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name", cell.id)
        for output in cell.get("outputs", []):
            for kind in ("image/svg+xml", PHONE):
                svg = output.get("data", {}).get(kind)
                assert svg is None or empty_panels(svg) == [], name


def test_nothing_is_kept_of_a_figure_without_axes(closed_figures):
    assert faces(plt.figure()) == {}


def test_labels_and_titles_of_a_row_or_column_follow_their_panels():
    figure, axes = plt.subplots(2, 4, sharex="col", sharey="row")
    for k in range(4):
        axes[0, k].set_title(f"t{k}", fontsize=11)
        axes[1, k].set_xlabel(f"x{k}")
    for i in range(2):
        axes[i, 0].set_ylabel(f"y{i}")
    on_phone(figure, 2)
    narrow = reflow(figure).axes
    assert [ax.get_title() for ax in narrow] == [f"t{k}" for k in range(4)] * 2
    assert {ax.title.get_fontsize() for ax in narrow} == {11.0}
    assert [ax.get_xlabel() for ax in narrow] == [f"x{k}" for k in range(4)] * 2
    assert [ax.get_ylabel() for ax in narrow] == ["y0", "", "y0", "", "y1", "", "y1", ""]
    plt.close(figure)
