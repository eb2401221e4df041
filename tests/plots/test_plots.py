import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from vvlm_utils import plots
from vvlm_utils.cost.equation import FACTORS, encoder_overhead
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.plots import cost as cost_plots
from vvlm_utils.plots import runs as runs_plots
from vvlm_utils.plots import sweeps as sweep_plots
from vvlm_utils.runs.table import load_runs
from vvlm_utils.runs.trends import star_arm
from vvlm_utils.site.figures import FIXED

pytestmark = pytest.mark.usefixtures("closed_figures")


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return load_runs("paper")


def lightness(color: str) -> float:
    return float(np.dot(matplotlib.colors.to_rgb(color), [0.2126, 0.7152, 0.0722]))


def test_every_factor_has_one_colour_symbol_and_label():
    names = {*FACTORS, "train_examples"}
    assert set(plots.FACTOR_COLORS) == set(plots.FACTOR_SYMBOLS) == names <= set(plots.LABELS)
    assert len(set(plots.FACTOR_COLORS.values())) == len(names)


def test_every_law_has_a_colour_and_a_name():
    assert set(LAWS) <= set(plots.LAW_COLORS)
    assert set(plots.LAW_COLORS) == set(plots.LAW_NAMES)


@pytest.mark.parametrize("palette", [plots.lm_palette, plots.example_palette])
def test_ordered_palettes_run_from_light_to_dark(palette):
    colors = palette([7.5e9, 1e9, 2.8e9] if palette is plots.lm_palette else [1e6, 2.5e5, 2e6])
    shades = [lightness(colors[value]) for value in sorted(colors)]
    assert shades == sorted(shades, reverse=True)


def test_a_size_keeps_its_colour_and_marker_in_any_company():
    few, many = [1e9, 7.5e9], [1e9, 2.8e9, 7.5e9, 14e9, 72e9]
    assert plots.lm_palette(few)[7.5e9] == plots.lm_palette(many)[7.5e9]
    assert plots.lm_markers(few)[7.5e9] == plots.lm_markers(many)[7.5e9]


def test_sizes_off_the_map_are_still_told_apart():
    tiny = [6.7e3, 4e4, 2e5]
    assert len(set(plots.lm_palette(tiny).values())) == 3
    assert len(set(plots.lm_markers(tiny).values())) == 3


def test_log_ticks_are_plain_numbers_without_minor_ones():
    _, ax = plt.subplots()
    plots.log_ticks(ax, [1e9, 2.8e9], counts=True)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1B", "2.8B"]
    assert ax.get_xscale() == "log"
    assert len(ax.get_xticks(minor=True)) == 0


def test_a_figure_draws_on_the_axes_it_is_given_and_returns_them():
    _, ax = plt.subplots()
    table = pd.DataFrame({"lm_params": 1e9, "tokens_per_frame": [1, 4, 9]})
    table["overhead"] = encoder_overhead(1e9, table["tokens_per_frame"])
    assert cost_plots.plot_overhead(table, ax) is ax
    drawn = ax.lines[0]
    assert drawn.get_ydata().tolist() == table["overhead"].tolist()


def test_cost_bars_stack_to_the_total():
    table = pd.DataFrame({"name": ["a"], "vision_tflops": [2.0], "lm_tflops": [3.0]})
    ax = cost_plots.plot_cost_split(table)
    assert max(bar.get_x() + bar.get_width() for bar in ax.patches) == 5.0


def test_star_draws_every_run_of_every_arm_once(runs):
    arms = {f: star_arm(runs, f) for f in (*FACTORS, "train_examples")}
    axes = runs_plots.plot_star(arms)
    drawn = [sum(len(line.get_xdata()) for line in ax.lines) for ax in axes]
    assert drawn == [9, 15, 21, 39]


def test_isoflop_draws_48_points(runs):
    axes = runs_plots.plot_isoflop(runs[runs["sweep"] == "isoflop"])
    assert sum(len(line.get_xdata()) for ax in axes for line in ax.lines) == 48


def test_design_plane_has_a_panel_per_lm(runs):
    curves = pd.DataFrame(
        {"lm_params": 1e9, "target_tflops": 2.0, "tokens_per_frame": [1, 4], "frames": [3, 3]}
    )
    assert len(sweep_plots.plot_design_plane(runs, curves)) == 3


def test_cells_of_correlations_and_their_numbers_keep_their_colours_in_any_theme():
    matrix = pd.DataFrame([[1, 0.0], [0.0, 1]], ["a", "b"], ["a", "b"])
    (ax,) = sweep_plots.plot_correlations({"star": matrix})
    assert ax.collections[0].get_gid().startswith(FIXED)
    assert all(text.get_gid().startswith(FIXED) for text in ax.texts)


def test_intervals_reach_from_low_to_high():
    table = pd.DataFrame({"name": ["a"], "value": [1.0], "low": [0.5], "high": [3.0]})
    ax = runs_plots.plot_intervals(table, "points")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a"]
    segment = ax.collections[0].get_segments()[0]
    assert segment[:, 0].tolist() == [0.5, 3.0]
    assert len(ax.lines) == 1 + len(runs_plots.plot_intervals(table, "points", zero=False).lines)


def test_a_roofline_draws_every_roof_and_puts_the_passes_under_one():
    roofs = pd.DataFrame({"peak_flops": [3e14, 1e15], "bandwidth": [2e12, 3e12]}, index=["a", "b"])
    points = pd.DataFrame(
        [("read", 1, 1e4), ("write", 1, 2.0), ("read", 9, 9e4), ("write", 9, 8.0)]
    )
    points.columns = ["work", "videos", "intensity"]
    ax = cost_plots.plot_roofline(points, roofs, "a")
    lines, marks = ax.get_lines()[:2], ax.get_lines()[2:]
    assert [max(line.get_ydata()) for line in lines] == [300, 1000]
    heights = {x: y for line in marks for x, y in zip(*line.get_data(), strict=True)}
    assert heights == {1e4: 300, 9e4: 300, 2.0: 4, 8.0: 16}
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["read", "write"]
