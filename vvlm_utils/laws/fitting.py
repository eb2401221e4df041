"""Fit a law to a table of runs, and say how much of the answer the runs decide.

The objective is the paper's (Eq. 7): the sum of squared differences of log error, least over many
random starts. Fits live in a box, because the infimum may lie at infinity: every coefficient is
what its term adds at the runs' geometric centre, between 0 and ``max_coefficient`` points, and
every exponent lies within ``max_exponent`` of zero. (Over the paper's star, frames span a factor
of 8; an exponent of 3 makes a term change 512-fold, a spike on the last level.) What ends at a
bound is reported in the fit's diagnostics. A refused fit raises :class:`FitError`.

With ``FitOptions.prior`` the fit is penalised (``laws/priors.py``): a few LM sizes cannot hold
fifteen free parameters, and what the runs leave open is then decided by a stated prior.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import lmfit
import numpy as np
import pandas as pd

from vvlm_utils.laws.forms import (
    Law,
    change_units,
    coefficient_count,
    log_design,
    log_values,
    values,
)
from vvlm_utils.laws.optimisers import OPTIMISERS, SMALLEST_COEFFICIENT, Problem
from vvlm_utils.laws.priors import Prior, prior_draws
from vvlm_utils.laws.protocols import ErrorLaw

PAPER_UNITS = {"lm_params": 1e9, "train_examples": 1e6}  # x_N in billions, n in millions
CHOICES = {
    "optimiser": tuple(OPTIMISERS),
    "loss": ("squared", "huber"),
    "space": ("log", "raw"),
    "exponents": ("free", "positive"),
    "start": ("random", "zero"),
}


class FitError(ValueError):
    """A fit that cannot be made from these runs."""


@dataclass(frozen=True)
class FitOptions:
    """How to fit; the defaults are the paper's chosen procedure (last row of Table 8).

    Parameters
    ----------
    optimiser
        "levenberg-marquardt" (compiled) or "l-bfgs" (SciPy's, the paper's).
    loss
        "squared" or "huber", which turns linear past ``huber_delta``.
    space
        Residuals of "log" error, or of "raw" error in points.
    exponents
        "free" in sign, or "positive".
    start
        "random": coefficients uniform on (0, 30), exponents on (-1, 1), in ``units``; "zero": one
        start with log coefficients and exponents at zero.
    starts
        How many random starts.
    huber_delta
        Where Huber's loss turns linear, in the unit of the residuals.
    max_exponent, max_coefficient
        Bounds of the fit: the size of an exponent, and what a term adds at the runs' centre.
    units
        Size of one unit of each factor for starts and reported coefficients; 1 where none is given.
    prior
        None for the paper's unpenalised fit, or the ``Prior`` of ``laws/priors.py`` that penalises.

    Raises
    ------
    ValueError
        A word that is none of these, a size that is not positive, or a prior with a loss that it
        cannot join.
    """

    optimiser: str = "levenberg-marquardt"
    loss: str = "squared"
    space: str = "log"
    exponents: str = "free"
    start: str = "random"
    starts: int = 500
    huber_delta: float = 1e-3
    max_exponent: float = 3.0
    max_coefficient: float = 1e3
    units: Mapping[str, float] = field(default_factory=lambda: dict(PAPER_UNITS))
    prior: Prior | None = None

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        sizes = {n: getattr(self, n) for n in ("starts", "huber_delta", "max_exponent")}
        sizes |= {"max_coefficient": self.max_coefficient} | {
            f"units[{k}]": v for k, v in self.units.items()
        }
        for name, value in sizes.items():
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, got {value!r}")
        if self.prior is not None and (self.loss, self.space) != ("squared", "log"):
            raise ValueError("a prior needs loss 'squared' and space 'log'")

    def log_units(self, law: ErrorLaw) -> np.ndarray:
        """Logarithm of each factor's unit, shape (factors,)."""
        return np.log([self.units.get(f, 1.0) for f in law.factors])


