"""A model's error on every design of a space, and which designs a budget buys.

A term that involves one factor of the space is a table over that factor's values; only a term that
multiplies several is spread over the whole space. So thousands of designs cost a few hundred
powers per member. A p-norm is a sum of such tables too, of its terms' p-th powers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, LIMIT, TRAIN_EXAMPLES, CostFunction
from vvlm_utils.laws.bagging import BaggedLaw
from vvlm_utils.laws.law import Law
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.space import Candidates, Space


@dataclass(frozen=True)
class FactorTables:
    """A model's errors over a space as tables over single factors, n folded in.

    An error is ``(sum of tables + products) ** root + floor``.

    sums : a table (members, values) for each factor; they add up
    products : for each term that multiplies several factors, such tables to multiply
    root : (members,), 1 in a sum and 1 / p in a p-norm
    floor : (members,), added outside a p-norm
    """

    sums: tuple[np.ndarray, ...]
    products: tuple[tuple[np.ndarray, ...], ...]
    root: np.ndarray
    floor: np.ndarray


MOST_EXAMPLES = 1e12


def check_examples(train_examples: float) -> None:
    """Refuse a number of training examples that nobody can have."""
    if not 1 <= train_examples <= MOST_EXAMPLES:
        raise ValueError(f"train_examples must be a number from 1 to {MOST_EXAMPLES:g}, got "
                         f"{train_examples:g}")  # fmt: skip


def parts_of(model: Model) -> tuple[Model, ...]:
    """The bags of a mix; any other model alone."""
    return getattr(model, "parts", (model,))


def has_tables(model: Model, space: Space | Candidates) -> bool:
    """Say whether tables over single factors give a model's errors: powers, on a grid."""
    laws = (getattr(part, "law", None) for part in parts_of(model))
    return isinstance(space, Space) and all(isinstance(law, Law) for law in laws)


