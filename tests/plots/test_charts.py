"""A figure and its interactive twin: one output, the same numbers, a script carried along."""

import base64
import copy
import hashlib
import json
import re

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nbformat.v4 import new_code_cell, new_notebook, new_output
from plotly.graph_objects import Figure, Scatter
from plotly.offline import get_plotlyjs_version

from vvlm_utils.cost.equation import FACTORS, paper_flops
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.plots import explore, lm_palette
from vvlm_utils.plots.charts import (
    ASSETS,
    PLOTLY,
    Explorable,
    copy_assets,
    embed_charts,
    gather_charts,
)
from vvlm_utils.runs.table import load_runs

pytestmark = pytest.mark.usefixtures("closed_figures")
BUDGETS = np.geomspace(2e12, 1e14, 8)
# Of the published plotly.js-basic-dist-min 4.1.1: what npm calls its integrity is of the archive;
# this is of the one script in it.
BUNDLE = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"


@pytest.fixture(scope="module")
def bagged():
    return bag(LAWS["add"], load_runs("paper"), rng=np.random.default_rng(0), resamples=5)


@pytest.fixture(scope="module")
def runs():
    table = load_runs("paper")
    return table.assign(cost_tflops=paper_flops(*(table[f] for f in FACTORS)) / 1e12)


def numbers(values) -> list[float]:
    return np.asarray(values, dtype=float).tolist()


def lines(chart: Figure, axis: str) -> list[Scatter]:
    """The lines of one panel that a reader can point at."""
    return [t for t in chart.data if (t.xaxis or "x") == axis and t.text is not None]


def test_one_output_is_a_picture_and_a_chart_and_closes_the_picture():
    axes = plt.subplots(1, 2)[1]
    bundle = Explorable(axes, Figure(Scatter(x=[1], y=[2])))._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "<svg" in bundle["image/svg+xml"]
    assert json.loads(json.dumps(bundle[PLOTLY]))["data"][0]["y"] == [2]
    assert not plt.fignum_exists(axes[0].figure.number)


def test_a_frontier_to_explore_has_the_numbers_of_the_table_and_names_each_design(bagged):
    tables = {n: solve(bagged, Question(BUDGETS, n)).table() for n in (1e6, 1e7)}
    chart = explore.frontiers(tables, bagged.ranges).chart
    for axis, factor in zip(("x", "x2", "x3"), FACTORS, strict=True):
        drawn = lines(chart, axis)
        assert [numbers(t.y) for t in drawn] == [
            numbers(table[factor]) for table in tables.values()
        ]
        assert all(numbers(t.x) == pytest.approx(BUDGETS / 1e12) for t in drawn)
    first = tables[1e6].iloc[0]
    said = lines(chart, "x")[0].text[0]
    assert f"{first['frames']:g} frames × {first['tokens_per_frame']:g} tokens" in said
    assert ("outside the runs" in said) == bool(first["extrapolates"])


def test_votes_to_explore_fill_the_height_in_the_colours_of_the_still(bagged):
    shares = solve(bagged, Question(BUDGETS, 1e6)).votes()
    explorable = explore.votes({"here": shares})
    assert sum(np.asarray(t.y) for t in explorable.chart.data) == pytest.approx(1)
    reds = [int(re.match(r"rgba\((\d+),", t.fillcolor)[1]) for t in explorable.chart.data]
    assert reds == [round(255 * to_rgb(c)[0]) for c in lm_palette(shares.columns).values()]
    assert len(explorable.still.axes[0].containers) == len(explorable.chart.data)


def test_an_error_frontier_to_explore_is_solid_only_inside_the_runs(bagged):
    table = solve(bagged, Question(BUDGETS, 1e6)).table()
    chart = explore.error_frontiers({"all": table}).chart
    broken, solid, key = chart.data[-3:]
    assert numbers(broken.y) == numbers(table["error"])
    assert np.isnan(numbers(solid.y)).tolist() == table["extrapolates"].tolist()
    assert key.line.dash == broken.line.dash == "dash" and "outside the runs" in key.name


def test_runs_to_explore_show_every_run_along_every_factor(runs):
    chart = explore.runs(runs).chart
    assert sum(len(t.x) for t in chart.data) == len(runs)
    for choice, column in zip(chart.layout.updatemenus[0].buttons, explore.AXES, strict=True):
        moved = [x for xs in choice.args[0]["x"] for x in xs]
        assert sorted(moved) == sorted(runs[column])
        pairs = zip(chart.data, choice.args[0]["x"], strict=True)
        assert all(len(trace.y) == len(xs) for trace, xs in pairs)


def test_isoflop_runs_to_explore_are_all_there(runs):
    iso = runs[runs["sweep"] == "isoflop"]
    chart = explore.isoflop(iso).chart
    assert sorted(y for t in chart.data for y in t.y) == pytest.approx(sorted(iso["error"]))


def notebook_with(chart: dict, name: str | None) -> nbformat.NotebookNode:
    output = new_output("execute_result", data={PLOTLY: chart, "image/png": "", "text/plain": "x"})
    figure = {"mystnb": {"figure": {"name": name}}} if name else {}
    return new_notebook(cells=[new_code_cell("1", metadata=figure, outputs=[output])])


def test_a_chart_leaves_its_output_and_stands_below_as_data_that_cannot_end_its_script():
    chart = {"data": [{"name": "</script><b>`a`"}], "layout": {}}
    cell, below = embed_charts(notebook_with(chart, "fig-one")).cells
    assert set(cell.outputs[0].data) == {"image/png", "text/plain"}
    [(figure, data)] = re.findall(r'data-figure="(.*?)">(.*?)</script>', below.source)
    assert figure == "fig-one"
    assert json.loads(data) == chart


def test_a_notebook_taken_from_a_page_is_as_it_was_run():
    chart = {"data": [{"name": "</script><b>`a`", "y": [1.5]}], "layout": {"title": "t"}}
    given = notebook_with(chart, "fig-one")
    assert gather_charts(embed_charts(copy.deepcopy(given))) == given


def test_a_chart_without_a_named_figure_leaves_only_its_picture():
    (cell,) = embed_charts(notebook_with({"data": [], "layout": {}}, None)).cells
    assert set(cell.outputs[0].data) == {"image/png", "text/plain"}


def test_the_script_carried_along_is_the_published_one_and_of_plotlys_version(tmp_path):
    copy_assets(tmp_path)
    script = (tmp_path / "plotly-basic.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == BUNDLE
    assert f"minified) v{get_plotlyjs_version()}\n" in script[:200].decode()
    assert get_plotlyjs_version() in (ASSETS / "README.md").read_text()
    assert {"charts.js", "site.css", "site.js", "tex-svg.js"} < {
        path.name for path in tmp_path.iterdir()
    }
