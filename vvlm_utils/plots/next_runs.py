"""Figures of the chapter on next runs. They draw; they never compute."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vvlm_utils.plots.style import (
    BAND_ALPHA,
    LABELS,
    lm_markers,
    lm_name,
    lm_palette,
    log_ticks,
)

STRATEGIES = {
    "planner": ("#0072B2", "o", "planned"),
    "random": ("#D55E00", "s", "random"),
    "cheap": ("#009E73", "^", "random, cheap ones"),
    "star": ("#7F7F7F", "D", "star first"),
}


def plot_plan(plan: pd.DataFrame, runs: pd.DataFrame) -> np.ndarray:
    """Planned designs in the plane of tokens and frames, a panel an LM size, over runs that exist.

    plan : design columns and ``gain``; a marker's area grows with it.
    """
    sizes = sorted(plan["lm_params"].unique())
    width = min(9.0, 2.6 * len(sizes) + 0.8)
    shared = {"sharex": True, "sharey": True, "squeeze": False}
    _, axes = plt.subplots(1, len(sizes), figsize=(width, 3.2), **shared)
    colors, markers = lm_palette(sizes), lm_markers(sizes)
    for ax, n in zip(axes[0], sizes, strict=True):
        known, new = (table[table["lm_params"] == n] for table in (runs, plan))
        ax.plot(known["tokens_per_frame"], known["frames"], "x", color="#999999", markersize=4)
        ax.scatter(
            new["tokens_per_frame"], new["frames"], s=15 + 400 * np.sqrt(new["gain"]),
            color=colors[n], marker=markers[n], alpha=0.5, linewidth=0,
        )  # fmt: skip
        log_ticks(ax, [1, 9, 64, 400])
        log_ticks(ax, [1, 2, 4, 8, 16, 32, 64, 128], axis="y")
        ax.set(title=f"LM {lm_name(n)}", xlabel="tokens per frame, $x_V$")
    axes[0, 0].set_ylabel(LABELS["frames"])
    return axes[0]


def plot_left(plans: Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Share of the variance that is left against training spent, a line a plan.

    Each table has cumulative_flops and left, in the order of the runs.
    """
    ax = ax or plt.subplots(figsize=(6.2, 3.4))[1]
    for (name, table), line in zip(plans.items(), ("-", "--", ":", "-."), strict=False):
        spent = np.r_[0, table["cumulative_flops"] / 1e20]
        ax.plot(spent, np.r_[1, table["left"]], line, drawstyle="steps-post", color="#333333",
                label=name)  # fmt: skip
    ax.set(
        xlabel="training spent ($10^{20}$ FLOPs)",
        ylabel="variance that is left (share)",
        ylim=(0, 1.02),
    )
    ax.legend()
    return ax


def plot_strategies(table: pd.DataFrame, ylabel: str, ax: Axes | None = None) -> Axes:
    """A measure against training spent, a line a strategy with its interval.

    Columns strategy, train_flops, value, low, high.
    """
    ax = ax or plt.subplots(figsize=(4.2, 3.4))[1]
    for name, rows in table.groupby("strategy", sort=False):
        color, marker, label = STRATEGIES[name]
        x = rows["train_flops"] / 1e20
        ax.fill_between(x, rows["low"], rows["high"], color=color, alpha=BAND_ALPHA, linewidth=0)
        ax.plot(x, rows["value"], color=color, marker=marker, label=label)
    ax.set(xlabel="training spent ($10^{20}$ FLOPs)", ylabel=ylabel)
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def plot_versus(pairs: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """The planner's regret against another strategy's, a point a trial, a panel a comparison.

    Tables of planner and other, points, and wins; below the diagonal the planner is better.
    """
    _, axes = plt.subplots(1, len(pairs), figsize=(3.7 * len(pairs), 3.6), squeeze=False)
    for ax, (name, pair) in zip(axes[0], pairs.items(), strict=True):
        floor = 1e-3  # regrets below a thousandth of a point are drawn there
        x, y = (np.maximum(pair[column], floor) for column in ("other", "planner"))
        for wins, fill in ((True, "#0072B2"), (False, "none")):
            here = pair["wins"] == wins
            ax.scatter(x[here], y[here], s=22, facecolor=fill, edgecolor="#0072B2", zorder=3)
        ends = [floor * 0.8, max(x.max(), y.max()) * 1.3]
        ax.plot(ends, ends, color="#555555", linestyle=":", linewidth=1.2)
        ticks = [t for t in (0.001, 0.01, 0.1, 1, 10) if t <= ends[1]]
        for axis in "xy":
            log_ticks(ax, ticks, axis=axis)
        ax.set(xlabel=f"regret, {name} (points)", xlim=ends, ylim=ends)
    axes[0, 0].set_ylabel("regret, planned (points)")
    return axes[0]
