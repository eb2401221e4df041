"""What makes a training step fast: each choice timed against its alternative, in one process.

    python -m benchmarks.training [--out vvlm_utils/data/training_speed.csv]

Everything at the mini centre, 8 frames of 16 tokens; the median of several repeats of each, taken
in turns. The tiny sweep's clips are made first where they are missing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import pandas as pd
import torch

from vvlm_utils.experiment.data.clips import read_index
from vvlm_utils.experiment.data.video import read_video
from vvlm_utils.experiment.mini.design import CENTRE, LMS
from vvlm_utils.experiment.mini.stages import (
    clip_dataset,
    load_decoder,
    load_tower,
    make_split,
    split_questions,
)
from vvlm_utils.experiment.mini.sweeps import SWEEPS
from vvlm_utils.experiment.model.batches import pack, pad
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.model.towers import encode
from vvlm_utils.experiment.train import finetune
from vvlm_utils.files import output_file, whole

FRAMES, TOKENS = CENTRE["frames"], CENTRE["tokens_per_frame"]


def timed(first: Callable, second: Callable, repeats: int) -> tuple[float, float]:
    """Median seconds of two calls, run in turns after one warm-up of each."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for call, kept in zip((first, second), seconds, strict=True):
            begin = time.perf_counter()
            call()
            if turn:
                kept.append(time.perf_counter() - begin)
    return median(seconds[0]), median(seconds[1])


def measure(repeats: int) -> pd.DataFrame:
    """One row a choice: seconds of a step of eight clips either way, and their ratio."""
    sweep, threads = SWEEPS["tiny"], torch.get_num_threads()
    torch.set_num_threads(1)
    folder, tower = make_split("train", sweep), load_tower(sweep)
    paths = [folder / record["video"] for record in read_index(folder / "index.json")][:8]
    data = clip_dataset("train", sweep, FRAMES, TOKENS)
    asked = split_questions("train", sweep)[:8]
    live = SWEEPS["live"]
    model = load_decoder(LMS[CENTRE["lm_params"]], 0, live).train()
    groups = finetune.parameter_groups(model, MINI.finetune)

    def features():
        return torch.stack([data[i]["features"] for i in range(8)])

    def decoded():
        return torch.stack([encode(tower, read_video(path)[data.frames]) for path in paths])

    packed = pad([pack(questions) for questions in asked])
    single = pad([pack([question]) for questions in asked for question in questions])
    seen = features()
    repeated = seen.repeat_interleave(len(asked[0]), dim=0)

    def step(optimizer, batch, visual):
        optimizer.zero_grad()
        model(**batch, features=visual, tokens_per_frame=TOKENS).loss.backward()
        optimizer.step()

    fused, plain = (torch.optim.AdamW(groups, fused=fast, foreach=False) for fast in (True, False))
    rows = []

    def row(choice, against, first, second):
        a, b = timed(first, second, repeats)
        rows.append({"choice": choice, "against": against, "seconds": a, "seconds_against": b})
        print(f"{choice}: {b / a:.2f} x as fast as {against}", flush=True)

    row("features from the cache", "decoding and encoding the clips", features, decoded)
    row(
        "eight questions behind one video", "the video read again for each",
        lambda: step(fused, packed, seen), lambda: step(fused, single, repeated),
    )  # fmt: skip
    row(
        "fused AdamW", "AdamW parameter by parameter",
        lambda: step(fused, packed, seen), lambda: step(plain, packed, seen),
    )  # fmt: skip

    def on_threads(count):
        torch.set_num_threads(count)
        step(fused, packed, seen)
        torch.set_num_threads(1)

    row("one thread", "two threads", lambda: on_threads(1), lambda: on_threads(2))
    row(
        "decoding alone", "decoding and encoding the clips",
        lambda: [read_video(path) for path in paths], decoded,
    )  # fmt: skip
    torch.set_num_threads(threads)
    table = pd.DataFrame(rows)
    print(f"one thread decodes {8 / table['seconds'].iloc[-1]:.0f} clips a second")
    return table.assign(ratio=table["seconds_against"] / table["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=output_file, help="also write the table here")
    a = parser.parse_args()
    table = measure(a.repeats)
    if a.out:
        with whole(a.out) as part:
            table.to_csv(part, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
