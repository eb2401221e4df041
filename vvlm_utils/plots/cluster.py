"""Figures of the cluster chapter."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vvlm_utils.plots.style import example_palette, lm_markers, lm_name, log_ticks

PARTS = {
    "states": ("weights, gradients, AdamW", "#0072B2"),
    "gathered": ("gathered layers", "#56B4E9"),
    "checkpoints": ("kept inputs of layers", "#E69F00"),
    "working": ("the layer at work, logits", "#CC79A7"),
}


def plot_hours(costs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """GPU-hours of every run against its inference cost, a marker an LM, a colour an n.

    costs : cost_tflops, gpu_hours, lm_params, train_examples
    """
    ax = ax or plt.subplots(figsize=(6.4, 3.8))[1]
    sizes, examples = (sorted(costs[name].unique()) for name in ("lm_params", "train_examples"))
    markers, colors = lm_markers(sizes), example_palette(examples)
    for (n, count), runs in costs.groupby(["lm_params", "train_examples"]):
        look = {"marker": markers[n], "color": colors[count], "s": 30}
        ax.scatter(runs["cost_tflops"], runs["gpu_hours"], **look)
    for n in sizes:
        ax.scatter([], [], marker=markers[n], color="#555555", label=f"LM {lm_name(n)}")
    for count in examples:
        ax.scatter([], [], marker="s", color=colors[count], label=f"$n$ = {count / 1e6:g} M")
    ax.set(xscale="log", yscale="log", ylabel="GPU-hours of finetuning")
    ax.set(xlabel="inference cost (TFLOPs per video)")
    log_ticks(ax, [2, 5, 15, 30, 60, 115])
    log_ticks(ax, [30, 100, 300, 1000], axis="y")
    ax.legend(ncols=2, fontsize=7.5)
    return ax


def plot_utilisation(total_flops: float, peak_flops: float, stated_hours: float) -> Axes:
    """Hours that a number of FLOPs takes against utilisation, and the stated hours."""
    ax = plt.subplots(figsize=(6.0, 3.2))[1]
    share = np.geomspace(0.02, 1, 100)
    hours = total_flops / (peak_flops * share * 3600)
    ax.plot(100 * share, hours / 1e3, color="#0072B2", label="the 87 runs, counted")
    ax.axhline(stated_hours / 1e3, color="#B2182B", linestyle=":", label="stated for all sweeps")
    ax.set(
        xscale="log", yscale="log", xlabel="utilisation (% of peak)", ylabel="thousand GPU-hours"
    )
    log_ticks(ax, [2, 5, 10, 20, 40, 100])
    log_ticks(ax, [10, 30, 100, 300], axis="y")
    ax.legend()
    return ax


def plot_memory(memory: pd.DataFrame, capacity_bytes: float) -> np.ndarray:
    """Memory of one GPU by part, a panel a decoder, against how many GPUs share the run.

    memory : lm, gpus and the parts, bytes
    """
    names = list(dict.fromkeys(memory["lm"]))
    figure, axes = plt.subplots(1, len(names), figsize=(7.8, 3.3), sharey=True, squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        rows, base = memory[memory["lm"] == name], 0.0
        places = np.arange(len(rows))
        for part, (label, color) in PARTS.items():
            height = rows[part].to_numpy() / 1e9
            ax.bar(places, height, bottom=base, color=color, label=label, width=0.75)
            base = base + height
        ax.axhline(capacity_bytes / 1e9, color="#B2182B", linestyle=":")
        ax.set_xticks(places, rows["gpus"])
        ax.set(title=name, xlabel="GPUs that share a run")
    axes[0, 0].set(ylabel="memory of each (GB)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return axes[0]
