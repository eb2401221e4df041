"""Fit a law to a table of runs, and say how much of the answer the runs decide.

The objective is the paper's (Eq. 7): the sum of squared differences of log error, least over many
random starts, within the box of ``laws/options.py``. What ends at a bound is reported in the fit's
diagnostics. A refused fit raises :class:`~vvlm_utils.laws.options.FitError`.

With ``FitOptions.prior`` the fit is penalised (``laws/priors.py``): a few LM sizes cannot hold
fifteen free parameters, and what the runs leave open is then decided by a stated prior.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vvlm_utils.laws.diagnostics import (
    Diagnostics,
    at_bound,
    condition,
    prior_share,
    residual_noise,
)
from vvlm_utils.laws.law import change_units
from vvlm_utils.laws.optimisers import OPTIMISERS, finish
from vvlm_utils.laws.options import FitError, FitOptions
from vvlm_utils.laws.problem import make_problem, predict
from vvlm_utils.laws.protocols import ErrorLaw
from vvlm_utils.laws.starts import start_points

if TYPE_CHECKING:
    import lmfit


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
        from vvlm_utils.laws.lmfit_bridge import minimise

        return minimise(self)


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
    weights = np.ones((1, len(runs)))
    theta, losses = OPTIMISERS[options.optimiser](problem, starts[None], weights)
    theta, losses = theta[0], losses[0]
    if not np.isfinite(losses).any():
        raise FitError(f"none of the {len(losses)} starts of law {law.name!r} ended finite")
    if options.prior is not None:
        first = np.argmin(losses)
        (theta[first],), (losses[first],) = finish(problem, theta[[first]], weights)
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