@dataclass(frozen=True)
class Diagnostics:
    """How the search went.

    Attributes
    ----------
    starts
        Starts tried.
    failed
        Those that never reached a finite loss.
    within_1pct
        Share of starts that ended within 1% of the best loss.
    local_optima
        Number of distinct losses (to 0.1%) among those starts.
    at_bound
        Parameters that ended at a bound of the box; a coefficient there is zero or huge.
    condition
        Condition number of the scaled Jacobian of the parameters off the bounds.
    prior_share
        Posterior over prior variance of every parameter of a penalised fit: near 1 the prior
        decides it, near 0 the runs do; empty without a prior.
    """

    starts: int
    failed: int
    within_1pct: float
    local_optima: int
    at_bound: tuple[str, ...]
    condition: float
    prior_share: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LawFit:
    """A fitted law; :func:`vvlm_utils.fit` makes it.

    Attributes
    ----------
    law
        What was fitted.
    theta
        Its parameters, shape (parameters,), in ``options.units``.
    loss
        The objective at theta, a prior's part included.
    options
        How it was fitted.
    diagnostics
        How the search went: starts, failures, local optima, parameters at a bound.
    runs
        What it saw.
    near
        One solution of each distinct loss within 1% of the best, shape (local_optima, parameters),
        best first: equally good descriptions of the runs with other parameters.
    noise
        SD of a run's log error about the law, corrected for the parameters that it spent.
    """

    law: ErrorLaw
    theta: np.ndarray
    loss: float
    options: FitOptions
    diagnostics: Diagnostics
    runs: pd.DataFrame = field(repr=False)
    near: np.ndarray = field(repr=False)
    noise: float = float("nan")

    @property
    def params(self) -> dict[str, float]:
        """Parameter values by name."""
        return dict(zip(self.law.parameters, self.theta.tolist(), strict=True))

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Predicted error in points, shape (rows,)."""
        return predict(self.law, self.theta, table, self.options)[0]

    def lmfit(self) -> tuple[lmfit.Minimizer, lmfit.minimizer.MinimizerResult]:
        """The fit as lmfit sees it: standard errors, correlations, AIC, ``conf_interval``.

        Parameters at a bound are held there, as lmfit's intervals assume an interior optimum.
        A prior joins the residuals, one for each parameter, as if it were that many more runs.

        Raises
        ------
        FitError
            Huber's loss, which is no sum of squares.
        """
        if self.options.loss != "squared":
            raise FitError(f"lmfit needs loss 'squared', and this fit has {self.options.loss!r}")
        parameters = lmfit.Parameters()
        problem, centre = make_problem(self.law, self.runs, self.options)
        low, high = lmfit_box(self.law, self.options)
        for name, value, least, most in zip(
            self.law.parameters, self.theta, low, high, strict=True
        ):
            vary = name not in self.diagnostics.at_bound
            parameters.add(name, value, min=least, max=most, vary=vary)
        scale = np.asarray if self.options.space == "raw" else np.log
        observed = scale(problem.error)
        to_centre = centre - self.options.log_units(self.law)
        (mean,), precision = problem.priors(1)

        def residual(p):
            theta = np.array([p[name].value for name in self.law.parameters])
            theta = change_units(self.law, theta, to_centre)
            misses = scale(values(self.law, theta, problem.log_z)[0]) - observed
            if problem.prior_weight is None:
                return misses
            return np.r_[misses, np.sqrt(precision) * (problem.to_search(theta) - mean)]

        minimizer = lmfit.Minimizer(residual, parameters)
        return minimizer, minimizer.minimize(method="least_squares")


def lmfit_box(law: ErrorLaw, options: FitOptions) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of an lmfit parameter, in ``options.units``: the box, coefficients without a top."""
    low, high = (np.array(side, dtype=float) for side in law.bounds)
    if isinstance(law, Law):
        exponents = slice(len(law.terms), len(law.terms) + len(law.exponents))
        low[exponents] = 0.0 if options.exponents == "positive" else -options.max_exponent
        high[exponents] = options.max_exponent
    return low, high


