"""Checkpoints that are known to be whole, so that a torn one is never resumed from.

The Trainer fills a checkpoint's folder file by file; a kill or a full disk may leave half of one.
When all is written, the folder gets a list of its files with their hashes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from accelerate import PartialState
from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from vvlm_utils.files import whole

MARK = "whole.json"


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARK)
    return {str(path.relative_to(folder)): _hash(path) for path in files}


def _hash(path: Path) -> str:
    with path.open("rb") as file:  # read in parts: a shard may be larger than the memory left
        return hashlib.file_digest(file, "sha256").hexdigest()


class MarkWhole(TrainerCallback):
    """Marks a checkpoint when the Trainer, in every process, has written all of it."""

    def on_save(self, args, state, control, **kwargs):
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
            content = json.dumps(_hashes(folder))
            with whole(folder / MARK) as part:
                part.write_text(content)


def is_whole(checkpoint: Path) -> bool:
    """Tell whether a checkpoint holds what its mark says."""
    try:
        return json.loads((checkpoint / MARK).read_text()) == _hashes(checkpoint)
    except (OSError, ValueError):
        return False


def last_whole(folder: Path) -> Path | None:
    """The newest whole checkpoint of a run; torn ones after it are removed, and named."""
    with PartialState().main_process_first():  # which removes; the others find what is left
        return _last_whole(folder)


def _last_whole(folder: Path) -> Path | None:
    found = sorted(
        Path(folder).glob(f"{PREFIX_CHECKPOINT_DIR}-*"),
        key=lambda path: int(path.name.rsplit("-", 1)[1]),
        reverse=True,
    )
    for checkpoint in found:
        if is_whole(checkpoint):
            return checkpoint
        print(f"{checkpoint} is damaged and left out; an earlier one, or the start, takes over")
        shutil.rmtree(checkpoint)
    return None
