"""The files that lmms-eval leaves, of any version from 0.1 to 0.7: found, read and checked.

From 0.2.4 a file is named by its time, ``20250807_120603_results.json``, and says ``config``.
Before, it was ``results.json`` in a folder named by month, day and minute; 0.1 said
``model_configs``. The keys of metrics (``accuracy,none``) are the same in all.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vvlm_utils.files import read_mapping
from vvlm_utils.runs.lmms_design import (
    ResultsError,
    find_design,
    model_name,
    parse_model_args,
    plain,
    show,
    token_arguments,
)
from vvlm_utils.runs.suites import JUDGE_SUFFIX

OLD_NAME = "results.json"  # up to lmms-eval 0.2.3
Say = Callable[[str], object]


def find_results(folder: Path) -> list[Path]:
    """The files of results under a folder, without the answers kept for submission."""
    paths = [*folder.rglob("*_results.json"), *folder.rglob(OLD_NAME)]
    return sorted(path for path in paths if "submissions" not in path.parts and path.is_file())


@dataclass(frozen=True)
class Evaluation:
    """One file of results.

    stamp : when it was made, to be compared; one without a year is older than one with
    model, design : whose results they are
    tokens : what its arguments state of a frame's tokens, in the model's own terms
    scores : lmms-eval's metrics, by task
    """

    path: Path
    label: str
    stamp: tuple[bool, str]
    model: str
    design: tuple[float, ...]
    tokens: dict[str, str]
    scores: dict[str, dict]


def _mapping(content: dict, name: str, label: str) -> dict:
    """A mapping inside a file, empty where it is not there or null."""
    value = content.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ResultsError(f"{label}: {name} must be a mapping, got {show(value)}; evaluate again")
    return value


def _check_complete(content: dict, settings: dict, path: Path, label: str) -> None:
    """Refuse a trial on some of the questions, and answers that no judge has read."""
    limit, offset = settings.get("limit"), settings.get("offset")
    if limit not in (None, -1) or offset:
        raise ResultsError(
            f"{label}: a trial (limit {show(limit)}, offset {show(offset)}); evaluate all questions"
        )
    for task, counts in _mapping(content, "n-samples", label).items():
        if isinstance(counts, dict) and {"original", "effective"} <= set(counts):
            asked, there = counts["effective"], counts["original"]
            if all(isinstance(n, int | float) for n in (asked, there)) and asked < there:
                said = f"{asked:g} of {there:g} questions of {task}"
                raise ResultsError(f"{label}: a trial on {said}; evaluate all questions")
    judge = path.with_name(path.name.removesuffix("_results.json") + JUDGE_SUFFIX)
    if path.name == OLD_NAME or not judge.is_file():
        return
    failed = read_mapping(judge, ResultsError, "evaluate again").get("failed", 0)
    if isinstance(failed, bool) or not isinstance(failed, int):
        raise ResultsError(f"{judge}: failed must be a count, got {show(failed)}; evaluate again")
    if failed:
        raise ResultsError(
            f"{label}: the judge failed on {failed} calls, which count as wrong; evaluate again"
        )


def _stamp(content: dict, path: Path) -> tuple[bool, str]:
    """When a file was made: its own date, else the one in its name or its folder's."""
    date = content.get("date")
    for text in (date if isinstance(date, str) else "", path.name, path.parent.name):
        full = re.search(r"(?<!\d)20\d\d\D?\d\d\D?\d\d\D?\d\d\D?\d\d(\D?\d\d)?(?!\d)", text)
        if full:
            return True, re.sub(r"\D", "", full[0]).ljust(14, "0")
    short = re.match(r"\d{4}_\d{4}(?!\d)", path.parent.name)  # 0823_1523, of no stated year
    return False, short[0] if short else ""


def _scores(content: dict, label: str) -> dict[str, dict]:
    """The metrics by task, each a mapping."""
    scores = _mapping(content, "results", label)
    for task, metrics in scores.items():
        if not isinstance(metrics, dict):
            raise ResultsError(
                f"{label}: results of {plain(task)} must map metrics to values, got "
                f"{show(metrics)}; evaluate again"
            )
    return scores


def read_evaluation(path: Path, say: Say = warnings.warn) -> Evaluation | None:
    """Read one file of results; None, with a note, for a ``results.json`` of another program.

    Raises ResultsError, in one line, for a file that is broken, a trial, a judge that failed, or
    a model whose design is not known.
    """
    old = path.name == OLD_NAME
    label = f"{path} (of an lmms-eval up to 0.2.3)" if old else str(path)
    content = read_mapping(path, ResultsError, "evaluate again")
    configured = next((name for name in ("config", "model_configs") if name in content), None)
    if old and (configured is None or not isinstance(content.get("results"), dict)):
        say(f"{path}: no results of lmms-eval; left out")
        return None
    settings = _mapping(content, configured or "config", label)
    model_args = settings.get("model_args")
    if not isinstance(model_args, str | dict | None):
        said = f"model_args must be text or a mapping, got {show(model_args)}"
        raise ResultsError(f"{label}: {said}; evaluate again")
    _check_complete(content, settings, path, label)
    arguments = parse_model_args(model_args)
    design = find_design(arguments, path, label, say)
    stamp, scores = _stamp(content, path), _scores(content, label)
    return Evaluation(
        path=path,
        label=label,
        stamp=stamp,
        model=model_name(arguments),
        design=tuple(design.values()),
        tokens=token_arguments(arguments),
        scores=scores,
    )
