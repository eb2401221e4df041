"""Figures of the runs chapter: what was measured, before any law."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vvlm_utils.plots.style import (
    FACTOR_COLORS,
    LABELS,
    SWEEP_NAMES,
    example_palette,
    lm_markers,
    lm_name,
    lm_palette,
    log_ticks,
)
from vvlm_utils.text import short_count

TICKS = {
    "lm_params": [1e9, 2.8e9, 7.5e9],
    "frames": [4, 8, 16, 32],
    "tokens_per_frame": [4, 16, 49, 196],
    "train_examples": [0.25e6, 0.5e6, 1e6],
}
COST_TICKS = [2, 5, 15, 30, 60, 115]
TOKEN_TICKS = [1, 4, 16, 49, 196, 625]


def plot_star(arms: dict[str, pd.DataFrame]) -> np.ndarray:
    """Error along each arm of a star, one line for every ladder (after Figure 1).

    arms : factor -> runs with the columns ladder, error and the factor
    """
    figure, axes = plt.subplots(1, len(arms), figsize=(8.2, 3.4), sharey=True)
    for ax, (factor, arm) in zip(axes, arms.items(), strict=True):
        by_data = factor != "train_examples"
        colors = example_palette(arm["train_examples"])
        for ladder, line in arm.groupby("ladder"):
            line = line.sort_values(factor)
            look = (
                {"color": colors[ladder], "label": short_count(ladder)}
                if by_data
                else {"color": FACTOR_COLORS[factor], "alpha": 0.6, "linewidth": 1}
            )
            ax.plot(line[factor], line["error"], marker="o", markersize=3.5, **look)
        log_ticks(ax, TICKS[factor], counts=factor in ("lm_params", "train_examples"))
        ax.set_xlabel(LABELS[factor].replace(", ", "\n"))
    axes[0].set_ylabel(LABELS["error"])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=4, title=LABELS["train_examples"]
    )
    return axes


def plot_isoflop(runs: pd.DataFrame, curves: pd.DataFrame | None = None) -> np.ndarray:
    """Error against tokens per frame, a panel per budget, a curve per LM (after Figure 2).

    runs : isoFLOP runs; curves : fitted target_tflops, lm_params, tokens_per_frame, error
    """
    budgets = sorted(runs["target_tflops"].unique())
    figure, axes = plt.subplots(1, len(budgets), figsize=(8.2, 3.6), sharey=True, squeeze=False)
    colors, markers = lm_palette(runs["lm_params"]), lm_markers(runs["lm_params"])
    for ax, budget in zip(axes[0], budgets, strict=True):
        for n, points in runs[runs["target_tflops"] == budget].groupby("lm_params"):
            ax.plot(
                points["tokens_per_frame"],
                points["error"],
                markers[n],
                color=colors[n],
                label=lm_name(n),
            )
            if curves is not None:
                line = curves[(curves["target_tflops"] == budget) & (curves["lm_params"] == n)]
                ax.plot(line["tokens_per_frame"], line["error"], color=colors[n], linewidth=1.2)
        log_ticks(ax, TOKEN_TICKS)
        ax.tick_params(axis="x", labelsize=7.5)
        ax.set(title=f"{budget:g} TFLOPs", xlabel="$x_V$")
    axes[0, 0].set_ylabel(LABELS["error"])
    handles, labels = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(colors), title="LM size")
    return axes[0]


def plot_error_against_cost(runs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Metric of every run against its cost: columns cost_tflops, metric, sweep, lm_params."""
    ax = ax or plt.subplots(figsize=(6.8, 4.2))[1]
    colors, markers = lm_palette(runs["lm_params"]), lm_markers(runs["lm_params"])
    for (sweep, n), points in runs.groupby(["sweep", "lm_params"]):
        fill = {"facecolors": "none"} if sweep == "star" else {"facecolors": colors[n]}
        ax.scatter(
            points["cost_tflops"],
            points["metric"],
            marker=markers[n],
            s=30,
            edgecolors=colors[n],
            label=f"{lm_name(n)}, {SWEEP_NAMES.get(sweep, sweep)}",
            **fill,
        )
    log_ticks(ax, COST_TICKS)
    ax.set(xlabel=LABELS["cost"], ylabel=LABELS["metric"])
    ax.legend(ncols=2)
    return ax


