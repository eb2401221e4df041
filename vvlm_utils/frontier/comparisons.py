"""One answer beside others of the same model: other LM sizes, another price, growth of factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, CostFunction
from vvlm_utils.frontier.solver import Solution, growth, solve
from vvlm_utils.frontier.space import prices


def ask_again(solution: Solution, **changes) -> Solution:
    """The same model asked a question of which some parts are changed."""
    return solve(solution.model, replace(solution.question, **changes))


def central(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """Median and central interval of the members, whose values follow that of the bag.

    >>> central(np.array([9.0, 1.0, 2.0, 3.0]), 0.5)
    (2.0, 1.5, 2.5)
    """
    tails = [0.5, (1 - level) / 2, (1 + level) / 2]
    value, low, high = np.quantile(np.asarray(values)[1:], tails).tolist()
    return value, low, high


def size_prices(solution: Solution, level: float = 0.8) -> pd.DataFrame:
    """What the best design of each LM size loses against the best of all sizes, in points.

    Returns
    -------
    DataFrame
        Columns budget_tflops, lm_params, value (of the bag), low and high (over the members, each
        measured from its own best), by budget and size. A size is left out where it costs more
        than the budget.
    """
    space, question, best = solution.question.space, solution.question, solution.errors()
    rows = []
    for size in space.lm_params:
        alone = replace(space, lm_params=(size,))
        least = prices(alone, question.cost).min()
        buys = np.array(question.budgets) >= least
        if not buys.any():
            continue
        budgets = np.array(question.budgets)[buys]
        loss = ask_again(solution, space=alone, budgets=budgets).errors() - best[:, buys]
        for budget, losses in zip(budgets, loss.T, strict=True):
            rows.append((budget / 1e12, size, losses[0], *central(losses, level)[1:]))
    columns = ["budget_tflops", "lm_params", "value", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["budget_tflops", "lm_params"], ignore_index=True)


@dataclass(frozen=True)
class Mispriced:
    """Designs planned under one price and paid at another.

    planned : the frontier under the price that was believed
    paid : what its designs cost, FLOPs
    better : the frontier at the budgets that were paid
    lost : what the planned designs lose against it, in points: value, low, high
    """

    planned: pd.DataFrame
    paid: np.ndarray
    better: pd.DataFrame
    lost: pd.DataFrame


def misprice(
    solution: Solution, believed: CostFunction, paid: CostFunction, level: float = 0.8
) -> Mispriced:
    """Plan under one price, pay another, and compare with the best that was to be had for it."""
    planned = ask_again(solution, cost=believed).table(level)
    flops = np.asarray(paid(*(planned[f] for f in FACTORS)), dtype=float)
    honest = ask_again(solution, budgets=flops, cost=paid)
    return Mispriced(planned, flops, honest.table(level), honest.regret_of(planned, level))


def growth_table(
    solutions: Mapping[float, Solution], level: float = 0.8
) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """How fast each factor grows along the frontier, and whether it ever falls.

    Parameters
    ----------
    solutions
        A solution over many budgets for each number of training examples.
    level
        The share of the members that the intervals hold.

    Returns
    -------
    growth
        Columns n, factor, value, low, high: the members' median and central interval.
    ratios
        The same of the ratios of two factors' growth, for the first n, one row per pair.
    falls
        Share of the members in which some factor falls somewhere along the way, for the first n.
    """
    grown = {n: growth(s.designs(), s.question.budgets) for n, s in solutions.items()}
    rows = [
        (n, factor, *central(values, level))
        for n, each in grown.items()
        for factor, values in zip(FACTORS, each, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["n", "factor", "value", "low", "high"])
    first = next(iter(solutions))
    size, frames, tokens = grown[first]
    pairs = {"x_T / x_N": frames / size, "x_T / x_V": frames / tokens, "x_V / x_N": tokens / size}
    ratios = pd.DataFrame(
        {pair: central(ratio, level) for pair, ratio in pairs.items()},
        index=["value", "low", "high"],
    ).T
    return table, ratios, share_falling(solutions[first].designs())


def share_falling(designs: np.ndarray) -> float:
    """Share of the members in which a factor falls from one budget to the next.

    designs : (factors, 1 + members, budgets), as ``Solution.designs`` gives them

    >>> share_falling(np.array([[[1, 2], [1, 2], [2, 1]]]))
    0.5
    """
    return float((np.diff(designs[:, 1:], axis=-1) < 0).any(axis=(0, 2)).mean())


def share_alike(one: Solution, other: Solution, factors: Iterable[str] = FACTORS) -> float:
    """Share of the budgets at which two answers agree in these factors."""
    chosen = (s.designs()[[list(FACTORS).index(f) for f in factors], 0] for s in (one, other))
    ours, theirs = chosen
    return float((ours == theirs).all(axis=0).mean())
