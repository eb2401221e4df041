"""The search for a bag's members: the optimum of a law on every resample of the runs.

A warm search starts each resample from the local optima of the fit to all runs, from random
starts, from kicked copies of its own best solutions and from the other resamples' winners; tests
hold it to the optimum of the paper's 500 cold starts. ``cold_search`` is the paper's procedure
itself; the quick search is the warm one with most descents cut short, for scores that need many
bags. A penalised fit, and a law that is no sum or norm of monomials, take ``short_search``: a
prior leaves few local optima, and a law searched in Python leaves time for few starts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tqdm import tqdm

from vvlm_utils.laws.law import values
from vvlm_utils.laws.optimisers import OPTIMISERS, Problem, finish, levenberg_marquardt
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.starts import draw_starts, start_points

ROUNDS, KEPT, NEW_STARTS = 4, 4, 32  # of the warm search; see warm_search
FIRST_STEPS, FINISHED = 25, 8  # of the quick search; see warm_search


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
        best.append(_best(*OPTIMISERS[options.optimiser](own, starts, weights[block])))
    return np.concatenate([t for t, _ in best]), np.concatenate([loss for _, loss in best])


def short_search(
    problem: Problem,
    centre: np.ndarray,
    options: FitOptions,
    weights: np.ndarray,
    rng: np.random.Generator,
    errors: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Search every resample from the optima of the fit to all runs and a few other starts.

    Those are ``KEPT`` of the starts of a single fit and, in a second round, the winners of other
    resamples that fit best. ``problem.prior_mean`` may differ between the resamples.

    On the paper's runs 150 draws of the prior found none of 40 penalised members of each law
    lower, by more than 0.01% of its loss, than this search had.
    """
    optimise = OPTIMISERS[options.optimiser]
    plain = problem
    if problem.prior_mean is not None:
        plain = replace(problem, prior_mean=np.atleast_2d(problem.prior_mean).mean(axis=0))
    starts = start_points(plain, options, centre, rng)
    found, losses = optimise(plain, starts[None], _all_runs(problem))
    optima = _distinct(found[0], losses[0], KEPT)
    errors = np.broadcast_to(problem.error, weights.shape) if errors is None else errors
    problem = replace(problem, error=errors)
    first = np.vstack([optima, starts[:KEPT]])
    theta, losses = _keep(
        *optimise(problem, np.broadcast_to(first, (len(weights), *first.shape)), weights)
    )
    again, other = optimise(problem, _exchange(problem, theta, weights), weights)
    theta, losses = np.concatenate([theta, again], 1), np.concatenate([losses, other], 1)
    return finish(problem, _best(theta, losses)[0], weights)


def full_fit(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """The best theta (parameters,) for all runs as they are, over 200 random starts."""
    seeds, losses = levenberg_marquardt(
        problem, _uniform_starts(problem, (1, 200), rng), _all_runs(problem)
    )
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

    First the local optima of the full fit and ``NEW_STARTS`` random starts; then ``ROUNDS`` rounds
    from kicked copies of each resample's ``KEPT`` best and from the winners of other resamples,
    fewer once a round improves none.

    errors : (resamples, rows) where the resamples do not share the runs' own
    quick : of each resample's starts only the best ``FINISHED`` after ``FIRST_STEPS`` steps go on,
        and a resample leaves once two rounds did not improve it. A third of the time; about one
        resample in twenty then ends above its optimum, by some tenths of a percent of its loss.

    Returns theta (resamples, parameters) and losses (resamples,).
    """
    count = len(weights)
    seeds, losses = levenberg_marquardt(
        problem, _uniform_starts(problem, (1, 200), rng), _all_runs(problem)
    )
    optima = _distinct(seeds[0], losses[0], 2 * KEPT)
    errors = np.broadcast_to(problem.error, weights.shape) if errors is None else errors
    problem = replace(problem, error=errors)
    starts = np.concatenate(
        [
            np.broadcast_to(optima, (count, *optima.shape)),
            _uniform_starts(problem, (count, NEW_STARTS), rng),
        ],
        axis=1,
    )
    descend = _race if quick else levenberg_marquardt
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
    return finish(problem, theta[:, 0], weights)


def _race(
    problem: Problem, starts: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A few steps from every start, then all the way from each resample's most promising."""
    theta, losses = levenberg_marquardt(problem, starts, weights, steps=FIRST_STEPS)
    first = np.argsort(losses, axis=1)[:, :FINISHED]
    return levenberg_marquardt(
        problem, np.take_along_axis(theta, first[..., None], axis=1), weights
    )


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
