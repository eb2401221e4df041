"""Bags of fits: the same law refitted to resampled runs, predictions aggregated.

A resample is a vector of non-negative weights, one a run, never a copied table; the wild bootstrap
gives each resample errors of its own instead (``resampling.py``). The paper's bag takes 100
bootstrap resamples of the rows and the median of the predictions.

A warm bag searches each resample from the basins of the fit to all runs, from random starts, from
kicked copies of its own best solutions and from the other resamples' winners; tests hold it to
the optimum of the paper's 500 cold starts. ``search="cold"`` is the paper's procedure itself, and
``"quick"`` the warm search with most descents cut short, for scores that need many bags.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from tqdm import tqdm

from vvlm_utils.engines import ENGINES, Problem, solve_lm
from vvlm_utils.fitting import FitError, FitOptions, at_wall, draw_starts, make_problem, predict
from vvlm_utils.laws import Law, values
from vvlm_utils.resampling import RESAMPLING, expanded_level, resample_weights, wild_errors

AGGREGATES = ("median", "mean")
BANDS = ("percentile", "expanded")
SEARCHES = ("warm", "quick", "cold")
ROUNDS, KEPT, NEW_STARTS = 4, 4, 32  # of the warm search; see warm_search
FIRST_STEPS, FINISHED = 25, 8  # of the quick search; see warm_search


@dataclass(frozen=True)
class BaggedLaw:
    """Refits of one law. ``members`` (resamples, parameters) is in ``options.units``.

    losses : (members,), each on its own resample
    failed : resamples in which every start failed, left out of ``members``
    ranges : smallest and largest value of every factor in the runs
    lm_sizes : the LM sizes of the runs; none in a fit that was written before they were kept
    """

    law: Law
    members: np.ndarray
    losses: np.ndarray
    options: FitOptions
    resampling: str
    aggregate: str
    failed: int
    rows: int
    ranges: dict[str, tuple[float, float]]
    walls: dict[str, float] = field(repr=False)
    """Share of the members in which a parameter ended at a wall of the box."""
    lm_sizes: tuple[float, ...] = ()

    def predict_members(self, table: pd.DataFrame) -> np.ndarray:
        """Every member's predicted error in points, shape (members, rows)."""
        return predict(self.law, self.members, table, self.options)

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """The bag's predicted error in points, shape (rows,)."""
        return getattr(np, self.aggregate)(self.predict_members(table), axis=0)

    def interval(
        self, table: pd.DataFrame, level: float = 0.8, band: str = "percentile"
    ) -> np.ndarray:
        """Central interval of the members' predictions, shape (2, rows).

        band : "percentile", or "expanded" for that of :meth:`expanded_level`
        """
        check_choice("band", band, BANDS)
        level = self.expanded_level(level) if band == "expanded" else level
        tails = [(1 - level) / 2, (1 + level) / 2]
        return np.quantile(self.predict_members(table), tails, axis=0)

    def expanded_level(self, level: float) -> float:
        """The level at which to ask this bag for a percentile interval that holds about ``level``.

        Pass it as ``level`` to ``solve_frontier`` or ``elasticity``; see ``resampling.py``.
        """
        size = len(self.law.parameters)
        return expanded_level(level, self.rows, size, len(self.members), self.resampling)

    def with_aggregate(self, aggregate: str, members: int | None = None) -> BaggedLaw:
        """The same bag, aggregated otherwise or cut to its first ``members``."""
        check_choice("aggregate", aggregate, AGGREGATES)
        cut = slice(members)
        return replace(
            self, aggregate=aggregate, members=self.members[cut], losses=self.losses[cut]
        )


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is none of those allowed."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}")


