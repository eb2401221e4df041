"""Interactive twins of the figures that readers explore: runs, frontier, votes.

Each takes what the still figure takes and returns both as one ``Explorable``: the figure, and a
plotly chart of the same panels in the same colours. They draw; they never compute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from plotly.graph_objects import Figure, Scatter
from plotly.subplots import make_subplots

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.plots.charts import Explorable
from vvlm_utils.plots.frontier import (
    BUDGET_TICKS,
    LOWS,
    TERA,
    TICKS,
    factor_ticks,
    plot_error_frontiers,
    plot_frontiers,
    plot_votes,
)
from vvlm_utils.plots.runs import (
    COST_TICKS,
    TOKEN_TICKS,
    plot_error_against_cost,
    plot_isoflop,
)
from vvlm_utils.plots.style import (
    BAND_ALPHA,
    FACTOR_COLORS,
    LABELS,
    examples_name,
    lm_markers,
    lm_name,
    lm_palette,
)
from vvlm_utils.text import short_count

INK, GRID, NO_RUNS = "#333333", "#E3E3E3", "#E6E6E6"
SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "<": "triangle-left",
    ">": "triangle-right",
    "P": "cross",
    "*": "star",
    "X": "x",
}
AXES = {"cost_tflops": LABELS["cost"]} | {
    name: LABELS[name] for name in (*FACTORS, "train_examples")
}


def _in_html(label: str) -> str:
    """A label whose mathematics is set by tags: ``$x_N$`` becomes an italic x with its index."""
    label = re.sub(r"\$(\w)_(\w)\$", r"<i>\1<sub>\2</sub></i>", label)
    return re.sub(r"\$(\w)\$", r"<i>\1</i>", label)


def _panels(titles: Sequence[str], height: int, **settings) -> Figure:
    """Panels side by side on white, the legend above them, room for Plotly's buttons above it."""
    chart = make_subplots(1, len(titles), subplot_titles=titles, **settings)
    top, bottom = 80, 60
    legend = 1 + (24 if any(titles) else 4) / (height - top - bottom)
    chart.update_layout(
        template=None,
        height=height,
        margin={"l": 60, "r": 15, "t": top, "b": bottom},
        font={"family": "system-ui, sans-serif", "size": 12, "color": INK},
        legend={
            "orientation": "h",
            "x": 0.5,
            "xanchor": "center",
            "y": legend,
            "yanchor": "bottom",
        },
        hoverlabel={"align": "left", "bgcolor": "white", "font_color": INK},
        hoverdistance=40,
    )
    chart.update_annotations(font_size=13)
    chart.update_xaxes(gridcolor=GRID, zeroline=False, title_standoff=8, title_font_size=11.5)
    chart.update_yaxes(gridcolor=GRID, zeroline=False, title_standoff=6)
    return chart


def _log_ticks(ticks: Iterable[float], counts: bool = False) -> dict:
    """Settings of a logarithmic axis that names these values, and none between."""
    ticks = [float(t) for t in ticks]
    names = [short_count(float(f"{t:.3g}")) if counts else f"{t:g}" for t in ticks]
    return {"type": "log", "tickmode": "array", "tickvals": ticks, "ticktext": names}


def _faint(color: str, alpha: float = BAND_ALPHA) -> str:
    red, green, blue = (round(255 * part) for part in to_rgb(color))
    return f"rgba({red},{green},{blue},{alpha})"


def _band(
    chart: Figure, x, low, high, color: str, group: str, col: int = 1, shape: str = "hv"
) -> None:
    """Fill the space between two lines; it comes and goes with the legend's entry ``group``."""
    look = {"mode": "lines", "line": {"width": 0, "shape": shape}, "hoverinfo": "skip"}
    look |= {"showlegend": False, "legendgroup": group}
    chart.add_trace(Scatter(x=x, y=low, **look), row=1, col=col)
    fill = {"fill": "tonexty", "fillcolor": _faint(color)}
    chart.add_trace(Scatter(x=x, y=high, **fill, **look), row=1, col=col)


def _design(row) -> str:
    return f"{lm_name(row.lm_params)}, {row.frames:g} × {row.tokens_per_frame:g}"


def _say_solutions(table: pd.DataFrame, unit: tuple[str, float], name: str) -> list[str]:
    """What a reader learns of each row of a frontier by pointing at it."""
    return [
        f"<b>{row.budget_flops / unit[1]:.3g} {unit[0]}</b>, {name}<br>"
        f"LM {lm_name(row.lm_params)}, {row.frames:g} frames × {row.tokens_per_frame:g} tokens<br>"
        f"error {row.error:.2f} ({row.error_low:.2f} to {row.error_high:.2f})<br>"
        f"{row.probability:.0%} of the refits choose this LM size"
        + ("<br>outside the runs" if row.extrapolates else "")
        for row in table.itertuples()
    ]


