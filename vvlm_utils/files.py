"""Files and folders that appear complete or not at all, and JSON that is refused in one line.

A writer fills a hidden name beside the place, which then takes the place's own name. The hidden
name says which process writes it, so what a killed one left is removed by the next that writes in
the same folder, and what a living one still writes is left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from socket import gethostname

from vvlm_utils.parsing import read_text

DATA_FOLDER = Path(__file__).parent / "data"  # the measured numbers that come with the package
STDOUT = "-"  # what a user writes for standard output
HOST = re.sub(r"\W", "_", gethostname())[:30]
PART = re.compile(rf"\..*\.{HOST}-(\d+)-[0-9a-f]{{8}}\.part(\.\w+)?")
LONGEST = 40  # characters of a name that its part repeats: a file's name ends at 255 bytes


@contextmanager
def whole(path: str | Path, suffix: str = "") -> Iterator[Path]:
    """A name to write to, beside ``path``, that takes its place when all went well.

    The name is this writer's alone, so two that write one file do not meet: the later one stays.
    A symbolic link stays, and the file that it names is written. Standard output ("-"), a pipe
    and a character device are written to when all is ready, and never replaced.

    Parameters
    ----------
    path : the file
    suffix : ending of the name to write to, for a writer that looks at it: ".ipynb"

    Raises
    ------
    ValueError
        for what is no file, as ``find_place`` says
    """
    place = find_place(path)
    if place is None:
        with scratch_folder("stream") as folder:
            yield (part := folder / f"part{suffix}")
            _send(part, str(path))
        return
    _remove_leftovers(place.parent)
    part = _beside(place, suffix)
    try:
        yield part
        if place.exists():
            shutil.copymode(place, part)
        os.replace(part, place)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder to fill, beside ``path``, that takes its place when all went well.

    What stood there before is moved away first and removed last; where a kill comes between the
    two, the next writer in the same folder moves it back. A symbolic link to a folder stays.
    Raises ValueError where a file stands at ``path``.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_dir():
        raise ValueError(f"{path} is a file; name a folder")
    _remove_leftovers(place.parent)
    work = _beside(place)
    new, old = work / "new", work / "old"
    new.mkdir(parents=True)
    try:
        yield new
        if place.exists():
            old.mkdir()
            os.replace(place, old / place.name)
        os.replace(new, place)
    finally:
        _remove(work)


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """An empty temporary folder; it is removed at the end, or after a kill by the next one."""
    base = Path(tempfile.gettempdir())
    _remove_leftovers(base)
    folder = _beside(base / f"vvlm-{name}")
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _remove(folder)


def find_place(path: str | Path) -> Path | None:
    """The file to replace when a user names ``path`` as an output; None for a stream.

    A stream is standard output ("-", or whatever else names it), a pipe or a character device.
    Raises ValueError for a folder, a disk or a socket, and where the file's folder is not there
    or may not be written to.
    """
    if str(path) == STDOUT:
        return None
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as bad:  # a link to itself, a name too long, a NUL in it
        raise ValueError(f"{path}: no file can be written here ({bad})") from None
    if found and (stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode)):
        return None
    if found and stat.S_ISDIR(found.st_mode):
        raise ValueError(f"{path} is a folder; name a file")
    if found and not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is no file; name a file")
    if found and _is_stdout(found):
        return None
    if found and not os.access(path, os.W_OK):
        raise ValueError(f"{path} is read-only; name another file")
    place = Path(os.path.realpath(path))
    if not place.parent.is_dir():
        raise ValueError(f"{path}: there is no folder {place.parent}; make it first")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise ValueError(f"{path}: the folder {place.parent} may not be written to; name another")
    return place


def output_file(text: str) -> Path:
    """An ``--out`` of argparse: refused before any work where ``whole`` would refuse it."""
    try:
        find_place(text)
    except ValueError as bad:
        raise argparse.ArgumentTypeError(str(bad)) from None
    return Path(text)


def _is_stdout(found: os.stat_result) -> bool:
    try:
        return os.path.samestat(found, os.fstat(1))
    except OSError:  # standard output is closed
        return False


def _send(part: Path, path: str) -> None:
    """Write a finished file to a stream."""
    with part.open("rb") as content:
        if path == STDOUT or _is_stdout(os.stat(path)):
            sys.stdout.flush()
            shutil.copyfileobj(content, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with open(path, "wb") as stream:
                shutil.copyfileobj(content, stream)


def _beside(path: Path, suffix: str = "") -> Path:
    """A hidden name beside a path that says which process writes it."""
    writer = f"{HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(f".{path.name[:LONGEST]}.{writer}.part{suffix}")


@cache  # of many clips that a process writes into one folder, the first alone lists it
def _remove_leftovers(folder: Path) -> None:
    """Remove what killed processes of this machine left half written in a folder."""
    names = os.listdir(folder) if folder.is_dir() else []
    for name in names:
        part = PART.fullmatch(name)
        if part and not _is_alive(int(part[1])):
            for kept in (folder / name / "old").glob("*"):  # the kill came between two renames
                if not (folder / kept.name).exists():
                    os.replace(kept, folder / kept.name)
            _remove(folder / name)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _remove(path: Path) -> None:
    """Remove a file or a folder; what another user owns stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            pass


def read_json(path: Path, error: type[ValueError], mend: str) -> object:
    """What a JSON file holds; raises ``error`` with the mend where it cannot be read."""
    try:
        return json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as bad:
        raise error(f"{path}: not readable as JSON ({bad}); {mend}") from None


def read_mapping(path: Path, error: type[ValueError], mend: str) -> dict:
    """The mapping that a JSON file holds; raises ``error`` with the mend where it holds none."""
    content = read_json(path, error, mend)
    if not isinstance(content, dict):
        raise error(f"{path}: holds no mapping; {mend}")
    return content
