"""Figures of the chapter on served models: what they draw is what they are given."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from vvlm_utils.plots import served as drawn


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_line_per_family():
    table = pd.DataFrame({
        "family": ["a", "a", "b", "b"], "duration": [2, 60, 2, 60], "visual_tokens": [5, 50, 7, 7]
    })  # fmt: skip
    ax = drawn.plot_tokens(table)
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert list(ax.lines[0].get_ydata()) == [5, 50] and ax.get_yscale() == "log"


def test_a_point_per_model_in_its_family_row():
    table = pd.DataFrame({"family": ["a", "b", "a"], "params": [1e9, 2e9, 8e9], "share": [1, 2, 3]})
    ax = drawn.plot_models(table, "share", "share (%)", line=1.0)
    (points,) = ax.collections
    assert points.get_offsets().tolist() == [[1, 0], [2, 1], [3, 0]]
    assert points.get_sizes()[2] > points.get_sizes()[0]


def test_the_law_stands_apart_in_every_panel():
    rows = [
        (task, model, frames, 8 / frames, source)
        for task in ("VMME", "LVB")
        for model, source in (("m", "published"), ("the law", "law"))
        for frames in (8, 16)
    ]
    steps = pd.DataFrame(rows, columns=["task", "model", "frames", "relative", "source"])
    axes = drawn.plot_steps(steps)
    assert [ax.get_title() for ax in axes] == ["VMME", "LVB"]
    assert [line.get_linestyle() for line in axes[0].lines] == ["-", "--"]