def _factor_axis(
    chart: Figure, col: int, factor: str, ticks: Sequence[float], runs: tuple[float, float]
) -> None:
    """The y-axis of a factor, grey where the runs have no such value."""
    bottom, top = ticks[0] * 0.8, ticks[-1] * 1.25
    axis = _log_ticks(ticks, factor == "lm_params") | {"range": np.log10([bottom, top])}
    chart.update_yaxes(title_text=_in_html(LABELS[factor]), **axis, row=1, col=col)
    shade = {"fillcolor": NO_RUNS, "line_width": 0, "layer": "below", "row": 1, "col": col}
    chart.add_hrect(y0=min(runs[1], top), y1=top, **shade)
    chart.add_hrect(y0=bottom, y1=max(runs[0], bottom), **shade)


def frontiers(
    solved: Mapping[float, pd.DataFrame],
    ranges: Mapping[str, tuple[float, float]],
    unit: tuple[str, float] = TERA,
    budget_ticks: Sequence[float] = BUDGET_TICKS,
) -> Explorable:
    """The twin of ``plot_frontiers``; a point names the whole design, its error and its votes."""
    chart = _panels([""] * 3, 400, horizontal_spacing=0.09)
    for col, factor in enumerate(FACTORS, 1):
        for k, (n, table) in enumerate(solved.items()):
            budget = table["budget_flops"] / unit[1]
            inside = n <= ranges["train_examples"][1]
            group = f"n = {examples_name(n)}" + ("" if inside else " (no runs)")
            color = FACTOR_COLORS[factor] if k == 0 else INK
            if k == 0:
                low, high = (table[f"{LOWS[factor]}_{end}"] for end in ("low", "high"))
                _band(chart, budget, low, high, color, group, col)
            dash = "solid" if inside else ["dot", "dash"][k % 2]
            line = {"color": color, "width": 2.4 - 0.6 * k, "dash": dash, "shape": "hv"}
            said = {
                "text": _say_solutions(table, unit, f"n = {examples_name(n)}"),
                "hoverinfo": "text",
            }
            chart.add_trace(
                Scatter(x=budget, y=table[factor], mode="lines", line=line, name=group, **said,
                        legendgroup=group, showlegend=col == 1),
                row=1, col=col,
            )  # fmt: skip
        ticks = factor_ticks(factor, solved, ranges)
        _factor_axis(chart, col, factor, ticks, ranges[factor])
    grey = {"symbol": "square", "size": 12, "color": NO_RUNS}
    name = "no run has such a value"
    chart.add_trace(Scatter(x=[None], y=[None], mode="markers", marker=grey, name=name))
    chart.update_xaxes(title_text=f"budget ({unit[0]} per video)", **_log_ticks(budget_ticks))
    return Explorable(plot_frontiers(solved, ranges, unit, budget_ticks), chart)


def votes(
    shares: Mapping[str, pd.DataFrame],
    unit: tuple[str, float] = TERA,
    budget_ticks: Sequence[float] = BUDGET_TICKS,
) -> Explorable:
    """The twin of ``plot_votes``; pointing at a budget lists the share of every LM size there."""
    chart = _panels(list(shares), 360, shared_yaxes=True, horizontal_spacing=0.05)
    for col, table in enumerate(shares.values(), 1):
        for size, color in lm_palette(table.columns).items():
            name = lm_name(size)
            chart.add_trace(
                Scatter(
                    x=table.index / unit[1], y=table[size], name=name, legendgroup=name,
                    mode="lines", line={"shape": "hv", "width": 0.4, "color": "white"},
                    stackgroup="votes", fillcolor=_faint(color, 1), showlegend=col == 1,
                    hovertemplate="%{y:.0%}",
                ),
                row=1, col=col,
            )  # fmt: skip
    chart.update_xaxes(
        title_text=f"budget ({unit[0]} per video)", **_log_ticks(budget_ticks), hoverformat=".3g",
        unifiedhovertitle_text=f"%{{x:.3g}} {unit[0]}",
    )  # fmt: skip
    chart.update_yaxes(range=[0, 1])
    chart.update_yaxes(title_text="share of the bag", row=1, col=1)
    # Every size stays: without one of them a stack would no longer fill the height.
    still = {"itemclick": False, "itemdoubleclick": False, "traceorder": "reversed"}
    chart.update_layout(hovermode="x unified", legend={"title_text": "LM size ", **still})
    return Explorable(plot_votes(shares, unit, budget_ticks), chart)


def error_frontiers(solved: Mapping[str, pd.DataFrame]) -> Explorable:
    """The twin of ``plot_error_frontiers``; a point names the design behind the error."""
    chart = _panels([""], 400)
    for (name, table), color in zip(solved.items(), (INK, "#E69F00"), strict=False):
        budget = table["budget_flops"] / 1e12
        _band(chart, budget, table["error_low"], table["error_high"], color, name, shape="linear")
        look = {"mode": "lines", "legendgroup": name}
        said = {"text": _say_solutions(table, TERA, name), "hoverinfo": "text"}
        chart.add_trace(
            Scatter(x=budget, y=table["error"], line={"color": color, "width": 1.2, "dash": "dash"},
                    showlegend=False, **look, **said)
        )  # fmt: skip
        supported = table["error"].where(~table["extrapolates"])
        chart.add_trace(
            Scatter(x=budget, y=supported, line={"color": color, "width": 2.4}, name=name,
                    hoverinfo="skip", **look)
        )  # fmt: skip
    grey = {"color": "#999999", "width": 1.2, "dash": "dash"}
    name = "dashed: outside the runs"
    chart.add_trace(Scatter(x=[None], y=[None], mode="lines", line=grey, name=name))
    chart.update_xaxes(title_text=LABELS["budget"], **_log_ticks(BUDGET_TICKS))
    chart.update_yaxes(title_text=LABELS["error"])
    return Explorable(plot_error_frontiers(solved), chart)


