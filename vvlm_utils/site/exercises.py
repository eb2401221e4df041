"""Exercises: their grades, and answers that can be checked and not read.

``check("ex-arc", 0.3)`` says *right* or *not yet*. The file ``data/answers.json`` holds a salted
hash of every answer, made slow on purpose, so that reading the file tells nothing; whoever tries
all numbers of three digits will still find them. A number is compared to three significant
digits, a text without regard to case and spaces. Each solution ends by checking its own answer,
so an answer that has moved fails the build; ``python -m vvlm_utils.site.exercises LABEL ANSWER``
then renews its hash.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from pathlib import Path

from vvlm_utils.files import DATA_FOLDER, whole

ANSWERS = DATA_FOLDER / "answers.json"
GRADES = {"warm-up": 5, "standard": 15, "project": 45}  # minutes that a reader may need
DIGITS = 3  # significant digits to which a number is compared
SLOW = {"n": 2**13, "r": 8, "p": 1, "dklen": 16}  # scrypt's settings: some hundredths of a second


def _spellings(answer: float | str) -> list[str]:
    """Spell an answer as it is hashed, the nearest rounding first and its neighbours after it.

    A number stands between two roundings, and either will do: so no answer fails for standing at
    the edge of one, and none that is a whole unit of the last digit away passes.
    """
    try:
        number = float(answer)
    except ValueError:
        return ["".join(str(answer).casefold().split())]
    if not math.isfinite(number):
        raise ValueError(f"an answer must be a finite number or a text, got {number}")
    size = math.floor(math.log10(abs(number))) if number else 0
    unit = 10.0 ** (size - DIGITS + 1)
    steps = (round(number / unit), math.floor(number / unit), math.ceil(number / unit))
    return list(dict.fromkeys(f"{step * unit:.{DIGITS - 1}e}" for step in steps))


def _hash(exercise: str, spelling: str) -> str:
    """Hash one spelling with the exercise's label as salt."""
    return hashlib.scrypt(spelling.encode(), salt=exercise.encode(), **SLOW).hex()


def check(exercise: str, answer: float | str) -> bool:
    """Print whether an answer is right, and return it.

    exercise : the label of an auto-checked exercise, such as ``"ex-arc"``
    answer : a number or a text, as the exercise says

    Raises ValueError for an exercise that is not auto-checked and for an answer that is not finite.
    """
    known = json.loads(ANSWERS.read_text())
    if exercise not in known:
        raise ValueError(f"exercise {exercise!r} is not checked; these are: {', '.join(known)}")
    right = known[exercise] in {_hash(exercise, text) for text in _spellings(answer)}
    print(f"{exercise}: {'right' if right else 'not yet'}")
    return right


def record(exercise: str, answer: float | str, path: Path) -> None:
    """Write the hash of an answer into the file of answers, whole or not at all."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known[exercise] = _hash(exercise, _spellings(answer)[0])
    with whole(path) as part:
        part.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2], Path(str(ANSWERS)))
