"""Reading the conversation format of video instruction data: LLaVA's, LLaVA-Video's and our clips'.

An index is a JSON list, or a ``.jsonl`` file with a record a line. A record names a video and
holds turns that alternate between human and gpt; ``clips.py`` shows one. No torch here, and no
codec: a video is looked for, not opened.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from vvlm_utils.experiment.world.questions import FAMILIES, Question

MARKS = ("<image>\n", "<video>\n")  # where the video stands in a first question


class ClipError(ValueError):
    """An index that cannot be used: names the file, the record and the mend."""


def load_records(path: Path) -> list:
    """The records of an index, unchecked.

    Raises ClipError for a file that is missing, damaged or no list.
    """
    path = Path(path)
    try:
        text = path.read_text()
        lines = path.suffix == ".jsonl"
        records = [json.loads(x) for x in text.splitlines() if x] if lines else json.loads(text)
    except FileNotFoundError:
        raise ClipError(f"{path}: no such index; write the clips first") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as bad:
        raise ClipError(f"{path}: not readable as JSON ({bad}); write the clips again") from None
    if not isinstance(records, list):
        raise ClipError(f"{path}: must be a list of records; write the clips again")
    return records


def media_of(record: dict) -> str:
    """The video, or the image, that a record is about."""
    return record["image"] if "image" in record else record["video"]


def fault_of(record: dict, videos: Path) -> str | None:
    """What is wrong with a record, or none: a field that is missing, turns, or its video."""
    try:
        speakers = [turn["from"] for turn in record["conversations"]]
        video = videos / media_of(record)
    except (KeyError, TypeError) as missing:
        return f"lacks {missing}"
    if not speakers or speakers != ["human", "gpt"] * (len(speakers) // 2):
        return f"turns must alternate human, gpt; got {speakers}"
    return None if video.is_file() else f"no video {video.name}"


def read_index(path: Path, count: int | None = None) -> list[dict]:
    """Read an index of conversations; its first ``count`` records when a count is given.

    Raises ClipError for a missing or damaged file, a record without video or with turns out of
    order, a missing video, or fewer records than asked for.
    """
    path = Path(path)
    records = load_records(path)
    if count is not None and count > len(records):
        raise ClipError(f"{path}: holds {len(records)} clips, {count} asked; write more clips")
    for number, record in enumerate(records[:count]):
        name = record.get("id", f"record {number}") if isinstance(record, dict) else number
        fault = fault_of(record, path.parent)
        if fault:
            raise ClipError(f"{path}: {name}: {fault}; write the clips again")
    return records[:count]


def questions_of(record: dict) -> list[Question]:
    """The questions of an index record."""
    turns = [turn["value"] for turn in record["conversations"]]
    asked = [_without_mark(value).split() for value in turns[::2]]
    families = record.get("families", FAMILIES[: len(asked)])
    levels = record.get("levels", [np.nan] * len(asked))
    said = [("", *value.split())[-2:] for value in turns[1::2]]
    return [
        Question(family, tuple(words), answer, level, via)
        for family, words, (via, answer), level in zip(families, asked, said, levels, strict=True)
    ]


def _without_mark(value: str) -> str:
    for mark in MARKS:
        value = value.removeprefix(mark)
    return value
