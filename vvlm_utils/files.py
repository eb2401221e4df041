"""Files that appear whole or not at all, and JSON that is refused in one line."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DATA_FOLDER = Path(__file__).parent / "data"  # the measured numbers that come with the package


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A name to write to, beside ``path``, that takes its place when all went well.

    The name is this writer's alone, so two that write one file do not meet: the later one stays.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_json(path: Path, error: type[ValueError], mend: str) -> object:
    """What a JSON file holds; raises ``error`` with the mend where it cannot be read."""
    try:
        return json.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as bad:
        raise error(f"{path}: not readable as JSON ({bad}); {mend}") from None


def read_mapping(path: Path, error: type[ValueError], mend: str) -> dict:
    """The mapping that a JSON file holds; raises ``error`` with the mend where it holds none."""
    content = read_json(path, error, mend)
    if not isinstance(content, dict):
        raise error(f"{path}: holds no mapping; {mend}")
    return content
