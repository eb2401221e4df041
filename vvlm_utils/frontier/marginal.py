"""What one step more of a factor buys, and what a cheaper part of the model would.

At the best of all designs, were they continuous, a FLOP spent on any factor would buy the same:
that is what makes it the best. So the gains per FLOP of one frame and of some tokens more differ
along a frontier only by its steps; gains per doubling and from cheaper parts need not be equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, CostFunction, inference_cost, paper_flops
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import as_bag
from vvlm_utils.laws.fitting import LawFit
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.space import PAPER_SPACE, Space

PARTS = ("vision", "lm")


def scaled_cost(vision: float = 1.0, lm: float = 1.0) -> CostFunction:
    """Eq. 1 with the encoder's and the LM's part multiplied: a cost for a ``Question``.

    >>> full, half = scaled_cost()(3e9, 4, 4), scaled_cost(vision=0.5)(3e9, 4, 4)
    >>> f"{half / full:.2f}"
    '0.52'
    """
    for name, factor in {"vision": vision, "lm": lm}.items():
        if not (np.isfinite(factor) and factor > 0):
            raise ValueError(f"{name} must be a positive number, got {factor!r}")

    def flops(lm_params, frames, tokens_per_frame):
        cost = inference_cost(lm_params, frames, tokens_per_frame)
        return vision * cost.vision_flops + lm * cost.lm_flops

    return flops


def _rows(
    designs: pd.DataFrame,
    bag: np.ndarray,
    members: np.ndarray,
    level: float,
    middle: str,
    **more,
) -> pd.DataFrame:
    """One row a design: a value, and the central interval of the members."""
    low, value, high = np.quantile(members, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    above = (members > 0).mean(axis=0)
    value = value if middle == "members" else bag
    found = {"value": value, "low": low, "high": high, "share_positive": above}
    return designs.reset_index(drop=True).assign(**more, **found)


def next_square(tokens_per_frame: np.ndarray) -> np.ndarray:
    """The next larger square grid.

    >>> next_square([4, 25]).tolist()
    [9, 36]
    """
    return (np.rint(np.sqrt(tokens_per_frame)).astype(int) + 1) ** 2


def marginal_gains(
    model: Model | LawFit,
    designs: pd.DataFrame,
    train_examples: float,
    step: str = "next",
    cost: CostFunction = paper_flops,
    level: float = 0.8,
    middle: str = "bag",
) -> pd.DataFrame:
    """Error removed by more frames and by more tokens, at given designs.

    step : "next", one frame or the next square grid, in points per TFLOP added; or "double",
        twice the frames or twice the tokens, in points
    middle : "bag", the value is the bag's prediction; "members", the median of its members
    Rows are designs x change ("frames", "tokens_per_frame", and "difference", the first less the
    second); columns value (see middle), low, high (central ``level`` of the members) and
    share_positive, the share of the members above zero.
    """
    if step not in ("next", "double"):
        raise ValueError(f"step must be 'next' or 'double', got {step!r}")
    bagged = as_bag(model)
    base = designs[list(FACTORS)].reset_index(drop=True)
    base = base.assign(train_examples=float(train_examples))

    def errors(table):
        members = bagged.predict_members(table)
        return getattr(np, bagged.aggregate)(members, axis=0), members

    def flops(table):
        return np.asarray(cost(*(table[f].to_numpy() for f in FACTORS)))

    here, gains = errors(base), {}
    for factor in ("frames", "tokens_per_frame"):
        doubled = {f: 2 * base[f] for f in ("frames", "tokens_per_frame")}
        nexts = {"frames": base["frames"] + 1}
        nexts["tokens_per_frame"] = next_square(base["tokens_per_frame"])
        moved = base.assign(**{factor: (nexts if step == "next" else doubled)[factor]})
        unit = (flops(moved) - flops(base)) / 1e12 if step == "next" else 1.0
        gains[factor] = [(a - b) / unit for a, b in zip(here, errors(moved), strict=True)]
    gains["difference"] = [
        a - b for a, b in zip(gains["frames"], gains["tokens_per_frame"], strict=True)
    ]
    return pd.concat(
        [_rows(base, *gain, level, middle, change=name) for name, gain in gains.items()]
    )


def discount_gains(
    model: Model | LawFit,
    budgets: Iterable[float],
    train_examples: float,
    factor: float = 0.5,
    space: Space = PAPER_SPACE,
    level: float = 0.8,
    middle: str = "bag",
) -> pd.DataFrame:
    """Error removed, at the same budgets, by a cheaper encoder or a cheaper LM pass.

    factor : what the part's price is multiplied by

    Designs are chosen anew under each price, by the bag and by every member for itself. Rows are
    budgets x part ("vision", "lm", and "difference", the first less the second); columns as in
    :func:`marginal_gains`.
    """
    budgets = np.atleast_1d(np.asarray(budgets, dtype=float))
    prices: Mapping[str, CostFunction] = {p: scaled_cost(**{p: factor}) for p in PARTS}

    def least(cost: CostFunction) -> np.ndarray:
        return solve(model, Question(budgets, train_examples, space, cost)).errors()

    full = least(scaled_cost())
    gains = {part: full - least(cost) for part, cost in prices.items()}
    gains["difference"] = gains["vision"] - gains["lm"]
    table = pd.DataFrame({"budget_flops": budgets})
    return pd.concat(
        [_rows(table, g[0], g[1:], level, middle, part=name) for name, g in gains.items()]
    )
