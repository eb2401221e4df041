"""The parameter that a chapter about somebody's runs takes: which runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vvlm_utils.chapters.declaration import Rule, declare
from vvlm_utils.runs.sources import find_table, list_sources


def some_runs() -> Any:
    """Declare ``runs``: a published sweep or the path of a table."""
    return declare("paper", 'runs to read: "paper", "mini", or the path of a CSV')


RUNS_EXIST = Rule(
    ("runs",),
    f"runs that are there: {', '.join(list_sources())}, or the path of a CSV, from where it is run",
    lambda p: find_table(p.runs) is not None or Path(p.runs).is_file(),
)
