"""Do the stated bands hold the truth as often as they say?

A law fitted to all runs is taken as the truth: its errors on the same designs, moved by noise as
large as the fit's own residuals, make a table whose truth is known. Each table is bagged as the
real runs are, and every stated band is asked whether it holds the truth: the error of a design,
the best design of a budget, and the elasticities.

    truth = known_law(get_law("add-interact"), load_runs("paper"), rng)
    table = simulate(truth, table_rng(0, truth, 7))                # a runs table like the real one
    held = score_table(truth, seed=0, index=7, resampling="rows")  # one row a band: does it hold?
    live = coverage(study(truth, range(4), resamples=20))          # a few tables, in seconds
    kept = load_coverage()                                         # the committed long study

``coverage`` gives one row a question, resampling and level; see its docstring for the columns.
``python -m benchmarks.coverage`` (``make coverage``) is the long study behind the kept table.

Noise: independent and normal in log error, with the fit's residual scale corrected for the
parameters that it spent, sqrt(loss / (runs - parameters off the walls)). The residuals of the
interaction laws show no more structure than that: the same scale in both sweeps, and no
correlation between runs of one design at different n.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from vvlm_utils.bagging import BaggedLaw, bag
from vvlm_utils.cost import FACTORS
from vvlm_utils.elasticity import elasticity
from vvlm_utils.fitting import FitOptions, LawFit, fit
from vvlm_utils.frontier import solve_frontier
from vvlm_utils.laws import DATA, Law
from vvlm_utils.space import PAPER_SPACE, Space

LEVELS = (0.8, 0.9, 0.95)
EPSILON = 0.1  # points, as in solve_frontier
SYMBOLS = {"lm_params": "x_N", "frames": "x_T", "tokens_per_frame": "x_V"}
ENDS = {"lm_params": "lm_params", "frames": "frames", "tokens_per_frame": "tokens"}

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
    columns=["where", *FACTORS, DATA],
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


@dataclass(frozen=True)
class Truth:
    """A law taken as true: ``fit`` gives its errors, ``noise`` the SD of log error around them."""

    fit: LawFit
    noise: float
    runs: pd.DataFrame = field(repr=False)

    @property
    def law(self) -> Law:
        """The law that generates, and that is fitted again."""
        return self.fit.law


def known_law(
    law: Law, runs: pd.DataFrame, rng: np.random.Generator, options: FitOptions | None = None
) -> Truth:
    """Fit ``law`` to all ``runs`` and take it as the truth on their designs."""
    fitted = fit(law, runs, options, rng=rng)
    spare = len(runs) - len(law.parameters) + len(fitted.diagnostics.at_wall)
    if spare < 1:
        raise ValueError(f"{len(runs)} runs leave no degree of freedom to law {law.name!r}")
    return Truth(fitted, float(np.sqrt(fitted.loss / spare)), runs.reset_index(drop=True))


def table_rng(seed: int, truth: Truth, index: int, purpose: str = "") -> np.random.Generator:
    """The stream of one simulated table: the same whatever was drawn before it."""
    words = [seed, zlib.crc32(truth.law.name.encode()), index, zlib.crc32(purpose.encode())]
    return np.random.default_rng(words)


def simulate(truth: Truth, rng: np.random.Generator) -> pd.DataFrame:
    """A runs table on the truth's designs, with fresh noise in its errors."""
    noise = rng.normal(0.0, truth.noise, len(truth.runs))
    error = truth.fit.predict(truth.runs) * np.exp(noise)
    return truth.runs.assign(metric=100.0 - error, error=error)


def score_table(
    truth: Truth,
    seed: int,
    index: int,
    resampling: str = "rows",
    resamples: int = 50,
    levels: Iterable[float] = LEVELS,
) -> pd.DataFrame:
    """Simulate one table, bag it, and score every stated band against the truth.

    One row a question and level: law, resampling, table, quantity, at, where, level, truth,
    value (the stated answer), low, high, holds, width (high - low; doublings for x_N, x_T, x_V).
    """
    runs = simulate(truth, table_rng(seed, truth, index))
    bagged = bag(
        truth.law,
        runs,
        truth.fit.options,
        rng=table_rng(seed, truth, index, resampling),
        resamples=resamples,
        resampling=resampling,
    )
    rows = [row for level in levels for row in _score(truth, bagged, level)]
    table = pd.DataFrame(rows)
    slack = 1e-9 * table["truth"].abs()
    table["holds"] = table["truth"].between(table["low"] - slack, table["high"] + slack)
    ratio = table["quantity"].isin(SYMBOLS.values())
    table["width"] = table["high"] - table["low"]
    table.loc[ratio, "width"] = np.log2(table["high"][ratio] / table["low"][ratio])
    table.insert(0, "truth_law", truth.law.name)
    table.insert(1, "resampling", resampling)
    table.insert(2, "table", index)
    return table


def _score(truth: Truth, bagged: BaggedLaw, level: float):
    yield from score_errors(truth, bagged, level)
    for asked in FRONTIERS:
        yield from score_frontier(truth, bagged, asked, level)
    yield from score_elasticity(truth, bagged, level)


