"""How make starts a program: with what a user wrote as text, and one at a time where that matters.

    python -m vvlm_utils.launch [--lock OUTPUT] COMMAND [WORD | ARGS]...

The first word ``ARGS`` gives place to the words of the environment's VVLM_ARGS, split as a shell
splits them, by blanks and quotes, but with nothing expanded or run. With ``--lock`` the program
starts only if no other holds the lock of OUTPUT; it then holds the lock itself, for as long as it
lives. A program that was refused exits with code 75, "try again later".
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from vvlm_utils.locks import OutputTaken, take

BUSY = os.EX_TEMPFAIL


def fill_in(words: list[str], given: str) -> list[str]:
    """Put the words of ``given`` where ``ARGS`` stands first.

    Raises ValueError for a quote that is never closed.

    >>> fill_in(["pytest", "ARGS", "tests"], "-k 'a or b'")
    ['pytest', '-k', 'a or b', 'tests']
    """
    if "ARGS" not in words:
        return words
    place = words.index("ARGS")
    try:
        return [*words[:place], *shlex.split(given), *words[place + 1 :]]
    except ValueError as bad:
        raise ValueError(f"ARGS={given}: {bad}; close it") from None


def main(words: list[str]) -> None:
    """Become the program; a refused start is one line."""
    try:
        if words[0] == "--lock":
            _, output, *words = words
            lock = take(Path(output))  # open until the program ends, which inherits it
            os.set_inheritable(lock.fileno(), True)
        command = fill_in(words, os.environ.get("VVLM_ARGS", ""))
        os.execvp(command[0], command)
    except OutputTaken as taken:
        print(taken, file=sys.stderr)
        sys.exit(BUSY)
    except (ValueError, OSError) as refused:
        print(refused, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
