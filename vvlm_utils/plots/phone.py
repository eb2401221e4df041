"""A figure as a phone shows it: narrow, its panels below one another, its text at full size.

A picture that was drawn for a page of 750 pixels is unreadable on 360. So a notebook's figure has a
third face beside its PNG and its SVG: a copy whose panels are laid out again. A site puts it beside
the wide one and shows the one that fits; whatever knows nothing of it shows the others.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text

PHONE = "application/vnd.vvlm.phone+svg"
WIDTH = 3.55  # inches: a screen of 390 pixels without its margins
LEAST = 7.2  # points: a little over the 9 pixels that a phone's reader needs
ROW = 2.5  # inches, the tallest row of panels
LINE = 1.3  # height of a line of such a name, in its font's size
MARGIN = 0.6  # inches, for what stands below a panel
LETTERS = 24  # of a line of a name beside an axis
COLUMNS = "phone_columns"  # attribute of a figure
NESTED = "phone-face"  # id of the group that holds a narrow drawing within the wide one


def on_phone(figure: Figure, columns: int) -> None:
    """Say how many panels stand beside one another on a phone; 0 leaves the figure wide."""
    setattr(figure, COLUMNS, columns)


def faces(figure: Figure) -> dict[str, str]:
    """What a notebook keeps of a figure: its picture, its drawing, and its drawing on a phone.

    Nothing is kept of a figure without axes, which IPython does not print either.
    """
    from IPython.core.pylabtools import print_figure

    if not figure.axes:
        return {}

    drawn = {
        "image/png": base64.b64encode(print_figure(figure, fmt="png")).decode(),
        "image/svg+xml": print_figure(figure, fmt="svg"),
    }
    if (narrow := reflow(figure)) is not None:
        drawn[PHONE] = print_figure(narrow, fmt="svg")
    return drawn


def nest(wide: str, narrow: str) -> str:
    """A drawing that holds its narrow one unseen, so that one file carries both to a site."""
    inside = narrow[narrow.index("<svg") :].strip()
    end = wide.rindex("</svg>")
    return f'{wide[:end]}<g id="{NESTED}" display="none">{inside}</g>\n</svg>\n'


def reflow(figure: Figure) -> Figure | None:
    """A narrow copy of a figure; nothing for one that stays wide or has no panels in a grid."""
    columns = getattr(figure, COLUMNS, None)
    if columns == 0 or not _panels(figure):
        return None
    copy = pickle.loads(pickle.dumps(figure))
    plt.close(copy)  # a copy of pyplot's figure is one too, and a notebook would show it
    FigureCanvasAgg(copy)  # what is closed has nothing to be measured on
    panels = _panels(copy)
    grid = panels[0].get_subplotspec().get_gridspec()
    rows, wide = grid.get_geometry()
    columns = columns or (1 if len(panels) < 4 else 2)
    height = figure.get_figheight() / rows
    if wide > columns:
        new_rows = -(-len(panels) // columns)
        _lay_out(panels, GridSpec(new_rows, columns, figure=copy))
        height = min(height, ROW if columns == 1 else 0.8 * ROW)
        rows = new_rows
    elif len(panels) == 1 and not _has_names(panels[0]):
        height = min(height, 1.2 * ROW)
    for ax in panels:
        _wrap_names(ax, columns if wide > 1 else 1)
        height = max(height, _height_of_names(ax))
    copy.set_size_inches(WIDTH, height * rows)
    for text in copy.findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), LEAST))
    extra = _gather_legends(copy)
    copy.set_size_inches(WIDTH, height * rows + extra)
    return copy


def _panels(figure: Figure) -> list[Axes]:
    """The axes of a figure that stand in its grid, row by row."""
    return [ax for ax in figure.axes if ax.get_subplotspec() and not hasattr(ax, "_colorbar")]


def _lay_out(panels: list[Axes], grid: GridSpec) -> None:
    """Put panels into another grid, each with the labels that its new place needs.

    A label that stood once for a row or a column stands wherever a neighbour has another one.
    """
    columns, wide = grid.ncols, panels[0].get_subplotspec().get_gridspec().ncols
    places = range(len(panels))
    names = {axis: [_name(panels, k, axis, wide) for k in places] for axis in "xy"}
    titles = [_words((panels[k].title, panels[k % wide].title)) for k in places]
    for k, ax in enumerate(panels):
        ax.set_subplotspec(grid[k // columns, k % columns])
        left = k % columns == 0 or not _share(ax, panels[k - 1], "y")
        below = panels[k + columns] if k + columns < len(panels) else None
        bottom = below is None or not _share(ax, below, "x")
        if ax.axison:
            ax.tick_params(labelleft=left, labelbottom=bottom)
            ax.set_title(titles[k][0], fontsize=titles[k][1])
        beside, under = names["y"][k], names["x"][k]
        ax.set_ylabel(fill(beside[0], LETTERS) if left else "", fontsize=beside[1])
        ax.set_xlabel(under[0] if bottom else "", fontsize=under[1])


def _share(one: Axes, other: Axes, axis: str) -> bool:
    return getattr(one, f"get_shared_{axis}_axes")().joined(one, other)


def _name(panels: list[Axes], k: int, axis: str, wide: int) -> tuple[str, float]:
    """The label of a panel's axis, or of one that shares the axis: in its row or column first."""
    line = panels[k % wide :: wide] if axis == "x" else panels[k - k % wide :][:wide]
    sharing = [ax for ax in (*line, *panels) if _share(panels[k], ax, axis)]
    return _words([getattr(ax, f"{axis}axis").label for ax in (panels[k], *sharing)])


