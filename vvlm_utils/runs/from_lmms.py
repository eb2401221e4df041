"""From what lmms-eval leaves to rows of the runs table: the benchmarks, their scales, their mean.

The expected folder is what ``--output_path`` named, of any version from 0.1 to 0.7: files
``*_results.json`` at any depth, one for each time the harness ran, or up to 0.2.3 a
``results.json`` in a folder of its own. Of one model, several files complement each other, and of
one task the newest counts. ``lmms_files`` reads a file, ``lmms_design`` finds whose results they
are; two results in one folder are of two models when their arguments say so. No torch and no
lmms-eval here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.runs.lmms_design import ResultsError, plain, show
from vvlm_utils.runs.lmms_files import OLD_NAME, Evaluation, Say, find_results, read_evaluation
from vvlm_utils.runs.suites import DESIGN, Benchmark, SuiteError, list_suites, load_suite
from vvlm_utils.runs.table import AVERAGE, validate_runs

SOURCE = "lmms-eval"
# What stands among a task's metrics and is none, and what is said of a metric beside it.
NO_METRICS = {"alias", "samples", " ", ""}
BESIDE = re.compile(
    r"_(stderr(_clt|_clustered)?|expected_accuracy|consensus_accuracy|internal_variance"
    r"|consistency_rate)$"
)
SHOWN = 20  # tasks of no suite that are named with their values; of more, the names


def _newest(
    evaluations: Iterable[Evaluation], say: Say
) -> dict[tuple[str, tuple[float, ...]], dict[str, dict]]:
    """The scores of each model and design: of each task the newest, which is said."""
    chosen: dict[tuple, dict[str, Evaluation]] = {}
    replaced: dict[tuple[Path, Path], list[str]] = {}
    for new in sorted(evaluations, key=lambda e: e.stamp):
        tasks = chosen.setdefault((new.model, new.design), {})
        for task, metrics in new.scores.items():
            old = tasks.get(task)
            if old and old.scores[task] != metrics:
                if old.stamp == new.stamp:
                    raise ResultsError(
                        f"{old.path} and {new.path}: two results of {task} of one model, and "
                        "which is newer is not known; remove one"
                    )
                replaced.setdefault((old.path, new.path), []).append(task)
            tasks[task] = new
    for (old, new), names in replaced.items():
        say(f"{new}: counts for {', '.join(names)}; the same model's older {old} does not")
    return {
        key: {task: found.scores[task] for task, found in tasks.items()}
        for key, tasks in chosen.items()
    }


def _spelled(key: str) -> str:
    """A metric's name as it was meant: lmms-eval wrote ``percetion`` up to 0.2.4 (of mlvu: 0.7)."""
    return key.replace("percetion", "perception")


def _key(metrics: dict, metric: str, task: str, label: str) -> str:
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
    there = "; ".join(f"{plain(k)} {show(v)}" for k, v in _metrics(metrics)) or "nothing"
    raise ResultsError(
        f"{label}: {task} has no {metric}, but {there}; take one by --metric {task}=KEY"
    )


def _value(value: object, what: str, label: str) -> float:
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
        error = factor * _value(metrics.get(beside), beside, label)
        if np.isfinite(error):
            return float(error)
    return np.nan


def _parts(benchmark: Benchmark, scores: dict[str, dict], label: str) -> list[tuple[float, float]]:
    """Value and standard error of each metric of a benchmark; a value that is none is NaN."""
    parts = []
    for task, metric in benchmark.scores:
        metrics = scores[task]
        key = _key(metrics, metric, task, label)
        value = _value(metrics[key], f"{task} {key}", label)
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


def _suite_rows(
    suite: Sequence[Benchmark], scores: dict[str, dict], label: str, say: Say, taken: set[str]
) -> list[dict]:
    """One row per benchmark that was evaluated, and their mean when all were.

    taken : tasks whose metric is given otherwise, and not read for a suite
    """
    rows = []
    for benchmark in suite:
        if taken & dict(benchmark.scores).keys():
            continue
        found = score(benchmark, scores, label)
        if found:
            rows.append({"task": benchmark.short, "metric": found[0], "metric_se": found[1]})
        elif any(task in scores for task, _ in benchmark.scores):
            say(f"{label}: {benchmark.task} has no score (null); left out")
    if len(rows) == len(suite) > 1:
        metrics, errors = ([row[name] for row in rows] for name in ("metric", "metric_se"))
        error = float(np.hypot.reduce(errors)) / len(errors)
        rows.append({"task": AVERAGE, "metric": float(np.mean(metrics)), "metric_se": error})
    return rows


def _metrics(metrics: dict) -> Iterator[tuple[str, object]]:
    """The metrics of a task with their values, without what is said of them beside."""
    for key, value in metrics.items():
        if key not in NO_METRICS and not BESIDE.search(key.split(",")[0]):
            yield key, value


def _unknown(suites: Iterable[Sequence[Benchmark]], scores: Iterable[dict[str, dict]]) -> list[str]:
    """What was evaluated and is of no suite: its task, its metrics and their values, in words."""
    known = {task for suite in suites for b in suite for task in (b.task, *dict(b.scores))}
    found: dict[str, dict[str, list[str]]] = {}
    for tasks in scores:
        for task, metrics in tasks.items():
            for key, value in _metrics(metrics) if task not in known else ():
                said = f"{value:.6g}" if isinstance(value, float) else show(value)
                found.setdefault(plain(task), {}).setdefault(
                    plain(key.removesuffix(",none")), []
                ).append(said)
    lines = []
    for task, metrics in list(found.items())[:SHOWN]:
        values = "; ".join(f"{key} {', '.join(said)}" for key, said in metrics.items())
        take = f"--metric {task}={next(iter(metrics))}"
        lines.append(f"{task} is in no suite ({values[:200]}); {take} takes it")
    if len(found) > SHOWN:
        lines.append(f"nor are {', '.join(list(found)[SHOWN:])}")
    return lines


