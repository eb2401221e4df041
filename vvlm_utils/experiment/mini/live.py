"""Runs of chapters 3 and 4: trained and evaluated on the spot, from the kept weights.

python -m vvlm_utils.experiment.mini.live keep           # make the kept runs that are not there
python -m vvlm_utils.experiment.mini.live keep --again   # make every kept run again
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers

from vvlm_utils.experiment.data.clips import read_index
from vvlm_utils.experiment.data.video import read_video
from vvlm_utils.experiment.mini.design import CENTRE, LEVELS, LIVE_EXAMPLES, LMS, Run
from vvlm_utils.experiment.mini.records import (
    RunRecord,
    read_record,
    write_answers,
    write_record,
)
from vvlm_utils.experiment.mini.replays import KEPT, PICTURES, keep_run, kept_path, name_of
from vvlm_utils.experiment.mini.run import evaluate, train
from vvlm_utils.experiment.mini.stages import make_split, read_note
from vvlm_utils.experiment.mini.sweeps import SWEEPS, Sweep
from vvlm_utils.experiment.model.batches import make_tokenizer
from vvlm_utils.experiment.model.model import VideoVLM
from vvlm_utils.experiment.train.finetune import matmul_peak
from vvlm_utils.files import whole, whole_folder
from vvlm_utils.progress import bar

LIVE = SWEEPS["live"]
SHOWN = 12  # clips whose pictures are kept
DEFAULT = Run(
    LMS[CENTRE["lm_params"]], CENTRE["frames"], CENTRE["tokens_per_frame"], LIVE_EXAMPLES
)  # fmt: skip
FEWER_EXAMPLES = (64, 256)


def folder_of(run: Run, sweep: Sweep = LIVE) -> Path:
    """Where a run's model and record are."""
    return sweep.root / "runs" / name_of(run)


def train_here(run: Run, sweep: Sweep = LIVE) -> RunRecord:
    """Finetune a run, save its model, and write its record with what its decoder went through.

    A run that was killed resumes from its checkpoints; one that is done is trained anew.
    """
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    folder = folder_of(run, sweep)
    record, model = train(run, sweep, folder=folder / "checkpoints")
    note = read_note(sweep.weights_folder / f"{run.lm}-{run.draw}")
    record.stages = {"align": note["align"]} | record.stages
    record.counts["matmul_flops_per_second"] = matmul_peak()
    with whole_folder(folder / "model") as new:
        model.save_pretrained(new)
        make_tokenizer().save_pretrained(new)
    write_record(record, folder / "record.json")
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # or the next run would resume there
    return record


def evaluate_here(run: Run, sweep: Sweep = LIVE) -> tuple[RunRecord, pd.DataFrame]:
    """Evaluate a run that was trained here; returns its record and every answer.

    Raises RecordError when it was not.
    """
    torch.set_num_threads(1)
    path = folder_of(run, sweep) / "record.json"
    record = read_record(path, asdict(run))
    model = VideoVLM.from_pretrained(path.with_name("model"))
    answers = evaluate(record, model, sweep)
    write_answers(answers, path)
    write_record(record, path)
    return record, answers


def keep_pictures(path: Path, sweep: Sweep = LIVE) -> None:
    """Keep the decoded frames of the first test clips, uint8 (clips, frames, height, width, 3)."""
    folder = make_split("test", sweep)
    records = read_index(folder / "index.json", SHOWN)
    frames = np.stack([read_video(folder / record["video"]) for record in records])
    asked = json.dumps([record | {"video": ""} for record in records])
    with whole(path, ".npz") as part:
        np.savez_compressed(part, frames=frames, index=np.array(asked))


def runs_to_keep() -> list[Run]:
    """The default run, and those that move one thing of it.

    A decoder, frames or tokens go through the levels of the star; then fewer examples, and another
    seed.
    """
    moves = {
        "lm": [LMS[size] for size in LEVELS["lm_params"]],
        "frames": LEVELS["frames"],
        "tokens_per_frame": LEVELS["tokens_per_frame"],
        "train_examples": FEWER_EXAMPLES,
        "seed": [1],
    }
    moved = [replace(DEFAULT, **{name: v}) for name, levels in moves.items() for v in levels]
    return list(dict.fromkeys([DEFAULT, *moved]))


def keep(again: bool = False, folder: Path = KEPT) -> None:
    """Make the runs that the chapters replay; one that is kept already is skipped, unless again."""
    if again or not PICTURES.exists():
        keep_pictures(PICTURES)
    lacking = [run for run in runs_to_keep() if again or not kept_path(run, folder).exists()]
    for run in bar(lacking, f"{len(lacking)} runs"):
        train_here(run)
        record, answers = evaluate_here(run)
        keep_run(record, answers, folder)
        error = 100 - record.stages["evaluate"]["metrics"]["avg"]["metric"]
        print(f"  {name_of(run)}: error {error:.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] not in (["keep"], ["keep", "--again"]):
        raise SystemExit(__doc__)
    keep(again="--again" in sys.argv)
