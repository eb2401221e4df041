"""Which runs to do next: designs ranked by how much each would sharpen the frontier.

The members of a bag differ in what the runs leave open. Their log predictions are taken as samples
of a Gaussian, so the run at a candidate c, whose log error has noise variance s2, would shrink the
variance of a target t by

    cov(t, c)**2 / (var(c) + s2).

Targets are where the members disagree about the frontier: at every budget, each member's own best
design against the bag's, as the difference of their log errors. A shift that all designs share
moves no choice, and drops out of the difference. Runs are taken greedily, the largest gain per
training FLOP first; after each, the members' deviations are shrunk to the Gaussian that the run
would leave (``observe``), so a second run that would say the same gains little.

Members of a bag have heavy tails. Every column of log predictions is therefore clipped to its
central 90% over the members before its variance is taken (winsorised).

Source: the rank-one formula is a Gaussian's conditional; choosing designs by the variance they are
expected to remove is Cohn's (1996) criterion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import (
    FACTORS,
    FLOPS_PER_PARAM_TOKEN,
    TRAIN_EXAMPLES,
    TRAINING_FLOPS_PER_PARAM_TOKEN,
    CostFunction,
    paper_flops,
)
from vvlm_utils.frontier.solver import Question, outside, solve
from vvlm_utils.frontier.space import prices
from vvlm_utils.laws.bagging import BaggedLaw
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.prepared import Prepared
from vvlm_utils.runs.reading import read_table
from vvlm_utils.runs.space import Space, spread
from vvlm_utils.runs.table import validate_runs

AIMS = ("choice", "level")
TAIL = 0.05  # share of the members clipped on either side
RUN_COLUMNS = [*FACTORS, TRAIN_EXAMPLES]
VALUES = 12  # frames and tokens per frame among the candidates, at most
SHARES = (0.125, 0.25, 0.5, 1.0)  # of n, at which a candidate may be trained
INSIDE = ("frames", "tokens_per_frame", TRAIN_EXAMPLES)  # no less of these than the runs' least


def training_price(designs: pd.DataFrame, cost: CostFunction = paper_flops) -> np.ndarray:
    """FLOPs to finetune each design once on its ``train_examples``, shape (rows,).

    Training takes 6 FLOPs where inference takes 2, encoder included: 3 c(x) n.
    """
    passes = TRAINING_FLOPS_PER_PARAM_TOKEN / FLOPS_PER_PARAM_TOKEN
    flops = np.asarray(cost(*(designs[f].to_numpy(float) for f in FACTORS)), dtype=float)
    return passes * flops * designs[TRAIN_EXAMPLES].to_numpy(float)


def candidate_designs(
    question: Question,
    train_examples: Iterable[float],
    values: int = VALUES,
    least: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Designs that could be run and later served: those that the largest budget buys.

    One row a design and number of ``train_examples``.
    values : at most so many frames and tokens per frame, spread evenly in their logarithms
    least : smallest value of a column, such as the least that was ever run; the cheapest designs
        of a space are where a power law is least to be trusted
    """
    space = question.space
    if isinstance(space, Space):
        space = Space(
            space.lm_params, spread(space.frames, values), spread(space.tokens_per_frame, values)
        )
    designs, flops = space.designs, prices(space, question.cost)
    served = designs[flops <= max(question.budgets)]
    if served.empty:
        raise ValueError(
            f"a budget of {max(question.budgets):.4g} FLOPs buys no design: the cheapest costs "
            f"{np.min(flops):.4g}; raise the budget or allow smaller designs"
        )
    tables = [served.assign(train_examples=float(n)) for n in train_examples]
    if not tables:
        raise ValueError("train_examples is empty; name at least one number of examples")
    table = pd.concat(tables, ignore_index=True)
    for name, value in (least or {}).items():
        table = table[table[name] >= value * (1 - 1e-9)]
    if table.empty:
        low = ", ".join(f"{name} >= {value:g}" for name, value in least.items())
        raise ValueError(f"no candidate has {low}; allow smaller ones or raise the budget")
    return table.reset_index(drop=True)


def candidates_for(prepared: Prepared, question: Question) -> pd.DataFrame:
    """The candidates of a prepared table: designs that the largest budget buys, within its runs.

    Each at ``SHARES`` of the question's n, or at the runs' only n where it never moved.
    """
    least = {name: float(prepared.runs[name].min()) for name in INSIDE}
    examples = [round(share * question.train_examples) for share in SHARES]
    if prepared.data is None:
        examples = [prepared.held[TRAIN_EXAMPLES]]
    return candidate_designs(question, examples, least=least)


