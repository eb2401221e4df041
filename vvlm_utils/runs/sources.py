"""The published sweeps that come with the package, found by listing a folder.

``data/sweeps/NAME/`` holds one sweep: its table ``runs.csv``, where there is one a table of single
tasks ``by_task.csv``, and ``source.yaml``, which says whose numbers they are. A folder that is put
there is known by its name wherever runs are named (``load_runs(NAME)``, ``vvlm fit NAME``).
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.parsing import read_yaml

FOLDER = DATA_FOLDER / "sweeps"


class SourceError(ValueError):
    """A sweep's folder that cannot be used: names the file, what is wrong and the fix."""


@dataclass(frozen=True)
class Source:
    """Where a published sweep comes from.

    title, authors, year, url : of the publication; ``url`` is empty where there is none
    licence : the terms of the numbers
    measured : how they came to be known, and what each table holds
    tower_params, features_per_frame : the encoder that Equation 1 prices; None: the paper's
    max_frames, max_tokens : how far the publication's own frontier chooses; None: within its runs
    """

    title: str
    authors: str
    year: int
    url: str
    licence: str
    measured: str
    tower_params: float | None = None
    features_per_frame: float | None = None
    max_frames: int | None = None
    max_tokens: int | None = None


def list_sources() -> tuple[str, ...]:
    """The names of the published sweeps, in alphabetical order.

    >>> {"mini", "paper"} <= set(list_sources())
    True
    """
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/runs.csv")))


def find_table(name: str, by_task: bool = False) -> Path | None:
    """The table of a published sweep; None where no sweep has this name.

    Parameters
    ----------
    name : str
        One of :func:`list_sources`.
    by_task : bool
        Whether the single tasks are asked for: ``by_task.csv`` where the sweep has one.
    """
    if name not in list_sources():
        return None
    folder = FOLDER / name
    single = folder / "by_task.csv"
    return single if by_task and single.is_file() else folder / "runs.csv"


def read_source(name: str) -> Source:
    """Whose numbers a published sweep holds.

    Raises
    ------
    SourceError
        For an unknown name, and for a ``source.yaml`` that is missing, unreadable or incomplete.

    Examples
    --------
    >>> read_source("paper").title
    'Inference Compute-Optimal Video Vision Language Models'
    """
    if name not in list_sources():
        raise SourceError(f"no sweep {name!r}; choose one of {', '.join(list_sources())}")
    path = FOLDER / name / "source.yaml"
    content = read_yaml(path, SourceError, "correct it")
    needed = [field.name for field in fields(Source) if field.default is MISSING]
    known = [field.name for field in fields(Source)]
    if not isinstance(content, dict) or not set(needed) <= set(content) <= set(known):
        may = ", ".join(name for name in known if name not in needed)
        raise SourceError(
            f"{path}: must give {', '.join(needed)}, may give {may}, and nothing else; correct it"
        )
    return Source(**content)
