"""How much of a law the runs decide: profiles of the loss, and one table a parameter.

A prediction may be sure where a parameter is not: terms of a sum can stand in for one another, so
quite different parameters describe the runs equally well. Three views of that are given. The loss
with one parameter held and the others fitted again (a profile likelihood) rises steeply where the
runs decide it and stays flat where they do not. Standard errors see the curvature at the optimum
alone. A bag shows where refits to resampled runs end, bounds of the box included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from vvlm_utils.laws.bagging import BaggedLaw
from vvlm_utils.laws.fitting import LawFit
from vvlm_utils.laws.optimisers import OPTIMISERS
from vvlm_utils.laws.problem import make_problem
from vvlm_utils.laws.starts import draw_starts


def profile(
    fitted: LawFit,
    name: str,
    grid: np.ndarray,
    *,
    rng: np.random.Generator,
    starts: int = 50,
) -> pd.DataFrame:
    """The least loss with one parameter held at each value of ``grid``, the others fitted again.

    Exponents are as they are; a coefficient is what its term adds at the runs' centre, in points.
    Starts: the fit's ``near`` solutions and ``starts`` random ones. One row a value: parameter,
    value, loss, and excess = freedom (loss / best - 1), which for an interior optimum with normal
    residuals follows F(1, freedom); freedom = runs less parameters off the bounds.
    """
    law, options = fitted.law, fitted.options
    if name not in law.parameters:
        raise ValueError(f"unknown parameter {name!r}; the law's are {', '.join(law.parameters)}")
    problem, centre = make_problem(law, fitted.runs, options)
    place, at_unit = law.parameters.index(name), centre - options.log_units(law)
    drawn = draw_starts(law, options, centre, (starts,), rng)
    begin = np.concatenate([law.change_units(fitted.near, at_unit), drawn])
    ones, losses = np.ones((1, len(fitted.runs))), []
    for value in grid:
        low, high = problem.low.copy(), problem.high.copy()
        low[place] = high[place] = value
        held = replace(problem, low=low, high=high)
        losses.append(OPTIMISERS["levenberg-marquardt"](held, begin[None], ones)[1].min())
    table = pd.DataFrame({"parameter": name, "value": np.asarray(grid, float), "loss": losses})
    freedom = len(fitted.runs) - len(law.parameters) + len(fitted.diagnostics.at_bound)
    return table.assign(excess=freedom * (table["loss"] / fitted.loss - 1.0))


def parameter_table(fitted: LawFit, bagged: BaggedLaw, level: float = 0.9) -> pd.DataFrame:
    """What is known of each parameter, one row each, in ``options.units``.

    Columns: value; standard_error, lmfit's, NaN at a bound; near_low and near_high, the range over
    solutions within 1% of the best loss; bag_low and bag_high, the central ``level`` of the bag;
    at_bound, the share of the bag that ended at a bound of the box.
    """
    if bagged.law != fitted.law or bagged.options.units != fitted.options.units:
        raise ValueError(
            f"the bag's law or units are not the fit's ({bagged.law.name}, {fitted.law.name})"
        )
    _, report = fitted.lmfit()
    errors = [report.params[name].stderr for name in fitted.law.parameters]
    low, high = np.quantile(bagged.members, [(1 - level) / 2, (1 + level) / 2], axis=0)
    table = {
        "value": fitted.theta,
        "standard_error": [np.nan if e is None or e == 0 else e for e in errors],
        "near_low": fitted.near.min(axis=0),
        "near_high": fitted.near.max(axis=0),
        "bag_low": low,
        "bag_high": high,
        "at_bound": [bagged.at_bounds[name] for name in fitted.law.parameters],
    }
    return pd.DataFrame(table, index=list(fitted.law.parameters))


def lmfit_table(fits: Iterable[LawFit]) -> pd.DataFrame:
    """Compare laws by lmfit's own results, each started where its fit ended; one row a law.

    Columns
    -------
    parameters : how many lmfit varied; those at a bound of the box are fixed there
    chi_square, reduced : sum of squared residuals of log error, and the same per degree of freedom
    aic, bic : Akaike's and the Bayesian information criterion; less is better
    standard_errors : how many parameters lmfit can give one
    correlated : the largest absolute correlation of two parameters
    moved : chi-square that lmfit reached over that of our optimiser, less one; near zero where both
        end at the same optimum
    """
    rows = {}
    for fitted in fits:
        _, result = fitted.lmfit()
        varied = [p for p in result.params.values() if p.vary]
        correlations = [abs(c) for p in varied for c in (p.correl or {}).values()]
        rows[fitted.law.name] = {
            "parameters": result.nvarys,
            "chi_square": result.chisqr,
            "reduced": result.redchi,
            "aic": result.aic,
            "bic": result.bic,
            "standard_errors": sum(p.stderr is not None for p in varied),
            "correlated": max(correlations, default=float("nan")),
            "moved": result.chisqr / fitted.loss - 1,
        }
    return pd.DataFrame.from_dict(rows, orient="index")
