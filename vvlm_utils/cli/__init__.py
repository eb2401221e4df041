"""The command line, ``vvlm``: each module of commands adds itself to one application."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

PATIENCE = 1.5  # seconds that an interrupted command has to clean up
INTERRUPTED = 130  # exit code, as a shell says of a program that Ctrl-C ended


def _join_pairs(arguments: Sequence[str]) -> list[str]:
    """Let ``-p NAME VALUE``, papermill's spelling, stand for ``-p NAME=VALUE``."""
    joined, rest = [], iter(arguments)
    for argument in rest:
        if argument == "-p":
            name = next(rest, "")
            argument = f"-p{name}" if "=" in name else f"-p{name}={next(rest, '')}"
        joined.append(argument)
    return joined


_unsaid = threading.Lock()


def _say_interrupted() -> None:
    """Say so once, whoever comes first: the program on its way out, or the thread beside it."""
    if _unsaid.acquire(blocking=False):
        os.write(2, b"vvlm: interrupted\n")


@functools.cache
def _end_on_interrupt() -> None:
    """Let Ctrl-C end the program soon, by one line and exit code 130.

    Python unwinds first, so that nothing is left half written. It cannot while compiled code runs
    or threads are waited for: a thread that the signal itself wakes ends the program then.
    """
    wake, signalled = os.pipe()
    os.set_blocking(signalled, False)

    def end_late() -> None:
        while os.read(wake, 1) != bytes([signal.SIGINT]):
            pass
        _say_interrupted()
        time.sleep(PATIENCE)
        os._exit(INTERRUPTED)

    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=end_late, daemon=True).start()


def _say_usage(usage: Exception, arguments: Sequence[str]) -> None:
    """Name an error of the arguments in one line; where there were none, the help was printed."""
    # An option that ends the line without its value is refused before a command is known.
    named = usage.ctx.command_path if usage.ctx else " ".join(["vvlm", *arguments[:1]])
    said = " ".join(usage.format_message().split())
    said = said if len(said) <= 300 else f"{said[:300]} ..."
    if said:
        print(f"vvlm: {said.rstrip('.')}; see `{named} --help`", file=sys.stderr)


def run(arguments: Sequence[str]) -> None:
    """Answer one command line; a refused input is one line and exit code 2."""
    import typer

    from vvlm_utils.cli import (  # noqa: F401 (they join it)
        analyse,
        chapters,
        choose,
        convert,
        data,
        next_runs,
        serve,
        sources,
        sweep,
    )
    from vvlm_utils.cli.common import app

    arguments = _join_pairs(arguments) if arguments[:1] == ["run"] else list(arguments)
    try:
        code = app(arguments, prog_name="vvlm", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except typer.TyperException as usage:
        _say_usage(usage, arguments)
        sys.exit(2)
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os._exit(0)
        print(f"vvlm: {error}", file=sys.stderr)
        sys.exit(2)


def main() -> None:
    """The program ``vvlm``: ``run`` on its arguments; Ctrl-C is one line and exit code 130."""
    try:
        _end_on_interrupt()
        run(sys.argv[1:])
    except (KeyboardInterrupt, SystemExit) as left:
        if isinstance(left, SystemExit) and left.code != INTERRUPTED:
            raise
        _say_interrupted()
        sys.exit(INTERRUPTED)
