"""The best design at each inference budget, and how sure that is.

For a bag of fitted laws, ``solve_frontier`` finds x*(c; n) = argmin f(x, n) over the discrete space
with c(x) <= c (Eq. 4), for all budgets in one pass: designs are sorted by cost and the running
minimum of the bag's prediction is read off. Laws are evaluated through per-factor tables, not point
by point. Every member of the bag has a frontier of its own; their spread is the uncertainty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from vvlm_utils.bagging import BaggedLaw
from vvlm_utils.cost import FACTORS, CostFunction, paper_flops
from vvlm_utils.laws import DATA


@dataclass(frozen=True)
class Space:
    """The designs to choose from: every combination of the three factors' values."""

    lm_params: tuple[float, ...] = (3e9, 7e9, 14e9, 32e9, 72e9)
    frames: tuple[float, ...] = tuple(range(1, 129))
    tokens_per_frame: tuple[float, ...] = tuple(side**2 for side in range(1, 29))

    def __post_init__(self) -> None:
        for name in FACTORS:
            values = np.array(getattr(self, name), dtype=float)
            if values.size == 0:
                raise ValueError(f"the space has no {name}; give at least one")
            bad = values[~(np.isfinite(values) & (values > 0))]
            if name != "lm_params" and not bad.size:
                root = np.sqrt(values) if name == "tokens_per_frame" else values
                bad = values[root != np.round(root)]
            if bad.size:
                kinds = {"frames": "whole numbers", "tokens_per_frame": "perfect squares"}
                kind = kinds.get(name, "numbers")
                raise ValueError(f"{name} must be positive {kind}, got {bad[0]:g}")
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


def space_errors(bagged: BaggedLaw, space: Space, train_examples: float) -> np.ndarray:
    """Every member's error on every design, points, shape (members, designs).

    A term that involves one factor of the space is a table over that factor's values; only a
    term that multiplies several is spread over the whole space.
    """
    if not (np.isfinite(train_examples) and train_examples > 0):
        raise ValueError(f"train_examples must be a positive number, got {train_examples}")
    law, units = bagged.law, bagged.options.units
    if not set(law.factors) <= {*FACTORS, DATA}:
        raise ValueError(f"law {law.name!r} reads {list(law.factors)}; a frontier needs {FACTORS}")
    powers = law.term_powers(bagged.members)
    logs = [np.log(np.array(getattr(space, n)) / units.get(n, 1.0)) for n in FACTORS]
    log_n = np.log(train_examples / units.get(DATA, 1.0))
    tables = [np.zeros((len(bagged.members), size)) for size in space.shape]
    whole = np.zeros((len(bagged.members), *space.shape))
    for j in range(len(law.terms)):
        share = bagged.members[:, j].copy()
        curves = {}
        for k, factor in enumerate(law.factors):
            if factor == DATA:
                share *= np.exp(powers[:, j, k] * log_n)
            elif powers[:, j, k].any():
                axis = FACTORS.index(factor)
                curves[axis] = np.exp(powers[:, j, [k]] * logs[axis])
        if len(curves) <= 1:
            axis, curve = next(iter(curves.items()), (0, 1.0))
            tables[axis] += share[:, None] * curve
        else:
            product = share[:, None, None, None]
            for axis, curve in curves.items():
                product = product * np.expand_dims(curve, [a + 1 for a in range(3) if a != axis])
            whole += product
    whole += tables[0][:, :, None, None] + tables[1][:, None, :, None] + tables[2][:, None, None]
    return whole.reshape(len(bagged.members), -1)


@dataclass(frozen=True)
class _Choices:
    """Designs sorted by cost, their errors, and the best affordable one of every prefix."""

    designs: pd.DataFrame
    cost: np.ndarray
    members: np.ndarray
    bag: np.ndarray
    last: np.ndarray

    def best(self, errors: np.ndarray) -> np.ndarray:
        """Position of the smallest error among the affordable designs: (..., budgets)."""
        running = np.minimum.accumulate(errors, axis=-1)
        is_new = np.ones(errors.shape, dtype=bool)
        is_new[..., 1:] = errors[..., 1:] < running[..., :-1]
        position = np.where(is_new, np.arange(errors.shape[-1]), 0)
        return np.maximum.accumulate(position, axis=-1)[..., self.last]


def _choices(bagged, space, cost, budgets, train_examples) -> _Choices:
    budgets = np.atleast_1d(np.asarray(budgets, dtype=float))
    flops = np.asarray(cost(*(space.designs[name].to_numpy() for name in FACTORS)), dtype=float)
    for budget in budgets:
        if not budget >= flops.min():
            raise ValueError(
                f"a budget of {budget:.4g} FLOPs buys no design: the cheapest costs "
                f"{flops.min():.4g}; raise the budget or allow smaller designs"
            )
    affordable = np.flatnonzero(flops <= budgets.max())
    order = affordable[np.argsort(flops[affordable], kind="stable")]
    members = space_errors(bagged, space, train_examples)[:, order]
    aggregate = getattr(np, bagged.aggregate)(members, axis=0)
    last = np.searchsorted(flops[order], budgets, side="right") - 1
    designs = space.designs.iloc[order].reset_index(drop=True)
    return _Choices(designs, flops[order], members, aggregate, last)


