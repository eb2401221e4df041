"""Which designs to run: the star sweep and the isoFLOP sweep of ``wang2025`` (Table 6).

A star moves one factor at a time away from its centre, at several sizes of the training set.
An isoFLOP sweep holds the inference cost at a budget and trades the factors against each other.
Both come back as tables with the columns of the runs table that a plan can know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vvlm_utils.cost.equation import FACTORS, CostFunction, paper_flops
from vvlm_utils.text import short_count

DESIGN_COLUMNS = ("run_id", "sweep", "target_tflops", *FACTORS, "train_examples")

PAPER_LM_PARAMS = (1e9, 2.8e9, 7.5e9)
PAPER_BUDGETS_TFLOPS = (2.0, 5.0, 15.0, 30.0)
PAPER_CENTRE = {"lm_params": 7.5e9, "frames": 32, "tokens_per_frame": 196}
PAPER_STAR_LEVELS = {
    "lm_params": PAPER_LM_PARAMS,
    "frames": (4, 8, 12, 16, 32),
    "tokens_per_frame": (4, 16, 25, 36, 49, 100, 196),
}
PAPER_STAR_EXAMPLES = (250_000, 500_000, 1_000_000)
PAPER_ISOFLOP_EXAMPLES = 2_000_000
MAX_FRAMES = 128
MAX_GRID_SIDE = 28


def is_perfect_square(values: ArrayLike) -> np.ndarray:
    """Tell which values are squares of whole numbers from 1 up.

    >>> is_perfect_square([1, 17, 196]).tolist()
    [True, False, True]
    """
    values = np.asarray(values, dtype=float)
    side = np.rint(np.sqrt(np.where(values > 0, values, 0)))
    return (side >= 1) & (side**2 == values)


def square_tokens(max_side: int = MAX_GRID_SIDE) -> np.ndarray:
    """Every number of tokens a square grid of at most ``max_side`` can hold, 1 to max_side**2.

    >>> square_tokens(4).tolist()
    [1, 4, 9, 16]
    """
    return np.arange(1, max_side + 1) ** 2


def name_runs(designs: pd.DataFrame) -> pd.Series:
    """Give each design a readable name: sweep and budget, LM, frames x tokens, examples."""
    columns = ["sweep", "target_tflops", *FACTORS, "train_examples"]
    keys = designs[columns].reset_index(drop=True)
    groups = keys.groupby(columns, sort=False, dropna=False)  # a large table repeats its designs
    names = []
    for row in keys.loc[groups.head(1).index].itertuples():
        budget = "" if pd.isna(row.target_tflops) else f"{row.target_tflops:g}"
        lm, n = short_count(row.lm_params), short_count(row.train_examples)
        names.append(f"{row.sweep}{budget}-{lm}-{row.frames:g}x{row.tokens_per_frame:g}-n{n}")
    chosen = np.array(names, dtype=object)[groups.ngroup()]
    return pd.Series(chosen, index=designs.index, dtype="str")


def _design_table(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(DESIGN_COLUMNS[1:]))
    counts = ["frames", "tokens_per_frame", "train_examples"]
    table = table.astype({"lm_params": float, "target_tflops": float} | dict.fromkeys(counts, int))
    table.insert(0, "run_id", name_runs(table))
    return table


def star_designs(
    centre: Mapping[str, float] = PAPER_CENTRE,
    levels: Mapping[str, Sequence[float]] = PAPER_STAR_LEVELS,
    train_examples: Sequence[int] = PAPER_STAR_EXAMPLES,
) -> pd.DataFrame:
    """Move one factor at a time from the centre, at every number of training examples.

    The defaults are the paper's star: 13 designs at 3 training-set sizes.

    >>> len(star_designs())
    39
    """
    for name in levels:
        if name not in centre:
            raise ValueError(f"levels names {name!r}; use one of {', '.join(centre)}")
    arms = [{**centre}]
    arms += [{**centre, name: level} for name, values in levels.items() for level in values]
    unique = {tuple(arm[name] for name in FACTORS): arm for arm in arms}.values()
    ordered = sorted(unique, key=lambda arm: tuple(arm[name] for name in FACTORS))
    fixed = {"sweep": "star", "target_tflops": np.nan}
    return _design_table(
        [{**fixed, **arm, "train_examples": n} for n in train_examples for arm in ordered]
    )


def isoflop_designs(
    budget_flops: float | Sequence[float] = tuple(c * 1e12 for c in PAPER_BUDGETS_TFLOPS),
    tolerance: float = 0.03,
    lm_params: Sequence[float] = PAPER_LM_PARAMS,
    frames: Sequence[int] = range(1, MAX_FRAMES + 1),
    tokens_per_frame: Sequence[int] = tuple(square_tokens()),
    cost: CostFunction = paper_flops,
    train_examples: int = PAPER_ISOFLOP_EXAMPLES,
) -> pd.DataFrame:
    """List every design whose cost lies within a relative tolerance of a budget.

    The table has the design columns and ``cost_flops``, ordered by budget, LM, tokens, frames.

    >>> designs = isoflop_designs(2e12, tolerance=0.06, lm_params=[7.5e9])
    >>> designs[["frames", "tokens_per_frame"]].values.tolist()
    [[3, 1], [2, 25]]
    """
    budgets = np.atleast_1d(np.asarray(budget_flops, dtype=float))
    if not (np.isfinite(budgets) & (budgets > 0)).all():
        raise ValueError(f"budget_flops must be positive, got {budget_flops!r}")
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance must lie between 0 and 1, got {tolerance!r}")
    not_square = [v for v in tokens_per_frame if not is_perfect_square(v)]
    if not_square:
        raise ValueError(f"tokens_per_frame must be perfect squares, got {not_square[0]!r}")
    grids = np.meshgrid(lm_params, tokens_per_frame, frames, indexing="ij")
    n, v, t = (grid.ravel() for grid in grids)
    flops = np.asarray(cost(n, t, v))
    tables = []
    for budget in budgets:
        keep = np.abs(flops / budget - 1) <= tolerance
        table = pd.DataFrame(
            {"lm_params": n[keep].astype(float), "frames": t[keep], "tokens_per_frame": v[keep]}
        )
        table = table.assign(
            sweep="isoflop", target_tflops=budget / 1e12, train_examples=int(train_examples)
        )
        table.insert(0, "run_id", name_runs(table))
        tables.append(table[list(DESIGN_COLUMNS)].assign(cost_flops=flops[keep]))
    return pd.concat(tables, ignore_index=True)


def budget_gap(designs: pd.DataFrame, cost: CostFunction = paper_flops) -> pd.Series:
    """How far each design's cost lies from its target, as a fraction of the target.

    The largest absolute value is the tolerance at which an enumeration finds every design.
    """
    flops = cost(*(designs[name].to_numpy(float) for name in FACTORS))
    gap = flops / (designs["target_tflops"].to_numpy(float) * 1e12) - 1
    return pd.Series(gap, index=designs.index, name="budget_gap")


def _farthest_points(points: np.ndarray, count: int) -> list[int]:
    """Pick the first and last point, then always the one farthest from those picked."""
    chosen = [0, len(points) - 1][: min(count, len(points))]
    while len(chosen) < min(count, len(points)):
        gaps = np.linalg.norm(points[:, None] - points[None, chosen], axis=2).min(axis=1)
        chosen.append(int(gaps.argmax()))
    return sorted(set(chosen))


def well_spaced(
    designs: pd.DataFrame, points_per_lm: int, cost: CostFunction = paper_flops
) -> pd.DataFrame:
    """Keep a spread-out subset of every isoFLOP curve: one curve is one budget and one LM size.

    On a curve the design closest to the budget stands for each number of tokens; of these the
    ends are kept, then always the design farthest, in log x_T and log x_V, from those kept.
    No randomness: the same table gives the same subset.
    """
    if points_per_lm < 2:
        raise ValueError(f"points_per_lm must be at least 2 (both ends), got {points_per_lm!r}")
    kept = []
    gaps = budget_gap(designs, cost).abs()
    for _, curve in designs.groupby(["target_tflops", "lm_params"], sort=False):
        closest = gaps.loc[curve.index].groupby(curve["tokens_per_frame"]).idxmin()
        curve = curve.loc[closest.to_numpy()].sort_values("tokens_per_frame")
        logs = np.log(curve[["frames", "tokens_per_frame"]].to_numpy(float))
        kept.extend(curve.index[_farthest_points(logs, points_per_lm)])
    return designs.loc[kept].reset_index(drop=True)
