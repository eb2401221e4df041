"""What a file is, by its size and first bytes: enough to tell a video from an error page.

No codec here: what passes may still fail to decode. A folder of pictures is a video of frames, as
LLaVA-Hound is published. Of an mp4 the index (``moov``) is looked for and whether it lists video.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Event

from vvlm_utils.progress import bar

PICTURES = (".jpg", ".jpeg", ".png")
FIRST = 512  # bytes
BEGINNINGS = (  # what is no video, by how it begins
    (b"version https://git-lfs", "a git-lfs pointer (run git lfs pull)"),
    (b"ID3", "a sound file"),
    (b"fLaC", "a sound file"),
    (b"PK\x03\x04", "an archive (unpack it)"),
    (b"\x1f\x8b", "an archive (unpack it)"),
    (b"%PDF", "a document"),
)
WEB = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
VIDEO_TRACK = re.compile(rb"hdlr.{8}(vide|pict)|cmov", re.DOTALL)  # cmov: a packed index
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def pictures_in(folder: Path) -> list[Path]:
    """The frames of a folder, in the order of the numbers in their names."""
    found = [
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()
    ]
    return sorted(found, key=lambda path: (_numbers_apart(path.name), path.name))


def _numbers_apart(name: str) -> list[str | int]:
    parts = re.split(r"([0-9]+)", name.lower())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def fault_of_file(path: Path) -> str | None:
    """Why a file, or a folder of frames, is no video, or none where nothing speaks against it."""
    try:
        if path.is_dir():
            return _fault_of_folder(path)
        if not path.is_file():
            return "video not there"
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(FIRST)
            other = kind_of_bytes(first, size)
            return f"{other} and no video" if other else _fault_of_boxes(file, first, size)
    except (OSError, ValueError) as unread:  # no permission, or a name that no file can have
        reason = getattr(unread, "strerror", None) or "a name that no file can have"
        return f"video not readable ({reason})"


def _fault_of_folder(folder: Path) -> str | None:
    """Why a folder is no video: each of its frames is looked at."""
    pictures = pictures_in(folder)
    if not pictures:
        return "a folder without .jpg, .jpeg or .png frames"
    for picture in pictures:
        with picture.open("rb") as file:
            other = kind_of_bytes(file.read(FIRST), picture.stat().st_size)
        if other:
            return f"a folder with a frame that is {other} and no picture"
    return None


def kind_of_bytes(first: bytes, size: int) -> str | None:
    """What a file is, by its size and first bytes, where that is neither video nor picture."""
    if not size:
        return "an empty file"
    for beginning, what in BEGINNINGS:
        if first.startswith(beginning):
            return what
    if first[:4] == b"RIFF" and first[8:12] == b"WAVE":
        return "a sound file"
    if first[257:262] == b"ustar":
        return "an archive (unpack it)"
    if not first.strip(b"\0"):
        return "zeros alone, as an unfinished download leaves,"
    if WEB.match(first):
        return "a web page"
    return "a text" if _is_text(first) else None


def _is_text(first: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)  # a letter may be cut in two
    except UnicodeDecodeError:
        return False
    return not CONTROL.search(first)


def _fault_of_boxes(file, first: bytes, size: int) -> str | None:
    """What an mp4 or mov lacks: its boxes are a length, a name and a body, one after the other."""
    if first[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return None
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:  # a length beyond 32 bits follows the name
            length = int.from_bytes(head[8:16], "big")
        if name == b"moov":
            file.seek(at)
            return None if VIDEO_TRACK.search(file.read(length or size)) else "sound and no video"
        if name == b"meta":
            return None  # a picture, as HEIC and AVIF are
        if length < 8:
            break
        at += length
    return "an mp4 without its index, as an unfinished download leaves"


def faults_of_files(
    paths: Iterable[Path],
    look: Callable[[Path], str | None] = fault_of_file,
    progress: bool = True,
) -> dict[Path, str]:
    """What is wrong with files, each looked at once, by a worker per core.

    look : returns a path's fault or none
    """
    paths = list(dict.fromkeys(paths))
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    over = Event()
    with ThreadPool(workers) as pool:
        found = pool.imap(partial(_look, look, over), paths, chunksize=16)
        try:
            faults = dict(bar(found, "looking at clips", total=len(paths), show=progress))
        finally:
            over.set()  # after Ctrl-C, the workers leave the rest of their share
    return {path: fault for path, fault in faults.items() if fault}


def _look(look: Callable[[Path], str | None], over: Event, path: Path) -> tuple[Path, str | None]:
    return path, None if over.is_set() else look(path)
