"""The designs to choose from, and a bag's error on all of them.

A law is a sum of monomials. A term that involves one factor of the space is a table over that
factor's values; only a term that multiplies several is spread over the whole space. So thousands
of designs cost a few hundred powers a member.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, LIMIT, TRAIN_EXAMPLES, CostFunction
from vvlm_utils.laws.bagging import BaggedLaw
from vvlm_utils.runs.designs import MAX_FRAMES, MAX_GRID_SIDE, is_perfect_square, square_tokens


@dataclass(frozen=True)
class Space:
    """The designs to choose from: every combination of the three factors' values.

    The default is the paper's as its figures suggest it: nominal LM sizes, 17,920 designs.
    """

    lm_params: tuple[float, ...] = (3e9, 7e9, 14e9, 32e9, 72e9)
    frames: tuple[float, ...] = tuple(range(1, MAX_FRAMES + 1))
    tokens_per_frame: tuple[float, ...] = tuple(square_tokens(MAX_GRID_SIDE).tolist())

    def __post_init__(self) -> None:
        for name in FACTORS:
            values = np.array(getattr(self, name), dtype=float)
            if values.size == 0:
                raise ValueError(f"the space has no {name}; give at least one")
            good, kind = np.isfinite(values) & (values > 0), "numbers"
            if name == "frames":
                good[good], kind = values[good] % 1 == 0, "whole numbers"
            if name == "tokens_per_frame":
                good[good], kind = is_perfect_square(values[good]), "perfect squares"
            if not good.all():
                raise ValueError(f"{name} must be positive {kind}, got {values[~good][0]:g}")
            object.__setattr__(self, name, tuple(np.unique(values).tolist()))

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Number of values of each factor."""
        return tuple(len(getattr(self, name)) for name in FACTORS)

    @cached_property
    def designs(self) -> pd.DataFrame:
        """Every design, one row each, in C order of the factors."""
        grid = np.meshgrid(*(getattr(self, name) for name in FACTORS), indexing="ij")
        return pd.DataFrame({n: g.ravel() for n, g in zip(FACTORS, grid, strict=True)})


PAPER_SPACE = Space()
MOST_SIZES = 8  # LM sizes of one's own that a space takes


def spread(values: Iterable[float], most: int) -> tuple[float, ...]:
    """At most so many of the values, ends included, evenly by their logarithm.

    >>> spread([1, 2, 3, 4, 30, 64], 3)
    (1.0, 4.0, 64.0)
    """
    if most < 2:
        raise ValueError(f"values must be at least 2, got {most}")
    values = np.unique(np.array(list(values), dtype=float))
    if len(values) > most:
        wanted = np.geomspace(values[0], values[-1], most)
        near = np.abs(np.log(values)[:, None] - np.log(wanted)).argmin(axis=0)
        values = values[np.unique(near)]
    return tuple(values.tolist())


def space_for(bagged: BaggedLaw) -> Space:
    """The paper's frames and tokens with the LM sizes of the bag's own runs, eight at most."""
    sizes = bagged.lm_sizes or bagged.ranges["lm_params"]
    return replace(PAPER_SPACE, lm_params=spread(sizes, MOST_SIZES))


@dataclass(frozen=True)
class Candidates:
    """Listed designs with costs of their own, where no formula prices a design.

    designs : the columns of the law's factors but n, one row a design
    cost_flops : (designs,), FLOPs per video
    """

    designs: pd.DataFrame
    cost_flops: np.ndarray

    def __post_init__(self) -> None:
        flops = np.asarray(self.cost_flops, dtype=float)
        if flops.shape != (len(self.designs),) or not len(flops):
            raise ValueError(f"{len(self.designs)} designs need a cost each, got {flops.size}")
        if not (np.isfinite(flops) & (flops > 0)).all():
            raise ValueError(f"cost_flops must be positive numbers, got {flops.min():g}")

    @cached_property
    def lm_params(self) -> tuple[float, ...]:
        """The LM sizes among the designs."""
        return tuple(np.unique(self.designs["lm_params"]).tolist())


@dataclass(frozen=True)
class FactorTables:
    """A bag's errors over a space as tables over single factors, n folded in.

    sums : a table (members, values) for each factor; they add up
    products : for each term that multiplies several factors, such tables to multiply
    """

    sums: tuple[np.ndarray, np.ndarray, np.ndarray]
    products: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]


MOST_EXAMPLES = 1e12


def check_examples(train_examples: float) -> None:
    """Refuse a number of training examples that nobody can have."""
    if not 1 <= train_examples <= MOST_EXAMPLES:
        raise ValueError(f"train_examples must be a number from 1 to {MOST_EXAMPLES:g}, got "
                         f"{train_examples:g}")  # fmt: skip


