"""The frontier task by task: fits that carry the error of a reading, and designs exchanged.

The scores of single tasks were read off figures less surely than their average. A fit to several
copies of a task's runs, each moved by a draw of its reading error, has that error in its spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd

from vvlm_utils.advice.answer import fit_model
from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.frontier.solver import Solution
from vvlm_utils.frontier.space import parts_of
from vvlm_utils.laws.mixtures import MixedLaws
from vvlm_utils.laws.validation import with_measurement_noise
from vvlm_utils.runs.prepared import Prepared

COPIES, MEMBERS = 5, 120  # of a task's runs, and of its model over all copies


def fit_copies(
    prepared: Prepared,
    law: str | None = None,
    *,
    copies: int = COPIES,
    members: int = MEMBERS,
    seed: int = 0,
    **fitting,
) -> MixedLaws:
    """Fit several copies of a table, each moved by a draw of its reading error, and pool them.

    Parameters
    ----------
    prepared
        The table, whose ``metric_se`` is the error of every score.
    law
        A law's name; None takes the recommended mix of laws.
    copies
        How many copies.
    members
        Members in all, shared equally by the copies.
    seed
        Of the generator of copies, resamples and prior means.
    fitting
        Further arguments of :func:`vvlm_utils.fit_model`.

    Returns
    -------
    MixedLaws
        The members of all copies; each law occurs once per copy.

    Raises
    ------
    ValueError
        No copy, fewer members than copies, or a score without ``metric_se``.
    """
    if not 1 <= copies <= members:
        raise ValueError(f"copies must lie between 1 and the {members} members, got {copies}")
    rng = np.random.default_rng(seed)
    moved = [
        fit_model(
            replace(prepared, runs=with_measurement_noise(prepared.runs, rng)),
            law,
            resamples=members // copies,
            seed=rng,
            **fitting,
        )
        for _ in range(copies)
    ]
    parts = tuple(part for model in moved for part in parts_of(model))
    return MixedLaws(parts, (1 / len(parts),) * len(parts), moved[0].aggregate)


def exchange_losses(solutions: Mapping[str, Solution], level: float = 0.9) -> pd.DataFrame:
    """What each task loses by serving another task's best design in place of its own.

    Parameters
    ----------
    solutions
        By task, answers to the same budgets, n and price.
    level
        That at which all intervals hold together (Bonferroni over tasks, others and budgets).

    Returns
    -------
    DataFrame
        Index task, other, budget_tflops; columns value (median over the task's members), low,
        high, in points. Negative where members like the other design better.

    Raises
    ------
    ValueError
        Fewer than two tasks, or questions that differ in their budgets.
    """
    budgets = {solution.question.budgets for solution in solutions.values()}
    if len(solutions) < 2 or len(budgets) > 1:
        raise ValueError("give at least two tasks, all asked at the same budgets")
    (shared,) = budgets
    best = {task: solution.table(level)[list(FACTORS)] for task, solution in solutions.items()}
    pairs = list(permutations(solutions, 2))
    tail = (1 - level) / 2 / (len(pairs) * len(shared))
    rows = {}
    for task, other in pairs:
        n = {TRAIN_EXAMPLES: float(solutions[task].question.train_examples)}
        own, foreign = (
            solutions[task].model.predict_members(best[name].assign(**n)) for name in (task, other)
        )
        ends = np.quantile(foreign - own, [0.5, tail, 1 - tail], axis=0).T
        rows |= {(task, other, c / 1e12): e for c, e in zip(shared, ends, strict=True)}
    table = pd.DataFrame(rows, index=["value", "low", "high"]).T
    return table.rename_axis(["task", "other", "budget_tflops"])
