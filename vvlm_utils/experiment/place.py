"""Where a chapter's run is computed: preset, device, precision, folders. No torch here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vvlm_utils.experiment.mini.design import Run
from vvlm_utils.experiment.mini.records import RunRecord
from vvlm_utils.experiment.mini.replays import PICTURES
from vvlm_utils.experiment.model.presets import PRECISIONS, PRESETS

DEVICES = ("cpu", "cuda")
SHOWN, SHOWN_FRAMES, SHOWN_SIZE = 12, 16, 128  # of the clips that chapters show


@dataclass(frozen=True)
class Place:
    """How a run of chapters 3 and 4 is made.

    device : "cpu" or "cuda"; precision : of the products, the preset's own if empty
    weights, data : folders (``paper/live.py`` says what is in them); without data the mini preset
        draws its own clips and starts from the kept weights
    Raises ValueError naming the field and the choices.
    """

    preset: str = "mini"
    device: str = "cpu"
    precision: str = ""
    weights: Path = Path("models")
    data: Path | None = None

    def __post_init__(self) -> None:
        choices = {"preset": PRESETS, "device": DEVICES, "precision": ("", *PRECISIONS)}
        for name, allowed in choices.items():
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
        if self.preset != "mini" and self.data is None:
            raise ValueError(f"preset {self.preset!r} draws no clips: give data, a folder of them")

    def folder_of(self, run: Run) -> Path:
        """Where a run's model and record are."""
        design = f"{run.frames}x{run.tokens_per_frame}_n{run.train_examples}_seed{run.seed}"
        return Path("_build") / self.preset / f"{run.lm}_{design}"


def train_here(run: Run, place: Place) -> RunRecord:
    """Train a run where the place says."""
    if place.data is None:
        from vvlm_utils.experiment.mini import live

        return live.train_here(run)
    from vvlm_utils.experiment.paper import live

    return live.train_here(run, place)


def evaluate_here(run: Run, place: Place):
    """Evaluate what ``train_here`` left; returns its record and every answer."""
    if place.data is None:
        from vvlm_utils.experiment.mini import live

        return live.evaluate_here(run)
    from vvlm_utils.experiment.paper import live

    return live.evaluate_here(run, place)


def shown_clips(place: Place) -> tuple[np.ndarray, list[dict]]:
    """Frames, uint8 (clips, frames, height, width, 3), and records of the first test clips."""
    if place.data is None:
        with np.load(PICTURES) as kept:
            return kept["frames"], json.loads(str(kept["index"]))
    from vvlm_utils.experiment.data.video import read_frames
    from vvlm_utils.experiment.world.conversations import media_of, read_index

    records = read_index(place.data / "test.json")[:SHOWN]
    size = (SHOWN_FRAMES, SHOWN_SIZE)
    return np.stack([read_frames(place.data / media_of(r), *size) for r in records]), records
