"""Malformed input as people, spreadsheets, kills and other programs make it.

A maker takes a random generator and a folder, writes one malformed input there, and returns the
arguments of a command that must refuse it. Good input stands beside it where a command needs some.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.malformed.commands import arguments, choices
from benchmarks.malformed.files import annotations, designs, results, suites
from benchmarks.malformed.fits import fits
from benchmarks.malformed.parameters import parameters
from benchmarks.malformed.tables import tables
from benchmarks.malformed.values import Arguments

Maker = Callable[[random.Random, Path, dict[str, Any]], Arguments]
KINDS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        tables,
        fits,
        results,
        annotations,
        parameters,
        arguments,
        designs,
        suites,
        choices,
    )
}
