"""A benchmark's score in what lmms-eval left of its tasks: names, filters, scales, errors.

The keys are ``metric,filter``; an error stands beside its metric as ``metric_stderr,filter`` or,
since 0.6, ``_stderr_clt`` and ``_stderr_clustered``, which are counted on a question's own scale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from vvlm_utils.runs.lmms_design import ResultsError, plain, show
from vvlm_utils.runs.suites import Benchmark

# What stands among a task's metrics and is none, and what is said of a metric beside it.
NO_METRICS = {"alias", "samples", " ", ""}
BESIDE = re.compile(
    r"_(stderr(_clt|_clustered)?|expected_accuracy|consensus_accuracy|internal_variance"
    r"|consistency_rate)$"
)


def list_metrics(metrics: dict) -> Iterator[tuple[str, object]]:
    """The metrics of a task with their values, without what is said of them beside."""
    for key, value in metrics.items():
        if key not in NO_METRICS and not BESIDE.search(key.split(",")[0]):
            yield key, value


def _spelled(key: str) -> str:
    """A metric's name as it was meant: lmms-eval wrote ``percetion`` up to 0.2.4 (of mlvu: 0.7)."""
    return key.replace("percetion", "perception")


def find_key(metrics: dict, metric: str, task: str, label: str) -> str:
    """The key of a metric in what lmms-eval left of a task, whatever filter made it."""
    name = _spelled(metric)
    keys = [k for k in metrics if name in (_spelled(k), _spelled(k.split(",")[0]))]
    unfiltered = [k for k in keys if _spelled(k) in (name, f"{name},none")]
    if unfiltered or len({show(metrics[k]) for k in keys}) == 1:
        return (unfiltered or keys)[0]
    if keys:
        filters = ", ".join(keys)
        raise ResultsError(
            f"{label}: {task} has {metric} by several filters ({filters}); "
            f"choose one by --metric {task}=KEY"
        )
    there = "; ".join(f"{plain(k)} {show(v)}" for k, v in list_metrics(metrics)) or "nothing"
    raise ResultsError(
        f"{label}: {task} has no {metric}, but {there}; take one by --metric {task}=KEY"
    )


def as_value(value: object, what: str, label: str) -> float:
    """A number that lmms-eval wrote; NaN where it wrote that there is none."""
    if value is None or value in ("N/A", "", "NaN", "nan"):
        return np.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ResultsError(f"{label}: {what} must be a number, got {show(value)}; evaluate again")
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _error(metrics: dict, key: str, benchmark: Benchmark, label: str) -> float:
    """A metric's standard error on (0, top): the one by cluster where there is one."""
    name, _, rest = key.partition(",")
    question = benchmark.question_top
    scale = np.nan if question is None else benchmark.top / question
    for suffix, factor in (("_stderr_clustered", scale), ("_stderr", 1.0), ("_stderr_clt", scale)):
        beside = f"{name}{suffix},{rest}" if rest else f"{name}{suffix}"
        error = factor * as_value(metrics.get(beside), beside, label)
        if np.isfinite(error):
            return float(error)
    return np.nan


def _parts(benchmark: Benchmark, scores: dict[str, dict], label: str) -> list[tuple[float, float]]:
    """Value and standard error of each metric of a benchmark; a value that is none is NaN."""
    parts = []
    for task, metric in benchmark.scores:
        metrics = scores[task]
        key = find_key(metrics, metric, task, label)
        value = as_value(metrics[key], f"{task} {key}", label)
        parts.append((value, _error(metrics, key, benchmark, label)))
    return parts


def score(benchmark: Benchmark, scores: dict[str, dict], label: str) -> tuple[float, float] | None:
    """Score and standard error of a benchmark on 0-100.

    Parameters
    ----------
    benchmark : Benchmark
        Its tasks, metrics and scale.
    scores : mapping
        lmms-eval's metrics, by task.
    label : str
        Whose results they are, for messages.

    Returns
    -------
    (score, error) or None
        None when the benchmark was not evaluated or lmms-eval gives null for a score; the error
        is NaN where it is not known.

    Raises
    ------
    ResultsError
        For a benchmark of which only a part is there, and a value off its scale.
    """
    missing = [task for task, _ in benchmark.scores if task not in scores]
    if len(missing) == len(benchmark.scores):
        return None
    if missing:
        raise ResultsError(
            f"{label}: {benchmark.task} lacks {', '.join(dict.fromkeys(missing))}; "
            f"evaluate all of {benchmark.task}"
        )
    values, errors = np.array(_parts(benchmark, scores, label)).T
    if np.isnan(values).any():
        return None
    if not ((values >= 0) & (values <= benchmark.top * (1 + 1e-9))).all():
        raise ResultsError(
            f"{label}: {benchmark.task} must lie on 0 to {benchmark.top:g}, got "
            f"{show(values.tolist())}; evaluate again, or give its scale in a suite of your own"
        )
    scale = 100 / benchmark.top
    return (
        min(scale * values.mean(), 100.0),
        scale * float(np.hypot.reduce(errors)) / len(errors),
    )