def plot_reading_check(check: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Mean of the tasks less the published average: columns metric, gap, se, sweep."""
    ax = ax or plt.subplots(figsize=(6.4, 3.2))[1]
    looks = {"star": ("*", "#D55E00"), "isoflop": ("o", "#0072B2")}
    for sweep, points in check.groupby("sweep"):
        marker, color = looks[sweep]
        ax.errorbar(
            points["metric"],
            points["gap"],
            yerr=points["se"],
            fmt=marker,
            color=color,
            elinewidth=0.7,
            capsize=0,
            markersize=4,
            label=SWEEP_NAMES[sweep],
        )
    ax.axhline(0, color="#555555", linewidth=1)
    ax.set(xlabel="published average (points)", ylabel="mean of the tasks less it")
    ax.legend()
    return ax


def plot_intervals(
    table: pd.DataFrame, xlabel: str, ax: Axes | None = None, zero: bool = True
) -> Axes:
    """Values with intervals, one row each: columns name, value, low, high and maybe color.

    zero : whether a line marks zero, where it is a value to compare with
    """
    ax = ax or plt.subplots(figsize=(6.4, 0.7 + 0.34 * len(table)))[1]
    colors = table["color"] if "color" in table else ["#333333"] * len(table)
    rows = zip(table["name"], table["value"], table["low"], table["high"], colors, strict=True)
    for y, (_, value, low, high, color) in enumerate(rows):
        ax.errorbar(value, y, xerr=[[value - low], [high - value]], fmt="o", color=color)
    ax.set_yticks(range(len(table)), table["name"])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    if zero:
        ax.axvline(0, color="#555555", linestyle=":", linewidth=1.2)
    ax.set(xlabel=xlabel)
    return ax


def plot_optimum_path(path: pd.DataFrame) -> np.ndarray:
    """Where each LM's curve is lowest as the budget grows: frames and tokens, with intervals.

    Columns lm_params, target_tflops, and tokens and frames with _low and _high.
    """
    _, axes = plt.subplots(1, 2, figsize=(7.2, 3.3))
    colors, markers = lm_palette(path["lm_params"]), lm_markers(path["lm_params"])
    columns = {"frames": "frames", "tokens": "tokens_per_frame"}
    for ax, (column, factor) in zip(axes, columns.items(), strict=True):
        for shift, (n, line) in zip((0.96, 1, 1.04), path.groupby("lm_params"), strict=False):
            low, high = line[column] - line[f"{column}_low"], line[f"{column}_high"] - line[column]
            ax.errorbar(
                line["target_tflops"] * shift,
                line[column],
                yerr=[low, high],
                marker=markers[n],
                color=colors[n],
                label=lm_name(n),
            )
        log_ticks(ax, sorted(path["target_tflops"].unique()))
        log_ticks(ax, [2, 4, 8, 16, 32] if column == "frames" else [4, 16, 49, 196, 784], axis="y")
        ax.set(xlabel=LABELS["budget"], ylabel=f"best {LABELS[factor]}")
    axes[1].set_ylim(2, 2000)
    axes[0].legend(title="LM size")
    return axes


def plot_gains(gains: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Gain of each LM when the budget grows: columns step, reading, lm_params, value, low, high."""
    ax = ax or plt.subplots(figsize=(7.0, 3.6))[1]
    colors, markers = lm_palette(gains["lm_params"]), lm_markers(gains["lm_params"])
    sizes = sorted(gains["lm_params"].unique())
    groups = list(dict.fromkeys(zip(gains["step"], gains["reading"], strict=True)))
    for k, n in enumerate(sizes):
        rows = gains[gains["lm_params"] == n].set_index(["step", "reading"]).reindex(groups)
        x = np.arange(len(groups)) + 0.18 * (k - (len(sizes) - 1) / 2)
        error = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        ax.errorbar(x, rows["value"], yerr=error, fmt=markers[n], color=colors[n], label=lm_name(n))
    ax.axhline(0, color="#555555", linestyle=":", linewidth=1.2)
    ax.set_xticks(range(len(groups)), [f"{step}\n{reading}" for step, reading in groups])
    ax.grid(axis="x", visible=False)
    ax.set(ylabel="gain (points)")
    ax.legend(title="LM size")
    return ax