def factor_tables(bagged: BaggedLaw, space: Space, train_examples: float) -> FactorTables:
    """Evaluate every term on the values of the factors it involves."""
    check_examples(train_examples)
    law, units = bagged.law, bagged.options.units
    further = [f for f in law.factors if f not in (*FACTORS, TRAIN_EXAMPLES)]
    if further:
        raise ValueError(f"the law also reads {', '.join(further)}; hold it at a level "
                         f"(--at {further[0]}=VALUE), as a space has no axis for it")  # fmt: skip
    powers = law.term_powers(bagged.members)
    log_z = {f: np.log(np.array(getattr(space, f)) / units.get(f, 1.0)) for f in FACTORS}
    log_z[TRAIN_EXAMPLES] = np.log([train_examples / units.get(TRAIN_EXAMPLES, 1.0)])
    members = len(bagged.members)
    sums = tuple(np.zeros((members, size)) for size in space.shape)
    products = []
    for j, term in enumerate(law.terms):
        involved = {p.factor for p in term.powers}
        curves = {f: np.exp(powers[:, j, [law.factors.index(f)]] * log_z[f]) for f in involved}
        share = bagged.members[:, [j]] * curves.pop(TRAIN_EXAMPLES, 1.0)
        if len(curves) <= 1:
            factor, curve = next(iter(curves.items()), (FACTORS[0], 1.0))
            sums[FACTORS.index(factor)][:] += share * curve
        else:
            ones = (np.ones((members, size)) for size in space.shape)
            full = [curves.get(f, one) for f, one in zip(FACTORS, ones, strict=True)]
            products.append((share * full[0], full[1], full[2]))
    return FactorTables(sums, tuple(products))


def space_errors(bagged: BaggedLaw, space: Space | Candidates, train_examples: float) -> np.ndarray:
    """Every member's error on every design, points, shape (members, designs)."""
    check_examples(train_examples)
    if isinstance(space, Candidates):
        return bagged.predict_members(space.designs.assign(train_examples=float(train_examples)))
    tables = factor_tables(bagged, space, train_examples)
    over_lm, over_frames, over_tokens = tables.sums
    errors = over_lm[:, :, None, None] + over_frames[:, None, :, None] + over_tokens[:, None, None]
    for a, b, c in tables.products:
        errors += a[:, :, None, None] * b[:, None, :, None] * c[:, None, None]
    return errors.reshape(len(bagged.members), -1)


@dataclass(frozen=True)
class Affordable:
    """The designs that the largest budget buys, cheapest first.

    order : their positions in ``Space.designs``; cost_flops : (designs,)
    last : (budgets,), the last design that each budget still buys
    """

    designs: pd.DataFrame
    order: np.ndarray
    cost_flops: np.ndarray
    last: np.ndarray


def _price(space: Space | Candidates, cost: CostFunction) -> np.ndarray:
    if isinstance(space, Candidates):
        return np.asarray(space.cost_flops, dtype=float)
    return np.asarray(cost(*(space.designs[f].to_numpy() for f in FACTORS)), dtype=float)


def affordable(
    space: Space | Candidates, cost: CostFunction, budgets: Iterable[float]
) -> Affordable:
    """Price a space and sort it; among equals in cost the order of ``Space.designs`` holds.

    Candidates bring their own cost, and ``cost`` is not asked.
    """
    budgets = np.atleast_1d(np.asarray(budgets, dtype=float))
    bad = budgets[~(np.isfinite(budgets) & (budgets > 0))]
    if bad.size:
        raise ValueError(f"a budget must be a positive number of FLOPs, got {bad[0]:g}")
    if (budgets >= LIMIT).any():
        raise ValueError(f"a budget must be below {LIMIT:g} FLOPs ({LIMIT / 1e12:,.0f} TFLOPs) "
                         f"per video, got {budgets.max():g}")  # fmt: skip
    flops = _price(space, cost)
    if not np.isfinite(flops).all():
        raise ValueError(f"a cost must be finite FLOPs on every design, got {flops.max():g}")
    for budget in budgets:
        if not budget >= flops.min():
            raise ValueError(
                f"a budget of {budget:.4g} FLOPs buys no design: the cheapest costs "
                f"{flops.min():.4g}; raise the budget or allow smaller designs"
            )
    bought = np.flatnonzero(flops <= budgets.max())
    order = bought[np.argsort(flops[bought], kind="stable")]
    last = np.searchsorted(flops[order], budgets, side="right") - 1
    return Affordable(space.designs.iloc[order].reset_index(drop=True), order, flops[order], last)
