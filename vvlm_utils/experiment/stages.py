"""The mini experiment's stages as functions from files to files; the sweep's graph calls them.

    clips -> tower -> features -> pretrained decoders (a size and a draw) -> runs

Every stage writes to a temporary name and renames, and is skipped when its output is there, so a
killed sweep resumes from its files alone. ``python -m vvlm_utils.experiment.stages --help``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import SiglipVisionModel

from vvlm_utils.experiment import clips, evaluate, finetune, pretrain, towers
from vvlm_utils.experiment.batches import ClipDataset, make_tokenizer
from vvlm_utils.experiment.clips import read_index, write_clips
from vvlm_utils.experiment.features import cache_features
from vvlm_utils.experiment.model import VideoVLM, make_config
from vvlm_utils.experiment.presets import MINI
from vvlm_utils.experiment.scenes import WORLD, sample_scene, soft_labels
from vvlm_utils.experiment.video import read_video

ROOT = Path("_build/mini")
COUNTS = {"train": 8192, "validation": 512, "test": 1024, "align": 512, "tower": 800}
TOWER_EVERY = 2  # of the tower's clips every second frame is looked at
ALIGN_FRAMES, ALIGN_TOKENS = 2, 36


def _finish(part: Path, folder: Path) -> Path:
    """Let a folder written under a temporary name take its own."""
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(part, folder)
    return folder


def _part(folder: Path) -> Path:
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    return part


def make_split(split: str, root: Path = ROOT, count: int | None = None) -> Path:
    """Write a split's clips; returns its folder."""
    folder = root / "clips" / split
    write_clips(folder, split, count or COUNTS[split])
    return folder


def make_tower(root: Path = ROOT, count: int | None = None, steps: int = towers.STEPS) -> Path:
    """Pretrain the tower on its own split; returns the folder of its weights."""
    folder = root / "weights" / "tower"
    if folder.is_dir():
        return folder
    source = make_split("tower", root, count)
    frames, labels = [], []
    at = np.arange(0, WORLD.frames, TOWER_EVERY)
    for index, record in enumerate(read_index(source / "index.json")):
        frames.append(read_video(source / record["video"])[at])
        scene = sample_scene(np.random.default_rng(clips.clip_seed("tower", 0, index)))
        labels.append(soft_labels(scene, at).astype(np.float16))
    tower, _, losses = towers.pretrain_tower(
        np.concatenate(frames), np.concatenate(labels), steps=steps
    )
    part = _part(folder)
    tower.save_pretrained(part)
    note = {"steps": steps, "clips": len(labels), "last_loss": float(np.mean(losses[-50:]))}
    (part / "recipe.json").write_text(json.dumps(note))
    return _finish(part, folder)


def load_tower(root: Path = ROOT) -> SiglipVisionModel:
    """The pretrained tower."""
    return SiglipVisionModel.from_pretrained(root / "weights" / "tower").eval()


def split_features(split: str, root: Path = ROOT, count: int | None = None) -> np.ndarray:
    """Cached tower features of a split."""
    count = count or COUNTS[split]
    folder = make_split(split, root, count)
    return cache_features(load_tower(root), folder, count, root / "cache" / f"{split}.npy")


def split_questions(split: str, count: int, root: Path = ROOT) -> list:
    """The questions of a split's first ``count`` clips."""
    records = read_index(root / "clips" / split / "index.json", count)
    return [clips.questions_of(record) for record in records]


