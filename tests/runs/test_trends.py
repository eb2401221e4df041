import numpy as np
import pandas as pd
import pytest

from vvlm_utils.runs.designs import isoflop_designs, star_designs
from vvlm_utils.runs.table import load_runs
from vvlm_utils.runs.trends import (
    arm_slopes,
    arm_trend,
    curve_optimum,
    gain_lead,
    gain_leads,
    half_slopes,
    isoflop_fit,
    least_squares,
    middle_and_ends,
    reversals,
    star_arm,
    t_interval,
)


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return load_runs("paper")


def made_star(slope: float, bend: float) -> pd.DataFrame:
    """A star whose error is 60 + slope z + bend z^2 with z = log2(frames / middle)."""
    star = star_designs()
    z = np.log2(star["frames"] / np.sqrt(4 * 32))
    return star.assign(error=60 + slope * z + bend * z**2)


def test_least_squares_matches_a_hand_fit():
    # y = 1, 2, 4 at x = -1, 0, 1: mean 7/3, slope 3/2, residuals 1/6, -1/3, 1/6
    fit = least_squares({"one": np.ones(3), "x": [-1, 0, 1]}, [1, 2, 4])
    assert fit.coef == pytest.approx([7 / 3, 3 / 2])
    assert fit.sigma == pytest.approx(np.sqrt(1 / 6))
    assert fit.dof == 1


def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    x = np.linspace(-1, 1, 8)
    hits = 0
    for _ in range(400):
        fit = least_squares({"one": x**0, "x": x}, 2 * x + rng.normal(size=8))
        _, low, high = fit.interval(np.array([0.0, 1.0]))
        hits += low <= 2 <= high
    assert 0.92 <= hits / 400 <= 0.98  # nominal 0.95, binomial SD 0.011


def test_draws_have_the_spread_of_the_interval():
    rng = np.random.default_rng(2)
    fit = least_squares({"one": np.ones(9), "x": range(9)}, rng.normal(size=9))
    _, low, high = fit.interval(np.array([0.0, 1.0]))
    drawn = np.quantile(fit.draws(40_000, rng)[:, 1], [0.025, 0.975])
    assert drawn == pytest.approx([low, high], abs=0.05 * (high - low))


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="2 rows of rank 2 cannot fit 2 coefficients"):
        least_squares({"one": [1, 1], "x": [0, 1]}, [1, 2])


def test_columns_that_repeat_each_other_are_refused():
    with pytest.raises(ValueError, match="rank 1 cannot fit 2 coefficients"):
        least_squares({"one": [1, 1, 1], "two": [2, 2, 2]}, [1, 2, 3])


def test_arms_have_the_published_number_of_runs(runs):
    sizes = {f: len(star_arm(runs, f)) for f in ("lm_params", "frames", "tokens_per_frame")}
    assert sizes == {"lm_params": 9, "frames": 15, "tokens_per_frame": 21}
    assert star_arm(runs, "train_examples")["ladder"].nunique() == 13


def test_trend_recovers_the_parabola_that_made_the_data():
    arm = star_arm(made_star(-1.5, 0.2), "frames")
    fit = arm_trend(arm, "frames")
    assert fit.coef[-2:] == pytest.approx([-1.5, 0.2])
    # the arm spans 3 doublings, so the middles of its halves lie 0.75 from the middle
    lower, upper = half_slopes(arm, "frames")
    assert lower @ fit.coef == pytest.approx(-1.5 - 2 * 0.2 * 0.75)
    assert upper @ fit.coef == pytest.approx(-1.5 + 2 * 0.2 * 0.75)


def test_half_slopes_are_the_rises_of_the_halves():
    arm = star_arm(made_star(-1.5, 0.2), "frames")
    fit = arm_trend(arm, "frames")
    lower, _ = half_slopes(arm, "frames")
    start = -1.5 * -1.5 + 0.2 * 1.5**2  # error at 4 frames less error at the middle
    assert lower @ fit.coef == pytest.approx(-start / 1.5)


def test_reversals_find_the_one_step_that_rises():
    star = made_star(-1.0, 0.0)
    odd = (star["frames"] == 12) & (star["train_examples"] == 250_000)
    star.loc[odd, "error"] += 5
    found = reversals(star_arm(star, "frames"), "frames")
    assert found[["ladder", "level"]].values.tolist() == [[250_000, 12]]


def test_published_star_has_two_reversals_both_in_tokens(runs):
    counts = {
        f: len(reversals(star_arm(runs, f), f))
        for f in ("lm_params", "frames", "tokens_per_frame", "train_examples")
    }
    assert counts == {"lm_params": 0, "frames": 0, "tokens_per_frame": 2, "train_examples": 0}


