"""Fit a law to a table of runs, and say how much of the answer the runs decide.

The objective is the paper's (Eq. 7): the sum of squared differences of log error, least over many
random starts. Fits live in a box, because the infimum may lie at infinity: every coefficient is
what its term adds at the runs' geometric centre, between 0 and ``max_coefficient`` points, and
every exponent lies within ``max_exponent`` of zero. (Over the paper's star, frames span a factor
of 8; an exponent of 3 makes a term change 512-fold, a spike on the last level.) What ends at a
bound is reported in the fit's diagnostics. A refused fit raises :class:`FitError`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

import lmfit
import numpy as np
import pandas as pd

from vvlm_utils.laws.forms import Law, evaluate, log_design, values
from vvlm_utils.laws.optimisers import OPTIMISERS, Problem

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

    optimiser : "levenberg-marquardt" (compiled) or "l-bfgs" (SciPy's, the paper's)
    loss : "squared" or "huber", which turns linear past ``huber_delta``
    space : residuals of "log" error, or of "raw" error in points
    exponents : "free" in sign, or "positive"
    start : "random": coefficients uniform on (0, 30), exponents on (-1, 1), in ``units``;
        "zero": one start with log coefficients and exponents at zero
    starts : how many random starts
    units : size of one unit of each factor for starts and reported coefficients (default 1)
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

    def log_units(self, law: Law) -> np.ndarray:
        """Logarithm of each factor's unit, shape (factors,)."""
        return np.log([self.units.get(f, 1.0) for f in law.factors])


@dataclass(frozen=True)
class Diagnostics:
    """How the search went.

    starts, failed : starts tried, and those that never reached a finite loss
    within_1pct : share of starts that ended within 1% of the best loss
    local_optima : number of distinct losses (to 0.1%) among those starts
    at_bound : parameters that ended at a bound of the box; a coefficient there is zero or huge
    condition : condition number of the scaled Jacobian of the parameters off the bounds
    """

    starts: int
    failed: int
    within_1pct: float
    local_optima: int
    at_bound: tuple[str, ...]
    condition: float


