"""Two optimisers for one problem: weighted least squares of a law inside a box.

    minimise over theta in [low, high]:   sum_i weight_i rho(r_i) + sum_q v_q (theta_q - m_q)**2
    with r = log f - log y  or  f - y

with rho(r) = r**2, or Huber's loss, which is r**2 up to delta and grows linearly past it. The
second sum is a prior's, one more residual for each parameter, and is left out without a prior.
With a prior, and in a p-norm, the search moves the logarithms of the coefficients.

``levenberg-marquardt`` is compiled and runs thousands of starts in parallel. ``l-bfgs`` is
the paper's procedure: SciPy's L-BFGS-B on the summed loss, with the analytic gradient. Both see
the same numbers and the same box, and tests hold them to one answer. A law that is no sum or norm
of monomials is searched by SciPy's bounded least squares, whichever of the two is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
from scipy.optimize import least_squares, minimize

from vvlm_utils.laws.evaluation import evaluate
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


@numba.njit(cache=True, fastmath={"reassoc", "contract"}, error_model="numpy")
def normal_equations(
    theta, log_z, error, weights, entries, joined, delta, raw, logs, mean, precision,
    hessian, slope, work,
):  # fmt: skip
    """Loss at ``theta``; fills the Gauss-Newton ``hessian`` and half the gradient, ``slope``.

    logs : the coefficients in ``theta`` are logarithms; mean, precision : of the prior
    ``work`` (parameters + 2, rows) is scratch. A non-positive or non-finite value gives inf.
    """
    f, r, jacobian = work[0], work[1], work[2:]
    point = theta.copy()
    if logs:
        point[: joined.size] = np.exp(theta[: joined.size])
    evaluate(point, log_z, entries, joined, f, jacobian)
    if logs:
        for j in range(joined.size):
            for i in range(f.size):
                jacobian[j, i] *= point[j]  # chain rule: d c / d log c = c
    loss = 0.0
    for i in range(f.size):
        if not (f[i] > 0.0 and f[i] < np.inf):
            return np.inf
        r[i] = f[i] - error[i] if raw else np.log(f[i] / error[i])
        size = abs(r[i])
        loss += weights[i] * (r[i] * r[i] if size <= delta else delta * (2 * size - delta))
        scale = np.sqrt(weights[i] * min(1.0, delta / size if size > 0.0 else 1.0))
        r[i] *= scale
        f[i] = scale * f[i] if raw else scale  # from here on: the row's factor of the Jacobian
    for p in range(theta.size):
        for i in range(f.size):
            jacobian[p, i] *= f[i]
    for p in range(theta.size):
        slope[p] = 0.0
        for i in range(f.size):
            slope[p] += jacobian[p, i] * r[i]
        for q in range(p + 1):
            total = 0.0
            for i in range(f.size):
                total += jacobian[p, i] * jacobian[q, i]
            hessian[p, q] = total
            hessian[q, p] = total
    for p in range(theta.size):
        miss = theta[p] - mean[p]
        loss += precision[p] * miss * miss
        slope[p] += precision[p] * miss
        hessian[p, p] += precision[p]
    return loss


@numba.njit(cache=True, error_model="numpy")
def damped_step(hessian, slope, damping, free, fixed_step, factor, step):
    """Solve (H + damping diag H) step = -slope for the free parameters, the others held.

    ``fixed_step`` is how far the held ones move; ``factor`` is scratch for the Cholesky factor.
    """
    size = slope.size
    for p in range(size):
        total = -slope[p]
        for q in range(p + 1):
            entry = hessian[p, q] if free[p] and free[q] else 0.0
            if p == q:
                entry = hessian[p, p] * (1.0 + damping) + 1e-14 if free[p] else 1.0
            for k in range(q):
                entry -= factor[p, k] * factor[q, k]
            factor[p, q] = np.sqrt(max(entry, 1e-20)) if p == q else entry / factor[q, q]
        for q in range(size):
            if not free[q]:
                total -= hessian[p, q] * fixed_step[q]
        if not free[p]:
            total = 0.0
        for k in range(p):
            total -= factor[p, k] * step[k]
        step[p] = total / factor[p, p]
    for p in range(size - 1, -1, -1):
        total = step[p]
        for k in range(p + 1, size):
            total -= factor[k, p] * step[k]
        step[p] = total / factor[p, p]


@numba.njit(cache=True, error_model="numpy")
def boxed_step(theta, hessian, slope, damping, low, high, free, factor, step, moved):
    """A damped step that ends inside the box: what would leave it stops at the bound, and the
    rest is solved again. Returns the loss decrease that the quadratic model predicts."""
    for p in range(theta.size):
        at_low, at_high = theta[p] <= low[p], theta[p] >= high[p]
        free[p] = not ((at_low and slope[p] >= 0.0) or (at_high and slope[p] <= 0.0))
        moved[p] = 0.0
    inside = False
    while not inside:
        damped_step(hessian, slope, damping, free, moved, factor, step)
        inside = True
        for p in range(theta.size):
            bound = min(max(theta[p] + step[p], low[p]), high[p])
            if free[p] and bound != theta[p] + step[p]:
                moved[p] = bound - theta[p]
                free[p] = False
                inside = False
    predicted = 0.0
    for p in range(theta.size):
        step[p] = step[p] if free[p] else moved[p]
    for p in range(theta.size):
        curved = 0.0
        for q in range(theta.size):
            curved += hessian[p, q] * step[q]
        predicted -= step[p] * (2.0 * slope[p] + curved)
    return predicted


@numba.njit(cache=True, error_model="numpy")
def descend(
    theta, log_z, error, weights, low, high, entries, joined, delta, raw, logs, mean, precision,
    steps, tolerance,
):  # fmt: skip
    """Levenberg-Marquardt from one start; moves ``theta`` in place, returns its loss.

    Stops after three steps in a row that each lower the loss by less than ``tolerance`` of it.
    """
    size = theta.size
    work = np.empty((size + 2, error.size))
    hessian, hessian_new = np.empty((size, size)), np.empty((size, size))
    slope, slope_new = np.empty(size), np.empty(size)
    factor, free = np.empty((size, size)), np.empty(size, np.bool_)
    step, moved = np.empty(size), np.empty(size)
    theta[:] = np.minimum(np.maximum(theta, low), high)
    args = (log_z, error, weights, entries, joined, delta, raw, logs, mean, precision)
    loss = normal_equations(theta, *args, hessian, slope, work)
    damping, growth, stalls = 1e-2, 2.0, 0
    for _ in range(steps):
        predicted = boxed_step(theta, hessian, slope, damping, low, high, free, factor, step, moved)
        trial = np.minimum(np.maximum(theta + step, low), high)
        loss_new = normal_equations(trial, *args, hessian_new, slope_new, work)
        if loss_new < loss:
            gain = (loss - loss_new) / predicted if predicted > 0.0 else 0.0
            stalls = stalls + 1 if loss - loss_new < tolerance * loss else 0
            theta[:], loss = trial, loss_new
            hessian, hessian_new = hessian_new, hessian
            slope, slope_new = slope_new, slope
            damping = max(damping * max(0.2, 1.0 - (2.0 * gain - 1.0) ** 3), 1e-12)
            growth = 2.0
            if stalls == 3:
                break
        elif predicted <= 1e-13 * loss or damping > 1e16 or not loss < np.inf:
            break
        else:
            damping *= growth
            growth *= 2.0
    return loss


@numba.njit(cache=True, parallel=True)
def descend_all(
    theta, log_z, error, weights, low, high, entries, joined, delta, raw, logs, means, precision,
    steps, tol,
):  # fmt: skip
    """Run :func:`descend` from theta (resamples, starts, parameters) in place; returns losses.

    weights, error : (resamples, rows); rows of weight zero are left out of the work.
    """
    losses = np.empty(theta.shape[:2])
    for job in numba.prange(losses.size):
        b, s = job // losses.shape[1], job % losses.shape[1]
        kept = np.flatnonzero(weights[b])
        losses[b, s] = descend(
            theta[b, s], log_z[:, kept], error[b][kept], weights[b][kept],
            low, high, entries, joined, delta, raw, logs, means[b], precision, steps, tol,
        )  # fmt: skip
    return losses


DIFFERENCE = 1e-5  # of a parameter, about which slopes are compared


@numba.njit(cache=True, error_model="numpy")
def newton(
    theta, log_z, error, weights, low, high, entries, joined, delta, raw, logs, mean, precision,
    steps,
):  # fmt: skip
    """Newton's method from the end of a descent; moves ``theta`` in place, returns its loss.

    The curvature is the central difference of the slopes, so that steps converge in a flat valley,
    where those of :func:`descend` grow ever shorter. A step that does not lower the loss is damped
    by the Gauss-Newton curvature, tenfold until it does.
    """
    size = theta.size
    work = np.empty((size + 2, error.size))
    hessian, other = np.empty((size, size)), np.empty((size, size))
    curvature = np.empty((size, size))
    slope, above, below = np.empty(size), np.empty(size), np.empty(size)
    factor, free = np.empty((size, size)), np.empty(size, np.bool_)
    step, moved = np.empty(size), np.empty(size)
    args = (log_z, error, weights, entries, joined, delta, raw, logs, mean, precision)
    loss, damping = normal_equations(theta, *args, hessian, slope, work), 0.0
    for _ in range(steps if loss < np.inf else 0):
        for p in range(size):
            middle = theta[p]
            gap = DIFFERENCE * (1.0 + abs(middle))
            theta[p] = middle + gap
            worst = normal_equations(theta, *args, other, above, work)
            theta[p] = middle - gap
            worst += normal_equations(theta, *args, other, below, work)
            theta[p] = middle
            if not worst < np.inf:
                return loss
            for q in range(size):
                curvature[p, q] = (above[q] - below[q]) / (2.0 * gap)
        curvature = (curvature + curvature.T) / 2.0
        while True:
            damped = curvature + damping * np.diag(np.diag(hessian))
            boxed_step(theta, damped, slope, 0.0, low, high, free, factor, step, moved)
            trial = np.minimum(np.maximum(theta + step, low), high)
            loss_new = normal_equations(trial, *args, other, above, work)
            if loss_new < loss or damping > 1e8:
                break
            damping = max(1e-4, 10.0 * damping)
        if not loss_new < loss:
            break
        theta[:], loss = trial, loss_new
        slope, above = above, slope
        hessian, other = other, hessian
        damping = damping / 100.0 if damping > 1e-3 else 0.0
    return loss


@numba.njit(cache=True, parallel=True)
def newton_all(
    theta, log_z, error, weights, low, high, entries, joined, delta, raw, logs, means, precision,
    steps,
):  # fmt: skip
    """Run :func:`newton` from theta (resamples, parameters) in place; returns losses."""
    losses = np.empty(len(theta))
    for b in numba.prange(losses.size):
        kept = np.flatnonzero(weights[b])
        losses[b] = newton(
            theta[b], log_z[:, kept], error[b][kept], weights[b][kept],
            low, high, entries, joined, delta, raw, logs, means[b], precision, steps,
        )  # fmt: skip
    return losses


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
