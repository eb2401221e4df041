"""One answer for a table: the model that its runs are fitted by, and the frontier asked of it.

The command line, a report and the chapters that take somebody's runs all come through here after
``prepare``, so that the same table, law and seed give the same designs, bands and votes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import TRAIN_EXAMPLES, CostFunction
from vvlm_utils.frontier.elasticities import DATA_SIZES, STEP, elasticity
from vvlm_utils.frontier.solver import Question, Solution, solve
from vvlm_utils.frontier.space import affordable, parts_of, prices
from vvlm_utils.laws.bagging import bag, hold_factors
from vvlm_utils.laws.forms import get_law
from vvlm_utils.laws.law import Law
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior
from vvlm_utils.laws.protocols import Model
from vvlm_utils.laws.recommendation import MEMBERS, recommended
from vvlm_utils.runs.prepared import Prepared
from vvlm_utils.runs.schema import RunsError
from vvlm_utils.runs.space import PAPER_SPACE, Candidates, Space
from vvlm_utils.text import say_level

METHODS = ("penalised", "paper")
PAPER_LAW, PAPER_RESAMPLES = "add-interact", 100


def fit_model(
    prepared: Prepared,
    law: str | None = None,
    *,
    method: str = "penalised",
    resamples: int | None = None,
    resampling: str | None = None,
    search: str = "warm",
    prior: Prior | None = None,
    seed: int | np.random.Generator = 0,
    progress: bool = False,
) -> Model:
    """The model of a prepared table: what ``vvlm fit`` writes and every answer is read off.

    Parameters
    ----------
    prepared
        The table, as :func:`vvlm_utils.prepare` gives it.
    law
        A law's name; None takes the recommended mix of laws.
    method
        "penalised", with priors and whole designs resampled, or "paper": the paper's own procedure
        word for word, add-interact where no law is named, rows resampled.
    resamples
        Members in all; 300 of the mix, or else 100, where none is given.
    resampling
        How to resample for a named law or the paper's method; one of ``RESAMPLING``.
    search
        How the bag of the paper's method is searched: "warm", "quick" or "cold"; penalised fits
        start from the prior and do not read it.
    prior
        Of the penalised fits, in place of the recommended one.
    seed
        Of the generator of resamples, starts and prior means, or the generator itself.
    progress
        Whether a slow search shows a bar.

    Returns
    -------
    BaggedLaw or MixedLaws
        What :func:`vvlm_utils.ask` and :func:`vvlm_utils.plan_runs` take.

    Raises
    ------
    RunsError
        No factor moved.
    FitError
        The runs cannot decide the law.
    ValueError
        A method, law, resampling or search that is none of those there are; a prior for the
        paper's method, which has none.

    Notes
    -----
    The paper's procedure is that of Wang et al. (ACL 2025); why the mix is recommended in its
    place is in the lab log.

    Examples
    --------
    >>> from vvlm_utils import prepare
    >>> fit_model(prepare("paper"), "add", resamples=3).law.name
    'add'
    """
    chosen = choose_law(prepared, law, method, resampling, prior)
    rng, paper = np.random.default_rng(seed), method == "paper"
    if chosen is None:
        members = MEMBERS if resamples is None else resamples
        return recommended(prepared.runs, prepared.factors, prepared.data, rng, members, prior)
    return bag(
        chosen,
        prepared.runs,
        FitOptions() if paper else FitOptions(prior=prior or Prior()),
        rng=rng,
        resamples=PAPER_RESAMPLES if resamples is None else resamples,
        resampling=resampling or ("rows" if paper else "designs"),
        search=search,
        progress=progress,
    )


def choose_law(
    prepared: Prepared,
    law: str | None,
    method: str,
    resampling: str | None,
    prior: Prior | None = None,
) -> Law | None:
    """The law that ``fit_model`` fits, or None for the recommended mix; refuses as it does."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if method == "paper" and prior:
        raise ValueError("the paper's method has no prior; drop one of the two")
    if not prepared.factors:
        raise RunsError(
            f"{prepared.name}: no factor of the design moves, so no law of it can be fitted; add "
            "runs of other designs"
        )
    if law is None and method != "paper":
        if resampling:
            raise ValueError("the recommended mix resamples designs; name a law to resample else")
        return None
    return get_law(PAPER_LAW if law is None else law, prepared.factors, prepared.data)


def laws_of(model: Model) -> tuple[Law, ...]:
    """The law of a bag, or the laws of a mix."""
    return tuple(part.law for part in parts_of(model))


def at_levels(model: Model, at: Mapping[str, float] | None) -> Model:
    """The model with its further factors held at ``at``; levels that no law reads are left out."""
    known = {f for law in laws_of(model) for f in law.factors}
    levels = {f: v for f, v in (at or {}).items() if f in known}
    if not levels:
        return model
    return model.hold_factors(levels) if len(laws_of(model)) > 1 else hold_factors(model, levels)


