"""Wrong values of every kind, and ways to put them into JSON."""

from __future__ import annotations

import copy
import random
from typing import Any

Arguments = list[object]
QUESTION = ["--tflops", 5, "--train-examples", 1e6]
NUMBERS = ["1e308", "-1e308", "1e400", "nan", "inf", "-inf", "-1", "0", "", "7.5B", "1.000,5",
           "0x10", "1e", "--", "None", "=1+1", "9" * 400, "1_000", "\x00", "'; rm -rf x", "1,5",
           "$(touch pwned)", "{x}", "½", "1e-320", "5%", "many", "‘5’", "#DIV/0!"]  # fmt: skip
VALUES = [None, [], {}, "text", -1, 0, 1e308, 10**400, float("nan"), float("inf"), [[1]], [None],
          {"a": 1}, [[["x"]]], "9" * 300, True, "\x00", "../../etc"]  # fmt: skip


def any_value(draw: random.Random, but: tuple = ()) -> Any:
    """A value of some kind, the caller's own; ``but`` are values that would do no harm."""
    return copy.deepcopy(draw.choice([v for v in VALUES if v not in but]))


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The paths of every value within nested lists and mappings, but for the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in items:
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found += places(inner, (*path, key))
    return found


def swap(content: Any, draw: random.Random) -> None:
    """Put a value of another kind somewhere into nested JSON."""
    *way, last = draw.choice(places(content))
    for key in way:
        content = content[key]
    content[last] = any_value(draw, tuple(v for v in VALUES if type(v) is type(content[last])))


def cut(text: str, draw: random.Random) -> str:
    return draw.choice([
        text[: draw.randrange(1, len(text) - 1)], "[" * 100_000, "", "null", "3", '"a"', "{}",
        text.replace(":", "=", 1), "<!DOCTYPE html><html></html>", "\x00" * 99,
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    ])  # fmt: skip
