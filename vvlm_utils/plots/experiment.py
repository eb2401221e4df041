"""Figures of the experiment's chapters: clips, losses, families."""

from __future__ import annotations

from math import isqrt

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vvlm_utils.plots.phone import on_phone
from vvlm_utils.plots.style import FACTOR_COLORS, LABELS, example_palette, log_ticks

BLIND = {"color": "#7F7F7F", "linestyle": "--", "linewidth": 1}


def plot_filmstrip(clip: np.ndarray, chosen: np.ndarray, tokens_per_frame: int) -> Figure:
    """A clip frame by frame; chosen frames are framed and show the grid of their tokens.

    clip : uint8 (frames, height, width, 3)
    """
    columns = 8
    rows = -(-len(clip) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(8.2, 1.12 * rows), squeeze=False)
    on_phone(figure, columns // 2)
    side, size = isqrt(tokens_per_frame), clip.shape[1]
    for number, ax in enumerate(axes.flat):
        ax.axis("off")
        if number >= len(clip):
            continue
        seen = number in set(np.asarray(chosen).tolist())
        ax.imshow(clip[number], alpha=1.0 if seen else 0.35)
        ax.set_title(f"{number}", fontsize=7.5, pad=2, fontweight="bold" if seen else "normal")
        for edge in np.arange(1, side) * size / side - 0.5 if seen else ():
            ax.axhline(edge, color="white", linewidth=0.5, alpha=0.7)
            ax.axvline(edge, color="white", linewidth=0.5, alpha=0.7)
    return figure


def plot_losses(curves: dict[str, pd.DataFrame]) -> np.ndarray:
    """Training loss by step, one panel per stage: columns step and loss."""
    _, axes = plt.subplots(1, len(curves), figsize=(7.4, 3.0), sharey=True, squeeze=False)
    for ax, (stage, curve) in zip(axes[0], curves.items(), strict=True):
        ax.plot(curve["step"], curve["loss"], color="#333333", marker="o", markersize=3)
        ax.set(title=stage, xlabel="step")
    axes[0, 0].set_ylim(0, None)  # after all lines: the panels share their limits
    axes[0, 0].set_ylabel("loss (nats per answer word)")
    return axes[0]


def plot_families(metrics: pd.DataFrame) -> plt.Axes:
    """Error of every family beside its best blind answer.

    Columns error, error_se, blind_error and factor, indexed by family.
    """
    ax = plt.subplots(figsize=(7.8, 3.4))[1]
    x = np.arange(len(metrics))
    colors = [FACTOR_COLORS.get(factor, "#333333") for factor in metrics["factor"]]
    ax.bar(x, metrics["error"], yerr=2 * metrics["error_se"], color=colors, width=0.6)
    ax.hlines(metrics["blind_error"], x - 0.4, x + 0.4, **BLIND, label="best blind answer")
    ax.set_xticks(x, metrics.index)
    ax.grid(axis="x", visible=False)
    ax.set(ylabel=LABELS["error"], ylim=(0, 100))
    ax.legend(loc="upper left")
    return ax


LEVEL_NAMES = {
    "brief": "frames that show it",
    "small": "side (pixels)",
    "word": "rank of the name",
    "fact": "rank of the fact",
    "sum": "digits to add",
    "brief_small": "frames that show it",
    "brief_word": "rank of the name",
    "small_word": "rank of the name",
}
RANKED = ("word", "fact", "brief_word", "small_word")  # from 0
LOG_LEVELS = ("brief", "brief_small", *RANKED)


def plot_levels(levels: pd.DataFrame) -> np.ndarray:
    """Error against difficulty, a panel per family: columns family, level, error, se."""
    families = list(dict.fromkeys(levels["family"]))
    rows = max(1, -(-len(families) // 4))
    figure, axes = plt.subplots(rows, 4, figsize=(8.4, 2.3 * rows), sharey=True)
    for ax, family in zip(axes.flat, families, strict=False):
        part = levels[levels["family"] == family]
        shift = 1 if family in RANKED else 0
        ax.errorbar(part["level"] + shift, part["error"], yerr=2 * part["se"], marker="o",
                    color="#333333", markersize=3.5)  # fmt: skip
        if family in LOG_LEVELS:
            ax.set_xscale("log")
        ax.set_title(family)
        ax.set_xlabel(LEVEL_NAMES.get(family, "level"), fontsize=8)
        ax.set_ylim(0, 100)
    for ax in axes.flat[len(families) :]:
        ax.set_visible(False)
    figure.supylabel(LABELS["error"], fontsize=10)
    return axes


def plot_answers(clips: np.ndarray, rows: pd.DataFrame) -> Figure:
    """Questions with their clip's frame, the answer and what the model said.

    clips : frames to show, (questions, height, width, 3); rows : question, answer, predicted
    """
    columns = 4
    count = -(-len(rows) // columns)
    figure, axes = plt.subplots(count, columns, figsize=(8.4, 2.5 * count), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, picture, row in zip(axes.flat, clips, rows.itertuples(), strict=False):
        right = row.answer == row.predicted
        ax.imshow(picture)
        said = row.predicted if right else f"{row.predicted} (right: {row.answer})"
        color = "#00693E" if right else "#B2182B"
        ax.set_title(f"{row.question}\n{said}", fontsize=7.5, color=color)
    return figure


def plot_responses(averages: pd.DataFrame, arms: dict[str, pd.DataFrame]) -> np.ndarray:
    """Every family's error along the arms of a star: a row a factor, a panel a family.

    averages : family -> blind error, as a column blind; arms : factor -> task, train_examples,
    the factor, error and metric_se
    """
    families = list(averages.index)
    figure, axes = plt.subplots(
        len(arms), len(families), figsize=(9.6, 1.75 * len(arms)), sharey=True, sharex="row"
    )
    on_phone(figure, 4)
    rows = list(axes)
    for row, (factor, arm) in zip(rows, arms.items(), strict=True):
        colors = example_palette(arm["train_examples"])
        for ax, family in zip(row, families, strict=True):
            part = arm[arm["task"] == family]
            for n, line in part.groupby("train_examples"):
                line = line.sort_values(factor)
                ax.plot(line[factor], line["error"], color=colors[n], marker="o", markersize=2.5,
                        linewidth=1, label=f"{n:,}")  # fmt: skip
            ax.axhline(averages.loc[family, "blind"], **BLIND)
            levels = sorted(part[factor].unique())
            log_ticks(ax, [levels[0], levels[-1]], counts=factor == "lm_params")
            ax.tick_params(labelsize=8.5)
            ax.set_ylim(0, 100)
            if row is rows[0]:
                ax.set_title(family, fontsize=8.5)
        row[0].set_ylabel(LABELS[factor].split(",")[0], fontsize=8.5)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, title="examples, $n$")
    return axes


def plot_served(served: pd.DataFrame) -> plt.Axes:
    """Error by the frames served: columns kind, frames, value, low and high."""
    ax = plt.subplots(figsize=(6.2, 3.4))[1]
    looks = zip(served.groupby("kind", sort=False), ("#0072B2", "#B2182B"), "os", strict=False)
    for (kind, line), color, marker in looks:
        reach = [line["value"] - line["low"], line["high"] - line["value"]]
        ax.errorbar(
            line["frames"], line["value"], yerr=reach, color=color, marker=marker, label=kind
        )
    log_ticks(ax, sorted(served["frames"].unique()))
    ax.set(xlabel="frames served", ylabel=LABELS["error"])
    ax.legend()
    return ax
