"""A mix of laws: the members of several bags pooled, so that the choice of law is in the spread.

A mix answers as a bag does: it predicts, gives intervals, and has a frontier. No law of the mix is
trusted alone where they part, which is outside the runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vvlm_utils.laws.bagging import AGGREGATES, BaggedLaw, check_choice, hold_factors
from vvlm_utils.laws.intervals import LM_EFFECT, predictive_interval, spread_of


@dataclass(frozen=True)
class MixedLaws:
    """Bags of several laws fitted to the same runs.

    Attributes
    ----------
    parts
        The bags, each cut to the members that its weight gives it.
    weights
        The share of each law, summing to one, shape (parts,).
    aggregate
        How the pooled members become one prediction; "mean" is the expected error, which a few
        members may carry away.
    """

    parts: tuple[BaggedLaw, ...]
    weights: tuple[float, ...]
    aggregate: str = "median"

    @property
    def names(self) -> tuple[str, ...]:
        """The laws' names, one for each part."""
        return tuple(part.law.name for part in self.parts)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of every factor in the runs."""
        return {f: span for part in self.parts for f, span in part.ranges.items()}

    @property
    def lm_sizes(self) -> tuple[float, ...]:
        """The LM sizes of the runs."""
        return self.parts[0].lm_sizes

    @property
    def rows(self) -> int:
        """The number of runs."""
        return self.parts[0].rows

    @property
    def member_noise(self) -> np.ndarray:
        """SD of a run's log error about each member, shape (members,)."""
        return np.concatenate([part.member_noise for part in self.parts])

    @property
    def noise(self) -> float:
        """SD of a run's log error about the mix."""
        return float(np.sqrt((self.member_noise**2).mean()))

    def predict_members(self, table: pd.DataFrame) -> np.ndarray:
        """Every member's predicted error in points, shape (members, rows), part after part."""
        return np.vstack([part.predict_members(table) for part in self.parts])

    def member_laws(self) -> np.ndarray:
        """The name of every member's law, shape (members,)."""
        return np.repeat(self.names, [len(part.members) for part in self.parts])

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """The mix's predicted error in points, shape (rows,)."""
        return getattr(np, self.aggregate)(self.predict_members(table), axis=0)

    def interval(
        self,
        table: pd.DataFrame,
        level: float = 0.8,
        kind: str = "law",
        effect: float = LM_EFFECT,
    ) -> np.ndarray:
        """Central interval of a prediction, shape (2, rows); kinds as in ``laws/intervals.py``."""
        spread = spread_of(kind, self.member_noise, effect)
        return predictive_interval(self.predict_members(table), spread, level)

    def with_aggregate(self, aggregate: str) -> MixedLaws:
        """The same mix, aggregated otherwise."""
        check_choice("aggregate", aggregate, AGGREGATES)
        return replace(self, aggregate=aggregate)

    def hold_factors(self, levels: Mapping[str, float]) -> MixedLaws:
        """The mix with further factors held at a level each."""
        return replace(self, parts=tuple(hold_factors(part, levels) for part in self.parts))


def mix(
    models: Sequence[BaggedLaw],
    weights: Sequence[float] | None = None,
    aggregate: str = "median",
) -> MixedLaws:
    """Pool the members of several bags.

    Parameters
    ----------
    models : bags of different laws on the same runs
    weights : the share of each; equal where none are given. Bags are cut to fit the shares, a bag
        of weight zero is left out.

    Raises
    ------
    ValueError : no bag, weights that are negative or of another number, bags of other runs
    """
    models = list(models)
    if not models:
        raise ValueError("a mix needs at least one bag")
    check_choice("aggregate", aggregate, AGGREGATES)
    shares = np.ones(len(models)) if weights is None else np.asarray(weights, dtype=float)
    if shares.shape != (len(models),):
        raise ValueError(f"{len(models)} bags need a weight each, got {shares.size}")
    if not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise ValueError(f"weights must not be negative and not all zero, got {shares.tolist()}")
    if len({(m.rows, m.lm_sizes) for m in models}) > 1:
        raise ValueError("the bags of a mix must be fitted to the same runs")
    shares = shares / shares.sum()
    kept = shares > 0
    total = min(len(m.members) / s for m, s in zip(models, shares, strict=True) if s > 0)
    counts = np.maximum(1, np.floor(shares * total * (1 + 1e-12)).astype(int))
    parts = tuple(
        model.with_aggregate(model.aggregate, count)
        for model, count, keep in zip(models, counts.tolist(), kept, strict=True)
        if keep
    )
    return MixedLaws(parts, tuple(shares[kept].tolist()), aggregate)