def bag(
    law: Law,
    runs: pd.DataFrame,
    options: FitOptions | None = None,
    *,
    rng: np.random.Generator,
    resamples: int = 100,
    resampling: str = "rows",
    aggregate: str = "median",
    search: str = "warm",
    progress: bool = False,
) -> BaggedLaw:
    """Refit ``law`` to ``resamples`` resamples of ``runs``.

    resampling : one of ``RESAMPLING``, explained in ``resampling.py``
    search : "warm", "quick" (see :func:`warm_search`), or "cold": ``options.starts`` random starts
        for every resample (always so with engine "lbfgs" or start "zero")
    Raises FitError when the runs cannot decide the law, or when every start of every resample
    fails; a resample that fails alone is counted.
    """
    options = options or FitOptions()
    check_choice("aggregate", aggregate, AGGREGATES)
    check_choice("search", search, SEARCHES)
    check_choice("resampling", resampling, RESAMPLING)
    problem, centre = make_problem(law, runs, options)
    weights = resample_weights(runs, resamples, resampling, rng)
    errors = None
    if resampling == "wild":
        errors = wild_errors(problem, full_fit(problem, rng), resamples, rng)
    if search != "cold" and options.engine == "lm" and options.start == "random":
        theta, losses = warm_search(problem, weights, rng, errors, quick=search == "quick")
    else:
        theta, losses = cold_search(problem, centre, options, weights, rng, progress, errors)
    found = np.isfinite(losses)
    if not found.any():
        raise FitError(f"no start of any resample of law {law.name!r} ended finite")
    theta, losses = theta[found], losses[found]
    touching = [name for member in theta for name in at_wall(problem, member)]
    return BaggedLaw(
        law=law,
        members=law.change_units(theta, options.log_units(law) - centre),
        losses=losses,
        options=options,
        resampling=resampling,
        aggregate=aggregate,
        failed=int((~found).sum()),
        rows=len(runs),
        ranges={f: (float(runs[f].min()), float(runs[f].max())) for f in law.factors},
        walls={name: touching.count(name) / len(theta) for name in law.parameters},
        lm_sizes=sizes_of(runs),
    )


def sizes_of(runs: pd.DataFrame) -> tuple[float, ...]:
    """The LM sizes among the runs, in order; none where the table does not tell them."""
    return tuple(np.unique(runs["lm_params"]).astype(float).tolist()) if "lm_params" in runs else ()


