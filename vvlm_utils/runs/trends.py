"""What the runs show before any law is fitted: trends along the star's arms, isoFLOP curves.

Straight least squares on log2 of a factor, so that a slope reads as points per doubling. The
residual spread is all that tells how noisy a run is: the paper reports one run per design.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from vvlm_utils.cost.equation import FACTORS, CostFunction, paper_flops
from vvlm_utils.runs.designs import PAPER_CENTRE


@dataclass(frozen=True, slots=True)
class LinearFit:
    """Least-squares coefficients with the covariance that their residuals imply.

    coef : (k,), names : k labels, cov : (k, k), sigma : residual SD, dof : rows minus k
    """

    names: tuple
    coef: np.ndarray
    cov: np.ndarray
    sigma: float
    dof: int

    def interval(self, contrast: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
        """Value, low and high of one linear combination of coefficients (Student's t)."""
        value = float(contrast @ self.coef)
        spread = float(np.sqrt(contrast @ self.cov @ contrast))
        half = stats.t.ppf(0.5 + level / 2, self.dof) * spread
        return value, value - half, value + half

    def draws(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coefficients from their sampling distribution (multivariate t), (size, k)."""
        normal = rng.multivariate_normal(np.zeros(len(self.coef)), self.cov, size, method="svd")
        scale = np.sqrt(self.dof / rng.chisquare(self.dof, size))
        return self.coef + normal * scale[:, None]


def least_squares(columns: Mapping, y: np.ndarray) -> LinearFit:
    """Fit y by named columns; refuses fewer rows than it needs for a residual.

    >>> fit = least_squares({"one": [1, 1, 1], "x": [0, 1, 2]}, [1.0, 3.0, 5.0])
    >>> fit.coef.round(6).tolist()
    [1.0, 2.0]
    """
    design = np.column_stack([np.asarray(column, dtype=float) for column in columns.values()])
    y = np.asarray(y, dtype=float)
    dof = len(y) - np.linalg.matrix_rank(design)
    if dof < 1 or design.shape[1] > len(y) - dof:
        raise ValueError(
            f"{len(y)} rows of rank {len(y) - dof} cannot fit {design.shape[1]} coefficients with "
            "a residual left; add runs or drop a column"
        )
    coef = np.linalg.lstsq(design, y, rcond=None)[0]
    residual = y - design @ coef
    sigma = float(np.sqrt(residual @ residual / dof))
    cov = sigma**2 * np.linalg.inv(design.T @ design)
    return LinearFit(tuple(columns), coef, cov, sigma, int(dof))


def middle_and_ends(sample: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Median, low and high of a sample; values that are no number are left out."""
    low, middle, high = np.nanpercentile(sample, [50 * (1 - level), 50, 50 * (1 + level)])
    return float(middle), float(low), float(high)


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """Mean, low and high of a few independent values (Student's t).

    Three values spread over 4.3 standard errors at 95%, not over two.

    >>> [round(x, 1) for x in t_interval([1.0, 2.0, 3.0])]
    [2.0, -0.5, 4.5]
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        raise ValueError(f"an interval needs two values or more, got {len(values)}")
    half = stats.t.ppf(0.5 + level / 2, len(values) - 1) * stats.sem(values)
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def star_arm(runs: pd.DataFrame, factor: str, centre: Mapping = PAPER_CENTRE) -> pd.DataFrame:
    """Select the star runs along one factor, with the ladder each belongs to.

    A ladder moves one factor alone. For x_N, x_T, x_V there is one for every n; for the factor
    ``train_examples`` there is one for every design.
    """
    arm = runs[runs["sweep"] == "star"]
    if factor == "train_examples":
        return arm.assign(ladder=arm.groupby(list(FACTORS)).ngroup())
    for other in FACTORS:
        if other != factor:
            arm = arm[arm[other] == centre[other]]
    return arm.assign(ladder=arm["train_examples"])


def arm_trend(arm: pd.DataFrame, factor: str) -> LinearFit:
    """Fit error = a_ladder + slope z + bend z^2, z = log2 of the factor from the arm's middle.

    slope : points per doubling halfway along the arm; bend : how fast that slope changes
    """
    logs = np.log2(arm[factor].astype(float))
    z = logs - (logs.min() + logs.max()) / 2
    columns = {ladder: arm["ladder"] == ladder for ladder in sorted(arm["ladder"].unique())}
    return least_squares({**columns, "slope": z, "bend": z**2}, arm["error"])


def arm_slopes(
    runs: pd.DataFrame,
    factors: Sequence[str],
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = 20_000,
    centre: Mapping = PAPER_CENTRE,
) -> pd.DataFrame:
    """Slopes of the lower and the upper half of every arm, and how many times steeper the lower is.

    Index: factors. Columns: (part, value | low | high), parts "lower half" and "upper half" in
    points per doubling, "ratio per doubling" and "ratio per unit" (lower over upper). The
    intervals of the ratios are quantiles of draws from the fit's sampling distribution.
    """
    rows = []
    for factor in factors:
        arm = star_arm(runs, factor, centre)
        fit, (lower, upper) = arm_trend(arm, factor), half_slopes(arm, factor)
        sample = fit.draws(draws, rng)
        doubling = (sample @ lower) / (sample @ upper)
        # A unit of the upper half is that much smaller a part of it.
        unit = doubling * np.sqrt(arm[factor].max() / arm[factor].min())
        ratios = [value for ratio in (doubling, unit) for value in middle_and_ends(ratio, level)]
        rows.append([*fit.interval(lower, level), *fit.interval(upper, level), *ratios])
    parts = ["lower half", "upper half", "ratio per doubling", "ratio per unit"]
    columns = pd.MultiIndex.from_product([parts, ["value", "low", "high"]])
    return pd.DataFrame(rows, index=list(factors), columns=columns)


def half_slopes(arm: pd.DataFrame, factor: str) -> tuple[np.ndarray, np.ndarray]:
    """Contrasts of ``arm_trend`` for the mean slope in the lower and the upper half of an arm."""
    span = np.log2(arm[factor].max() / arm[factor].min())
    zeros = np.zeros(arm["ladder"].nunique())
    lower, upper = (np.r_[zeros, 1.0, 2 * place * span] for place in (-0.25, 0.25))
    return lower, upper


def reversals(arm: pd.DataFrame, factor: str) -> pd.DataFrame:
    """List the steps of an arm's ladders that raise the error: ladder, level, rise."""
    ordered = arm.sort_values(["ladder", factor])
    rise = ordered.groupby("ladder")["error"].diff()
    steps = pd.DataFrame({"ladder": ordered["ladder"], "level": ordered[factor], "rise": rise})
    return steps[rise > 0]


def isoflop_fit(runs: pd.DataFrame) -> LinearFit:
    """Fit a parabola in z = log2 x_V to every isoFLOP curve, one curvature for each LM size.

    Coefficients are named (part, target_tflops, lm_params) with parts "level" and "slope", and
    ("bend", lm_params). The residual spread is pooled over all curves.
    """
    curves = runs[runs["sweep"] == "isoflop"]
    z = np.log2(curves["tokens_per_frame"].astype(float))
    keys = sorted(curves.groupby(["target_tflops", "lm_params"]).groups)
    inside = {
        key: (curves["target_tflops"] == key[0]) & (curves["lm_params"] == key[1]) for key in keys
    }
    columns: dict = {("level", *key): inside[key] for key in keys}
    columns |= {("slope", *key): inside[key] * z for key in keys}
    sizes = sorted(curves["lm_params"].unique())
    columns |= {("bend", n): (curves["lm_params"] == n) * z**2 for n in sizes}
    return least_squares(columns, curves["error"])


def curve_coefficients(
    fit: LinearFit, coef: np.ndarray, target_tflops: float, lm_params: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pick level, slope and bend of one curve from coefficients of shape (k,) or (draws, k)."""
    wanted = [
        ("level", target_tflops, lm_params),
        ("slope", target_tflops, lm_params),
        ("bend", lm_params),
    ]
    if wanted[0] not in fit.names:
        raise ValueError(
            f"no isoFLOP curve at {target_tflops:g} TFLOPs with lm_params {lm_params:g}; "
            "choose a budget and an LM size that were run"
        )
    level, slope, bend = (np.asarray(coef)[..., fit.names.index(name)] for name in wanted)
    return level, slope, bend


def curve_optimum(
    fit: LinearFit,
    coef: np.ndarray,
    target_tflops: float,
    lm_params: float,
    cost: CostFunction = paper_flops,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest error of one curve, and the frames and tokens per frame where it lies.

    Coefficients of shape (k,) give numbers, (draws, k) arrays. A curve that does not bend
    upwards has no minimum: NaN. Tokens are kept within a factor of 2^20 of one.
    """
    level, slope, bend = curve_coefficients(fit, coef, target_tflops, lm_params)
    bends_up = bend > 0
    bend = np.where(bends_up, bend, 1.0)
    tokens = np.exp2(np.clip(-slope / (2 * bend), -20, 20))
    frames = target_tflops * 1e12 / cost(lm_params, 1, tokens)
    found = (level - slope**2 / (4 * bend), frames, tokens)
    error, frames, tokens = (np.where(bends_up, value, np.nan)[()] for value in found)
    return error, frames, tokens


def gain_lead(
    fit: LinearFit,
    sample: np.ndarray,
    budgets: tuple[float, float],
    sizes: tuple[float, float],
    level: float = 0.95,
) -> tuple[float, float, float]:
    """What the second LM size gains more than the first between two budgets, at curves' minima.

    Median, low and high over coefficients ``sample`` (draws, k), in points.
    """
    least = {(c, n): curve_optimum(fit, sample, c, n)[0] for c in budgets for n in sizes}
    small, large = (least[budgets[0], n] - least[budgets[1], n] for n in sizes)
    return middle_and_ends(large - small, level)


def gain_leads(
    runs: pd.DataFrame,
    rng: np.random.Generator,
    budgets: tuple[float, float] = (15.0, 30.0),
    sizes: tuple[float, float] = (1e9, 7.5e9),
    level: float = 0.95,
    draws: int = 20_000,
) -> pd.DataFrame:
    """``gain_lead`` with every single isoFLOP run left out in turn, to see what one run decides.

    Index: the run left out. Columns: value, low, high, and sigma, the residual SD of that fit. A
    run without which its curve cannot be fitted is passed over.
    """
    curves, rows = runs[runs["sweep"] == "isoflop"], {}
    for index, run in curves["run_id"].items():
        try:
            fit = isoflop_fit(curves.drop(index))
        except ValueError:  # two points are left of no parabola
            continue
        sample = fit.draws(draws, rng)
        rows[run] = [*gain_lead(fit, sample, budgets, sizes, level), fit.sigma]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high", "sigma"])
