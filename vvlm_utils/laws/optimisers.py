"""Two optimisers for one problem: weighted least squares of a law inside a box.

    minimise over theta in [low, high]:   sum_i weight_i rho(r_i) + sum_q v_q (theta_q - m_q)**2
    with r = log f - log y  or  f - y

with rho(r) = r**2, or Huber's loss, which is r**2 up to delta and grows linearly past it. The
second sum is a prior's, one more residual for each parameter, and is left out without a prior.
With a prior, and in a p-norm, the search moves the logarithms of the coefficients.

``levenberg-marquardt`` is compiled (``laws.descent``) and runs thousands of starts in parallel.
``l-bfgs`` is the paper's procedure: SciPy's L-BFGS-B on the summed loss, with the analytic
gradient. Both see the same numbers and the same box, and tests hold them to one answer. A law that
is no sum or norm of monomials is searched by SciPy's bounded least squares, whichever of the two is
asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares, minimize

from vvlm_utils.laws.descent import descend_all, newton_all, normal_equations
from vvlm_utils.laws.law import Law, coefficient_count, log_values
from vvlm_utils.laws.protocols import ErrorLaw

SMALLEST_COEFFICIENT = 1e-6  # points; where a search of logarithms stops


@dataclass(frozen=True)
class Problem:
    """What the optimisers solve; every array is in the units of ``log_z``.

    log_z : (factors, rows), natural logarithms
    error : (rows,), the observed error y, points; or (resamples, rows), each resample its own
    low, high : (parameters,), the box
    huber_delta : where Huber's loss turns linear, in units of the residual; inf for squares
    raw : residual f - y instead of log f - log y
    prior_mean : m of every parameter as it is searched, coefficients by their logarithm; shape
        (parameters,) or (resamples, parameters)
    prior_weight : v, (parameters,); None without a prior
    """

    law: ErrorLaw
    log_z: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    huber_delta: float = np.inf
    raw: bool = False
    prior_mean: np.ndarray | None = None
    prior_weight: np.ndarray | None = None

    @property
    def logs(self) -> bool:
        """Whether both optimisers move the logarithms of the coefficients."""
        is_norm = isinstance(self.law, Law) and self.law.norm is not None
        return self.prior_weight is not None or is_norm

    def to_search(self, theta: np.ndarray) -> np.ndarray:
        """``theta`` (..., parameters) inside the box, coefficients by their logarithm."""
        x = np.clip(np.array(theta, dtype=float), self.low, self.high)
        first = np.s_[..., : coefficient_count(self.law)]
        x[first] = np.log(np.maximum(x[first], SMALLEST_COEFFICIENT))
        return x

    def from_search(self, x: np.ndarray) -> np.ndarray:
        """Undo :meth:`to_search`."""
        theta = np.array(x, dtype=float)
        first = np.s_[..., : coefficient_count(self.law)]
        theta[first] = np.exp(theta[first])
        return theta

    def priors(self, resamples: int) -> tuple[np.ndarray, np.ndarray]:
        """The prior's means (resamples, parameters) and weights (parameters,); zeros for none."""
        size = len(self.law.parameters)
        if self.prior_weight is None:
            return np.zeros((resamples, size)), np.zeros(size)
        means = np.broadcast_to(self.prior_mean, (resamples, size))
        return own_copy(means), own_copy(self.prior_weight)


def own_copy(array: np.ndarray) -> np.ndarray:
    """A copy that can be written to: for one that cannot, numba would compile once more."""
    return np.array(array, dtype=float, order="C")


def loss_and_slope(
    problem: Problem, theta: np.ndarray, weights: np.ndarray, logs: bool = False
) -> tuple[float, np.ndarray]:
    """The summed loss at one ``theta`` and half its gradient, shape (parameters,).

    logs : coefficients are given, and differentiated, by their logarithms
    """
    size = theta.size
    slope, hessian = np.empty(size), np.empty((size, size))
    work = np.empty((size + 2, problem.error.size))
    means, precision = problem.priors(1)
    loss = normal_equations(
        theta, problem.log_z, problem.error, weights, problem.law.entries, problem.law.joined,
        float(problem.huber_delta), problem.raw, logs, means[0], precision, hessian, slope, work,
    )  # fmt: skip
    return loss, slope


def levenberg_marquardt(
    problem: Problem,
    starts: np.ndarray,
    weights: np.ndarray,
    steps: int = 500,
    tolerance: float = 1e-8,
) -> tuple[np.ndarray, np.ndarray]:
    """Descend from every start by Levenberg-Marquardt.

    starts (resamples, starts, parameters) and weights (resamples, rows) give
    theta (resamples, starts, parameters) and losses (resamples, starts); a start that never
    reached a finite loss has the loss inf.
    """
    if not isinstance(problem.law, Law):
        return bounded_least_squares(problem, starts, weights, steps, tolerance)
    weights = own_copy(weights)
    error = own_copy(np.broadcast_to(problem.error, weights.shape))
    theta, low, high = own_copy(starts), problem.low, problem.high
    if problem.logs:
        theta, low, high = (problem.to_search(x) for x in (theta, low, high))
    means, precision = problem.priors(len(weights))
    losses = descend_all(
        theta, own_copy(problem.log_z), error, weights,
        low, high, problem.law.entries, problem.law.joined,
        float(problem.huber_delta), problem.raw, problem.logs, means, precision, steps, tolerance,
    )  # fmt: skip
    return problem.from_search(theta) if problem.logs else theta, losses


