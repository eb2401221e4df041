"""Which mini runs to train, and from how much data: star, isoFLOP curves, points off both.

No torch here, so that the graph can plan without it.

The plan mirrors Table 6 at a size that two cores can train: the star at three training-set sizes,
four isoFLOP curves at twice the largest of them, ten designs that lie on neither (a star alone
does not identify an interaction), and every design at three draws of the pretrained decoder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.cost.architectures import exact_cost, get_decoder
from vvlm_utils.cost.equation import FACTORS, Number, VisionTower, inference_cost
from vvlm_utils.experiment.model.presets import MINI, Recipe
from vvlm_utils.experiment.world import questions
from vvlm_utils.experiment.world.scenes import WORLD
from vvlm_utils.files import DATA_FOLDER, find_place
from vvlm_utils.runs.designs import isoflop_designs, name_runs, star_designs, well_spaced
from vvlm_utils.runs.sources import FOLDER as PUBLISHED
from vvlm_utils.runs.table import load_runs

TOWER = VisionTower(MINI.tower.params, MINI.tower.features)
LMS = {decoder.params: name for name, decoder in MINI.decoders.items()}
SIZES = tuple(float(size) for size in LMS)
CENTRE = {"lm_params": SIZES[3], "frames": 8, "tokens_per_frame": 16}
LEVELS = {
    "lm_params": SIZES,
    "frames": (1, 2, 4, 8, 16),
    "tokens_per_frame": (4, 9, 16, 25, 36),
}
EXAMPLES = (512, 1024, 2048)
ISOFLOP_EXAMPLES = 2 * EXAMPLES[-1]
BUDGETS = (18e6, 30e6, 50e6, 80e6)  # FLOPs per video
TOLERANCE, POINTS_PER_LM = 0.12, 3
ISOFLOP_SIZES = SIZES[::2]
OFF_DESIGNS, OFF_SEED = 10, 11
DRAWS = (0, 1, 2)
SERVE_TUNED = 2  # frames; decoders finetuned there are served at every level of frames
EXTRA_SEEDS = (101, 102)  # further finetuning seeds, at the centre and at one end, draw 0


def mini_flops(lm_params, frames, tokens_per_frame) -> Number:
    """Eq. 1 with the mini tower, FLOPs."""
    return inference_cost(lm_params, frames, tokens_per_frame, TOWER).total_flops


def mini_exact_flops(lm_params, frames, tokens_per_frame) -> Number:
    """Every product of the mini model for one video and one word of text, FLOPs.

    Raises KeyError for a size that no mini decoder has.
    """
    n, t, v = np.broadcast_arrays(lm_params, frames, tokens_per_frame)
    total = np.empty(n.shape)
    for size in np.unique(n):
        here, decoder = n == size, MINI.decoders[LMS[int(size)]]
        own = {"tower": MINI.tower, "prompt_tokens": 1, "projector_width": MINI.projector}
        total[here] = exact_cost(decoder, t[here], v[here], **own).total_flops
    return total[()]


def isoflop() -> pd.DataFrame:
    """The mini isoFLOP curves: at most three well-spaced points a budget and LM size."""
    every = isoflop_designs(
        BUDGETS,
        TOLERANCE,
        ISOFLOP_SIZES,
        range(1, WORLD.frames + 1),
        LEVELS["tokens_per_frame"],
        mini_flops,
        ISOFLOP_EXAMPLES,
    )
    return well_spaced(every, POINTS_PER_LM, mini_flops)


def off_designs(taken: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Designs drawn from the grid of levels that differ from every one taken in two factors."""
    known = set(map(tuple, taken[list(FACTORS)].to_numpy(float)))
    rows: list[dict] = []
    while len(rows) < OFF_DESIGNS:
        design = {name: float(rng.choice(levels)) for name, levels in LEVELS.items()}
        away = sum(design[name] != CENTRE[name] for name in FACTORS)
        key = tuple(design.values())
        if away >= 2 and key not in known:
            known.add(key)
            rows.append(design | {"train_examples": int(rng.choice(EXAMPLES))})
    table = pd.DataFrame(rows).assign(sweep="other", target_tflops=np.nan)
    table.insert(0, "run_id", name_runs(table))
    return table


def mini_designs() -> pd.DataFrame:
    """Every design of the mini sweep, with the columns of a plan."""
    star = star_designs(CENTRE, LEVELS, EXAMPLES)
    curves = isoflop()
    taken = pd.concat([star, curves], ignore_index=True)
    off = off_designs(taken, np.random.default_rng(OFF_SEED))
    counts = {"frames": int, "tokens_per_frame": int, "train_examples": int}
    return pd.concat([taken, off], ignore_index=True)[list(star.columns)].astype(counts)


