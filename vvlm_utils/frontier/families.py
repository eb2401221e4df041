"""The frontier over one family's served models: its sizes, frames and reachable tokens, priced.

A design here is a model that is served and flags that its processor takes; its price is what the
exact cost and the roofline say of a clip. Which design is best follows from a law of other models'
accuracies, so the choice is relative: it says where a budget is better spent, not what will be
scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vvlm_utils.cost.catalogue import ServedModel, families
from vvlm_utils.cost.clips import Clip
from vvlm_utils.cost.equation import LIMIT
from vvlm_utils.cost.flags import FoundFlags, find_flags
from vvlm_utils.cost.served import Server, price_tokens

FRAMES = (2, 4, 8, 16, 32, 64)
TOKENS = (16, 25, 36, 49, 64, 100, 144, 196, 256, 400)
RELATIVE = (
    "accuracies are those of the law fitted to the paper's models, and serve a relative choice "
    "only: measure the chosen design on your task"
)
UNITS = {  # of a budget: the column of ``family_designs``, and how it is said
    "dollars_per_million": "dollars per million videos",
    "seconds": "seconds per video",
    "tflops": "TFLOPs per video",
}


def family_models(family: str, names: Sequence[str] = ()) -> list[ServedModel]:
    """The models of a family, or those of it that are named, from small to large.

    Raises ValueError for an unknown family, and for a model that is not of it.
    """
    known = families()
    if family not in known:
        raise ValueError(f"family {family!r} is not catalogued; name one of {', '.join(known)}")
    there = {model.name: model for model in known[family]}
    for name in names:
        if name not in there:
            raise ValueError(f"model {name!r} is not of {family}; name one of {', '.join(there)}")
    return [model for name, model in there.items() if not names or name in names]


def family_designs(
    models: Sequence[ServedModel],
    clip: Clip,
    server: Server,
    prompt_tokens: int = 50,
    answer_tokens: int = 100,
) -> pd.DataFrame:
    """Every one of the models with every reachable design that the server holds.

    Columns: model, lm_params (those that a token meets, x_N), frames, tokens_per_frame, tflops,
    seconds (of one video alone), videos_per_hour, dollars_per_million (nan without a price),
    context (tokens of the prompt and its answer), flags, notes. Raises ValueError when the server
    holds none of it, and for a clip of fewer frames than any design reads.
    """
    rows, refusal = [], ""
    reachable: dict = {}  # by rule, since sizes of a family mostly share one
    for model in models:
        if model.rule not in reachable:
            reachable[model.rule] = _reachable(model, clip)
        for found in reachable[model.rule]:
            try:
                priced = price_tokens(
                    model, clip, found.tokens, server, prompt_tokens, answer_tokens
                )
            except ValueError as short:
                refusal = refusal or str(short)
                continue
            dollars = priced.dollars_per_million
            rows.append({
                "model": model.name,
                "lm_params": float(model.decoder.active_params),
                "frames": found.tokens.frames_read,
                "tokens_per_frame": found.tokens.tokens_per_frame,
                "tflops": float(priced.cost.total_flops) / 1e12,
                "seconds": priced.seconds,
                "videos_per_hour": priced.videos_per_hour,
                "dollars_per_million": np.nan if dollars is None else dollars,
                "context": priced.prompt_tokens + answer_tokens,
                "flags": found.flags,
                "notes": found.notes,
            })  # fmt: skip
    if not rows:
        few = f"the clip has {clip.total_frames} frame, the least design reads {FRAMES[0]}"
        raise ValueError(refusal or f"{few}; take a longer clip")
    return pd.DataFrame(rows)


def _reachable(model: ServedModel, clip: Clip) -> list[FoundFlags]:
    """Flags of each distinct number of frames and tokens that a model can be given."""
    found = {}
    for frames in FRAMES:
        if frames > min(clip.total_frames, model.rule.max_frames):
            continue
        for wanted in (model.rule.tokens,) if model.rule.bounds == "fixed" else TOKENS:
            each = find_flags(model, clip, frames, wanted)
            found.setdefault((each.tokens.frames_read, each.tokens.visual_tokens), each)
    return list(found.values())


def check_budget(designs: pd.DataFrame, unit: str, budget: float) -> None:
    """Refuse a budget that buys none of the designs, naming the cheapest."""
    if not 0 < budget < LIMIT:
        raise ValueError(f"a budget must be a positive number below {LIMIT:g}, got {budget:g}")
    cheapest = designs.loc[designs[unit].idxmin()]
    if budget < cheapest[unit]:
        raise ValueError(
            f"{budget:g} {UNITS[unit]} buy nothing: the cheapest is {cheapest['model']} with "
            f"{cheapest['frames']} frames of {cheapest['tokens_per_frame']:g} tokens at "
            f"{cheapest[unit]:.4g}; raise the budget, or take another family or device"
        )


def as_factors(designs: pd.DataFrame) -> pd.DataFrame:
    """The designs as a law reads them."""
    return designs[["lm_params", "frames", "tokens_per_frame"]].astype(float)
