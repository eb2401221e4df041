"""The best design at each inference budget, and how sure that is.

For a bag of fitted laws, ``solve_frontier`` finds x*(c; n) = argmin f(x, n) over the discrete space
with c(x) <= c (Eq. 4), for all budgets in one pass: designs are sorted by cost and the running
minimum of the bag's prediction is read off. Every member of the bag has a frontier of its own;
their spread is the uncertainty of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, CostFunction, paper_flops
from vvlm_utils.frontier.space import (
    PAPER_SPACE,
    Affordable,
    Candidates,
    Space,
    affordable,
    space_errors,
)
from vvlm_utils.laws.bagging import BaggedLaw, as_bag
from vvlm_utils.laws.fitting import LawFit


def running_best(errors: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Position of the smallest error among designs 0..last, the first of equals.

    errors (..., designs), cheapest first; last (budgets,); returns (..., budgets).
    """
    running = np.minimum.accumulate(errors, axis=-1)
    is_new = np.ones(errors.shape, dtype=bool)
    is_new[..., 1:] = errors[..., 1:] < running[..., :-1]
    position = np.where(is_new, np.arange(errors.shape[-1]), 0)
    return np.maximum.accumulate(position, axis=-1)[..., last]


@dataclass(frozen=True)
class _Solved:
    """Errors of the affordable designs, and where the bag and its members have their best.

    members (members, designs), bag (designs,), chosen (budgets,), own (members, budgets)
    """

    buys: Affordable
    members: np.ndarray
    bag: np.ndarray
    chosen: np.ndarray
    own: np.ndarray


def _solve(bagged, budgets, train_examples, space, cost) -> _Solved:
    buys = affordable(space, cost, budgets)
    members = space_errors(bagged, space, train_examples)[:, buys.order]
    bag = getattr(np, bagged.aggregate)(members, axis=0)
    best = (running_best(errors, buys.last) for errors in (bag, members))
    return _Solved(buys, members, bag, *best)


def solve_frontier(
    model: BaggedLaw | LawFit,
    budgets: Iterable[float],
    train_examples: float,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
    level: float = 0.8,
    epsilon: float = 0.1,
) -> pd.DataFrame:
    """The frontier: one row a budget (FLOPs per video).

    lm_params, frames, tokens_per_frame, cost_flops, error : the design with the smallest
        aggregated prediction (the paper's rule; among equals the cheaper)
    error_low, error_high : central ``level`` interval of the members' predictions there
    probability : share of the members whose own best design has this LM size
    lm_params_low .. tokens_high : central ``level`` interval of the members' own best designs
    within_epsilon : designs predicted within ``epsilon`` points of the best
    regret, regret_high : median and upper quantile, over the members, of what this design
        loses in error against the member's own best
    extrapolates : a coordinate or ``train_examples`` lies outside the runs; ``outside`` says which
    ``attrs`` keeps the space's LM sizes, the level and epsilon.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if not epsilon >= 0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}")
    bagged = as_bag(model)
    budgets = np.atleast_1d(np.asarray(budgets, dtype=float))
    s = _solve(bagged, budgets, train_examples, space, cost)
    tails = [(1 - level) / 2, (1 + level) / 2]
    at_chosen = s.members[:, s.chosen]
    sizes = s.buys.designs["lm_params"].to_numpy()
    table = s.buys.designs.iloc[s.chosen].reset_index(drop=True)
    table.insert(0, "budget_flops", budgets)
    table["train_examples"] = float(train_examples)
    table["cost_flops"] = s.buys.cost_flops[s.chosen]
    table["error"] = s.bag[s.chosen]
    table["error_low"], table["error_high"] = np.quantile(at_chosen, tails, axis=0)
    table["probability"] = (sizes[s.own] == sizes[s.chosen]).mean(axis=0)
    names = {"lm_params": "lm_params", "frames": "frames", "tokens": "tokens_per_frame"}
    for name, factor in names.items():
        own = s.buys.designs[factor].to_numpy()[s.own]
        low, high = np.quantile(own, tails, axis=0, method="inverted_cdf")
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    table["within_epsilon"] = [
        int((s.bag[: last + 1] <= s.bag[best] + epsilon).sum())
        for last, best in zip(s.buys.last, s.chosen, strict=True)
    ]
    regret = at_chosen - np.take_along_axis(s.members, s.own, axis=1)
    table["regret"], table["regret_high"] = np.quantile(regret, [0.5, tails[1]], axis=0)
    table["outside"] = outside(bagged, table)
    table["extrapolates"] = table["outside"] != ""
    table.attrs |= {"lm_sizes": space.lm_params, "level": level, "epsilon": epsilon}
    return table


def outside(bagged: BaggedLaw, table: pd.DataFrame) -> np.ndarray:
    """Names of the factors in which a row lies outside the bag's runs, shape (rows,) of text."""
    names = np.full(len(table), "", dtype=object)
    for factor, (low, high) in bagged.ranges.items():
        out = ~table[factor].between(low * (1 - 1e-9), high * (1 + 1e-9)).to_numpy()
        names[out] = [f"{name}, {factor}" if name else factor for name in names[out]]
    return names


