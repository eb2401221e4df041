"""Figures of the frontier chapter. They draw; they never compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.plots.style import (
    BAND_ALPHA,
    FACTOR_COLORS,
    FACTOR_SYMBOLS,
    LABELS,
    PAPER,
    examples_name,
    lm_markers,
    lm_name,
    lm_palette,
    log_ticks,
)

TERA = ("TFLOPs", 1e12)
BUDGET_TICKS = [2, 5, 10, 30, 100]
TICKS = {"frames": [1, 2, 4, 8, 16, 32, 64, 128], "tokens_per_frame": [1, 4, 9, 16, 36, 100, 225]}
NO_RUNS = {"facecolor": "#DDDDDD", "alpha": 0.55, "hatch": "///", "edgecolor": "white"}
LOWS = {"lm_params": "lm_params", "frames": "frames", "tokens_per_frame": "tokens"}


def _shade_no_runs(ax: Axes, factor: str, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Hatch the values of a factor that lie outside the runs, within the axis' limits."""
    bottom, top = ax.get_ylim()
    low, high = ranges[factor]
    ax.axhspan(min(high, top), top, zorder=0, **NO_RUNS)
    ax.axhspan(bottom, max(low, bottom), zorder=0, **NO_RUNS)
    ax.set_ylim(bottom, top)


def _apart(sizes: Sequence[float]) -> list[float]:
    """Sizes whose labels do not touch: each at least a sixth above the one before."""
    kept: list[float] = []
    for size in sizes:
        if not kept or size >= 7 / 6 * kept[-1]:
            kept.append(size)
    return kept


def factor_ticks(
    factor: str,
    frontiers: Mapping[float | str, pd.DataFrame],
    ranges: Mapping[str, tuple[float, float]],
) -> list[float]:
    """Where to write values of a factor: as far as its runs and its frontiers reach."""
    sizes = {size for table in frontiers.values() for size in table.attrs["lm_sizes"]}
    ticks = TICKS.get(factor) or _apart(sorted(sizes))
    top = max(ranges[factor][1], *(table[factor].max() for table in frontiers.values()))
    ticks = [tick for tick in ticks if tick <= 2.5 * top]
    while ticks[-1] < top / 2:
        ticks.append(2 * ticks[-1])
    return ticks


def plot_frontiers(
    frontiers: Mapping[float, pd.DataFrame],
    ranges: Mapping[str, tuple[float, float]],
    unit: tuple[str, float] = TERA,
    budget_ticks: Sequence[float] = BUDGET_TICKS,
) -> np.ndarray:
    """The best x_N, x_T, x_V against the budget, a line a data size (after Figure 4, left).

    The band is that of the first data size; hatched values and dashed lines have no runs.
    unit : of the budgets, its name and its FLOPs
    """
    inside = {n: n <= ranges["train_examples"][1] for n in frontiers}
    names = {
        f"$n$ = {examples_name(n)}" + ("" if inside[n] else " (no runs)"): table
        for n, table in frontiers.items()
    }
    styles = ["-" if inside[n] else [":", "--"][k % 2] for k, n in enumerate(frontiers)]
    return _plot_steps(names, styles, ranges, unit, budget_ticks)


def plot_answers(
    answers: Mapping[str, pd.DataFrame],
    ranges: Mapping[str, tuple[float, float]],
    unit: tuple[str, float] = TERA,
    budget_ticks: Sequence[float] = BUDGET_TICKS,
) -> np.ndarray:
    """The best x_N, x_T, x_V against the budget, a line for each way to answer one question.

    The first answer is drawn in colour and with its band; hatched values have no runs.
    answers : frontiers of ``Solution.table`` by name; unit : of the budgets, its name and FLOPs
    """
    return _plot_steps(answers, ["-", "--", ":"], ranges, unit, budget_ticks)


def _plot_steps(
    tables: Mapping[str, pd.DataFrame],
    styles: Sequence[str],
    ranges: Mapping[str, tuple[float, float]],
    unit: tuple[str, float],
    budget_ticks: Sequence[float],
) -> np.ndarray:
    """A panel for each factor, a line for each table; the first has its band."""
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.5))
    for factor, ax in zip(FACTORS, axes, strict=True):
        lines = []
        for k, (table, style) in enumerate(zip(tables.values(), styles, strict=False)):
            budget = table["budget_flops"] / unit[1]
            look = {
                "color": FACTOR_COLORS[factor] if k == 0 else "#333333",
                "linewidth": 2 - 0.5 * k,
            }
            lines += ax.plot(*_treads(budget, table[factor]), style, **look)
            if k == 0:
                low, high = (table[f"{LOWS[factor]}_{end}"] for end in ("low", "high"))
                paint = {"color": FACTOR_COLORS[factor], "alpha": BAND_ALPHA, "linewidth": 0}
                ax.fill_between(budget, low, high, step="post", **paint)
        log_ticks(ax, budget_ticks)
        ticks = factor_ticks(factor, tables, ranges)
        log_ticks(ax, ticks, axis="y", counts=factor == "lm_params")
        ax.set(xlabel=f"budget ({unit[0]} per video)", ylabel=LABELS[factor])
        ax.set_ylim(ticks[0] * 0.8, ticks[-1] * 1.25)
        _shade_no_runs(ax, factor, ranges)
        if factor == FACTORS[0]:
            handles = [*lines, Patch(**NO_RUNS)]
    every = [*tables, "no run has such a value"]
    columns = 2 if max(map(len, every)) > 24 else 4
    figure.legend(handles, every, loc="outside upper center", ncols=columns)
    return axes


