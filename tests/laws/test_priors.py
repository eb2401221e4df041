"""A penalised fit is a fit with one more residual for each parameter, whoever searches it."""

import numpy as np
import pytest

from vvlm_utils.laws.bag_io import load_bag, save_bag
from vvlm_utils.laws.bagging import bag, redraw_prior
from vvlm_utils.laws.bootstrap import resample_weights
from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import get_law, laws_over
from vvlm_utils.laws.optimisers import (
    descend_all,
    finish,
    l_bfgs,
    levenberg_marquardt,
    loss_and_slope,
)
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import (
    KINDS,
    Prior,
    kinds_of,
    parse_prior,
    prior_draws,
    prior_predictions,
    prior_table,
    say_prior,
)
from vvlm_utils.laws.problem import make_problem
from vvlm_utils.laws.search import short_search
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")
PENALISED = FitOptions(prior=Prior())
LAWS = ("add-interact", "add-decay", "pnorm-decay")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", LAWS)
def test_the_penalised_gradient_equals_differences(name):
    problem, _ = make_problem(get_law(name), RUNS, PENALISED)
    x, weights = problem.prior_mean + 0.1, rng(3).uniform(0, 2, len(RUNS))
    slope = 2 * loss_and_slope(problem, x, weights, logs=True)[1]
    for k, step in enumerate(1e-6 * np.eye(x.size)):
        above, below = (
            loss_and_slope(problem, x + s * step, weights, logs=True)[0] for s in (1, -1)
        )
        assert slope[k] == pytest.approx((above - below) / 2e-6, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", LAWS)
def test_both_optimisers_find_the_same_penalised_optimum(name):
    law = get_law(name)
    problem, _ = make_problem(law, RUNS, PENALISED)
    starts = np.vstack(
        [
            [problem.from_search(problem.prior_mean)],
            prior_draws(law, Prior(), problem.error, 1, rng()),
        ]
    )[None]
    ones = np.ones((1, len(RUNS)))
    one, other = (
        optimise(problem, starts, ones)[1].min() for optimise in (levenberg_marquardt, l_bfgs)
    )
    assert one == pytest.approx(other, rel=1e-3)


def test_one_compiled_search_serves_every_fit():
    """Whatever is read-only or shared between resamples: to compile takes longer than to fit."""
    for options in (FitOptions(starts=2), FitOptions(starts=2, prior=Prior())):
        fit(get_law("add"), RUNS, options, rng=rng())
        bag(get_law("add"), RUNS, options, rng=rng(), resamples=2)
    assert len(descend_all.signatures) == 1


def test_a_short_search_reaches_the_best_of_many_draws_of_the_prior():
    law = get_law("pnorm-decay")
    problem, centre = make_problem(law, RUNS, PENALISED)
    weights = resample_weights(RUNS, 10, "designs", rng(), law)
    own = redraw_prior(problem, PENALISED, 10, rng(1))
    found = short_search(own, centre, PENALISED, weights, rng(2))[1]
    starts = prior_draws(law, Prior(), problem.error, 60, rng(3))
    many = levenberg_marquardt(own, np.broadcast_to(starts, (10, *starts.shape)), weights)[1]
    assert (found <= many.min(axis=1) * (1 + 1e-4)).all()


def test_lmfit_from_the_optimum_stays_there_and_counts_the_prior_as_residuals():
    found = fit(get_law("add-decay"), RUNS, PENALISED, rng=rng())
    _, result = found.lmfit()
    assert result.ndata == len(RUNS) + len(found.law.parameters)
    assert result.chisqr == pytest.approx(found.loss, rel=1e-4)


def test_a_strong_prior_decides_everything_and_a_weak_one_nothing():
    law = get_law("add")
    strong, weak = (
        fit(law, RUNS, FitOptions(prior=Prior().scaled(s)), rng=rng()) for s in (1e-3, 100)
    )
    mean, _ = Prior().moments(law, RUNS["error"].to_numpy())
    assert strong.params["a_N"] == pytest.approx(mean[law.parameters.index("a_N")], abs=1e-3)
    assert min(strong.diagnostics.prior_share.values()) > 0.9
    assert max(weak.diagnostics.prior_share.values()) < 0.02
    free = fit(law, RUNS, rng=rng())
    np.testing.assert_allclose(weak.predict(RUNS), free.predict(RUNS), rtol=2e-3)


def test_shares_follow_the_scale_of_the_table():
    law = get_law("add-decay")
    tenth = RUNS.assign(error=RUNS["error"] / 10)
    one, other = (fit(law, runs, PENALISED, rng=rng()).predict(RUNS) for runs in (RUNS, tenth))
    np.testing.assert_allclose(one / 10, other, rtol=1e-6)


def test_noise_left_to_the_runs_is_the_scale_that_made_them():
    law = get_law("add")
    truth = fit(law, RUNS, rng=rng()).predict(RUNS)
    for noise in (0.005, 0.05):
        error = truth * np.exp(rng(7).normal(0, noise, len(RUNS)))
        options = FitOptions(prior=Prior(noise=None))
        found = fit(law, RUNS.assign(error=error), options, rng=rng())
        assert found.noise == pytest.approx(noise, rel=0.25)


def test_members_of_a_penalised_bag_move_with_their_own_prior_means():
    law = get_law("add-decay")
    arguments = dict(resamples=20, resampling="wild", rng=rng())
    found = bag(law, RUNS, PENALISED, **arguments)
    at = law.parameters.index("xi")  # which the prior decides, see prior_share
    assert np.log(found.members[:, at]).std() > 0.4


def test_every_parameter_of_every_law_has_a_kind_and_a_row():
    for law in laws_over().values():
        assert None not in kinds_of(law).values()
        table = prior_table(law, Prior(), RUNS)
        assert (table["low"] < table["median"]).all() and len(table) == len(law.parameters)
    # a ninth of the median error in points
    assert prior_table(law, Prior(), RUNS).loc["xi", "median"] == pytest.approx(
        RUNS["error"].median() / 9
    )


def test_a_penalised_bag_comes_back_from_disk(tmp_path):
    found = bag(get_law("pnorm-decay"), RUNS, PENALISED, rng=rng(), resamples=3)
    save_bag(found, tmp_path / "fit.json")
    again = load_bag(tmp_path / "fit.json")
    assert again.options == found.options and again.law == found.law
    np.testing.assert_array_equal(again.predict(RUNS), found.predict(RUNS))
    assert again.noise == found.noise


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Prior(noise=0), "noise must be a positive number or None, got 0"),
        (lambda: Prior(decay=(0.1, -1)), "prior of decay: the SD must be positive"),
        (lambda: Prior(decay=(np.nan, 1)), "prior of decay: the mean must be a number, got nan"),
        (lambda: Prior(floor=(0, 1)), "prior of floor: the share must be positive, got 0"),
        (lambda: FitOptions(prior=Prior(), loss="huber"), "a prior needs loss 'squared'"),
    ],
)
def test_refusals_name_the_field_and_the_value(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_words_change_one_kind_of_parameter_alone():
    changed = parse_prior(["decay=0.2,0.1", "noise=0.02"])
    assert (changed.decay, changed.noise) == ((0.2, 0.1), 0.02)
    assert parse_prior(["decay=0.1,0.2", "noise=0.01"], changed) == Prior()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("decline=1,2", "KIND one of term, .*; got 'decline=1,2'"),
        ("decay=1", "got 'decay=1'"),
        ("noise=1,2", "got 'noise=1,2'"),
        ("decay", "got 'decay'"),
        ("decay=0.1,-1", "prior of decay: the SD must be positive"),
        ("term=0,1", "prior of term: the share must be positive"),
        ("noise=0", "noise must be a positive number"),
    ],
)
def test_words_that_are_no_prior_are_refused(word, message):
    with pytest.raises(ValueError, match=message):
        parse_prior([word])


