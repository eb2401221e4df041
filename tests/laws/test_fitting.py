"""Fits find the optimum, both optimisers the same one, and say what they could not decide."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import FORMS, LAWS, chinchilla, make_law
from vvlm_utils.laws.lmfit_bridge import lmfit_model
from vvlm_utils.laws.optimisers import l_bfgs, levenberg_marquardt, loss_and_slope
from vvlm_utils.laws.options import FitError, FitOptions
from vvlm_utils.laws.problem import make_problem, predict
from vvlm_utils.laws.starts import draw_starts
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")
STAR = RUNS[RUNS["sweep"] == "star"]
TRUTH = {
    "mult": [58, 32, 0.3, 0.2, 0.11, 0.18],
    "add": [11, 16, 11, 9, 22, 0.6, 0.5, 0.3, 0.2],
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", TRUTH)
def test_noise_free_runs_give_their_coefficients_back(name):
    law, truth = LAWS[name], np.array(TRUTH[name])
    runs = RUNS.assign(error=predict(law, truth, RUNS, FitOptions())[0])
    found = fit(law, runs, FitOptions(starts=100), rng=rng())
    np.testing.assert_allclose(found.theta, truth, rtol=1e-3)
    np.testing.assert_allclose(found.predict(runs), runs["error"], rtol=1e-6)


def test_chinchilla_coefficients_come_back_from_its_own_runs():
    law, draw = chinchilla(), rng(1)
    runs = pd.DataFrame(
        {
            "lm_params": 10 ** draw.uniform(8, 10, 60),
            "train_examples": 10 ** draw.uniform(9, 11, 60),
        }
    )
    options = FitOptions(starts=100, units={"lm_params": 1e9, "train_examples": 1e9})
    truth = np.array([0.35, 1.2, 1.8, 0.35, 0.37])
    runs["error"] = predict(law, truth, runs, options)[0]
    np.testing.assert_allclose(fit(law, runs, options, rng=rng()).theta, truth, rtol=1e-3)


def test_loss_is_the_printed_objective():
    found = fit(LAWS["add"], RUNS, FitOptions(starts=50), rng=rng())
    residual = np.log(found.predict(RUNS)) - np.log(RUNS["error"])
    assert found.loss == pytest.approx((residual**2).sum())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize("space", ["log", "raw"])
def test_gradient_of_every_objective_equals_differences(form, loss, space):
    law = LAWS[form]
    problem, centre = make_problem(law, STAR, FitOptions(loss=loss, space=space, huber_delta=0.01))
    theta = draw_starts(law, FitOptions(), centre, (1,), rng(2))[0]
    weights = rng(3).uniform(0, 2, len(STAR))
    slope = 2 * loss_and_slope(problem, theta, weights)[1]
    for p, step in enumerate(np.diag(1e-6 * (1 + np.abs(theta)))):
        above, below = (loss_and_slope(problem, theta + s * step, weights)[0] for s in (1, -1))
        scale = np.abs(slope).max()
        assert slope[p] == pytest.approx(
            (above - below) / (2 * step[p]), rel=1e-3, abs=1e-5 * scale
        )


@pytest.mark.parametrize(("form", "starts"), [("mult", 20), ("add", 20), ("add-interact", 60)])
def test_both_optimisers_find_the_same_optimum(form, starts):
    law, options = LAWS[form], FitOptions()
    problem, centre = make_problem(law, RUNS, options)
    drawn = draw_starts(law, options, centre, (1, starts), rng(4))
    weights = rng(5).multinomial(len(RUNS), np.full(len(RUNS), 1 / len(RUNS)), size=1)
    by_lbfgs = l_bfgs(problem, drawn, weights)[1].min()
    more = draw_starts(law, options, centre, (1, 4 * starts), rng(6))
    by_lm = levenberg_marquardt(problem, more, weights)[1].min()
    assert by_lm == pytest.approx(by_lbfgs, rel=2e-3)


def test_an_optimum_of_lm_stays_one_for_lbfgs():
    law, options = LAWS["add-interact"], FitOptions()
    problem, centre = make_problem(law, RUNS, options)
    theta, losses = levenberg_marquardt(
        problem, draw_starts(law, options, centre, (1, 500), rng()), np.ones((1, len(RUNS)))
    )
    best = theta[:, [losses.argmin()]]
    polished = l_bfgs(problem, best, np.ones((1, len(RUNS))))[1]
    assert polished[0, 0] == pytest.approx(losses.min(), rel=1e-4)


def test_units_change_the_labels_and_not_the_fit():
    small = fit(LAWS["add"], RUNS, FitOptions(starts=100), rng=rng())
    counts = fit(LAWS["add"], RUNS, FitOptions(starts=100, units={}), rng=rng(), starts_at=None)
    assert counts.loss == pytest.approx(small.loss, rel=1e-6)
    np.testing.assert_allclose(counts.predict(RUNS), small.predict(RUNS), rtol=1e-3)


def test_positive_exponents_stay_positive_and_cost_loss():
    free = fit(LAWS["add-interact"], RUNS, rng=rng())
    positive = fit(LAWS["add-interact"], RUNS, FitOptions(exponents="positive"), rng=rng())
    assert min(positive.params[name] for name in positive.law.exponents) >= 0
    assert positive.loss > free.loss


def test_a_wall_is_reported():
    star = fit(LAWS["add"], STAR, rng=rng())
    assert star.params["eps"] == 0 and "eps" in star.diagnostics.at_bound
    assert star.diagnostics.failed == 0 and star.diagnostics.condition > 1


def test_the_same_seed_gives_the_same_fit():
    first, second = (fit(LAWS["add-interact"], STAR, rng=rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first.theta, second.theta)


def test_lmfit_agrees_on_the_optimum_and_gives_standard_errors():
    found = fit(LAWS["add"], RUNS, rng=rng())
    _, result = found.lmfit()
    assert result.chisqr == pytest.approx(found.loss, rel=1e-6)
    assert all(np.isfinite(result.params[name].stderr) for name in result.var_names)


def test_the_lmfit_model_is_the_law():
    found = fit(LAWS["add"], RUNS, FitOptions(starts=50), rng=rng())
    model = lmfit_model(LAWS["add"])
    factors = {name: RUNS[name] for name in found.law.factors}
    assert model.independent_vars == list(factors)
    np.testing.assert_allclose(model.eval(**factors, **found.params), found.predict(RUNS))
    refitted = model.fit(RUNS["error"], **factors, **found.params)
    assert refitted.chisqr <= ((found.predict(RUNS) - RUNS["error"]) ** 2).sum() * (1 + 1e-9)


@pytest.mark.parametrize(
    ("law", "runs", "message"),
    [
        (LAWS["add-interact"], RUNS.head(14), "15 parameters but only 14 runs"),
        (
            LAWS["add"],
            RUNS[RUNS["sweep"] == "isoflop"],
            "train_examples has one level \\(2e\\+06\\)",
        ),
        (LAWS["add"], RUNS.drop(columns="error"), "column 'error'"),
        (LAWS["add"], RUNS.assign(error=0.0), "error must be positive"),
    ],
)
def test_runs_that_cannot_decide_a_law_are_refused(law, runs, message):
    with pytest.raises(FitError, match=message):
        fit(law, runs, FitOptions(starts=2), rng=rng())


def test_the_star_alone_is_enough():
    assert fit(LAWS["add-interact"], STAR, FitOptions(starts=50), rng=rng()).loss < 0.01


def test_one_factor_law_fits_one_arm_of_the_star():
    arm = STAR[(STAR["lm_params"] == 7.5e9) & (STAR["tokens_per_frame"] == 196)]
    found = fit(make_law("add", ["frames"]), arm, FitOptions(starts=50), rng=rng())
    assert np.abs(found.predict(arm) - arm["error"]).max() < 1.0


def test_no_finite_start_raises():
    starts = np.zeros((3, len(LAWS["add"].parameters)))  # every coefficient zero: f = 0
    with pytest.raises(FitError, match="none of the 3 starts"):
        fit(LAWS["add"], RUNS, rng=rng(), starts_at=starts)


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimiser": "adam"},
        {"loss": "l1"},
        {"space": "sqrt"},
        {"starts": 0},
        {"max_exponent": -1.0},
    ],
)
def test_options_name_what_is_wrong(wrong):
    (name, value), *_ = wrong.items()
    with pytest.raises(ValueError, match=f"{name}.*{value}"):
        FitOptions(**wrong)
