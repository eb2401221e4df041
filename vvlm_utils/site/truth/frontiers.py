"""What the chapter on the frontier says, made again from its tables: 7."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vvlm_utils.advice import example
from vvlm_utils.advice.sentences import frontiers, repriced
from vvlm_utils.advice.sentences.words import say_part
from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.site.truth.tables import NUMBER, Said, read_intervals, shown

LETTERS = {"k": 1e3, "M": 1e6, "B": 1e9}
ERRORS = 1.01  # two printed values whose ratio is below this may be one


def read_count(text: Any) -> float:
    """A count as pages write it.

    >>> read_count("7.5B"), read_count(36.0), read_count("250k")
    (7500000000.0, 36.0, 250000.0)
    """
    if not isinstance(text, str):
        return float(text)
    return float(text.rstrip("kMB")) * LETTERS.get(text[-1], 1.0)


def read_designs(names: Iterable[str]) -> pd.DataFrame:
    """Designs as the tables of chapter 7 name them.

    >>> read_designs(["7.5B, 8 x 36"]).iloc[0].tolist()
    [7500000000.0, 8.0, 36.0]
    """
    parts = [re.split(", | x ", name) for name in names]
    return pd.DataFrame([[read_count(p) for p in row] for row in parts], columns=list(FACTORS))


def begins(glued: Mapping[str, Any], name: str, start: str) -> str:
    """A glued sentence as it is where it begins so, and the beginning alone where it does not."""
    return glued[name] if str(glued[name]).startswith(start) else start


def _front(tables: list[pd.DataFrame], level: float) -> Said:
    table = shown(tables, "LM size", "score")
    scores = read_intervals(table["score"])
    front = pd.DataFrame(
        {
            "budget_flops": table.index.to_numpy(float) * 1e12,
            "lm_params": table["LM size"].map(read_count).to_numpy(),
            "frames": table["frames"].to_numpy(),
            "tokens_per_frame": table["tokens per frame"].to_numpy(),
            "error": 100 - scores["value"],
            "error_low": 100 - scores["high"],
            "error_high": 100 - scores["low"],
            "probability": [
                float(text.rstrip("%")) / 100 for text in table["refits that choose it"]
            ],
            "within_epsilon": table["others about as good"].to_numpy() + 1,
        }
    )
    row = front[front["budget_flops"] == example.BUDGET_FLOPS].iloc[0]
    return {
        "example_said": frontiers.say_example(row, example.EXAMPLES),
        "example_sure": frontiers.say_expected(row, level),
        "span": frontiers.say_span(front),
        "largest": frontiers.say_largest(front, 7.5e9),
        "firm": frontiers.say_firm(front),
    }


def _choices(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    beside = shown(tables, "this book", "the paper's law")
    same = int((beside["this book"] == beside["the paper's law"]).sum())
    agree = f"the two agree at {same} of {len(beside)} budgets"
    outside = shown(tables, "design", "outside the runs")["outside the runs"]
    outside = outside.str.replace("nothing", "").str.replace("LM size", "lm_params")
    left = shown(tables, "LM sizes that may be the best").iloc[:, 0]
    several = int(left.astype(str).str.contains(",").sum())
    part = say_part(several, len(left), "budgets")
    apart = f"More than one size is left at {part}."
    if glued["apart"].startswith("One LM size") and several == 0:
        apart = glued["apart"]
    flat = shown(tables, "designs about as good", "high end of the regret (points)")
    offered = re.search(rf"of ({NUMBER}) designs", str(glued["flat"]).replace("Of", "of"))
    most = int(flat["designs about as good"].max()), int(offered[1].replace(",", ""))
    regret = float(flat["high end of the regret (points)"].max())
    near = read_designs(shown(tables, "refits that call it a tie").index)
    ends = shown(tables, "the paper's design", "ours at that cost")
    return {
        "deploy_said": begins(glued, "deploy_said", agree),
        "outside": frontiers.say_outside(outside.to_frame("outside")),
        "apart": begins(glued, "apart", apart),
        "flat": frontiers.say_flat(*most, regret),
        "near": frontiers.say_near(near),
        "agreed": frontiers.say_agreement(ends["the paper's design"], ends["ours at that cost"]),
    }


def _rates(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    table = shown(tables, "ratio")
    ratios = read_intervals(table["ratio"])
    symbols = {"LM size": "x_N", "frames": "x_T", "tokens per frame": "x_V"}
    pairs = [" / ".join(symbols[part] for part in pair.split(" over ")) for pair in table.index]
    if (ratios[["low", "high"]] == 1).any(axis=None):  # the digits do not tell on which side
        return {}
    return {"rates": frontiers.say_rates(ratios.set_index(pd.Index(pairs)))}


def _prices(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    plan = shown(tables, "planned", "best at that cost")
    budgets, paid = plan.index.to_numpy(float), plan["true cost (TFLOPs)"].to_numpy(float)
    over = paid / budgets
    said = [float(found) for found in re.findall(rf"costs ({NUMBER}) times", glued["overspent"])]
    ends = over[list(dict.fromkeys((0, len(over) - 1)))]
    near = len(said) == len(ends) and np.allclose(said, ends, rtol=ERRORS - 1, atol=0.06)
    planned, better = (read_designs(plan[name]) for name in ("planned", "best at that cost"))
    found = {
        "overspent": glued["overspent"] if near else f"it costs {over.round(1)} times",
        "planner": repriced.say_planner(planned, better),
    }
    exact = [t for t in tables if "exact cost over Equation 1" in t.columns]
    if exact:
        found["ratio"] = repriced.say_ratio_of_costs(exact[0]["exact cost over Equation 1"])
    return found


def frontier(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    if "own_answer" in glued:  # of somebody's runs
        designs = shown(tables, "design", "refits with this LM")["design"]
        named = [name for name in designs if f"deploy {name}:" in glued["own_answer"]]
        return {"own_answer": glued["own_answer"] if named else f"it deploys {designs.tolist()}"}
    level = float(shown(tables, "value", "may be").loc["level", "value"])
    return {
        **_front(tables, level),
        **_choices(tables, glued),
        **_rates(tables, glued),
        **_prices(tables, glued),
    }