def _treads(budget: pd.Series, values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The level parts of a staircase, with gaps between: a choice that flips is no bar code."""
    ends = np.r_[budget.iloc[1:], budget.iloc[-1]]
    x = np.column_stack([budget, ends, ends]).astype(float)
    y = np.column_stack([values, values, values]).astype(float)
    y[np.diff(values, append=values.iloc[-1]) != 0, 2] = np.nan
    return x.ravel(), y.ravel()


def plot_votes(
    votes: Mapping[str, pd.DataFrame],
    unit: tuple[str, float] = TERA,
    budget_ticks: Sequence[float] = BUDGET_TICKS,
) -> np.ndarray:
    """Share of the bag's members that choose each LM size, at some budgets; a panel per table."""
    figure, axes = plt.subplots(1, len(votes), figsize=(7.8, 3.1), sharey=True, squeeze=False)
    for ax, (title, table) in zip(axes[0], votes.items(), strict=True):
        budgets = table.index.to_numpy() / unit[1]
        shown = [int(np.abs(np.log(budgets / tick)).argmin()) for tick in budget_ticks]
        bars = table.iloc[shown].rename(columns=lm_name)
        look = {"color": list(lm_palette(table.columns).values()), "width": 0.85}
        bars.plot.bar(stacked=True, legend=False, ax=ax, **look)
        ax.set_xticks(range(len(bars)), [f"{tick:g}" for tick in budget_ticks], rotation=0)
        ax.set(title=title, xlabel=f"budget ({unit[0]} per video)", ylim=(0, 1))
        ax.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel("share of the bag")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", title="LM size", reverse=True)
    return axes[0]


def plot_size_prices(prices: pd.DataFrame, epsilon: float) -> np.ndarray:
    """What the best design of each LM size loses against the best of all, a panel a budget.

    Columns budget_tflops, lm_params, value, low, high, in points.
    """
    budgets = prices["budget_tflops"].unique()
    _, axes = plt.subplots(1, len(budgets), figsize=(8.0, 3.0), sharey=True, squeeze=False)
    colors, markers = lm_palette(prices["lm_params"]), lm_markers(prices["lm_params"])
    for ax, budget in zip(axes[0], budgets, strict=True):
        rows = prices[prices["budget_tflops"] == budget]
        for x, row in enumerate(rows.itertuples()):
            error = [[max(row.value - row.low, 0)], [max(row.high - row.value, 0)]]
            look = {"color": colors[row.lm_params], "marker": markers[row.lm_params]}
            ax.errorbar(x, row.value, yerr=error, linestyle="none", **look)
        ax.axhspan(0, epsilon, color="#555555", alpha=0.15, linewidth=0)
        ax.set_xticks(range(len(rows)), [lm_name(z) for z in rows["lm_params"]])
        ax.set(title=f"{budget:g} TFLOPs", xlabel="LM size")
        ax.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel("error above the best (points)")
    return axes[0]


def plot_error_frontiers(frontiers: Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Error of the best design at each budget with its band, a line for each list of LM sizes.

    Lines are dashed where the design lies outside the runs.
    """
    ax = ax or plt.subplots(figsize=(6.6, 3.6))[1]
    for (name, table), color in zip(frontiers.items(), ("#333333", "#E69F00"), strict=False):
        budget = table["budget_flops"] / 1e12
        ax.fill_between(
            budget, table["error_low"], table["error_high"], color=color, alpha=BAND_ALPHA,
            linewidth=0,
        )  # fmt: skip
        ax.plot(budget, table["error"].where(~table["extrapolates"]), color=color, label=name)
        ax.plot(budget, table["error"], "--", color=color, linewidth=1.2)
    ax.plot([], [], "--", color="#999999", linewidth=1.2, label="dashed: outside the runs")
    log_ticks(ax, BUDGET_TICKS)
    ax.set(xlabel=LABELS["budget"], ylabel=LABELS["error"])
    ax.legend()
    return ax


def plot_growth(growth: pd.DataFrame, printed: pd.DataFrame) -> np.ndarray:
    """Growth of every factor over the budgets with its interval, and the paper's, a panel an n.

    growth: columns n, factor, value, low, high; printed: columns n, factor, value.
    """
    sizes = growth["n"].unique()
    figure, axes = plt.subplots(
        1, len(sizes), figsize=(7.6, 2.7), sharex=True, sharey=True, squeeze=False
    )
    for ax, n in zip(axes[0], sizes, strict=True):
        for y, factor in enumerate(FACTORS):
            row = growth[(growth["n"] == n) & (growth["factor"] == factor)].iloc[0]
            error = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
            ax.errorbar(
                row["value"], y, xerr=np.maximum(error, 0), fmt="o", color=FACTOR_COLORS[factor]
            )
            theirs = printed[(printed["n"] == n) & (printed["factor"] == factor)]["value"]
            ax.plot(theirs, [y + 0.25] * len(theirs), linestyle="none", **PAPER)
        log_ticks(ax, [1, 2, 5, 10, 20, 40])
        ax.axvline(1, color="#555555", linestyle=":", linewidth=1.2)
        ax.set_yticks(range(3), [FACTOR_SYMBOLS[f] for f in FACTORS])
        ax.set(
            title=f"$n$ = {examples_name(n)}",
            xlabel="growth factor",
            ylim=(2.6, -0.5),
        )
        ax.grid(axis="y", visible=False)
    mine = ax.plot([], [], "o", color="#555555", label="these runs")
    theirs = ax.plot([], [], linestyle="none", label="the paper", **PAPER)
    figure.legend(handles=[*mine, *theirs], loc="outside upper center", ncols=2)
    return axes[0]
