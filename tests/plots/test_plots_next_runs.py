import numpy as np
import pandas as pd
import pytest

from vvlm_utils.plots import next_runs as drawn
from vvlm_utils.runs.table import load_runs

pytestmark = pytest.mark.usefixtures("closed_figures")


def test_a_plan_has_a_panel_an_lm_and_a_marker_a_run():
    runs = load_runs("paper")
    plan = runs.iloc[[0, 1, 40, 41]].assign(gain=[0.5, 0.2, 0.1, 0.01])
    axes = drawn.plot_plan(plan, runs)
    assert len(axes) == plan["lm_params"].nunique()
    assert sum(len(ax.collections[0].get_offsets()) for ax in axes) == 4
    assert (
        sum(len(ax.lines[0].get_xdata()) for ax in axes)
        == runs["lm_params"].isin(plan["lm_params"]).sum()
    )


def test_what_is_left_starts_at_all_of_it():
    plan = pd.DataFrame({"cumulative_flops": [1e19, 3e19], "left": [0.4, 0.1]})
    ax = drawn.plot_left({"planned": plan, "at random": plan})
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 0.4, 0.1]] * 2


def test_strategies_have_a_line_and_a_band_each():
    table = pd.DataFrame({"strategy": np.repeat(["planner", "random"], 3)})
    table = table.assign(train_flops=1e20, value=1.0, low=0.5, high=2.0)
    ax = drawn.plot_strategies(table, "regret")
    assert len(ax.lines) == len(ax.collections) == 2
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["planned", "random"]


def test_every_trial_is_a_point_and_wins_are_filled():
    pair = pd.DataFrame({"planner": [0.0, 0.2], "other": [0.1, 0.1], "wins": [True, False]})
    (ax,) = drawn.plot_versus({"random": pair})
    filled, open_ = (ax.collections[i].get_offsets() for i in (0, 1))
    assert len(filled) == len(open_) == 1
    assert filled[0, 1] == 1e-3  # no regret at all is drawn at the floor
