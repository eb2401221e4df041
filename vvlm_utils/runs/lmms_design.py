"""Which model a result of lmms-eval is of: its design, from what stands in and beside the file.

The design (``lm_params, frames, tokens_per_frame, train_examples, seed``) is looked for in this
order; what an earlier place states counts:

1. ``--model_args``, by these names or, for ``frames``, by those that lmms-eval's models take
   (``max_frames_num``, ``nframes`` and their relatives below);
2. a ``design.json`` beside the file; where it contradicts the arguments, the file is refused;
3. the ``record.json`` of the checkpoint that ``pretrained=...`` names, in its folder or above it.
   It says how the model was trained; it may be served at other frames and tokens.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

from vvlm_utils.cost.equation import LIMIT
from vvlm_utils.files import read_mapping
from vvlm_utils.runs.suites import DESIGN

# What lmms-eval's models call their frames, from 0.2 to 0.7: a number of frames, or the most of
# them, which is reached by every video that is long enough. The first kind counts before the other.
FRAME_COUNTS = (
    *("num_frames", "num_frame", "nframes", "num_video_frames", "num_segments"),
    "fixed_num_frames",
)
FRAME_LIMITS = (
    *("max_frames_num", "max_num_frames", "max_frame_num", "max_frames", "max_frames_for_video"),
    "video_max_frames",
)
RATES = ("fps", "video_fps", "target_fps")  # frames a second; no number of frames
# What else decides how many tokens a frame has; by rules of each model's own, so it is compared
# and not read.
TOKEN_ARGUMENTS = (
    *("mm_spatial_pool_stride", "miv_token_len", "max_pixels", "total_pixels", "max_soft_tokens"),
    *("token_merge_ratio", "resolution"),
)
# The argument that names the model, in lmms-eval's own order.
NAMES = (
    *("peft", "delta", "pretrained", "model", "model_version", "model_name", "model_id", "path"),
    "engine",
)


class ResultsError(ValueError):
    """Results that cannot be used: names the file, what is wrong and the fix, in one line."""


def show(value: object) -> str:
    """A value of a JSON file on one line, shortened."""
    try:
        text = repr(value)
    except RecursionError:
        text = f"a {type(value).__name__} without end"
    return text if len(text) <= 80 else f"{text[:77]}..."


def plain(name: str) -> str:
    """A name out of a JSON file, fit for one line."""
    return name if name.isprintable() and len(name) <= 200 else show(name)


def parse_model_args(model_args: str | dict | None) -> dict[str, object]:
    """The arguments of a model by name, from ``--model_args`` as text or as a mapping.

    >>> parse_model_args("pretrained=runs/a,frames=8")
    {'pretrained': 'runs/a', 'frames': '8'}
    """
    if isinstance(model_args, dict):
        return dict(model_args)
    pairs = (item.split("=", 1) for item in (model_args or "").split(",") if "=" in item)
    return {name.strip(): value.strip() for name, value in pairs}


def model_name(arguments: dict[str, object]) -> str:
    """What tells one model from another of the same design; empty where nothing names it."""
    named = [arguments[name] for name in NAMES if arguments.get(name)]
    return str(named[0]).rstrip("/") if named and isinstance(named[0], str) else ""


def token_arguments(arguments: dict[str, object]) -> dict[str, str]:
    """What is stated of a frame's tokens; empty where their number itself is."""
    if arguments.get("tokens_per_frame") is not None:
        return {}
    return {n: str(arguments[n])[:80] for n in TOKEN_ARGUMENTS if arguments.get(n) is not None}


def _number(value: object, name: str, label: str) -> float | None:
    """A stated number; None where nothing is stated."""
    if value is None or (isinstance(value, str) and value.strip() in ("", "None", "null")):
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        wanted = "a plain number, such as 7.5e9 or 196"
        raise ResultsError(f"{label}: {name} must be {wanted}, got {show(value)}; correct it")
    return number


def _stated(place: dict[str, object], label: str) -> dict[str, float]:
    """What a place states of the design by its own names."""
    found = {name: _number(place.get(name), name, label) for name in DESIGN}
    return {name: value for name, value in found.items() if value is not None}


