"""How the best design moves when there is more data to finetune on.

e_k(c, n) is the per cent by which the best x_k moves when n grows by one per cent (Eq. 5, 8), here
by a finite step dn:

    forward   (x*(c; n + dn) - x*(c; n)) / dn * n / x*(c; n)     (Eq. 9, with its second term)
    arc       ln(x*(c; n + dn) / x*(c; n)) / ln((n + dn) / n)

averaged over budgets and data sizes (Eq. 10, 11). On a coarse grid the first counts a step up for
more than the same step down (from 1 to 4 is +300%, back is -75%); the second does not.

All members of a bag walk the designs together, cheapest first, once for each n, in compiled code;
a frontier is kept, since n + dn is often another n of the grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numba
import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES, CostFunction, paper_flops
from vvlm_utils.frontier.solver import running_best
from vvlm_utils.frontier.space import (
    FactorTables,
    affordable,
    factor_tables,
    has_tables,
    parts_of,
    space_errors,
)
from vvlm_utils.laws.bagging import as_bag
from vvlm_utils.laws.fitting import LawFit
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.space import PAPER_SPACE, Candidates, Space

ELASTICITY_FORMS = ("forward", "arc")
MIDDLES = ("bag", "members")
DATA_SIZES, STEP = np.linspace(1e6, 10e6, 100), 5e6  # the paper's n and dn


@numba.njit(cache=True, nogil=True)
def _walk_designs(index, last, sums, first, second, third, root, floor, is_median, picks):
    """Fill ``picks`` (1 + members, budgets): the best position so far, the bag's in row 0.

    index (designs, 3): rows of the tables, cheapest design first; last (budgets,) ascending;
    sums: three tables (values, members); first, second, third (products, values, members);
    root, floor (members,) as in ``FactorTables``.
    """
    over_lm, over_frames, over_tokens = sums
    members = over_lm.shape[1]
    error, least = np.empty(members), np.full(members, np.inf)
    position = np.zeros(1 + members, dtype=np.int64)
    bag_least, budget = np.inf, 0
    for i in range(index.shape[0]):
        a, b, c = index[i]
        for m in range(members):
            error[m] = over_lm[a, m] + over_frames[b, m] + over_tokens[c, m]
        for j in range(first.shape[0]):
            for m in range(members):
                error[m] += first[j, a, m] * second[j, b, m] * third[j, c, m]
        for m in range(members):
            if root[m] != 1.0:
                error[m] = error[m] ** root[m] + floor[m]
        below = 0
        for m in range(members):
            below += error[m] < bag_least
            if error[m] < least[m]:
                least[m] = error[m]
                position[1 + m] = i
        # A median can only be a new minimum when half of the members lie below the old one.
        if not is_median or 2 * below >= members:
            value = np.median(error) if is_median else error.mean()
            if value < bag_least:
                bag_least, position[0] = value, i
        while budget < last.size and last[budget] == i:
            picks[:, budget] = position
            budget += 1


class Paths:
    """Frontiers of a bag at many data sizes over one space, cost and set of budgets.

    A grid of designs under a law of power terms is walked in compiled code; listed designs, and
    any other model, are solved from the errors of all designs.

    Calling it with n gives the designs' positions, (1 + members, budgets), row 0 being the bag's
    own; ``logs`` (factors, designs) and ``values`` turn a position into a design.
    """

    def __init__(
        self,
        model: Model | LawFit,
        space: Space | Candidates,
        cost: CostFunction,
        budgets: Iterable[float],
    ):
        self.bagged, self.space = as_bag(model), space
        laws = [getattr(part, "law", None) for part in parts_of(self.bagged)]
        if not any(TRAIN_EXAMPLES in law.factors for law in laws if law is not None):
            raise ValueError(
                "the training examples never moved in these runs, so nothing tells how the best "
                "design moves with them; add runs at another n"
            )
        self.budgets = np.sort(np.atleast_1d(np.asarray(budgets, dtype=float)))
        self.buys = affordable(space, cost, self.budgets)
        self._walks = has_tables(self.bagged, space)
        self.values = self.buys.designs[list(FACTORS)].to_numpy().T.copy()
        self._kept: dict[float, np.ndarray] = {}

    def __call__(self, train_examples: float) -> np.ndarray:
        key = round(float(train_examples), 3)
        if key not in self._kept:
            solve = self._walk if self._walks else self._look_everywhere
            self._kept[key] = solve(train_examples)
        return self._kept[key]

    @cached_property
    def _index(self) -> np.ndarray:
        """Rows of the factor tables for every design, cheapest first, (designs, 3)."""
        index = np.unravel_index(self.buys.order, self.space.shape)
        return np.stack(index, axis=1).astype(np.int32)

    def _look_everywhere(self, train_examples: float) -> np.ndarray:
        members = space_errors(self.bagged, self.space, train_examples)[:, self.buys.order]
        bag = getattr(np, self.bagged.aggregate)(members, axis=0)
        return np.vstack([running_best(errors, self.buys.last) for errors in (bag, members)])

    def _walk(self, train_examples: float) -> np.ndarray:
        tables: FactorTables = factor_tables(self.bagged, self.space, train_examples)
        sums = tuple(np.ascontiguousarray(t.T) for t in tables.sums)
        members = sums[0].shape[1]
        products = [
            np.array([p[axis].T for p in tables.products]).reshape(-1, size, members)
            for axis, size in enumerate(self.space.shape)
        ]
        picks = np.empty((1 + members, self.budgets.size), dtype=np.int32)
        is_median = self.bagged.aggregate == "median"
        _walk_designs(
            self._index,
            self.buys.last,
            sums,
            *products,
            tables.root,
            tables.floor,
            is_median,
            picks,
        )
        return picks

    def elasticity(self, train_examples: float, step: float, form: str = "forward") -> np.ndarray:
        """Eq. 10 at one n: mean over budgets, shape (factors, 1 + members)."""
        n = train_examples
        here, there = self(n), self(n + step)
        means = []
        for values in self.values:
            ratio = values[there] / values[here]
            e = (ratio - 1) * n / step if form == "forward" else np.log(ratio) / np.log1p(step / n)
            means.append(e.mean(axis=-1))
        return np.array(means)


def _check(step: float, form: str, level: float) -> None:
    if form not in ELASTICITY_FORMS:
        raise ValueError(f"form must be 'forward' or 'arc', got {form!r}")
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step must be a positive number of examples, got {step}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")


def summarise(mean: np.ndarray, level: float = 0.8, middle: str = "bag") -> pd.DataFrame:
    """Rows of factors: a value, and the members' interval. mean (factors, 1 + members).

    middle : "bag", the elasticity of the bag's own frontier; "members", the median member's
    """
    low, median, high = np.quantile(mean[:, 1:], [(1 - level) / 2, 0.5, (1 + level) / 2], axis=1)
    value = median if middle == "members" else mean[:, 0]
    return pd.DataFrame({"value": value, "low": low, "high": high}, index=list(FACTORS))


def elasticity(
    model: Model | LawFit,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
    budgets: Iterable[float] | None = None,
    train_examples: Iterable[float] | None = None,
    step: float = STEP,
    form: str = "forward",
    level: float = 0.8,
    middle: str = "bag",
) -> pd.DataFrame:
    """How the best design moves with data: per cent of x for one per cent of n.

    Parameters
    ----------
    model
        A bag, a mix or a single fit of laws that read n.
    space
        The designs to choose from.
    cost
        Price of a design, FLOPs per video.
    budgets
        FLOPs per video; the paper's 300 on 1 to 100 TFLOPs where none are given.
    train_examples
        Data sizes n; the paper's 100 on 1 to 10 million where none are given.
    step
        What n grows by, dn, in examples.
    form
        "forward", the paper's, or "arc", which a coarse grid of designs does not bias.
    level
        The share of the members that the interval holds.
    middle
        "bag": the value follows the aggregated prediction (the paper's rule); "members": it is the
        median of the members' own elasticities, which moves less from bag to bag.

    Returns
    -------
    DataFrame
        One row per factor (LM size, frames, tokens per frame); columns value, low, high.

    Raises
    ------
    ValueError
        The laws read no n, or a form, level, step or middle that cannot be.

    Notes
    -----
    Equations 9 to 11 of Wang et al. (ACL 2025): a mean over budgets, then over data sizes.

    Examples
    --------
    >>> from vvlm_utils import bag, get_law, load_runs
    >>> law, rng = get_law("add"), np.random.default_rng(0)
    >>> model = bag(law, load_runs("paper"), rng=rng, resamples=3)
    >>> asked = {"budgets": [10e12, 30e12], "train_examples": [1e6]}
    >>> elasticity(model, Space(lm_params=(1e9, 7.5e9)), **asked)["value"].tolist()  # no mixed term
    [0.0, 0.0, 0.0]
    """
    _check(step, form, level)
    if middle not in MIDDLES:
        raise ValueError(f"middle must be 'bag' or 'members', got {middle!r}")
    budgets = np.linspace(1e12, 100e12, 300) if budgets is None else budgets
    sizes = DATA_SIZES if train_examples is None else train_examples
    sizes = np.atleast_1d(np.asarray(sizes, dtype=float))
    paths = Paths(model, space, cost, budgets)
    mean = np.mean([paths.elasticity(n, step, form) for n in sizes], axis=0)
    return summarise(mean, level, middle)


TABLE_10: dict[str, dict[str, float]] = (
    {f"budgets={k}": {"budgets": k} for k in (1, 10, 50, 100, 200, 300)}
    | {f"data_sizes={k}": {"data_sizes": k} for k in (1, 10, 20, 50, 100)}
    | {f"max_data_size={k}": {"max_data_size": k * 1e6} for k in (1, 2, 4, 6, 8, 10)}
    | {f"step={k:g}": {"step": k * 1e6} for k in (0.1, 0.5, *range(1, 11))}
)
"""Every row of Table 10: what differs from its main row, in examples where it is a data size."""


def elasticity_table(
    model: Model | LawFit,
    rows: Mapping[str, Mapping[str, float]] = TABLE_10,
    space: Space | Candidates = PAPER_SPACE,
    cost: CostFunction = paper_flops,
    form: str = "forward",
    level: float = 0.8,
    middle: str = "bag",
) -> pd.DataFrame:
    """Elasticities under many settings: index (row, factor), columns value, low, high.

    Rows with the same budgets share their frontiers, so all of Table 10 takes little more than
    its data sizes.

    middle : as in :func:`summarise`
    """
    main = {"budgets": 300, "data_sizes": 100, "max_data_size": 10e6, "step": 5e6}
    found, paths = {}, {}
    for name, changed in rows.items():
        unknown = sorted(set(changed) - set(main))
        if unknown:
            raise ValueError(f"row {name!r} sets {unknown}; it may set {', '.join(main)}")
        s = main | dict(changed)
        _check(s["step"], form, level)
        count = int(s["budgets"])
        if count not in paths:
            paths[count] = Paths(model, space, cost, np.linspace(1e12, 100e12, count))
        sizes = np.linspace(1e6, s["max_data_size"], int(s["data_sizes"]))
        each = [paths[count].elasticity(n, s["step"], form) for n in np.unique(sizes)]
        found[name] = summarise(np.mean(each, axis=0), level, middle)
    return pd.concat(found, names=["row", "factor"])


SETTINGS = {
    "budgets": "budgets",
    "data_sizes": "data sizes",
    "max_data_size": "largest size (M)",
    "step": "step (M)",
}
"""What a row of Table 10 varies, in words."""


def split_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Split the names of the rows of Table 10 into columns: setting, in words, and x, its value.

    table : indexed by row and factor, as :func:`elasticity_table` returns

    >>> index = pd.MultiIndex.from_tuples([("step=0.5", "frames")], names=["row", "factor"])
    >>> split_rows(pd.DataFrame({"value": [1.0]}, index=index))["setting"].tolist()
    ['step (M)']
    """
    table = table.reset_index()
    names = table["row"].str.split("=", expand=True)
    return table.assign(setting=names[0].map(SETTINGS), x=names[1].astype(float))
