"""Figures of the law, frontier and elasticity chapters. They draw; they never compute."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vvlm_utils.plots.style import (
    BAND_ALPHA,
    FACTOR_COLORS,
    FACTOR_SYMBOLS,
    LABELS,
    LAW_COLORS,
    LAW_NAMES,
    OURS,
    PAPER,
    lm_name,
)


def plot_held_out(predictions: pd.DataFrame) -> Figure:
    """Predicted against observed error of held-out runs, one panel a law."""
    laws = list(dict.fromkeys(predictions["law"]))
    figure, axes = plt.subplots(
        1, len(laws), figsize=(2.6 * len(laws), 2.9), sharey=True, layout="constrained"
    )
    ends = [predictions["observed"].min() - 1, predictions["observed"].max() + 1]
    for ax, law in zip(axes, laws, strict=True):
        part = predictions[predictions["law"] == law]
        ax.plot(ends, ends, color="0.6", linewidth=1)
        ax.scatter(part["observed"], part["predicted"], s=12, color=LAW_COLORS[law])
        ax.set(title=LAW_NAMES[law], xlabel="observed (points)")
    axes[0].set_ylabel("predicted error (points)")
    return figure


def plot_frontiers(frontiers: dict[float, pd.DataFrame]) -> Figure:
    """The best x_N, x_T, x_V against the budget, one line a data size; bands of the frames and
    tokens for the last."""
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.2), layout="constrained")
    columns = ("lm_params", "frames", "tokens_per_frame")
    styles = ("-", "--", ":")
    for (n, table), style in zip(frontiers.items(), styles, strict=False):
        for ax, column in zip(axes, columns, strict=True):
            ax.step(
                table["budget_flops"] / 1e12, table[column], style, where="post",
                color=FACTOR_COLORS[column], label=f"n = {n / 1e6:g} M",
            )  # fmt: skip
    for ax, column in zip(axes, columns, strict=True):
        ax.set(xscale="log", yscale="log", xlabel="budget (TFLOPs)", ylabel=LABELS[column])
        ax.xaxis.set_major_formatter("{x:g}")
        name_tick = lm_name if column == "lm_params" else "{:g}".format
        levels = sorted(set(pd.concat(frontiers.values())[column]))
        shown = levels if len(levels) <= 8 else [1, 2, 4, 8, 16, 32, 64]
        ax.set_yticks(shown, [name_tick(level) for level in shown])
        ax.yaxis.minorticks_off()
        ax.legend()
    for ax, column, name in zip(axes[1:], columns[1:], ("frames", "tokens"), strict=True):
        budget = table["budget_flops"] / 1e12
        low, high = table[f"{name}_low"], table[f"{name}_high"]
        ax.fill_between(
            budget, low, high, alpha=BAND_ALPHA, color=FACTOR_COLORS[column], step="post"
        )
    return figure


def plot_votes(votes: pd.DataFrame) -> Figure:
    """Share of the bag's members that choose each LM size, against the budget."""
    figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    shades = plt.colormaps["viridis"](np.linspace(0.95, 0.15, votes.shape[1]))
    ax.stackplot(
        votes.index / 1e12, votes.T, labels=[lm_name(s) for s in votes.columns], colors=shades
    )
    ax.set(xscale="log", xlabel=LABELS["budget"], ylabel="share of the bag", ylim=(0, 1))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.legend(title="LM size", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_elasticities(ours: pd.DataFrame, theirs: dict[str, pd.Series]) -> Figure:
    """Elasticities with intervals beside published ones. ours: value, low, high by factor."""
    figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    rows = np.arange(len(ours))
    ax.axvline(0, color="0.7", linewidth=1)
    ax.hlines(rows, ours["low"], ours["high"], color=OURS["color"])
    ax.plot(ours["value"], rows, linestyle="none", label="these runs", **OURS)
    for offset, (name, values) in enumerate(theirs.items(), start=1):
        marker = PAPER | {"marker": "Ds"[(offset - 1) % 2]}
        ax.plot(values, rows + 0.15 * offset, linestyle="none", label=name, **marker)
    ax.set_yticks(rows, [FACTOR_SYMBOLS[f] for f in ours.index])
    ax.set_xlabel("elasticity of the best design in $n$")
    ax.set_ylim(-0.4, len(ours) - 0.5)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