def test_a_prior_is_said_with_every_kind_and_the_noise():
    said = " ".join(say_prior(Prior(decay=(0.125, 0.2))))
    assert all(kind in said for kind in KINDS) and "0.125, 0.2" in said and "0.01." in said


def test_a_prior_predicts_by_its_shares_alone():
    law, centre = get_law("add"), RUNS.iloc[[0]].copy()
    for factor in law.factors:
        centre[factor] = np.exp(np.log(RUNS[factor]).mean())
    drawn = prior_predictions(law, Prior(), RUNS, centre, 4000, rng())
    # At the centre every term is its coefficient: four of 1/9 and a floor of 1/3 of the median
    # error, each a lognormal with mean share * exp(sd^2 / 2).
    mean = RUNS["error"].median() * (4 / 9 * np.exp(0.5) + np.exp(0.32) / 3)
    assert drawn.shape == (4000, 1)
    assert drawn.mean() == pytest.approx(mean, rel=0.05)


def test_a_penalised_search_ends_where_the_loss_is_level():
    """Newton's steps lower what a descent left in the flat valley of the mini experiment's runs."""
    runs = load_runs("mini")
    problem, _ = make_problem(get_law("add-decay"), runs, PENALISED)
    start = problem.from_search(problem.prior_mean)[None]
    weights = np.ones((1, len(runs)))
    theta, losses = levenberg_marquardt(problem, start[None], weights)
    ended, least = finish(problem, theta[0], weights)
    assert least[0] <= losses[0, 0]
    _, slope = loss_and_slope(problem, problem.to_search(ended[0]), weights[0], logs=True)
    inside = (ended[0] > problem.low) & (ended[0] < problem.high)
    assert np.abs(slope[inside]).max() < 1e-9
