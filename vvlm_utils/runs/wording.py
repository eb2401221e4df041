"""What the choices behind a prepared table are called: held factors, the cost, the designs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import (
    SOVIT_400M,
    TRAIN_EXAMPLES,
    encoder_share,
)
from vvlm_utils.cost.price import Price
from vvlm_utils.runs.space import Space
from vvlm_utils.text import say_level, say_name

FORGOTTEN = 0.9  # the encoder's share of every run from which its size should be checked


def say_held(factor: str, level: float) -> str:
    """What it means that a factor never moved."""
    shown = say_level(level)
    if factor == TRAIN_EXAMPLES:
        return (
            f"Every run was finetuned on {shown} examples: laws leave n out, and answers hold for "
            "that training set; how they move with more data cannot be told."
        )
    return f"{say_name(factor)} never moves: laws leave it out, and answers hold it at {shown}."


def say_price(price: Price, runs: pd.DataFrame, moved: Sequence[str]) -> list[str]:
    """What the cost counts, and what it does not; ``moved`` are the further factors."""
    if price.name == "paper":
        own = " (the paper's: name your own)" if price.tower == SOVIT_400M else ""
        said = [
            f"Costs follow Equation 1 with an encoder of {say_level(price.tower.params)} "
            f"parameters and {price.tower.features_per_frame:g} features per frame{own}."
        ]
        shares = encoder_share(runs["lm_params"], runs["tokens_per_frame"], price.tower)
        if (least := float(np.min(shares))) > FORGOTTEN:
            said.append(
                f"That encoder takes at least {np.floor(100 * least):.0f}% of the price of every "
                "run, so the LM is nearly free here: is it yours?"
            )
    else:
        counts = {"lm_only": "the language model alone", "exact": "every matrix product"}
        said = [f"Costs count {counts.get(price.name, price.name)}."]
    return said + [
        f"The cost does not read {f}: its levels are compared as if they cost the same."
        for f in moved
    ]


def say_space(space: Space) -> str:
    """The designs to choose from, in a sentence."""
    frames, tokens = (
        f"{values[0]:g}" if len(values) == 1 else f"{values[0]:g} to {values[-1]:g}"
        for values in (space.frames, space.tokens_per_frame)
    )
    return (
        f"Designs to choose from: LMs of {', '.join(map(say_level, space.lm_params))}; "
        f"{frames} frames; {tokens} tokens per frame."
    )