def _row(quantity, at, where, level, truth, value, low, high) -> dict:
    return {
        "quantity": quantity,
        "at": at,
        "where": where,
        "level": level,
        "truth": float(truth),
        "value": float(value),
        "low": float(low),
        "high": float(high),
    }


def score_errors(truth: Truth, bagged: BaggedLaw, level: float):
    """The band of the error at each of ``DESIGNS``."""
    columns = (truth.fit.predict(DESIGNS), bagged.predict(DESIGNS))
    low, high = bagged.interval(DESIGNS, level)
    for design, *numbers in zip(DESIGNS.itertuples(index=False), *columns, low, high, strict=True):
        at = f"({design.lm_params / 1e9:g}B, {design.frames}, {design.tokens_per_frame})"
        at += f" n={design.train_examples / 1e6:g}M"
        yield _row("error", at, design.where, level, *numbers)


def score_frontier(truth: Truth, bagged: BaggedLaw, asked: Frontier, level: float):
    """The bands of the best design, of the error there, and of its regret.

    "regret" is one-sided: its bound is stated at level (1 + level) / 2. "regret within epsilon"
    states no probability: its level is NaN, and its coverage is how often the chosen design
    loses at most ``EPSILON`` points of true error against the true best.
    """
    arguments = (asked.budgets, asked.train_examples, asked.space)
    best = solve_frontier(truth.fit, *arguments)
    found = solve_frontier(bagged, *arguments, level=level, epsilon=EPSILON)
    reached = truth.fit.predict(found)
    regret = np.maximum(reached - best["error"].to_numpy(), 0.0)
    for i, (is_best, is_found) in enumerate(zip(best.iloc, found.iloc, strict=True)):
        at = f"{asked.budgets[i] / 1e12:g} TFLOPs n={asked.train_examples / 1e6:g}M"
        for factor, end in ENDS.items():
            numbers = is_best[factor], *is_found[[factor, f"{end}_low", f"{end}_high"]]
            yield _row(SYMBOLS[factor], at, asked.where, level, *numbers)
        numbers = reached[i], *is_found[["error", "error_low", "error_high"]]
        yield _row("error at x*", at, asked.where, level, *numbers)
        numbers = regret[i], is_found["regret"], 0.0, is_found["regret_high"]
        yield _row("regret", at, asked.where, (1 + level) / 2, *numbers)
        if level == LEVELS[0]:
            numbers = regret[i], is_found["regret"], 0.0, EPSILON
            yield _row("regret within epsilon", at, asked.where, np.nan, *numbers)


def score_elasticity(truth: Truth, bagged: BaggedLaw, level: float):
    """The bands of e_N, e_T, e_V over ``ELASTICITY``, forward difference."""
    best = elasticity(truth.fit, **ELASTICITY)["value"]
    found = elasticity(bagged, level=level, **ELASTICITY)
    for factor, symbol in SYMBOLS.items():
        row = found.loc[factor]
        numbers = best[factor], row["value"], row["low"], row["high"]
        yield _row(symbol.replace("x", "e"), "Table 10 grid", "outside", level, *numbers)


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
        for index, kind in tqdm(jobs, disable=not progress, desc=f"{truth.law.name}, tables")
    ]
    return pd.concat(parts, ignore_index=True)


KEYS = ["truth_law", "resampling", "quantity", "where", "at", "level"]


def coverage(scored: pd.DataFrame, pooled: bool = True) -> pd.DataFrame:
    """How often the bands held: one row a truth, resampling, question and level.

    Columns: truth_law, resampling, quantity, where, at, level (nominal), coverage, se, tables,
    width (median), too_low and too_high (share of tables whose whole band lies below or above
    the truth). ``pooled`` adds rows with at = "all": the mean over the questions of one quantity
    inside or outside the runs. A question's ``se`` is binomial; that of a pooled row is the
    standard error of the mean over tables, since the bands of one table fail together.
    """
    scored = scored.assign(
        too_low=scored["high"] < scored["truth"], too_high=scored["low"] > scored["truth"]
    )
    scored[["too_low", "too_high"]] = scored[["too_low", "too_high"]].where(~scored["holds"], False)
    single = _rates(scored)
    share = single["coverage"]
    single["se"] = np.sqrt(share * (1 - share) / single["tables"])
    if not pooled:
        return single
    by_table = ["truth_law", "resampling", "quantity", "where", "level", "table"]
    columns = ["holds", "width", "too_low", "too_high"]
    means = scored.groupby(by_table, sort=False, dropna=False)[columns].mean().reset_index()
    return pd.concat([single, _rates(means.assign(at="all"))], ignore_index=True)


def _rates(scored: pd.DataFrame) -> pd.DataFrame:
    groups = scored.groupby(KEYS, sort=False, dropna=False)
    table = groups.agg(
        coverage=("holds", "mean"),
        se=("holds", "sem"),
        tables=("table", "nunique"),
        width=("width", "median"),
        too_low=("too_low", "mean"),
        too_high=("too_high", "mean"),
    )
    return table.reset_index()


def load_coverage() -> pd.DataFrame:
    """The committed study (``make coverage``), in the columns of :func:`coverage`."""
    return pd.read_csv(files("vvlm_utils") / "data" / "coverage.csv")
