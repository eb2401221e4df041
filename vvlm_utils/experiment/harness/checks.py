"""What is looked at before the first second of an evaluation: checkpoint, tasks, key. No torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from math import isqrt
from pathlib import Path

from vvlm_utils.experiment.harness.judge import JUDGE_KEY, JUDGED_FOLDERS
from vvlm_utils.experiment.model.presets import get_preset
from vvlm_utils.files import read_mapping
from vvlm_utils.runs.suites import DESIGN, PAPER, Benchmark


class CheckpointError(ValueError):
    """A checkpoint that cannot be used: names the folder, what is wrong and the mend."""


class TaskError(ValueError):
    """A task that cannot be evaluated: names it, what is missing and the mend."""


def read_config(folder: Path) -> dict:
    """The configuration of a checkpoint of this project.

    Raises CheckpointError for a folder without one, of another model or of an unknown decoder.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder}: holds no config.json; name a saved model")
    config = read_mapping(folder / "config.json", CheckpointError, "save it again")
    if config.get("model_type") != "vvlm":
        raise CheckpointError(
            f"{folder}: a model of type {config.get('model_type')!r}, not 'vvlm'; "
            "name a folder that this project's training saved"
        )
    try:
        get_preset(config.get("preset"), config.get("lm"))
    except ValueError as unknown:
        raise CheckpointError(f"{folder}: {unknown}; save it from a known preset") from None
    return config


def find_record(folder: Path) -> dict:
    """The record of a checkpoint's run, in its folder or above it; empty where there is none.

    Raises CheckpointError for one that is damaged.
    """
    folder = Path(folder)
    for place in (folder / "record.json", folder.parent / "record.json"):
        if place.is_file():
            return read_mapping(place, CheckpointError, "save it again")
    return {}


def decoder_size(folder: Path) -> int:
    """Parameters of a checkpoint's decoder, x_N.

    Raises CheckpointError when configuration, preset and record are not of one decoder.
    """
    config, record = read_config(folder), find_record(folder)
    decoder = get_preset(config["preset"], config["lm"])[1]
    text = config.get("text_config", {})
    shape = text.get("hidden_size"), text.get("num_hidden_layers")
    if shape != (decoder.hidden, decoder.layers):
        raise CheckpointError(
            f"{folder}: its decoder is {shape[0]} wide with {shape[1]} layers, {decoder.name} is "
            f"{decoder.hidden} wide with {decoder.layers}; save it with its own configuration"
        )
    if record.get("lm_params", decoder.params) != decoder.params:
        raise CheckpointError(
            f"{folder}: its record is of a decoder of {record['lm_params']} parameters, its "
            f"weights are {decoder.name} with {decoder.params}; put those that belong together"
        )
    return decoder.params


def choose_design(folder: Path, given: dict[str, int | None]) -> dict[str, int]:
    """The design that a checkpoint is evaluated at: what is given, else what its record says.

    given : frames, tokens_per_frame, train_examples and seed, each none where it was not named
    Raises CheckpointError for a checkpoint at odds with itself, a design that is not known in
    full, or one that its tower cannot give.
    """
    size, stated = decoder_size(folder), {k: v for k, v in given.items() if v is not None}
    known = {"seed": 0} | find_record(folder) | stated | {"lm_params": size}
    missing = [name for name in DESIGN if name not in known]
    if missing:
        options = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise CheckpointError(f"{folder}: has no record of its {', '.join(missing)}; add {options}")
    design = {name: int(known[name]) for name in DESIGN}
    vision, tokens = read_config(folder)["vision_config"], design["tokens_per_frame"]
    most = (vision["image_size"] // vision["patch_size"]) ** 2
    if design["frames"] < 1 or tokens < 1 or isqrt(tokens) ** 2 != tokens or tokens > most:
        raise CheckpointError(
            f"{folder}: frames must be at least 1 and tokens_per_frame a perfect square of at most "
            f"{most}, got {design['frames']} and {tokens}; choose others"
        )
    return design


def own_tasks(folder: Path | None) -> dict[str, bool]:
    """Tasks in the YAML files of an ``--include_path``: their names, and whether one is judged."""
    found = {}
    for path in sorted(Path(folder).glob("**/*.yaml")) if folder else []:
        text = path.read_text()
        name = re.search(r"^(?:task|group):\s*['\"]?([\w-]+)", text, re.M)
        base = re.search(r"^include:\s*(\S+)", text, re.M)
        if name:
            found[name[1]] = bool(base) and Path(base[1]).parent.name in JUDGED_FOLDERS
    return found


def find_benchmark(name: str, suite: Sequence[Benchmark] = PAPER) -> Benchmark | None:
    """The benchmark of a suite that a task or a group of tasks is of; None for another task."""
    return next((b for b in suite if name in (b.task, *dict(b.scores))), None)


def check_key(name: str, judged: bool | None = None) -> None:
    """Refuse a task that a language model judges when the judge has no key.

    judged : whether it is, where the task is none of the paper's
    Raises TaskError naming the variable.
    """
    if judged is None:
        benchmark = find_benchmark(name)
        judged = bool(benchmark and benchmark.judged)
    if judged and not os.environ.get(JUDGE_KEY):
        raise TaskError(f"{name} is judged by a language model; set {JUDGE_KEY} in the environment")


def check_tasks(
    names: Iterable[str],
    include_path: Path | None = None,
    home: Path | None = None,
    suite: Sequence[Benchmark] = PAPER,
) -> None:
    """Refuse an unknown task, a judged one without its key, and one whose videos are not there.

    home : the folder under which lmms-eval's tasks look for videos; none to leave that open
    suite : the benchmarks whose tasks are known
    Raises TaskError.
    """
    own = own_tasks(include_path)
    for name in names:
        benchmark = find_benchmark(name, suite)
        if benchmark is None and name not in own:
            there = ", ".join([b.task for b in suite] + list(own))
            raise TaskError(f"unknown task {name!r}; choose among {there}, or add --include-path")
        check_key(name, own.get(name, bool(benchmark and benchmark.judged)))
        place = Path(home) / benchmark.folder if home and benchmark else None
        if place and not place.exists():
            raise TaskError(f"{name}: no {place}; put its videos there, or add --download")