def test_isoflop_fit_recovers_the_minimum_of_noiseless_parabolas():
    designs = isoflop_designs([15e12, 30e12], tolerance=0.05, lm_params=[1e9, 7.5e9])
    z = np.log2(designs["tokens_per_frame"])
    best = np.where(designs["target_tflops"] == 15, 5.0, 6.0)
    rng = np.random.default_rng(3)
    error = 45 + 0.3 * (z - best) ** 2 + 1e-9 * rng.normal(size=len(z))
    fit = isoflop_fit(designs.assign(error=error))
    lowest, frames, tokens = curve_optimum(fit, fit.coef, 30.0, 7.5e9)
    assert lowest == pytest.approx(45, abs=1e-6)
    assert tokens == pytest.approx(2**6, rel=1e-6)
    # the frames spend what is left: 30e12 / (2 (0.43e9 * 768 + 7.5e9 * 64)) = 18.51
    assert frames == pytest.approx(18.513, abs=1e-3)


def test_a_curve_without_a_minimum_gives_nan(runs):
    fit = isoflop_fit(runs)
    assert np.isnan(curve_optimum(fit, -np.abs(fit.coef), 30.0, 1e9)).all()


def test_draws_give_one_optimum_each_and_stay_finite_or_nan(runs):
    fit = isoflop_fit(runs)
    draws = fit.draws(500, np.random.default_rng(4))
    for values in curve_optimum(fit, draws, 30.0, 1e9):
        assert values.shape == (500,)
        assert not np.isinf(values).any()


def test_isoflop_fit_has_twelve_curves_and_21_degrees_of_freedom(runs):
    # 48 rows less 12 levels, 12 slopes and 3 bends
    assert isoflop_fit(runs).dof == 21


def test_a_curve_that_was_not_run_is_named(runs):
    fit = isoflop_fit(runs)
    with pytest.raises(ValueError, match="no isoFLOP curve at 10 TFLOPs with lm_params 1e"):
        curve_optimum(fit, fit.coef, 10.0, 1e9)


def test_slopes_of_an_arm_are_those_of_its_parabola():
    # slope -2 + 2 bend z: over z in -1.5..1.5 the halves' means are -2 - 0.375 and -2 + 0.375
    table = made_star(slope=-2, bend=0.25)
    table = table.assign(
        error=table["error"] + np.random.default_rng(0).normal(0, 1e-6, len(table))
    )
    found = arm_slopes(table, ["frames"], np.random.default_rng(1)).loc["frames"]
    assert found["lower half", "value"] == pytest.approx(-2.375, abs=1e-4)
    assert found["upper half", "value"] == pytest.approx(-1.625, abs=1e-4)
    ratio = 2.375 / 1.625
    assert found["ratio per doubling", "value"] == pytest.approx(ratio, abs=1e-4)
    # frames 4 to 32: a unit of the upper half is sqrt(8) times the smaller part of it
    assert found["ratio per unit", "value"] == pytest.approx(ratio * np.sqrt(8), abs=1e-3)


def test_a_sample_has_its_middle_and_its_ends():
    sample = np.r_[np.arange(101.0), np.nan]
    assert middle_and_ends(sample, 0.9) == pytest.approx((50, 5, 95))


def test_three_values_reach_four_standard_errors():
    # mean 2, SE 1 / sqrt(3), t(2 dof, 0.975) = 4.302653
    value, low, high = t_interval([1.0, 2.0, 3.0])
    assert (value, high - value) == pytest.approx((2.0, 4.302653 / np.sqrt(3)))
    assert value - low == pytest.approx(high - value)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="two values or more, got 1"):
        t_interval([1.0])


def test_a_lead_is_the_difference_of_two_gains(runs):
    fit, rng = isoflop_fit(runs), np.random.default_rng(0)
    least = {
        (c, n): curve_optimum(fit, fit.coef, c, n)[0] for c in (15.0, 30.0) for n in (1e9, 7.5e9)
    }
    gain = {n: least[15.0, n] - least[30.0, n] for n in (1e9, 7.5e9)}
    value, low, high = gain_lead(fit, fit.draws(4000, rng), (15.0, 30.0), (1e9, 7.5e9))
    assert value == pytest.approx(gain[7.5e9] - gain[1e9], abs=0.1)
    assert low < value < high


def test_every_run_is_left_out_but_those_a_curve_cannot_miss(runs):
    curves = runs[runs["sweep"] == "isoflop"]
    sizes = curves.groupby(["target_tflops", "lm_params"])["run_id"].transform("size")
    leads = gain_leads(runs, np.random.default_rng(0), draws=200)
    assert set(leads.index) == set(curves.loc[sizes > 2, "run_id"])
