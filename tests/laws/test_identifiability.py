"""Profiles and parameter tables tell what the runs decide from what they do not."""

import numpy as np
import pytest

from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.laws.identifiability import lmfit_table, parameter_table, profile
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.problem import predict
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def fitted():
    return fit(LAWS["add"], RUNS, FitOptions(starts=100), rng=rng())


def test_a_profile_touches_the_fit_at_its_own_value_and_rises_from_it(fitted):
    here = fitted.params["a_T"]
    table = profile(fitted, "a_T", [here - 0.2, here, here + 0.2], rng=rng(1), starts=20)
    assert table["excess"][1] == pytest.approx(0, abs=1e-4)
    assert table["excess"][0] > 1 and table["excess"][2] > 1


def test_a_profile_agrees_with_the_standard_error_of_a_well_decided_exponent(fitted):
    """One standard error off costs F = 1 where the loss is close to a parabola."""
    _, report = fitted.lmfit()
    here, error = fitted.params["a_T"], report.params["a_T"].stderr
    table = profile(fitted, "a_T", [here - error, here + error], rng=rng(1), starts=20)
    np.testing.assert_allclose(table["excess"], 1, atol=0.15)


def test_a_coefficient_is_held_at_what_it_adds_at_the_centre(fitted):
    centre = {f: np.exp(np.log(RUNS[f]).mean()) for f in fitted.law.factors}
    without = fitted.theta.copy()
    without[fitted.law.parameters.index("alpha_T")] = 0
    at = {f: np.array([c]) for f, c in centre.items()}
    both = (predict(fitted.law, t, at, fitted.options)[0, 0] for t in (fitted.theta, without))
    added = next(both) - next(both)
    table = profile(fitted, "alpha_T", [added], rng=rng(1), starts=20)
    assert table["excess"][0] == pytest.approx(0, abs=1e-4)


def test_a_profile_of_an_unknown_parameter_is_refused(fitted):
    with pytest.raises(ValueError, match="a_Q.*alpha_N"):
        profile(fitted, "a_Q", [0.0], rng=rng())


def test_a_parameter_table_joins_fit_and_bag(fitted):
    bagged = bag(LAWS["add"], RUNS, rng=rng(), resamples=30)
    table = parameter_table(fitted, bagged)
    assert list(table.index) == list(LAWS["add"].parameters)
    assert (table["near_low"] <= table["value"] * (1 + 1e-9)).all()
    assert (table["bag_low"] <= table["bag_high"]).all()
    assert table.loc["eps", "at_bound"] == bagged.at_bounds["eps"] > 0
    with pytest.raises(ValueError, match="mult.*add"):
        parameter_table(fitted, bag(LAWS["mult"], RUNS, rng=rng(), resamples=2))


def test_lmfit_ends_where_our_optimiser_did_and_counts_as_a_book_does(fitted):
    row = lmfit_table([fitted]).loc["add"]
    rows, size = len(RUNS), 9  # add: 5 coefficients and 4 exponents, none at a bound
    assert row["parameters"] == size and abs(row["moved"]) < 1e-4
    assert row["reduced"] == pytest.approx(row["chi_square"] / (rows - size))
    by_hand = rows * np.log(row["chi_square"] / rows) + 2 * size  # Akaike, of least squares
    assert row["aic"] == pytest.approx(by_hand)
