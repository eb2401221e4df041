"""The mini experiment's stages as functions from files to files; the sweep's graph calls them.

    clips -> tower -> features -> decoders (a size and a draw) -> runs -> one table

Every stage writes to a temporary name and renames, and is skipped when every file that it promises
is there, so a killed sweep resumes from its files alone.
``python -m vvlm_utils.experiment.mini.stages --help``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors import SafetensorError
from transformers import PreTrainedModel, SiglipVisionModel

from vvlm_utils.experiment.data import clips
from vvlm_utils.experiment.data.clips import read_index, write_clips
from vvlm_utils.experiment.data.video import read_video
from vvlm_utils.experiment.mini.sweeps import SWEEPS, Sweep
from vvlm_utils.experiment.model import towers
from vvlm_utils.experiment.model.batches import ClipDataset, make_tokenizer
from vvlm_utils.experiment.model.features import cache_features
from vvlm_utils.experiment.model.model import VideoVLM, make_config
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.train import finetune, pretrain
from vvlm_utils.experiment.world.questions import Question
from vvlm_utils.experiment.world.scenes import WORLD, sample_scene, soft_labels
from vvlm_utils.files import read_mapping, scratch_folder, whole_folder
from vvlm_utils.locks import only_writer

TOWER_EVERY = 2  # of the tower's clips every second frame is looked at
ALIGN_FRAMES, ALIGN_TOKENS = 2, 36
NOTE = "recipe.json"
PROMISED = ("config.json", "model.safetensors", NOTE)  # the files of a made tower or decoder


def is_made(folder: Path) -> bool:
    """Tell whether every file of a tower or decoder is there, also when some were removed."""
    return all((folder / name).is_file() for name in PROMISED)


def _save(folder: Path, note: dict, *parts) -> Path:
    """Save a stage's parts and its note as one folder; raises OSError where there is no room."""
    with whole_folder(folder) as new:
        try:
            for part in parts:
                part.save_pretrained(new)
        except Exception as unwritten:  # a tokenizer's writer raises no kind of its own
            raise OSError(f"{folder} could not be written ({unwritten})") from unwritten
        (new / NOTE).write_text(json.dumps(note, indent=1))
    return folder


def make_split(split: str, sweep: Sweep) -> Path:
    """Write a split's clips; returns its folder."""
    folder = sweep.root / "clips" / split
    index = folder / "index.json"
    if not index.exists() or len(read_index(index)) < sweep.counts[split]:
        write_clips(folder, split, sweep.counts[split])
    return folder


def make_tower(sweep: Sweep) -> Path:
    """Pretrain the tower on its own split; returns the folder of its weights."""
    folder = sweep.weights_folder / "tower"
    if is_made(folder):
        return folder
    source = make_split("tower", sweep)
    frames, labels = [], []
    at = np.arange(0, WORLD.frames, TOWER_EVERY)
    for index, record in enumerate(read_index(source / "index.json")):
        frames.append(read_video(source / record["video"])[at])
        scene = sample_scene(np.random.default_rng(clips.clip_seed("tower", 0, index)))
        labels.append(soft_labels(scene, at).astype(np.float16))
    tower, _, losses = towers.pretrain_tower(
        np.concatenate(frames), np.concatenate(labels), steps=sweep.tower_steps
    )
    note = {
        "steps": sweep.tower_steps,
        "clips": len(labels),
        "last_loss": float(np.mean(losses[-50:])),
        "provenance": finetune.provenance(),
    }
    return _save(folder, note, tower)


class WeightsError(ValueError):
    """Weights that cannot be used: names the folder, what is wrong and the fix."""


def _load(kind: type[PreTrainedModel], folder: Path) -> PreTrainedModel:
    try:
        return kind.from_pretrained(folder)
    except (OSError, SafetensorError, RuntimeError, ValueError) as bad:
        reason = str(bad).splitlines()[0]
        fix = "remove the folder and it is made again"
        raise WeightsError(f"{folder}: damaged weights ({reason}); {fix}") from bad


def read_note(folder: Path) -> dict:
    """What a stage wrote about itself."""
    return read_mapping(folder / NOTE, WeightsError, "remove the folder and it is made again")


def load_tower(sweep: Sweep) -> SiglipVisionModel:
    """The pretrained tower, made first where it is missing; raises as ``load_decoder`` does."""
    return _load(SiglipVisionModel, make_tower(sweep)).eval()


@lru_cache
def split_features(split: str, sweep: Sweep) -> np.ndarray:
    """Cached tower features of a split, (clips, frames, patches, width)."""
    folder = make_split(split, sweep)
    cache = sweep.root / "cache" / f"{split}.npy"
    return cache_features(load_tower(sweep), folder, sweep.counts[split], cache)


