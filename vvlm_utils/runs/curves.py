"""What fitted isoFLOP curves give: where each is lowest, and what a larger budget gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.runs.trends import (
    LinearFit,
    curve_coefficients,
    curve_optimum,
    middle_and_ends,
)

CURVE = ["target_tflops", "lm_params"]
Minima = Mapping[tuple[float, float], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""By budget and LM size, draws of the lowest error, of its frames and of its tokens per frame."""


def isoflop_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of the isoFLOP curves."""
    return runs[runs["sweep"] == "isoflop"]


def best_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The best run at every budget, a row per budget, with the score of the worst beside it.

    Columns lm_params, frames, tokens_per_frame, train_examples, best, worst (points).
    """
    iso = isoflop_runs(runs)
    groups = iso.groupby("target_tflops")["metric"]
    best = iso.loc[groups.idxmax()].set_index("target_tflops").rename(columns={"metric": "best"})
    columns = ["lm_params", "frames", "tokens_per_frame", "train_examples", "best"]
    return best[columns].assign(worst=groups.min())


def curve_points(runs: pd.DataFrame, fit: LinearFit, points: int = 40) -> pd.DataFrame:
    """The fitted parabolas as lines, each over the tokens per frame of its runs.

    Columns target_tflops, lm_params, tokens_per_frame, error.
    """
    lines = []
    for (budget, size), curve in isoflop_runs(runs).groupby(CURVE):
        z = np.log2(curve["tokens_per_frame"].astype(float))
        z = np.linspace(z.min(), z.max(), points)
        level, slope, bend = curve_coefficients(fit, fit.coef, budget, size)
        line = pd.DataFrame(
            {"tokens_per_frame": 2**z, "error": level + slope * z + bend * z**2}
        ).assign(target_tflops=budget, lm_params=size)
        lines.append(line)
    return pd.concat(lines, ignore_index=True)


def curve_residuals(runs: pd.DataFrame, fit: LinearFit) -> pd.Series:
    """How many points each isoFLOP run lies above its fitted parabola, by index of the run."""
    iso = isoflop_runs(runs)
    fitted = pd.Series(0.0, index=iso.index)
    for (budget, size), curve in iso.groupby(CURVE):
        z = np.log2(curve["tokens_per_frame"].astype(float))
        level, slope, bend = curve_coefficients(fit, fit.coef, budget, size)
        fitted[curve.index] = level + slope * z + bend * z**2
    return iso["error"] - fitted


def find_minima(fit: LinearFit, sample: np.ndarray) -> Minima:
    """Where each fitted curve is lowest, for coefficients ``sample`` of shape (draws, k)."""
    keys = [tuple(rest) for part, *rest in fit.names if part == "level"]
    return {key: curve_optimum(fit, sample, *key) for key in keys}


def no_minimum(minima: Minima) -> pd.Series:
    """The largest share of draws without a minimum, by LM size."""
    shares = {key: float(np.isnan(error).mean()) for key, (error, _, _) in minima.items()}
    return pd.Series(shares).groupby(level=1).max()


def optimum_path(minima: Minima, level: float = 0.95) -> pd.DataFrame:
    """Median and interval of the lowest error, its frames and its tokens, a row per curve.

    Columns target_tflops, lm_params, then error, frames and tokens, each with _low and _high.
    """
    path = pd.DataFrame(list(minima), columns=CURVE)
    for k, name in enumerate(["error", "frames", "tokens"]):
        found = [middle_and_ends(minima[key][k], level) for key in minima]
        path[[name, f"{name}_low", f"{name}_high"]] = found
    return path


def optimum_growth(
    minima: Minima, budgets: tuple[float, float], level: float = 0.95
) -> pd.DataFrame:
    """Growth of the best frames and tokens from one budget to another, as factors.

    Index (lm_params, "frames" or "tokens"); columns value, low, high.
    """
    sizes, (first, last) = sorted({size for _, size in minima}), budgets
    rows = {
        (size, name): middle_and_ends(minima[last, size][k] / minima[first, size][k], level)
        for size in sizes
        for k, name in ((1, "frames"), (2, "tokens"))
    }
    names = ["value", "low", "high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    table.index = pd.MultiIndex.from_tuples(rows, names=["lm_params", "factor"])
    return table


def size_losses(
    minima: Minima, sizes: tuple[float, float], budgets: tuple[float, float], level: float = 0.95
) -> tuple[pd.DataFrame, tuple[float, float, float]]:
    """What the first LM size loses against the second at every budget, and how that changes.

    Returns
    -------
    losses
        Points, columns value, low, high; a row per budget.
    change
        Value, low and high of the loss at the last of ``budgets`` less that at the first.
    """
    small, large = sizes
    lost = {
        c: minima[c, small][0] - minima[c, large][0] for c in dict.fromkeys(c for c, _ in minima)
    }
    rows = {c: middle_and_ends(sample, level) for c, sample in lost.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])
    first, last = budgets
    return table.rename_axis("target_tflops"), middle_and_ends(lost[last] - lost[first], level)


def gain_readings(
    runs: pd.DataFrame,
    fit: LinearFit,
    minima: Minima,
    budgets: tuple[float, float],
    sizes: Sequence[float],
    level: float = 0.95,
) -> pd.DataFrame:
    """What LM sizes gain between two budgets, under each reading that the runs allow.

    Readings: "best run", the best score of each curve; "curve", the minima of the parabolas;
    "same tokens", pairs of runs with equal tokens per frame, where there are any. The noise of one
    run is the scatter pooled over all curves.

    Columns lm_params, reading, value, low, high (points), pairs (runs compared).
    """
    first, last = budgets
    scores = isoflop_runs(runs).pivot_table(
        index=["lm_params", "tokens_per_frame"], columns="target_tflops", values="metric"
    )[[first, last]]
    best = scores.groupby("lm_params").max().diff(axis=1)[last]
    same = scores.dropna().diff(axis=1)[last].groupby("lm_params").agg(["mean", "size"])
    noise = stats.t.ppf(0.5 + level / 2, fit.dof) * fit.sigma * np.sqrt(2)
    rows = []
    for n in sizes:
        curve = middle_and_ends(minima[first, n][0] - minima[last, n][0], level)
        rows.append((n, "best run", best[n], best[n] - noise, best[n] + noise, 1))
        rows.append((n, "curve", *curve, None))
        if n in same.index:
            mean, half = same.loc[n, "mean"], noise / np.sqrt(same.loc[n, "size"])
            rows.append((n, "same tokens", mean, mean - half, mean + half, same.loc[n, "size"]))
    names = ["lm_params", "reading", "value", "low", "high", "pairs"]
    return pd.DataFrame(rows, columns=names).astype({"pairs": "Int64"})


def decisive_runs(runs: pd.DataFrame, without_one: pd.DataFrame) -> pd.DataFrame:
    """The runs without which a lead could be called "much", two residual SDs or more.

    without_one : as ``runs.trends.gain_leads`` gives it

    Columns of the design, target_tflops, then value, low, high and much (points).
    """
    over = without_one.assign(much=2 * without_one["sigma"])
    over = over[over["high"] >= over["much"]]
    designs = runs.set_index("run_id").loc[over.index, [*FACTORS, "target_tflops"]]
    return designs.join(over[["value", "low", "high", "much"]]).reset_index(drop=True)