def mini_runs() -> pd.DataFrame:
    """Every run: the designs at each draw, and further finetuning seeds at two designs.

    Adds lm (the decoder's name), draw and seed; a run's seed is its draw, unless it is extra.
    """
    designs = mini_designs()
    tables = [designs.assign(draw=draw, seed=draw) for draw in DRAWS]
    star = designs[(designs["sweep"] == "star") & (designs["train_examples"] == EXAMPLES[1])]
    centre = star[(star[list(FACTORS)] == pd.Series(CENTRE)).all(axis=1)]
    end = star[star["frames"] == LEVELS["frames"][0]]
    tables += [pd.concat([centre, end]).assign(draw=0, seed=seed) for seed in EXTRA_SEEDS]
    runs = pd.concat(tables, ignore_index=True)
    return runs.assign(lm=runs["lm_params"].map(LMS))


def live_runs() -> pd.DataFrame:
    """The mini runs with the fewest examples, which the kept weights allow to train on the spot."""
    runs = mini_runs()
    few = (runs["train_examples"] == EXAMPLES[0]) & (runs["draw"] == DRAWS[0])
    return runs[few].reset_index(drop=True)


def tiny_runs() -> pd.DataFrame:
    """Six small runs, two of each of three designs: the sweep's path in a few minutes."""
    every = [(lm, 2, 4) for lm in SIZES[:2]] + [(SIZES[0], 4, 9)]
    star = {"sweep": "star", "target_tflops": np.nan}
    rows = [
        dict(zip(FACTORS, design, strict=True)) | star | {"train_examples": n}
        for design in every
        for n in (32, 64)
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "run_id", name_runs(table))
    return table.assign(draw=0, seed=0, lm=table["lm_params"].map(LMS))


@dataclass(frozen=True)
class Run:
    """One design, finetuned with one seed from one draw of a pretrained decoder."""

    lm: str
    frames: int
    tokens_per_frame: int
    train_examples: int
    seed: int = 0
    draw: int = 0

    @property
    def effort(self) -> float:
        """How long the run takes beside others, roughly: clips times tokens."""
        return self.train_examples * (1 + self.frames * self.tokens_per_frame / 128)


@dataclass(frozen=True)
class Sweep:
    """A sweep: where its files are, from how much data, and which runs.

    counts : clips of every split
    table : where the runs table is kept; runs that stand there, of this recipe, are not made again
    weights : where the pretrained tower and decoders are, under ``root`` if not given
    """

    name: str
    root: Path
    plan: Callable[[], pd.DataFrame] = field(hash=False)
    counts: dict[str, int] = field(hash=False)
    tower_steps: int
    recipe: Recipe
    table: Path
    weights: Path | None = None

    @property
    def weights_folder(self) -> Path:
        """Where the tower and the decoders are."""
        return self.weights or self.root / "weights"

    def recipe_hash(self) -> str:
        """A short hash of everything but the design that decides a run's score."""
        stages = asdict(MINI.align), asdict(MINI.finetune), asdict(self.recipe), self.tower_steps
        tables = questions.WORDS, questions.TONGUES, questions.FACT_SIDE, questions.LONGEST_SUM
        tables += questions.WORD_ZIPF, questions.TONGUE_ZIPF, questions.FACT_ZIPF
        known = [stages, tables, vars(WORLD), self.counts, MINI.pretrain_rates, MINI.projector]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:8]


def as_runs(table: pd.DataFrame) -> list[Run]:
    """The rows of a plan as runs."""
    columns = ["frames", "tokens_per_frame", "train_examples", "seed", "draw"]
    numbers = table[columns].astype(int).itertuples(index=False, name=None)
    return [Run(lm, *rest) for lm, rest in zip(table["lm"], numbers, strict=True)]


def published_run(run_id: str) -> dict:
    """LM, frames, tokens per frame and examples of a run of the paper.

    Raises ValueError for a run that is not in its table.

    >>> published_run("isoflop15-1B-8x625-n2M")["lm"]
    'llama-3.2-1b'
    """
    runs = load_runs("paper").set_index("run_id")
    if run_id not in runs.index:
        known = f"{runs.index[0]}, {runs.index[1]} and so on (make plan SWEEP=paper lists them)"
        raise ValueError(f"run {run_id!r} is not one of the paper's: {known}")
    row = runs.loc[run_id]
    counts = ["frames", "tokens_per_frame", "train_examples"]
    frames, tokens, examples = (int(row[name]) for name in counts)
    lm = get_decoder(float(row["lm_params"])).name
    return {"lm": lm, "frames": frames, "tokens_per_frame": tokens, "examples": examples}


