"""What the chapters on data, tasks and next runs say, made again from their tables: 8, 9, 11."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vvlm_utils.advice.sentences import elasticities, planned
from vvlm_utils.advice.sentences import tasks as of_tasks
from vvlm_utils.site.truth.tables import Said, read_intervals, shown
from vvlm_utils.text import FACTOR_NAMES

FACTORS = {words: factor for factor, words in FACTOR_NAMES.items()}
SIGNS = {"as in the paper's table": True, "as in the poster's arrows": False, "open": None}


def elasticity(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    """Chapter 8: what is open, what is printed, and which part had better become cheaper."""
    if "signs" not in glued:  # a chapter about other runs
        return {}
    computed = [t for t in tables if t.index.name == "computed by"]
    main = read_intervals(computed[0].loc["the mix, forward"]).rename(index=FACTORS)
    table10 = computed[0].loc["the paper, Table 10"].rename(index=FACTORS).astype(float)
    signs = computed[-1].map(SIGNS.get).astype(object)
    bands = shown(tables, "level that holds", "low", "high").rename(index=FACTORS)
    levels = pd.to_numeric(bands["level that holds"].str.rstrip("%"), errors="coerce") / 100
    bands = bands[["low", "high"]].apply(pd.to_numeric, errors="coerce").assign(level=levels)
    halved = read_intervals(shown(tables, "encoder less LM")["encoder less LM"])
    return {
        "zeros": elasticities.say_zeros(main),
        "table10_held": elasticities.say_held(main, table10),
        "signs": elasticities.say_signs(signs),
        "sizes_said": elasticities.say_printed(table10.to_dict(), bands),
        "wish": elasticities.say_wish(halved),
    }


def tasks(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    """Chapter 9: what frames are worth, how laws agree, what one design for all costs."""
    if "pays" not in glued:  # a chapter about other runs
        return {}
    worth = read_intervals(shown(tables, "frames less data")["frames less data"])
    ours = shown(tables, "agree on the LM")
    theirs = next(
        t for t in tables if t.index.name == "task" and all(c.endswith("TFLOPs") for c in t.columns)
    )
    served = next(t for t in tables if t.index.name == "TFLOPs").astype(float)
    errors = shown(tables, "median copy").rename(columns={"median copy": "value"})
    return {
        "pays": of_tasks.say_pays(worth),
        "answer": of_tasks.say_answer(worth),
        "laws_agree": of_tasks.say_agreement(theirs == ours[theirs.columns]),
        "served": of_tasks.say_served(served, shown(tables, "noise")["noise"]),
        "misses": of_tasks.say_misses(errors),
        "mix_better": of_tasks.say_better(errors["the mix"], errors["value"], "rows"),
    }


def next_runs(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    """Chapter 11: what planned runs win on hidden runs, in simulated worlds, and off the star."""
    if "against" not in glued:  # a chapter about other runs
        return {}
    rows = shown(tables, "splits won (%)").loc["random"].set_index("measure")
    rows = rows.set_axis(["wins", "ties", "gap", "se2"], axis=1).astype(float)
    rows = rows.assign(wins=rows["wins"] / 100, ties=rows["ties"] / 100)
    won = shown(tables, "trials won (%)")["trials won (%)"] / 100
    trials = int(re.search(r"(\d+) trials", glued["aim"])[1])
    missed = shown(tables, "E before (%)")[["E before (%)", "E after (%)"]]
    missed = missed.set_axis(["before", "after"], axis=1)
    return {
        "against": planned.say_against(rows, "random"),
        "aim": planned.say_aim(won["random"], won["cheap"], trials),
        "missed": planned.say_missed(*missed.loc["planned"], missed.drop("planned")),
    }
