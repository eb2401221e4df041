"""The sweeps by name: where their files are, from how much data, and which runs.

No torch here, so that the graph can plan without it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pandas as pd

from vvlm_utils.experiment.mini.design import (
    CENTRE_DRAWS,
    EXAMPLES,
    LIVE_EXAMPLES,
    held_out_designs,
    held_out_runs,
    live_runs,
    mini_runs,
    tiny_runs,
)
from vvlm_utils.experiment.mini.kept import TableError, read_kept
from vvlm_utils.experiment.model.presets import MINI, Recipe
from vvlm_utils.experiment.world import questions
from vvlm_utils.experiment.world.scenes import WORLD
from vvlm_utils.files import DATA_FOLDER, find_place, whole
from vvlm_utils.runs.sources import FOLDER as PUBLISHED


@dataclass(frozen=True)
class Sweep:
    """A sweep: where its files are, from how much data, and which runs.

    counts : clips of every split
    table : where the runs table is kept; runs that stand there, of this recipe, are not made again
    weights : where the pretrained tower and decoders are, under ``root`` if not given
    served : draws of the centre's decoder that are also served at frames they were not tuned at
    source : what the table calls the sweep, its name if not given
    """

    name: str
    root: Path
    plan: Callable[[], pd.DataFrame] = field(hash=False)
    counts: dict[str, int] = field(hash=False)
    tower_steps: int
    recipe: Recipe
    table: Path
    weights: Path | None = None
    served: tuple[int, ...] = ()
    source: str = ""

    @property
    def served_table(self) -> Path:
        """Where the errors at frames served are kept."""
        return self.table.with_name(f"{self.table.stem}_served.csv")

    @property
    def weights_folder(self) -> Path:
        """Where the tower and the decoders are."""
        return self.weights or self.root / "weights"

    def recipe_hash(self) -> str:
        """A short hash of everything but the design that decides a run's score."""
        stages = asdict(MINI.align), asdict(MINI.finetune), asdict(self.recipe), self.tower_steps
        tables = questions.WORDS, questions.FACT_SIDE, questions.LONGEST_SUM
        tables += questions.WORD_ZIPF, questions.FACT_ZIPF
        known = [stages, tables, vars(WORLD), self.counts, MINI.pretrain_rates, MINI.projector]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:8]


def choose_sweep(name: str, table: str | Path | None = None) -> Sweep:
    """A sweep by name, with its kept table elsewhere when ``table`` is given.

    Raises ValueError naming the choices, or the predictions that must be there first.
    """
    if name not in SWEEPS:
        raise ValueError(f"sweep must be one of {', '.join(SWEEPS)}, got {name!r}")
    if name == "held-out" and not PREDICTIONS.exists():
        fix = "write and commit the laws' predictions before the runs are made (make predictions)"
        raise ValueError(f"{PREDICTIONS} is not there; {fix}")
    return replace(SWEEPS[name], table=Path(table)) if table else SWEEPS[name]


PREDICTIONS = PUBLISHED / "mini" / "predictions.csv"
HELD_OUT = PUBLISHED / "mini" / "held_out.csv"  # apart from the runs that laws are fitted to
MINI_SWEEP = Sweep(
    name="mini",
    root=Path("_build/mini"),
    plan=mini_runs,
    counts={"train": EXAMPLES[-1], "validation": 512, "test": 1024, "align": 512, "tower": 800},
    tower_steps=2_000,
    recipe=Recipe(),
    table=PUBLISHED / "mini" / "runs.csv",
    served=tuple(range(CENTRE_DRAWS)),
)
SWEEPS = {
    "mini": MINI_SWEEP,
    "held-out": replace(
        MINI_SWEEP,
        name="held-out",
        plan=held_out_runs,
        table=HELD_OUT,
        served=(),
        source=MINI_SWEEP.name,
    ),
    "live": Sweep(
        name="live",
        root=Path("_build/live"),
        plan=live_runs,
        counts={"train": LIVE_EXAMPLES, "validation": 0, "test": 1024, "align": 0, "tower": 0},
        tower_steps=2_000,
        recipe=Recipe(),
        table=Path("_build/live/runs.csv"),
        weights=DATA_FOLDER / "weights",
    ),
    "tiny": Sweep(
        name="tiny",
        root=Path("_build/tiny"),
        plan=tiny_runs,
        counts={"train": 64, "validation": 32, "test": 64, "align": 32, "tower": 32},
        tower_steps=60,
        recipe=Recipe(steps=40, scenes=8, texts=32, pool=64),
        table=Path("_build/tiny/runs.csv"),
    ),
}
"""``make sweep`` runs "mini", and "held-out" once the laws' predictions of it are kept; "tiny" is
its path in a few minutes. The chapters' run is "live": it starts from the kept weights and needs
few clips."""


def main() -> None:
    """Check, before any work, that a sweep is there and that its table can be added to."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sweep", default="mini")
    parser.add_argument("--table", type=Path, help="another kept table than the sweep's own")
    parser.add_argument("--held-out", type=Path, help="write the held-out designs here, and end")
    a = parser.parse_args()
    try:
        if a.held_out:
            if HELD_OUT.exists():
                raise ValueError(f"{HELD_OUT} holds runs already: what was seen is not predicted")
            a.held_out.parent.mkdir(parents=True, exist_ok=True)
            with whole(a.held_out) as part:
                held_out_designs().to_csv(part, index=False)
            return
        sweep = choose_sweep(a.sweep, a.table)
        if a.table and find_place(a.table) is None:
            raise TableError(f"{a.table} is no file; name the table of a sweep, or a new file")
        read_kept(sweep.table)
    except ValueError as refused:
        print(refused, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
