"""Seconds a start and best loss of four optimisers on the same runs and the same starts.

Ratios are against lmfit's leastsq, printed only where the best losses agree to 1e-6.
"""

import time

import lmfit
import numpy as np
from scipy.optimize import minimize

from vvlm_utils.engines import SMALLEST_COEFFICIENT, loss_and_slope, solve_lbfgs, solve_lm
from vvlm_utils.fitting import FitOptions, draw_starts, make_problem
from vvlm_utils.laws import LAWS, values
from vvlm_utils.runs import load_runs

LAW, STARTS = LAWS["add"], 8


def by_lmfit(problem, starts):
    """lmfit leastsq on the residual vector, in lmfit's own bounded parameters."""
    observed, losses = np.log(problem.error), []
    for start in starts:
        parameters = lmfit.Parameters()
        for j, name in enumerate(problem.law.parameters):
            parameters.add(name, start[j], min=problem.low[j], max=problem.high[j])

        def residual(p):
            theta = np.array([p[name].value for name in problem.law.parameters])
            return np.log(values(problem.law, theta, problem.log_z)[0] + 1e-300) - observed

        losses.append(lmfit.minimize(residual, parameters, method="leastsq").chisqr)
    return min(losses)


def by_finite_differences(problem, starts):
    """SciPy's L-BFGS-B without a gradient, over log coefficients as engine lbfgs."""
    terms, ones = len(problem.law.terms), np.ones(problem.error.size)

    def loss(x):
        return loss_and_slope(problem, np.r_[np.exp(x[:terms]), x[terms:]], ones)[0]

    floor = np.maximum(problem.low[:terms], SMALLEST_COEFFICIENT)
    low = np.r_[np.log(floor), problem.low[terms:]]
    high = np.r_[np.log(problem.high[:terms]), problem.high[terms:]]
    box = list(zip(low, high, strict=True))
    options = {"maxiter": 15_000, "maxfun": 500_000, "ftol": 1e-12, "gtol": 1e-12}
    begin = [np.clip(np.r_[np.log(s[:terms] + 1e-12), s[terms:]], low, high) for s in starts]
    return min(minimize(loss, x, method="L-BFGS-B", bounds=box, options=options).fun for x in begin)


def main() -> None:
    """Time every optimiser on the same starts and print a table."""
    runs = load_runs("paper")
    problem, centre = make_problem(LAW, runs, FitOptions())
    starts = draw_starts(LAW, FitOptions(), centre, (STARTS,), np.random.default_rng(0))
    ones = np.ones((1, len(runs)))
    solve_lm(problem, starts[None, :2], ones)  # compile first
    contenders = {
        "lmfit leastsq": lambda: by_lmfit(problem, starts),
        "L-BFGS, finite differences": lambda: by_finite_differences(problem, starts),
        "engine lbfgs": lambda: solve_lbfgs(problem, starts[None], ones)[1].min(),
        "engine lm": lambda: solve_lm(problem, starts[None], ones)[1].min(),
    }
    print(f"law {LAW.name}, {len(runs)} runs, {STARTS} starts; engine lm uses every core")
    baseline = None
    for name, run in contenders.items():
        begin = time.perf_counter()
        loss = run()
        seconds = (time.perf_counter() - begin) / STARTS
        baseline = baseline or (seconds, loss)
        same = abs(loss - baseline[1]) <= 1e-6 * baseline[1]
        ratio = f"{baseline[0] / seconds:8.3g} x" if same else "  no ratio: another loss"
        print(f"{name:28} {1e3 * seconds:10.3f} ms a start   loss {loss:.9f} {ratio}")


if __name__ == "__main__":
    main()