def predict(
    law: ErrorLaw, theta: np.ndarray, table: pd.DataFrame, options: FitOptions
) -> np.ndarray:
    """Error in points, shape (members, rows), of ``theta`` given in ``options.units``."""
    return values(law, theta, log_design(law, table) - options.log_units(law)[:, None])


def lmfit_model(law: ErrorLaw, options: FitOptions | None = None) -> lmfit.Model:
    """The law as an lmfit Model whose independent variables are the law's factors, as counts."""
    options = options or FitOptions()

    def model(**named):
        theta = np.array([named[name] for name in law.parameters])
        return predict(law, theta, {f: named[f] for f in law.factors}, options)[0]

    # lmfit reads the names from a function's signature, so the model is given the law's.
    kind = inspect.Parameter.KEYWORD_ONLY
    names = [inspect.Parameter(n, kind) for n in (*law.factors, *law.parameters)]
    model.__signature__ = inspect.Signature(names)
    lm = lmfit.Model(model, independent_vars=list(law.factors), name=law.name)
    low, high = lmfit_box(law, options)
    for k, (name, least, most) in enumerate(zip(law.parameters, low, high, strict=True)):
        value = 10.0 if k < coefficient_count(law) else float(np.clip(0.3, least, most))
        lm.set_param_hint(name, min=least, max=most, value=value)
    return lm


def make_problem(
    law: ErrorLaw, runs: pd.DataFrame, options: FitOptions
) -> tuple[Problem, np.ndarray]:
    """The optimisers' problem, factors measured from the runs' geometric centre, and that centre.

    The centre is given as logarithms, shape (factors,); a law that is no sum or norm of monomials
    is left in ``options.units`` instead. Raises FitError when the table cannot decide the law's
    parameters.
    """
    if "error" not in runs:
        raise FitError("the runs need a column 'error' in points; load them with load_runs")
    log_z = log_design(law, runs)
    error = runs["error"].to_numpy(dtype=float)
    if not (np.isfinite(error) & (error > 0)).all():
        raise FitError(f"error must be positive to have a logarithm, got {np.min(error)}")
    size = len(law.parameters)
    if len(runs) < size and options.prior is None:
        raise FitError(
            f"law {law.name!r} has {size} parameters but only {len(runs)} runs; add runs"
        )
    for factor, column in zip(law.factors, log_z, strict=True):
        if np.ptp(column) == 0:
            level = f"{np.exp(column[0]):g}"
            raise FitError(
                f"{factor} has one level ({level}) in these runs, so its exponent in law "
                f"{law.name!r} cannot be found; add runs at another {factor}"
            )
    if np.ptp(error) == 0:
        raise FitError("every run has the same metric, so no factor matters; look at the scores")
    low, high = _box(law, options)
    delta = options.huber_delta if options.loss == "huber" else np.inf
    centre = log_z.mean(axis=1) if isinstance(law, Law) else options.log_units(law)
    log_z = log_z - centre[:, None]
    problem = Problem(law, log_z, error, low, high, delta, options.space == "raw")
    if options.prior is not None:
        problem = _penalised(problem, options.prior)
    return problem, centre


def _box(law: ErrorLaw, options: FitOptions) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of a fit, for factors measured from the runs' centre."""
    low, high = (np.array(side, dtype=float) for side in law.bounds)
    if isinstance(law, Law):
        terms = len(law.terms)
        # A search of logarithms never reaches zero.
        by_logs = options.prior is not None or law.norm
        low[:terms] = SMALLEST_COEFFICIENT if by_logs else 0.0
        high[:terms] = options.max_coefficient
        exponents = slice(terms, terms + len(law.exponents))
        low[exponents] = 0.0 if options.exponents == "positive" else -options.max_exponent
        high[exponents] = options.max_exponent
    return low, high


NOISE_ROUNDS = 3


