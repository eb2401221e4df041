"""Which of the claims a table of runs alone can decide."""

from __future__ import annotations

import pandas as pd

from vvlm_utils.advice.claims.verdict import CLAIMS
from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.runs.trends import arm_trend, isoflop_fit, star_arm

ELSEWHERE = {
    "C11": "it is arithmetic on the cost of a design",
    "C12": "it is arithmetic on a service's traffic",
    "C14": "every run is evaluated at the design it was finetuned at",
}


def lacking(runs: pd.DataFrame) -> dict[str, str]:
    """What a checked table lacks to decide each claim: claim -> reason, empty where it can.

    >>> from vvlm_utils.runs import load_runs
    >>> [claim for claim, why in lacking(load_runs("paper")).items() if why]
    ['C4', 'C8', 'C11', 'C12', 'C14']
    """
    sweeps, tasks = set(runs["sweep"]), set(runs["task"])
    both_sweeps = "" if {"star", "isoflop"} <= sweeps else "it needs runs marked star and isoflop"
    moves = {f for f in (*FACTORS, TRAIN_EXAMPLES) if f in runs and runs[f].nunique() > 1}
    needed = (
        ("C1", _still(moves, *FACTORS, TRAIN_EXAMPLES) or _short_arms(runs)),
        ("C2", _flat_curves(runs)),
        ("C3", _flat_curves(runs)),
        ("C4", _tasks(tasks, "LVB", "PT") or _still(moves, "frames", TRAIN_EXAMPLES)),
        ("C5", both_sweeps or _still(moves, *FACTORS, TRAIN_EXAMPLES)),
        ("C6", both_sweeps or _still(moves, *FACTORS, TRAIN_EXAMPLES)),
        ("C7", both_sweeps or _still(moves, *FACTORS, TRAIN_EXAMPLES)),
        ("C8", _tasks(tasks, "LVB", "NQA") or both_sweeps),
        ("C9", _still(moves, *FACTORS)),
        ("C10", _still(moves, *FACTORS, TRAIN_EXAMPLES)),
        ("C13", _still(moves, "frames", "tokens_per_frame")),
    )
    found = dict(needed) | ELSEWHERE
    return {claim: found[claim] for claim in CLAIMS}


def decidable(runs: pd.DataFrame) -> tuple[str, ...]:
    """The claims that a checked table of runs can decide by itself."""
    return tuple(claim for claim, reason in lacking(runs).items() if not reason)


def centre_of(runs: pd.DataFrame) -> dict[str, float]:
    """The centre of a star: of every factor the level that most of its runs have."""
    star = runs[runs["sweep"] == "star"]
    return {f: star[f].mode().iloc[0] for f in FACTORS}


def _still(moves: set[str], *factors: str) -> str:
    lost = [f for f in factors if f not in moves]
    return f"it needs runs that move {' and '.join(lost)}" if lost else ""


def _tasks(tasks: set[str], *needed: str) -> str:
    lost = [task for task in needed if task not in tasks]
    return f"it needs the scores of {' and '.join(lost)}" if lost else ""


def _short_arms(runs: pd.DataFrame) -> str:
    """Why the arms of a star give no slopes, if so."""
    if "star" not in set(runs["sweep"]):
        return "it needs runs marked star"
    centre = centre_of(runs)
    for factor in (*FACTORS, TRAIN_EXAMPLES):
        arm = star_arm(runs, factor, centre)
        if arm[factor].nunique() < 3:
            return f"it needs three levels of {factor} along the star"
        try:
            arm_trend(arm, factor)
        except ValueError:
            return f"it needs more runs along the star's arm of {factor}"
    return ""


def _flat_curves(runs: pd.DataFrame) -> str:
    """Why the isoFLOP runs give no curves to compare, if so."""
    curves = runs[runs["sweep"] == "isoflop"]
    if min(curves["target_tflops"].nunique(), curves["lm_params"].nunique()) < 2:
        return "it needs isoFLOP runs of two budgets and two LM sizes"
    try:
        isoflop_fit(runs)
    except ValueError:
        return "it needs more runs on its isoFLOP curves"
    return ""
