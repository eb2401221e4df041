"""One road for a table: what every command, page and chapter does with runs before it fits a law.

``prepare`` checks the table, chooses the task, merges repeats of a design, sets aside the factors
that never moved (n among them), prices the designs and spans the space to choose from. It says
each of these choices in words. So one table has one answer, whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isqrt
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import (
    FACTORS,
    SOVIT_400M,
    TRAIN_EXAMPLES,
    VisionTower,
)
from vvlm_utils.cost.price import Price
from vvlm_utils.runs.designs import square_tokens
from vvlm_utils.runs.merging import choose_task, merge_repeats
from vvlm_utils.runs.sanity import suspicions
from vvlm_utils.runs.schema import COST, RunsError
from vvlm_utils.runs.sources import Source, list_sources, read_source
from vvlm_utils.runs.space import Candidates, Space, space_within, widen
from vvlm_utils.runs.wording import say_held, say_price, say_space

TABLE = "table"  # the name of a table's own costs, beside those of ``Price``
OWN_COST = (
    "its own costs are known for its own designs alone; drop --lm-params, --max-frames and "
    "--max-tokens, or name a cost that prices others"
)


@dataclass(frozen=True)
class Prepared:
    """A table of runs, ready for a law and a question; :func:`vvlm_utils.prepare` makes it.

    Attributes
    ----------
    runs
        One row per design, sweep and n, with ``error`` and, where a design was repeated,
        ``metric_se`` and ``draws``.
    checked
        The rows of the task before repeats were merged.
    name
        What the table is called in sentences.
    task
        The task answered for.
    further
        Factors declared beyond x_N, x_T, x_V.
    factors
        The factors that moved, n aside: those that a law can hold.
    data
        "train_examples", or None where n never moved.
    held
        Level of every factor that never moved, n among them.
    price
        The cost of a design, or None where the table's own costs are used.
    space
        The designs to choose from.
    notes
        What was chosen, in sentences.
    """

    runs: pd.DataFrame = field(repr=False)
    checked: pd.DataFrame = field(repr=False)
    name: str
    task: str
    further: tuple[str, ...]
    factors: tuple[str, ...]
    data: str | None
    held: dict[str, float]
    price: Price | None
    space: Space | Candidates = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """What the error counts, "points" of a metric or the table's own "error" or "loss"."""
        return self.checked.attrs.get("unit", "points")

    @property
    def most_error(self) -> float:
        """The largest error there can be: 100 points of a metric, no bound of another scale."""
        return 100.0 if self.unit == "points" else np.inf

    @property
    def cost_flops(self) -> np.ndarray:
        """FLOPs per video of every run, shape (rows,)."""
        if self.price is None:
            return self.runs[COST].to_numpy(dtype=float)
        return np.asarray(self.price(*(self.runs[f].to_numpy(dtype=float) for f in FACTORS)))

    def at(self, levels: Mapping[str, float]) -> Prepared:
        """The same table answered at levels of its further factors: designs listed there alone."""
        space = self.space
        if isinstance(space, Candidates) and levels:
            here = np.all([space.designs[f] == v for f, v in levels.items()], axis=0)
            if not here.any():
                shown = ", ".join(f"{f} = {v:g}" for f, v in levels.items())
                raise RunsError(f"{self.name}: no run has {shown}; name a level of the table")
            space = Candidates(space.designs[here].reset_index(drop=True), space.cost_flops[here])
        return replace(self, space=space)

    def to_dict(self) -> dict:
        """Plain types for JSON, with what a later question needs of the runs; see ``restore``."""
        columns = ["sweep", *FACTORS, *self.further, TRAIN_EXAMPLES, "error"]
        columns += [COST] if COST in self.runs else []
        return {
            "name": self.name,
            "task": self.task,
            "unit": self.unit,
            "further": list(self.further),
            "notes": list(self.notes),
            "own_cost": self.price is None,
            "price": None if self.price is None else self.price.to_dict(),
            "space": None
            if self.price is None
            else {f: list(getattr(self.space, f)) for f in FACTORS},
            "runs": {name: self.runs[name].tolist() for name in columns}
            | {
                "target_tflops": [
                    v if v == v else None for v in self.runs["target_tflops"].tolist()
                ]
            },
        }


def restore(record: Mapping, price: Price | None = None, **space) -> Prepared:
    """The prepared table that :meth:`Prepared.to_dict` described.

    price, space : as in :func:`prepare`, in place of what was chosen then
    """
    runs = pd.DataFrame(record["runs"])
    runs = runs.assign(source="fit", task=record["task"])
    # A design may be run at two isoFLOP budgets; a fit that was written without them knows none.
    runs["target_tflops"] = (
        runs["target_tflops"].astype(float) if "target_tflops" in runs else np.nan
    )
    runs = runs.assign(run_id=runs.index.astype(str), metric=np.nan, metric_se=np.nan, seed=0)
    runs.attrs["unit"] = record["unit"]
    kept = prepare(
        runs,
        factors=tuple(record["further"]),
        price=price or (Price.from_dict(record["price"]) if record["price"] else None),
        own_cost=record["own_cost"] and price is None,
        **space,
    )
    if record["space"]:
        base = Space(**{f: tuple(record["space"][f]) for f in FACTORS})
        kept = replace(kept, space=widen(base, **space))
    if price is None and not any(space.values()):
        kept = replace(kept, notes=tuple(record["notes"]))
    return replace(kept, name=record["name"])


