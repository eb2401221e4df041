"""Which mini runs to train, and from how much data: star, isoFLOP curves, points off both.

No torch here, so that the graph can plan without it.

The second edition of the plan (book/lab_log.md says why, and what is expected of it). A star of
three training-set sizes, a factor of 16 apart; isoFLOP curves at two of them, so that sweep and
training-set size part; several draws of the pretrained decoder, most of the centre's. The designs
that no law is fitted to, off both sweeps and of the next larger decoder, are a sweep of their own:
it starts when the laws' predictions of it are kept.
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
from vvlm_utils.files import DATA_FOLDER, find_place, whole
from vvlm_utils.runs.designs import isoflop_designs, name_runs, star_designs, well_spaced
from vvlm_utils.runs.sources import FOLDER as PUBLISHED
from vvlm_utils.runs.table import load_runs

TOWER = VisionTower(MINI.tower.params, MINI.tower.features)
LMS = {decoder.params: name for name, decoder in MINI.decoders.items()}
SIZES, NEXT_SIZE = tuple(float(size) for size in LMS)[:-1], float(max(LMS))
CENTRE = {"lm_params": SIZES[3], "frames": 8, "tokens_per_frame": 25}
LEVELS = {
    "lm_params": SIZES,
    "frames": (1, 2, 4, 8, 12, 16),
    "tokens_per_frame": (4, 9, 16, 25, 36),
}
EXAMPLES = (256, 1024, 4096)
ISOFLOP_EXAMPLES = EXAMPLES[1:]
LIVE_EXAMPLES = EXAMPLES[1]  # of the run that chapters 3 and 4 show
BUDGETS = (20e6, 40e6, 80e6)  # FLOPs per video
TOLERANCE, POINTS_PER_LM = 0.12, 3
ISOFLOP_SIZES = SIZES[1::2]  # the centre's among them
ISOFLOP_TOKENS = LEVELS["tokens_per_frame"][1:]  # no best design reads as few as four
OFF_DESIGNS, OFF_SEED = 13, 11
CORNERS = ((1, 9), (1, 36), (16, 9), (16, 36))  # frames and tokens; the law runs may hold some
DRAWS, CENTRE_DRAWS = 4, 7  # of a decoder, and of the centre's
SERVE_TUNED, SERVED = 2, (2, 4, 8, 12, 16)  # frames finetuned at, and served at
EXTRA_SEEDS = (101, 102)  # further finetuning seeds of the first draw, at the centre and one end


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
    """The mini isoFLOP curves, at each number of clips: three well-spaced points per curve."""
    grid = (range(1, WORLD.frames + 1), ISOFLOP_TOKENS, mini_flops)
    tables = [
        isoflop_designs(BUDGETS, TOLERANCE, ISOFLOP_SIZES, *grid, n) for n in ISOFLOP_EXAMPLES
    ]
    spaced = [well_spaced(every, POINTS_PER_LM, mini_flops) for every in tables]
    return pd.concat(spaced, ignore_index=True)


def mini_designs() -> pd.DataFrame:
    """Every design that laws are fitted to, with the columns of a plan: star and isoFLOP curves."""
    star = star_designs(CENTRE, LEVELS, EXAMPLES)
    counts = {"frames": int, "tokens_per_frame": int, "train_examples": int}
    return pd.concat([star, isoflop()], ignore_index=True)[list(star.columns)].astype(counts)


def held_out_designs() -> pd.DataFrame:
    """Designs that no law is fitted to: off both sweeps in two factors, and the next larger LM.

    Three are corners of frames and tokens at the centre's LM, which show what the two gain
    together; ten are drawn from the grid of levels; five have the larger decoder.
    """
    taken, rng = mini_designs(), np.random.default_rng(OFF_SEED)
    known = set(map(tuple, taken[list(FACTORS)].to_numpy(float)))
    rows: list[dict] = []
    middle = {"train_examples": EXAMPLES[1]}
    for frames, tokens in CORNERS:
        corner = CENTRE | {"frames": float(frames), "tokens_per_frame": float(tokens)}
        if tuple(corner.values()) not in known:
            known.add(tuple(corner.values()))
            rows.append(corner | middle)
    while len(rows) < OFF_DESIGNS:
        design = {name: float(rng.choice(levels)) for name, levels in LEVELS.items()}
        away = sum(design[name] != CENTRE[name] for name in FACTORS)
        if away >= 2 and tuple(design.values()) not in known:
            known.add(tuple(design.values()))
            rows.append(design | {"train_examples": int(rng.choice(EXAMPLES))})
    larger = CENTRE | {"lm_params": NEXT_SIZE}
    rows += [larger | {"train_examples": n} for n in EXAMPLES]
    rows += [larger | {"frames": 2} | middle, larger | {"tokens_per_frame": 9} | middle]
    table = pd.DataFrame(rows).assign(sweep="other", target_tflops=np.nan)
    table = table.astype({"frames": int, "tokens_per_frame": int, "train_examples": int})
    table.insert(0, "run_id", name_runs(table))
    return table[list(taken.columns)]


def draws_of(lm_params: float) -> range:
    """The draws of a decoder of this size."""
    return range(CENTRE_DRAWS if lm_params == CENTRE["lm_params"] else DRAWS)


def with_draws(designs: pd.DataFrame) -> pd.DataFrame:
    """Designs once for every draw of their decoder, finetuned with the draw's number as seed."""
    draws = [list(draws_of(size)) for size in designs["lm_params"]]
    runs = designs.assign(draw=draws).explode("draw", ignore_index=True).astype({"draw": int})
    return runs.assign(seed=runs["draw"], lm=runs["lm_params"].map(LMS))


