"""What the chapter on the published runs says, made again from its tables: chapter 5."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vvlm_utils.advice.sentences import runs as said
from vvlm_utils.advice.sentences import trends as told
from vvlm_utils.site.truth.tables import NUMBER, Said, read_number, shown
from vvlm_utils.text import FACTOR_NAMES

FACTORS = {words: name for name, words in FACTOR_NAMES.items()}
SIZES = {"1B": 1e9, "2.8B": 2.8e9, "7.5B": 7.5e9}
CLAIMS = {"C1": "c01_verdict", "C2": "c02_verdict", "C3": "c03_verdict"}
MILLION = 1e6


def _ends(texts: pd.Series) -> pd.DataFrame:
    """Values with their intervals, "1.2 (-0.1 to 2.5)", as columns value, low and high."""
    rows = [[read_number(part) for part in re.findall(NUMBER, text)] for text in texts]
    return pd.DataFrame(rows, index=texts.index, columns=["value", "low", "high"])


def published_runs(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    """What chapter 5 states of the paper's runs; nothing where it reads other runs."""
    if "slopes" not in glued:
        return {}
    steps = shown(tables, "steps", "rises").rename(columns={"largest rise (points)": "largest"})
    slopes = shown(tables, "lower half", "upper half").rename(index=FACTORS)
    ratios = next(slopes[c] for c in slopes if c.endswith("per doubling"))
    scatter = shown(tables, "residual SD (points)").iloc[:, 0]
    growth = shown(tables, "factor (median)")
    growth = growth.set_index("of", append=True)
    top = shown(tables, "loss of 1B (median)")
    scores = top[[c for c in top if c.endswith("best score")]]
    scores.columns = [SIZES[c.partition(",")[0]] for c in scores]
    gains = shown(tables, "gain", "pairs of runs").set_index("LM size", append=True)["gain"]
    readings = gains.unstack().rename(columns=SIZES).sort_index(axis=1).astype(float)
    decisive = [t for t in tables if '"much"' in t.columns]
    steps["largest"] = pd.to_numeric(steps["largest"], errors="coerce")
    return {
        "example": said.say_example(_best(tables)),
        "spread": said.say_spread(_best(tables)),
        "rises": said.say_rises(steps.rename(index=FACTORS)),
        "slopes": told.say_slopes(_ends(slopes["upper half"])),
        "doublings": told.say_doublings(_ends(ratios)),
        "bends": said.say_bends(next(t for t in tables if list(t) == ["value", "low", "high"])),
        "growth": said.say_growth(growth, (5.0, 30.0)),
        "held_back": told.say_held_back(top, "1B"),
        "ahead": said.say_ahead(scores, float(scatter["isoFLOP"])),
        "readings": told.say_readings(readings),
        "left_out": told.say_left_out(len(decisive[0]) if decisive else 0),
        "verdicts": said.say_verdicts({claim: glued[key] for claim, key in CLAIMS.items()}),
    }


def _best(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The best run at each budget, as the chapter computed it."""
    best = shown(tables, "best score", "worst score")
    names = {"best score": "best", "worst score": "worst", "tokens per frame": "tokens_per_frame"}
    examples = best["finetuning examples"].map(lambda text: MILLION * float(text.rstrip("M")))
    sizes = best["LM size"].map(SIZES)
    return best.rename(columns=names).assign(lm_params=sizes, train_examples=examples)