RUN_KEY = ["run_id", "draw", "seed"]
COLUMNS = [
    *("run_id", "source", "sweep", "target_tflops", "lm_params", "frames", "tokens_per_frame"),
    *("train_examples", "task", "metric", "metric_se", "seed", "draw", "blind", "train_seconds"),
    "recipe",
]
"""The columns of a sweep's table; a kept one may have more."""


class TableError(ValueError):
    """A kept table that a sweep cannot be added to: names the file, what is wrong and the fix."""


def read_kept(path: Path) -> pd.DataFrame:
    """Every row of a kept table as text, whoever made it; no row where there is no file yet.

    Raises TableError for what is no table of runs.
    """
    fix = "name the table of a sweep, or a new file"
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    text = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "compression": None}
    try:
        rows = pd.read_csv(path, header=None, **text).fillna("")
    except ValueError as bad:  # of pandas' own kind, or of the characters
        raise TableError(f"{path}: no table of runs ({str(bad).splitlines()[0]}); {fix}") from None
    table = rows.iloc[1:].set_axis(rows.iloc[0].tolist(), axis=1).reset_index(drop=True)
    if lacking := [name for name in COLUMNS if name not in table.columns]:
        raise TableError(f"{path}: no column {', '.join(lacking)}; {fix}")
    if not table.columns.is_unique:
        raise TableError(f"{path}: two columns of one name; rename one")
    return table


def run_keys(table: pd.DataFrame) -> list[tuple]:
    """Which run each row is of; one whose draw or seed is no number is of none."""
    numbers = [pd.to_numeric(table[name], errors="coerce") for name in RUN_KEY[1:]]
    return list(zip(table[RUN_KEY[0]], *numbers, strict=True))


def is_own(table: pd.DataFrame, sweep: Sweep) -> pd.Series:
    """Which rows of a kept table are of the sweep's plan and of its recipe."""
    planned = set(run_keys(sweep.plan()))
    known = pd.Series([key in planned for key in run_keys(table)], table.index, dtype=bool)
    return known & (table["recipe"] == sweep.recipe_hash())


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """A table as its CSV is read back with every value as text."""
    written = StringIO(table.to_csv(index=False, float_format="%.6g"))
    return pd.read_csv(written, dtype=str, keep_default_na=False)


def kept_rows(sweep: Sweep) -> pd.DataFrame:
    """The kept table's rows of the sweep's plan and recipe; raises as ``read_kept`` does."""
    table = read_kept(sweep.table)
    own = StringIO(table[is_own(table, sweep)].to_csv(index=False))
    return pd.read_csv(own, dtype={"recipe": str, "run_id": str})


def missing_runs(sweep: Sweep) -> pd.DataFrame:
    """The planned runs that the kept table does not hold."""
    kept, runs = set(run_keys(kept_rows(sweep))), sweep.plan()
    return runs[[key not in kept for key in run_keys(runs)]]


def choose_sweep(name: str, table: str | Path | None = None) -> Sweep:
    """A sweep by name, with its kept table elsewhere when ``table`` is given.

    Raises ValueError naming the choices.
    """
    if name not in SWEEPS:
        raise ValueError(f"sweep must be one of {', '.join(SWEEPS)}, got {name!r}")
    return replace(SWEEPS[name], table=Path(table)) if table else SWEEPS[name]


SWEEPS = {
    "mini": Sweep(
        name="mini",
        root=Path("_build/mini"),
        plan=mini_runs,
        counts={
            "train": ISOFLOP_EXAMPLES,
            "validation": 512,
            "test": 1024,
            "align": 512,
            "tower": 800,
        },
        tower_steps=2_000,
        recipe=Recipe(),
        table=PUBLISHED / "mini" / "runs.csv",
    ),
    "live": Sweep(
        name="live",
        root=Path("_build/live"),
        plan=live_runs,
        counts={"train": EXAMPLES[0], "validation": 0, "test": 1024, "align": 0, "tower": 0},
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
"""``make sweep`` runs "mini"; ``make sweep SWEEP=tiny`` its path in a few minutes. The chapters'
run is "live": it starts from the kept weights and needs few clips."""


def main() -> None:
    """Check, before any work, that a sweep is there and that its table can be added to."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sweep", default="mini")
    parser.add_argument("--table", type=Path, help="another kept table than the sweep's own")
    a = parser.parse_args()
    try:
        sweep = choose_sweep(a.sweep, a.table)
        if a.table and find_place(a.table) is None:
            raise TableError(f"{a.table} is no file; name the table of a sweep, or a new file")
        read_kept(sweep.table)
    except ValueError as refused:
        print(refused, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
