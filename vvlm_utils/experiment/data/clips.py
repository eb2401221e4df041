"""Clips as real video files, with an index in the conversation format of video instruction data.

A split is a folder: ``000000.mp4`` ... and ``index.json``, a list of records ::

    {"id": ..., "video": "000000.mp4", "data_source": "vvlm-mini",
     "conversations": [{"from": "human", "value": "<image>\\nbrief colour5 ?"},
                       {"from": "gpt", "value": "texture5"}, ...],
     "families": [...], "levels": [...]}

Clip i of a split is drawn from the seed (split, seed, i) alone, so the first 512 clips of 1024 are
the 512, no split shares a clip with another, and writing resumes where it stopped.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from vvlm_utils.experiment.data.video import CRF, PIXELS, write_video
from vvlm_utils.experiment.world.conversations import ClipError, questions_of, read_index
from vvlm_utils.experiment.world.questions import Question, ask_all
from vvlm_utils.experiment.world.scenes import WORLD, Scene, World, sample_scene
from vvlm_utils.files import read_json, whole
from vvlm_utils.progress import bar

__all__ = ["ClipError", "questions_of", "read_index", "write_clips"]  # reading is as writing
SPLITS = ("train", "validation", "test", "align", "tower")
SOURCE = "vvlm-mini"
PALETTE = np.array(
    [
        *((230, 60, 60), (60, 200, 60), (80, 110, 255), (240, 220, 60), (220, 80, 220)),
        *((70, 220, 220), (250, 150, 50), (150, 90, 210), (150, 210, 90), (245, 160, 190)),
    ],
    dtype=float,
)
BACKGROUND, CLUTTER, DARK = 40.0, 18.0, 0.35


@cache
def _digits() -> np.ndarray:
    """Handwritten digits (scikit-learn's copy of UCI's), 8 x 8, on 0-1."""
    return load_digits().images / 16.0


@cache
def texture_mask(texture: int, side: int) -> np.ndarray:
    """Bright (1) and dark (0) pixels of a texture on a square; periods are four pixels."""
    y, x = np.mgrid[:side, :side]
    masks = (
        np.ones((side, side)),
        y % 4 < 2,
        x % 4 < 2,
        (x // 2 + y // 2) % 2,
        (x % 4 < 2) & (y % 4 < 2),
        (x + y) % 4 < 2,
    )
    return np.asarray(masks[texture], dtype=float)


def render(scene: Scene, rng: np.random.Generator, world: World = WORLD) -> np.ndarray:
    """Draw a scene: uint8 RGB (frames, size, size, 3).

    Behind the squares a faint handwritten digit drifts through noise.
    """
    frames = np.arange(world.frames)
    background = BACKGROUND + rng.normal(0, 4, (world.size, world.size))
    digit = np.kron(_digits()[rng.integers(0, len(_digits()))], np.ones((3, 3))) * CLUTTER
    drift = rng.integers(0, world.size, 2), rng.integers(-2, 3, 2)
    clip = np.empty((world.frames, world.size, world.size, 3))
    shown = scene.visible(frames)
    for t in frames:
        picture = background.copy()
        top, left = (drift[0] + t * drift[1]) % (world.size - len(digit))
        picture[top : top + len(digit), left : left + len(digit)] += digit
        clip[t] = picture[..., None]
        for i in np.flatnonzero(shown[t]):
            side, y, x = scene.side[i], scene.top[i], scene.left[i]
            light = DARK + (1 - DARK) * texture_mask(int(scene.texture[i]), int(side))
            clip[t, y : y + side, x : x + side] = light[..., None] * PALETTE[scene.colour[i]]
    return np.clip(clip, 0, 255).astype(np.uint8)


def clip_seed(split: str, seed: int, index: int) -> list[int]:
    """What a clip's scene is drawn from; its questions and its pixels add a number of their own.

    Raises ValueError for an unknown split.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    return [SPLITS.index(split), seed, index]


def draw_scene(
    split: str, seed: int, index: int
) -> tuple[Scene, list[Question], np.random.Generator]:
    """Scene and questions of one clip, and the generator that its pixels come from."""
    key = clip_seed(split, seed, index)
    scene = sample_scene(np.random.default_rng(key))
    asked, pixels = (np.random.default_rng([*key, purpose]) for purpose in (1, 2))
    return scene, ask_all(scene, asked), pixels


def draw_clip(split: str, seed: int, index: int) -> tuple[Scene, list[Question], np.ndarray]:
    """Scene, questions and frames of one clip.

    Raises ValueError for an unknown split.
    """
    scene, questions, rng = draw_scene(split, seed, index)
    return scene, questions, render(scene, rng)


def _record(index: int, questions: list[Question]) -> dict:
    turns = []
    for number, question in enumerate(questions):
        words = " ".join(question.words)
        turns.append({"from": "human", "value": words if number else f"<image>\n{words}"})
        turns.append({"from": "gpt", "value": f"{question.via} {question.answer}".strip()})
    return {
        "id": f"{SOURCE}-{index:06d}",
        "video": f"{index:06d}.mp4",
        "data_source": SOURCE,
        "conversations": turns,
        "families": [q.family for q in questions],
        "levels": [q.level for q in questions],
    }


def recipe(split: str, seed: int) -> dict:
    """What decides the clips of a split, beside their number."""
    return {"split": split, "seed": seed, "crf": CRF, "pixels": PIXELS, **vars(WORLD)}


def write_clips(folder: Path, split: str, count: int, seed: int = 0, progress: bool = True) -> Path:
    """Write the first ``count`` clips of a split and their index; returns the index's path.

    Clips that are already there are kept, so a killed run resumes; a folder of another recipe is
    refused with a ValueError.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    note, wanted = folder / "recipe.json", recipe(split, seed)
    fix = "remove the folder and its clips are made again"
    if note.exists() and read_json(note, ValueError, fix) != wanted:
        raise ValueError(f"{folder} holds clips of another recipe; remove it or name another")
    _write_json(note, wanted)
    records = []
    for index in bar(range(count), f"{split} clips", show=progress):
        path = folder / f"{index:06d}.mp4"
        scene, questions, rng = draw_scene(split, seed, index)
        if not path.exists():
            write_video(render(scene, rng), path, WORLD.fps)
        records.append(_record(index, questions))
    _write_json(folder / "index.json", records)
    return folder / "index.json"


def _write_json(path: Path, content) -> None:
    with whole(path) as part:
        part.write_text(json.dumps(content))
