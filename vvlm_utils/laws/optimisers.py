"""Two optimisers for one problem: weighted least squares of a law inside a box.

    minimise over theta in [low, high]:   sum_i weight_i rho(r_i),   r = log f - log y  or  f - y

with rho(r) = r**2, or Huber's loss, which is r**2 up to delta and grows linearly past it.

``levenberg-marquardt`` is compiled and runs thousands of starts in parallel. ``l-bfgs`` is
the paper's procedure: SciPy's L-BFGS-B on the summed loss, with the analytic gradient. Both see
the same numbers and the same box, and tests hold them to one answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
from scipy.optimize import minimize

from vvlm_utils.laws.forms import Law, evaluate

SMALLEST_COEFFICIENT = 1e-6  # points; where optimiser l-bfgs, which searches logarithms, stops


@dataclass(frozen=True)
class Problem:
    """What the optimisers solve; every array is in the units of ``log_z``.

    log_z : (factors, rows), natural logarithms
    error : (rows,), the observed error y, points; or (resamples, rows), each resample its own
    low, high : (parameters,), the box
    huber_delta : where Huber's loss turns linear, in units of the residual; inf for squares
    raw : residual f - y instead of log f - log y
    """

    law: Law
    log_z: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    huber_delta: float = np.inf
    raw: bool = False


@numba.njit(cache=True, fastmath={"reassoc", "contract"}, error_model="numpy")
def normal_equations(
    theta, log_z, error, weights, entries, terms, delta, raw, hessian, slope, work
):
    """Loss at ``theta``; fills the Gauss-Newton ``hessian`` and half the gradient, ``slope``.

    ``work`` (parameters + 2, rows) is scratch. A non-positive or non-finite value gives inf.
    """
    f, r, jacobian = work[0], work[1], work[2:]
    evaluate(theta, log_z, entries, terms, f, jacobian)
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
def descend(theta, log_z, error, weights, low, high, entries, terms, delta, raw, steps, tolerance):
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
    args = (log_z, error, weights, entries, terms, delta, raw)
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
def descend_all(theta, log_z, error, weights, low, high, entries, terms, delta, raw, steps, tol):
    """Run :func:`descend` from theta (resamples, starts, parameters) in place; returns losses.

    weights, error : (resamples, rows); rows of weight zero are left out of the work.
    """
    losses = np.empty(theta.shape[:2])
    for job in numba.prange(losses.size):
        b, s = job // losses.shape[1], job % losses.shape[1]
        kept = np.flatnonzero(weights[b])
        losses[b, s] = descend(
            theta[b, s], log_z[:, kept], error[b][kept], weights[b][kept],
            low, high, entries, terms, delta, raw, steps, tol,
        )  # fmt: skip
    return losses


def loss_and_slope(
    problem: Problem, theta: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """The summed loss at one ``theta`` and half its gradient, shape (parameters,)."""
    size = theta.size
    slope, hessian = np.empty(size), np.empty((size, size))
    work = np.empty((size + 2, problem.error.size))
    loss = normal_equations(
        theta, problem.log_z, problem.error, weights, problem.law.entries,
        len(problem.law.terms), float(problem.huber_delta), problem.raw, hessian, slope, work,
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
    theta = np.array(starts, dtype=float, order="C")
    weights = np.ascontiguousarray(weights, dtype=float)
    error = np.ascontiguousarray(np.broadcast_to(problem.error, weights.shape), dtype=float)
    losses = descend_all(
        theta, np.ascontiguousarray(problem.log_z), error, weights,
        problem.low, problem.high, problem.law.entries, len(problem.law.terms),
        float(problem.huber_delta), problem.raw, steps, tolerance,
    )  # fmt: skip
    return theta, losses


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
    terms = len(problem.law.terms)
    logs = np.s_[..., :terms]

    def to_search(theta):
        x = np.clip(np.array(theta, dtype=float), problem.low, problem.high)
        x[logs] = np.log(np.maximum(x[logs], SMALLEST_COEFFICIENT))
        return x

    def from_search(x):
        theta = x.copy()
        theta[logs] = np.exp(x[logs])
        return theta

    def loss_and_gradient(x, own, weight):
        theta = from_search(x)
        loss, slope = loss_and_slope(own, theta, weight)
        slope[:terms] *= theta[:terms]  # chain rule: d c / d log c = c
        return loss, 2.0 * slope

    theta = to_search(starts)
    losses = np.empty(theta.shape[:2])
    errors = np.broadcast_to(problem.error, np.shape(weights))
    box = list(zip(to_search(problem.low), to_search(problem.high), strict=True))
    options = {"maxiter": steps, "maxfun": 10 * steps, "ftol": tolerance, "gtol": 1e-12}
    for b, s in np.ndindex(losses.shape):
        own, weight = replace(problem, error=errors[b]), np.asarray(weights[b], dtype=float)
        result = minimize(
            loss_and_gradient, theta[b, s], args=(own, weight),
            jac=True, method="L-BFGS-B", bounds=box, options=options,
        )  # fmt: skip
        theta[b, s] = result.x
        losses[b, s] = result.fun if np.isfinite(result.fun) else np.inf
    return from_search(theta), losses


OPTIMISERS = {"levenberg-marquardt": levenberg_marquardt, "l-bfgs": l_bfgs}