def read_candidates(path: str | Path) -> pd.DataFrame:
    """Designs to choose from: a CSV with the columns ``RUN_COLUMNS``, held to the runs' rules.

    Raises RunsError that names every failing line, column, value and mend.
    """
    table = read_table(path).assign(metric=50.0)  # any metric: candidates have none yet
    return validate_runs(table, label=str(path), first_line=0)[RUN_COLUMNS]


def residual_noise(bagged: Model) -> float:
    """Standard deviation of a run's log error around the law, from the bag's own losses.

    A refit to resampled rows spends its free parameters p twice, once in the runs' own fit and
    once in the resample: E[loss] is about s2 (m - p)**2 / m over m runs ("wild" spends them once).
    Parameters at a bound are not free. Raises ValueError where losses are not squares of log error.
    """
    if not isinstance(bagged, BaggedLaw):
        return float(bagged.noise)  # a mix knows its own
    options, rows = bagged.options, bagged.rows
    if options.space != "log" or options.loss != "squared":
        raise ValueError(
            f"the fit has loss {options.loss!r} in space {options.space!r}, which tells no noise "
            "of log error; give the noise, or fit with squared loss in log space"
        )
    spare = rows - len(bagged.law.parameters) + sum(bagged.at_bounds.values())
    loss = float(np.median(bagged.losses))
    if spare < 1 or loss <= 0:
        raise ValueError(f"{rows} runs leave no residual to tell the noise; give the noise")
    return float(np.sqrt(loss / spare * (1.0 if bagged.resampling == "wild" else rows / spare)))


def deviations(log_values: np.ndarray) -> np.ndarray:
    """Square root A of the members' covariance, A.T @ A, columns winsorised and centred.

    log_values : (members, columns); returns the same shape, scaled by 1 / sqrt(members - 1)
    """
    if len(log_values) < 2:
        raise ValueError(f"a plan needs a bag of at least 2 members, got {len(log_values)}")
    clipped = np.clip(log_values, *np.quantile(log_values, [TAIL, 1 - TAIL], axis=0))
    return (clipped - clipped.mean(axis=0)) / np.sqrt(len(clipped) - 1)


def observe(root: np.ndarray, seen: np.ndarray, noise: float) -> np.ndarray:
    """The square root of the covariance once a run has been seen: a rank-one update.

    root : (members, columns), whose covariance is root.T @ root; seen : (members,), the run's own
    column. The result R gives R.T @ R = root.T @ root - k k.T / (var + noise**2), with k the
    covariance of every column with the run and var its variance.
    """
    variance = seen @ seen
    if variance == 0:
        return root
    shrink = (1 - noise / np.sqrt(variance + noise**2)) / variance
    return root - shrink * np.outer(seen, seen @ root)


def target_root(bagged: Model, question: Question, aim: str = "choice") -> np.ndarray:
    """Deviations of what the plan is to make sure of, shape (members, targets).

    aim : "choice": log error of every member's own best design less that of the bag's, at every
        budget, one target a member and budget; or "level": log error of the bag's best designs
    Raises ValueError when the members leave nothing open.
    """
    if aim not in AIMS:
        raise ValueError(f"aim must be one of {AIMS}, got {aim!r}")
    best = solve(bagged, question).designs()
    members, budgets = best.shape[1] - 1, best.shape[2]
    table = pd.DataFrame(best.reshape(len(FACTORS), -1).T, columns=list(FACTORS))
    table[TRAIN_EXAMPLES] = float(question.train_examples)
    log_f = np.log(bagged.predict_members(table)).reshape(-1, 1 + members, budgets)
    values = log_f[:, 0] if aim == "level" else log_f[:, 1:] - log_f[:, :1]
    root = deviations(values.reshape(len(log_f), -1))
    if not (root**2).sum() > 1e-24:
        raise ValueError(
            f"the {members} members agree on every best design, so no run can sharpen the choice; "
            "ask more budgets or a larger bag; in Python also aim 'level'"
        )
    return root


