"""The best design at each inference budget, and how sure that is.

For a bag of fitted laws, ``solve`` finds x*(c; n) = argmin f(x, n) over the discrete space
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
from vvlm_utils.frontier.space import Affordable, affordable, check_examples, space_errors
from vvlm_utils.laws.bagging import as_bag
from vvlm_utils.laws.fitting import LawFit
from vvlm_utils.laws.intervals import predictive_interval, spread_of
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.space import PAPER_SPACE, Candidates, Space


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
class Question:
    """What the frontier is asked.

    Parameters
    ----------
    budgets
        FLOPs per video, one or several.
    train_examples
        Finetuning examples, n; a law without n does not read it.
    space
        The designs to choose from.
    cost
        Price of a design, FLOPs per video; candidates bring their own in its place.

    Raises
    ------
    ValueError
        No budget, or an n that is no positive number.

    Examples
    --------
    >>> Question(20e12, 1e6).budgets
    (20000000000000.0,)
    """

    budgets: tuple[float, ...]
    train_examples: float
    space: Space | Candidates = PAPER_SPACE
    cost: CostFunction = paper_flops

    def __post_init__(self) -> None:
        budgets = np.atleast_1d(np.asarray(self.budgets, dtype=float))
        if not budgets.size:
            raise ValueError("a question needs at least one budget")
        check_examples(self.train_examples)
        object.__setattr__(self, "budgets", tuple(budgets.tolist()))
        if isinstance(self.space, Candidates):
            object.__setattr__(self, "cost", self.space.price)


@dataclass(frozen=True)
class Solution:
    """The answer to a question: the bag's best designs, and each member's own.

    A frontier row carries the design with the smallest aggregated prediction (the paper's rule,
    Eq. 4; among equals the cheaper); every member of the bag has a frontier of its own, and their
    spread is the uncertainty of the answer.

    Attributes
    ----------
    model
        The model that was asked.
    question
        What it was asked.
    buys
        The designs that the largest budget buys, cheapest first.
    members
        Every member's error, points, shape (members, designs).
    bag
        The aggregated error, points, shape (designs,).
    chosen
        Position of the bag's best design, shape (budgets,).
    own
        Position of each member's best design, shape (members, budgets).
    """

    model: Model
    question: Question
    buys: Affordable
    members: np.ndarray
    bag: np.ndarray
    chosen: np.ndarray
    own: np.ndarray

    def table(self, level: float = 0.8, epsilon: float = 0.1, kind: str = "law") -> pd.DataFrame:
        """The frontier: one row per budget.

        Parameters
        ----------
        level
            The share of the members that the intervals hold.
        epsilon
            Error that counts as no difference, points.
        kind
            Of the band of the error: "law", the members' spread; "run", with the noise of a run;
            "family", with the effect of a new family of LMs.

        Returns
        -------
        DataFrame
            ``attrs`` keeps the space's LM sizes, the level and epsilon. Columns:

            - lm_params, frames, tokens_per_frame, cost_flops, error: the bag's best design;
            - error_low, error_high: central interval of the members' predictions there;
            - probability: share of the members whose own best design has this LM size;
            - lm_params_low to tokens_high: central interval of the members' best designs;
            - within_epsilon: designs predicted within ``epsilon`` points of the best;
            - regret, regret_high: median and upper quantile, over the members, of what this design
              loses in error against the member's own best;
            - extrapolates: a coordinate or n lies outside the runs; outside says which.

        Raises
        ------
        ValueError
            A level outside 0 to 1, a negative epsilon, or an unknown kind.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level}")
        if not epsilon >= 0:
            raise ValueError(f"epsilon must not be negative, got {epsilon}")
        tails = [(1 - level) / 2, (1 + level) / 2]
        at_chosen = self.members[:, self.chosen]
        sizes = self.buys.designs["lm_params"].to_numpy()
        table = self.buys.designs.iloc[self.chosen].reset_index(drop=True)
        table.insert(0, "budget_flops", self.question.budgets)
        table["train_examples"] = float(self.question.train_examples)
        table["cost_flops"] = self.buys.cost_flops[self.chosen]
        table["error"] = self.bag[self.chosen]
        noise = getattr(self.model, "member_noise", np.zeros(len(at_chosen)))
        band = predictive_interval(at_chosen, spread_of(kind, noise), level)
        table["error_low"], table["error_high"] = band
        table["probability"] = (sizes[self.own] == sizes[self.chosen]).mean(axis=0)
        names = {"lm_params": "lm_params", "frames": "frames", "tokens": "tokens_per_frame"}
        for name, factor in names.items():
            own = self.buys.designs[factor].to_numpy()[self.own]
            low, high = np.quantile(own, tails, axis=0, method="inverted_cdf")
            table[f"{name}_low"], table[f"{name}_high"] = low, high
        table["within_epsilon"] = [
            int((self.bag[: last + 1] <= self.bag[best] + epsilon).sum())
            for last, best in zip(self.buys.last, self.chosen, strict=True)
        ]
        regret = at_chosen - np.take_along_axis(self.members, self.own, axis=1)
        table["regret"], table["regret_high"] = np.quantile(regret, [0.5, tails[1]], axis=0)
        table["outside"] = outside(self.model, table)
        table["extrapolates"] = table["outside"] != ""
        table.attrs |= {
            "lm_sizes": self.question.space.lm_params,
            "level": level,
            "epsilon": epsilon,
        }
        return table

    def votes(self) -> pd.DataFrame:
        """Share of the members whose own best design has each LM size: budgets x LM sizes."""
        sizes = self.buys.designs["lm_params"].to_numpy()[self.own]
        shares = {z: (sizes == z).mean(axis=0) for z in self.question.space.lm_params}
        return pd.DataFrame(shares, index=np.array(self.question.budgets))

    def errors(self) -> np.ndarray:
        """Least error at every budget, (1 + members, budgets): the bag's, then each member's."""
        own = np.take_along_axis(self.members, self.own, axis=1)
        return np.vstack([self.bag[self.chosen], own])

    def designs(self) -> np.ndarray:
        """Best designs, (factors, 1 + members, budgets): the bag's, then each member's own."""
        picks = np.vstack([self.chosen, self.own])
        return self.buys.designs[list(FACTORS)].to_numpy().T[:, picks]

    def near(self, epsilon: float = 0.1, budget: int = 0) -> pd.DataFrame:
        """Every design predicted within ``epsilon`` points of a budget's best, best first.

        Parameters
        ----------
        epsilon
            Error that counts as no difference, points.
        budget
            Position of the budget in the question.

        Returns
        -------
        DataFrame
            The design, cost_flops, error, excess over the best, and votes: the share of the
            members for which the design is within ``epsilon`` of their own best.
        """
        best = self.chosen[budget]
        bought = slice(self.buys.last[budget] + 1)
        near = np.flatnonzero(self.bag[bought] <= self.bag[best] + epsilon)
        own = np.take_along_axis(self.members, self.own[:, [budget]], axis=1)
        table = self.buys.designs.iloc[near].reset_index(drop=True)
        table["cost_flops"] = self.buys.cost_flops[near]
        table["error"] = self.bag[near]
        table["excess"] = self.bag[near] - self.bag[best]
        table["votes"] = (self.members[:, near] <= own + epsilon).mean(axis=0)
        table = table.sort_values(["error", "cost_flops"], kind="stable", ignore_index=True)
        table.attrs |= {"lm_sizes": self.question.space.lm_params, "epsilon": epsilon}
        return table

    def regret_of(self, designs: pd.DataFrame, level: float = 0.8) -> pd.DataFrame:
        """What given designs, one per budget, lose against each member's own best, in points.

        Parameters
        ----------
        designs
            One row per budget, with the three factors.
        level
            The share of the members that the interval holds.

        Returns
        -------
        DataFrame
            Columns value (median over the members), low, high. Negative where a design costs more
            than its budget and is the better for it.
        """
        n = float(self.question.train_examples)
        table = designs[list(FACTORS)].assign(train_examples=n)
        tails = [0.5, (1 - level) / 2, (1 + level) / 2]
        regret = self.model.predict_members(table) - self.errors()[1:]
        regret = np.quantile(regret, tails, axis=0)
        return pd.DataFrame(dict(zip(("value", "low", "high"), regret, strict=True)))


