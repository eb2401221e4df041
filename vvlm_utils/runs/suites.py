"""The benchmarks that a model is evaluated on: their names, lmms-eval's, and their scales.

A suite is a YAML file: its ``name`` and a list of ``benchmarks``, each with the fields of
:class:`Benchmark`. Those that come with the package stand in ``data/suites`` and are found by
listing: ``paper`` is Table 5 of ``wang2025``, ``mini`` the mini experiment's eight families.
Of each suite "avg" is the plain mean. Neither pandas nor lmms-eval is needed here::

    name: long
    benchmarks:
      - short: MLVU                          # its name in the runs table
        scores: {mlvu_dev: mlvu_perception_score}
        top: 100
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.parsing import read_yaml

DESIGN = (*FACTORS, "train_examples", "seed")
JUDGE_SUFFIX = "_judge.json"  # what the launcher keeps of the judge, beside *_results.json
FOLDER = DATA_FOLDER / "suites"


class SuiteError(ValueError):
    """A suite that cannot be used: names the file, the field, what is wrong and the fix."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: its name in the runs table, in words, and in lmms-eval.

    Parameters
    ----------
    short : str
        Its name in the runs table's column ``task``.
    scores : tuple of (task, metric) pairs
        The metrics of lmms-eval whose plain mean is its score. In a file: task -> metric, or
        task -> list of metrics.
    top : float
        The largest value of such a metric; scores are rescaled from (0, top) to (0, 100).
    task : str
        What ``--tasks`` takes, a task or a group of tasks; the first of ``scores`` if not given.
    name, kind : str
        The benchmark and its sort of question in words.
    judged : bool
        Whether a language model judges the answers.
    folder : str
        Where its videos are, under ``HF_HOME``; empty where its task file says.
    question_top : float, optional
        The largest score of one question, on which lmms-eval counts standard errors by cluster
        (``_stderr_clustered``, ``_stderr_clt``): ``top`` if not given, None for no such errors.
    """

    short: str
    scores: tuple[tuple[str, str], ...]
    top: float
    task: str
    name: str
    kind: str = ""
    judged: bool = False
    folder: str = ""
    question_top: float | None = None


def list_suites() -> tuple[str, ...]:
    """The names of the suites that come with the package, in alphabetical order.

    >>> {"mini", "paper"} <= set(list_suites())
    True
    """
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def _text(fields: dict, name: str, default: str, label: str) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise SuiteError(f"{label}: {name} must be text, got {_kind(value)}; put quotes around it")
    return value


def _positive(value: object, name: str, label: str) -> int | float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= sys.float_info.max:  # YAML's own counts have no end
        raise SuiteError(
            f"{label}: {name} must be a positive number, got {_kind(value)}; correct it"
        )
    return value


def _kind(value: object) -> str:
    """What a value of a YAML file is, in a word; it may be too large to show."""
    if value is None:
        return "nothing"
    if isinstance(value, str | int | float):
        return repr(value)[:60]
    return {dict: "a mapping", list: "a list"}.get(type(value), type(value).__name__)


def _pairs(scores: object, label: str) -> Iterator[tuple[str, str]]:
    """The (task, metric) pairs of a mapping from tasks to a metric or a list of them."""
    if not isinstance(scores, dict) or not scores:
        raise SuiteError(f"{label}: scores must map tasks to metrics, got {_kind(scores)}")
    for task, metrics in scores.items():
        for metric in metrics if isinstance(metrics, list) else [metrics]:
            if not isinstance(task, str) or not isinstance(metric, str) or not task or not metric:
                found = f"{_kind(task)}: {_kind(metric)}"
                raise SuiteError(f"{label}: scores must map tasks to metrics, got {found}")
            yield task, metric


def _benchmark(fields: object, label: str) -> Benchmark:
    if not isinstance(fields, dict):
        raise SuiteError(f"{label} must be a mapping, got {_kind(fields)}")
    allowed = Benchmark.__dataclass_fields__
    unknown = [_kind(name) for name in fields if name not in allowed]
    missing = [name for name in ("short", "scores", "top") if name not in fields]
    if unknown or missing:
        what = f"lacks {', '.join(missing)}" if missing else f"has an unknown {unknown[0]}"
        raise SuiteError(f"{label} {what}; its fields are {', '.join(allowed)}")
    short = _text(fields, "short", "", label)
    if not short.strip() or short == "avg":
        raise SuiteError(f"{label}: short must be a name other than 'avg', got {short!r}")
    scores = tuple(_pairs(fields["scores"], label))
    top = _positive(fields["top"], "top", label)
    question_top = fields.get("question_top", top)
    if question_top is not None:
        question_top = _positive(question_top, "question_top", label)
    if not isinstance(fields.get("judged", False), bool):
        raise SuiteError(f"{label}: judged must be true or false, got {_kind(fields['judged'])}")
    return Benchmark(
        short=short,
        scores=scores,
        top=top,
        task=_text(fields, "task", scores[0][0], label),
        name=_text(fields, "name", short, label),
        kind=_text(fields, "kind", "", label),
        judged=fields.get("judged", False),
        folder=_text(fields, "folder", "", label),
        question_top=question_top,
    )


def _read(source: str | Path) -> tuple[Path, object]:
    """The file of a suite and what it holds."""
    path = FOLDER / f"{source}.yaml" if str(source) in list_suites() else Path(source)
    if not path.is_file():
        there = ", ".join(list_suites())
        raise SuiteError(f"{path}: no such file; give the path of a YAML, or one of {there}")
    return path, read_yaml(path, SuiteError, "correct it")


def load_suite(source: str | Path) -> tuple[Benchmark, ...]:
    """Read a suite: one that comes with the package by its name, or a YAML file of your own.

    Raises
    ------
    SuiteError
        For a file that is not there or no YAML, a missing, unknown or impossible field, and a
        name of a benchmark that stands there twice.

    Examples
    --------
    >>> [benchmark.short for benchmark in load_suite("paper")]
    ['VDC', 'AQA', 'VCG', 'LVB', 'PT', 'MV', 'VMME', 'NQA']
    """
    path, content = _read(source)
    if not isinstance(content, dict) or set(content) != {"name", "benchmarks"}:
        raise SuiteError(f"{path}: must give name and benchmarks, and nothing else; correct it")
    listed = content["benchmarks"]
    if not isinstance(listed, list) or not listed:
        raise SuiteError(f"{path}: benchmarks must be a list, got {_kind(listed)}")
    suite = tuple(_benchmark(b, f"{path}: benchmark {i}") for i, b in enumerate(listed, start=1))
    names = [benchmark.short for benchmark in suite]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SuiteError(f"{path}: short {twice[0]!r} stands there twice; give each its own")
    return suite


PAPER = load_suite("paper")
MINI = load_suite("mini")
