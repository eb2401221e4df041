"""C1 to C4 and C14: what trends and differences between runs decide, without any law."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from vvlm_utils.advice.claims.verdict import Verdict, above, below, both, decide
from vvlm_utils.runs.trends import t_interval

SYMBOLS = {"lm_params": "x_N", "frames": "x_T", "tokens_per_frame": "x_V", "train_examples": "n"}
SAME_TASKS = 0.01  # p of Cochran's test below which tasks differ
LEAST_P = 1e-6  # tasks share their runs, so a smaller p of that test means no more


def c1_diminishing_returns(slopes: pd.DataFrame, level: float = 0.95) -> Verdict:
    """C1: error falls with x_N, x_T, x_V and n, and each step gains less than the one before.

    slopes : as ``runs.trends.arm_slopes`` gives them, one row per factor.
    """
    unit, doubling = slopes["ratio per unit"], slopes["ratio per doubling"]
    parts = {
        f"{SYMBOLS.get(f, f)} helps less each time": both(
            below(slopes["upper half"].loc[f]), above(unit.loc[f], 1)
        )
        for f in slopes.index
    }
    passed = sum(part is True for part in parts.values())
    ours = [f"{passed} of {len(parts)} factors"]
    # Where a gain may be none at all, a ratio of gains has no bounds.
    falling = unit[slopes["upper half"]["high"] < 0]
    if len(falling):
        least = falling["low"].idxmin()
        worst = falling.loc[least]
        ours += [
            f"smallest ratio of first to last gain per unit {worst['value']:.1f} ({level:.0%}: "
            f"{worst['low']:.1f} to {worst['high']:.1f}, {SYMBOLS.get(least, least)})"
        ]
    ours += [f"per doubling, {int((doubling['low'] > 1).sum())} of {len(parts)}"]
    return decide(
        "C1",
        parts,
        "; ".join(ours),
        "error falls with x_N, x_T, x_V and n, with diminishing returns",
        "For every factor the error falls in the upper half of its arm, and the gain per unit is "
        "larger in the lower half than in the upper.",
    )


def c2_bottleneck(
    bends: pd.DataFrame, growth: pd.DataFrame, change: Mapping, level: float = 0.95
) -> Verdict:
    """C2: the three factors must be scaled together; one held back becomes the bottleneck.

    Parameters
    ----------
    bends : curvature of the isoFLOP curves, columns low and high, one row per LM size.
    growth : growth of the best frames and of the best tokens of every LM between two budgets, as
        factors; columns low and high.
    change : by how many points the loss of the smallest LM against the largest grows between
        these budgets: value, low, high.
    """
    parts = {
        "both extremes lose": both(*(above(row) for _, row in bends.iterrows())),
        "frames and tokens grow together": both(*(above(row, 1) for _, row in growth.iterrows())),
        "the small LM loses more and more": above(change),
    }
    passed = sum(part is True for part in parts.values())
    return decide(
        "C2",
        parts,
        f"{passed} of 3 parts: an interior best split for {int((bends['low'] > 0).sum())} of "
        f"{len(bends)} LMs; best x_T and x_V grow in {int((growth['low'] > 1).sum())} of "
        f"{len(growth)} cases; the loss of the 1B LM changes by {change['value']:.1f} points "
        f"({level:.0%}: {change['low']:.1f} to {change['high']:.1f}) from 5 to 30 TFLOPs",
        "the factors must be scaled together; one held back is a bottleneck",
        "Every isoFLOP curve bends upwards, the best frames and tokens of every LM both grow with "
        "the budget, and what the smallest LM loses grows too.",
    )


def c3_doubling(lead: Mapping, without_one: pd.DataFrame, best: Mapping, level=0.95) -> Verdict:
    """C3: from 15 to 30 TFLOPs the 7.5B LM gains much more than the 1B LM.

    Parameters
    ----------
    lead : what 7.5B gains more than 1B, in points: value, low, high, and sigma, the residual SD
        of a run. A lead of two sigma is the least that could be called "much".
    without_one : the same with every single run left out, as ``runs.trends.gain_leads`` gives.
    best : gain of the best run, by LM size in parameters, for the text.
    """
    every = [lead, *(row for _, row in without_one.iterrows())]
    more = [above(row) for row in every]
    refuted = [row["high"] < 2 * row["sigma"] for row in every]
    part = True if all(more) else False if all(refuted) else None
    return decide(
        "C3",
        {"7.5B gains much more": part},
        f"7.5B gains {lead['value']:+.1f} points more than 1B ({level:.0%}: {lead['low']:+.1f} to "
        f'{lead["high"]:+.1f}; "much" is {2 * lead["sigma"]:.1f}); best runs gain '
        f"{best[7.5e9]:.2f} (7.5B) and {best[1e9]:.2f} (1B); a lead that large is "
        f"{'' if refuted[0] else 'not '}excluded by all runs, and excluded without one of them in "
        f"{sum(refuted[1:])} of {len(without_one)} cases",
        "from 15 to 30 TFLOPs 7.5B gains much more than 1B",
        "The interval of the lead lies above zero (holds) or below two residual standard "
        "deviations (does not hold), and does so whichever single run is left out.",
    )


def same_tasks(gaps: pd.DataFrame) -> float:
    """p of Cochran's test that all tasks have one gap: columns value and se, one row per task."""
    mean = np.average(gaps["value"], weights=gaps["se"] ** -2.0)
    return float(stats.chi2.sf((((gaps["value"] - mean) / gaps["se"]) ** 2).sum(), len(gaps) - 1))


