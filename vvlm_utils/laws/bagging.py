"""Bags of fits: the same law refitted to resampled runs, predictions aggregated.

A resample is a vector of non-negative weights, one a run, never a copied table; the wild bootstrap
gives each resample errors of its own instead (``bootstrap.py``). The paper's bag takes 100
bootstrap resamples of the rows and the median of the predictions. In a penalised bag every member
also draws the means of its prior from the prior, so that what the prior decides shows in the
spread of the members.

How the optimum of a resample is found, warm, quick or cold, is the business of ``search.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.laws.bootstrap import RESAMPLING, expanded_level, resample_weights, wild_errors
from vvlm_utils.laws.diagnostics import at_bound, parameters_spent
from vvlm_utils.laws.fitting import LawFit
from vvlm_utils.laws.intervals import LM_EFFECT, predictive_interval, spread_of
from vvlm_utils.laws.law import Law, change_units, values
from vvlm_utils.laws.optimisers import Problem
from vvlm_utils.laws.options import FitError, FitOptions
from vvlm_utils.laws.problem import make_problem, predict
from vvlm_utils.laws.protocols import ErrorLaw, FunctionLaw, Model
from vvlm_utils.laws.search import cold_search, full_fit, short_search, warm_search

AGGREGATES = ("median", "mean")
BANDS = ("percentile", "expanded")
SEARCHES = ("warm", "quick", "cold")


@dataclass(frozen=True)
class BaggedLaw:
    """Refits of one law; :func:`vvlm_utils.bag` makes it.

    Attributes
    ----------
    law
        What was fitted.
    members
        The parameters of every refit, shape (members, parameters), in ``options.units``.
    losses
        The loss of each member on its own resample, shape (members,).
    options
        How they were fitted.
    resampling
        How the runs were resampled.
    aggregate
        How the members' predictions become one, "median" or "mean".
    failed
        Resamples in which every start failed, left out of ``members``.
    rows
        The number of runs.
    ranges
        Smallest and largest value of every factor in the runs.
    at_bounds
        Share of the members in which a parameter ended at a bound of the box.
    lm_sizes
        The LM sizes of the runs; none in a fit that was written before they were kept.
    noise
        SD of a run's log error about the bag's prediction, corrected for the parameters spent; NaN
        in a fit that was written before it was kept.
    """

    law: ErrorLaw
    members: np.ndarray
    losses: np.ndarray
    options: FitOptions
    resampling: str
    aggregate: str
    failed: int
    rows: int
    ranges: dict[str, tuple[float, float]]
    at_bounds: dict[str, float] = field(repr=False)
    lm_sizes: tuple[float, ...] = ()
    noise: float = float("nan")

    @property
    def member_noise(self) -> np.ndarray:
        """The noise about each member, shape (members,)."""
        return np.full(len(self.members), self.noise)

    def predict_members(self, table: pd.DataFrame) -> np.ndarray:
        """Every member's predicted error in points, shape (members, rows)."""
        return predict(self.law, self.members, table, self.options)

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """The bag's predicted error in points, shape (rows,)."""
        return getattr(np, self.aggregate)(self.predict_members(table), axis=0)

    def interval(
        self,
        table: pd.DataFrame,
        level: float = 0.8,
        band: str = "percentile",
        kind: str = "law",
        effect: float = LM_EFFECT,
    ) -> np.ndarray:
        """Central interval of a prediction, shape (2, rows).

        Parameters
        ----------
        table
            Designs, with the law's factors.
        level
            The share that the interval is to hold.
        band
            "percentile", or "expanded", widened for the few runs by ``expanded_level``.
        kind
            Of what: "law", the prediction; "run", one run, its noise included; "family", a run of
            another family of LMs.
        effect
            SD of log error of the LM effect that kind "family" adds.

        Raises
        ------
        ValueError
            A band or a kind that is none of these.
        """
        check_choice("band", band, BANDS)
        level = self.expanded_level(level) if band == "expanded" else level
        spread = spread_of(kind, self.member_noise, effect)
        return predictive_interval(self.predict_members(table), spread, level)

    def expanded_level(self, level: float) -> float:
        """The level at which to ask this bag for a percentile interval that holds about ``level``.

        Pass it as ``level`` to ``Solution.table`` or ``elasticity``; see ``bootstrap.py``.
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
    law: ErrorLaw,
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

    Parameters
    ----------
    law
        What to fit, such as :func:`vvlm_utils.get_law` gives.
    runs
        A table with the law's factors and ``error``.
    options
        How to fit, None for the paper's procedure; with a prior, every member also draws the
        prior's means anew.
    rng
        The generator of resamples and starts.
    resamples
        How many members.
    resampling
        One of ``RESAMPLING``, explained in ``laws/bootstrap.py``.
    aggregate
        How the members' predictions become one, "median" or "mean".
    search
        "warm", "quick" (``laws/search.py``), or "cold": ``options.starts`` random starts for every
        resample (always so with optimiser "l-bfgs" or start "zero").
    progress
        Whether a cold search shows a bar.

    Returns
    -------
    BaggedLaw
        The members, and what predicts with them.

    Raises
    ------
    FitError
        The runs cannot decide the law, or every start of every resample fails; a resample that
        fails alone is counted.

    Notes
    -----
    The median over 100 bootstrap resamples of the rows is the procedure of Wang et al. (ACL 2025).

    Examples
    --------
    >>> from vvlm_utils import get_law, load_runs
    >>> model = bag(get_law("add"), load_runs("paper"), rng=np.random.default_rng(0), resamples=3)
    >>> model.predict_members(load_runs("paper")).shape
    (3, 87)
    """
    options = options or FitOptions()
    check_choice("aggregate", aggregate, AGGREGATES)
    check_choice("search", search, SEARCHES)
    check_choice("resampling", resampling, RESAMPLING)
    problem, centre = make_problem(law, runs, options)
    weights = resample_weights(runs, resamples, resampling, rng, law)
    errors = None
    if resampling == "wild":
        errors = wild_errors(problem, full_fit(problem, rng), resamples, rng)
    if options.prior is not None or not isinstance(law, Law):
        own = redraw_prior(problem, options, resamples, rng)
        theta, losses = short_search(own, centre, options, weights, rng, errors)
    elif (
        search != "cold"
        and options.optimiser == "levenberg-marquardt"
        and options.start == "random"
    ):
        theta, losses = warm_search(problem, weights, rng, errors, quick=search == "quick")
    else:
        theta, losses = cold_search(problem, centre, options, weights, rng, progress, errors)
    found = np.isfinite(losses)
    if not found.any():
        raise FitError(f"no start of any resample of law {law.name!r} ended finite")
    theta, losses = theta[found], losses[found]
    touching = [name for member in theta for name in at_bound(problem, member)]
    return BaggedLaw(
        law=law,
        members=change_units(law, theta, options.log_units(law) - centre),
        losses=losses,
        options=options,
        resampling=resampling,
        aggregate=aggregate,
        failed=int((~found).sum()),
        rows=len(runs),
        ranges=ranges_of(law, runs),
        at_bounds={name: touching.count(name) / len(theta) for name in law.parameters},
        lm_sizes=sizes_of(runs),
        noise=_noise_about(problem, theta, aggregate),
    )


