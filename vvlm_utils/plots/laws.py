"""Figures of the law chapter. They draw; they never compute."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vvlm_utils.plots.style import (
    BAND_ALPHA,
    LABELS,
    LAW_COLORS,
    LAW_NAMES,
    OURS,
    PAPER,
    example_palette,
    examples_name,
    lm_markers,
    lm_name,
    lm_palette,
    log_ticks,
)

TEST_NAMES = {"cv": "cross-validation", "extrapolation": "star to isoFLOP"}
AGGREGATE_LOOKS = {"median": ("#332288", "o"), "mean": ("#D55E00", "s")}


def plot_interaction(curves: pd.DataFrame) -> np.ndarray:
    """The error of a law against one factor, a panel per power of its interaction, a line per n.

    Columns power, n, value and error; a dot stands at the least error within a panel's range.
    """
    powers = list(dict.fromkeys(curves["power"]))
    _, axes = plt.subplots(1, len(powers), figsize=(6.8, 3.0), sharey=True, squeeze=False)
    colors = example_palette(curves["n"])
    for ax, power in zip(axes[0], powers, strict=True):
        for n, line in curves[curves["power"] == power].groupby("n"):
            name = f"$n$ = {examples_name(n)}"
            ax.plot(line["value"], line["error"], color=colors[n], label=name)
            best = line.loc[line["error"].idxmin()]
            if line["value"].min() < best["value"] < line["value"].max():
                ax.plot(best["value"], best["error"], "o", color=colors[n])
        log_ticks(ax, [1, 4, 16, 64])
        ax.set(xlabel="a factor, $x_k$", title=f"$b_k$ = {power:g}")
    axes[0, 0].set_ylabel(LABELS["error"])
    axes[0, 0].legend()
    return axes[0]


def plot_relative_errors(predictions: pd.DataFrame) -> np.ndarray:
    """Boxes of the relative error of held-out runs, one panel a test, one box a law.

    Columns law, test and relative (percent, prediction less run). A box holds the middle half,
    the whiskers 90%; what lies outside is drawn.
    """
    tests = [name for name in TEST_NAMES if name in set(predictions["test"])]
    laws = list(dict.fromkeys(predictions["law"]))
    _, axes = plt.subplots(1, len(tests), figsize=(6.8, 3.4), sharey=True, squeeze=False)
    for ax, test in zip(axes[0], tests, strict=True):
        sns.boxplot(
            predictions[predictions["test"] == test], x="law", y="relative", order=laws, ax=ax,
            hue="law", palette=LAW_COLORS, whis=(5, 95), width=0.6, fliersize=3,
        )  # fmt: skip
        ax.axhline(0, color="0.6", linewidth=1, zorder=0)
        ax.set_xticks(range(len(laws)), [LAW_NAMES[law] for law in laws], rotation=20)
        ax.set(title=TEST_NAMES[test], xlabel="", ylabel="relative error (%)")
        ax.label_outer()
    return axes[0]


def plot_held_out(predictions: pd.DataFrame) -> Figure:
    """Predicted against observed error of held-out runs, one panel a law, a colour an LM size.

    Columns law, lm_params, observed and predicted.
    """
    laws = list(dict.fromkeys(predictions["law"]))
    figure, axes = plt.subplots(
        -(-len(laws) // 2), 2, figsize=(6.2, 6.0), sharex=True, sharey=True, squeeze=False
    )
    ends = [predictions["observed"].min() - 1, predictions["observed"].max() + 1]
    sizes = predictions["lm_params"].unique()
    look = {"palette": lm_palette(sizes), "markers": lm_markers(sizes), "s": 26, "linewidth": 0}
    for ax, law in zip(axes.flat, laws, strict=False):
        ax.plot(ends, ends, color="0.6", linewidth=1, zorder=0)
        sns.scatterplot(
            predictions[predictions["law"] == law], x="observed", y="predicted", ax=ax,
            hue="lm_params", style="lm_params", legend=ax is axes[0, 0] and "full", **look,
        )  # fmt: skip
        ax.set(title=LAW_NAMES[law], xlabel="", ylabel="")
    for ax in axes.flat[len(laws) :]:
        ax.remove()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].get_legend().remove()
    names = [lm_name(float(label)) for label in labels]
    figure.legend(handles, names, loc="outside upper center", ncols=3, title="LM parameters")
    figure.supxlabel("observed error (points)", fontsize=10)
    figure.supylabel("predicted error (points)", fontsize=10)
    return figure


def plot_task_errors(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """E% from star to isoFLOP by task: bars with intervals, and the paper's bars as diamonds.

    Columns name, value, low, high and paper, first row on top.
    """
    ax = ax or plt.subplots(figsize=(6.4, 0.9 + 0.34 * len(table)))[1]
    rows = np.arange(len(table))
    reach = [table["value"] - table["low"], table["high"] - table["value"]]
    ax.barh(rows, table["value"], height=0.6, color="#0072B2", alpha=0.3)  # pale in any theme
    ax.errorbar(table["value"], rows, xerr=reach, fmt="o", label="ours", **_small(OURS))
    ax.plot(table["paper"], rows, linestyle="none", label="paper's Figure 3", **PAPER)
    ax.set_yticks(rows, table["name"])
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="E% from star to isoFLOP", xlim=(0, None))
    ax.invert_yaxis()
    ax.legend(loc="lower right")
    return ax


def _small(look: dict) -> dict:
    return {"color": look["color"], "markersize": 4}


def plot_profiles(profiles: pd.DataFrame, threshold: float, top: float) -> np.ndarray:
    """What it costs to hold one parameter, one panel a parameter.

    profiles : columns parameter, value and excess; threshold : above it the runs reject the value;
    top : where the axis ends
    """
    names = list(dict.fromkeys(profiles["parameter"]))
    _, axes = plt.subplots(1, len(names), figsize=(6.8, 3.0), sharey=True, squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        part = profiles[profiles["parameter"] == name]
        ax.plot(part["value"], part["excess"], color=LAW_COLORS["add-interact"])
        ax.axhline(threshold, color="#B2182B", linewidth=1, linestyle="--")
        ax.set(xlabel=f"${_as_math(name)}$ fixed at", ylim=(-0.03 * top, top))
    axes[0, 0].set_ylabel("excess loss, as F")
    return axes[0]


def _as_math(name: str) -> str:
    """The name of a parameter as TeX.

    >>> _as_math("beta_N"), _as_math("eps"), _as_math("d")
    ('\\\\beta_N', '\\\\varepsilon', 'd')
    """
    greek = {"alpha": r"\alpha", "beta": r"\beta", "xi": r"\xi", "eps": r"\varepsilon"}
    stem, *rest = name.split("_", 1)
    return "_".join([greek.get(stem, stem), *rest])


def _with_math(name: str) -> str:
    """The name of a band with its symbol as TeX.

    >>> _with_math("e_N, outside"), _with_math("error at x*, inside"), _with_math("error, inside")
    ('$e_N$, outside', 'error at $x^*$, inside', 'error, inside')
    """
    return re.sub(r"\b[ex]_[NTV]", r"$\g<0>$", name).replace("x*", "$x^*$")


def plot_bag_sizes(
    table: pd.DataFrame, paper: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """MSE against the members of a bag, for the median and the mean.

    table : columns aggregate, size, value, low, high; paper : aggregate, size, value
    """
    ax = ax or plt.subplots(figsize=(6.4, 3.6))[1]
    for name, line in table.groupby("aggregate"):
        color, marker = AGGREGATE_LOOKS[name]
        ax.fill_between(line["size"], line["low"], line["high"], color=color, alpha=BAND_ALPHA)
        ax.plot(line["size"], line["value"], color=color, marker=marker, label=name)
    if paper is not None:
        ax.plot(paper["size"], paper["value"], linestyle="none", label="paper, median", **PAPER)
    log_ticks(ax, sorted(table["size"].unique()))
    ax.set(yscale="log", xlabel="members of the bag", ylabel="star to isoFLOP MSE (points²)")
    ax.legend()
    return ax


def plot_coverage(table: pd.DataFrame, nominal: float, ax: Axes | None = None) -> Axes:
    """How often bands held the truth: one row a question, one marker a resampling.

    Columns name, resampling, coverage and se; first row on top.
    """
    names = list(dict.fromkeys(table["name"]))
    kinds = list(dict.fromkeys(table["resampling"]))
    ax = ax or plt.subplots(figsize=(6.4, 1.1 + 0.42 * len(names)))[1]
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    for k, kind in enumerate(kinds):
        part = table[table["resampling"] == kind].set_index("name").reindex(names)
        rows = np.arange(len(names)) + 0.5 * ((k + 0.5) / len(kinds) - 0.5)
        ax.errorbar(
            part["coverage"], rows, xerr=1.645 * part["se"], fmt="os^Dv"[k % 5], markersize=4.5,
            color=cycle[k % len(cycle)], label=kind,
        )  # fmt: skip
    ax.axvline(nominal, color="0.3", linewidth=1, linestyle="--")
    ax.set_yticks(range(len(names)), [_with_math(name) for name in names])
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="share of bands that contain the truth", xlim=(None, 1.01))
    ax.invert_yaxis()
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(kinds))
    return ax