def cold_search(
    problem: Problem,
    centre: np.ndarray,
    options: FitOptions,
    weights: np.ndarray,
    rng: np.random.Generator,
    progress: bool = False,
    errors: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The best of the paper's random starts, drawn anew for every resample.

    errors : (resamples, rows) where the resamples do not share the runs' own
    Returns theta (resamples, parameters) and losses (resamples,).
    """
    best = []
    blocks = np.array_split(np.arange(len(weights)), max(1, len(weights) // 5))
    for block in tqdm(blocks, disable=not progress, desc=f"{problem.law.name}, cold starts"):
        shape = (len(block), options.starts)
        starts = draw_starts(problem.law, options, centre, shape, rng)
        own = problem if errors is None else replace(problem, error=errors[block])
        best.append(_best(*ENGINES[options.engine](own, starts, weights[block])))
    return np.concatenate([t for t, _ in best]), np.concatenate([loss for _, loss in best])


def full_fit(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """The best theta (parameters,) for all runs as they are, over 200 random starts."""
    seeds, losses = solve_lm(problem, _uniform_starts(problem, (1, 200), rng), _all_runs(problem))
    return seeds[0, losses[0].argmin()]


def _all_runs(problem: Problem) -> np.ndarray:
    return np.ones((1, problem.log_z.shape[1]))


def warm_search(
    problem: Problem,
    weights: np.ndarray,
    rng: np.random.Generator,
    errors: np.ndarray | None = None,
    quick: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Search every resample from what the others and the fit to all runs have found.

    First the basins of the full fit and ``NEW_STARTS`` random starts; then ``ROUNDS`` rounds from
    kicked copies of each resample's ``KEPT`` best and from the winners of other resamples, fewer
    once a round improves none.

    errors : (resamples, rows) where the resamples do not share the runs' own
    quick : of each resample's starts only the best ``FINISHED`` after ``FIRST_STEPS`` steps go on,
        and a resample leaves once two rounds did not improve it. A third of the time; about one
        resample in twenty then ends above its optimum, by some tenths of a percent of its loss.

    Returns theta (resamples, parameters) and losses (resamples,).
    """
    count = len(weights)
    seeds, losses = solve_lm(problem, _uniform_starts(problem, (1, 200), rng), _all_runs(problem))
    basins = _distinct(seeds[0], losses[0], 2 * KEPT)
    errors = np.broadcast_to(problem.error, weights.shape) if errors is None else errors
    problem = replace(problem, error=errors)
    starts = np.concatenate(
        [
            np.broadcast_to(basins, (count, *basins.shape)),
            _uniform_starts(problem, (count, NEW_STARTS), rng),
        ],
        axis=1,
    )
    descend = _race if quick else solve_lm
    theta, losses = _keep(*descend(problem, starts, weights))
    active, idle = np.arange(count), np.zeros(count, dtype=int)
    for _ in range(ROUNDS):
        others = _exchange(problem, theta, weights)[active]
        starts = np.concatenate([_kick(problem, theta[active], rng), others], axis=1)
        part = replace(problem, error=errors[active])
        found, found_losses = descend(part, starts, weights[active])
        before = losses[active, 0]
        found = np.concatenate([theta[active], found], axis=1)
        found_losses = np.concatenate([losses[active], found_losses], axis=1)
        theta[active], losses[active] = _keep(found, found_losses)
        better = losses[active, 0] < before * (1 - 1e-6)
        idle[active] = np.where(better, 0, idle[active] + 1)
        active = active[idle[active] < 2] if quick else active
        if not better.any() or not len(active):
            break
    return _best(*solve_lm(problem, theta[:, :1], weights, tolerance=1e-12))


def _race(
    problem: Problem, starts: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A few steps from every start, then all the way from each resample's most promising."""
    theta, losses = solve_lm(problem, starts, weights, steps=FIRST_STEPS)
    first = np.argsort(losses, axis=1)[:, :FINISHED]
    return solve_lm(problem, np.take_along_axis(theta, first[..., None], axis=1), weights)


def _best(theta: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    winner = losses.argmin(axis=1)
    rows = np.arange(len(losses))
    return theta[rows, winner], losses[rows, winner]


def _keep(theta: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each resample's ``KEPT`` best, best first."""
    order = np.argsort(losses, axis=1)[:, :KEPT]
    return np.take_along_axis(theta, order[..., None], 1), np.take_along_axis(losses, order, 1)


def _distinct(theta: np.ndarray, losses: np.ndarray, most: int) -> np.ndarray:
    """Solutions whose losses differ by more than 0.01%, best first."""
    order = np.argsort(losses)
    ratio = np.diff(losses[order], prepend=0.0) > 1e-4 * losses[order]
    return theta[order[ratio]][:most]


def _uniform_starts(
    problem: Problem, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """Random starts around the runs' centre: coefficients on (0, 30), exponents on (-1, 1)."""
    terms, size = len(problem.law.terms), len(problem.law.parameters)
    coefficients = rng.uniform(0.0, 30.0, (*shape, terms))
    return np.concatenate([coefficients, rng.uniform(-1.0, 1.0, (*shape, size - terms))], axis=-1)


def _kick(problem: Problem, theta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Copies of each resample's best with about two coefficients and two exponents redrawn.

    Coefficients at zero are always redrawn, so that no term stays switched off.
    """
    terms, size = len(problem.law.terms), len(problem.law.parameters)
    kicked = theta[:, rng.integers(0, theta.shape[1], NEW_STARTS)]
    chance = np.r_[np.full(terms, 2 / terms), np.full(size - terms, 2 / (size - terms))]
    redraw = rng.random(kicked.shape) < chance
    redraw[..., :terms] |= kicked[..., :terms] == 0
    low = problem.low
    high = np.r_[np.full(terms, 8.0), problem.high[terms:]]
    return np.where(redraw, rng.uniform(low, high, kicked.shape), kicked)


def _exchange(problem: Problem, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each resample, the other resamples' winners that fit it best, at most 2 ``KEPT``."""
    winners = theta[:, 0]
    f, y = np.log(values(problem.law, winners, problem.log_z)), np.log(problem.error)
    misfit = weights @ (f**2).T - 2 * (weights * y) @ f.T  # sum of w (f - y)^2, less its w y^2
    order = np.argsort(misfit, axis=1)[:, 1 : 2 * KEPT + 1]
    return winners[order]