def plan_runs(
    bagged: Model,
    candidates: pd.DataFrame,
    question: Question,
    train_flops: float,
    *,
    noise: float | None = None,
    done: pd.DataFrame | None = None,
    replicate: bool = False,
    most: int | None = None,
    aim: str = "choice",
) -> pd.DataFrame:
    """Runs to do next, in order, whose prices together stay within ``train_flops``.

    Parameters
    ----------
    bagged
        The model whose frontier the runs are to sharpen.
    candidates
        Designs that could be run: columns lm_params, frames, tokens_per_frame, train_examples.
    question
        Where the frontier matters: budgets, n, designs and their price.
    train_flops
        What all the runs together may cost to train, FLOPs.
    noise
        Standard deviation of a run's log error; that of the fit's residuals where none is given.
    done
        Runs that exist, in the candidates' columns, which are not planned again.
    replicate
        Whether runs that exist may be planned again, and a candidate more than once.
    most
        Largest number of runs.
    aim
        "choice", which design is best; or "level", how good it is.

    Returns
    -------
    DataFrame
        The candidates' columns with ``cost_flops`` (inference, one video), ``train_flops``,
        ``gain`` (share of the variance at the start that this run removes, given those above it),
        ``cumulative_flops``, ``left`` (the share that remains) and ``outside`` (factors in which
        the design lies outside the fitted runs).

    Raises
    ------
    ValueError
        No candidate can be afforded, a column is missing, or the members leave nothing open.

    Notes
    -----
    Greedy, by the variance that a run is expected to remove per training FLOP: Cohn (1996).

    Examples
    --------
    >>> from vvlm_utils import bag, get_law, load_runs
    >>> law, rng = get_law("add-interact"), np.random.default_rng(0)
    >>> model = bag(law, load_runs("paper"), rng=rng, resamples=10)
    >>> question = Question((10e12, 50e12), 1e6, Space(lm_params=(1e9, 7.5e9)))
    >>> candidates = candidate_designs(question, train_examples=[1e6], values=6)
    >>> len(plan_runs(model, candidates, question, train_flops=1e21, most=2))
    2
    """
    noise = _check(candidates, train_flops, residual_noise(bagged) if noise is None else noise)
    price = training_price(candidates, question.cost)
    open_ = not_done(candidates, done if not replicate else None)
    if not (open_ & (price <= train_flops)).any():
        least = f"the cheapest costs {price[open_].min():.4g}" if open_.any() else "all are done"
        raise ValueError(f"{train_flops:.4g} training FLOPs buy none of the candidates: {least}")
    targets = target_root(bagged, question, aim)
    start = (targets**2).sum()
    axes, sizes, _ = np.linalg.svd(targets, full_matrices=False)
    targets = axes * sizes  # the same sums over targets, from no more columns than members
    seen = deviations(np.log(bagged.predict_members(candidates)))
    picked, gains, spent = [], [], 0.0
    while most is None or len(picked) < most:
        worth = gain_of(targets, seen, noise) / start
        can = open_ & (spent + price <= train_flops) & (worth > 0)
        if not can.any():
            break
        best = int(np.where(can, worth / price, -1.0).argmax())
        picked, gains, spent = [*picked, best], [*gains, worth[best]], spent + price[best]
        targets, seen = (observe(root, seen[:, best], noise) for root in (targets, seen))
        open_[best] = replicate
    table = candidates.iloc[picked].reset_index(drop=True)
    table["train_flops"] = price[picked]
    table["cost_flops"] = question.cost(*(table[f].to_numpy(float) for f in FACTORS))
    table["gain"] = gains
    table["cumulative_flops"] = np.cumsum(price[picked])
    return table.assign(left=1 - np.cumsum(gains), outside=outside(bagged, table))


def gain_of(targets: np.ndarray, seen: np.ndarray, noise: float) -> np.ndarray:
    """Variance, summed over the targets, that a run at each candidate would remove, (candidates,).

    targets (members, targets) and seen (members, candidates) are roots as in ``deviations``.
    """
    covariance = targets.T @ seen
    return (covariance**2).sum(axis=0) / ((seen**2).sum(axis=0) + noise**2)


def _check(candidates: pd.DataFrame, train_flops: float, noise: float) -> float:
    missing = [name for name in RUN_COLUMNS if name not in candidates]
    if missing:
        raise ValueError(
            f"the candidates lack the column {', '.join(missing)}; they need {RUN_COLUMNS}"
        )
    if candidates.empty:
        raise ValueError("there are no candidates; give at least one design")
    if not (candidates[TRAIN_EXAMPLES] > 0).all():
        raise ValueError(
            f"train_examples must be positive, got {candidates[TRAIN_EXAMPLES].min():g}"
        )
    for name, value in {"train_flops": train_flops, "noise": noise}.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, got {value}")
    return float(noise)


def not_done(candidates: pd.DataFrame, done: pd.DataFrame | None) -> np.ndarray:
    """Tell which candidates are not among the runs ``done``, shape (candidates,)."""
    if done is None:
        return np.ones(len(candidates), dtype=bool)
    there = pd.MultiIndex.from_frame(done[RUN_COLUMNS].astype(float))
    return ~pd.MultiIndex.from_frame(candidates[RUN_COLUMNS].astype(float)).isin(there)
