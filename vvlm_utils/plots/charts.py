"""A figure with two faces: a still picture everywhere, a chart to explore where that is possible.

A cell that ends in ``Explorable(axes, chart)`` has one output of two types. JupyterLab shows the
chart; a site, a print, GitHub and the README take the picture. ``embed_charts`` puts the chart's
data beside the picture of a page, and ``assets/charts.js`` swaps the two in the reader's browser.
"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from vvlm_utils.plots.phone import PHONE, faces, nest

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PLOTLY = "application/vnd.plotly.v1+json"
ASSETS = Path(__file__).parents[1] / "assets"


class Explorable:
    """One output that is a still figure and an interactive chart of the same things.

    axes : what a drawing function returned, one Axes or an array of them, all of one figure
    chart : the same as a plotly figure, as ``vvlm_utils.plots.explore`` draws it
    """

    def __init__(self, axes, chart: Figure) -> None:
        first = getattr(axes, "flat", [axes])[0]
        self.still, self.chart = first.get_figure(), chart

    def __repr__(self) -> str:
        return f"Explorable({len(self.chart.data)} traces)"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        from matplotlib import pyplot as plt

        drawn = faces(self.still)
        plt.close(self.still)  # or the notebook would show it once more
        return {PLOTLY: json.loads(self.chart.to_json())} | drawn


OPENING = '```{{raw}} html\n<script type="application/json" class="vvlm-chart" data-figure="{}">'
ENDING = "</script>\n```"
CHART_OF = "chart_of"  # of a cell that holds a chart's data: the figure that it can replace


def _chart_cell(chart: dict, figure: str) -> NotebookNode:
    data = json.dumps(chart, separators=(",", ":")).replace("<", r"\u003c")  # ends no script
    source = OPENING.format(figure) + data + ENDING
    return new_markdown_cell(source, id=f"{figure}-chart"[:64], metadata={CHART_OF: figure})


def embed_charts(notebook: NotebookNode) -> NotebookNode:
    """Move every chart of an executed notebook out of its output, into a cell of its own below.

    The output keeps its picture, and its drawing holds the one for a phone; the new cell holds the
    chart's data and the name of the figure that it can replace. Charts of cells whose figure has no
    name are left out.
    """
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if narrow := data.pop(PHONE, None):
                data["image/svg+xml"] = nest(data["image/svg+xml"], narrow)
            chart = data.pop(PLOTLY, None)
            if chart and name:
                cells.append(_chart_cell(chart, name))
    notebook.cells = cells
    return notebook


def gather_charts(notebook: NotebookNode) -> NotebookNode:
    """Undo ``embed_charts``: a reader who takes a page's notebook home gets it as it was run."""
    cells = []
    for cell in notebook.cells:
        figure = cell.metadata.get(CHART_OF)
        if figure is None:
            cells.append(cell)
            continue
        data = cell.source.removeprefix(OPENING.format(figure)).removesuffix(ENDING)
        (output,) = (o for o in cells[-1].outputs if "image/png" in o.get("data", {}))
        output.data[PLOTLY] = json.loads(data)
    notebook.cells = cells
    return notebook


def copy_assets(folder: Path) -> None:
    """Put what every site needs into its folder of static files: style, charts, MathJax.

    MathJax is one file and comes from a package, so that pages ask nothing of the network.
    """
    folder.mkdir(exist_ok=True)
    mathjax = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    for path in (mathjax / "tex-svg.js", *ASSETS.glob("*.js"), *ASSETS.glob("*.css")):
        shutil.copy2(path, folder)
