"""The chapters' own run: trained and evaluated on the spot, from the kept weights.

python -m vvlm_utils.experiment.mini.live keep    # make it again as the record that chapters replay
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers

from vvlm_utils.experiment.data.clips import read_index
from vvlm_utils.experiment.data.video import read_video
from vvlm_utils.experiment.mini.design import CENTRE, LIVE_EXAMPLES, LMS, Run
from vvlm_utils.experiment.mini.records import (
    KEPT,
    PICTURES,
    RunRecord,
    read_record,
    write_answers,
    write_record,
)
from vvlm_utils.experiment.mini.run import evaluate, train
from vvlm_utils.experiment.mini.stages import make_split, read_note
from vvlm_utils.experiment.mini.sweeps import SWEEPS, Sweep
from vvlm_utils.experiment.model.batches import make_tokenizer
from vvlm_utils.experiment.model.model import VideoVLM
from vvlm_utils.experiment.train.finetune import matmul_peak
from vvlm_utils.files import whole, whole_folder

LIVE = SWEEPS["live"]
SHOWN = 12  # clips whose pictures are kept
DEFAULT = Run(
    LMS[CENTRE["lm_params"]], CENTRE["frames"], CENTRE["tokens_per_frame"], LIVE_EXAMPLES
)  # fmt: skip


def folder_of(run: Run, sweep: Sweep = LIVE) -> Path:
    """Where a run's model and record are."""
    design = f"{run.frames}x{run.tokens_per_frame}_n{run.train_examples}"
    return sweep.root / "runs" / f"{run.lm}_{design}_draw{run.draw}_seed{run.seed}"


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


def keep() -> None:
    """Make the record that the chapters replay."""
    train_here(DEFAULT)
    record, answers = evaluate_here(DEFAULT)
    KEPT.parent.mkdir(exist_ok=True)
    write_answers(answers, KEPT)
    write_record(record, KEPT)
    keep_pictures(PICTURES)
    print(f"{KEPT}: error {100 - record.stages['evaluate']['metrics']['avg']['metric']:.2f}")


if __name__ == "__main__":
    if sys.argv[1:] != ["keep"]:
        raise SystemExit(__doc__)
    keep()