def mini_runs() -> pd.DataFrame:
    """Every run that laws are fitted to: the designs at each draw, two at further seeds.

    Adds lm (the decoder's name), draw and seed; a run's seed is its draw, unless it is extra.
    """
    designs = mini_designs()
    star = designs[(designs["sweep"] == "star") & (designs["train_examples"] == EXAMPLES[1])]
    centre = (star[list(FACTORS)] == pd.Series(CENTRE)).all(axis=1)
    first = with_draws(star[centre | (star["frames"] == LEVELS["frames"][0])])
    first = first[first["draw"] == 0]
    tables = [with_draws(designs), *(first.assign(seed=seed) for seed in EXTRA_SEEDS)]
    return pd.concat(tables).sort_values("draw", kind="stable", ignore_index=True)


def held_out_runs() -> pd.DataFrame:
    """Every run of the held-out designs."""
    return with_draws(held_out_designs()).sort_values("draw", kind="stable", ignore_index=True)


def live_runs() -> pd.DataFrame:
    """The mini runs with few examples, which the kept weights allow to train on the spot."""
    runs = mini_runs()
    few = (runs["train_examples"] == LIVE_EXAMPLES) & (runs["draw"] == 0)
    return runs[few].reset_index(drop=True)


def tiny_runs() -> pd.DataFrame:
    """Six small runs, two of each of three designs: the sweep's path in a few minutes."""
    small = SIZES[1:3]
    every = [(lm, 2, 4) for lm in small] + [(small[0], 4, 9)]
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

    Raises ValueError naming the choices, or the predictions that must be there first.
    """
    if name not in SWEEPS:
        raise ValueError(f"sweep must be one of {', '.join(SWEEPS)}, got {name!r}")
    if name == "held-out" and not PREDICTIONS.exists():
        fix = "write and commit the laws' predictions before the runs are made (make predictions)"
        raise ValueError(f"{PREDICTIONS} is not there; {fix}")
    return replace(SWEEPS[name], table=Path(table)) if table else SWEEPS[name]


PREDICTIONS = PUBLISHED / "mini" / "predictions.csv"
MINI_SWEEP = Sweep(
    name="mini",
    root=Path("_build/mini"),
    plan=mini_runs,
    counts={"train": EXAMPLES[-1], "validation": 512, "test": 1024, "align": 512, "tower": 800},
    tower_steps=2_000,
    recipe=Recipe(),
    table=PUBLISHED / "mini" / "second.csv",
    served=tuple(range(CENTRE_DRAWS)),
)
SWEEPS = {
    "mini": MINI_SWEEP,
    "held-out": replace(
        MINI_SWEEP, name="held-out", plan=held_out_runs, served=(), source=MINI_SWEEP.name
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
