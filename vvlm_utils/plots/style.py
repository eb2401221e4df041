"""What every figure shares: style file, colours, markers, labels.

One colour means one quantity in every chapter. The hues are those of Okabe and Ito, safe for
colour-blind readers; ordered quantities use a palette that also runs from light to dark in grey.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from vvlm_utils.plots.phone import faces
from vvlm_utils.text import short_count

FACTOR_COLORS = {
    "lm_params": "#0072B2",
    "frames": "#D55E00",
    "tokens_per_frame": "#009E73",
    "train_examples": "#CC79A7",
}
FACTOR_SYMBOLS = {
    "lm_params": "$x_N$",
    "frames": "$x_T$",
    "tokens_per_frame": "$x_V$",
    "train_examples": "$n$",
}
LAW_COLORS = {
    "mult": "#7F7F7F",
    "add": "#E69F00",
    "add-interact-s": "#56B4E9",
    "add-interact": "#332288",
    "add-decay": "#009E73",
    "pnorm-decay": "#CC6677",
    "chinchilla": "#882255",
}
LAW_NAMES = {
    "mult": "mult",
    "add": "add",
    "add-interact-s": r"add-interact$_s$",
    "add-interact": "add-interact",
    "add-decay": "add-decay",
    "pnorm-decay": "pnorm-decay",
    "chinchilla": "Chinchilla",
}
COST_COLORS = {"vision": "#E69F00", "lm": "#0072B2", "paper": "#333333", "lm_only": "#0072B2"}
LABELS = {
    "lm_params": "LM parameters, $x_N$",
    "frames": "frames, $x_T$",
    "tokens_per_frame": "tokens per frame, $x_V$",
    "train_examples": "finetuning examples, $n$",
    "error": "task error (points)",
    "metric": "metric (points)",
    "budget": "inference budget (TFLOPs per video)",
    "cost": "inference cost (TFLOPs per video)",
}
SWEEP_NAMES = {"star": "star", "isoflop": "isoFLOP", "other": "other"}
OURS = {"marker": "o", "color": "#333333"}
PAPER = {"marker": "D", "color": "#B2182B", "markerfacecolor": "none"}
BAND_ALPHA = 0.2

# Places on a light-to-dark map, so that a size keeps its colour in every chapter.
_LM_PLACES = {1e9: 0.08, 2.8e9: 0.3, 7.5e9: 0.5, 14e9: 0.68, 32e9: 0.84, 72e9: 1.0}
_LM_MARKERS = {
    1e9: "o",
    2.8e9: "s",
    3e9: "s",
    7e9: "^",
    7.5e9: "^",
    14e9: "D",
    32e9: "v",
    72e9: "<",
}
_EXAMPLE_PLACES = {0.25e6: 0.3, 0.5e6: 0.45, 1e6: 0.6, 2e6: 0.75, 10e6: 1.0}


def use_style() -> None:
    """Apply the book's style file to every figure that follows; a notebook keeps all their faces.

    A site shows the drawing, wide or for a phone; whatever shows no drawing has the picture.
    """
    plt.style.use(str(files("vvlm_utils") / "vvlm.mplstyle"))
    if (shell := get_ipython()) is not None:
        shell.display_formatter.mimebundle_formatter.for_type(Figure, faces)


def _ordered_palette(values: Iterable[float], cmap: str, places: dict[float, float]) -> dict:
    """Colour values by their logarithm, light to dark; values off the map share its range."""
    ordered = sorted({float(v) for v in values})
    known, place = np.log(list(places)), list(places.values())
    if not (min(places) * 0.5 <= ordered[0] and ordered[-1] <= max(places) * 2):
        known, place = np.log([ordered[0] * 0.9, ordered[-1]]), [place[0], place[-1]]
    return {v: to_hex(plt.get_cmap(cmap)(np.interp(np.log(v), known, place))) for v in ordered}


def lm_palette(lm_params: Iterable[float]) -> dict[float, str]:
    """Give each LM size a colour, larger is darker; a size has the same colour everywhere."""
    return _ordered_palette(lm_params, "viridis_r", _LM_PLACES)


def lm_markers(lm_params: Iterable[float]) -> dict[float, str]:
    """Give each LM size a marker, so that sizes are told apart without colour."""
    sizes = sorted({float(n) for n in lm_params})
    known = {n: _LM_MARKERS[n] for n in sizes if n in _LM_MARKERS}
    return known if len(known) == len(sizes) else dict(zip(sizes, "os^Dv<>P*X", strict=False))


def example_palette(train_examples: Iterable[float]) -> dict[float, str]:
    """Give each number of finetuning examples a colour, more is darker."""
    return _ordered_palette(train_examples, "RdPu", _EXAMPLE_PLACES)


def lm_name(lm_params: float) -> str:
    """Name an LM size in a legend.

    >>> lm_name(2.8e9), lm_name(40_160)
    ('2.8B', '40.2k')
    """
    return short_count(float(f"{lm_params:.3g}"))


def examples_name(train_examples: float) -> str:
    """Name a number of finetuning examples in a legend, short ones in full.

    >>> examples_name(2e6), examples_name(4096)
    ('2M', '4096')
    """
    return short_count(train_examples) if train_examples >= 1e4 else f"{train_examples:g}"


def log_ticks(ax: Axes, ticks: Iterable[float], axis: str = "x", counts: bool = False) -> Axes:
    """Make an axis logarithmic with plain numbers at the given ticks, and none between."""
    ticks = list(ticks)
    labels = [short_count(float(f"{t:.3g}")) if counts else f"{t:g}" for t in ticks]
    (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
    this = ax.xaxis if axis == "x" else ax.yaxis
    this.set_ticks(ticks, labels)
    this.set_minor_locator(NullLocator())
    this.set_minor_formatter(NullFormatter())
    return ax
