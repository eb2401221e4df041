"""Text, YAML and JSON of a user's files, read with bounded memory or refused in one line."""

from __future__ import annotations

import stat
from pathlib import Path

import yaml

MOST_TEXT = 32_000_000  # bytes of a JSON file: a large bag of refits has 1% of it
MOST_YAML = 256_000  # bytes
MOST_DEPTH = 50  # of lists and mappings within one another
MOST_NODES = 100_000  # once every alias stands for what it names


def read_text(path: str | Path, most: int = MOST_TEXT) -> str:
    """The UTF-8 text of a regular file of at most so many bytes, without a byte-order mark.

    Raises OSError or ValueError, in one line, for anything else: a device, a pipe, a folder.
    """
    path = Path(path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
        raise ValueError(f"it is {kind}, not a file")
    if status.st_size > most:
        raise ValueError(f"it holds {status.st_size:,} bytes, and at most {most:,} are read")
    with path.open("rb") as file:
        return file.read(most + 1).decode("utf-8-sig")


def _check_size(text: str) -> None:
    """Refuse YAML that nests too deep, or whose aliases stand for too much, without expanding it.

    The parser's events come one by one, so nothing grows. An alias counts as large as its anchor.
    """
    open_nodes: list[list] = []  # [anchor, nodes so far] of the collections around an event
    sizes: dict[str, int] = {}  # of anchors whose node is complete
    total = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append([anchor, 0])
            if len(open_nodes) > MOST_DEPTH:
                raise ValueError(f"it nests more than {MOST_DEPTH} deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
            size += 1
        elif isinstance(event, yaml.AliasEvent):
            if anchor not in sizes:
                raise ValueError(f"its alias *{anchor} names nothing, or what it is part of")
            size, anchor = sizes[anchor], None
        elif isinstance(event, yaml.ScalarEvent):
            size = 1
        else:
            continue
        if anchor:
            sizes[anchor] = size
        if open_nodes:
            open_nodes[-1][1] += size
        total = max(total, size, *(nodes for _, nodes in open_nodes))
        if total > MOST_NODES:
            raise ValueError(f"its aliases stand for more than {MOST_NODES:,} values")


def parse_yaml(text: str) -> object:
    """What YAML holds; ValueError in one line where it is none, too deep or without end."""
    try:
        _check_size(text)
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as bad:
        line = getattr(getattr(bad, "problem_mark", None), "line", None)
        reason = getattr(bad, "problem", None) or str(bad).splitlines()[0]
        where = "" if line is None else f"line {line + 1}: "
        raise ValueError(f"{where}{reason}") from None


def read_yaml(path: str | Path, error: type[ValueError], hint: str) -> object:
    """What a YAML file holds; raises ``error`` with the hint where it cannot be read.

    At most ``MOST_YAML`` bytes, ``MOST_DEPTH`` levels and ``MOST_NODES`` values once aliases are
    expanded; memory stays bounded whatever the file asks for.
    """
    try:
        return parse_yaml(read_text(path, MOST_YAML))
    except (OSError, ValueError, RecursionError) as bad:
        raise error(f"{path}: not readable as YAML ({bad}); {hint}") from None
