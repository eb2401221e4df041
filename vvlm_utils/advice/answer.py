"""One answer for a table: the model that its runs are fitted by, and the frontier asked of it.

The command line, a report and the chapters that take somebody's runs all come through here after
``prepare``, so that the same table, law and seed give the same designs, bands and votes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES, CostFunction
from vvlm_utils.frontier.elasticities import DATA_SIZES, STEP, elasticity
from vvlm_utils.frontier.solver import Question, Solution, solve
from vvlm_utils.frontier.space import prices
from vvlm_utils.laws.bagging import BaggedLaw, bag, hold_factors
from vvlm_utils.laws.forms import get_law, laws_over
from vvlm_utils.runs.prepared import Prepared
from vvlm_utils.runs.schema import RunsError
from vvlm_utils.runs.space import PAPER_SPACE, Candidates, Space

PREFERRED = ("add-interact", "add-interact-s", "add", "mult")  # when no law is named
DEFAULT_RESAMPLES = 100


def default_resampling(prepared: Prepared) -> str:
    """Whole designs where one has several n or sweeps; else the rows, which are designs then.

    Rows of one design share what the law misses there, so resampled rows vary too little.
    """
    several = prepared.runs.duplicated([*FACTORS, *prepared.further]).any()
    return "designs" if several else "rows"


def default_law(prepared: Prepared) -> str:
    """The law to take when none is named: the first of ``PREFERRED`` that the runs can decide.

    Raises RunsError where none has so few parameters, or where no factor moved.
    """
    laws = laws_over(prepared.factors, prepared.data) if prepared.factors else {}
    if not laws:
        raise RunsError(
            f"{prepared.name}: no factor of the design moves, so no law of it can be fitted; add "
            "runs of other designs"
        )
    rows = len(prepared.runs)
    sizes = {name: len(laws[name].parameters) for name in PREFERRED if name in laws}
    fits = [name for name, size in sizes.items() if size <= rows]
    if not fits:
        least = min(sizes, key=sizes.get)
        raise RunsError(
            f"{prepared.name}: {rows} designs are too few for a law: the smallest, {least}, has "
            f"{sizes[least]} parameters; add runs"
        )
    return fits[0]


def fit_model(
    prepared: Prepared,
    law: str | None = None,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    resampling: str | None = None,
    seed: int = 0,
    progress: bool = False,
) -> BaggedLaw:
    """The bag of a prepared table: what ``vvlm fit`` writes and every answer is read off.

    law : a law's name; None takes :func:`default_law`
    resampling : one of ``RESAMPLING``; None takes :func:`default_resampling`
    Raises RunsError when no factor moved, FitError when the runs cannot decide the law.
    """
    chosen = get_law(law or default_law(prepared), prepared.factors, prepared.data)
    return bag(
        chosen,
        prepared.runs,
        rng=np.random.default_rng(seed),
        resamples=resamples,
        resampling=resampling or default_resampling(prepared),
        progress=progress,
    )


def ask(
    model: BaggedLaw,
    prepared: Prepared,
    budgets: Iterable[float],
    train_examples: float,
    at: Mapping[str, float] | None = None,
) -> Solution:
    """The frontier of a prepared table at ``budgets`` (FLOPs per video) and n.

    at : level of every further factor that the law reads; it is held there
    """
    levels = {f: v for f, v in (at or {}).items() if f in model.law.factors}
    held = hold_factors(model, levels) if levels else model
    space = prepared.at(at or {}).space
    price = {} if prepared.price is None else {"cost": prepared.price}
    return solve(held, Question(tuple(budgets), train_examples, space, **price))


def move_with_data(
    model: BaggedLaw,
    prepared: Prepared,
    at: Mapping[str, float] | None = None,
    level: float = 0.8,
    as_paper: bool = True,
) -> tuple[pd.DataFrame, str]:
    """How the best design moves with n (Eq. 9 to 11), and a sentence that says what was asked.

    as_paper : for the paper's runs, ask over the paper's own sizes, budgets and n; every other
        table is asked within its runs: n + dn never passes the largest n
    Raises RunsError where n never moved.
    """
    if prepared.data is None:
        raise RunsError(
            f"{prepared.name}: the training examples never moved, so nothing tells how the best "
            "design moves with them; add runs at another n"
        )
    levels = {f: v for f, v in (at or {}).items() if f in model.law.factors}
    held = hold_factors(model, levels) if levels else model
    most = float(prepared.runs[TRAIN_EXAMPLES].max())
    if as_paper and prepared.name == "paper":
        said = (
            f"asked up to {DATA_SIZES[-1] + STEP:g} examples and "
            f"{PAPER_SPACE.lm_params[-1]:g} LM parameters; the runs end at {most:.4g} and "
            f"{prepared.runs['lm_params'].max():.4g}"
        )
        return elasticity(held, PAPER_SPACE, level=level), said
    space, flops = prepared.at(at or {}).space, prepared.cost_flops
    price = {} if prepared.price is None else {"cost": prepared.price}
    budgets = within(space, Question(flops.max(), most, space, **price).cost, flops)
    grid = elasticity_grid(prepared.runs)
    table = elasticity(held, space, budgets=budgets, level=level, **price, **grid)
    return table, f"asked within the runs, up to {most:.4g} examples"


def within(space: Space | Candidates, cost: CostFunction, flops: np.ndarray) -> np.ndarray:
    """Forty budgets from the cheapest to the costliest run that the space can spend, FLOPs."""
    least = prices(space, cost).min()
    return np.geomspace(max(flops.min(), least), max(flops.max(), least), 40)


def elasticity_grid(runs: pd.DataFrame) -> dict:
    """Data sizes and step for an elasticity that never leaves the runs: n + dn is at most max n."""
    low, high = float(runs[TRAIN_EXAMPLES].min()), float(runs[TRAIN_EXAMPLES].max())
    step = (high - low) / 2
    return {"train_examples": np.linspace(low, high - step, 6), "step": step, "form": "arc"}


def records(solution: Solution, level: float = 0.8, epsilon: float = 0.1) -> list[dict]:
    """The frontier as plain records, one per budget; ``votes`` maps LM sizes to shares."""
    table = solution.table(level, epsilon)
    votes = solution.votes()
    rows = table.drop(columns="train_examples").to_dict("records")
    shares = [
        {f"{size:.10g}": float(share) for size, share in row.items() if share}
        for row in votes.to_dict("records")
    ]
    plain = [{k: v.item() if isinstance(v, np.generic) else v for k, v in r.items()} for r in rows]
    return [row | {"votes": share} for row, share in zip(plain, shares, strict=True)]


def default_epsilon(prepared: Prepared) -> float:
    """Error that counts as no difference: 0.1 points, or as small a share of another scale."""
    return 0.1 if prepared.unit == "points" else 0.002 * float(prepared.runs["error"].median())


def say_examples(prepared: Prepared, train_examples: float) -> list[str]:
    """A sentence where the n asked for is not the one n of the runs."""
    level = prepared.held.get(TRAIN_EXAMPLES)
    if level is None or np.isclose(level, train_examples):
        return []
    return [f"asked at {train_examples:g} examples, answered at the runs' only n, {level:g}"]
