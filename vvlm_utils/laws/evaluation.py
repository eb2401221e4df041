"""Values and gradient of any law that is a sum, or a p-norm, of monomials: computed here only."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, fastmath={"reassoc", "contract"}, error_model="numpy")
def evaluate(theta, log_z, entries, joined, f, gradient):
    """Fill ``f`` with the law's values and ``gradient`` with d log f / d theta.

    theta (parameters,), log_z (factors, rows), entries and joined as in :class:`Law`;
    f (rows,), gradient (parameters, rows). The one place where a law is computed.
    """
    gradient[:] = 0.0
    f[:] = 0.0
    for e in range(entries.shape[0]):
        power = entries[e, 3] * theta[entries[e, 2]]
        for i in range(f.size):
            gradient[entries[e, 0], i] += power * log_z[entries[e, 1], i]
    if joined.any():
        _join(theta, joined, f, gradient)
    else:
        for j in range(joined.size):
            for i in range(f.size):
                gradient[j, i] = np.exp(gradient[j, i])
                f[i] += theta[j] * gradient[j, i]
        for j in range(joined.size):
            for i in range(f.size):
                gradient[j, i] /= f[i]
    for e in range(entries.shape[0]):
        weight = entries[e, 3] * theta[entries[e, 0]]
        for i in range(f.size):
            share = weight * gradient[entries[e, 0], i]
            gradient[entries[e, 2], i] += share * log_z[entries[e, 1], i]


@numba.njit(cache=True, error_model="numpy")
def _join(theta, joined, f, gradient):
    """The p-norm of the joined terms plus the others, from the logarithms of the monomials.

    With u_j = log t_j and shares w_j = t_j^p / sum t^p, the norm g has d log g / d u_j = w_j and
    d log g / d log p = sum_j w_j u_j - log g.
    """
    p = np.exp(theta[theta.size - 1])
    u = np.empty(joined.size)
    for i in range(f.size):
        largest = -np.inf
        for j in range(joined.size):
            u[j] = np.log(theta[j]) + gradient[j, i] if theta[j] > 0.0 else -np.inf
            if joined[j] and u[j] > largest:
                largest = u[j]
        total, by_share = 0.0, 0.0
        for j in range(joined.size):
            if joined[j] and u[j] > -np.inf:
                share = np.exp(p * (u[j] - largest))
                total += share
                by_share += share * u[j]
        log_norm = largest + np.log(total) / p
        norm = np.exp(log_norm) if total > 0.0 else 0.0
        f[i] = norm
        for j in range(joined.size):
            if not joined[j]:
                f[i] += theta[j] * np.exp(gradient[j, i])
        for j in range(joined.size):
            if not joined[j]:
                gradient[j, i] = np.exp(gradient[j, i]) / f[i]
            elif u[j] > -np.inf:
                share = np.exp(p * (u[j] - largest)) / total
                gradient[j, i] = norm * share / (theta[j] * f[i])
            else:
                gradient[j, i] = 0.0
        if total > 0.0:
            gradient[theta.size - 1, i] = norm * (by_share / total - log_norm) / f[i]


@numba.njit(cache=True, parallel=True, error_model="numpy")
def evaluate_all(theta, log_z, entries, joined, f):
    """Fill ``f`` (members, rows) for ``theta`` (members, parameters)."""
    for member in numba.prange(theta.shape[0]):
        gradient = np.empty((theta.shape[1], f.shape[1]))
        evaluate(theta[member], log_z, entries, joined, f[member], gradient)