def make_decoder(
    lm: str,
    draw: int,
    root: Path = ROOT,
    recipe: pretrain.Recipe | None = None,
    align_count: int | None = None,
) -> Path:
    """Pretrain a decoder and align its projector; returns the folder of the whole model.

    The projector learns on the align split at 2 frames of 36 tokens, with all else frozen.
    """
    folder = root / "weights" / f"{lm}-{draw}"
    if folder.is_dir():
        return folder
    recipe = recipe or pretrain.Recipe()
    count = align_count or COUNTS["align"]
    features = split_features("align", root, count)
    torch.manual_seed(draw)
    model = VideoVLM(make_config("mini", lm))
    model.tower.load_state_dict(load_tower(root).state_dict())
    begin = time.perf_counter()
    pool, rng = pretrain.Pool(recipe.pool), np.random.default_rng([draw, 1])
    losses = pretrain.pretrain_decoder(model, pool, rng, recipe)
    seconds = time.perf_counter() - begin
    questions = [
        [q for q in asked if q.family not in ("word", "tongue")]
        for asked in split_questions("align", count, root)
    ]
    dataset = ClipDataset(features, questions, ALIGN_FRAMES, ALIGN_TOKENS, WORLD.fps)
    part = _part(folder)
    aligned = finetune.train_stage(model, dataset, MINI.align, part / "trainer", seed=draw)
    shutil.rmtree(part / "trainer", ignore_errors=True)
    model.save_pretrained(part)
    make_tokenizer().save_pretrained(part)
    note = {
        "recipe": asdict(recipe),
        "seconds": round(seconds, 1),
        "last_loss": float(np.mean(losses[-50:])),
        "align": aligned,
        "provenance": finetune.provenance(),
    }
    (part / "recipe.json").write_text(json.dumps(note, indent=1))
    return _finish(part, folder)


def run_one(
    lm: str,
    frames: int,
    tokens_per_frame: int,
    train_examples: int,
    seed: int,
    draw: int,
    root: Path = ROOT,
    split: str = "test",
    stage=MINI.finetune,
) -> tuple[finetune.RunRecord, pd.DataFrame | None, VideoVLM]:
    """Finetune one design and evaluate it; returns the record, every answer, and the model.

    A loss that is not finite marks the record failed with its reason; the answers are then None.
    """
    model = VideoVLM.from_pretrained(root / "weights" / f"{lm}-{draw}")
    record = finetune.RunRecord(
        "mini", lm, MINI.decoders[lm].params, frames, tokens_per_frame, train_examples, seed, draw,
        settings={"finetune": asdict(stage)}, provenance=finetune.provenance(),
    )  # fmt: skip
    asked = split_questions("train", train_examples, root)
    dataset = ClipDataset(
        split_features("train", root, max(train_examples, _cached(root, "train"))), asked, frames,
        tokens_per_frame, WORLD.fps,
    )  # fmt: skip
    try:
        trained = finetune.train_stage(
            model, dataset, stage, root / "trainer" / f"{os.getpid()}", seed
        )
    except finetune.TrainingFailed as failure:
        record.status, record.reason = "failed", str(failure)
        return record, None, model
    record.stages["finetune"] = trained
    held = split_features(split, root, _cached(root, split))
    questions = split_questions(split, len(held), root)
    begin = time.perf_counter()
    answers = evaluate.answer(
        model, ClipDataset(held, questions, frames, tokens_per_frame, WORLD.fps), questions
    )
    record.stages["evaluate"] = {
        "split": split,
        "clips": len(held),
        "seconds": round(time.perf_counter() - begin, 2),
        "metrics": evaluate.summarise(answers).round(4).to_dict("index"),
    }
    record.status = "evaluated"
    return record, answers, model


def _cached(root: Path, split: str) -> int:
    """Clips in a split's cache, or the default number."""
    note = root / "cache" / f"{split}.json"
    return json.loads(note.read_text())["count"] if note.exists() else COUNTS[split]


def main() -> None:
    """Make one stage from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["split", "tower", "features", "decoder"])
    parser.add_argument("name", nargs="?", help="split, or LM size")
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--root", type=Path, default=ROOT)
    a = parser.parse_args()
    torch.set_num_threads(1)
    if a.stage == "split":
        make_split(a.name, a.root)
    elif a.stage == "tower":
        make_tower(a.root)
    elif a.stage == "features":
        split_features(a.name, a.root)
    else:
        make_decoder(a.name, a.draw, a.root)


if __name__ == "__main__":
    main()