def prepare(
    table: str | Path | pd.DataFrame,
    *,
    task: str | None = None,
    factors: Sequence[str] = (),
    price: Price | None = None,
    lm_params: Sequence[float] | None = None,
    max_frames: int | None = None,
    max_tokens: int | None = None,
    own_cost: bool = True,
) -> Prepared:
    """Check a table and make the choices that every answer about it rests on.

    Parameters
    ----------
    table
        A known source ("paper", "mini"), the path of a CSV, or a table with its columns. A known
        source also states its encoder and its designs to choose from; a table's columns do not.
    task
        The task to answer for; None takes "avg", the only task there is, or else the mean of all
        tasks where every run has all of them.
    factors
        Columns that the sweep moved beyond x_N, x_T, x_V.
    price
        The cost of a design; None takes the table's ``cost_flops`` if it has them and ``own_cost``
        is true, else Equation 1 with the paper's encoder.
    lm_params
        LM sizes to choose from, in place of the runs'.
    max_frames, max_tokens
        Extend the space to so many frames and tokens per frame.
    own_cost
        Whether the table's own ``cost_flops`` count.

    Returns
    -------
    Prepared
        The runs, their factors, a price, the designs to choose from, and each choice in words.

    Raises
    ------
    RunsError
        The table cannot be used; the message names every row, column and value.

    Notes
    -----
    Repeats of a design count once, by their mean, since a law cannot tell them apart.

    Examples
    --------
    >>> prepared = prepare("paper")
    >>> prepared.factors, prepared.data, len(prepared.runs)
    (('lm_params', 'frames', 'tokens_per_frame'), 'train_examples', 87)
    """
    name = str(table) if isinstance(table, str | Path) else "runs table"
    runs, task, notes = choose_task(table, name, task, tuple(factors))
    notes += suspicions(runs, factors)
    merged = merge_repeats(runs, factors)
    if len(merged) < len(runs):
        notes.append(f"{len(runs)} runs are of {len(merged)} designs and training-set sizes: "
                     "repeats count once, by their mean.")  # fmt: skip
    every = (*FACTORS, *factors, TRAIN_EXAMPLES)
    held = {f: float(merged[f].iloc[0]) for f in every if merged[f].nunique() == 1}
    notes += [say_held(f, level) for f, level in held.items()]
    moved = tuple(f for f in (*FACTORS, *factors) if f not in held)
    by_table = own_cost and price is None and COST in merged
    if by_table:
        space: Space | Candidates = candidates_of(merged, factors)
        if lm_params or max_frames or max_tokens:
            raise RunsError(f"{name}: {OWN_COST}")
        notes.append("Costs are the table's own column cost_flops: designs that were run, and no "
                     "others, are chosen from.")  # fmt: skip
    else:
        source = read_source(name) if name in list_sources() else None
        price = price or _price_of(source)
        space = space_within(merged)
        if source and source.max_frames:  # whose own frontier chooses beyond its runs
            frames, tokens = (
                range(1, source.max_frames + 1),
                square_tokens(isqrt(source.max_tokens)),
            )
            space = replace(space, frames=tuple(frames), tokens_per_frame=tuple(tokens.tolist()))
        space = widen(space, lm_params, max_frames, max_tokens)
        notes += say_price(price, merged, [f for f in factors if f not in held])
        notes.append(say_space(space))
    return Prepared(
        runs=merged,
        checked=runs,
        name=name,
        task=task,
        further=tuple(factors),
        factors=moved,
        data=None if TRAIN_EXAMPLES in held else TRAIN_EXAMPLES,
        held=held,
        price=None if by_table else price,
        space=space,
        notes=tuple(notes),
    )


def _price_of(source: Source | None) -> Price:
    """Equation 1 with the encoder of a published sweep, or else with the paper's."""
    if source is None or source.tower_params is None:
        return Price()
    return Price("paper", VisionTower(source.tower_params, source.features_per_frame))


def candidates_of(runs: pd.DataFrame, factors: Sequence[str] = ()) -> Candidates:
    """The designs that were run, with the costs that the table gives them."""
    table = runs.groupby([*FACTORS, *factors], as_index=False)[COST].mean()
    return Candidates(table.drop(columns=COST), table[COST].to_numpy())


def price_options(
    cost: str | None = None,
    tower_params: float | None = None,
    features_per_frame: float | None = None,
) -> dict:
    """The arguments ``price`` and ``own_cost`` of :func:`prepare` that a user's words stand for.

    cost : None (the table's own costs if it has them, else Equation 1), "table", or a cost's name;
        a given encoder asks for Equation 1
    """
    named_tower = not (tower_params is None and features_per_frame is None)
    if cost == TABLE and named_tower:
        raise ValueError(
            "cost 'table' reads no encoder; drop --tower-params and --features-per-frame"
        )
    for name, value in {
        "tower_params": tower_params,
        "features_per_frame": features_per_frame,
    }.items():
        if value is not None and 0 < value < 1:
            raise ValueError(f"{name} is a count and must be at least 1, got {value:g}")
    if cost in (None, TABLE) and not named_tower:
        return {"price": None, "own_cost": True}
    tower = VisionTower(
        SOVIT_400M.params if tower_params is None else tower_params,
        SOVIT_400M.features_per_frame if features_per_frame is None else features_per_frame,
    )
    return {"price": Price(cost or "paper", tower), "own_cost": False}
