"""Which mini runs to train, and from how much data: star, isoFLOP curves, points off both.

No torch here, so that the graph can plan without it.

The second edition of the plan (book/lab_log.md says why, and what is expected of it). A star of
three training-set sizes, a factor of 16 apart; isoFLOP curves at two of them, so that sweep and
training-set size part; several draws of the pretrained decoder, most of the centre's. The designs
that no law is fitted to, off both sweeps and of the next larger decoder, are a sweep of their own:
it starts when the laws' predictions of it are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vvlm_utils.cost.architectures import exact_cost
from vvlm_utils.cost.equation import FACTORS, Number, VisionTower, inference_cost
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.world.scenes import WORLD
from vvlm_utils.runs.designs import isoflop_designs, name_runs, star_designs, well_spaced

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
    """Every design that laws are fitted to, with the columns of a plan: star and isoFLOP curves.

    A design of both is the star's, so that no law of the star has seen a curve that it predicts.
    """
    star = star_designs(CENTRE, LEVELS, EXAMPLES)
    counts = {"frames": int, "tokens_per_frame": int, "train_examples": int}
    every = pd.concat([star, isoflop()], ignore_index=True)[list(star.columns)].astype(counts)
    return every.drop_duplicates([*FACTORS, "train_examples"], ignore_index=True)


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


def as_runs(table: pd.DataFrame) -> list[Run]:
    """The rows of a plan as runs."""
    columns = ["frames", "tokens_per_frame", "train_examples", "seed", "draw"]
    numbers = table[columns].astype(int).itertuples(index=False, name=None)
    return [Run(lm, *rest) for lm, rest in zip(table["lm"], numbers, strict=True)]