def near_optimal(
    model: BaggedLaw | LawFit,
    budget: float,
    train_examples: float,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
    epsilon: float = 0.1,
) -> pd.DataFrame:
    """Every design of one budget predicted within ``epsilon`` points of the best, best first.

    Columns: the design, cost_flops, error, excess over the best, and votes, the share of the
    members for which the design is within ``epsilon`` of their own best.
    """
    bagged = as_bag(model)
    s = _solve(bagged, [budget], train_examples, space, cost)
    near = np.flatnonzero(s.bag <= s.bag[s.chosen] + epsilon)
    own = np.take_along_axis(s.members, s.own, axis=1)
    table = s.buys.designs.iloc[near].reset_index(drop=True)
    table["cost_flops"] = s.buys.cost_flops[near]
    table["error"] = s.bag[near]
    table["excess"] = s.bag[near] - s.bag[s.chosen]
    table["votes"] = (s.members[:, near] <= own + epsilon).mean(axis=0)
    table = table.sort_values(["error", "cost_flops"], kind="stable", ignore_index=True)
    table.attrs |= {"lm_sizes": space.lm_params, "epsilon": epsilon}
    return table


def size_votes(
    model: BaggedLaw | LawFit,
    budgets: Iterable[float],
    train_examples: float,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
) -> pd.DataFrame:
    """Share of the members whose own best design has each LM size: budgets x LM sizes."""
    budgets = np.atleast_1d(np.asarray(budgets, dtype=float))
    s = _solve(as_bag(model), budgets, train_examples, space, cost)
    sizes = s.buys.designs["lm_params"].to_numpy()[s.own]
    return pd.DataFrame({z: (sizes == z).mean(axis=0) for z in space.lm_params}, index=budgets)


def best_errors(
    model: BaggedLaw | LawFit,
    budgets: Iterable[float],
    train_examples: float,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
) -> np.ndarray:
    """Least error at every budget, (1 + members, budgets): the bag's, then each member's own."""
    s = _solve(as_bag(model), budgets, train_examples, space, cost)
    return np.vstack([s.bag[s.chosen], np.take_along_axis(s.members, s.own, axis=1)])


def member_designs(
    model: BaggedLaw | LawFit,
    budgets: Iterable[float],
    train_examples: float,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
) -> np.ndarray:
    """Best designs, (factors, 1 + members, budgets): the bag's, then each member's own."""
    s = _solve(as_bag(model), budgets, train_examples, space, cost)
    picks = np.vstack([s.chosen, s.own])
    return s.buys.designs[list(FACTORS)].to_numpy().T[:, picks]


def growth(designs: np.ndarray, budgets: Iterable[float]) -> np.ndarray:
    """Factor by which x grows from the least to the greatest budget, along a fitted line.

    designs (..., budgets); the line is that of log x in log c, so no single step of a discrete
    frontier decides it.

    >>> growth(np.array([1.0, 2.0, 4.0]), [1, 10, 100]).round(6).item()
    4.0
    """
    log_c = np.log(np.asarray(budgets, dtype=float))
    centred = log_c - log_c.mean()
    slope = np.log(designs) @ centred / (centred @ centred)
    return np.exp(slope * np.ptp(log_c))


def regret_of(
    model: BaggedLaw | LawFit,
    designs: pd.DataFrame,
    budgets: Iterable[float],
    train_examples: float,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
    level: float = 0.8,
) -> pd.DataFrame:
    """What given designs, one a budget, lose against each member's own best, in points.

    Columns value (median over the members), low, high. Negative where a design costs more than
    its budget and is the better for it.
    """
    bagged = as_bag(model)
    own = best_errors(bagged, budgets, train_examples, space, cost)[1:]
    table = designs[list(FACTORS)].assign(train_examples=float(train_examples))
    tails = [0.5, (1 - level) / 2, (1 + level) / 2]
    regret = np.quantile(bagged.predict_members(table) - own, tails, axis=0)
    return pd.DataFrame(dict(zip(("value", "low", "high"), regret, strict=True)))
