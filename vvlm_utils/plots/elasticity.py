"""Figures of the elasticity chapter. They draw; they never compute."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.plots.phone import on_phone
from vvlm_utils.plots.style import COST_COLORS, FACTOR_COLORS, FACTOR_SYMBOLS, PAPER, log_ticks

LABEL = "elasticity of the best design in $n$"


def _errors(rows: pd.DataFrame) -> np.ndarray:
    """Lengths of the bars below and above; a value may lie outside its members' interval."""
    return np.maximum([rows["value"] - rows["low"], rows["high"] - rows["value"]], 0)


def plot_sources(
    ours: Mapping[str, pd.DataFrame], printed: Mapping[str, pd.Series], ax: Axes | None = None
) -> Axes:
    """Elasticities of several computations with intervals, beside printed ones.

    ours: tables of value, low, high by factor; printed: values by factor.
    """
    names = [*ours, *printed]
    ax = ax or plt.subplots(figsize=(7.4, 0.6 + 0.63 * len(names)))[1]
    for k, factor in enumerate(FACTORS):
        y = np.arange(len(names)) + k * (len(names) + 1.2)
        rows = pd.DataFrame([table.loc[factor] for table in ours.values()])
        ax.errorbar(
            rows["value"], y[: len(ours)], xerr=_errors(rows), fmt="o", color=FACTOR_COLORS[factor]
        )
        for j, values in enumerate(printed.values()):
            ax.plot(values[factor], y[len(ours) + j], linestyle="none", **PAPER)
        ax.text(1.02, y.mean(), FACTOR_SYMBOLS[factor], transform=ax.get_yaxis_transform(),
                fontsize=12, color=FACTOR_COLORS[factor], va="center")  # fmt: skip
    places = [i + k * (len(names) + 1.2) for k in range(len(FACTORS)) for i in range(len(names))]
    ax.set_yticks(places, names * len(FACTORS))
    ax.axvline(0, color="#555555", linestyle=":", linewidth=1.2)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(LABEL)
    return ax


def plot_by_group(
    ours: pd.DataFrame, printed: pd.DataFrame, xlabel: str, width: float = 7.8
) -> np.ndarray:
    """Elasticities with intervals for several groups, a panel a factor, and printed values.

    ours: index (group, factor), columns value, low, high; printed: index group, columns factors.
    """
    groups = list(dict.fromkeys(ours.index.get_level_values(0)))
    figure, axes = plt.subplots(1, 3, figsize=(width, 1.5 + 0.28 * len(groups)), sharey=True)
    y = np.arange(len(groups))
    for ax, factor in zip(axes, FACTORS, strict=True):
        rows = ours.xs(factor, level=1).loc[groups]
        ax.errorbar(rows["value"], y, xerr=_errors(rows), fmt="o", color=FACTOR_COLORS[factor])
        ax.plot(printed.reindex(groups)[factor], y + 0.22, linestyle="none", **PAPER)
        ax.axvline(0, color="#555555", linestyle=":", linewidth=1.2)
        ax.set(xlabel=f"elasticity of {FACTOR_SYMBOLS[factor]}")
        ax.grid(axis="y", visible=False)
        ax.locator_params(axis="x", nbins=4)  # long numbers stand apart
    axes[0].set_yticks(y, groups)
    axes[0].set_ylabel(xlabel)
    axes[0].set_ylim(len(groups) - 0.4, -0.5)
    mine = axes[0].plot([], [], "o", color="#555555", label="these runs")
    theirs = axes[0].plot([], [], linestyle="none", label="the paper", **PAPER)
    figure.legend(handles=[*mine, *theirs], loc="outside upper center", ncols=2)
    return axes


def plot_table10(ours: pd.DataFrame, printed: pd.DataFrame) -> np.ndarray:
    """Every row of Table 10: columns of panels are settings, rows factors.

    ours: columns setting, x, factor, value, low, high; printed: setting, x, factor, value.
    """
    settings = list(dict.fromkeys(ours["setting"]))
    ours, printed = (table.sort_values("x", kind="stable") for table in (ours, printed))
    shared = {"sharex": "col", "sharey": "row", "squeeze": False}
    figure, axes = plt.subplots(3, len(settings), figsize=(7.8, 5.4), **shared)
    on_phone(figure, 2)
    for i, factor in enumerate(FACTORS):
        for ax, setting in zip(axes[i], settings, strict=True):
            rows = ours[(ours["setting"] == setting) & (ours["factor"] == factor)]
            theirs = printed[(printed["setting"] == setting) & (printed["factor"] == factor)]
            color = FACTOR_COLORS[factor]
            ax.fill_between(
                rows["x"], rows["low"], rows["high"], alpha=0.2, color=color, linewidth=0
            )
            ax.plot(rows["x"], rows["value"], "o-", markersize=3.5, color=color)
            ax.plot(theirs["x"], theirs["value"], linestyle=":", markersize=4, **PAPER)
            ax.axhline(0, color="#555555", linestyle=":", linewidth=1.2)
        axes[i, 0].set_ylabel(f"elasticity of {FACTOR_SYMBOLS[factor]}")
    for ax, setting in zip(axes[-1], settings, strict=True):
        ax.set_xlabel(setting)
    return axes


def plot_gains(gains: pd.DataFrame, names: Mapping[str, str], ylabel: str) -> Axes:
    """Gains against the budget with intervals, a line for each kind of change.

    Columns budget_tflops, kind, value, low, high; names: the kinds to draw and their labels.
    """
    ax = plt.subplots(figsize=(6.4, 3.4))[1]
    colors = FACTOR_COLORS | COST_COLORS
    for shift, (kind, name), marker in zip((0.97, 1.03), names.items(), "os", strict=True):
        rows = gains[gains["kind"] == kind]
        ax.errorbar(
            rows["budget_tflops"] * shift, rows["value"], yerr=_errors(rows), color=colors[kind],
            marker=marker, label=name, linewidth=1.2,
        )  # fmt: skip
    log_ticks(ax, sorted(gains["budget_tflops"].unique()))
    ends = gains[gains["kind"].isin(names)][["low", "high"]]
    ticks = [m * 10.0**k for k in range(-4, 4) for m in (1, 2, 5)]
    low, high = ends["low"].min(), ends["high"].max()
    log_ticks(ax, [t for t in ticks if low / 2 <= t <= high * 2], axis="y")
    ax.set(xlabel="inference budget (TFLOPs per video)", ylabel=ylabel)
    ax.legend()
    return ax