def _designs_differ(losses: pd.DataFrame, ties: pd.Series) -> tuple[bool | None, list[tuple]]:
    """Whether two tasks need different designs, and the (one, other, budget) that show it.

    Contradicted where every exchange costs less than the noise of a run.
    """
    apart = [
        (a, b, c)
        for a, b, c in losses.index
        if a < b and both(above(losses.loc[(a, b, c)]), above(losses.loc[(b, a, c)]))
    ]
    same = (losses["high"] < ties.loc[losses.index.get_level_values("task")].to_numpy()).all()
    return (True if apart else False if same else None), apart


def c4_tasks(
    gaps: pd.DataFrame, losses: pd.DataFrame, ties: pd.Series, level: float = 0.9
) -> Verdict:
    """C4: which factor pays off, and so the best allocation, differs by task.

    Parameters
    ----------
    gaps : points per doubling of frames less points per doubling of data, columns value and se,
        one row per task; negative where frames pay more.
    losses : what a task loses with another's best design, as ``advice.exchange_losses`` gives it:
        columns value, low, high; index task, other, budget_tflops.
    ties : by task, the noise of a run in points, below which a difference is none.
    """
    p_same, z = same_tasks(gaps), stats.norm.ppf((1 + level) / 2)
    ends = gaps.assign(low=gaps["value"] - z * gaps["se"], high=gaps["value"] + z * gaps["se"])
    shown = ", ".join(
        f"{task} {row['value']:+.2f} ({level:.0%}: {row['low']:+.2f} to {row['high']:+.2f})"
        for task, row in ends.loc[["LVB", "PT"]].iterrows()
    )
    p_text = f"p < {LEAST_P:.0e}".replace("e-0", "e-") if p_same < LEAST_P else f"p = {p_same:.1g}"
    differ, apart = _designs_differ(losses, ties)
    return decide(
        "C4",
        {
            "tasks differ": True if p_same < SAME_TASKS else None,
            "frames pay more than data for LVB": below(ends.loc["LVB"]),
            "frames pay less than data for PT": above(ends.loc["PT"]),
            "best designs differ": differ,
        },
        f"frames less data, points per doubling: {shown}; equal tasks {p_text}; "
        + _say_exchange(losses, ties, apart),
        "frames pay more than data for LVB, little against data for PT; best designs differ",
        "The tasks differ in what frames are worth beside data (Cochran's test at 1%); frames pay "
        "more than data for LongVideoBench, and less for PerceptionTest; and at a shared budget "
        "two tasks both lose by exchanging their best designs (whole intervals, joint over all "
        "pairs and budgets).",
    )


def _say_exchange(losses: pd.DataFrame, ties: pd.Series, apart: list[tuple]) -> str:
    """How many pairs of tasks need different designs, and what the clearest of them loses."""
    budgets = losses.index.unique("budget_tflops")
    asked = len(losses) // 2
    said = f"two tasks both lose by exchanging best designs in {len(apart)} of {asked} cases"
    if not apart:
        return f"{said} (pairs, {len(budgets)} budgets)"
    one, other, budget = max(
        apart, key=lambda k: min(losses.loc[k, "value"], losses.loc[(k[1], k[0], k[2]), "value"])
    )
    lost = [losses.loc[k, "value"] for k in ((one, other, budget), (other, one, budget))]
    return (
        f"{said} (pairs, {len(budgets)} budgets), most of all {one} and {other} at {budget:g} "
        f"TFLOPs, by {lost[0]:.1f} and {lost[1]:.1f} points; the noise of a run there is "
        f"{ties[one]:.1f} and {ties[other]:.1f}"
    )


def c14_tuned_where_served(
    tuned: pd.Series,
    at_home: pd.Series,
    tuned_at: float = 2,
    served_at: float = 16,
    level: float = 0.95,
) -> Verdict:
    """C14: a model must be finetuned at the design it serves.

    Parameters
    ----------
    tuned, at_home : errors of models finetuned at ``tuned_at`` frames, and at the frames they
        serve, indexed by (frames, draw). Draws pair the two; their spread gives the intervals,
        by Student's t, since there are few.
    """
    gap = (tuned.loc[served_at] - at_home.loc[served_at]).dropna()
    rise = (tuned.loc[served_at] - tuned.loc[tuned_at]).dropna()
    found = {
        name: dict(zip(("value", "low", "high"), t_interval(values, level), strict=True))
        for name, values in {"gap": gap, "rise": rise}.items()
    }
    text = {
        name: f"{row['value']:+.1f} ({level:.0%}: {row['low']:+.1f} to {row['high']:+.1f})"
        for name, row in found.items()
    }
    return decide(
        "C14",
        {
            "worse than a model tuned where it serves": above(found["gap"]),
            "worse than where it was tuned": above(found["rise"]),
        },
        f"in the mini world, tuned at {tuned_at:g} and served at {served_at:g} frames, over "
        f"{len(gap)} draws: {text['gap']} points above tuned at {served_at:g}, and {text['rise']} "
        f"above its own error at {tuned_at:g}",
        "stated in Appendix A.2, not tabulated",
        "Served at many frames, a model tuned at few errs more than one tuned where it serves, "
        "and more than at its own frames (whole t intervals over the draws).",
    )
