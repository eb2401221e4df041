"""One run from end to end: finetune a design, then evaluate it on held-out clips.

``train`` and ``evaluate`` meet at a model and its record, so that they may also be done apart.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from vvlm_utils.experiment.mini.design import Run
from vvlm_utils.experiment.mini.evaluate import answer
from vvlm_utils.experiment.mini.records import RunRecord
from vvlm_utils.experiment.mini.scores import summarise
from vvlm_utils.experiment.mini.stages import clip_dataset, load_decoder, split_questions
from vvlm_utils.experiment.mini.sweeps import Sweep
from vvlm_utils.experiment.model.counting import count_params, count_training, count_video
from vvlm_utils.experiment.model.model import VideoVLM
from vvlm_utils.experiment.model.presets import MINI, Stage
from vvlm_utils.experiment.train import finetune
from vvlm_utils.files import scratch_folder


def new_record(run: Run, sweep: Sweep, stage: Stage = MINI.finetune) -> RunRecord:
    """The record of a run that is still to be done."""
    settings = {"finetune": asdict(stage), "pretrain": asdict(sweep.recipe), "sweep": sweep.name}
    size = MINI.decoders[run.lm].params
    return RunRecord(
        "mini", lm_params=size, **asdict(run), settings=settings, provenance=finetune.provenance()
    )


def train(
    run: Run, sweep: Sweep, stage: Stage = MINI.finetune, folder: Path | None = None
) -> tuple[RunRecord, VideoVLM]:
    """Finetune a design from its pretrained decoder; returns its record and the model.

    folder : where checkpoints go, every eighth of the run; none are written without it
    Raises TrainingFailed, and the errors of clips and weights that cannot be used.
    """
    record, model = new_record(run, sweep, stage), load_decoder(run.lm, run.draw, sweep)
    record.counts = {
        "decoder_params": count_params(model.decoder),
        "tower_params": count_params(model.tower),
        "flops_per_video": count_video(model, run.frames, run.tokens_per_frame),
    }
    data = clip_dataset("train", sweep, run.frames, run.tokens_per_frame, run.train_examples)
    finetune.parameter_groups(model, stage)  # freezes what the stage does not train
    first = min(len(data), stage.batch)
    flops = count_training(model, data.collate([data[i] for i in range(first)]))
    record.counts["training_flops_per_clip"] = flops // first
    if folder is None:
        with scratch_folder("run") as scratch:
            report = finetune.train_stage(model, data, stage, scratch, run.seed)
    else:
        every = max(1, stage.epochs * len(data) // stage.batch // 8)
        report = finetune.train_stage(model, data, stage, folder, run.seed, every)
    record.stages["finetune"], record.status = report, "trained"
    return record, model


def evaluate(
    record: RunRecord,
    model: VideoVLM,
    sweep: Sweep,
    split: str = "test",
    frames: int | None = None,
) -> pd.DataFrame:
    """Answer every question of a split and add the metrics to the record; returns the answers.

    frames : x_T at which the model is served, when not the one it was finetuned at
    """
    begin = time.perf_counter()
    held = clip_dataset(split, sweep, frames or record.frames, record.tokens_per_frame)
    answers = answer(model, held, split_questions(split, sweep))
    record.stages["evaluate"] = {
        "split": split,
        "clips": len(held),
        "seconds": round(time.perf_counter() - begin, 2),
        "metrics": summarise(answers).round(4).to_dict("index"),
    }
    record.status = "evaluated"
    return answers
