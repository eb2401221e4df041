"""From what lmms-eval leaves to rows of the runs table: the benchmarks, their scales, their mean.

The expected folder is what ``--output_path`` named, of any version from 0.1 to 0.7: files
``*_results.json`` at any depth, one for each time the harness ran, or up to 0.2.3 a
``results.json`` in a folder of its own. Of one model, several files complement each other, and of
one task the newest counts. ``lmms_files`` reads a file, ``lmms_design`` finds whose results they
are, ``lmms_scores`` reads a benchmark's; two results in one folder are of two models when their
arguments say so. No torch and no lmms-eval here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.runs.lmms_design import ResultsError, plain, show
from vvlm_utils.runs.lmms_files import OLD_NAME, Evaluation, Say, find_results, read_evaluation
from vvlm_utils.runs.lmms_scores import as_value, find_key, list_metrics, score
from vvlm_utils.runs.suites import DESIGN, Benchmark, SuiteError, list_suites, load_suite
from vvlm_utils.runs.table import AVERAGE, validate_runs

SOURCE = "lmms-eval"
SHOWN = 20  # tasks of no suite that are named with their values; of more, the names


def _check_tokens(evaluations: Iterable[Evaluation]) -> None:
    """Refuse results that one design.json calls one design, and whose arguments say otherwise."""
    stated: dict[tuple, dict[str, Evaluation]] = {}
    for new in evaluations:
        for name, value in new.tokens.items():
            by_value = stated.setdefault((new.model, new.design, name), {})
            by_value.setdefault(value, new)
            if len(by_value) > 1:
                old = next(iter(by_value.values()))
                raise ResultsError(
                    f"{old.path} and {new.path}: one design, but {name} is "
                    f"{plain(old.tokens[name])} and {plain(value)}; give each folder's design.json "
                    "its own tokens_per_frame, or remove one"
                )


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
            if 0 < found[0] <= 1 and benchmark.top == 100:
                fix = f"if it is a fraction, --metric {'='.join(benchmark.scores[0])}/1 reads it so"
                say(f"{label}: {benchmark.task} is {found[0]:g} of 100; {fix}")
            rows.append({"task": benchmark.short, "metric": found[0], "metric_se": found[1]})
        elif any(task in scores for task, _ in benchmark.scores):
            say(f"{label}: {benchmark.task} has no score (null); left out")
    if len(rows) == len(suite) > 1:
        metrics, errors = ([row[name] for row in rows] for name in ("metric", "metric_se"))
        error = float(np.hypot.reduce(errors)) / len(errors)
        rows.append({"task": AVERAGE, "metric": float(np.mean(metrics)), "metric_se": error})
    return rows


def _unknown(suites: Iterable[Sequence[Benchmark]], scores: Iterable[dict[str, dict]]) -> list[str]:
    """What was evaluated and is of no suite: its task, its metrics and their values, in words."""
    known = {task for suite in suites for b in suite for task in (b.task, *dict(b.scores))}
    found: dict[str, dict[str, list[str]]] = {}
    for tasks in scores:
        for task, metrics in tasks.items():
            for key, value in list_metrics(metrics) if task not in known else ():
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
    values = [as_value(m[find_key(m, metric, task, label)], metric, label) for m in found]
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
    evaluations = [evaluation for evaluation in read if evaluation]
    _check_tokens(evaluations)
    models = _newest(evaluations, say)
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
