"""Intervals of three kinds about one prediction: of the law, of a run, of a new LM family.

    law     the spread of the members, what is not known of the law
    run     with the noise of one run about the law added
    family  with an effect on top that all runs of one LM share: a scenario, since three LM sizes
            cannot estimate it

Noise and effect are normal in log error. The interval is the quantiles of the mixture of the
members' normals, on a fixed grid of normal quantiles, so nothing is drawn at random.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

KINDS = ("law", "run", "family")
LM_EFFECT = 0.01  # SD of log error, the size of the scenario "family" where none is given
GRID = norm.ppf((np.arange(25) + 0.5) / 25)
GRID /= GRID.std()  # 25 equal shares of a normal, with its standard deviation


def spread_of(kind: str, noise: np.ndarray, effect: float = LM_EFFECT) -> np.ndarray:
    """SD of log error to add to every member, shape (members,)."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    if not (np.isfinite(effect) and effect >= 0):
        raise ValueError(f"effect must be a number from 0 on, got {effect!r}")
    noise = np.asarray(noise, dtype=float)
    if kind == "law":
        return np.zeros(noise.shape)
    if not np.isfinite(noise).all():
        raise ValueError(f"an interval of kind {kind!r} needs the noise of the runs; fit again")
    return np.hypot(noise, effect) if kind == "family" else noise


def predictive_interval(members: np.ndarray, spread: np.ndarray, level: float) -> np.ndarray:
    """Central interval, shape (2, rows), of members (members, rows) with normal log spread."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    tails = [(1 - level) / 2, (1 + level) / 2]
    return np.quantile(predictive_draws(members, spread), tails, axis=0)


def predictive_draws(members: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """What the quantiles are taken of: the members, or ``GRID`` about each of them."""
    if not np.any(spread):
        return members
    factor = np.exp(np.multiply.outer(spread, GRID))  # (members, grid)
    return (members[:, None] * factor[:, :, None]).reshape(-1, members.shape[1])
