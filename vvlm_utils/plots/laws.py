"""Figures of the law chapter. They draw; they never compute."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from vvlm_utils.plots.style import LAW_COLORS, LAW_NAMES


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
