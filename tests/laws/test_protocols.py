"""A law that is no sum of monomials takes part in fit, bag, comparison and mix."""

import numpy as np
import pytest

from vvlm_utils.laws.bag_io import save_bag
from vvlm_utils.laws.bagging import bag, hold_factors
from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import get_law
from vvlm_utils.laws.law import is_sum, log_values
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior
from vvlm_utils.laws.problem import predict
from vvlm_utils.laws.protocols import ErrorLaw, FunctionLaw, Model
from vvlm_utils.laws.validation import compare_laws
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")
FEW = FitOptions(starts=8)
BOX = ((1, 1, 1, 0, 0, 0), (90, 90, 90, 2, 2, 2))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def bottleneck(theta, log_z):
    """The largest of three falling terms, smoothed: no sum of monomials."""
    c, a = theta[:3], theta[3:]
    terms = np.log(c)[:, None] - a[:, None] * log_z
    return np.logaddexp.reduce(8 * terms, axis=0) / 8, None


class OwnLaw:
    """Nothing of the package: the attributes of the protocol alone."""

    name, factors = "own", ("lm_params", "frames", "tokens_per_frame")
    parameters, bounds = ("c1", "c2", "c3", "a1", "a2", "a3"), BOX

    def log_error(self, theta, log_z):
        return bottleneck(theta, log_z)


LAW = FunctionLaw("bottleneck", OwnLaw.factors, OwnLaw.parameters, BOX, bottleneck)


def test_laws_and_models_follow_the_protocols():
    assert isinstance(get_law("pnorm-decay"), ErrorLaw) and isinstance(OwnLaw(), ErrorLaw)
    assert isinstance(bag(get_law("mult"), RUNS, rng=rng(), resamples=2, search="quick"), Model)
    assert is_sum(get_law("add-decay")) and not is_sum(get_law("pnorm-decay"))
    assert not is_sum(OwnLaw())


def test_a_function_recovers_the_law_that_made_the_runs():
    theta = np.array([40.0, 60.0, 50.0, 0.1, 0.2, 0.15])
    runs = RUNS.assign(error=predict(LAW, theta, RUNS, FitOptions())[0])
    found = fit(OwnLaw(), runs, FEW, rng=rng())
    np.testing.assert_allclose(found.predict(runs), runs["error"], rtol=1e-5)
    assert found.diagnostics.condition > 1


def test_differences_stand_in_for_a_gradient():
    law, theta = get_law("pnorm-decay", ["frames"]), np.array([9.0, 5, 4, 0.3, 0.1, 0.2, 0.7])
    log_z = np.log(RUNS[["frames", "train_examples"]].to_numpy().T / [[1], [1e6]])
    blind = FunctionLaw(
        "blind", law.factors, law.parameters, ([-9] * 7, [9] * 7),
        lambda theta, log_z: (law.log_error(theta, log_z)[0], None),
    )  # fmt: skip
    exact, by_steps = (log_values(each, theta, log_z)[1] for each in (law, blind))
    np.testing.assert_allclose(by_steps, exact, rtol=1e-5, atol=1e-8)


def test_a_function_is_bagged_and_compared_beside_the_paper_forms():
    laws = [get_law("mult"), OwnLaw()]
    few = {"resamples": 2, "search": "quick", "folds": 2, "tests": ["cv"]}
    table = compare_laws(RUNS, rng(), laws, options=FEW, **few)
    assert list(table["law"].unique()) == ["mult", "own"]
    assert np.isfinite(table["predicted"]).all()


def test_a_function_takes_a_prior_by_name():
    named = {name: (50.0 if name[0] == "c" else 0.2, 1e-4) for name in OwnLaw.parameters}
    found = fit(OwnLaw(), RUNS, FitOptions(prior=Prior(named=named)), rng=rng())
    assert found.params["a1"] == pytest.approx(0.2, abs=1e-2)
    with pytest.raises(ValueError, match="give its parameter 'c1' a prior by name"):
        fit(OwnLaw(), RUNS, FitOptions(prior=Prior()), rng=rng())


def test_a_held_factor_of_a_function_is_its_level(tmp_path):
    law = FunctionLaw(
        "two", ("frames", "bits"), ("c", "a"), ((1, 0), (90, 2)),
        lambda theta, log_z: (np.log(theta[0]) - theta[1] * log_z.sum(axis=0), None),
    )  # fmt: skip
    runs = RUNS.assign(bits=np.where(np.arange(len(RUNS)) % 2, 4.0, 8.0))
    found = bag(law, runs, FEW, rng=rng(), resamples=2)
    held = hold_factors(found, {"bits": 8.0})
    np.testing.assert_allclose(held.predict(RUNS), found.predict(RUNS.assign(bits=8.0)))
    with pytest.raises(ValueError, match="law 'two' is a function"):
        save_bag(found, tmp_path / "fit.json")


def test_a_norm_with_a_held_factor_keeps_its_terms():
    law = get_law("pnorm-decay", ["lm_params", "frames", "bits"])
    runs = RUNS.assign(bits=np.where(np.arange(len(RUNS)) % 2, 4.0, 8.0))
    found = bag(law, runs, FitOptions(prior=Prior()), rng=rng(), resamples=2)
    held = hold_factors(found, {"bits": 8.0})
    np.testing.assert_allclose(held.predict(RUNS), found.predict(runs.assign(bits=8.0)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameters": ("c", "c")}, "needs distinct parameters"),
        ({"bounds": ((1, 0), (90, np.inf))}, "bounds must be finite"),
        ({"bounds": ((1,), (90, 2))}, "one low and one high bound each"),
    ],
)
def test_refusals_name_the_law(change, message):
    good = {"name": "two", "factors": ("frames",), "parameters": ("c", "a")}
    good |= {"bounds": ((1, 0), (90, 2)), "function": bottleneck}
    with pytest.raises(ValueError, match=f"law 'two'.*{message}"):
        FunctionLaw(**good | change)
