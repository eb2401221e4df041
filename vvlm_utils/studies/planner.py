"""Do planned runs find the frontier sooner than others that cost the same?

A trial holds some known runs and a pool of runs whose errors are hidden. At rising training
budgets each strategy buys runs from its pool; what it bought is revealed, the law is fitted again,
and the best designs that the new bag names are scored.

Simulated trials: the truth is one member of a bag fitted to the paper's runs, another in every
trial, so the true frontier is known and the regret of a choice is exact. Known is a small star,
the paper's designs at its two smaller n; the pool is a grid of designs that cost no more than the
largest budget asked, at four n. Every error carries noise as large as the residuals of the
paper's runs, and all strategies see the same errors and resamples.

Trials on the paper's runs: half of the runs are known, a third of the others are kept for testing,
the rest are the pool. No truth is known, so the bag of all runs stands in for it.

``make next-runs`` (``benchmarks/next_runs.py``) is the long study behind the kept table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vvlm_utils.advice.next_runs import (
    candidate_designs,
    deviations,
    not_done,
    observe,
    plan_runs,
    residual_noise,
    target_root,
    training_price,
)
from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import BaggedLaw, bag
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.space import Space
from vvlm_utils.studies.coverage import TRAINED
from vvlm_utils.studies.truths import Truth, simulate

LAW = LAWS["add-interact"]
SPACE = Space(lm_params=(1e9, 2.8e9, 7.5e9, 14e9, 32e9))
QUESTION = Question(tuple(np.geomspace(5e12, 100e12, 12)), 2e6, SPACE)
HIDDEN_QUESTION = Question(tuple(np.geomspace(2e12, 30e12, 12)), 2e6, TRAINED)
EXAMPLES = (250_000, 500_000, 1_000_000, 2_000_000)  # n of the pool
OF_ISOFLOP = 0.1  # training budget of a simulated trial: a tenth of what the isoFLOP runs cost
SHARES = (0.3, 1.0)  # of it, at which the planner buys; the others buy everything at once
REVEALED = (0.1, 0.3)  # training budgets on the paper's runs, shares of the price of the pool
TRUTHS = 60  # members of the bag that the truths are taken from
RESAMPLES = 24


@dataclass(frozen=True)
class Start:
    """What a strategy is given: known runs, a pool with hidden errors, and its kind of choice.

    shares : the training budgets at which it buys and its bag is scored, rising, as shares of the
        trial's; the planner plans again at each
    """

    known: pd.DataFrame
    pool: pd.DataFrame
    choose: Callable[..., pd.DataFrame]
    shares: tuple[float, ...]


def in_order(bagged, pool: pd.DataFrame, question: Question, left: float) -> pd.DataFrame:
    """The pool's runs in its own order, each that the budget ``left`` still pays for."""
    spent, kept = 0.0, []
    for row, price in enumerate(training_price(pool, question.cost)):
        if spent + price <= left:
            spent, kept = spent + price, [*kept, row]
    return pool.iloc[kept]


def planned(aim: str = "choice") -> Callable[..., pd.DataFrame]:
    """A strategy that plans with the bag it has; nothing where nothing can be paid for."""

    def choose(bagged, pool, question, left):
        if not (training_price(pool, question.cost) <= left).any():
            return pool.head(0)
        return plan_runs(bagged, pool, question, left, aim=aim)

    return choose


def reveal(
    start: Start, question: Question, train_flops: float, bagged: BaggedLaw, fit: Callable
) -> Iterator[tuple[float, pd.DataFrame, BaggedLaw]]:
    """Buy runs up to each of the start's shares of a training budget.

    bagged : the bag of the known runs; fit : from a runs table to a bag
    Yields share, all known runs and their bag, first at share 0.
    """
    known, spent = start.known, 0.0
    yield 0.0, known, bagged
    for share in start.shares:
        pool = start.pool[not_done(start.pool, known)]
        bought = start.choose(bagged, pool, question, share * train_flops - spent)
        spent += training_price(bought, question.cost).sum()
        known = pd.concat([known, bought[start.pool.columns]], ignore_index=True)
        bagged = fit(known) if len(bought) else bagged
        yield share, known, bagged


