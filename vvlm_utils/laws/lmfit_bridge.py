"""A law as lmfit sees it: an lmfit Model, and a fit with lmfit's own results."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import lmfit
import numpy as np

from vvlm_utils.laws.law import Law, change_units, coefficient_count, values
from vvlm_utils.laws.options import FitError, FitOptions
from vvlm_utils.laws.problem import make_problem, predict
from vvlm_utils.laws.protocols import ErrorLaw

if TYPE_CHECKING:
    from vvlm_utils.laws.fitting import LawFit


def lmfit_box(law: ErrorLaw, options: FitOptions) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of an lmfit parameter, in ``options.units``: the box, coefficients without a top."""
    low, high = (np.array(side, dtype=float) for side in law.bounds)
    if isinstance(law, Law):
        exponents = slice(len(law.terms), len(law.terms) + len(law.exponents))
        low[exponents] = 0.0 if options.exponents == "positive" else -options.max_exponent
        high[exponents] = options.max_exponent
    return low, high


def lmfit_model(law: ErrorLaw, options: FitOptions | None = None) -> lmfit.Model:
    """The law as an lmfit Model whose independent variables are the law's factors, as counts."""
    options = options or FitOptions()

    def model(**named):
        theta = np.array([named[name] for name in law.parameters])
        return predict(law, theta, {f: named[f] for f in law.factors}, options)[0]

    # lmfit reads the names from a function's signature, so the model is given the law's.
    kind = inspect.Parameter.KEYWORD_ONLY
    names = [inspect.Parameter(n, kind) for n in (*law.factors, *law.parameters)]
    model.__signature__ = inspect.Signature(names)
    lm = lmfit.Model(model, independent_vars=list(law.factors), name=law.name)
    low, high = lmfit_box(law, options)
    for k, (name, least, most) in enumerate(zip(law.parameters, low, high, strict=True)):
        value = 10.0 if k < coefficient_count(law) else float(np.clip(0.3, least, most))
        lm.set_param_hint(name, min=least, max=most, value=value)
    return lm


def minimise(fitted: LawFit) -> tuple[lmfit.Minimizer, lmfit.minimizer.MinimizerResult]:
    """What :meth:`LawFit.lmfit` gives: lmfit's own search from a fit's parameters."""
    if fitted.options.loss != "squared":
        raise FitError(f"lmfit needs loss 'squared', and this fit has {fitted.options.loss!r}")
    parameters = lmfit.Parameters()
    problem, centre = make_problem(fitted.law, fitted.runs, fitted.options)
    low, high = lmfit_box(fitted.law, fitted.options)
    for name, value, least, most in zip(
        fitted.law.parameters, fitted.theta, low, high, strict=True
    ):
        vary = name not in fitted.diagnostics.at_bound
        parameters.add(name, value, min=least, max=most, vary=vary)
    scale = np.asarray if fitted.options.space == "raw" else np.log
    observed = scale(problem.error)
    to_centre = centre - fitted.options.log_units(fitted.law)
    (mean,), precision = problem.priors(1)

    def residual(p):
        theta = np.array([p[name].value for name in fitted.law.parameters])
        theta = change_units(fitted.law, theta, to_centre)
        misses = scale(values(fitted.law, theta, problem.log_z)[0]) - observed
        if problem.prior_weight is None:
            return misses
        return np.r_[misses, np.sqrt(precision) * (problem.to_search(theta) - mean)]

    minimizer = lmfit.Minimizer(residual, parameters)
    with np.errstate(invalid="ignore"):  # of a singular covariance lmfit takes roots below zero
        return minimizer, minimizer.minimize(method="least_squares")
