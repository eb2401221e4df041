"""Do the stated bands contain the truth as often as they say?

Each simulated table (``studies/truths.py``) is bagged as the real runs are, and every stated band
is asked whether it holds the truth: the error of a design, the best design of a budget, and the
elasticities.

    held = score_table(truth, 0, 7, resampling="rows")    # one row a band: does it hold?
    live = coverage(study(truth, range(4)))               # a few tables, in seconds
    kept = load_coverage()                                # the committed study, as many columns

``coverage`` gives one row a question, resampling, kind of band and level; its docstring names the
columns. ``make coverage`` (``benchmarks/coverage.py``) is the long study behind the kept table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from tqdm import tqdm

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES, paper_flops
from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.frontier.elasticities import Paths
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import BANDS, BaggedLaw, as_bag
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.space import PAPER_SPACE, Space
from vvlm_utils.studies.truths import Truth, fit_model, simulate, table_rng

LEVELS = (0.8, 0.9, 0.95)
EPSILON = 0.1  # points, as in Solution.table
BEST = ("x_N", "x_T", "x_V")  # the best design, in the order of FACTORS
ELASTICITIES = ("e_N", "e_T", "e_V")
DESIGNS = pd.DataFrame(
    [
        ("inside", 7.5e9, 32, 196, 1e6),
        ("inside", 7.5e9, 12, 196, 0.25e6),
        ("inside", 2.8e9, 16, 49, 2e6),
        ("inside", 1e9, 32, 100, 2e6),
        ("inside", 7.5e9, 8, 25, 2e6),
        ("outside", 7.5e9, 32, 196, 10e6),
        ("outside", 14e9, 60, 36, 10e6),
        ("outside", 32e9, 44, 25, 1e6),
        ("outside", 72e9, 128, 196, 4e6),
    ],
    columns=["where", *FACTORS, TRAIN_EXAMPLES],
)
"""Where the band of the error is asked: inside the runs, and outside (the paper's frontier)."""


@dataclass(frozen=True)
class Frontier:
    """Where the band of the best design is asked: budgets in FLOPs, n, and the space."""

    where: str
    budgets: tuple[float, ...]
    train_examples: float
    space: Space


TRAINED = Space(
    lm_params=(1e9, 2.8e9, 7.5e9),
    frames=tuple(range(2, 41)),
    tokens_per_frame=tuple(k * k for k in range(1, 26)),
)
"""The designs that lie inside the runs, factor by factor."""

FRONTIERS = (
    Frontier("inside", (5e12, 15e12, 30e12), 0.5e6, TRAINED),
    Frontier("inside", (5e12, 15e12, 30e12), 2e6, TRAINED),
    Frontier("outside", (5e12, 30e12, 100e12), 2e6, PAPER_SPACE),
    Frontier("outside", (5e12, 30e12, 100e12), 10e6, PAPER_SPACE),
)
ELASTICITY = {
    "budgets": np.linspace(1e12, 100e12, 30),
    "train_examples": np.linspace(1e6, 10e6, 10),
    "step": 5e6,
}
"""Table 10's main row on a tenth of its budgets and data sizes."""


@dataclass
class Answers:
    """What a bag says to every question, and what is true.

    asked : rows of quantity, where, at; truth and value (the stated answer), (questions,)
    members : (members, questions), whose quantiles are the stated bands
    """

    asked: list[dict] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    members: list[np.ndarray] = field(default_factory=list)

    def add(self, quantity: str, where: str, at: str, truth, value, members) -> None:
        """One more question; ``members`` (members,)."""
        self.asked.append({"quantity": quantity, "where": where, "at": at})
        self.truth.append(float(truth))
        self.value.append(float(value))
        self.members.append(np.asarray(members, dtype=float))


def ask(truth: Truth, bagged: Model) -> Answers:
    """Put every question of the study to a bag.

    error : of each of ``DESIGNS``
    x_N, x_T, x_V : the best design of each budget of ``FRONTIERS``
    error at x* : the true error of the design that the bag chose there
    regret : what that design truly loses against the true best
    e_N, e_T, e_V : elasticities over the grid ``ELASTICITY``, forward difference
    """
    answers = Answers()
    numbers = truth.fit.predict(DESIGNS), bagged.predict(DESIGNS), bagged.predict_members(DESIGNS).T
    for design, *each in zip(DESIGNS.itertuples(index=False), *numbers, strict=True):
        at = f"({design.lm_params / 1e9:g}B, {design.frames}, {design.tokens_per_frame})"
        answers.add("error", design.where, f"{at} n={design.train_examples / 1e6:g}M", *each)
    for asked in FRONTIERS:
        _ask_frontier(answers, truth, bagged, asked)
    true, found = (_elasticities(model) for model in (as_bag(truth.fit), bagged))
    for name, *each in zip(ELASTICITIES, true[:, 0], found[:, 0], found[:, 1:], strict=True):
        answers.add(name, "outside", "Table 10 grid", *each)
    return answers


def _ask_frontier(answers: Answers, truth: Truth, bagged: Model, asked: Frontier) -> None:
    question = Question(asked.budgets, asked.train_examples, asked.space)
    true, solved = solve(truth.fit, question), solve(bagged, question)
    best, least = true.designs()[:, 0], true.errors()[0]
    found, own = solved.designs(), solved.errors()
    for i, budget in enumerate(asked.budgets):
        at = f"{budget / 1e12:g} TFLOPs n={asked.train_examples / 1e6:g}M"
        chosen = pd.DataFrame(found[:, 0, i][None], columns=list(FACTORS))
        chosen[TRAIN_EXAMPLES] = asked.train_examples
        reached, members = truth.fit.predict(chosen)[0], bagged.predict_members(chosen)[:, 0]
        for k, name in enumerate(BEST):
            answers.add(name, asked.where, at, best[k, i], found[k, 0, i], found[k, 1:, i])
        answers.add("error at x*", asked.where, at, reached, own[0, i], members)
        regret = members - own[1:, i]
        answers.add("regret", asked.where, at, reached - least[i], np.median(regret), regret)


def _elasticities(bagged: Model) -> np.ndarray:
    """Eq. 11 over the study's grid, shape (factors, 1 + members)."""
    paths = Paths(bagged, PAPER_SPACE, paper_flops, ELASTICITY["budgets"])
    step = ELASTICITY["step"]
    return np.mean([paths.elasticity(n, step) for n in ELASTICITY["train_examples"]], axis=0)


def bands(answers: Answers, level: float, asked_level: float | None = None) -> pd.DataFrame:
    """Every band as ``BaggedLaw.interval``, ``Solution.table`` and ``elasticity`` state it.

    asked_level : the percentile level behind the band, where it is not ``level`` itself
    Rows of quantity, where, at, level, truth, value, low, high. A regret's band is one-sided, from
    0 up, so its level is (1 + level) / 2.
    """
    outer = level if asked_level is None else asked_level
    tails = (1 - outer) / 2, (1 + outer) / 2
    table = pd.DataFrame(answers.asked).assign(level=level, truth=answers.truth)
    members = np.array(answers.members)
    is_best = table["quantity"].isin(BEST).to_numpy()
    low, high = np.quantile(members, tails, axis=1)
    low[is_best], high[is_best] = np.quantile(
        members[is_best], tails, axis=1, method="inverted_cdf"
    )
    table["value"], table["low"], table["high"] = answers.value, low, high
    is_regret = table["quantity"] == "regret"
    table.loc[is_regret, "low"] = -np.inf
    table.loc[is_regret, "level"] = (1 + level) / 2
    return table


def score_table(
    truth: Truth,
    seed: int,
    index: int,
    resampling: str = "rows",
    resamples: int = 50,
    levels: Iterable[float] = LEVELS,
) -> pd.DataFrame:
    """Simulate one table, bag it, and score every stated band against the truth.

    The same seed and index give the same table and bag, whatever ran before. One row a question,
    kind of band and level: truth_law, resampling, table, band, quantity, where, at, level, truth,
    value (the stated answer), low, high, holds. The rows "regret within epsilon" state no
    probability (level NaN): they hold where the chosen design truly loses at most ``EPSILON``.

    resampling : how the model is made, see :func:`fit_model`
    """
    table = simulate(truth, table_rng(seed, truth, index))
    rng = table_rng(seed, truth, index, resampling)
    bagged = fit_model(truth, table, resampling, resamples, rng)
    answers = ask(truth, bagged)
    parts = []
    for level in levels:
        for band in BANDS if isinstance(bagged, BaggedLaw) else BANDS[:1]:
            asked = bagged.expanded_level(level) if band == "expanded" else level
            parts.append(bands(answers, level, asked).assign(band=band))
    loses = parts[0][parts[0]["quantity"] == "regret"]
    parts.append(
        loses.assign(quantity="regret within epsilon", band="epsilon", level=np.nan, high=EPSILON)
    )
    table = pd.concat(parts, ignore_index=True)
    slack = 1e-9 * (1 + table["truth"].abs())
    table["holds"] = table["truth"].between(table["low"] - slack, table["high"] + slack)
    names = {"truth_law": truth.title, "resampling": resampling, "table": index}
    for position, (name, value) in enumerate((names | {"band": table.pop("band")}).items()):
        table.insert(position, name, value)
    return table


def study(
    truth: Truth,
    tables: Iterable[int],
    resampling: Iterable[str] = ("rows",),
    seed: int = 0,
    resamples: int = 50,
    progress: bool = False,
) -> pd.DataFrame:
    """:func:`score_table` for several tables and resamplings, one long table."""
    jobs = [(index, kind) for index in tables for kind in resampling]
    parts = [
        score_table(truth, seed, index, kind, resamples)
        for index, kind in tqdm(jobs, disable=not progress, desc=f"{truth.title}, tables")
    ]
    return pd.concat(parts, ignore_index=True)


KEYS = ["truth_law", "resampling", "band", "quantity", "where", "at", "level"]


def coverage(scored: pd.DataFrame) -> pd.DataFrame:
    """How often the bands held: one row a truth, resampling, band, question and level (nominal).

    coverage, se : share of the tables whose band holds the truth, and its standard error
    tables : how many
    width : median of high - low; of high / low in doublings for x_N, x_T, x_V
    bias : mean of value - truth; in doublings likewise
    too_low, too_high : share of the tables whose whole band lies below, above the truth
    value_inside : share whose stated value lies inside its own band

    Rows with at = "all" are means over the questions of one quantity inside, or outside, the runs.
    A single question's ``se`` is binomial; that of a mean is the standard error over the tables,
    since the bands of one table fail together.
    """
    measured = _measure(scored)
    single = _rates(measured)
    share = single["coverage"]
    single["se"] = np.sqrt(share * (1 - share) / single["tables"])
    by_table = [key for key in KEYS if key != "at"] + ["table"]
    groups = measured.groupby(by_table, sort=False, dropna=False)
    means = groups[MEASURES].mean().reset_index().assign(at="all")
    return pd.concat([_rates(means), single], ignore_index=True)


MEASURES = ["holds", "width", "bias", "too_low", "too_high", "value_inside"]


def _measure(scored: pd.DataFrame) -> pd.DataFrame:
    """The scored bands with one column for each of ``MEASURES``, as numbers."""
    table = scored.assign(holds=scored["holds"].astype(float))
    table["width"] = table["high"] - table["low"].where(table["low"] > -np.inf, 0.0)
    table["bias"] = table["value"] - table["truth"]
    best = table["quantity"].isin(BEST)
    table.loc[best, "width"] = np.log2(table["high"][best] / table["low"][best])
    table.loc[best, "bias"] = np.log2(table["value"][best] / table["truth"][best])
    missed = table["holds"] == 0
    table["too_low"] = (missed & (table["high"] < table["truth"])).astype(float)
    table["too_high"] = (missed & (table["low"] > table["truth"])).astype(float)
    table["value_inside"] = table["value"].between(table["low"], table["high"]).astype(float)
    return table


def _rates(measured: pd.DataFrame) -> pd.DataFrame:
    groups = measured.groupby(KEYS, sort=False, dropna=False)
    table = groups.agg(
        coverage=("holds", "mean"),
        se=("holds", "sem"),
        tables=("table", "nunique"),
        width=("width", "median"),
        **{name: (name, "mean") for name in MEASURES[2:]},
    )
    return table.reset_index()


def load_coverage(model: str = "own law") -> pd.DataFrame:
    """The committed study (``make coverage``), in the columns of :func:`coverage`.

    model : "own law", bags of the truth's own law; or "recommended", the recommended mix and the
        paper's law under truths that are not theirs
    """
    names = {"own law": "coverage.csv", "recommended": "coverage_recommended.csv"}
    if model not in names:
        raise ValueError(f"model must be one of {tuple(names)}, got {model!r}")
    return pd.read_csv(DATA_FOLDER / names[model])


def level_that_holds(
    kept: pd.DataFrame, quantity: str, wanted: float = 0.8, without: Iterable[str] = ()
) -> float:
    """The least stated level whose band held the truth often enough under every truth.

    Parameters
    ----------
    kept : as :func:`coverage` gives it, of one model; where it was asked inside and outside the
        runs, both must hold
    quantity : such as "e_N"
    wanted : the share of the tables whose band is to hold the truth
    without : truths to leave out

    Returns NaN where no level did. Raises ValueError for a quantity that was not studied.

    >>> level_that_holds(load_coverage("recommended"), "e_N")
    0.95
    """
    rows = kept[(kept["quantity"] == quantity) & (kept["at"] == "all")]
    rows = rows[(rows["band"] == "percentile") & ~rows["truth_law"].isin(list(without))]
    if rows.empty:
        raise ValueError(f"no band of {quantity!r} was studied")
    worst = rows.groupby("level")["coverage"].min()
    return float(worst.index[worst >= wanted].min())
