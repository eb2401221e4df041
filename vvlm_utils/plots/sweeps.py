"""Figures of the sweep-design chapter."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from vvlm_utils.plots.style import (
    LABELS,
    SWEEP_NAMES,
    lm_markers,
    lm_name,
    lm_palette,
    log_ticks,
)

SWEEP_STYLES = {
    "star": {"marker": "*", "s": 70, "color": "#D55E00"},
    "isoflop": {"marker": "o", "s": 26, "color": "#0072B2"},
    "other": {"marker": "s", "s": 26, "color": "#555555"},
}


def plot_design_plane(designs: pd.DataFrame, curves: pd.DataFrame) -> np.ndarray:
    """Frames against tokens, a panel per LM, with the curves of equal cost.

    designs : the runs to mark; curves : lm_params, target_tflops, tokens_per_frame, frames.
    """
    sizes = sorted(designs["lm_params"].unique())
    figure, axes = plt.subplots(1, len(sizes), figsize=(7.8, 3.5), sharey=True, squeeze=False)
    for ax, n in zip(axes[0], sizes, strict=True):
        for budget, line in curves[curves["lm_params"] == n].groupby("target_tflops"):
            line = line.sort_values("tokens_per_frame")
            ax.plot(line["tokens_per_frame"], line["frames"], color="#999999", linewidth=0.9)
            end = line.iloc[0]
            ax.annotate(
                f"{budget:g}",
                (end["tokens_per_frame"], end["frames"]),
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=8,
            )
        for sweep, marks in designs[designs["lm_params"] == n].groupby("sweep", sort=False):
            ax.scatter(
                marks["tokens_per_frame"],
                marks["frames"],
                label=SWEEP_NAMES[sweep],
                zorder=3,
                **SWEEP_STYLES[sweep],
            )
        log_ticks(ax, [1, 4, 16, 49, 196, 784])
        log_ticks(ax, [2, 4, 8, 16, 32], axis="y")
        ax.set(
            title=f"LM {lm_name(n)}",
            xlabel=LABELS["tokens_per_frame"],
            xlim=(0.45, 1000),
            ylim=(1.4, 60),
        )
    axes[0, 0].set(ylabel=LABELS["frames"])
    handles, labels = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return axes[0]


def plot_tolerance(counts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of published points found against tolerance: columns tolerance, found_share."""
    ax = ax or plt.subplots(figsize=(6.0, 3.2))[1]
    ax.step(100 * counts["tolerance"], 100 * counts["found_share"], where="post", color="#333333")
    ax.axvline(3, color="#B2182B", linestyle=":", linewidth=1.2)
    ax.annotate("the paper's 3%", (3, 20), xytext=(4, 0), textcoords="offset points")
    ax.set(
        xlabel="tolerance around the budget (%)",
        ylabel="published isoFLOP designs found (%)",
        ylim=(0, 103),
    )
    return ax


def plot_picked(enumerated: pd.DataFrame, picked: pd.DataFrame, published: pd.DataFrame):
    """All designs near one budget, those that were picked, and those that the paper ran."""
    sizes = sorted(enumerated["lm_params"].unique())
    colors, markers = lm_palette(sizes), lm_markers(sizes)
    figure, axes = plt.subplots(1, len(sizes), figsize=(7.8, 3.4), sharey=True, squeeze=False)
    looks = {
        "within tolerance": (enumerated, {"s": 12, "alpha": 0.45, "linewidths": 0}),
        "picked": (picked, {"s": 60}),
        "published": (published, {"s": 130, "facecolors": "none", "linewidths": 1.2}),
    }
    looks = {label: look for label, look in looks.items() if len(look[0])}
    for ax, n in zip(axes[0], sizes, strict=True):
        for label, (table, look) in looks.items():
            rows = table[table["lm_params"] == n]
            paint = {"color": colors[n]} if label != "published" else {"edgecolors": "#B2182B"}
            marker = markers[n] if label != "published" else "o"
            ax.scatter(
                rows["tokens_per_frame"],
                rows["frames"],
                marker=marker,
                label=label,
                **paint,
                **look,
            )
        log_ticks(ax, [1, 4, 16, 49, 196, 784])
        log_ticks(ax, [2, 4, 8, 16, 32], axis="y")
        ax.set(title=f"LM {lm_name(n)}", xlabel=LABELS["tokens_per_frame"])
    axes[0, 0].set(ylabel=LABELS["frames"])
    handles, labels = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return axes[0]


def plot_correlations(matrices: dict[str, pd.DataFrame]) -> np.ndarray:
    """Correlation matrices of the log factors side by side; a constant column is left blank."""
    figure, axes = plt.subplots(1, len(matrices), figsize=(7.8, 2.9), squeeze=False)
    shared = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1, "square": True, "cbar": False}
    for ax, (title, matrix) in zip(axes[0], matrices.items(), strict=True):
        said = (matrix.round(2) + 0.0).map("{:.2f}".format).where(matrix.notna(), "")
        sns.heatmap(matrix, annot=said, fmt="", annot_kws={"fontsize": 8}, ax=ax, **shared)
        # a cell and the number on it keep their colours, whatever the page's theme
        for place, mark in enumerate((ax.collections[0], *ax.texts)):
            mark.set_gid(f"fixed-{title}-{place}".replace(" ", "-"))
        for row, column in zip(*matrix.isna().to_numpy().nonzero(), strict=True):
            ax.text(column + 0.5, row + 0.5, "const.", ha="center", va="center", fontsize=8)
        ax.tick_params(length=0, labelrotation=0)
        ax.set_title(title)
    figure.colorbar(ax.collections[0], ax=axes, shrink=0.75, label="correlation")
    return axes[0]
