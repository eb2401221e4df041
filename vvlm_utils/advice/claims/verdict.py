"""A verdict on a claim: its parts, and the word that follows from them.

A part is supported (True), contradicted (False) or open (None). An interval that holds both sides
of a bound leaves its part open: what is not shown is not refuted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vvlm_utils.text import true_minus

HOLDS, IN_PART, FAILS = "holds", "holds in part", "does not hold"
UNDECIDED = "undecided by these runs"
WORDS = (HOLDS, IN_PART, FAILS, UNDECIDED)
LISTED = 5  # parts that a sentence names; more are counted
CLAIMS = tuple(f"C{number}" for number in range(1, 15))


@dataclass(frozen=True)
class Verdict:
    """What the runs say of one claim.

    claim : "C1" to "C14"
    word : one of ``WORDS``
    ours, theirs : the numbers behind it and what the paper says, as the pages show them
    parts : what had to be shown -> supported (True), contradicted (False), open (None)
    rule : how the parts are decided, in a sentence
    """

    claim: str
    word: str
    ours: str
    theirs: str
    parts: Mapping[str, bool | None]
    rule: str

    def found(self) -> str:
        """What was found of the parts, in a sentence or two.

        >>> decide("C9", {"all grow": True, "at different rates": None}, "", "", "").found()
        'Shown: all grow. Open: at different rates.'
        """
        said = []
        for name, answer in (("Shown", True), ("Open", None), ("Contradicted", False)):
            parts = [part for part, found in self.parts.items() if found is answer]
            listed = "; ".join(parts) if len(parts) <= LISTED else self._counted(len(parts))
            said += [f"{name}: {listed}."] if parts else []
        return " ".join(said)

    def _counted(self, count: int) -> str:
        return f"{count} of the {len(self.parts)} parts"

    def texts(self) -> dict[str, str]:
        """What a chapter glues: c03_verdict, _found, _ours, _theirs and _rule for claim C3."""
        key = f"c{int(self.claim[1:]):02d}"
        shown = {"verdict": self.word, "found": self.found(), "ours": self.ours}
        shown |= {"theirs": self.theirs, "rule": self.rule}
        return {f"{key}_{name}": true_minus(text) for name, text in shown.items()}


def grade(parts: Iterable[bool | None]) -> str:
    """The word that follows from a claim's parts.

    It holds if all are supported, and in part if some are. With none supported, it does not hold
    if one is contradicted, and is undecided otherwise.

    >>> grade([True, None]), grade([None, False]), grade([None, None])
    ('holds in part', 'does not hold', 'undecided by these runs')
    """
    parts = list(parts)
    if not parts:
        raise ValueError("a claim has at least one part; name what has to be shown")
    if any(parts):
        return HOLDS if all(parts) else IN_PART
    return FAILS if False in parts else UNDECIDED


def decide(
    claim: str, parts: Mapping[str, bool | None], ours: str, theirs: str, rule: str
) -> Verdict:
    """Make the verdict whose word follows from its parts."""
    if claim not in CLAIMS:
        raise ValueError(f"claim must be one of C1 to C14, got {claim!r}")
    plain = {name: None if part is None else bool(part) for name, part in parts.items()}
    return Verdict(claim, grade(plain.values()), ours, theirs, plain, rule)


def above(interval: Mapping, bound: float = 0.0) -> bool | None:
    """Whether an interval (``low``, ``high``) lies above a bound; None where it holds it.

    >>> above({"low": 0.1, "high": 2.0}), above({"low": -1.0, "high": 2.0})
    (True, None)
    """
    if interval["low"] > bound:
        return True
    return False if interval["high"] < bound else None


def below(interval: Mapping, bound: float = 0.0) -> bool | None:
    """Whether an interval lies below a bound; None where it holds it."""
    other = above(interval, bound)
    return None if other is None else not other


def both(*parts: bool | None) -> bool | None:
    """Whether all are supported; contradicted if one is."""
    if False in parts:
        return False
    return None if None in parts else True


def either(*parts: bool | None) -> bool | None:
    """Whether one is supported; contradicted only if all are."""
    if True in parts:
        return True
    return None if None in parts else False
