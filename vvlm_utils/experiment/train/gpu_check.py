"""What a GPU does before a cluster is asked for more: a training step of each preset that fits it.

    make gpu-check
    python -m vvlm_utils.experiment.train.gpu_check --frames 8 --tokens-per-frame 49

Weights are random and nothing is downloaded, for a step takes as long whatever they are. Model,
precision, checkpointing and optimizer are those of a run. A decoder that does not fit is named
with what it needs. Without a GPU there is one line and exit code 2.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace

import torch
from torch.utils.data import Dataset
from transformers import TrainerCallback

from vvlm_utils.cost.serving import ACCELERATORS
from vvlm_utils.cost.training import Text, finetuning_flops, forward_cost, training_memory
from vvlm_utils.experiment.model.batches import collate
from vvlm_utils.experiment.model.model import IGNORE, VideoVLM, make_config
from vvlm_utils.experiment.model.presets import PRESETS, Preset, get_preset
from vvlm_utils.experiment.train import finetune
from vvlm_utils.files import scratch_folder

TEXT, STEPS, USABLE = Text(64, 128), 4, 0.9
DESIGNS = {"mini": (8, 25), "one-gpu": (8, 49), "paper": (32, 196)}  # x_T, x_V to check


class NoDevice(ValueError):
    """A device that is not there."""


@dataclass(frozen=True)
class Device:
    """Where to check: its name, its memory, and its peak where the catalogue has it."""

    kind: str
    name: str
    memory_bytes: float
    peak_flops: float | None


def find_device(kind: str) -> Device:
    """The GPU, or the CPU when it is asked for.

    Raises NoDevice where torch sees no GPU.
    """
    if kind == "cpu":
        return Device("cpu", "one CPU thread", 4e9, finetune.matmul_peak())
    if not torch.cuda.is_available():
        raise NoDevice(
            "no GPU is visible to torch: start this on a node with one, with a torch built for it "
            "(book/cluster.md); --device cpu checks the path itself with the mini preset"
        )
    name, memory = torch.cuda.get_device_name(), torch.cuda.mem_get_info()[1]
    return Device("cuda", name, float(memory), catalogued_peak(name, memory))


def catalogued_peak(name: str, memory_bytes: float) -> float | None:
    """Peak of the catalogued accelerator whose model is in a device's name; None if there is none.

    Of several alike, the one whose memory is nearest.

    >>> catalogued_peak("NVIDIA A100-SXM4-80GB", 85e9) / 1e12
    312.0
    """
    words = name.lower().replace("-", " ").split()
    alike = [a for a in ACCELERATORS.values() if a.name.split("-")[0] in words]
    if not alike:
        return None
    return min(alike, key=lambda a: abs(a.memory_bytes - memory_bytes)).peak_flops


class RandomVideos(Dataset):
    """Random pixels, or the cached features of a frozen tower, and one question and answer."""

    def __init__(self, count: int, visual: tuple[str, tuple[int, ...]], tokens: int, words: int):
        self.count, self.tokens = count, tokens
        self.name, self.shape = visual
        self.ids = [1 + i % (words - 1) for i in range(TEXT.tokens)]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict:
        labels = [IGNORE] * TEXT.prompt_tokens + self.ids[TEXT.prompt_tokens :]
        row = {"input_ids": self.ids, "question_ids": [0] * TEXT.tokens, "labels": labels}
        return {self.name: torch.randn(self.shape), "row": row}

    def collate(self, items: list[dict]) -> dict:
        """One batch, as the model's ``forward`` takes it."""
        return collate(items, self.tokens)


class Clock(TrainerCallback):
    """When each step ended, the device's work included."""

    def __init__(self, kind: str):
        self.kind, self.ends = kind, []

    def on_step_end(self, args, state, control, **kwargs):
        if self.kind == "cuda":
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())


def visual_input(preset: Preset, frames: int) -> tuple[str, tuple[int, ...]]:
    """What a step of a preset's finetuning reads of one video."""
    tower = preset.tower
    if preset.finetune.tower_rate == 0:
        return "features", (frames, tower.features, tower.hidden)
    return "pixel_values", (frames, 3, tower.image, tower.image)


def check(preset_name: str, lm: str, device: Device, frames: int, tokens: int) -> dict:
    """Train a few steps of one example each, and time all but the first.

    Returns seconds a step, FLOPs a second, their share of the peak (None where it is not known).
    """
    preset, decoder = get_preset(preset_name, lm)
    stage = replace(preset.finetune, batch=1)
    on = "cuda" if device.kind == "cuda" else "cpu"
    with torch.device(on):
        model = VideoVLM(make_config(preset_name, lm))
    data = RandomVideos(STEPS, visual_input(preset, frames), tokens, decoder.vocabulary)
    clock, machine = Clock(device.kind), finetune.machine_of(preset, on == "cpu")
    with scratch_folder("gpu-check") as scratch:
        finetune.train_stage(model, data, stage, scratch, 0, machine=machine, callbacks=[clock])
    seconds = (clock.ends[-1] - clock.ends[0]) / (STEPS - 1)
    cost = forward_cost(decoder, frames, tokens, TEXT, preset.tower, preset.projector)
    rate = float(finetuning_flops(cost, frozen_tower=stage.tower_rate == 0)) / seconds
    share = rate / device.peak_flops if device.peak_flops else None
    return {"seconds": seconds, "flops_per_second": rate, "share": share}


def line(lm: str, device: Device, preset_name: str, frames: int, tokens: int) -> str:
    """One decoder's line: what a step took, or why it was not tried."""
    preset, decoder = get_preset(preset_name, lm)
    memory = training_memory(decoder, frames, tokens, 1, TEXT, preset.tower).total_bytes
    design = f"{lm:>14} {frames:>3} x {tokens:<3}"
    if memory > USABLE * device.memory_bytes:
        have = USABLE * device.memory_bytes / 1e9
        return f"{design} does not fit: needs {memory / 1e9:.1f} GB of {have:.1f}; shard it"
    found = check(preset_name, lm, device, frames, tokens)
    share = "peak not catalogued" if found["share"] is None else f"{found['share']:.0%} of peak"
    return (
        f"{design} {1 / found['seconds']:8.2f} examples/s "
        f"{found['flops_per_second'] / 1e12:9.4f} TFLOP/s  {share}"
    )


def main() -> None:
    """Check the presets; a missing device or an impossible design is one line and exit code 2."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--preset", choices=tuple(PRESETS), help="one preset alone")
    parser.add_argument("--frames", type=int, help="x_T; the centre's without it")
    parser.add_argument("--tokens-per-frame", type=int, help="x_V; the centre's without it")
    a = parser.parse_args()
    try:
        device = find_device(a.device)
        if a.device == "cpu" and (a.preset or "mini") != "mini":
            raise NoDevice("--device cpu checks the mini preset alone; leave --preset out")
        print(f"{device.name}, {device.memory_bytes / 1e9:.0f} GB")
        for name in [a.preset] if a.preset else ["mini"] if a.device == "cpu" else PRESETS:
            frames, tokens = a.frames or DESIGNS[name][0], a.tokens_per_frame or DESIGNS[name][1]
            for lm in PRESETS[name].decoders:
                print(line(lm, device, name, frames, tokens), flush=True)
    except ValueError as refused:
        print(f"gpu-check: {refused}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
