"""Today's words for the paper's runs, kept in a file, and what refuses others.

The package's face does not hand these on: a chapter would then rest on the file that its own
verdict is held against, and run again whenever a word is changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from vvlm_utils.advice.claims.verdict import CLAIMS, WORDS
from vvlm_utils.files import DATA_FOLDER

VERDICTS = DATA_FOLDER / "verdicts.json"


class VerdictError(ValueError):
    """Raised when chapters and the file of verdicts disagree."""


def load_verdicts(path: Path = VERDICTS) -> dict[str, str]:
    """The kept words, claim -> word, for the paper's runs at the chapters' own parameters."""
    kept = json.loads(Path(path).read_text())
    unknown = {claim: word for claim, word in kept.items() if word not in WORDS}
    if unknown or tuple(kept) != CLAIMS:
        raise VerdictError(
            f"{path}: must map C1 to C14, in order, to {', '.join(WORDS)}; "
            f"got {unknown or tuple(kept)}"
        )
    return kept


def check_words(found: Mapping[str, str], path: Path = VERDICTS) -> None:
    """Refuse words, claim -> word, that are not the kept ones.

    Raises
    ------
    VerdictError
        Naming both words of every claim that differs, and the way out.
    """
    kept = load_verdicts(path)
    moved = [
        f"{claim}: the chapters find {word!r}, {Path(path).name} keeps {kept.get(claim)!r}"
        for claim, word in found.items()
        if word != kept.get(claim)
    ]
    if moved:
        raise VerdictError(
            "; ".join(moved) + f". If the change is meant, write the new word into {path} and its "
            "reason into CHANGELOG.md; if not, find what moved it"
        )