def _frames(arguments: dict[str, object], label: str) -> tuple[str, float] | None:
    """The argument that says how many frames a model is shown, and their number."""
    for names in (FRAME_COUNTS, FRAME_LIMITS):
        found = {}
        for name in names:
            value = arguments.get(name)
            if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
                continue  # no number: "auto", "-1" for no limit
            number = _number(value, name, label)
            if number is not None and number > 0:
                found[name] = number
        if len(set(found.values())) > 1:
            both = " and ".join(f"{name}={value:g}" for name, value in found.items())
            raise ResultsError(
                f"{label}: its model_args state {both}, which contradict each other; "
                "state frames in them, or evaluate again with one of them"
            )
        if found:
            return next(iter(found.items()))
    return None


def _served(
    arguments: dict[str, object], label: str, say: Callable[[str], object]
) -> dict[str, tuple[str, float]]:
    """What the arguments state of the design: the argument's name and value, by our name."""
    served = {name: (name, value) for name, value in _stated(arguments, label).items()}
    frames = _frames(arguments, label)
    if frames and "frames" in served and frames[1] != served["frames"][1]:
        said = f"frames={served['frames'][1]:g} counts, not {frames[0]}={frames[1]:g}"
        say(f"{label}: its model_args state both; {said}")
    elif frames:
        served.setdefault("frames", frames)
        rate = next((name for name in RATES if arguments.get(name) not in (None, "None")), None)
        if rate:
            said = f"{rate}={show(arguments[rate])}, so short videos show fewer frames"
            say(f"{label}: its model_args state {said} than {frames[0]}={frames[1]:g}")
    return served


def _record(arguments: dict[str, object]) -> dict[str, object]:
    """The record of a checkpoint on this disk; empty where ``pretrained`` names none."""
    pretrained = arguments.get("pretrained")
    if not isinstance(pretrained, str) or not os.path.isdir(pretrained):
        return {}  # a name on a hub, which is no path even if it looks like one
    for folder in (Path(pretrained), Path(pretrained).parent):
        if (folder / "record.json").is_file():
            return read_mapping(folder / "record.json", ResultsError, "save it again")
    return {}


def _check(design: dict[str, float], label: str) -> None:
    """Refuse numbers that no design has."""
    for name, value in design.items():
        least = 0 if name == "seed" else 1
        counts = name in ("seed", "train_examples")
        if not least <= value < LIMIT or (counts and value % 1):
            kind = "whole number" if counts else "number"
            wanted = f"a {kind} of at least {least}, and below {LIMIT:g}"
            raise ResultsError(f"{label}: {name} must be {wanted}, got {value:g}; correct it")


def find_design(
    arguments: dict[str, object], path: Path, label: str, say: Callable[[str], object]
) -> dict[str, float]:
    """The design of the model that a file of results is of.

    Parameters
    ----------
    arguments : mapping
        What :func:`parse_model_args` gives.
    path : Path
        The file; ``design.json`` is looked for beside it.
    label : str
        The file's name in messages.
    say : callable
        Called with each note: which of two arguments counts, and what frames a second mean.

    Raises
    ------
    ResultsError
        For a design that is not known in full, is no plain numbers, or is stated twice with
        different values.
    """
    beside = path.with_name("design.json")
    known = {"seed": 0.0} | _stated(_record(arguments), f"{label}: its checkpoint's record.json")
    served, given = _served(arguments, label, say), {}
    if beside.is_file():
        given = _stated(read_mapping(beside, ResultsError, "correct it"), str(beside))
    for name, (argument, value) in served.items():
        if name in given and given[name] != value:
            raise ResultsError(
                f"{label}: {argument}={value:g} in its model_args contradicts "
                f"{name}={given[name]:g} of {beside}; correct one, or take {name} out of that file"
            )
    known |= given | {name: value for name, (_, value) in served.items()}
    missing = [name for name in DESIGN if name not in known]
    if missing:
        raise ResultsError(
            f"{label}: {', '.join(missing)} not stated in its model_args; "
            "write a design.json beside it that does"
        )
    _check(known, label)
    return {name: known[name] for name in DESIGN}