def _penalised(problem: Problem, prior: Prior) -> Problem:
    """The problem with a prior, its weight in units of the squared residual.

    Where the prior leaves the noise to the runs, it is that of the penalised fit's residuals,
    found in a few rounds from 1%.
    """
    mean, sd = prior.moments(problem.law, problem.error)
    noise = prior.noise or 0.01
    start = np.clip(problem.from_search(mean), problem.low, problem.high)[None, None]
    ones = np.ones((1, problem.error.size))
    for _ in range(NOISE_ROUNDS if prior.noise is None else 0):
        trial = replace(problem, prior_mean=mean, prior_weight=(noise / sd) ** 2)
        theta, _ = OPTIMISERS["levenberg-marquardt"](trial, start, ones)
        noise = max(residual_noise(trial, theta[0, 0]), 1e-4)
    return replace(problem, prior_mean=mean, prior_weight=(noise / sd) ** 2)


def draw_starts(
    law: ErrorLaw,
    options: FitOptions,
    centre: np.ndarray,
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """The paper's random starts, (*shape, parameters), re-labelled for factors from ``centre``.

    A law that is no sum or norm of monomials starts anywhere within its bounds.
    """
    terms, size = coefficient_count(law), len(law.parameters)
    if not isinstance(law, Law):
        return rng.uniform(*law.bounds, (*shape, size))
    if options.start == "zero":
        theta = np.concatenate([np.ones(terms), np.zeros(size - terms)])
        theta = np.broadcast_to(theta, (*shape[:-1], 1, size))
    else:
        coefficients = rng.uniform(0.0, 30.0, (*shape, terms))
        exponents = rng.uniform(-1.0, 1.0, (*shape, size - terms))
        theta = np.concatenate([coefficients, exponents], axis=-1)
    return law.change_units(theta, centre - options.log_units(law))


FEW_STARTS = 40  # of a penalised fit, whose prior leaves few local optima
FUNCTION_STARTS = 20  # of a law that is searched in Python


def start_points(
    problem: Problem, options: FitOptions, centre: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Starts of one fit: the paper's, or with a prior its mean and draws from it."""
    law = problem.law
    if options.prior is not None:
        drawn = prior_draws(law, options.prior, problem.error, FEW_STARTS - 1, rng)
        return np.vstack([problem.from_search(problem.prior_mean), drawn])
    starts = options.starts if isinstance(law, Law) else min(options.starts, FUNCTION_STARTS)
    return draw_starts(law, options, centre, (starts,), rng)


def fit(
    law: ErrorLaw,
    runs: pd.DataFrame,
    options: FitOptions | None = None,
    *,
    rng: np.random.Generator,
    starts_at: np.ndarray | None = None,
) -> LawFit:
    """Fit ``law`` to ``runs``; the best of ``options.starts`` random starts.

    With a prior, of its mean and ``FEW_STARTS`` less one draws from it.

    Parameters
    ----------
    law
        What to fit, such as :func:`vvlm_utils.get_law` gives.
    runs
        A table with the law's factors and ``error``, as :func:`vvlm_utils.load_runs` gives.
    options
        How to fit; None takes the paper's procedure.
    rng
        The generator of the random starts.
    starts_at
        Where to start instead, shape (starts, parameters), in ``options.units``.

    Returns
    -------
    LawFit
        The parameters, the loss and how the search went.

    Raises
    ------
    FitError
        The runs cannot decide the law, or no start ends finite.

    Notes
    -----
    Equation 7 of Wang et al. (ACL 2025): least sum of squared differences of log error.

    Examples
    --------
    >>> from vvlm_utils import get_law, load_runs
    >>> fitted = fit(get_law("mult"), load_runs("paper"), rng=np.random.default_rng(0))
    >>> fitted.diagnostics.starts, list(fitted.params)
    (500, ['alpha', 'eps', 'a_N', 'a_T', 'a_V', 'd'])
    """
    options = options or FitOptions()
    problem, centre = make_problem(law, runs, options)
    if starts_at is None:
        starts = start_points(problem, options, centre, rng)
    else:
        starts = change_units(law, np.atleast_2d(starts_at), centre - options.log_units(law))
    theta, losses = OPTIMISERS[options.optimiser](problem, starts[None], np.ones((1, len(runs))))
    theta, losses = theta[0], losses[0]
    if not np.isfinite(losses).any():
        raise FitError(f"none of the {len(losses)} starts of law {law.name!r} ended finite")
    best = theta[np.argmin(losses)]
    near = np.argsort(losses)[: (losses <= losses.min() * 1.01).sum()]
    _, distinct = np.unique(np.round(np.log(losses[near] + 1e-300), 3), return_index=True)
    diagnostics = Diagnostics(
        starts=len(losses),
        failed=int((~np.isfinite(losses)).sum()),
        within_1pct=float(len(near) / len(losses)),
        local_optima=len(distinct),
        at_bound=at_bound(problem, best),
        condition=condition(problem, best),
        prior_share=prior_share(problem, best),
    )
    back = options.log_units(law) - centre
    return LawFit(
        law=law,
        theta=change_units(law, best, back),
        loss=float(losses.min()),
        options=options,
        diagnostics=diagnostics,
        runs=runs[[*law.factors, "error"]].copy(),
        near=change_units(law, theta[near][distinct], back),
        noise=residual_noise(problem, best),
    )


def at_bound(problem: Problem, theta: np.ndarray) -> tuple[str, ...]:
    """Names of the parameters that lie at a bound of the box."""
    slack = 1e-6 * (1.0 + np.abs(theta))
    touching = (theta <= problem.low + slack) | (theta >= problem.high - slack)
    return tuple(np.array(problem.law.parameters)[touching].tolist())


def scaled_jacobian(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """d log f by the parameters, coefficients by their logarithm, shape (parameters, rows)."""
    jacobian = log_values(problem.law, theta, problem.log_z)[1].copy()
    count = coefficient_count(problem.law)
    jacobian[:count] *= theta[:count, None]
    return jacobian


def condition(problem: Problem, theta: np.ndarray) -> float:
    """Condition number of the Jacobian of log f, columns scaled to unit length, off the bounds."""
    held = set(at_bound(problem, theta))
    jacobian = log_values(problem.law, theta, problem.log_z)[1]
    rows = jacobian[[name not in held for name in problem.law.parameters]]
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return float(np.linalg.cond(rows[length[:, 0] > 0] / length[length > 0][:, None]))


def prior_share(problem: Problem, theta: np.ndarray) -> dict[str, float]:
    """Posterior over prior variance of every parameter, by the curvature at ``theta``.

    v_q [(J J' + diag v)^-1]_qq lies between 0, where the runs decide, and 1, where the prior does.
    """
    if problem.prior_weight is None:
        return {}
    jacobian, weight = scaled_jacobian(problem, theta), problem.prior_weight
    posterior = np.linalg.inv(jacobian @ jacobian.T + np.diag(weight))
    share = weight * np.diag(posterior)
    return dict(zip(problem.law.parameters, share.tolist(), strict=True))


def parameters_spent(problem: Problem, theta: np.ndarray) -> float:
    """How many parameters the runs decide: those off the bounds, or with a prior the trace of
    J' (J J' + diag v)^-1 J, which counts each by the share that the runs decide."""
    if problem.prior_weight is None:
        return float(len(problem.law.parameters) - len(at_bound(problem, theta)))
    return float(sum(1 - share for share in prior_share(problem, theta).values()))


def residual_noise(problem: Problem, theta: np.ndarray) -> float:
    """SD of log error about the law: sqrt(sum of squares / (rows - parameters spent))."""
    residual = np.log(problem.error) - log_values(problem.law, theta, problem.log_z)[0]
    spare = max(residual.size - parameters_spent(problem, theta), 1.0)
    return float(np.sqrt((residual**2).sum() / spare))
