"""Reading the conversation format of video instruction data: LLaVA's, LLaVA-Video's and our clips'.

An index is a JSON list, or a JSON Lines file with a record per line. A record names a video or an
image below a folder, and holds turns that alternate between human and gpt; ``clips.py`` shows one.
What is checked is one list of rules for the check, the sample and the training, and each fault has
a kind and the record that shows it. No torch here, and no codec: ``media`` looks at the files.
"""

from __future__ import annotations

import json
import os.path
import reprlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vvlm_utils.experiment.world.media import fault_of_file, faults_of_files
from vvlm_utils.experiment.world.questions import FAMILIES, Question

MARKS = ("<image>", "<video>")  # where a text says that the video stands; here it stands first
MEDIA = ("video", "image")
LINES = (".jsonl", ".ndjson")
BRIEF = reprlib.Repr()  # quotes a value in one short line
BRIEF.maxstring = 120


class ClipError(ValueError):
    """An index that cannot be used: names the file, the record and the fix, in one line."""


class Fault(NamedTuple):
    """What is wrong with a record: a kind that others share, and what this one says."""

    kind: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.said}" if self.said else self.kind


def load_records(path: Path) -> list:
    """The records of an index, unchecked: a JSON list, or JSON Lines by the file's ending.

    Any of JSON's encodings, with or without a byte order mark. Raises ClipError for a file that is
    missing, damaged or no list.
    """
    path = Path(path)
    if not path.is_file():
        raise ClipError(f"{path}: no such index; write the clips first, or name another file")
    try:
        content = path.read_bytes()
        text = content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
        records = _parse_lines(text) if path.suffix.lower() in LINES else json.loads(text)
    except (OSError, ValueError, RecursionError) as bad:
        raise ClipError(f"{path}: not readable as JSON ({bad}); replace the file") from None
    if not isinstance(records, list):
        raise ClipError(f"{path}: must be a list of records; replace the file")
    return records


def _parse_lines(text: str) -> list:
    """The values of JSON Lines, one per line; lines of white space are passed over."""
    records = []
    for number, line in enumerate(text.split("\n"), start=1):  # other line ends may stand in a text
        if line.strip():
            try:
                records.append(json.loads(line))
            except ValueError as bad:
                raise ValueError(f"line {number}: {bad}") from None
    return records


def media_key(record: dict) -> str:
    """Which field of a checked record names its video or image."""
    return next(key for key in MEDIA if record.get(key) is not None)


def media_of(record: dict) -> str:
    """The video, or the image, that a checked record is about."""
    return record[media_key(record)]


def fault_of(record: object, videos: Path, root: Path | None = None) -> Fault | None:
    """What is wrong with a record itself, or none; its file is not looked for.

    videos : what its video is relative to; root : the folder that holds all, by default the same
    """
    if not isinstance(record, dict):
        return Fault("a record must be a mapping", BRIEF.repr(record))
    named = [key for key in MEDIA if record.get(key) is not None]
    if len(named) != 1:
        return Fault("lacks 'video'" if not named else "names a video and an image; leave one out")
    key, name = named[0], record[named[0]]
    if not isinstance(name, str) or not name.strip():
        kind = "a list" if isinstance(name, list) else "no name"
        return Fault(f"{key} is {kind}; name one file", BRIEF.repr(name))
    inside, around = (
        os.path.abspath(path) for path in (os.path.join(videos, name), root or videos)
    )
    if inside == os.path.abspath(videos) or not Path(inside).is_relative_to(around):
        kind = f"{key} lies outside the root; move it there and name it relative to its folder"
        return Fault(kind, BRIEF.repr(name))
    return _fault_of_turns(record)


def _fault_of_turns(record: dict) -> Fault | None:
    turns = record.get("conversations")
    if turns is None:
        return Fault("lacks 'conversations'")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return Fault("conversations must be a list of turns", BRIEF.repr(turns))
    speakers = [turn.get("from") for turn in turns]
    if not speakers or speakers != ["human", "gpt"] * (len(speakers) // 2):
        return Fault("turns must alternate human, gpt", f"got {BRIEF.repr(speakers)}")
    for number, turn in enumerate(turns):
        value = turn.get("value")
        if not isinstance(value, str):
            what = "lacks 'value'" if "value" not in turn else f"is {json.dumps(value):.40}"
            return Fault("a turn without a text", f"turn {number} {what}")
        if number % 2 and not value.strip():
            return Fault("an empty answer", f"turn {number}")
    return None


def check_records(
    records: Sequence,
    videos: Path,
    root: Path | None = None,
    look: Callable[[Path], str | None] = fault_of_file,
    progress: bool = True,
) -> list[Fault | None]:
    """What is wrong with each record, its video included; each file is looked at once.

    look : says what is wrong with a file, or none
    """
    faults = [fault_of(record, videos, root) for record in records]
    places = [
        None if fault else Path(videos) / media_of(record)
        for record, fault in zip(records, faults, strict=True)
    ]
    bad = faults_of_files((place for place in places if place), look, progress)
    return [
        Fault(bad[place], BRIEF.repr(media_of(record))) if place in bad else fault
        for record, place, fault in zip(records, places, faults, strict=True)
    ]


def name_of(record: object, number: int) -> str:
    """A record's number in its index, from 0, and its id where it has one."""
    own = record.get("id") if isinstance(record, dict) else None
    return f"record {number}" if own is None else f"record {number} (id {BRIEF.repr(own)})"


def read_index(
    path: Path, count: int | None = None, root: Path | None = None, progress: bool = True
) -> list[dict]:
    """Read an index of conversations; its first ``count`` records, so that counts are nested.

    root : the folder of the videos, by default the index's own
    Raises ClipError for a missing or damaged file, a record that ``check_records`` finds wrong, or
    fewer records than asked for.
    """
    path = Path(path)
    folder, records = Path(root or path.parent), load_records(path)
    if count is not None and count > len(records):
        raise ClipError(f"{path}: holds {len(records)} records, {count} asked; write more")
    records = records[:count]
    for number, fault in enumerate(check_records(records, folder, progress=progress)):
        if fault:
            name = name_of(records[number], number)
            raise ClipError(f"{path}: {name}: {fault}, below {folder}; replace what is named")
    return records


def without_marks(text: str) -> str:
    """A question without the marks that say where its video stands."""
    for mark in MARKS:
        text = text.replace(mark, "")
    return text.strip()


def questions_of(record: dict) -> list[Question]:
    """The questions of a checked record; families and levels are those of our clips.

    Raises ClipError where those do not fit the turns.
    """
    turns = [turn["value"] for turn in record["conversations"]]
    asked = [without_marks(value).split() for value in turns[::2]]
    families = record.get("families", FAMILIES[: len(asked)])
    levels = record.get("levels", [np.nan] * len(asked))
    for name, each in (("families", families), ("levels", levels)):
        if not isinstance(each, list | tuple) or len(each) != len(asked):
            raise ClipError(f"{name} must list one per question, got {BRIEF.repr(each)}")
    said = [("", *value.split())[-2:] for value in turns[1::2]]
    return [
        Question(family, tuple(words), answer, level, via)
        for family, words, (via, answer), level in zip(families, asked, said, levels, strict=True)
    ]
