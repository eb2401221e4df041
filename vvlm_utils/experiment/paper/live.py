"""Chapters 3 and 4 with weights and data from folders: any preset, on a GPU or a CPU.

The weights are a folder that holds one folder for the preset's tower and one for the decoder, each
by its name, as ``paper.run join`` takes them. The data is a folder with ``index.json``, the
conversations to finetune on, ``test.json``, those to answer, and the files that they name; the
projector learns on the same conversations, one frame of each. Nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import pandas as pd

from vvlm_utils.cost.architectures import exact_cost
from vvlm_utils.cost.training import TEXT, finetuning_flops, forward_cost
from vvlm_utils.experiment.harness.reply import Replier
from vvlm_utils.experiment.mini.records import RunRecord, read_record, write_answers, write_record
from vvlm_utils.experiment.mini.scores import summarise
from vvlm_utils.experiment.model.instructions import read_instructions
from vvlm_utils.experiment.model.presets import PRESETS
from vvlm_utils.experiment.paper import run as paper_run
from vvlm_utils.experiment.paper.run import RECORD, Job, NotReady
from vvlm_utils.experiment.place import Place
from vvlm_utils.experiment.train.finetune import matmul_peak
from vvlm_utils.experiment.world.conversations import media_of, without_marks

TEST = "test.json"


def job_of(run, place: Place, step: str = "finetune") -> Job:
    """One step of a chapter's run: the projector on one frame, or everything on all."""
    out = place.folder_of(run)
    start = {"align": "joined", "finetune": "aligned"}
    frames = 1 if step == "align" else run.frames
    return Job(
        step,
        place.preset,
        run.lm,
        frames,
        run.tokens_per_frame,
        run.train_examples,
        start=out / start[step],
        data=place.data,
        index=place.data / "index.json",
        out=out / {"align": "aligned", "finetune": "model"}[step],
        seed=run.seed,
        device=place.device,
        precision=place.precision,
    )


def check_ready(run, place: Place) -> None:
    """Raises NotReady, one line that names every folder, weight or device that is missing."""
    job, tower = job_of(run, place), PRESETS[place.preset].tower.name
    missing = [paper_run.weights_missing(place.weights / name, name) for name in (tower, run.lm)]
    if not place.data.is_dir():
        missing.append(f"there is no data folder {place.data}; give one with data")
    else:
        files = [job.index, place.data / TEST]
        missing += [f"{path} is not there; write it" for path in files if not path.is_file()]
    missing.append(paper_run.device_missing(job, 1))
    if found := [reason for reason in missing if reason]:
        raise NotReady("; ".join(found))


def train_here(run, place: Place) -> RunRecord:
    """Join, align and finetune a run; leaves its model and its record with both stages.

    A step that is done is not done again, and one that was killed resumes from its checkpoints.
    Raises NotReady for what is missing, before anything is loaded.
    """
    check_ready(run, place)
    out, steps = place.folder_of(run), ("align", "finetune")
    jobs = [job_of(run, place, step) for step in steps]
    if not (jobs[0].start / "config.json").is_file():
        paper_run.join(place.preset, run.lm, place.weights, jobs[0].start, run.seed)
    for job in jobs:
        paper_run.do(job)
    aligned, record = (read_record(job.out / RECORD) for job in jobs)
    record.stages = aligned.stages | record.stages
    record.counts |= counts_of(run, place)
    write_record(record, out / RECORD)
    return record


def counts_of(run, place: Place) -> dict[str, int]:
    """FLOPs of one video, of a training step's clip, and a second of the device's products."""
    preset = PRESETS[place.preset]
    decoder, design = preset.decoders[run.lm], (run.frames, run.tokens_per_frame)
    own = {"tower": preset.tower, "prompt_tokens": 1, "projector_width": preset.projector}
    forward = forward_cost(decoder, *design, TEXT, preset.tower, preset.projector)
    dtype = place.precision or preset.dtype
    return {
        "flops_per_video": round(float(exact_cost(decoder, *design, **own).total_flops)),
        "training_flops_per_clip": round(float(finetuning_flops(forward))),
        "matmul_flops_per_second": matmul_peak(place.device, dtype),
    }


def evaluate_here(run, place: Place) -> tuple[RunRecord, pd.DataFrame]:
    """Ask the trained model every question of ``test.json``; returns its record and the answers.

    An answer is right when it is the conversation's own, word by word. Families and levels are
    the index's, where it has them. Raises RecordError when nothing was trained.
    """
    path = place.folder_of(run) / RECORD
    where = {"preset": place.preset, "data": place.data, "weights": place.weights}
    record = read_record(path, asdict(run) | where)
    model = Replier(path.parent / "model", run.frames, run.tokens_per_frame, place.device)
    rows = []
    for clip, found in enumerate(read_instructions(place.data / TEST, place.data)):
        turns = [turn["value"] for turn in found["conversations"]]
        asked = zip(turns[::2], turns[1::2], strict=True)
        count = len(turns) // 2
        families = found.get("families") or ["question"] * count
        levels = found.get("levels") or [float("nan")] * count
        video = [str(place.data / media_of(found))]
        for (question, answer), family, level in zip(asked, families, levels, strict=True):
            longest = 2 * len(answer.split()) + 4
            said = model.reply(video, without_marks(question), max_new_tokens=longest)
            last = " ".join(said.split()[: len(answer.split())])
            rows.append((clip, family, level, " ".join(answer.split()), last))
    columns = ["clip", "family", "level", "answer", "predicted"]
    answers = pd.DataFrame(rows, columns=columns)
    answers = answers.assign(correct=answers["answer"] == answers["predicted"])
    metrics = summarise(answers).round(4).to_dict("index")
    clips = int(answers["clip"].nunique())
    record.stages["evaluate"] = {"split": TEST, "clips": clips, "metrics": metrics}
    record = replace(record, status="evaluated")
    write_answers(answers, path)
    write_record(record, path)
    return record, answers
