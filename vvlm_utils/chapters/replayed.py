"""Which runs chapters 3 and 4 can replay, and which of them is nearest to another run.

Only names and numbers are read here, so that a refusal comes at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf, log
from typing import Any

from vvlm_utils.files import DATA_FOLDER

RUN = ("lm", "frames", "tokens_per_frame", "train_examples", "seed", "draw")
FOLDER = DATA_FOLDER / "mini_record"
KEPT = [
    {name: record[name] for name in RUN}
    for record in (json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json")))
]
"""The runs that come with the package."""


def size_of(lm: str) -> float:
    """The size that a mini decoder's name tells, in thousands; nan for another decoder.

    >>> size_of("mini-40k"), size_of("llama-3.2-1b")
    (40.0, nan)
    """
    mini = lm.startswith("mini-") and lm.endswith("k")
    return float(lm.removeprefix("mini-").removesuffix("k")) if mini else float("nan")


def distance(run: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[int, float]:
    """In how many things a kept run differs from another, and how far on a logarithmic scale."""
    other = [name for name in RUN if run[name] != kept[name]]
    far = 0.0
    for name in other:
        pair = [size_of(of[name]) if name == "lm" else of[name] for of in (run, kept)]
        labels = name in ("seed", "draw")  # numbers without a size
        far += 0.0 if labels else abs(log(pair[0] / pair[1]))
    return len(other), far if far == far else inf


def nearest(run: Mapping[str, Any]) -> dict[str, Any]:
    """The kept run that differs from another in the fewest things, and least of those."""
    return min(KEPT, key=lambda kept: distance(run, kept))


def say_run(run: Mapping[str, Any]) -> str:
    """A run's settings, as the chapters' parameters name them.

    >>> say_run({name: 1 for name in RUN} | {"lm": "mini-40k"})
    'lm mini-40k, frames 1, tokens_per_frame 1, train_examples 1, seed 1, draw 1'
    """
    return ", ".join(f"{name} {run[name]}" for name in RUN)
