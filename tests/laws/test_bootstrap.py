"""Resamples keep the total weight, lose no LM size unless drawn so, and throw noise fairly."""

import numpy as np
import pytest

from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.bootstrap import (
    RESAMPLING,
    expanded_level,
    leverage,
    resample_weights,
    wild_errors,
)
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.problem import make_problem
from vvlm_utils.laws.search import cold_search, full_fit, warm_search
from vvlm_utils.runs.table import load_runs
from vvlm_utils.studies.truths import known_law, simulate

RUNS = load_runs("paper")
STAR = RUNS[RUNS["sweep"] == "star"]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def problem():
    return make_problem(LAWS["add"], RUNS, FitOptions())[0]


@pytest.fixture(scope="module")
def theta(problem):
    return full_fit(problem, rng())


@pytest.mark.parametrize("resampling", RESAMPLING)
def test_weights_are_non_negative_and_sum_to_the_rows(resampling):
    weights = resample_weights(RUNS, 5000, resampling, rng())
    assert (weights >= 0).all()
    if resampling == "designs":  # designs differ in their number of runs: right on average
        assert weights.sum(axis=1).mean() == pytest.approx(len(RUNS), rel=0.01)
    else:
        np.testing.assert_allclose(weights.sum(axis=1), len(RUNS))


def test_a_plain_resample_loses_an_lm_size_and_the_others_never_do():
    small = (STAR["lm_params"] == 1e9).to_numpy()
    lost = {
        kind: (resample_weights(STAR, 2000, kind, rng())[:, small].sum(axis=1) == 0).mean()
        for kind in RESAMPLING
    }
    assert lost["rows"] == pytest.approx((1 - 3 / 39) ** 39, abs=0.01)  # none of 3 rows in 39 draws
    assert lost["stratified"] == lost["dirichlet"] == lost["wild"] == 0


def test_leverages_sum_to_the_parameters_off_the_bounds(problem, theta):
    f, share = leverage(problem, theta)
    assert share.sum() == pytest.approx(9)  # add: 5 coefficients and 4 exponents, none at a bound
    assert (share > 0).all() and (share < 1).all()
    np.testing.assert_allclose(np.log(f / problem.error).std(), 0.0119, atol=2e-4)


def test_leverages_are_those_of_a_straight_line():
    # log f = log c - a log N on N = 1, 2, 4, 8: h = 1/4 + (x - mean)^2 / sum = .7, .3, .3, .7
    from vvlm_utils.laws.law import Law, Power, Term
    from vvlm_utils.laws.optimisers import Problem

    law = Law("line", ("N",), (Term("c", (Power("N", "a", -1),)),))
    x = np.log([1.0, 2.0, 4.0, 8.0])[None]
    box = np.array([1e6, 9.0])
    line = Problem(law, x, np.ones(4), -box, box)
    share = leverage(line, np.array([5.0, 0.3]))[1]
    np.testing.assert_allclose(share, [0.7, 0.3, 0.3, 0.7])


def test_wild_noise_is_a_run_s_own_residual_of_either_sign_made_up_for_its_leverage(problem, theta):
    f, share = leverage(problem, theta)
    thrown = np.log(wild_errors(problem, theta, 400, rng()) / f)
    own = np.abs(np.log(problem.error / f)) / np.sqrt(1 - share)
    np.testing.assert_allclose(np.abs(thrown), np.broadcast_to(own, thrown.shape))
    assert abs(np.sign(thrown).mean()) < 0.02  # SD of the mean of 400 x 87 signs: 0.005


def test_every_member_of_a_wild_bag_fits_errors_of_its_own():
    truth = known_law(LAWS["add"], RUNS, rng())
    runs = simulate(truth, rng(1))
    problem, centre = make_problem(LAWS["add"], runs, FitOptions())
    errors = wild_errors(problem, full_fit(problem, rng(2)), 6, rng(3))
    weights = np.ones((6, len(runs)))
    warm, losses = warm_search(problem, weights, rng(4), errors)
    cold = cold_search(problem, centre, FitOptions(starts=100), weights, rng(5), errors=errors)[1]
    np.testing.assert_allclose(losses, cold, rtol=1e-6)
    assert len(np.unique(warm[:, 0])) == 6


def test_l_bfgs_sees_the_same_wild_errors():
    arguments = {"rng": None, "resamples": 1, "resampling": "wild"}
    losses = [
        bag(LAWS["mult"], RUNS, o, **arguments | {"rng": rng()}, search="cold").losses
        for o in (FitOptions(starts=8), FitOptions(starts=8, optimiser="l-bfgs"))
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="resampling must be one of"):
        resample_weights(RUNS, 5, "jackknife", rng())
    with pytest.raises(ValueError, match="resamples must be at least 1, got 0"):
        resample_weights(RUNS, 0, "rows", rng())


def test_an_expanded_level_is_wider_and_tends_to_the_stated_one():
    assert expanded_level(0.8, 10**7, 14, 10**7) == pytest.approx(0.8, abs=1e-4)
    # 11 runs, 1 parameter: sqrt(1.1) * t(0.1, 10) = 1.0488 * 1.3722 = 1.4392, tail 0.0750
    assert expanded_level(0.8, 11, 1, 10**7) == pytest.approx(1 - 2 * 0.0750, abs=2e-4)
    assert expanded_level(0.8, 11, 1, 10**7, "wild") == pytest.approx(1 - 2 * 0.0850, abs=2e-4)
    few, many = (expanded_level(0.8, 87, 14, members) for members in (50, 100))
    assert 0.8 < many < few < 1


def test_a_bag_too_small_for_an_expanded_level_gives_its_whole_range():
    assert expanded_level(0.95, 87, 14, 20) == pytest.approx(1)
    with pytest.raises(ValueError, match="got 14 runs, 14 parameters"):
        expanded_level(0.8, 14, 14, 100)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 1"):
        expanded_level(1, 87, 14, 100)


def test_expanded_bands_of_a_mean_hold_what_they_say():
    # The mean of 8 normal numbers, bootstrapped: a percentile band of 80% holds about 72%.
    draw, held = rng(7), {"percentile": 0, "expanded": 0}
    for _ in range(1000):
        numbers = draw.normal(size=8)
        members = draw.choice(numbers, size=(99, 8)).mean(axis=1)
        for kind, level in (("percentile", 0.8), ("expanded", expanded_level(0.8, 8, 1, 99))):
            low, high = np.quantile(members, [(1 - level) / 2, (1 + level) / 2])
            held[kind] += low <= 0 <= high
    assert held["percentile"] / 1000 < 0.76  # SE 0.013
    assert held["expanded"] / 1000 == pytest.approx(0.8, abs=0.04)