def factor_tables(model: Model, space: Space, train_examples: float) -> FactorTables:
    """Evaluate every term of a model, or of a mix's, on the values of the factors it involves."""
    tables = [_tables_of(part, space, train_examples) for part in parts_of(model)]
    if len(tables) == 1:
        return tables[0]
    most = max(len(t.products) for t in tables)
    none = [tuple(np.zeros_like(axis) for axis in t.sums) for t in tables]
    padded = [
        (*t.products, *[zero] * (most - len(t.products)))
        for t, zero in zip(tables, none, strict=True)
    ]

    def join(each: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
        return tuple(np.concatenate(axis) for axis in zip(*each, strict=True))

    return FactorTables(
        join([t.sums for t in tables]),
        tuple(join([p[k] for p in padded]) for k in range(most)),
        np.concatenate([t.root for t in tables]),
        np.concatenate([t.floor for t in tables]),
    )


def _tables_of(bagged: BaggedLaw, space: Space, train_examples: float) -> FactorTables:
    check_examples(train_examples)
    law, units, theta = bagged.law, bagged.options.units, bagged.members
    further = [f for f in law.factors if f not in (*FACTORS, TRAIN_EXAMPLES)]
    if further:
        raise ValueError(f"the law also reads {', '.join(further)}; hold it at a level "
                         f"(--at {further[0]}=VALUE), as a space has no axis for it")  # fmt: skip
    p = np.exp(theta[:, -1:]) if law.norm else np.ones((len(theta), 1))
    powers = law.term_powers(theta)
    log_z = {f: np.log(np.array(getattr(space, f)) / units.get(f, 1.0)) for f in FACTORS}
    log_z[TRAIN_EXAMPLES] = np.log([train_examples / units.get(TRAIN_EXAMPLES, 1.0)])
    sums = tuple(np.zeros((len(theta), size)) for size in space.shape)
    products, floor = [], np.zeros(len(theta))
    for j, term in enumerate(law.terms):
        involved = {power.factor for power in term.powers}
        if law.norm and term.apart and not involved:
            floor += theta[:, j]
            continue
        places = {f: law.factors.index(f) for f in involved}
        curves = {f: np.exp(p * powers[:, j, [k]] * log_z[f]) for f, k in places.items()}
        share = theta[:, [j]] ** p * curves.pop(TRAIN_EXAMPLES, 1.0)
        if len(curves) <= 1:
            factor, curve = next(iter(curves.items()), (FACTORS[0], 1.0))
            sums[FACTORS.index(factor)][:] += share * curve
        else:
            ones = (np.ones((len(theta), size)) for size in space.shape)
            full = [curves.get(f, one) for f, one in zip(FACTORS, ones, strict=True)]
            products.append((share * full[0], full[1], full[2]))
    return FactorTables(sums, tuple(products), 1 / p[:, 0], floor)


def space_errors(model: Model, space: Space | Candidates, train_examples: float) -> np.ndarray:
    """Every member's error on every design, points, shape (members, designs)."""
    check_examples(train_examples)
    if not has_tables(model, space):
        return model.predict_members(space.designs.assign(train_examples=float(train_examples)))
    tables = factor_tables(model, space, train_examples)
    over_lm, over_frames, over_tokens = tables.sums
    errors = over_lm[:, :, None, None] + over_frames[:, None, :, None] + over_tokens[:, None, None]
    for a, b, c in tables.products:
        errors += a[:, :, None, None] * b[:, None, :, None] * c[:, None, None]
    errors = errors.reshape(len(over_lm), -1)
    if (bent := tables.root != 1).any():
        errors[bent] **= tables.root[bent, None]
        errors += tables.floor[:, None]
    return errors


@dataclass(frozen=True)
class Affordable:
    """The designs that the largest budget buys, cheapest first.

    Attributes
    ----------
    designs
        One row per design.
    order
        Their positions in ``Space.designs``, shape (designs,).
    cost_flops
        FLOPs per video, shape (designs,).
    last
        The last design that each budget still buys, shape (budgets,).
    """

    designs: pd.DataFrame
    order: np.ndarray
    cost_flops: np.ndarray
    last: np.ndarray


def prices(space: Space | Candidates, cost: CostFunction) -> np.ndarray:
    """FLOPs per video of every design of a space, in its order; candidates bring their own."""
    if isinstance(space, Candidates):
        return np.asarray(space.cost_flops, dtype=float)
    return np.asarray(cost(*(space.designs[f].to_numpy() for f in FACTORS)), dtype=float)


def affordable(
    space: Space | Candidates, cost: CostFunction, budgets: Iterable[float]
) -> Affordable:
    """Price a space and sort it; among equals in cost the order of ``Space.designs`` holds.

    Candidates bring their own cost, and ``cost`` is not asked.
    """
    budgets = np.atleast_1d(np.asarray(budgets, dtype=float))
    bad = budgets[~(np.isfinite(budgets) & (budgets > 0))]
    if bad.size:
        raise ValueError(f"a budget must be a positive number of FLOPs, got {bad[0]:g}")
    if (budgets >= LIMIT).any():
        raise ValueError(f"a budget must be below {LIMIT:g} FLOPs ({LIMIT / 1e12:,.0f} TFLOPs) "
                         f"per video, got {budgets.max():g}")  # fmt: skip
    flops = prices(space, cost)
    if not np.isfinite(flops).all():
        raise ValueError(f"a cost must be finite FLOPs on every design, got {flops.max():g}")
    for budget in budgets:
        if not budget >= flops.min():
            raise ValueError(
                f"a budget of {budget:.4g} FLOPs buys no design: the cheapest costs "
                f"{flops.min():.4g}; raise the budget or allow smaller designs"
            )
    bought = np.flatnonzero(flops <= budgets.max())
    order = bought[np.argsort(flops[bought], kind="stable")]
    last = np.searchsorted(flops[order], budgets, side="right") - 1
    return Affordable(space.designs.iloc[order].reset_index(drop=True), order, flops[order], last)
