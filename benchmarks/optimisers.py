"""Seconds a start and best loss of the optimisers on the same runs and the same starts.

Every optimiser descends from the same random starts to the same objective in the same box, one
start after the other on one thread; Levenberg-Marquardt is timed once more on every core, as it
is used. L-BFGS runs with the tolerance of the package (1e-12), and once with SciPy's own (2.2e-9).
The ratio says how many times longer than Levenberg-Marquardt a start takes. It is refused where
the best losses of the starts that both have finished differ by more than 1e-6: an optimiser
that stops short of the optimum is not fast.

``python -m benchmarks.optimisers --out table.csv`` keeps the table.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import lmfit
import numba
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from tqdm.auto import tqdm

from vvlm_utils.files import output_file, whole
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.laws.law import values
from vvlm_utils.laws.optimisers import (
    SMALLEST_COEFFICIENT,
    Problem,
    l_bfgs,
    levenberg_marquardt,
    loss_and_slope,
)
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.problem import make_problem
from vvlm_utils.laws.starts import draw_starts
from vvlm_utils.runs.table import load_runs

SAME = 1e-6  # relative difference of two losses that still counts as one optimum
Contender = Callable[[Problem, np.ndarray], float]


def by_lmfit(problem: Problem, start: np.ndarray) -> float:
    """lmfit leastsq on the residual vector, in lmfit's own bounded parameters."""
    observed = np.log(problem.error)
    parameters = lmfit.Parameters()
    for j, name in enumerate(problem.law.parameters):
        parameters.add(name, start[j], min=problem.low[j], max=problem.high[j])

    def residual(p):
        theta = np.array([p[name].value for name in problem.law.parameters])
        return np.log(values(problem.law, theta, problem.log_z)[0] + 1e-300) - observed

    return lmfit.minimize(residual, parameters, method="leastsq").chisqr


def by_finite_differences(problem: Problem, start: np.ndarray) -> float:
    """SciPy's L-BFGS-B without a gradient, over log coefficients as the package's."""
    terms, ones = len(problem.law.terms), np.ones(problem.error.size)

    def loss(x):
        return loss_and_slope(problem, np.r_[np.exp(x[:terms]), x[terms:]], ones)[0]

    def to_search(theta):
        return np.r_[np.log(np.maximum(theta[:terms], SMALLEST_COEFFICIENT)), theta[terms:]]

    low, high = to_search(problem.low), to_search(problem.high)
    options = {"maxiter": 15_000, "maxfun": 150_000, "ftol": 1e-12, "gtol": 1e-12}
    x = np.clip(to_search(start), low, high)
    return minimize(
        loss, x, method="L-BFGS-B", bounds=list(zip(low, high, strict=True)), options=options
    ).fun


def by_optimiser(solve, **settings) -> Contender:
    """One start of an optimiser of the package."""

    def one(problem, start):
        ones = np.ones((1, problem.error.size))
        return solve(problem, start[None, None], ones, **settings)[1][0, 0]

    return one


CONTENDERS: dict[str, Contender] = {
    "Levenberg-Marquardt": by_optimiser(levenberg_marquardt),
    "L-BFGS, analytic gradient": by_optimiser(l_bfgs),
    "the same, SciPy's tolerance": by_optimiser(l_bfgs, tolerance=2.2e-9),
    "L-BFGS, finite differences": by_finite_differences,
    "lmfit leastsq": by_lmfit,
}


def descend_within(
    run: Contender, problem: Problem, starts: np.ndarray, seconds: float
) -> Iterator[float]:
    """Losses of the starts, one by one, until the time is up; at least one."""
    begin = time.perf_counter()
    for start in starts:
        yield run(problem, start)
        if time.perf_counter() - begin > seconds:
            return


def compare(
    problem: Problem, starts: np.ndarray, seconds: float, progress: bool = False
) -> pd.DataFrame:
    """One row an optimiser.

    optimiser, threads, starts (finished), seconds_per_start, best_loss, common_gap: best loss
    over that of Levenberg-Marquardt on the same starts, minus 1; optimum_share: starts within
    ``SAME`` of the best loss of all; ratio: seconds per start over Levenberg-Marquardt's, NaN
    where the losses differ.
    """
    ones = np.ones((1, problem.error.size))
    levenberg_marquardt(problem, starts[None, :1], ones)  # compile first
    rows, losses = [], {}
    for name, run in CONTENDERS.items():
        begin = time.perf_counter()
        todo = descend_within(run, problem, starts, seconds)
        bar = tqdm(todo, total=len(starts), disable=not progress, desc=name)
        losses[name] = np.fromiter(bar, dtype=float)
        rows.append((name, 1, (time.perf_counter() - begin) / len(losses[name])))
    begin = time.perf_counter()
    losses["Levenberg-Marquardt, every core"] = levenberg_marquardt(problem, starts[None], ones)[1][
        0
    ]
    spent = (time.perf_counter() - begin) / len(starts)
    rows.append(("Levenberg-Marquardt, every core", numba.get_num_threads(), spent))
    table = pd.DataFrame(rows, columns=["optimiser", "threads", "seconds_per_start"])
    return _judge(table, losses)


def _judge(table: pd.DataFrame, losses: dict[str, np.ndarray]) -> pd.DataFrame:
    base, optimum = losses["Levenberg-Marquardt"], min(found.min() for found in losses.values())
    each = list(losses.values())
    table.insert(2, "starts", [len(found) for found in each])
    table["best_loss"] = [found.min() for found in each]
    table["common_gap"] = [found.min() / base[: len(found)].min() - 1 for found in each]
    table["optimum_share"] = [(found <= optimum * (1 + SAME)).mean() for found in each]
    ratio = table["seconds_per_start"] / table["seconds_per_start"][0]
    table["ratio"] = ratio.where(table["common_gap"].abs() <= SAME)
    return table


def describe(row) -> str:
    """The ratio, or what happened instead."""
    if row.optimiser == "Levenberg-Marquardt":
        return "1 x, the unit"
    if np.isfinite(row.ratio):
        return f"{row.ratio:.3g} x"
    side = "above" if row.common_gap > 0 else "below"
    size = abs(row.common_gap)
    return f"no ratio: its best loss ends {size:.2g} (relative) {side} the unit's on these starts"


def main() -> None:
    """Time every optimiser on the same starts and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--law", default="add-interact", choices=tuple(LAWS))
    parser.add_argument("--starts", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0, help="most time an optimiser takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=output_file, default=None)
    arguments = parser.parse_args()
    law, runs = LAWS[arguments.law], load_runs("paper")
    problem, centre = make_problem(law, runs, FitOptions())
    rng = np.random.default_rng(arguments.seed)
    starts = draw_starts(law, FitOptions(), centre, (arguments.starts,), rng)
    table = compare(problem, starts, arguments.seconds, progress=True)
    print(f"law {law.name}, {len(runs)} runs, the same {len(starts)} starts")
    for row in table.itertuples():
        stopped = "" if row.starts == len(starts) else f", stopped after {row.starts} starts"
        print(
            f"{row.optimiser:28}{1e3 * row.seconds_per_start:10.3f} ms a start, "
            f"{row.threads} thread(s){stopped}\n{'':28}best loss {row.best_loss:.10f}, reached by "
            f"{row.optimum_share:.0%} of its starts; {describe(row)}"
        )
    if arguments.out:
        with whole(arguments.out) as part:
            table.to_csv(part, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
