"""How a fit went: what lies at a bound, what the prior decides, and the noise that is left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vvlm_utils.laws.law import coefficient_count, log_values
from vvlm_utils.laws.optimisers import Problem


@dataclass(frozen=True)
class Diagnostics:
    """How the search went.

    Attributes
    ----------
    starts
        Starts tried.
    failed
        Those that never reached a finite loss.
    within_1pct
        Share of starts that ended within 1% of the best loss.
    local_optima
        Number of distinct losses (to 0.1%) among those starts.
    at_bound
        Parameters that ended at a bound of the box; a coefficient there is zero or huge.
    condition
        Condition number of the scaled Jacobian of the parameters off the bounds.
    prior_share
        Posterior over prior variance of every parameter of a penalised fit: near 1 the prior
        decides it, near 0 the runs do; empty without a prior.
    """

    starts: int
    failed: int
    within_1pct: float
    local_optima: int
    at_bound: tuple[str, ...]
    condition: float
    prior_share: dict[str, float] = field(default_factory=dict)


def at_bound(problem: Problem, theta: np.ndarray) -> tuple[str, ...]:
    """Names of the parameters that lie at a bound of the box."""
    slack = 1e-6 * (1.0 + np.abs(theta))
    touching = (theta <= problem.low + slack) | (theta >= problem.high - slack)
    return tuple(np.array(problem.law.parameters)[touching].tolist())


def scaled_jacobian(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """d log f by the parameters, coefficients by their logarithm, shape (parameters, rows)."""
    jacobian = log_values(problem.law, theta, problem.log_z)[1].copy()
    count = coefficient_count(problem.law)
    jacobian[:count] *= theta[:count, None]
    return jacobian


def condition(problem: Problem, theta: np.ndarray) -> float:
    """Condition number of the Jacobian of log f, columns scaled to unit length, off the bounds."""
    held = set(at_bound(problem, theta))
    jacobian = log_values(problem.law, theta, problem.log_z)[1]
    rows = jacobian[[name not in held for name in problem.law.parameters]]
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return float(np.linalg.cond(rows[length[:, 0] > 0] / length[length > 0][:, None]))


def prior_share(problem: Problem, theta: np.ndarray) -> dict[str, float]:
    """Posterior over prior variance of every parameter, by the curvature at ``theta``.

    v_q [(J J' + diag v)^-1]_qq lies between 0, where the runs decide, and 1, where the prior does.
    """
    if problem.prior_weight is None:
        return {}
    jacobian, weight = scaled_jacobian(problem, theta), problem.prior_weight
    posterior = np.linalg.inv(jacobian @ jacobian.T + np.diag(weight))
    share = weight * np.diag(posterior)
    return dict(zip(problem.law.parameters, share.tolist(), strict=True))


def parameters_spent(problem: Problem, theta: np.ndarray) -> float:
    """How many parameters the runs decide: those off the bounds, or with a prior the trace of
    J' (J J' + diag v)^-1 J, which counts each by the share that the runs decide."""
    if problem.prior_weight is None:
        return float(len(problem.law.parameters) - len(at_bound(problem, theta)))
    return float(sum(1 - share for share in prior_share(problem, theta).values()))


def residual_noise(problem: Problem, theta: np.ndarray) -> float:
    """SD of log error about the law: sqrt(sum of squares / (rows - parameters spent))."""
    residual = np.log(problem.error) - log_values(problem.law, theta, problem.log_z)[0]
    spare = max(residual.size - parameters_spent(problem, theta), 1.0)
    return float(np.sqrt((residual**2).sum() / spare))