@dataclass(frozen=True)
class LawFit:
    """A fitted law.

    theta : (parameters,), in ``options.units``
    runs : what it saw
    near : (local_optima, parameters), one solution of each distinct loss within 1% of the best,
        best first: equally good descriptions of the runs with other parameters
    """

    law: Law
    theta: np.ndarray
    loss: float
    options: FitOptions
    diagnostics: Diagnostics
    runs: pd.DataFrame = field(repr=False)
    near: np.ndarray = field(repr=False)

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
        Raises FitError for Huber's loss, which is no sum of squares.
        """
        if self.options.loss != "squared":
            raise FitError(f"lmfit needs loss 'squared', and this fit has {self.options.loss!r}")
        parameters = lmfit.Parameters()
        for name, value in self.params.items():
            low = 0.0 if name in self.law.coefficients else -self.options.max_exponent
            parameters.add(name, value, min=low, vary=name not in self.diagnostics.at_bound)
        log_z = log_design(self.law, self.runs) - self.options.log_units(self.law)[:, None]
        scale = np.asarray if self.options.space == "raw" else np.log
        observed = scale(self.runs["error"].to_numpy())

        def residual(p):
            theta = np.array([p[name].value for name in self.law.parameters])
            return scale(values(self.law, theta, log_z)[0]) - observed

        minimizer = lmfit.Minimizer(residual, parameters)
        return minimizer, minimizer.minimize(method="least_squares")


def predict(law: Law, theta: np.ndarray, table: pd.DataFrame, options: FitOptions) -> np.ndarray:
    """Error in points, shape (members, rows), of ``theta`` given in ``options.units``."""
    return values(law, theta, log_design(law, table) - options.log_units(law)[:, None])


def lmfit_model(law: Law, options: FitOptions | None = None) -> lmfit.Model:
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
    for name in law.coefficients:
        lm.set_param_hint(name, min=0.0, value=10.0)
    for name in law.exponents:
        lm.set_param_hint(name, min=-options.max_exponent, max=options.max_exponent, value=0.3)
    return lm


def make_problem(law: Law, runs: pd.DataFrame, options: FitOptions) -> tuple[Problem, np.ndarray]:
    """The optimisers' problem, factors measured from the runs' geometric centre, and that centre.

    The centre is given as logarithms, shape (factors,). Raises FitError when the table cannot
    decide the law's parameters.
    """
    if "error" not in runs:
        raise FitError("the runs need a column 'error' in points; load them with load_runs")
    log_z = log_design(law, runs)
    error = runs["error"].to_numpy(dtype=float)
    if not (np.isfinite(error) & (error > 0)).all():
        raise FitError(f"error must be positive to have a logarithm, got {np.min(error)}")
    size = len(law.parameters)
    if len(runs) < size:
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
    low, high = np.full(size, -options.max_exponent), np.full(size, options.max_exponent)
    low[: len(law.terms)], high[: len(law.terms)] = 0.0, options.max_coefficient
    if options.exponents == "positive":
        low[:] = 0.0
    delta = options.huber_delta if options.loss == "huber" else np.inf
    centre = log_z.mean(axis=1)
    log_z = log_z - centre[:, None]
    return Problem(law, log_z, error, low, high, delta, options.space == "raw"), centre


def draw_starts(
    law: Law,
    options: FitOptions,
    centre: np.ndarray,
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """The paper's random starts, (*shape, parameters), re-labelled for factors from ``centre``."""
    terms, size = len(law.terms), len(law.parameters)
    if options.start == "zero":
        theta = np.concatenate([np.ones(terms), np.zeros(size - terms)])
        theta = np.broadcast_to(theta, (*shape[:-1], 1, size))
    else:
        coefficients = rng.uniform(0.0, 30.0, (*shape, terms))
        exponents = rng.uniform(-1.0, 1.0, (*shape, size - terms))
        theta = np.concatenate([coefficients, exponents], axis=-1)
    return law.change_units(theta, centre - options.log_units(law))


def fit(
    law: Law,
    runs: pd.DataFrame,
    options: FitOptions | None = None,
    *,
    rng: np.random.Generator,
    starts_at: np.ndarray | None = None,
) -> LawFit:
    """Fit ``law`` to ``runs``; the best of ``options.starts`` random starts.

    starts_at : (starts, parameters) in ``options.units``, to start there instead
    Raises FitError when the runs cannot decide the law, or when no start ends finite.
    """
    options = options or FitOptions()
    problem, centre = make_problem(law, runs, options)
    if starts_at is None:
        starts = draw_starts(law, options, centre, (options.starts,), rng)
    else:
        starts = law.change_units(np.atleast_2d(starts_at), centre - options.log_units(law))
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
    )
    back = options.log_units(law) - centre
    return LawFit(
        law=law,
        theta=law.change_units(best, back),
        loss=float(losses.min()),
        options=options,
        diagnostics=diagnostics,
        runs=runs[[*law.factors, "error"]].copy(),
        near=law.change_units(theta[near][distinct], back),
    )


def at_bound(problem: Problem, theta: np.ndarray) -> tuple[str, ...]:
    """Names of the parameters that lie at a bound of the box."""
    slack = 1e-6 * (1.0 + np.abs(theta))
    touching = (theta <= problem.low + slack) | (theta >= problem.high - slack)
    return tuple(np.array(problem.law.parameters)[touching].tolist())


def condition(problem: Problem, theta: np.ndarray) -> float:
    """Condition number of the Jacobian of log f, columns scaled to unit length, off the bounds."""
    law = problem.law
    f, jacobian = np.empty(problem.error.size), np.empty((theta.size, problem.error.size))
    evaluate(theta, problem.log_z, law.entries, len(law.terms), f, jacobian)
    held = set(at_bound(problem, theta))
    rows = jacobian[[name not in held for name in law.parameters]]
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return float(np.linalg.cond(rows[length[:, 0] > 0] / length[length > 0][:, None]))
