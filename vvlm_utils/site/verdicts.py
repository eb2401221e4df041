"""The verdicts that executed chapters show, against the words that the package keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import nbformat

from vvlm_utils.advice.claims.kept import VERDICTS, check_words
from vvlm_utils.chapters.glued import read_glued

GLUED = re.compile(r"c\d\d_\w+")


def texts_of(notebook: Path) -> dict[str, str]:
    """What an executed chapter glues of its verdicts, by name: c01_verdict, c01_ours and so on."""
    glued = read_glued(nbformat.read(notebook, as_version=4).cells)
    return {name: text for name, text in glued.items() if GLUED.fullmatch(name)}


def words_of(notebook: Path) -> dict[str, str]:
    """The verdicts that an executed chapter glues: claim -> word."""
    texts = texts_of(notebook)
    return {f"C{int(name[1:3])}": texts[name] for name in texts if name.endswith("_verdict")}


def check_chapters(notebooks: Iterable[Path], path: Path = VERDICTS) -> None:
    """Refuse chapters whose verdicts are not the kept ones; raises ``VerdictError``."""
    found: dict[str, str] = {}
    for notebook in notebooks:
        found |= words_of(notebook)
    if found:
        check_words(found, path)
