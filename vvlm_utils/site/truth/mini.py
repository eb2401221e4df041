"""What the chapter on the mini experiment says, made again from its tables: chapter 10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vvlm_utils.advice.sentences import mini, trends
from vvlm_utils.site.truth.tables import Said, shown


def mini_experiment(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    """Prices, C9 and the causes, from the tables of designs, of growth and of the rule."""
    designs = shown(tables, "by", "best design")
    named = [
        [text.split(" LM")[0] for text in designs.loc[designs["by"] == by, "best design"]]
        for by in ("plan's law", "plan's law, counted price")
    ]
    grown = shown(tables, "frames", "C9")["C9"]
    rule = shown(tables, "cause", "a cause")
    keys = {text: name for name, text in mini.CAUSES.items()}
    causes = {
        law: pd.DataFrame({"cause": (part["a cause"] == "yes").to_numpy()}, part["cause"].map(keys))
        for law, part in rule.groupby(level=0, sort=False)
    }
    return {
        "prices": trends.say_names(*named),
        "c9_here": mini.say_words({int(n): word for n, word in grown.items()}),
        "causes": mini.say_causes(causes),
    }
