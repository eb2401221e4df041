"""What the chapters on one run say, made again from their tables: chapters 3 and 4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences import evaluate as answers
from vvlm_utils.advice.sentences import finetune as trained
from vvlm_utils.site.truth.tables import Said, shown, unless_rounded

DASHES = {"–": np.nan, "∞": np.inf, "−∞": -np.inf}


def _numbers(column: pd.Series) -> pd.Series:
    """A column as numbers, where a dash is none and infinity a sign."""
    return column.map(lambda value: DASHES.get(value, value)).astype(float)


def _parameters(tables: list[pd.DataFrame]) -> dict[str, str]:
    """The chapter's parameters, as text without quotes."""
    return shown(tables, "value", "may be")["value"].map(lambda v: str(v).strip('"')).to_dict()


def _run(given: Mapping[str, str]) -> tuple[str, int, int, int]:
    counts = [given[k].replace("_", "") for k in ("train_examples", "frames", "tokens_per_frame")]
    return given["lm"], *(int(float(text)) for text in counts)


def finetune(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    """Chapter 3: the run, what it sees and costs, its pace, and what each set would give."""
    given = _parameters(tables)
    lm, examples, frames, tokens = _run(given)
    clip = re.search(r"(?:Of the|sees all|clip's) (\d+)", str(glued.get("seen")))
    record = next(t for t in tables if "transformers" in t.index)["value"].astype(str)
    eq_1, counted = shown(tables, "MFLOPs per video")["MFLOPs per video"] * 1e6
    measured = next(t for t in tables if "clips per second" in t.index)["measured"]
    share = float(str(measured["training as a share of matrix products"]).rstrip("%")) / 100
    ratios = shown(tables, "against", "ratio")["ratio"]
    counts = (trained.say_counted(counted, eq_1), trained.say_count(counted, eq_1))
    return {
        "run_said": trained.say_run(lm, examples, frames, tokens),
        "scale": trained.say_scale(given["preset"]),
        "seen": trained.say_seen(frames, tokens, int(clip[1]) if clip else 0),
        "source": trained.say_source(given["mode"], record.to_dict()),
        "stages": trained.say_stages(bool(given["data"])),
        "counted_said": unless_rounded(glued.get("counted_said"), counts[0]),
        "count": unless_rounded(glued.get("count"), counts[1], 0.05),
        "pace": trained.say_pace(share, given["device"]),
        "speed": trained.say_speed(ratios),
        "threads": trained.say_threads(ratios["one thread"]),
        "drawn": trained.say_drawn(
            shown(tables, "share", "in this run")["in this run"].astype(int)
        ),
    }


def _near(table: pd.DataFrame, glued: Mapping[str, Any]) -> str:
    below = _numbers(table["standard errors below blind"]).drop("average")
    if (abs(below - answers.NEAR) <= 0.05).any():  # the printed digit does not tell
        return glued["near"]
    return unless_rounded(glued.get("near"), answers.say_near(below), 0.1)


def _beside(table: pd.DataFrame, glued: Mapping[str, Any]) -> Said:
    errors = table["error (points)"].astype(float)
    here = errors["of this chapter"]
    seeds = table[["draw of the decoder", "seed of the finetuning"]].astype(int)
    own = (seeds == seeds.loc["of this chapter"]).all(axis=1).to_numpy()
    swept = (table.index == "of the sweep").astype(bool)
    others = errors[swept & ~own]
    se = float(table.loc["of this chapter", "standard error (points)"])
    said = {
        "again": answers.say_again(here, errors[swept & own]),
        "beside": answers.say_beside(here, others),
        "spread": answers.say_spread(others, se),
    }
    edge = len(others) and here in (others.min(), others.max())
    found = {name: unless_rounded(glued.get(name), text, 0.05) for name, text in said.items()}
    return found | ({"beside": glued["beside"]} if edge else {})


def _difficulty(table: pd.DataFrame, glued: Mapping[str, Any]) -> str:
    sides = {"smallest": "standard error, smallest", "largest": "standard error, largest"}
    rows = [
        {"family": family, "error": float(row[side]), "se": float(row[se])}
        for family, row in table.iterrows()
        for side, se in sides.items()
    ]
    said = answers.say_difficulty(pd.DataFrame(rows, columns=["family", "error", "se"]))
    # whole points in the sentence, from a table of tenths: 0.46 is 0, and 0.5 of the table is 1
    return unless_rounded(glued.get("difficulty"), said, 0.1, slack=1)


def evaluate(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    """Chapter 4: errors beside the blind answer, beside the sweep, by difficulty, by benchmark."""
    families = shown(tables, "standard errors below blind")
    error, se = families.loc["average", ["error (points)", "standard error"]].astype(float)
    kinds = shown(tables, "kind", "up to")["kind"]
    ends = [t for t in tables if "standard error, smallest" in t.columns]
    return {
        "run_said": trained.say_run(*_run(_parameters(tables))),
        "average": answers.say_average(error, se, len(families) - 1),
        "error": answers.say_error(error, se),
        "near": _near(families, glued),
        **_beside(shown(tables, "draw of the decoder"), glued),
        **({"difficulty": _difficulty(ends[0], glued)} if ends else {}),
        "judged": answers.say_judged(int(kinds.str.contains("judged").sum()), len(kinds)),
    }
