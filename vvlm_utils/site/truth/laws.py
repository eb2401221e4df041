"""What the chapter on laws says, made again from its tables: 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences import laws
from vvlm_utils.advice.sentences.words import say_list, say_part
from vvlm_utils.laws.recommendation import PAPER_WAY, RECOMMENDED_WAY
from vvlm_utils.site.truth.tables import Said, read_intervals, shown

PENALISED = "add-interact, penalised"
TESTS = {"cross-validation": "cv", "star to isoFLOP": "extrapolation"}
ROUNDED = 0.006  # a share printed without digits may differ by this much


def holds(glued: Mapping[str, Any], name: str, *parts: str) -> str:
    """A glued sentence as it is where it has these parts, and the parts alone where it lacks one.

    >>> holds({"x": "a and b"}, "x", "a", "b"), holds({"x": "a"}, "x", "b")
    ('a and b', 'b')
    """
    said = str(glued.get(name))
    return said if all(part in said for part in parts) else "; ".join(parts)


def _best(table: pd.DataFrame) -> list[str]:
    """The form of the least MSE under each test, as ``say_best`` names it."""
    found = []
    for test, part in table.groupby(level=0, sort=False):
        least = part.loc[part["MSE"] == part["MSE"].min(), "form"]
        if len(least) == 1:  # the printed digits tell which
            words = laws.TESTS[TESTS[str(test)]]
            found.append(f"{words[1:]} {least.iloc[0]} misses unseen runs least")
    return found


def _criteria(table: pd.DataFrame) -> str:
    aic, bic = table["AIC"].idxmin(), table["BIC"].idxmin()
    return f"AIC and BIC both prefer {aic}" if aic == bic else f"AIC prefers {aic}, BIC {bic}"


def _last_pair(table: pd.DataFrame) -> str:
    ends = read_intervals(table["MSE of the first less the second"])
    last = ends[(table.index == "add-interact-s")]
    open_ = (last["low"] <= 0) & (last["high"] >= 0)
    return "cannot tell" if open_.all() else " alone:" if open_.any() else "under every test"


def _open_ends(table: pd.DataFrame) -> str:
    ends = table[["low", "high"]].astype(str)
    open_ = list(table.index[ends.apply(lambda c: c.str.contains("∞")).any(axis=1)])
    return f"the interval of {say_list(open_)} has an open end" if open_ else "."


def _covered(table: pd.DataFrame, nominal: float = 0.8) -> list[str]:
    """The bands that a sentence on coverage must list as held less often than they say."""
    part = table[table.index == "add-interact"].set_index("band")["rows"]
    shares = part.str.rstrip("%").astype(float) / 100
    less = shares[shares < nominal - laws.NEAR_NOMINAL - ROUNDED]
    return [f"{name} ({share:.0%})" for name, share in less.items()]


def law_sentences(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    if "own_judged" in glued:  # of somebody's runs
        verdicts = shown(tables, "parameter", "verdict")["verdict"]
        return {"own_judged": laws.say_judged(verdicts)}
    losses = shown(tables, "mult", "add", "add-interact-s").to_numpy()
    same = say_part(int(np.sum(losses == "the same")), losses.size, "fits")
    missed = shown(tables, "CV by designs", "LM size out", "1B out")["LM size out"]
    pooled = pd.DataFrame({"worst_e_pct": missed})
    pooled.index = pd.MultiIndex.from_product([["LM size out"], missed.index])
    return {
        "best": holds(glued, "best", *_best(shown(tables, "form", "MSE, paper"))),
        "optimisers": holds(glued, "optimisers", f"in {same}"),
        "criteria": holds(glued, "criteria", _criteria(shown(tables, "AIC", "BIC"))),
        "last_pair": holds(
            glued, "last_pair", _last_pair(shown(tables, "MSE of the first less the second"))
        ),
        "beyond": laws.say_beyond(pooled, PAPER_WAY, RECOMMENDED_WAY, PENALISED),
        "known": holds(glued, "known", _open_ends(shown(tables, "standard error", "low"))),
        "judged": laws.say_judged(shown(tables, "refits at a bound", "verdict")["verdict"]),
        "covered": holds(glued, "covered", *_covered(shown(tables, "expanded rows"))),
    }
