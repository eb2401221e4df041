"""The chapters with other parameters: a matrix of settings, and whether what runs stays true.

``params/matrix/NN_topic.yml`` lists for a chapter settings that are sensible, which must end and
be true, and edges, which must be refused before a kernel starts. ``make reruns`` runs them all.

python -m vvlm_utils.site.reruns execute CHAPTER.INDEX OUTPUT
python -m vvlm_utils.site.reruns check NOTEBOOK...
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vvlm_utils.chapters.declaration import ParameterError
from vvlm_utils.chapters.notebook import find_parameters
from vvlm_utils.parsing import read_yaml

MATRIX = Path("params") / "matrix"
NOTEBOOKS = Path("notebooks")


@dataclass(frozen=True)
class Reruns:
    """What a chapter is rerun with.

    seconds : what one sensible setting takes on two idle cores
    sensible, edges : settings, each a mapping of names to values
    """

    chapter: str
    seconds: float
    sensible: list[dict[str, Any]]
    edges: list[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """A name for every sensible setting: ``01_inference_cost.3``."""
        return [f"{self.chapter}.{k}" for k in range(len(self.sensible))]


def read_matrix(root: Path = Path(".")) -> dict[str, Reruns]:
    """The matrix of every chapter that has one."""
    found = {}
    for path in sorted((root / MATRIX).glob("*.yml")):
        content = read_yaml(path, ValueError, "it has seconds, sensible and edges")
        found[path.stem] = Reruns(path.stem, **content)
    return found


def list_variants(root: Path = Path(".")) -> list[str]:
    """The files of ``params`` that can run on this machine: ``07_frontier.released``.

    One that names a folder of weights or data which is not there is left out.
    """
    found = []
    for path in sorted((root / "params").glob("*.yml")):
        settings = read_yaml(path, ValueError, "it has a name and a value on each line")
        folders = [settings[name] for name in ("weights", "data") if settings.get(name)]
        if all((root / folder).is_dir() for folder in folders):
            found.append(path.stem)
    return found


def refusal_of(notebook: Path, setting: dict[str, Any]) -> str | None:
    """The line that refuses a setting before a kernel starts; None where it is taken."""
    try:
        find_parameters(notebook).settle(setting)
    except ParameterError as refused:
        return str(refused)
    return None


def find_taken_edges(root: Path = Path(".")) -> list[str]:
    """The edges of the matrix that are not refused with one of their names and its value."""
    found = []
    for chapter, reruns in read_matrix(root).items():
        for setting in reruns.edges:
            said = refusal_of(root / NOTEBOOKS / f"{chapter}.ipynb", setting)
            if said is None or not any(name in said for name in setting):
                found.append(f"{chapter} {setting}: {said or 'taken'}")
    return found


def main(command: str, *arguments: str) -> None:
    """Do one step; SystemExit names what is not true."""
    from vvlm_utils.site.build import execute
    from vvlm_utils.site.truth import find_faults

    if command == "execute":
        name, output = arguments
        chapter, _, index = name.partition(".")
        setting = read_matrix()[chapter].sensible[int(index)]
        execute(NOTEBOOKS / f"{chapter}.ipynb", Path(output), setting)
        return
    faults = [f"{path}: {fault}" for path in arguments for fault in find_faults(Path(path))]
    faults += find_taken_edges()
    if faults:
        raise SystemExit("\n".join(faults))
    print(f"{len(arguments)} reruns are true, and every edge is refused")


if __name__ == "__main__":
    main(*sys.argv[1:])