def solve(model: Model | LawFit, question: Question) -> Solution:
    """Find x*(c; n) = argmin f(x, n) with c(x) <= c (Eq. 4) at every budget, in one pass.

    Parameters
    ----------
    model
        A bag, a mix, or a single fit, whose intervals have no width.
    question
        Budgets, n, the designs to choose from and their price.

    Returns
    -------
    Solution
        The best designs of the model and of each of its members.

    Raises
    ------
    ValueError
        A budget buys no design, or is no positive number.

    Notes
    -----
    Equation 4 of Wang et al. (ACL 2025), with their discrete space of designs.

    Examples
    --------
    >>> from vvlm_utils.laws import bag, get_law
    >>> from vvlm_utils.runs import load_runs
    >>> model = bag(get_law("add"), load_runs(), rng=np.random.default_rng(0), resamples=3)
    >>> space = Space(lm_params=(1e9, 7.5e9), frames=(8, 16), tokens_per_frame=(49, 100))
    >>> answer = solve(model, Question(20e12, 1e6, space))
    >>> answer.table()[["lm_params", "frames", "tokens_per_frame"]].to_numpy().tolist()
    [[7500000000.0, 8.0, 100.0]]
    """
    model = as_bag(model)
    buys = affordable(question.space, question.cost, question.budgets)
    members = space_errors(model, question.space, question.train_examples)[:, buys.order]
    bag = getattr(np, model.aggregate)(members, axis=0)
    chosen, own = (running_best(errors, buys.last) for errors in (bag, members))
    return Solution(model, question, buys, members, bag, chosen, own)


def outside(bagged: Model, table: pd.DataFrame) -> np.ndarray:
    """Names of the factors in which a row lies outside the bag's runs, shape (rows,) of text."""
    names = np.full(len(table), "", dtype=object)
    for factor, (low, high) in bagged.ranges.items():
        out = ~table[factor].between(low * (1 - 1e-9), high * (1 + 1e-9)).to_numpy()
        names[out] = [f"{name}, {factor}" if name else factor for name in names[out]]
    return names


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