def redraw_prior(
    problem: Problem, options: FitOptions, resamples: int, rng: np.random.Generator
) -> Problem:
    """The problem with prior means of its own for every resample; as it is without a prior."""
    if options.prior is None:
        return problem
    mean, sd = options.prior.moments(problem.law, problem.error)
    return replace(problem, prior_mean=rng.normal(mean, sd, size=(resamples, len(mean))))


SPENT_BY = 20  # members whose count of parameters spent is averaged


def _noise_about(problem: Problem, theta: np.ndarray, aggregate: str) -> float:
    """SD of log error about the members' aggregate, sqrt(squares / (rows - parameters spent))."""
    predicted = getattr(np, aggregate)(values(problem.law, theta, problem.log_z), axis=0)
    residual = np.log(problem.error / predicted)
    spent = np.mean([parameters_spent(problem, member) for member in theta[:SPENT_BY]])
    return float(np.sqrt((residual**2).sum() / max(residual.size - spent, 1.0)))


def ranges_of(law: ErrorLaw, runs: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of the law's factors, and of those that it leaves out."""
    every = dict.fromkeys((*law.factors, *FACTORS, TRAIN_EXAMPLES))
    return {f: (float(runs[f].min()), float(runs[f].max())) for f in every if f in runs}


def sizes_of(runs: pd.DataFrame) -> tuple[float, ...]:
    """The LM sizes among the runs, in order; none where the table does not tell them."""
    return tuple(np.unique(runs["lm_params"]).astype(float).tolist()) if "lm_params" in runs else ()


def as_bag(model: Model | LawFit) -> Model:
    """A bag or a mix as it is; a single fit as a bag of one, whose intervals have no width."""
    if not isinstance(model, LawFit):
        return model
    runs, names = model.runs, model.law.factors
    return BaggedLaw(
        law=model.law,
        members=model.theta[None],
        losses=np.array([model.loss]),
        options=model.options,
        resampling="rows",
        aggregate="median",
        failed=0,
        rows=len(runs),
        ranges={f: (float(runs[f].min()), float(runs[f].max())) for f in names},
        at_bounds={p: float(p in model.diagnostics.at_bound) for p in model.law.parameters},
        lm_sizes=sizes_of(runs),
        noise=model.noise,
    )


def hold_factors(bagged: BaggedLaw, levels: Mapping[str, float]) -> BaggedLaw:
    """The bag, or the mix, with factors held at a level each: exact, in the factors that are left.

    A held factor's power is a number, which joins its term's coefficient; a law that is no sum or
    norm of monomials is handed the level. ``ranges`` and ``at_bounds`` keep what is left.
    """
    if not isinstance(bagged, BaggedLaw):
        return bagged.hold_factors(levels)
    law, units = bagged.law, bagged.options.units
    further = [f for f in law.factors if f not in (*FACTORS, TRAIN_EXAMPLES)]
    unknown = [name for name in levels if name not in further]
    if unknown:
        there = ", ".join(further) or "none"
        raise ValueError(f"cannot hold {unknown[0]!r}; the law's further factors are {there}")
    for name, level in levels.items():
        if not (np.isfinite(level) and level > 0):
            raise ValueError(f"{name} must be held at a positive number, got {level}")
    if not isinstance(law, Law):
        factors = tuple(f for f in law.factors if f not in levels)
        kept = {f: bagged.ranges[f] for f in factors}
        return replace(bagged, law=_held_function(law, levels, units), ranges=kept)
    powers = law.term_powers(bagged.members)
    scaled = (levels[f] / units.get(f, 1.0) if f in levels else 1.0 for f in law.factors)
    log_level = np.log(list(scaled))
    factors = tuple(f for f in law.factors if f not in levels)
    terms = tuple(
        replace(t, powers=tuple(p for p in t.powers if p.factor not in levels)) for t in law.terms
    )
    held = replace(law, factors=factors, terms=terms)
    keep = [law.parameters.index(name) for name in held.parameters]
    members = bagged.members.copy()
    members[:, : len(terms)] *= np.exp(powers @ log_level)
    return replace(
        bagged,
        law=held,
        members=members[:, keep],
        ranges={f: bagged.ranges[f] for f in factors},
        at_bounds={name: bagged.at_bounds[name] for name in held.parameters},
    )


def _held_function(
    law: ErrorLaw, levels: Mapping[str, float], units: Mapping[str, float]
) -> FunctionLaw:
    """The law as a function of the factors that are left."""
    places = {f: k for k, f in enumerate(f for f in law.factors if f not in levels)}

    def log_error(theta, log_z):
        rows = log_z.shape[1]
        full = [
            log_z[places[f]]
            if f in places
            else np.full(rows, np.log(levels[f] / units.get(f, 1.0)))
            for f in law.factors
        ]
        return law.log_error(theta, np.array(full))

    return FunctionLaw(law.name, tuple(places), law.parameters, law.bounds, log_error)