@lru_cache
def split_questions(split: str, sweep: Sweep) -> list[list[Question]]:
    """The questions of a split's clips, clip by clip."""
    index = make_split(split, sweep) / "index.json"
    return [clips.questions_of(record) for record in read_index(index, sweep.counts[split])]


def clip_dataset(
    split: str, sweep: Sweep, frames: int, tokens_per_frame: int, count: int | None = None
) -> ClipDataset:
    """The first ``count`` clips of a split at one x_T and x_V; smaller counts are nested."""
    questions = split_questions(split, sweep)
    if count is not None and count > len(questions):
        raise ValueError(f"train_examples is {count}, but split {split} has {len(questions)} clips")
    features = split_features(split, sweep)
    return ClipDataset(features, questions[:count], frames, tokens_per_frame, WORLD.fps)


def align_patches(sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    """Features and soft labels of the patches of every fourth frame of the align split."""
    at = np.arange(0, WORLD.frames, 4)
    features = split_features("align", sweep)[:, at]
    labels = [
        soft_labels(sample_scene(np.random.default_rng(clips.clip_seed("align", 0, i))), at)
        for i in range(len(features))
    ]
    return features.reshape(-1, features.shape[-1]), np.stack(labels).reshape(-1, WORLD.labels)


def make_decoder(lm: str, draw: int, sweep: Sweep) -> Path:
    """Pretrain a decoder, start its projector and align it; returns the whole model's folder.

    The projector learns on the align split at 2 frames of 36 tokens, with all else frozen.
    """
    folder = sweep.weights_folder / f"{lm}-{draw}"
    if is_made(folder):
        return folder
    torch.manual_seed(draw)
    model = VideoVLM(make_config("mini", lm))
    model.tower.load_state_dict(load_tower(sweep).state_dict())
    begin = time.perf_counter()
    pool, rng = pretrain.Pool(sweep.recipe.pool), np.random.default_rng([draw, 1])
    stand_in, losses = pretrain.pretrain_decoder(model, pool, rng, sweep.recipe)
    seconds = time.perf_counter() - begin
    questions = [
        [q for q in asked if q.family in pretrain.PLAIN]
        for asked in split_questions("align", sweep)
    ]
    features = split_features("align", sweep)
    left = pretrain.teach_projector(model, stand_in, *align_patches(sweep), rng)
    dataset = ClipDataset(features, questions, ALIGN_FRAMES, ALIGN_TOKENS, WORLD.fps)
    with scratch_folder("align") as scratch:
        aligned = finetune.train_stage(model, dataset, MINI.align, scratch, seed=draw)
    note = {
        "recipe": asdict(sweep.recipe),
        "seconds": round(seconds, 1),
        "last_losses": np.mean(losses[-50:], axis=0).round(4).tolist(),  # on scenes, on text
        "projector_unexplained": round(left, 4),
        "align": aligned,
        "provenance": finetune.provenance(),
    }
    return _save(folder, note, model, make_tokenizer())


def load_decoder(lm: str, draw: int, sweep: Sweep) -> VideoVLM:
    """A pretrained and aligned model, made first where it is missing.

    Raises WeightsError for a folder whose weights are damaged.
    """
    return _load(VideoVLM, make_decoder(lm, draw, sweep))


# What a stage or a run may end with; each names its file: damaged, of another recipe, no room.
FAILURES = (finetune.TrainingFailed, SafetensorError, ValueError, OSError)


def main() -> None:
    """Make one stage from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["tower", "features", "decoder"])
    parser.add_argument("name", nargs="?", help="which split's features, or which LM")
    parser.add_argument("--draw", type=int, default=0, help="seed of a decoder's pretraining")
    parser.add_argument("--sweep", choices=tuple(SWEEPS), default="mini")
    a = parser.parse_args()
    known = {"tower": [None], "features": list(SWEEPS[a.sweep].counts)}
    names = known.get(a.stage, list(MINI.decoders))
    if a.name not in names:
        there = ", ".join(name for name in names if name) or "nothing (leave the name out)"
        parser.error(f"{a.stage} cannot be of {a.name}; choose among {there}")
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    sweep = SWEEPS[a.sweep]
    made = "-".join(str(part) for part in (a.stage, a.name, a.draw) if part is not None)
    try:
        with only_writer(sweep.root / made):
            make(a.stage, a.name, a.draw, sweep)
    except FAILURES as failure:  # a lock that another holds among them
        sys.exit(f"{made}: {str(failure).splitlines()[0]}")


def make(stage: str, name: str | None, draw: int, sweep: Sweep) -> None:
    """Make one stage."""
    if stage == "tower":
        make_tower(sweep)
    elif stage == "features":
        split_features(name, sweep)
    else:
        make_decoder(name, draw, sweep)


if __name__ == "__main__":
    main()