def _say_runs(runs: pd.DataFrame) -> list[str]:
    return [
        f"<b>{_design(row)}</b><br>{examples_name(row.train_examples)} examples, {row.sweep}<br>"
        f"metric {row.metric:.2f} at {row.cost_tflops:.3g} TFLOPs"
        for row in runs.itertuples()
    ]


def runs(table: pd.DataFrame) -> Explorable:
    """The twin of ``plot_error_against_cost``, with a choice of what runs along the x-axis.

    Columns cost_tflops, the factors, train_examples, metric, sweep.
    """
    chart = _panels([""], 430)
    colors, markers = lm_palette(table["lm_params"]), lm_markers(table["lm_params"])
    groups = list(table.groupby(["sweep", "lm_params"]))
    for (sweep, size), points in groups:
        symbol = SYMBOLS[markers[size]] + ("-open" if sweep == "star" else "")
        look = {"color": colors[size], "size": 8, "symbol": symbol}
        said = {"text": _say_runs(points), "hoverinfo": "text"}
        chart.add_trace(
            Scatter(x=points["cost_tflops"], y=points["metric"], mode="markers", marker=look,
                    name=f"{lm_name(size)}, {sweep}", **said)
        )  # fmt: skip
    ticks = {"cost_tflops": COST_TICKS, **TICKS}
    choices = []
    for column, label in AXES.items():
        at = ticks.get(column) or sorted(table[column].unique())
        axis = _log_ticks(at, column in ("lm_params", "train_examples"))
        axis |= {"title.text": _in_html(label), "autorange": True}
        where = {"x": [points[column].tolist() for _, points in groups]}
        moved = {f"xaxis.{name}": value for name, value in axis.items()}
        name = re.split(r" \(|, ", label)[0]
        choices.append({"label": f"x-axis: {name}", "method": "update",
                        "args": [where, moved]})  # fmt: skip
    chart.update_layout(choices[0]["args"][1])
    chart.update_yaxes(title_text=LABELS["metric"])
    menu = {"buttons": choices, "direction": "up", "bgcolor": "white", "bordercolor": "#999999"}
    menu |= {"x": 0, "xanchor": "left", "y": -0.14, "yanchor": "top", "pad": {"t": 6}}
    chart.update_layout(updatemenus=[menu], margin_b=95, height=470, legend_entrywidth=110)
    return Explorable(plot_error_against_cost(table), chart)


def isoflop(table: pd.DataFrame, curves: pd.DataFrame | None = None) -> Explorable:
    """The twin of ``plot_isoflop``; a point names its run."""
    budgets = sorted(table["target_tflops"].unique())
    titles = [f"{budget:g} TFLOPs" for budget in budgets]
    chart = _panels(titles, 400, shared_yaxes=True, horizontal_spacing=0.02)
    colors, markers = lm_palette(table["lm_params"]), lm_markers(table["lm_params"])
    for col, budget in enumerate(budgets, 1):
        for size, points in table[table["target_tflops"] == budget].groupby("lm_params"):
            name = lm_name(size)
            if curves is not None:
                at = (curves["target_tflops"] == budget) & (curves["lm_params"] == size)
                line = curves[at]
                chart.add_trace(
                    Scatter(x=line["tokens_per_frame"], y=line["error"], mode="lines",
                            line={"color": colors[size], "width": 1.4}, hoverinfo="skip",
                            showlegend=False, legendgroup=name),
                    row=1, col=col,
                )  # fmt: skip
            said = [
                f"<b>{_design(row)}</b><br>error {row.error:.2f} points"
                for row in points.itertuples()
            ]
            chart.add_trace(
                Scatter(x=points["tokens_per_frame"], y=points["error"], mode="markers", name=name,
                        marker={"color": colors[size], "size": 8, "symbol": SYMBOLS[markers[size]]},
                        text=said, hoverinfo="text", legendgroup=name,
                        showlegend=col == len(budgets)),
                row=1, col=col,
            )  # fmt: skip
    look = {"tickangle": 0, "tickfont_size": 10.5}
    chart.update_xaxes(title_text=_in_html("$x_V$"), **_log_ticks(TOKEN_TICKS[:-1]), **look)
    chart.update_xaxes(matches="x", selector=lambda axis: axis.plotly_name != "xaxis")
    chart.update_yaxes(title_text=LABELS["error"], row=1, col=1)
    chart.update_layout(legend_title_text="LM size ")
    return Explorable(plot_isoflop(table, curves), chart)