def _given(text: str) -> Benchmark:
    """A benchmark from ``TASK=KEY`` or ``TASK=KEY/TOP``; its top is NaN where it is not given."""
    task, _, key = text.partition("=")
    metric, slash, top = key.rpartition("/")
    scale = re.fullmatch(r"\d+(\.\d+)?", top) if slash else None
    metric = metric if scale else key
    if not task or not metric or (scale and float(top) <= 0):
        raise SuiteError(
            f"--metric takes TASK=KEY or TASK=KEY/TOP with a top above 0, got {text!r}"
        )
    largest = float(top) if scale else np.nan
    return Benchmark(task, ((task, metric),), largest, task, task, question_top=None)


def _with_top(benchmark: Benchmark, models: Iterable[dict[str, dict]], say: Say) -> Benchmark:
    """A benchmark given on the command line with its scale: stated, or read off its values."""
    ((task, metric),) = benchmark.scores
    found = [scores[task] for scores in models if task in scores]
    if not found:
        raise ResultsError(f"--metric {task}={metric}: no results of {task}; name a task that has")
    if not np.isnan(benchmark.top):
        return benchmark
    label = f"--metric {task}={metric}"
    values = [_value(m[_key(m, metric, task, label)], metric, label) for m in found]
    top = 1 if max((value for value in values if value == value), default=100) <= 1 else 100
    say(f"{label}: read on 0 to {top:g}, as its values are; {task}={metric}/TOP states another top")
    return replace(benchmark, top=top, question_top=1 if top == 1 else None)


def _check_apart(models: Iterable[tuple[str, tuple]], rows: pd.DataFrame, say: Say) -> None:
    """Refuse two models of one design with results of the same task; say so of different tasks."""
    named: dict[tuple, list[str]] = {}
    for model, design in models:
        named.setdefault(design, []).append(model or "an unnamed model")
    for design, names in named.items():
        if len(names) == 1:
            continue
        of = dict(zip(DESIGN, (f"{value:g}" for value in design), strict=True))
        stated = ", ".join(f"{name}={value}" for name, value in of.items())
        said = f"{' and '.join(map(plain, names))} share one design ({stated})"
        tasks = rows.loc[(rows[list(DESIGN)] == list(design)).all(axis=1), "task"]
        twice = tasks[tasks.duplicated()].tolist()
        if twice:
            fix = "give each its seed in a design.json beside it, or remove one's results"
            raise ResultsError(f"{said} and both have {', '.join(dict.fromkeys(twice))}; {fix}")
        say(f"{said}; their tasks are kept apart, not averaged")


def read_results(
    folder: str | Path,
    suite: str | Path | None = None,
    metrics: Sequence[str] = (),
    say: Say = warnings.warn,
) -> pd.DataFrame:
    """The runs table of every model whose results lie under a folder of lmms-eval's.

    Parameters
    ----------
    folder : path
        What ``--output_path`` named.
    suite : name or path, optional
        The benchmarks to read, see :func:`~vvlm_utils.runs.suites.load_suite`; all suites of the
        package if not given.
    metrics : sequence of "TASK=KEY" or "TASK=KEY/TOP"
        Further tasks, each with the metric that is its score and the largest value of it.
    say : callable
        Called with each note: tasks of no suite with their values, results that a newer one
        replaces, scores that are null. Warnings, if not given.

    Returns
    -------
    DataFrame
        One row per model and benchmark, ``metric`` and ``metric_se`` on 0-100, and a row "avg"
        where all benchmarks of a suite are there. Where the harness gives no standard error,
        ``metric_se`` is empty.

    Raises
    ------
    ResultsError
        For a folder without results, a file that is broken, a model whose design is not stated
        or contradicts itself, a part of a benchmark, a trial run or a judge that failed.
    SuiteError
        For a suite or a metric that cannot be used.
    """
    folder = Path(folder)
    given = [_given(text) for text in metrics]
    taken = {benchmark.task for benchmark in given}
    suites = [load_suite(name) for name in ([suite] if suite is not None else list_suites())]
    paths = find_results(folder)
    if not paths:
        said = f"no *_results.json and no {OLD_NAME}"
        raise ResultsError(f"{folder}: {said}; name the folder of --output_path")
    read = (read_evaluation(path, say) for path in paths)
    models = _newest((evaluation for evaluation in read if evaluation), say)
    given = [_with_top(benchmark, models.values(), say) for benchmark in given]
    rows = []
    for (model, design), scores in models.items():
        label = f"{folder}: {plain(model)}" if model else str(folder)
        found = [row for b in suites for row in _suite_rows(b, scores, label, say, taken)]
        found += [row for b in given for row in _suite_rows([b], scores, label, say, set())]
        rows += [dict(zip(DESIGN, design, strict=True)) | row for row in found]
    unknown = _unknown([*suites, given], models.values())
    if not rows:
        known = ", ".join(dict.fromkeys(b.task for chosen in suites for b in chosen))
        also = "".join(f"; {line}" for line in unknown[:3])
        raise ResultsError(f"{folder}: none of the known tasks was evaluated ({known}){also}")
    for line in unknown:
        say(line)
    _check_apart(models, pd.DataFrame(rows), say)
    return validate_runs(pd.DataFrame(rows).assign(source=SOURCE), label=str(folder))
