"""Where the searches of a fit start."""

from __future__ import annotations

import numpy as np

from vvlm_utils.laws.law import Law, coefficient_count
from vvlm_utils.laws.optimisers import Problem
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import prior_draws
from vvlm_utils.laws.protocols import ErrorLaw


def draw_starts(
    law: ErrorLaw,
    options: FitOptions,
    centre: np.ndarray,
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """The paper's random starts, (*shape, parameters), re-labelled for factors from ``centre``.

    A law that is no sum or norm of monomials starts anywhere within its bounds.
    """
    terms, size = coefficient_count(law), len(law.parameters)
    if not isinstance(law, Law):
        return rng.uniform(*law.bounds, (*shape, size))
    if options.start == "zero":
        theta = np.concatenate([np.ones(terms), np.zeros(size - terms)])
        theta = np.broadcast_to(theta, (*shape[:-1], 1, size))
    else:
        coefficients = rng.uniform(0.0, 30.0, (*shape, terms))
        exponents = rng.uniform(-1.0, 1.0, (*shape, size - terms))
        theta = np.concatenate([coefficients, exponents], axis=-1)
    return law.change_units(theta, centre - options.log_units(law))


FEW_STARTS = 40  # of a penalised fit, whose prior leaves few local optima
FUNCTION_STARTS = 20  # of a law that is searched in Python


def start_points(
    problem: Problem, options: FitOptions, centre: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Starts of one fit: the paper's, or with a prior its mean and draws from it."""
    law = problem.law
    if options.prior is not None:
        drawn = prior_draws(law, options.prior, problem.error, FEW_STARTS - 1, rng)
        return np.vstack([problem.from_search(problem.prior_mean), drawn])
    starts = options.starts if isinstance(law, Law) else min(options.starts, FUNCTION_STARTS)
    return draw_starts(law, options, centre, (starts,), rng)
