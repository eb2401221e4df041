"""What the frontier and elasticity figures draw, from small tables."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.plots import elasticity as el_plots
from vvlm_utils.plots import frontier as frontier_plots
from vvlm_utils.runs.space import Space
from vvlm_utils.runs.table import load_runs

pytestmark = pytest.mark.usefixtures("closed_figures")

BUDGETS = np.geomspace(2e12, 1e14, 8)


@pytest.fixture(scope="module")
def bagged():
    return bag(LAWS["add"], load_runs("paper"), rng=np.random.default_rng(0), resamples=5)


def intervals(index) -> pd.DataFrame:
    return pd.DataFrame({"value": 0.1, "low": -0.1, "high": 0.2}, index=index)


def test_frontiers_draw_a_line_a_data_size_and_hatch_what_no_run_has(bagged):
    tables = {n: solve(bagged, Question(BUDGETS, n)).table() for n in (1e6, 1e7)}
    axes = frontier_plots.plot_frontiers(tables, bagged.ranges)
    assert [len(ax.get_lines()) for ax in axes] == [2, 2, 2]
    assert [line.get_linestyle() for line in axes[0].get_lines()] == ["-", "--"]
    assert any(patch.get_hatch() for patch in axes[0].patches)


def test_answers_to_one_question_share_panels_and_the_first_has_its_band(bagged):
    trained = Space(lm_params=(1e9, 2.8e9, 7.5e9))
    answers = {
        "sizes with runs": solve(bagged, Question(BUDGETS, 1e6, trained)).table(),
        "more sizes": solve(bagged, Question(BUDGETS, 1e6)).table(),
    }
    axes = frontier_plots.plot_answers(answers, bagged.ranges)
    assert [line.get_linestyle() for line in axes[1].get_lines()] == ["-", "--"]
    assert [len(ax.collections) for ax in axes] == [1, 1, 1]
    shown = [label.get_text() for label in axes[0].get_yticklabels()]
    assert "2.8B" in shown and "3B" not in shown  # their labels would touch
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == list(answers)


def test_votes_fill_a_bar_at_every_budget_that_the_axis_names(bagged):
    (ax,) = frontier_plots.plot_votes({"here": solve(bagged, Question(BUDGETS, 1e6)).votes()})
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches]
    assert max(tops) == pytest.approx(1)
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert shown == [str(b) for b in frontier_plots.BUDGET_TICKS]


def test_a_choice_that_flips_leaves_a_gap_and_no_riser():
    x, y = frontier_plots._treads(pd.Series([1.0, 2.0, 3.0]), pd.Series([5.0, 5.0, 7.0]))
    assert np.isnan(y[5]) and np.isfinite(np.delete(y, 5)).all()
    level = x[1:][y[1:] != y[:-1]]
    assert 3.0 in level


def test_an_error_frontier_is_solid_only_inside_the_runs(bagged):
    table = solve(bagged, Question(BUDGETS, 1e6)).table()
    ax = frontier_plots.plot_error_frontiers({"all": table})
    solid = ax.get_lines()[0].get_ydata()
    assert np.isnan(solid).tolist() == table["extrapolates"].tolist()


def test_growth_and_size_prices_draw_every_row():
    growth = pd.DataFrame([(1e6, f, 2, 1, 3) for f in FACTORS])
    growth.columns = ["n", "factor", "value", "low", "high"]
    (ax,) = frontier_plots.plot_growth(growth, growth.iloc[:2])
    assert len(ax.containers) == 3
    prices = pd.DataFrame({"budget_tflops": 2, "lm_params": [3e9, 7e9]}).join(intervals([0, 1]))
    (ax,) = frontier_plots.plot_size_prices(prices, 0.1)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["3B", "7B"]


def test_elasticities_stand_beside_printed_ones():
    printed = pd.Series(0.5, index=list(FACTORS))
    ax = el_plots.plot_sources({"ours": intervals(list(FACTORS))}, {"Table 10": printed})
    assert [t.get_text() for t in ax.get_yticklabels()] == ["ours", "Table 10"] * 3
    groups = pd.concat({g: intervals(list(FACTORS)) for g in ("b", "a")})
    axes = el_plots.plot_by_group(groups, pd.DataFrame({"a": printed}).T, "task")
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["b", "a"]


def test_table_10_is_drawn_in_the_order_of_its_values():
    rows = pd.DataFrame([("step", x, f, 0.1, 0.0, 0.2) for x in (10, 1, 5) for f in FACTORS])
    rows.columns = ["setting", "x", "factor", "value", "low", "high"]
    axes = el_plots.plot_table10(rows, rows)
    assert axes[0, 0].get_lines()[0].get_xdata().tolist() == [1, 5, 10]


def test_gains_draw_the_kinds_they_are_asked_for():
    rows = pd.DataFrame({"budget_tflops": [2.0, 5.0] * 3, "kind": ["vision", "lm", "other"] * 2})
    rows = rows.join(pd.DataFrame({"value": [1.0] * 6, "low": [0.5] * 6, "high": [2.0] * 6}))
    ax = el_plots.plot_gains(rows, {"vision": "encoder", "lm": "LM"}, "points")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["encoder", "LM"]
