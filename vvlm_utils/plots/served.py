"""Figures of the chapter on served models."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from vvlm_utils.plots.style import log_ticks

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
LINES = ("-", "--", ":", "-.")


def plot_tokens(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Visual tokens of a clip against its length, a line per family.

    table : family, duration (seconds), visual_tokens
    """
    ax = ax or plt.subplots(figsize=(6.8, 4.2))[1]
    for place, (family, rows) in enumerate(table.groupby("family", sort=False)):
        look = {"color": COLORS[place % len(COLORS)], "linestyle": LINES[place // len(COLORS)]}
        ax.plot(rows["duration"], rows["visual_tokens"], label=family, **look)
    ax.set(xscale="log", yscale="log", xlabel="length of the clip (seconds)")
    ax.set(ylabel="visual tokens")
    log_ticks(ax, [2, 10, 60, 600])
    ax.legend(fontsize=8, ncols=2)
    return ax


def plot_models(table: pd.DataFrame, column: str, label: str, line: float | None = None) -> Axes:
    """One quantity of every model, a row per family, a larger point for a larger model.

    table : family, params, and the column
    line : a value to compare with
    """
    families = list(dict.fromkeys(table["family"]))
    ax = plt.subplots(figsize=(6.4, 0.34 * len(families) + 1.0))[1]
    look = {"size": "params", "sizes": (24, 130), "alpha": 0.8, "legend": False}
    sns.scatterplot(table, x=column, y="family", color="#0072B2", linewidth=0, ax=ax, **look)
    if line is not None:
        ax.axvline(line, color="#B2182B", linestyle=":")
    ax.set(xlabel=label, ylabel="")
    return ax


def plot_steps(steps: pd.DataFrame) -> np.ndarray:
    """Errors at three numbers of frames over those at the fewest, a panel per task.

    steps : task, model, frames, relative (error over that at the fewest), source ("law" or not)
    """
    tasks = list(dict.fromkeys(steps["task"]))
    figure, axes = plt.subplots(1, len(tasks), figsize=(7.6, 3.4), sharey=True, squeeze=False)
    for ax, task in zip(axes[0], tasks, strict=True):
        shown = steps[steps["task"] == task]
        for place, (model, rows) in enumerate(shown.groupby("model", sort=False)):
            look = {"color": COLORS[place], "marker": "o"}
            if (rows["source"] == "law").all():
                look = {"color": "#222222", "marker": "s", "linestyle": "--"}
            ax.plot(rows["frames"], rows["relative"], label=model, **look)
        ax.set(title=task, xscale="log", xlabel="frames")
        log_ticks(ax, sorted(shown["frames"].unique()))
    axes[0, 0].set(ylabel="error over that at 8 frames")
    axes[0, -1].legend(fontsize=8)
    return axes[0]
