"""What is looked at before the first second of an evaluation: checkpoint, tasks, key. No torch."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from math import isqrt
from pathlib import Path

from vvlm_utils.experiment.judge import JUDGED_FOLDERS, KEY
from vvlm_utils.experiment.presets import get_preset
from vvlm_utils.suites import DESIGN, SUITES


class CheckpointError(ValueError):
    """A checkpoint that cannot be used: names the folder, what is wrong and the mend."""


class TaskError(ValueError):
    """A task that cannot be evaluated: names it, what is missing and the mend."""


def read_config(folder: Path) -> dict:
    """The configuration of a checkpoint of this project.

    Raises CheckpointError for a folder without one, of another model or of an unknown decoder.
    """
    folder = Path(folder)
    try:
        config = json.loads((folder / "config.json").read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{folder}: holds no config.json; name a saved model") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as bad:
        raise CheckpointError(
            f"{folder}/config.json: not readable ({bad}); save it again"
        ) from None
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
    """The record of a checkpoint's run, in its folder or above it; empty where there is none."""
    folder = Path(folder)
    for place in (folder / "record.json", folder.parent / "record.json"):
        if place.is_file():
            return json.loads(place.read_text())
    return {}


def choose_design(folder: Path, given: dict[str, int | None]) -> dict[str, int]:
    """The design that a checkpoint is evaluated at: what is given, else what its record says.

    given : frames, tokens_per_frame, train_examples and seed, each none where it was not named
    Raises CheckpointError for a record of another decoder, a design that is not known in full, or
    one that the tower cannot give.
    """
    config, record = read_config(folder), find_record(folder)
    decoder = get_preset(config["preset"], config["lm"])[1]
    own = record.get("lm_params", decoder.params)
    if own != decoder.params:
        raise CheckpointError(
            f"{folder}: its record is of a decoder of {own} parameters, its configuration of "
            f"{config['lm']} with {decoder.params}; put the two that belong together side by side"
        )
    stated = {name: value for name, value in given.items() if value is not None}
    design = {"seed": 0} | record | stated | {"lm_params": decoder.params}
    missing = [name for name in DESIGN if name not in design]
    if missing:
        options = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise CheckpointError(f"{folder}: has no record of its {', '.join(missing)}; add {options}")
    design = {name: int(design[name]) for name in DESIGN}
    vision = config["vision_config"]
    most = (vision["image_size"] // vision["patch_size"]) ** 2
    tokens = design["tokens_per_frame"]
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


def check_tasks(names: Iterable[str], include_path: Path | None = None) -> None:
    """Refuse a task that is not known, and a judged one without the judge's key.

    Raises TaskError.
    """
    known = {b.task: b.judged for suite in SUITES.values() for b in suite}
    known |= {task: b.judged for suite in SUITES.values() for b in suite for task, _ in b.scores}
    known.pop("vvlm_mini", None)  # its YAML file is written with its clips
    own = own_tasks(include_path)
    for name in names:
        if name not in known | own:
            there = ", ".join([b.task for b in SUITES["paper"]] + list(own))
            raise TaskError(f"unknown task {name!r}; choose among {there}, or name --include-path")
        if (known | own)[name] and not os.environ.get(KEY):
            raise TaskError(f"{name} is judged by a language model; set {KEY} in the environment")
