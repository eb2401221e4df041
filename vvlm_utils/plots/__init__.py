"""Figures of the book, one module per group of chapters. They draw; they never compute.

``style`` holds what all of them share: the style file, a colour for each quantity and law, axis
labels. Its names can be imported from here; the drawing functions from their modules, as in
``from vvlm_utils.plots.runs import plot_star``.
"""

from vvlm_utils.plots.style import (
    BAND_ALPHA,
    COST_COLORS,
    FACTOR_COLORS,
    FACTOR_SYMBOLS,
    LABELS,
    LAW_COLORS,
    LAW_NAMES,
    OURS,
    PAPER,
    example_palette,
    lm_markers,
    lm_name,
    lm_palette,
    log_ticks,
    use_style,
)
from vvlm_utils.plots.tables import show

__all__ = [
    "BAND_ALPHA",
    "COST_COLORS",
    "FACTOR_COLORS",
    "FACTOR_SYMBOLS",
    "LABELS",
    "LAW_COLORS",
    "LAW_NAMES",
    "OURS",
    "PAPER",
    "example_palette",
    "lm_markers",
    "lm_name",
    "lm_palette",
    "log_ticks",
    "show",
    "use_style",
]
