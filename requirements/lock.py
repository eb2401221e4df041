"""Resolve requirements/*.in into exact pins: what `make lock` runs.

    .venv/bin/python requirements/lock.py [--upgrade]

One lock serves Python 3.11 to 3.13 on Linux and macOS: uv resolves for every platform at once, and
a pin that only some of ours need keeps its marker. Present pins stay unless a ``.in`` file forbids
them; ``--upgrade`` renews them all. A lock repeats no line of the locks it includes, and leaves out
accelerator libraries: which of them torch needs depends on its build, and pip knows.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from packaging.markers import Marker

HERE = Path(__file__).resolve().parent
INCLUDES = {
    "analysis": (),
    "experiment": ("analysis",),
    "tests": ("analysis",),
    "dev": ("experiment", "tests"),
    "lmms": (),
    "processors": (),
}
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64"))
ACCELERATOR = re.compile("(nvidia|cuda)-|triton=")


def supported() -> Iterator[dict[str, str]]:
    """Yield the values that markers take on each platform the project supports."""
    for python, (system, machine) in product(PYTHONS, SYSTEMS):
        yield {
            "python_version": python,
            "python_full_version": f"{python}.9",
            "sys_platform": system,
            "platform_system": system.capitalize(),
            "platform_machine": machine,
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }


def simplify(line: str) -> str | None:
    """Drop the marker of a pin that all platforms need, and the pin that none needs."""
    pin, _, marker = line.partition(" ; ")
    needed = [not marker or Marker(marker).evaluate(platform) for platform in supported()]
    return None if not any(needed) else pin if all(needed) else line


def pins_of(name: str) -> list[str]:
    """Read the pins of a lock and of the locks it includes."""
    path = HERE / f"{name}.txt"
    own = [x for x in path.read_text().splitlines() if "==" in x] if path.exists() else []
    return [pin for lower in INCLUDES[name] for pin in pins_of(lower)] + own


def resolve(name: str, *options: str) -> list[str]:
    """Let uv resolve one ``.in`` file; the present pins are what it prefers."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as preferred:
        preferred.write("\n".join(dict.fromkeys(pins_of(name))))
        preferred.flush()
        command = [sys.executable, "-m", "uv", "pip", "compile", "-q", "--universal"]
        command += ["--python-version", PYTHONS[0], "--no-annotate", "--no-header", *options]
        command += [f"{name}.in", "-o", preferred.name]
        if subprocess.run(command, cwd=HERE, stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"{name}.in has no solution: {name}.txt stays as it was")
        return Path(preferred.name).read_text().splitlines()


def main(*options: str) -> None:
    for name, includes in INCLUDES.items():
        resolved = [x for x in resolve(name, *options) if not ACCELERATOR.match(x)]
        lower = {pin for include in includes for pin in pins_of(include)}
        lines = [pin for pin in map(simplify, resolved) if pin and pin not in lower]
        head = "# This file was made by `make lock`"
        head += f": what {name} needs beside the locks it includes." if includes else "."
        included = [f"-r {include}.txt" for include in includes]
        (HERE / f"{name}.txt").write_text("\n".join([head, *included, *lines, ""]))


if __name__ == "__main__":
    main(*sys.argv[1:])