def regret(truth: BaggedLaw, bagged: BaggedLaw, question: Question) -> np.ndarray:
    """What the bag's best designs lose under ``truth`` against its own, points, (budgets,)."""
    chosen = pd.DataFrame(solve(bagged, question).designs()[:, 0].T, columns=list(FACTORS))
    chosen[TRAIN_EXAMPLES] = question.train_examples
    return truth.predict(chosen) - solve(truth, question).errors()[0]


def relative_error(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Mean of 100 |f_hat - f| / f, the E% of the other chapters."""
    return float((100 * np.abs(predicted / observed - 1)).mean())


def refit(rng_words: list[int], resamples: int) -> Callable[[pd.DataFrame], BaggedLaw]:
    """A fit that draws the same stream each time, so that strategies share their luck."""

    def fit(runs: pd.DataFrame) -> BaggedLaw:
        rng = np.random.default_rng(rng_words)
        return bag(LAW, runs, rng=rng, resamples=resamples, search="quick")

    return fit


def run_strategies(
    starts: dict[str, Start], question: Question, train_flops: float, fit: Callable,
    truth: BaggedLaw, test: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """One row a strategy and share of the budget: runs bought, train_flops, regret, e_pct.

    regret : mean over the question's budgets, points
    e_pct : mean relative error of the bag on ``test``, percent
    """
    rows = []
    first = fit(next(iter(starts.values())).known)
    for name, start in starts.items():
        for share, known, bagged in reveal(start, question, train_flops, first, fit):
            new = known.iloc[len(start.known) :]
            price = training_price(new, question.cost).sum()
            lost = regret(truth, bagged, question).mean()
            miss = relative_error(test["error"].to_numpy(), bagged.predict(test))
            rows.append((name, share, len(new), price, lost, miss))
    columns = ["strategy", "share", "runs", "train_flops", "regret", "e_pct"]
    return pd.DataFrame(rows, columns=columns)


def paper_bag(runs: pd.DataFrame, seed: int, resamples: int = TRUTHS) -> BaggedLaw:
    """A bag of all runs: its members are the simulated truths."""
    return bag(LAW, runs, rng=np.random.default_rng(seed), resamples=resamples, search="quick")


def simulated_trial(
    runs: pd.DataFrame,
    truths: BaggedLaw,
    seed: int,
    index: int,
    resamples: int = RESAMPLES,
    aim: str = "choice",
) -> pd.DataFrame:
    """One simulated trial, :func:`run_strategies` of "planner", "random" and "cheap".

    random : designs of the planner's own pool in random order
    cheap : the same, a design coming first with a chance that is inverse to its price, so that
        many cheap runs are bought, as the planner does, but without looking at the bag
    The same seed and index give the same trial. ``e_pct`` is measured at the true best designs.
    """
    rng = np.random.default_rng([seed, index])
    one = slice(index, index + 1)
    law = replace(truths, members=truths.members[one], losses=truths.losses[one])
    truth = Truth(law, residual_noise(truths), runs)

    def measured(designs):
        columns = [*FACTORS, TRAIN_EXAMPLES]
        return simulate(replace(truth, runs=designs[columns].reset_index(drop=True)), rng)

    star = runs[(runs["sweep"] == "star") & (runs[TRAIN_EXAMPLES] <= EXAMPLES[1])]
    known, pool = measured(star), measured(candidate_designs(QUESTION, EXAMPLES))
    wait = rng.exponential(size=len(pool)) * training_price(pool, QUESTION.cost)
    starts = {
        "planner": Start(known, pool, planned(aim), SHARES),
        "random": Start(known, pool.iloc[rng.permutation(len(pool))], in_order, SHARES[-1:]),
        "cheap": Start(known, pool.iloc[np.argsort(wait)], in_order, SHARES[-1:]),
    }
    best = solve(law, QUESTION).designs()[:, 0]
    test = pd.DataFrame(best.T, columns=list(FACTORS)).assign(
        train_examples=QUESTION.train_examples
    )
    test["error"] = law.predict(test)
    budget = OF_ISOFLOP * training_price(runs[runs["sweep"] == "isoflop"]).sum()
    table = run_strategies(starts, QUESTION, budget, refit([seed, index], resamples), law, test)
    return table.assign(kind="simulated", trial=index)


def split_runs(
    runs: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Known half, pool and test set (a third of the hidden half), each in random order."""
    order, known, test = rng.permutation(len(runs)), len(runs) // 2, len(runs) // 6
    cuts = np.split(order, [known, known + test])
    return runs.iloc[cuts[0]], runs.iloc[cuts[2]], runs.iloc[cuts[1]]


def hidden_trial(
    runs: pd.DataFrame,
    reference: BaggedLaw,
    seed: int,
    index: int,
    resamples: int = RESAMPLES,
    aim: str = "choice",
) -> pd.DataFrame:
    """Hide half of the paper's runs and buy some back: "planner", "random" and "star".

    star : the hidden star runs in the order of the table, then the isoFLOP runs
    ``reference`` (the bag of all runs) stands in for the truth of the regret; ``e_pct`` is measured
    on a third of the hidden runs, which nobody may buy.
    """
    known, pool, test = split_runs(runs, np.random.default_rng([seed, index, 1]))
    starts = {
        "planner": Start(known, pool, planned(aim), REVEALED),
        "random": Start(known, pool, in_order, REVEALED),
        "star": Start(known, pool.sort_index(), in_order, REVEALED),
    }
    budget, fit = training_price(pool).sum(), refit([seed, index], resamples)
    table = run_strategies(starts, HIDDEN_QUESTION, budget, fit, reference, test)
    return table.assign(kind="hidden", trial=index)


def versus(table: pd.DataFrame, other: str, share: float, measure: str = "regret") -> pd.DataFrame:
    """The planner against another strategy: planner, other, wins; one row a trial.

    share : of the budget, at which both are scored. A tie (within 1e-9) is no win.
    """
    at = table[table["share"] == share].pivot(index="trial", columns="strategy", values=measure)
    pair = at[["planner", other]].set_axis(["planner", "other"], axis=1)
    return pair.assign(wins=pair["planner"] < pair["other"] - 1e-9)


def left_after(bagged: BaggedLaw, order: pd.DataFrame, question: Question) -> pd.DataFrame:
    """What a bag expects to be left open after every run of a plan, whoever made the plan.

    order : the runs, in their order
    Columns cumulative_flops and left, a share of the variance of the targets, one row per run.
    """
    noise, root = residual_noise(bagged), target_root(bagged, question)
    seen, start, left = deviations(np.log(bagged.predict_members(order))), (root**2).sum(), []
    for k in range(len(order)):
        root, seen = (observe(r, seen[:, k], noise) for r in (root, seen))
        left.append((root**2).sum() / start)
    spent = training_price(order, question.cost).cumsum()
    return pd.DataFrame({"cumulative_flops": spent, "left": left})


def mean_by_share(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Mean of a measure over the trials, with two standard errors either side.

    Columns strategy, share, value, low, high, train_flops and runs (means, too).
    """
    groups = table.groupby(["strategy", "share"], sort=False)
    mean, reach = groups[measure].mean(), 2 * groups[measure].sem()
    found = pd.DataFrame({"value": mean, "low": mean - reach, "high": mean + reach})
    return found.join(groups[["train_flops", "runs"]].mean()).reset_index()


def load_next_runs() -> pd.DataFrame:
    """The kept study (``make next-runs``): rows of both kinds of trial."""
    return pd.read_csv(DATA_FOLDER / "next_runs.csv")
