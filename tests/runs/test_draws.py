"""Runs that differ in a draw alone: variance by source, and differences that share a draw."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vvlm_utils.runs import draws as d

CENTRE = {"lm_params": 4e4, "frames": 8, "tokens_per_frame": 25}


def table(rows):
    fill = {**CENTRE, "train_examples": 256, "task": "avg", "sweep": "star", "seed": 0, "draw": 0}
    return pd.DataFrame([{**fill, "metric_se": 0.4, **row} for row in rows])


def test_variance_is_split_by_hand_arithmetic():
    runs = table(
        [{"error": e, "draw": k, "seed": k} for k, e in enumerate((30.0, 32.0, 34.0))]
        + [{"error": e, "seed": s} for s, e in ((7, 31.0), (8, 32.0))]
    )
    found = d.variance_components(runs)
    # draws 30, 32, 34: variance 4 of 2 dof; seeds of draw 0, 30, 31, 32: variance 1 of 2 dof
    assert found["sd"].tolist() == pytest.approx([2.0, 1.0, np.sqrt(3.0), 0.4])
    assert found.loc["seed", "dof"] == 2 == found.loc["draw and seed", "dof"]
    assert found.loc["seed", "low"] == pytest.approx(np.sqrt(2 / stats.chi2.ppf(0.975, 2)))


def test_components_come_out_of_runs_drawn_with_them():
    rng = np.random.default_rng(0)
    rows = []
    for n in range(60):
        for k in range(7):
            luck = rng.normal(0, 1.5)
            for s in range(3 if k == 0 else 1):
                error = 30 + luck + rng.normal(0, 0.5)
                rows.append({"train_examples": n, "draw": k, "seed": 100 * s + k, "error": error})
    found = d.variance_components(table(rows), level=0.999)
    assert found.loc["draw", "sd"] == pytest.approx(1.5, rel=0.15)
    assert found.loc["seed", "low"] < 0.5 < found.loc["seed", "high"]


def test_runs_of_one_draw_and_seed_each_are_refused():
    with pytest.raises(ValueError, match="differ in their draw, or in their seed, alone"):
        d.variance_components(table([{"error": 30.0, "draw": k, "seed": k} for k in range(3)]))


def test_designs_of_one_decoder_are_paired_and_the_luck_of_a_draw_cancels():
    luck = np.array([-3.0, 0.0, 4.0])
    first, second = (
        table([{"error": base + e, "draw": k, "frames": t} for k, e in enumerate(luck)])
        for base, t in ((30.0, 1), (25.0, 8))
    )
    found = d.difference(first, second)
    assert found["paired"] and found["draws"] == 3
    assert [found[k] for k in ("value", "low", "high")] == pytest.approx([5.0, 5.0, 5.0])


def test_designs_of_two_sizes_have_welchs_interval():
    rng = np.random.default_rng(1)
    a, b = rng.normal(30, 1, 7), rng.normal(27, 2, 4)
    first = table([{"error": e, "draw": k} for k, e in enumerate(a)])
    second = table([{"error": e, "draw": k, "lm_params": 2e5} for k, e in enumerate(b)])
    found = d.difference(first, second)
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert not found["paired"]
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))


def test_a_question_of_two_factors_gains_more_with_both():
    # a + b - a b with a = 1/2 and 1/4 by frames, b = 1/2 and 1/4 by examples, in percent
    share = {1: 0.5, 8: 0.25}, {256: 0.5, 4096: 0.25}
    rows = [
        {"frames": t, "train_examples": n, "draw": k, "error": 100 * (a + b - a * b) + k}
        for t, a in share[0].items() for n, b in share[1].items() for k in range(7)
    ]  # fmt: skip
    fixed = {"lm_params": 4e4, "tokens_per_frame": 25}
    ends = ("frames", (1, 8), "train_examples", (256, 4096), fixed)
    found = d.joint_gain(table(rows), *ends)
    # frames gain 25 x (1 - b): 12.5 points at few examples, 18.75 at many
    assert found["value"] == pytest.approx(6.25) == found["low"] and found["draws"] == 7
    with pytest.raises(ValueError, match="no run with frames 8 and train_examples 4096"):
        d.joint_gain(table([r for r in rows if r["frames"] + r["train_examples"] < 4104]), *ends)


def test_steps_in_size_are_told_in_standard_errors():
    rows = [
        {"lm_params": size, "error": base + e, "draw": k}
        for size, base in ((2e3, 50.0), (4e4, 40.0), (2e5, 37.0))
        for k, e in enumerate((-1.0, 0.0, 1.0))
    ]
    steps = d.arm_steps(table(rows), CENTRE)
    se = np.sqrt(1 / 3 + 1 / 3)
    assert set(steps["factor"]) == {"lm_params"} and not steps["paired"].any()
    assert steps["value"].tolist() == pytest.approx([-10.0, -3.0])
    assert steps["in_se"].tolist() == pytest.approx([-10 / se, -3 / se])
    assert steps[["below", "up_to"]].to_numpy().tolist() == [[2e3, 4e4], [4e4, 2e5]]


def two_arms():
    """Frames worth 1, 1.1 and 0.9 points by draw, examples 4; every draw is off by its own 5."""
    return table(
        [
            {"frames": t, "train_examples": n, "draw": k, "error": 50 + 5 * k - gain - more}
            for k, worth in enumerate((1.0, 1.1, 0.9))
            for t, gain in ((4, 0.0), (8, worth))
            for n, more in ((256, 0.0), (1024, 4.0))
        ]
    )


def test_every_step_of_an_arm_is_paired_by_draw():
    steps = d.arm_steps(two_arms(), CENTRE)
    # frames from 4 to 8 at both n, and the examples at the centre alone
    assert list(zip(steps["factor"], steps["train_examples"], strict=True)) == [
        ("frames", 256),
        ("frames", 1024),
        ("train_examples", 1024),
    ]
    frames = steps.iloc[0]
    assert frames["value"] == pytest.approx(-1)
    assert frames["high"] - frames["value"] == pytest.approx(4.302653 * 0.1 / np.sqrt(3), rel=1e-5)
    assert steps.iloc[2]["value"] == pytest.approx(-4) == steps.iloc[2]["low"]


def test_the_worth_of_a_range_is_told_at_the_largest_n():
    worth = d.arm_worth(two_arms().query("frames == 8 or train_examples == 1024"), CENTRE)
    assert worth.loc["frames", ["value", "least", "greatest"]].tolist() == pytest.approx([1, 4, 8])
    assert worth.loc["train_examples", "value"] == pytest.approx(4)