def ask(
    model: Model,
    prepared: Prepared,
    budgets: Iterable[float],
    train_examples: float,
    at: Mapping[str, float] | None = None,
) -> Solution:
    """The frontier of a prepared table: the best designs at some budgets and one n.

    Parameters
    ----------
    model
        What :func:`vvlm_utils.fit_model` made of the table.
    prepared
        The table, which knows the price of a design and the designs to choose from.
    budgets
        FLOPs per video.
    train_examples
        Finetuning examples, n.
    at
        Level of every further factor that the law reads; it is held there.

    Returns
    -------
    Solution
        The answer: ``table()``, ``votes()``, ``near()`` and more.

    Raises
    ------
    RunsError
        No run has these levels.
    ValueError
        A budget buys no design, or n or a level is no positive number.

    Notes
    -----
    Equation 4 of Wang et al. (ACL 2025) for the model and for each of its members.

    Examples
    --------
    >>> from vvlm_utils import prepare
    >>> prepared = prepare("paper")
    >>> model = fit_model(prepared, "add", resamples=3)
    >>> table = ask(model, prepared, [20e12], 1e6).table()
    >>> bool((table["cost_flops"] <= table["budget_flops"]).all())
    True
    """
    space = prepared.at(at or {}).space
    price = {} if prepared.price is None else {"cost": prepared.price}
    return solve(at_levels(model, at), Question(tuple(budgets), train_examples, space, **price))


def check_question(
    prepared: Prepared, budgets: Iterable[float], train_examples: float | None = None
) -> None:
    """Refuse budgets and an n that ``ask`` would refuse, before a model is fitted for them."""
    price = {} if prepared.price is None else {"cost": prepared.price}
    budgets = tuple(budgets) or (prepared.cost_flops.max(),)
    n = float(prepared.runs[TRAIN_EXAMPLES].max()) if train_examples is None else train_examples
    asked = Question(budgets, n, prepared.space, **price)
    affordable(asked.space, asked.cost, asked.budgets)


def move_with_data(
    model: Model,
    prepared: Prepared,
    at: Mapping[str, float] | None = None,
    level: float = 0.8,
    as_paper: bool = True,
) -> tuple[pd.DataFrame, str]:
    """How the best design moves with n (Eq. 9 to 11), and a sentence that says what was asked.

    as_paper : for the paper's runs, ask over the paper's own sizes, budgets and n, and give the
        bag's own elasticity; every other table is asked within its runs, where n + dn never passes
        the largest n, and gives the median member's, which lies in its interval
    Raises RunsError where n never moved.
    """
    if prepared.data is None:
        raise RunsError(
            f"{prepared.name}: the training examples never moved, so nothing tells how the best "
            "design moves with them; add runs at another n"
        )
    held = at_levels(model, at)
    most = float(prepared.runs[TRAIN_EXAMPLES].max())
    if as_paper and prepared.name == "paper":
        said = (
            f"asked up to {say_level(DATA_SIZES[-1] + STEP)} examples and LMs of "
            f"{say_level(PAPER_SPACE.lm_params[-1])}; the runs end at {say_level(most)} and "
            f"{say_level(prepared.runs['lm_params'].max())}"
        )
        return elasticity(held, PAPER_SPACE, level=level), said
    space, flops = prepared.at(at or {}).space, prepared.cost_flops
    price = {} if prepared.price is None else {"cost": prepared.price}
    budgets = within(space, Question(flops.max(), most, space, **price).cost, flops)
    grid = elasticity_grid(prepared.runs)
    grid |= {"budgets": budgets, "middle": "members"}
    table = elasticity(held, space, level=level, **price, **grid)
    return table, f"asked within the runs, up to {say_level(most)} examples"


def within(space: Space | Candidates, cost: CostFunction, flops: np.ndarray) -> np.ndarray:
    """Forty budgets from the cheapest to the costliest run that the space can spend, FLOPs."""
    least = prices(space, cost).min()
    return np.geomspace(max(flops.min(), least), max(flops.max(), least), 40)


def elasticity_grid(runs: pd.DataFrame) -> dict:
    """Data sizes and step for an elasticity that never leaves the runs: n + dn is at most max n."""
    low, high = float(runs[TRAIN_EXAMPLES].min()), float(runs[TRAIN_EXAMPLES].max())
    step = (high - low) / 2
    return {"train_examples": np.linspace(low, high - step, 6), "step": step, "form": "arc"}


def records(
    solution: Solution,
    level: float = 0.8,
    epsilon: float = 0.1,
    kind: str = "law",
    most: float = np.inf,
) -> list[dict]:
    """The frontier as plain records, one per budget; ``votes`` maps LM sizes to shares.

    most : the largest error there can be, see ``Prepared.most_error``
    """
    table = solution.table(level, epsilon, kind)
    votes = solution.votes()
    rows = table.drop(columns="train_examples").to_dict("records")
    shares = [
        {f"{size:.10g}": float(share) for size, share in row.items() if share}
        for row in votes.to_dict("records")
    ]
    rows = [r | {k: min(r[k], most) for k in ("error", "error_low", "error_high")} for r in rows]
    plain = [{k: v.item() if isinstance(v, np.generic) else v for k, v in r.items()} for r in rows]
    return [row | {"votes": share} for row, share in zip(plain, shares, strict=True)]


def default_epsilon(model: Model, prepared: Prepared) -> float:
    """Error that counts as no difference: the noise of one run, in the table's own unit.

    A difference below what a repeated run would show is a tie. Without a known noise, 0.2% of the
    median error.
    """
    noise = getattr(model, "noise", np.nan)
    share = noise if np.isfinite(noise) else 0.002
    return float(share * prepared.runs["error"].median())


def say_examples(prepared: Prepared, train_examples: float) -> list[str]:
    """A sentence where the n asked for is not the one n of the runs."""
    level = prepared.held.get(TRAIN_EXAMPLES)
    if level is None or np.isclose(level, train_examples):
        return []
    return [f"asked at {train_examples:g} examples, answered at the runs' only n, {level:g}"]
