"""How well a law predicts runs it has not seen.

Everything starts from one primitive: fit a bag without some runs, predict those. Cross-validation,
the step from the star to the isoFLOP sweep and leaving out a level are choices of what to hold
out. The result is a long table of held-out predictions, one row a prediction:

    law, test, split, run_id, design, observed, predicted

from which :func:`score` makes MSE, mean relative error E% and R2, pooled over the folds of a split.
Splits are paired: every law sees the same folds and the same resamples.

Source: Tables 2, 8 and 9 of the paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy

import numpy as np
import pandas as pd
from tqdm import tqdm

from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.bootstrap import design_names
from vvlm_utils.laws.forms import FORMS, LAWS
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.protocols import ErrorLaw

METRICS = ("mse", "e_pct", "r2")
TESTS = ("cv", "extrapolation")
TABLE_8: dict[str, dict] = {
    "huber-loss": {"options": FitOptions(loss="huber")},
    "zero-start": {"options": FitOptions(start="zero")},
    "100-starts": {"options": FitOptions(starts=100), "search": "cold"},
    "positive-exponents": {"options": FitOptions(exponents="positive")},
    "raw-space": {"options": FitOptions(space="raw")},
    "chosen": {"options": FitOptions()},
}
"""Every row of Table 8 as arguments of :func:`vvlm_utils.laws.bagging.bag`."""


def metrics(observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """MSE (points squared), E% = mean of 100 |f_hat - f| / f, and R2.

    >>> metrics(np.array([40.0, 50.0]), np.array([40.0, 50.0]))
    {'mse': 0.0, 'e_pct': 0.0, 'r2': 1.0}
    """
    observed, predicted = np.asarray(observed, dtype=float), np.asarray(predicted, dtype=float)
    squared = (predicted - observed) ** 2
    spread = ((observed - observed.mean()) ** 2).sum()
    return {
        "mse": float(squared.mean()),
        "e_pct": float((100 * np.abs(predicted - observed) / observed).mean()),
        "r2": float(1 - squared.sum() / spread) if spread > 0 else float("nan"),
    }


def fold_masks(
    runs: pd.DataFrame, folds: int, by: str, rng: np.random.Generator, law: ErrorLaw | None = None
) -> list[np.ndarray]:
    """Held-out rows of every fold, as boolean masks that together hold each run once.

    by : "rows" (the paper's; the same design at another n may stay in the training part), or
        "designs": all runs of a design x are held out together
    """
    if by not in ("rows", "designs"):
        raise ValueError(f"by must be 'rows' or 'designs', got {by!r}")
    groups = np.arange(len(runs)) if by == "rows" else design_names(runs, law)
    names = np.unique(groups)
    if not 2 <= folds <= len(names):
        raise ValueError(f"folds must lie between 2 and {len(names)}, got {folds}")
    parts = np.array_split(rng.permutation(names), folds)
    return [np.isin(groups, part) for part in parts]


def hold_out(
    law: ErrorLaw, runs: pd.DataFrame, held: np.ndarray, rng: np.random.Generator, **bag_arguments
) -> pd.DataFrame:
    """Fit a bag to the runs outside ``held`` and predict those inside it."""
    bagged = bag(law, runs[~held], rng=rng, **bag_arguments)
    rows = runs[held]
    return pd.DataFrame(
        {
            "run_id": rows["run_id"].to_numpy(),
            "design": design_names(rows, law),
            "observed": rows["error"].to_numpy(),
            "predicted": bagged.predict(rows),
        }
    )


def cross_validate(
    law: ErrorLaw,
    runs: pd.DataFrame,
    rng: np.random.Generator,
    folds: int = 5,
    by: str = "rows",
    **bag_arguments,
) -> pd.DataFrame:
    """Predictions of every run by a bag that did not see its fold."""
    masks = fold_masks(runs, folds, by, rng, law)
    return pd.concat([hold_out(law, runs, m, rng, **bag_arguments) for m in masks])


def extrapolate(
    law: ErrorLaw, runs: pd.DataFrame, rng: np.random.Generator, **bag_arguments
) -> pd.DataFrame:
    """Predictions of the isoFLOP sweep by a bag fitted to the star sweep alone."""
    runs = runs[runs["sweep"].isin(["star", "isoflop"])]
    held = (runs["sweep"] == "isoflop").to_numpy()
    if not held.any() or held.all():
        raise ValueError("star -> isoFLOP needs runs with sweep 'star' and runs with 'isoflop'")
    return hold_out(law, runs, held, rng, **bag_arguments)


def leave_level_out(
    law: ErrorLaw, runs: pd.DataFrame, factor: str, rng: np.random.Generator, **bag_arguments
) -> pd.DataFrame:
    """Predictions of every level of ``factor`` by a bag that saw no run at that level."""
    levels = np.sort(runs[factor].unique())
    if len(levels) < 3:
        raise ValueError(f"{factor} has {len(levels)} levels; leaving one out needs at least 3")
    parts = []
    for level in levels:
        held = (runs[factor] == level).to_numpy()
        parts.append(hold_out(law, runs, held, rng, **bag_arguments).assign(level=level))
    return pd.concat(parts)


def _tests(runs: pd.DataFrame, tests: Iterable[str], splits: int) -> Iterator[tuple[str, int]]:
    """Which of the held-out tests this table allows: (test, split)."""
    both = {"star", "isoflop"} <= set(runs["sweep"])
    for test in tests:
        if test not in TESTS:
            raise ValueError(f"tests must be among {TESTS}, got {test!r}")
        if test == "cv" or both:
            yield from ((test, split) for split in range(splits))


def compare_laws(
    runs: pd.DataFrame,
    rng: np.random.Generator,
    laws: Iterable[ErrorLaw] = tuple(LAWS[form] for form in FORMS),
    splits: int = 1,
    folds: int = 5,
    by: str = "rows",
    tests: Iterable[str] = TESTS,
    resamples: int | Mapping[str, int] = 100,
    progress: bool = False,
    **bag_arguments,
) -> pd.DataFrame:
    """Table 2: held-out predictions of every law under both tests, long format.

    Extrapolation needs both sweeps in ``runs`` and is left out otherwise; its splits differ in
    their resamples alone. ``resamples`` may be given test by test.
    """
    seeds = rng.integers(2**63, size=splits)
    jobs = [(law, *test) for law in laws for test in _tests(runs, tuple(tests), splits)]
    parts = []
    for law, test, split in tqdm(jobs, disable=not progress, desc="laws x splits"):
        paired = np.random.default_rng(seeds[split])
        count = resamples[test] if isinstance(resamples, Mapping) else resamples
        arguments = bag_arguments | {"resamples": count}
        if test == "cv":
            table = cross_validate(law, runs, paired, folds, by, **arguments)
        else:
            table = extrapolate(law, runs, paired, **arguments)
        parts.append(table.assign(law=law.name, test=test, split=split))
    return pd.concat(parts, ignore_index=True)


def ablate(
    law: ErrorLaw,
    runs: pd.DataFrame,
    rng: np.random.Generator,
    configurations: dict[str, dict] = TABLE_8,
    progress: bool = False,
    **common,
) -> pd.DataFrame:
    """Table 8: held-out predictions under each configuration, in the column ``law``.

    Every configuration gets a copy of ``rng``, so its folds and resamples are those that
    :func:`compare_laws` would draw.
    """
    parts = []
    for name, arguments in tqdm(configurations.items(), disable=not progress, desc="choices"):
        table = compare_laws(runs, deepcopy(rng), [law], **(common | arguments))
        parts.append(table.assign(law=name))
    return pd.concat(parts, ignore_index=True)


def score(predictions: pd.DataFrame) -> pd.DataFrame:
    """MSE, E% and R2 of every law, test and split: one row each, laws in order of appearance."""
    keys = ["law", "test", "split"]
    rows = [
        dict(zip(keys, key, strict=True)) | metrics(part["observed"], part["predicted"])
        for key, part in predictions.groupby(keys, sort=False)
    ]
    return pd.DataFrame(rows)


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD over splits of every metric; SD is NaN for a single split."""
    table = scores.groupby(["law", "test"], sort=False)[list(METRICS)].agg(["mean", "std"])
    return table.set_axis([f"{metric}_{stat}" for metric, stat in table.columns], axis=1)


def beside_paper(scores: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Ours, its SD over splits and the paper's, one row a test and law, three columns a metric.

    scores : as :func:`score` gives them; printed : one table of :func:`load_reference`, whose
    quantities are ``cv_mse`` and so on
    """
    ours = summarise(scores)
    theirs = printed.set_index(["row", "quantity"])["value"]
    columns = {}
    for metric in METRICS:
        keys = [(law, f"{test}_{metric}") for law, test in ours.index]
        columns[metric, "ours"] = ours[f"{metric}_mean"]
        columns[metric, "SD"] = ours[f"{metric}_std"]
        columns[metric, "paper"] = theirs.reindex(keys).to_numpy()
    table = pd.DataFrame(columns).swaplevel()
    tests = list(dict.fromkeys(table.index.get_level_values("test")))
    return pd.concat([table.loc[[test]] for test in tests])


def load_exact() -> pd.DataFrame:
    """The kept scores of the paper's full protocol (``make exact``), in the columns of ``score``.

    search "cold" : one split, 500 random starts for every resample; "warm" : 20 splits
    """
    return pd.read_csv(DATA_FOLDER / "exact.csv")


def paired_difference(
    predictions: pd.DataFrame,
    first: str,
    second: str,
    rng: np.random.Generator,
    level: float = 0.9,
    resamples: int = 10_000,
) -> pd.DataFrame:
    """MSE of ``first`` minus MSE of ``second`` on the same held-out runs, with an interval.

    One row a test. Squared errors are averaged over splits for each run. Designs are resampled,
    with all their runs, since runs of one design miss together; and for both laws at once, so
    what the two share cancels.
    """
    squared = (predictions["predicted"] - predictions["observed"]) ** 2
    table = predictions.assign(squared=squared).pivot_table(
        index=["test", "design", "run_id"], columns="law", values="squared", sort=False
    )
    rows = []
    for test, part in table.groupby(level="test", sort=False):
        gap = (part[first] - part[second]).groupby(level="design").agg(["sum", "count"])
        drawn = gap.to_numpy()[rng.integers(len(gap), size=(resamples, len(gap)))].sum(axis=1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [(1 - level) / 2, (1 + level) / 2])
        difference = gap["sum"].sum() / gap["count"].sum()
        rows.append({"test": test, "mse_difference": difference, "low": low, "high": high})
    return pd.DataFrame(rows)


def bags_of_bags(
    predictions: np.ndarray,
    observed: np.ndarray,
    sizes: Iterable[int],
    rng: np.random.Generator,
    repeats: int = 200,
) -> pd.DataFrame:
    """MSE of smaller bags drawn from the members of a large one (Table 9, many times over).

    predictions : (members, rows). In each repeat one order of the members is drawn, and its first
    ``size`` are aggregated. One row a repeat, size and aggregate: repeat, size, aggregate, mse.
    """
    rows = []
    for repeat in range(repeats):
        order = rng.permutation(len(predictions))
        for size in sizes:
            members = predictions[order[:size]]
            for aggregate in ("median", "mean"):
                miss = getattr(np, aggregate)(members, axis=0) - observed
                rows.append((repeat, size, aggregate, float((miss**2).mean())))
    return pd.DataFrame(rows, columns=["repeat", "size", "aggregate", "mse"])


def extrapolate_tasks(
    tasks: pd.DataFrame, law: ErrorLaw, copies: int, rng: np.random.Generator, **bag_arguments
) -> pd.DataFrame:
    """Star -> isoFLOP for every task: one row a task and copy, with MSE, E% and R2.

    Each copy of a task's runs is moved by its own measurement error, and bagged anew.
    """
    rows = []
    for task, runs in tasks.groupby("task", sort=False):
        for copy in range(copies):
            held = extrapolate(law, with_measurement_noise(runs, rng), rng, **bag_arguments)
            found = metrics(held["observed"], held["predicted"])
            rows.append({"task": task, "copy": copy} | found)
    return pd.DataFrame(rows)


def with_measurement_noise(runs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A copy whose metrics are moved by their measurement error, normal with ``metric_se``."""
    if runs["metric_se"].isna().any():
        raise ValueError("metric_se is missing for some runs; measurement noise needs all of them")
    noise = rng.normal(0.0, runs["metric_se"])
    return runs.assign(metric=runs["metric"] + noise, error=runs["error"] - noise)
