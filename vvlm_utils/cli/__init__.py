"""The command line, ``vvlm``: each module of commands adds itself to one application."""

from __future__ import annotations

import os
import sys

from vvlm_utils.cli import (  # noqa: F401 (their commands join the application)
    analyse,
    chapters,
    data,
    plan,
    sweep,
)
from vvlm_utils.cli.common import app


def _join_pairs(arguments: list[str]) -> list[str]:
    """Let ``-p NAME VALUE``, papermill's spelling, stand for ``-p NAME=VALUE``."""
    joined, rest = [], iter(arguments)
    for argument in rest:
        if argument == "-p":
            name = next(rest, "")
            argument = f"-p{name}" if "=" in name else f"-p{name}={next(rest, '')}"
        joined.append(argument)
    return joined


def main() -> None:
    """Run the command line; a refused input is one line and exit code 2."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"]:
        arguments = _join_pairs(arguments)
    try:
        app(arguments, prog_name="vvlm")
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os._exit(0)
        print(f"vvlm: {error}", file=sys.stderr)
        sys.exit(2)
