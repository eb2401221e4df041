"""Figures of the experiment's chapters, on real clips, answers and runs."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.experiment.mini import design as plan
from vvlm_utils.experiment.mini.replays import PICTURES, kept_runs, read_kept
from vvlm_utils.experiment.mini.scores import by_level, summarise
from vvlm_utils.experiment.world.questions import FACTOR_OF, FAMILIES
from vvlm_utils.plots import experiment as plots
from vvlm_utils.runs.trends import star_arm

pytestmark = pytest.mark.usefixtures("closed_figures")


@pytest.fixture(scope="module")
def clip():
    with np.load(PICTURES) as kept:
        return kept["frames"][0]


def test_a_filmstrip_marks_the_frames_that_are_seen(clip):
    figure = plots.plot_filmstrip(clip, [1, 5], 16)
    bright = [ax for ax in figure.axes if ax.images[0].get_alpha() == 1.0]
    assert [ax.get_title() for ax in bright] == ["1", "5"]
    assert all(len(ax.lines) == 2 * 3 for ax in bright)


def test_every_family_has_a_bar_and_a_panel(clip):
    _, answers = read_kept(kept_runs()[0])
    table = summarise(answers).drop("avg")
    errors = pd.DataFrame({"error": 100 - table["metric"], "error_se": table["metric_se"]})
    errors = errors.assign(blind_error=100 - table["blind"], factor=pd.Series(FACTOR_OF))
    ax = plots.plot_families(errors)
    assert [bar.get_height() for bar in ax.patches] == pytest.approx(errors["error"].tolist())
    axes = plots.plot_levels(by_level(answers))
    assert [panel.get_title() for panel in axes.flat] == list(FAMILIES)
    one = by_level(answers.query("family == 'sum'").assign(family="question"))
    assert [ax.get_visible() for ax in plots.plot_levels(one).flat] == [True, False, False, False]
    rows = answers.head(3).assign(question="q")
    figure = plots.plot_answers(np.stack([clip[0]] * 3), rows)
    assert sum(bool(ax.images) for ax in figure.axes) == 3


def test_responses_and_losses_show_what_they_are_given():
    families = pd.DataFrame({"task": list(FAMILIES)})
    tasks = plan.mini_designs().merge(families, how="cross").assign(error=40.0, metric_se=0.5)
    arms = {factor: star_arm(tasks, factor, plan.CENTRE) for factor in ("frames", "lm_params")}
    blind = pd.DataFrame({"blind": 80.0}, index=list(FAMILIES))
    axes = plots.plot_responses(blind, arms)
    assert axes.shape == (2, 8) and [ax.get_title() for ax in axes[0]] == list(FAMILIES)
    assert all(len(ax.lines) == len(plan.EXAMPLES) + 1 for ax in axes.flat)
    curve = read_kept(kept_runs()[0])[0].stages["finetune"]["curve"]
    high = pd.DataFrame(curve).assign(loss=lambda t: 3 * t["loss"])
    panels = plots.plot_losses({"projector stage": pd.DataFrame(curve), "finetuning": high})
    for panel in panels:
        assert len(panel.lines[0].get_xdata()) == len(curve)
        assert panel.get_ylim()[0] == 0 < panel.lines[0].get_ydata().max() < panel.get_ylim()[1]


def test_served_lines_have_a_look_each():
    line = pd.DataFrame({"frames": [1, 2], "value": [3.0, 2.0], "low": 1.0, "high": 4.0})
    ax = plots.plot_served(pd.concat([line.assign(kind="a"), line.assign(kind="b")]))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
