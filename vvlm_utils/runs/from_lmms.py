"""From what lmms-eval leaves to rows of the runs table: the benchmarks, their scales, their mean.

The expected folder is what ``--output_path`` named: any number of ``*_results.json`` files, at any
depth, one for each time the harness ran. Of one model, several files complement each other, and
of one task the newest counts. What a file's model was is read, in this order, from

1. its ``--model_args``: ``lm_params=...,frames=...,tokens_per_frame=...,train_examples=...``, with
   ``seed`` where it is not 0; the project's launcher, ``experiment/harness.py``, writes them;
2. a ``design.json`` beside the file, with the same names;
3. the ``record.json`` of the checkpoint that ``pretrained=...`` names, in its folder or above it.

No torch and no lmms-eval here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.files import read_mapping
from vvlm_utils.runs.suites import DESIGN, JUDGE_SUFFIX, SUITES, Benchmark
from vvlm_utils.runs.table import AVERAGE, validate_runs

SOURCE = "lmms-eval"


class ResultsError(ValueError):
    """Results that cannot be used: names the file, what is wrong and the mend."""


def _read(path: Path) -> dict:
    return read_mapping(path, ResultsError, "evaluate again")


def parse_model_args(model_args: str | dict) -> dict[str, str]:
    """The ``name=value`` pairs of ``--model_args``.

    >>> parse_model_args("pretrained=runs/a,frames=8")
    {'pretrained': 'runs/a', 'frames': '8'}
    """
    if isinstance(model_args, dict):
        return {name: str(value) for name, value in model_args.items()}
    pairs = (item.split("=", 1) for item in (model_args or "").split(",") if "=" in item)
    return {name.strip(): value for name, value in pairs}


def _design(content: dict, path: Path) -> dict[str, float]:
    """What the model of one file was; see the module's docstring for where that is looked for."""
    given = parse_model_args(content.get("config", {}).get("model_args", ""))
    places = [path.with_name("design.json")]
    if "pretrained" in given:
        checkpoint = Path(given["pretrained"])
        places += [checkpoint / "record.json", checkpoint.parent / "record.json"]
    found = {"seed": 0}
    for place in reversed(places):
        found |= _read(place) if place.is_file() else {}
    found |= given
    missing = [name for name in DESIGN if name not in found]
    if missing:
        raise ResultsError(
            f"{path}: {', '.join(missing)} not stated in its --model_args; "
            f"write a design.json beside it that does"
        )
    try:
        return {name: float(found[name]) for name in DESIGN}
    except (TypeError, ValueError):
        stated = {name: found[name] for name in DESIGN}
        raise ResultsError(f"{path}: the design must be plain numbers, got {stated}") from None


def _check_whole(content: dict, path: Path) -> None:
    """Refuse a trial on some of the questions, and answers that no judge has read."""
    settings = content.get("config", {})
    if settings.get("limit") not in (None, -1) or settings.get("offset"):
        raise ResultsError(
            f"{path}: a trial (limit {settings.get('limit')}, offset {settings.get('offset')}); "
            "evaluate all questions"
        )
    judge = path.with_name(path.name.removesuffix("_results.json") + JUDGE_SUFFIX)
    failed = _read(judge).get("failed", 0) if judge.is_file() else 0
    if failed:
        raise ResultsError(
            f"{path}: the judge failed on {failed} calls, which count as wrong; evaluate again"
        )


def _value(scores: dict, task: str, metric: str, label: str) -> float:
    """One metric of one task, whatever filter made it; NaN for a standard error that is none."""
    found = [v for k, v in scores[task].items() if k.split(",")[0] == metric]
    if not found and not metric.endswith("_stderr"):
        raise ResultsError(f"{label}: {task} has no {metric}; evaluate again with lmms-eval 0.7")
    return float(found[0]) if found and isinstance(found[0], int | float) else np.nan


def score(benchmark: Benchmark, scores: dict[str, dict], label: str) -> tuple[float, float] | None:
    """Score and standard error of a benchmark on 0-100; none when it was not evaluated.

    scores : lmms-eval's own, by task
    Raises ResultsError for a benchmark of which only a part is there, or a value off its scale.
    """
    missing = [task for task, _ in benchmark.scores if task not in scores]
    if len(missing) == len(benchmark.scores):
        return None
    if missing:
        raise ResultsError(
            f"{label}: {benchmark.task} lacks {', '.join(missing)}; evaluate {benchmark.task} whole"
        )
    values = np.array([_value(scores, task, metric, label) for task, metric in benchmark.scores])
    errors = [_value(scores, task, f"{metric}_stderr", label) for task, metric in benchmark.scores]
    if not ((values >= 0) & (values <= benchmark.top)).all():
        raise ResultsError(
            f"{label}: {benchmark.task} must lie on 0 to {benchmark.top}, got {values.tolist()}; "
            "evaluate again with lmms-eval 0.7"
        )
    scale = 100 / benchmark.top
    return scale * values.mean(), scale * float(np.hypot.reduce(errors)) / len(errors)


def _suite_rows(suite: Iterable[Benchmark], scores: dict[str, dict], label: str) -> list[dict]:
    """A row a benchmark that was evaluated, and their mean when all were."""
    found = {b.short: score(b, scores, label) for b in suite}
    rows = [
        {"task": short, "metric": pair[0], "metric_se": pair[1]}
        for short, pair in found.items()
        if pair is not None
    ]
    if len(rows) == len(found):
        metrics, errors = ([row[name] for row in rows] for name in ("metric", "metric_se"))
        error = float(np.hypot.reduce(errors)) / len(errors)
        rows.append({"task": AVERAGE, "metric": float(np.mean(metrics)), "metric_se": error})
    return rows


def read_results(folder: Path) -> pd.DataFrame:
    """The runs table of every model whose results lie under a folder of lmms-eval's.

    A row a model and benchmark, ``metric`` and ``metric_se`` on 0-100, and a row "avg" where all
    benchmarks of a suite (Table 5's eight, or the mini families) are there; tasks of no suite are
    left out. Where the harness gives no standard error, ``metric_se`` is empty.
    Raises ResultsError for a folder without results, a file that is broken, a model whose design
    is not stated, a part of a benchmark, a trial run or a judge that failed.
    """
    folder = Path(folder)
    paths = sorted(folder.rglob("*_results.json"), key=lambda path: path.name)  # oldest first
    if not paths:
        raise ResultsError(f"{folder}: no *_results.json; name the folder of --output_path")
    models: dict[tuple, dict[str, dict]] = {}
    for path in paths:
        content = _read(path)
        _check_whole(content, path)
        design = tuple(_design(content, path).values())
        models.setdefault(design, {}).update(content.get("results", {}))
    rows = [
        dict(zip(DESIGN, design, strict=True)) | row
        for design, scores in models.items()
        for suite in SUITES.values()
        for row in _suite_rows(suite, scores, str(folder))
    ]
    if not rows:
        known = ", ".join(dict.fromkeys(b.task for suite in SUITES.values() for b in suite))
        raise ResultsError(f"{folder}: none of the known tasks was evaluated: {known}")
    return validate_runs(pd.DataFrame(rows).assign(source=SOURCE), label=str(folder))
