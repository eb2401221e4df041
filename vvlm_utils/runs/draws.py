"""What runs that differ in a draw alone say: variance by source, differences paired by draw.

A draw is a pretrained decoder of one size. Runs of one draw share its luck, which cancels in their
difference, so differences between designs of one LM size are taken draw by draw; those between
sizes cannot be, and are Welch's. Every interval is Student's t over the draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.runs.trends import star_arm, t_interval

DESIGN = [*FACTORS, TRAIN_EXAMPLES]


def first_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs without further finetuning seeds: one per design and draw."""
    return runs.sort_values("seed").drop_duplicates([*DESIGN, "task", "draw"]).sort_index()


def variance_components(runs: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Standard deviation of a run's error by its source, in points.

    Parameters
    ----------
    runs : pandas.DataFrame
        One task's runs, with columns ``draw``, ``seed``, ``error`` and ``metric_se``.
    level : float
        Of the intervals, which are those of a variance of normal values.

    Returns
    -------
    pandas.DataFrame
        Index: "draw and seed" (runs of a design that differ in both), "seed" (in the seed alone),
        "draw" (what the first has above the second, none below zero), "clips" (the standard error
        over test clips, which all runs share). Columns sd, low, high, dof; the last two have no
        interval.

    Raises
    ------
    ValueError
        No design has two draws, or no draw has two seeds.
    """
    between = runs.pipe(first_seeds).groupby(DESIGN)["error"]
    within = runs.groupby([*DESIGN, "draw"])["error"]
    both, seed = (_pooled(groups, level) for groups in (between, within))
    draw = np.sqrt(max(both["sd"] ** 2 - seed["sd"] ** 2, 0.0))
    rows = {
        "draw and seed": both,
        "seed": seed,
        "draw": {"sd": draw},
        "clips": {"sd": float(np.sqrt((runs["metric_se"] ** 2).mean()))},
    }
    return pd.DataFrame(rows).T[["sd", "low", "high", "dof"]]


def _pooled(groups, level: float) -> dict[str, float]:
    """The SD within groups, with the interval of a chi-squared variance."""
    dof = int((groups.size() - 1).sum())
    if dof < 1:
        raise ValueError("no two runs differ in their draw, or in their seed, alone; add some")
    squares = float((groups.var().fillna(0.0) * (groups.size() - 1)).sum())
    tails = stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], dof)
    low, high = np.sqrt(squares / tails)
    return {"sd": float(np.sqrt(squares / dof)), "low": low, "high": high, "dof": dof}


def difference(
    first: pd.DataFrame, second: pd.DataFrame, level: float = 0.95
) -> dict[str, float | int | bool]:
    """Mean error of the first design less that of the second, with its interval.

    Parameters
    ----------
    first, second : pandas.DataFrame
        One run per draw of each design. They are paired by draw where both have one LM size, and
        then only the draws that both have count.

    Returns
    -------
    dict
        value, low, high (points), draws (pairs, or the smaller number), se, paired.
    """
    a, b = (first_seeds(table).set_index("draw")["error"] for table in (first, second))
    sizes = set(first["lm_params"]) | set(second["lm_params"])
    if len(sizes) == 1:
        gaps = (a - b).dropna()
        value, low, high = t_interval(gaps, level)
        se, draws = float(stats.sem(gaps)), len(gaps)
    else:
        parts = [part.var(ddof=1) / len(part) for part in (a, b)]
        dof = sum(parts) ** 2 / sum(
            v**2 / (len(part) - 1) for v, part in zip(parts, (a, b), strict=True)
        )
        value, se = float(a.mean() - b.mean()), float(np.sqrt(sum(parts)))
        half = stats.t.ppf(0.5 + level / 2, dof) * se
        low, high, draws = value - half, value + half, min(len(a), len(b))
    found = {"value": value, "low": low, "high": high, "se": se, "draws": draws}
    return found | {"paired": len(sizes) == 1}


def joint_gain(
    runs: pd.DataFrame,
    factor: str,
    ends: Sequence[float],
    other: str,
    other_ends: Sequence[float],
    fixed: Mapping[str, float],
    level: float = 0.95,
) -> dict[str, float]:
    """How much more a factor gains at the upper end of another than at its lower, paired by draw.

    Parameters
    ----------
    runs : pandas.DataFrame
        One task's runs, with a column ``draw``.
    factor, ends
        The factor whose gain it is, and the two levels between which error falls.
    other, other_ends
        The factor that is moved beside it.
    fixed
        The level of every further factor, the LM size among them, since draws pair the four runs.

    Returns
    -------
    dict
        value, low, high (points), draws. Above zero: each is worth more with the other.

    Raises
    ------
    ValueError
        One of the four designs was not run.
    """
    held = runs[(runs[list(fixed)] == pd.Series(fixed)).all(axis=1)]
    errors = {}
    for level_of, at in [(x, y) for x in ends for y in other_ends]:
        part = held[(held[factor] == level_of) & (held[other] == at)]
        if part.empty:
            raise ValueError(f"no run with {factor} {level_of:g} and {other} {at:g}; run it")
        errors[level_of, at] = first_seeds(part).set_index("draw")["error"]
    (low, high), (below, above) = ends, other_ends
    gains = [errors[low, at] - errors[high, at] for at in (below, above)]
    more = (gains[1] - gains[0]).dropna()
    return dict(zip(("value", "low", "high"), t_interval(more, level), strict=True)) | {
        "draws": len(more)
    }


def arm_steps(runs: pd.DataFrame, centre: Mapping, level: float = 0.95) -> pd.DataFrame:
    """By how much the error moves with every step up each arm of a star, at each n.

    Parameters
    ----------
    runs : pandas.DataFrame
        One task's runs, with a column ``draw``.
    centre : mapping
        The star's centre. The arm of the training examples is the one through it.

    Returns
    -------
    pandas.DataFrame
        One row per step: factor, train_examples (of the upper end), below and up_to (the two
        levels), what ``difference`` gives (points, positive where error rises) and in_se, the step
        over its standard error.
    """
    rows = []
    for factor in DESIGN:
        arm = star_arm(runs, factor, centre)
        if factor == TRAIN_EXAMPLES:
            arm = arm[(arm[list(FACTORS)] == pd.Series(centre)).all(axis=1)]
        for _, ladder in arm.groupby("ladder"):
            levels = sorted(ladder[factor].unique())
            for below, up_to in pairwise(levels):
                upper, lower = (ladder[ladder[factor] == at] for at in (up_to, below))
                own = {"factor": factor, TRAIN_EXAMPLES: upper[TRAIN_EXAMPLES].iloc[0]}
                rows.append(
                    own | {"below": below, "up_to": up_to} | difference(upper, lower, level)
                )
    return pd.DataFrame(rows).assign(in_se=lambda steps: steps["value"] / steps["se"])


def arm_worth(runs: pd.DataFrame, centre: Mapping, level: float = 0.95) -> pd.DataFrame:
    """What the range of every factor is worth: the points of error from its least level to its
    greatest, through the centre, for the largest n where n is held.

    Index: the factors. Columns as ``difference`` gives, positive where the greatest level errs
    less, and least and greatest.
    """
    rows = {}
    for factor in DESIGN:
        arm = star_arm(runs, factor, centre)
        if factor == TRAIN_EXAMPLES:
            arm = arm[(arm[list(FACTORS)] == pd.Series(centre)).all(axis=1)]
        else:
            arm = arm[arm[TRAIN_EXAMPLES] == arm[TRAIN_EXAMPLES].max()]
        ends = arm[factor].min(), arm[factor].max()
        parts = (arm[arm[factor] == end] for end in ends)
        rows[factor] = difference(*parts, level) | dict(
            zip(("least", "greatest"), ends, strict=True)
        )
    return pd.DataFrame.from_dict(rows, orient="index")
