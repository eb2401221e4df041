"""The optimisers' problem, made from a law, a table of runs and how to fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from vvlm_utils.laws.diagnostics import residual_noise
from vvlm_utils.laws.law import Law, log_design, values
from vvlm_utils.laws.optimisers import OPTIMISERS, SMALLEST_COEFFICIENT, Problem
from vvlm_utils.laws.options import FitError, FitOptions
from vvlm_utils.laws.priors import Prior
from vvlm_utils.laws.protocols import ErrorLaw


def make_problem(
    law: ErrorLaw, runs: pd.DataFrame, options: FitOptions
) -> tuple[Problem, np.ndarray]:
    """The optimisers' problem, factors measured from the runs' geometric centre, and that centre.

    The centre is given as logarithms, shape (factors,); a law that is no sum or norm of monomials
    is left in ``options.units`` instead. Raises FitError when the table cannot decide the law's
    parameters.
    """
    if "error" not in runs:
        raise FitError("the runs need a column 'error' in points; load them with load_runs")
    log_z = log_design(law, runs)
    error = runs["error"].to_numpy(dtype=float)
    if not (np.isfinite(error) & (error > 0)).all():
        raise FitError(f"error must be positive to have a logarithm, got {np.min(error)}")
    size = len(law.parameters)
    if len(runs) < size and options.prior is None:
        raise FitError(
            f"law {law.name!r} has {size} parameters but only {len(runs)} runs; add runs"
        )
    for factor, column in zip(law.factors, log_z, strict=True):
        if np.ptp(column) == 0:
            level = f"{np.exp(column[0]):g}"
            raise FitError(
                f"{factor} has one level ({level}) in these runs, so its exponent in law "
                f"{law.name!r} cannot be found; add runs at another {factor}"
            )
    if np.ptp(error) == 0:
        raise FitError("every run has the same metric, so no factor matters; look at the scores")
    low, high = _box(law, options)
    delta = options.huber_delta if options.loss == "huber" else np.inf
    centre = log_z.mean(axis=1) if isinstance(law, Law) else options.log_units(law)
    log_z = log_z - centre[:, None]
    problem = Problem(law, log_z, error, low, high, delta, options.space == "raw")
    if options.prior is not None:
        problem = _penalised(problem, options.prior)
    return problem, centre


def _box(law: ErrorLaw, options: FitOptions) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of a fit, for factors measured from the runs' centre."""
    low, high = (np.array(side, dtype=float) for side in law.bounds)
    if isinstance(law, Law):
        terms = len(law.terms)
        # A search of logarithms never reaches zero.
        by_logs = options.prior is not None or law.norm
        low[:terms] = SMALLEST_COEFFICIENT if by_logs else 0.0
        high[:terms] = options.max_coefficient
        exponents = slice(terms, terms + len(law.exponents))
        low[exponents] = 0.0 if options.exponents == "positive" else -options.max_exponent
        high[exponents] = options.max_exponent
    return low, high


NOISE_ROUNDS = 3


def _penalised(problem: Problem, prior: Prior) -> Problem:
    """The problem with a prior, its weight in units of the squared residual.

    Where the prior leaves the noise to the runs, it is that of the penalised fit's residuals,
    found in a few rounds from 1%.
    """
    mean, sd = prior.moments(problem.law, problem.error)
    noise = prior.noise or 0.01
    start = np.clip(problem.from_search(mean), problem.low, problem.high)[None, None]
    ones = np.ones((1, problem.error.size))
    for _ in range(NOISE_ROUNDS if prior.noise is None else 0):
        trial = replace(problem, prior_mean=mean, prior_weight=(noise / sd) ** 2)
        theta, _ = OPTIMISERS["levenberg-marquardt"](trial, start, ones)
        noise = max(residual_noise(trial, theta[0, 0]), 1e-4)
    return replace(problem, prior_mean=mean, prior_weight=(noise / sd) ** 2)


def predict(
    law: ErrorLaw, theta: np.ndarray, table: pd.DataFrame, options: FitOptions
) -> np.ndarray:
    """Error in points, shape (members, rows), of ``theta`` given in ``options.units``."""
    return values(law, theta, log_design(law, table) - options.log_units(law)[:, None])
