"""Figures of the cost chapter."""

from __future__ import annotations

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vvlm_utils.plots.style import (
    COST_COLORS,
    FACTOR_COLORS,
    LABELS,
    OURS,
    example_palette,
    lm_markers,
    lm_name,
    lm_palette,
    log_ticks,
)
from vvlm_utils.text import short_count


def plot_cost_split(costs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Stacked bars of encoder and LM cost: columns name, vision_tflops, lm_tflops."""
    ax = ax or plt.subplots(figsize=(6.4, 3.2))[1]
    ax.barh(costs["name"], costs["vision_tflops"], color=COST_COLORS["vision"], label="encoder")
    ax.barh(
        costs["name"],
        costs["lm_tflops"],
        left=costs["vision_tflops"],
        color=COST_COLORS["lm"],
        hatch="//",
        edgecolor="white",
        label="language model",
    )
    ax.set(xlabel=LABELS["cost"])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower right")
    return ax


def plot_overhead(overhead: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Cost with the encoder over cost without, against tokens, a line per LM (Figure 6).

    Columns lm_params, tokens_per_frame, overhead.
    """
    ax = ax or plt.subplots()[1]
    colors, markers = (f(overhead["lm_params"]) for f in (lm_palette, lm_markers))
    for n, line in overhead.groupby("lm_params"):
        style = {"color": colors[n], "marker": markers[n], "markevery": 4, "label": lm_name(n)}
        ax.plot(line["tokens_per_frame"], line["overhead"], **style)
    ax.axhline(2, color="#555555", linestyle=":", linewidth=1.2)
    ax.annotate("half", (1, 2), xytext=(0, -12), textcoords="offset points")
    log_ticks(ax, [1, 4, 16, 49, 196, 784])
    log_ticks(ax, [1, 2, 5, 10, 50, 300], axis="y")
    ax.set(xlabel=LABELS["tokens_per_frame"], ylabel="cost with encoder / cost without")
    ax.legend(title="LM size")
    return ax


def plot_deployment(ratios: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Inference over finetuning compute as days go by: columns days, train_examples, ratio."""
    ax = ax or plt.subplots()[1]
    colors = example_palette(ratios["train_examples"])
    for n, line in ratios.groupby("train_examples"):
        ax.plot(line["days"], line["ratio"], color=colors[n], label=short_count(n))
    ax.axhline(1, color="#555555", linestyle=":", linewidth=1.2)
    ax.annotate(
        "equal", (ratios["days"].max(), 1), xytext=(0, 3), textcoords="offset points", ha="right"
    )
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="days in service",
        ylabel="inference compute / finetuning compute",
    )
    ax.legend(title=LABELS["train_examples"])
    return ax


def plot_affordable(edges: pd.DataFrame, budget_tflops: float, axes: list[Axes] | None = None):
    """Most frames a budget buys against tokens, a panel per LM, a line per cost.

    Columns lm_params, tokens_per_frame, cost ("paper" or "lm_only"), frames.
    """
    sizes = sorted(edges["lm_params"].unique())
    if axes is None:
        _, axes = plt.subplots(1, len(sizes), figsize=(7.6, 3.2), sharey=True)
    names = {"paper": "encoder counted", "lm_only": "LM alone"}
    lines = {"paper": "-", "lm_only": "--"}
    for ax, n in zip(axes, sizes, strict=True):
        for cost, line in edges[edges["lm_params"] == n].groupby("cost", sort=False):
            ax.plot(
                line["tokens_per_frame"],
                line["frames"],
                lines[cost],
                color=COST_COLORS[cost],
                label=names[cost],
            )
        log_ticks(ax, [1, 4, 16, 64, 256, 784])
        log_ticks(ax, [1, 4, 16, 64, 256, 1024], axis="y")
        ax.set(title=f"LM {lm_name(n)}", xlabel=LABELS["tokens_per_frame"])
    axes[0].set_ylabel(f"frames that fit {budget_tflops:g} TFLOPs")
    axes[-1].legend()
    return axes


def plot_exact_over_paper(gaps: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Exact cost over Eq. 1 against visual tokens: columns lm_params, frames, tokens, ratio.

    A line per LM size and number of frames; more frames are drawn wider.
    """
    ax = ax or plt.subplots()[1]
    colors = lm_palette(gaps["lm_params"])
    frames = sorted(gaps["frames"].unique())
    dashes = dict(zip(frames, (":", "--", "-")[-len(frames) :], strict=True))
    for (n, t), line in gaps.groupby(["lm_params", "frames"]):
        label = lm_name(n) if t == frames[-1] else None
        ax.plot(line["tokens"], line["ratio"], dashes[t], color=colors[n], label=label)
    for t in frames:
        ax.plot([], [], dashes[t], color="#555555", label=f"{t:g} frames")
    ax.axhline(1, color="#555555", linewidth=0.8)
    log_ticks(ax, [10, 100, 1_000, 10_000, 100_000])
    ax.set(xlabel="visual tokens per video", ylabel="exact cost / Eq. 1")
    ax.legend(ncols=2)
    return ax


def plot_roofline(
    points: pd.DataFrame, roofs: pd.DataFrame, under: str, ax: Axes | None = None
) -> Axes:
    """Attainable FLOP/s against FLOPs per byte: a roof per device, passes under one of them.

    points : columns work, videos, intensity (FLOPs per byte); a marker per kind of work, filled
        for the smallest number of videos
    roofs : index name, columns peak_flops, bandwidth; ``under`` names the one that carries points
    """
    ax = ax or plt.subplots()[1]
    span = np.geomspace(points["intensity"].min() / 3, points["intensity"].max() * 3, 200)
    shades = plt.get_cmap("Greys")(np.linspace(0.4, 0.75, len(roofs)))
    for shade, style, (name, roof) in zip(shades, cycle(("-", "--", ":")), roofs.iterrows()):
        chosen = {"color": OURS["color"], "linewidth": 2.2} if name == under else {"color": shade}
        height = np.minimum(roof["peak_flops"], span * roof["bandwidth"]) / 1e12
        ax.plot(span, height, style, label=name, **chosen)
    ax.add_artist(ax.legend(loc="lower right"))
    roof, marks = roofs.loc[under], []
    for marker, (work, group) in zip("osD^", points.groupby("work", sort=False), strict=False):
        height = np.minimum(roof["peak_flops"], group["intensity"] * roof["bandwidth"]) / 1e12
        style = {"marker": marker, "linestyle": "", "color": FACTOR_COLORS["frames"]}
        ax.plot(group["intensity"], height, markerfacecolor="white", zorder=3, **style)
        first = group["videos"] == points["videos"].min()
        marks += ax.plot(group["intensity"][first], height[first], label=work, zorder=3, **style)
    ax.legend(handles=marks, loc="upper left")
    log_ticks(ax, [1, 10, 100, 1_000, 10_000, 100_000], counts=True)
    log_ticks(ax, [0.1, 1, 10, 100, 1_000], axis="y")
    ax.set(xlabel="FLOPs per byte moved", ylabel="attainable TFLOP/s")
    return ax