def _words(texts: Sequence[Text]) -> tuple[str, float]:
    """The first text that says something, and its size."""
    found = next((text for text in texts if text.get_text()), texts[0])
    return found.get_text(), found.get_fontsize()


def _has_names(ax: Axes, axis: str = "y") -> bool:
    """Whether the ticks of a panel's axis are names in words."""
    return any(" " in tick.get_text() for tick in getattr(ax, f"get_{axis}ticklabels")())


def _wrap_names(ax: Axes, columns: int) -> None:
    """Break long names beside and below a panel into lines."""
    if _has_names(ax):
        names = [fill(tick.get_text(), LETTERS) for tick in ax.get_yticklabels()]
        ax.set_yticks(ax.get_yticks(), names)
    names = [tick.get_text() for tick in ax.get_xticklabels()]
    if _has_names(ax, "x"):
        letters = max(LETTERS * 4 // 3 // columns // len(names), 5)
        ax.set_xticks(ax.get_xticks(), [fill(name, letters) for name in names])
    elif len("".join(names)) * columns > 2 * LETTERS and any(n.isidentifier() for n in names):
        ax.tick_params(axis="x", labelrotation=60)


def _height_of_names(ax: Axes) -> float:
    """Inches that a panel needs so that the names beside it do not run into one another."""
    places = np.sort(ax.get_yticks())
    if not _has_names(ax) or len(places) < 2:
        return 0.0
    names = ax.get_yticklabels()
    lines = max(tick.get_text().count("\n") + 1 for tick in names)
    inches = LINE * max(names[0].get_fontsize(), LEAST) / 72
    slots = abs(np.diff(ax.get_ylim())[0]) / np.diff(places).min()
    return slots * lines * inches + MARGIN


def _gather_legends(figure: Figure) -> float:
    """Make one legend of all, above the panels and as wide as fits; gives its height in inches."""
    inside = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
    inside += [a for ax in figure.axes for a in ax.artists if type(a).__name__ == "Legend"]
    every = [*figure.legends, *inside]
    if not every:
        return 0.0
    drawn = {}  # what is drawn by that name; the legend's own handle of a bar is a part of it
    for ax in figure.axes:
        handles, labels = ax.get_legend_handles_labels()
        drawn = dict(zip(labels, handles, strict=True)) | drawn
    entries = {
        text.get_text(): drawn.get(text.get_text(), handle)
        for legend in every
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True)
    }
    titles = {legend.get_title().get_text() for legend in every} - {""}
    for legend in every:
        legend.remove()
    for columns in (4, 3, 2, 1):
        legend = figure.legend(
            list(entries.values()), list(entries), loc="outside upper center",
            ncols=min(columns, len(entries)), fontsize=8, columnspacing=1.2,
            title=next(iter(titles)) if len(titles) == 1 else None,
        )  # fmt: skip
        box = legend.get_window_extent(figure.canvas.get_renderer())
        if box.width <= WIDTH * figure.dpi or columns == 1:
            break
        legend.remove()
    return float(np.ceil(10 * box.height / figure.dpi) / 10)