def finish(
    problem: Problem, theta: np.ndarray, weights: np.ndarray, steps: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """Carry the best end of each resample's descents to its optimum; no loss rises.

    Penalised sums and norms of monomials are finished by Newton's method, so that two programs
    that descend alike end alike; any other by one more descent, at a tolerance of 1e-12.

    theta (resamples, parameters) and weights (resamples, rows); returns theta and losses.
    """
    if problem.prior_weight is None or not isinstance(problem.law, Law):
        found, losses = levenberg_marquardt(problem, theta[:, None], weights, tolerance=1e-12)
        return found[:, 0], losses[:, 0]
    weights = own_copy(weights)
    error = own_copy(np.broadcast_to(problem.error, weights.shape))
    x, low, high = (problem.to_search(each) for each in (theta, problem.low, problem.high))
    means, precision = problem.priors(len(weights))
    losses = newton_all(
        x, own_copy(problem.log_z), error, weights, low, high, problem.law.entries,
        problem.law.joined, float(problem.huber_delta), problem.raw, True, means, precision, steps,
    )  # fmt: skip
    return problem.from_search(x), losses


def l_bfgs(
    problem: Problem,
    starts: np.ndarray,
    weights: np.ndarray,
    steps: int = 15_000,
    tolerance: float = 1e-12,
) -> tuple[np.ndarray, np.ndarray]:
    """Descend from every start by SciPy's L-BFGS-B, called as :func:`levenberg_marquardt` is.

    It moves the logarithms of the coefficients, without which most starts stall far from any
    optimum; so a coefficient ends no lower than ``SMALLEST_COEFFICIENT`` instead of at zero.
    """
    if not isinstance(problem.law, Law):
        return bounded_least_squares(problem, starts, weights, steps, tolerance)

    def loss_and_gradient(x, own, weight):
        loss, slope = loss_and_slope(own, x, weight, logs=True)
        return loss, 2.0 * slope

    theta = problem.to_search(starts)
    box = list(zip(*(problem.to_search(side) for side in (problem.low, problem.high)), strict=True))
    options = {"maxiter": steps, "maxfun": 10 * steps, "ftol": tolerance, "gtol": 1e-12}
    losses = np.empty(theta.shape[:2])
    for (b, s), own, weight in _one_by_one(problem, losses.shape, weights):
        result = minimize(
            loss_and_gradient, theta[b, s], args=(own, weight),
            jac=True, method="L-BFGS-B", bounds=box, options=options,
        )  # fmt: skip
        theta[b, s] = result.x
        losses[b, s] = result.fun if np.isfinite(result.fun) else np.inf
    return problem.from_search(theta), losses


def _one_by_one(problem: Problem, shape: tuple[int, int], weights: np.ndarray):
    """Each start's position, with the problem and the weights of its resample."""
    errors = np.broadcast_to(problem.error, np.shape(weights))
    means, _ = problem.priors(shape[0])
    for b, s in np.ndindex(shape):
        own = replace(problem, error=errors[b], prior_mean=means[b])
        yield (b, s), own, np.asarray(weights[b], dtype=float)


def bounded_least_squares(
    problem: Problem,
    starts: np.ndarray,
    weights: np.ndarray,
    steps: int = 500,
    tolerance: float = 1e-8,
) -> tuple[np.ndarray, np.ndarray]:
    """Descend by SciPy's trust-region least squares, for any :class:`ErrorLaw`.

    Called as :func:`levenberg_marquardt` is. Raises ValueError for Huber's loss.
    """
    if np.isfinite(problem.huber_delta):
        raise ValueError(f"law {problem.law.name!r} is fitted with loss 'squared' alone")
    theta = np.clip(np.array(starts, dtype=float), problem.low, problem.high)
    losses, (_, precision) = np.empty(theta.shape[:2]), problem.priors(1)
    for (b, s), own, weight in _one_by_one(problem, losses.shape, weights):
        kept = weight > 0
        scale = np.sqrt(weight[kept])

        def residual(x, own=own, scale=scale, kept=kept):
            log_f = log_values(own.law, x, own.log_z[:, kept])[0]
            misses = np.exp(log_f) - own.error[kept] if own.raw else log_f - np.log(own.error[kept])
            return np.r_[scale * misses, np.sqrt(precision) * (x - own.prior_mean)]

        def jacobian(x, own=own, scale=scale, kept=kept):
            log_f, gradient = log_values(own.law, x, own.log_z[:, kept])
            by_row = scale * (np.exp(log_f) if own.raw else 1.0)
            return np.vstack([(gradient * by_row).T, np.diag(np.sqrt(precision))])

        try:
            found = least_squares(
                residual, theta[b, s], jacobian, bounds=(own.low, own.high), x_scale="jac",
                ftol=tolerance, xtol=1e-12, gtol=1e-12, max_nfev=steps,
            )  # fmt: skip
        except ValueError:  # SciPy's word for a start whose residuals are not finite
            losses[b, s] = np.inf
            continue
        theta[b, s], losses[b, s] = found.x, 2 * found.cost
    return theta, losses


OPTIMISERS = {"levenberg-marquardt": levenberg_marquardt, "l-bfgs": l_bfgs}
