"""Resamples of a table of runs: what varies from one member of a bag to the next.

All but one give every run a non-negative weight and leave its error alone. They treat the
designs as drawn at random, and a run that a law of many parameters follows closely varies less
from resample to resample than it would from one repetition of the experiment to the next.
"wild" keeps every design, as a planned sweep does, and draws its noise anew:

    log y* = log f + s r / sqrt(1 - h),      s = -1 or +1 with equal chance,

where f is the fit to all runs, r the run's residual in log error and h its leverage, the share of
its own noise that the fit has followed. The scale of the noise may then differ between runs.

Source: the paper for "rows"; Rubin (1981) for "dirichlet"; Wu (1986) for "wild", with Liu's (1988)
signs and the correction named HC2 by MacKinnon and White (1985); Hesterberg (2015)
for expanded percentile intervals.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.laws.diagnostics import at_bound
from vvlm_utils.laws.law import log_values
from vvlm_utils.laws.optimisers import Problem
from vvlm_utils.laws.protocols import ErrorLaw

RESAMPLING = ("rows", "stratified", "dirichlet", "designs", "wild")
STRATA = ("sweep", "lm_params")
MAX_LEVERAGE = 0.95  # a run that alone decides a parameter has no residual to divide


def design_names(runs: pd.DataFrame, law: ErrorLaw | None = None) -> np.ndarray:
    """The design x of every run as text: runs of one design differ in n alone.

    law : may read further factors than the three, which then belong to the design
    """
    further = [f for f in (law.factors if law else ()) if f not in (*FACTORS, TRAIN_EXAMPLES)]
    columns = [runs[f].map("{:g}".format) for f in (*FACTORS, *further) if f in runs]
    if not columns:
        return np.arange(len(runs)).astype(str)
    return columns[0].str.cat(columns[1:], sep=", ").to_numpy(dtype=str)


def resample_weights(
    runs: pd.DataFrame,
    resamples: int,
    resampling: str,
    rng: np.random.Generator,
    law: ErrorLaw | None = None,
) -> np.ndarray:
    """Weights of the runs in every resample, shape (resamples, rows); each row sums to the rows,
    but for "designs", where it does so on average.

    "rows" : bootstrap of the rows, the paper's
    "stratified" : bootstrap within every sweep and LM size, so that no LM size is ever lost
    "dirichlet" : the Bayesian bootstrap; every run keeps some weight
    "designs" : bootstrap of the designs x, each with all its runs, as runs of a design err together
    "wild" : all ones; the resamples differ in their errors, see :func:`wild_errors`
    """
    if resampling not in RESAMPLING:
        raise ValueError(f"resampling must be one of {RESAMPLING}, got {resampling!r}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    rows = len(runs)
    if resampling == "wild":
        return np.ones((resamples, rows))
    if resampling == "dirichlet":
        return rows * rng.dirichlet(np.ones(rows), size=resamples)
    if resampling == "designs":
        names, which = np.unique(design_names(runs, law), return_inverse=True)
        share = np.full(len(names), 1 / len(names))
        return rng.multinomial(len(names), share, size=resamples)[:, which].astype(float)
    if resampling == "rows":
        strata = [np.arange(rows)]
    else:
        columns = [c for c in STRATA if c in runs]
        strata = list(runs.reset_index(drop=True).groupby(columns).indices.values())
    weights = np.zeros((resamples, rows))
    for rows_of in strata:
        share = np.full(len(rows_of), 1 / len(rows_of))
        weights[:, rows_of] = rng.multinomial(len(rows_of), share, size=resamples)
    return weights


def wild_errors(
    problem: Problem, theta: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Errors of the runs in every resample, points, shape (resamples, rows).

    theta : (parameters,), the fit to all runs, whose residuals are thrown about
    """
    f, share = leverage(problem, theta)
    scale = np.log(problem.error / f) / np.sqrt(1 - np.minimum(share, MAX_LEVERAGE))
    return f * np.exp(scale * rng.choice([-1.0, 1.0], size=(resamples, f.size)))


def leverage(problem: Problem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fitted errors in points and leverages, each (rows,), in log error.

    The leverages are the diagonal of J (J'J)^-1 J' over the parameters off the bounds; they sum to
    the number of those that the runs decide.
    """
    log_f, jacobian = log_values(problem.law, theta, problem.log_z)
    held = set(at_bound(problem, theta))
    free = jacobian[[name not in held for name in problem.law.parameters]]
    u, size, _ = np.linalg.svd(free.T, full_matrices=False)
    return np.exp(log_f), (u[:, size > 1e-10 * size.max()] ** 2).sum(axis=1)


def expanded_level(
    level: float, rows: int, parameters: int, members: int, resampling: str = "rows"
) -> float:
    """The level at which to ask for a percentile interval so that it holds about ``level``.

    A percentile interval is too narrow for three reasons. Refits to resampled runs vary less than
    fits to fresh runs, by sqrt((rows - parameters) / rows), as the law follows part of the noise
    ("wild" makes up for that itself); the normal's tails stand in for those of t; and of B members
    the outermost reach only 1 / (B + 1) into the tails. This is Hesterberg's expanded percentile
    interval, with a law's degrees of freedom in place of a mean's and for a finite bag.
    A bag too small for the level gives its whole range.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    spare = rows - parameters
    if spare < 1 or members < 2:
        raise ValueError(
            f"an expanded interval needs more runs than parameters and at least 2 members, "
            f"got {rows} runs, {parameters} parameters and {members} members"
        )
    narrow = 1.0 if resampling == "wild" else np.sqrt(rows / spare)
    tail = norm.cdf(narrow * student.ppf((1 - level) / 2, spare))
    asked = ((members + 1) * tail - 1) / (members - 1)  # numpy's quantile 0 is the first member
    return float(1 - 2 * max(asked, 1e-9))