def solve_frontier(
    bagged: BaggedLaw,
    budgets: Iterable[float],
    train_examples: float,
    space: Space | None = None,
    cost: CostFunction = paper_flops,
    level: float = 0.8,
    epsilon: float = 0.1,
) -> pd.DataFrame:
    """The frontier: one row a budget (FLOPs per video).

    lm_params, frames, tokens_per_frame, cost_flops, error : the design with the smallest
        aggregated prediction (the paper's rule; among equals the cheaper)
    error_low, error_high : central ``level`` interval of the members' predictions there
    probability : share of the members whose own best design has this LM size
    frames_low .. tokens_high : central ``level`` interval of the members' own best designs
    within_epsilon : designs predicted within ``epsilon`` points of the best
    regret, regret_high : median and upper quantile, over the members, of what this design
        loses in error against the member's own best
    extrapolates : a coordinate or ``train_examples`` lies outside the runs
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if not epsilon >= 0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}")
    space = space or Space()
    budgets = np.atleast_1d(np.asarray(budgets, dtype=float))
    c = _choices(bagged, space, cost, budgets, train_examples)
    chosen, own = c.best(c.bag), c.best(c.members)
    tails = [(1 - level) / 2, (1 + level) / 2]
    table = c.designs.iloc[chosen].reset_index(drop=True)
    at_chosen = c.members[:, chosen]
    low, high = np.quantile(at_chosen, tails, axis=0)
    regret = at_chosen - np.take_along_axis(c.members, own, axis=1)
    sizes = c.designs["lm_params"].to_numpy()
    table = table.assign(
        budget_flops=budgets,
        train_examples=float(train_examples),
        cost_flops=c.cost[chosen],
        error=c.bag[chosen],
        error_low=low,
        error_high=high,
        probability=(sizes[own] == sizes[chosen]).mean(axis=0),
    )
    for name, column in (("frames", "frames"), ("tokens", "tokens_per_frame")):
        values = c.designs[column].to_numpy()[own]
        table[f"{name}_low"], table[f"{name}_high"] = np.quantile(
            values, tails, axis=0, method="inverted_cdf"
        )
    near = [c.bag[: k + 1] <= c.bag[i] + epsilon for k, i in zip(c.last, chosen, strict=True)]
    table["within_epsilon"] = [int(n.sum()) for n in near]
    table["regret"], table["regret_high"] = np.quantile(regret, [0.5, tails[1]], axis=0)
    table["extrapolates"] = outside(bagged, table)
    return table[["budget_flops", *table.columns.drop("budget_flops")]]


def outside(bagged: BaggedLaw, table: pd.DataFrame) -> np.ndarray:
    """Whether any factor of a row lies outside the runs that the bag saw, shape (rows,)."""
    flags = np.zeros(len(table), dtype=bool)
    for factor, (low, high) in bagged.ranges.items():
        flags |= ~table[factor].between(low * (1 - 1e-9), high * (1 + 1e-9)).to_numpy()
    return flags


def size_votes(
    bagged: BaggedLaw,
    budgets: Iterable[float],
    train_examples: float,
    space: Space | None = None,
    cost: CostFunction = paper_flops,
) -> pd.DataFrame:
    """Share of the members whose own best design has each LM size: budgets x LM sizes."""
    space = space or Space()
    c = _choices(bagged, space, cost, budgets, train_examples)
    sizes = c.designs["lm_params"].to_numpy()[c.best(c.members)]
    votes = {size: (sizes == size).mean(axis=0) for size in space.lm_params}
    return pd.DataFrame(votes, index=np.atleast_1d(np.asarray(budgets, dtype=float)))


def elasticity(
    bagged: BaggedLaw,
    space: Space | None = None,
    cost: CostFunction = paper_flops,
    budgets: Iterable[float] | None = None,
    train_examples: Iterable[float] | None = None,
    step: float = 5e6,
    form: str = "forward",
    level: float = 0.8,
) -> pd.DataFrame:
    """How the best design moves with data: rows x_N, x_T, x_V; columns value, low, high.

    form : "forward", Eq. 9 averaged over budgets and data sizes (Eq. 10, 11); or "arc",
        ln(x'/x) / ln((n + dn)/n), which a coarse grid does not bias
    ``value`` follows the bag's aggregated prediction, the interval each member's own frontier.
    Defaults are the paper's: 300 budgets on 1..100 TFLOPs, 100 data sizes on 1..10 M, dn = 5 M.
    """
    if form not in ("forward", "arc"):
        raise ValueError(f"form must be 'forward' or 'arc', got {form!r}")
    if not step > 0:
        raise ValueError(f"step must be positive, got {step}")
    space = space or Space()
    budgets = np.linspace(1e12, 100e12, 300) if budgets is None else budgets
    sizes = np.linspace(1e6, 10e6, 100) if train_examples is None else train_examples
    frontiers: dict[float, np.ndarray] = {}

    def frontier(n: float) -> np.ndarray:  # (factors, 1 + members, budgets); first the bag's
        key = round(n, 3)
        if key not in frontiers:
            c = _choices(bagged, space, cost, budgets, n)
            picks = c.best(np.vstack([c.bag, c.members]))
            frontiers[key] = np.array([c.designs[name].to_numpy()[picks] for name in FACTORS])
        return frontiers[key]

    total = 0.0
    for n in sizes:
        here, there = frontier(n), frontier(n + step)
        if form == "forward":
            total = total + ((there - here) / step * n / here).mean(axis=-1)
        else:
            total = total + (np.log(there / here) / np.log((n + step) / n)).mean(axis=-1)
    mean = total / len(sizes)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(mean[:, 1:], tails, axis=1)
    return pd.DataFrame({"value": mean[:, 0], "low": low, "high": high}, index=list(FACTORS))
