"""A cache of tower features: every frame of every clip of a split, decoded and encoded once.

The frozen tower's output does not change from run to run, so a sweep decodes each video once. The
cache is two files, float16 features and their recipe; a cache of another recipe is never used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from transformers import SiglipVisionModel

from vvlm_utils.experiment.data.clips import read_index
from vvlm_utils.experiment.data.video import VideoError, read_video
from vvlm_utils.experiment.model.towers import encode
from vvlm_utils.files import read_json, whole
from vvlm_utils.progress import bar


def weights_hash(model: torch.nn.Module) -> str:
    """A short hash of a model's weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def cache_features(
    tower: SiglipVisionModel, clips: Path, count: int, cache: Path, progress: bool = True
) -> np.ndarray:
    """Features of the first ``count`` clips of a folder, as a read-only memory map.

    Shape (count, frames, patches, width), float16. An existing cache is used when its recipe (the
    clips' own, their number and the tower's weights) is the same, else made again.
    Raises ClipError or VideoError for clips that cannot be read.
    """
    clips, cache = Path(clips), Path(cache)
    records = read_index(clips / "index.json", count)
    recipe = {
        "clips": read_json(clips / "recipe.json", ValueError, "remove the folder of clips"),
        "count": count,
        "tower": weights_hash(tower),
    }
    note = cache.with_suffix(".json")
    fix = "remove it and it is made again"
    if cache.exists() and note.exists() and read_json(note, ValueError, fix) == recipe:
        return _open(cache, fix)
    cache.parent.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    shape = None
    # Written clip by clip: a memory map would end the process where the disk is full.
    with whole(cache) as part, part.open("wb") as file:
        for i in bar(range(count), f"features of {clips.name}", show=progress):
            video = clips / records[i]["video"]
            features = encode(tower, read_video(video)).numpy().astype(np.float16)
            if shape is None:
                shape = features.shape
                header = np.lib.format.header_data_from_array_1_0(features)
                header |= {"shape": (count, *shape), "fortran_order": False}
                np.lib.format.write_array_header_1_0(file, header)
            if features.shape != shape:
                raise VideoError(f"{video}: {len(features)} frames, not {shape[0]}; replace it")
            file.write(np.ascontiguousarray(features))
    with whole(note) as part:
        part.write_text(json.dumps(recipe))
    return _open(cache, fix)


def _open(cache: Path, fix: str) -> np.ndarray:
    try:
        return np.load(cache, mmap_mode="r")
    except (ValueError, OSError, EOFError) as bad:
        raise ValueError(f"{cache}: damaged features ({bad}); {fix}") from None
