"""Compiled searches of one weighted least-squares problem in a box, thousands at a time.

``descend`` is Levenberg and Marquardt's method, ``newton`` Newton's from where a descent ended;
``laws.optimisers`` says what is minimised and hands over the arrays.
"""

from __future__ import annotations

import numba
import numpy as np

from vvlm_utils.laws.evaluation import evaluate


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
