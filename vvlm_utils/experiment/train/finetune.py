"""Two-stage finetuning by transformers' Trainer, from a laptop to a cluster.

First the projector alone learns to speak the decoder's language, then everything the preset
trains. The stages differ in a ``Stage`` of settings; accelerate is beneath, so the same call runs
in one process, in many, or sharded. A run that was killed resumes from its last checkpoint.
"""

from __future__ import annotations

import math
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from accelerate import PartialState
from safetensors import SafetensorError
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from transformers import Trainer, TrainingArguments

from vvlm_utils import __version__
from vvlm_utils.experiment.model.batches import ClipDataset
from vvlm_utils.experiment.model.instructions import InstructionDataset
from vvlm_utils.experiment.model.model import VideoVLM
from vvlm_utils.experiment.model.presets import Preset, Stage
from vvlm_utils.experiment.train.checkpoints import MarkWhole, last_whole

PARTS = ("tower", "projector", "embedding", "lm")


class TrainingFailed(RuntimeError):
    """A run that cannot go on: says why, at which step, and what to change."""


def part_of(name: str) -> str:
    """Which part of the model a parameter belongs to.

    >>> part_of("decoder.model.layers.0.mlp.up_proj.weight")
    'lm'
    """
    if name.startswith(("tower.", "projector.")):
        return name.split(".")[0]
    return "embedding" if "embed_tokens" in name or "lm_head" in name else "lm"


def rates(stage: Stage) -> dict[str, float]:
    """Learning rate of every part in a stage."""
    return {
        "tower": stage.tower_rate,
        "projector": stage.projector_rate,
        "embedding": stage.embedding_rate,
        "lm": stage.lm_rate,
    }


def parameter_groups(model: torch.nn.Module, stage: Stage) -> list[dict]:
    """Groups of the optimizer, one a trained part; a part with rate 0 is frozen.

    Raises ValueError when nothing is left to train.
    """
    groups = {part: [] for part in PARTS}
    for name, parameter in model.named_parameters():
        groups[part_of(name)].append(parameter)
    chosen = []
    for part, rate in rates(stage).items():
        for parameter in groups[part]:
            parameter.requires_grad_(rate > 0)
        if rate > 0:
            chosen.append({"params": groups[part], "lr": rate, "name": part})
    if not chosen:
        raise ValueError("every learning rate of the stage is 0; give at least one part a rate")
    return [group | {"weight_decay": stage.weight_decay} for group in chosen]


class StageTrainer(Trainer):
    """The Trainer with one learning rate a part; it stops at the first loss that is not finite."""

    def __init__(self, *args, stage: Stage, **kwargs):
        self.stage = stage
        super().__init__(*args, **kwargs)

    def create_optimizer(self, model=None):
        if self.optimizer is None:
            groups = parameter_groups(self.model if model is None else model, self.stage)
            self.optimizer = torch.optim.AdamW(groups, fused=True)
        return self.optimizer

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        output = model(**inputs)
        if not torch.isfinite(output.loss):
            raise TrainingFailed(
                f"loss is {float(output.loss.detach()):g} at step {self.state.global_step}; "
                "lower the learning rates or look at the data"
            )
        return (output.loss, output) if return_outputs else output.loss

    def _save_checkpoint(self, *args, **kwargs):
        try:
            super()._save_checkpoint(*args, **kwargs)
        except (OSError, SafetensorError, RuntimeError) as unwritten:  # each writer has its own
            raise TrainingFailed(
                f"a checkpoint could not be written under {self.args.output_dir} ({unwritten}); "
                "make room and start again: the run resumes from its last whole checkpoint"
            ) from unwritten


def split_batch(batch: int, processes: int, accumulate: int = 1) -> int:
    """Clips that one process reads at a time, so that a step sees ``batch`` clips in all.

    Raises ValueError when the batch cannot be split evenly.

    >>> split_batch(256, processes=32, accumulate=2)
    4
    """
    each, rest = divmod(batch, processes * accumulate)
    if rest or not each:
        raise ValueError(
            f"batch {batch} does not divide into {processes} processes x accumulate {accumulate}; "
            "choose numbers whose product divides it"
        )
    return each


@dataclass(frozen=True)
class Machine:
    """How a stage is computed; none of it changes which examples a step sees.

    accumulate : parts that a process reads its share of a step in, where memory is short
    bf16 : products in bf16, weights and optimizer in float32
    checkpointing : keep the input of every layer, and compute its inside again in the backward pass
    workers : processes beside each trainer that decode videos
    """

    use_cpu: bool = True
    accumulate: int = 1
    bf16: bool = False
    checkpointing: bool = False
    workers: int = 0


CPU = Machine()


def machine_of(preset: Preset, use_cpu: bool, accumulate: int = 1, workers: int = 0) -> Machine:
    """The machine that a preset asks for.

    Under FSDP checkpointing is left to it where its configuration says so, since it then gathers
    the weights of a layer once and not twice.
    """
    sharded = os.environ.get("FSDP_ACTIVATION_CHECKPOINTING", "false").lower() == "true"
    mixed, own = preset.dtype == "bfloat16", preset.checkpointing and not (sharded and not use_cpu)
    return Machine(use_cpu, accumulate, mixed, own, workers)


def training_arguments(
    stage: Stage, folder: Path, seed: int, steps: int, checkpoint_every: int, machine: Machine = CPU
) -> TrainingArguments:
    """A stage's settings as the Trainer takes them, for one process of however many there are."""
    processes = PartialState(cpu=machine.use_cpu).num_processes
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=split_batch(stage.batch, processes, machine.accumulate),
        gradient_accumulation_steps=machine.accumulate,
        bf16=machine.bf16,
        activation_checkpointing=machine.checkpointing,
        dataloader_num_workers=machine.workers,
        num_train_epochs=stage.epochs,
        learning_rate=max(rates(stage).values()),
        lr_scheduler_type="cosine",
        warmup_steps=math.ceil(stage.warmup * steps),
        weight_decay=stage.weight_decay,
        max_grad_norm=1.0,
        logging_steps=max(1, steps // 20),
        logging_nan_inf_filter=False,
        save_strategy="steps" if checkpoint_every else "no",
        save_steps=checkpoint_every or 500,
        save_total_limit=2,
        report_to="none",
        remove_unused_columns=False,
        disable_tqdm=True,
        seed=seed,
        data_seed=seed,
        use_cpu=machine.use_cpu,
        dataloader_pin_memory=not machine.use_cpu,
    )


def train_stage(
    model: VideoVLM,
    dataset: ClipDataset | InstructionDataset,
    stage: Stage,
    folder: Path,
    seed: int,
    checkpoint_every: int = 0,
    machine: Machine = CPU,
    callbacks: Sequence[transformers.TrainerCallback] = (),
) -> dict:
    """Train one stage in place; resumes from the last whole checkpoint in ``folder``, if any.

    Returns steps, seconds, examples a second, and the loss curve (step, loss).
    Raises TrainingFailed for a loss that is not finite, or a checkpoint that cannot be written.
    """
    folder = Path(folder)
    steps = stage.epochs * math.ceil(len(dataset) / stage.batch)
    parameter_groups(model, stage)  # what is frozen is so before anything is sharded
    arguments = training_arguments(stage, folder, seed, steps, checkpoint_every, machine)
    trainer = StageTrainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        data_collator=dataset.collate,
        stage=stage,
        callbacks=list(callbacks),
    )
    trainer.remove_callback(transformers.PrinterCallback)
    if checkpoint_every:
        trainer.add_callback(MarkWhole())
    checkpoint = last_whole(folder)
    begin = time.perf_counter()
    trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
    seconds = time.perf_counter() - begin
    curve = [
        {"step": entry["step"], "loss": entry["loss"]}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    return {
        "steps": trainer.state.global_step,
        "seconds": round(seconds, 2),
        "examples_per_second": round(stage.epochs * len(dataset) / seconds, 1),
        "curve": curve,
    }


def save_whole(model: VideoVLM, folder: Path) -> None:
    """Save a trained model as safetensors, also one whose weights lie on many processes.

    Every process must call it; the first writes.
    """
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights = get_model_state_dict(model, options=options)
    if PartialState().is_main_process:
        model.save_pretrained(folder, state_dict=weights)


def matmul_peak(device: str = "cpu", dtype: str = "float32", repeats: int = 8) -> int:
    """FLOPs a second of matrix products on the CPU threads in use, or on the GPU; best of some."""
    size = 1024 if device == "cpu" else 8192
    left, right = (
        torch.rand(size, size, device=device, dtype=getattr(torch, dtype)) for _ in range(2)
    )
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        left @ right
        if device != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return round(2 * size**3 / min(seconds))


def device_name(device: str = "cpu") -> str:
    """The name of the GPU, or the kind of processor."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return platform.processor() or platform.machine()


def provenance(device: str = "cpu") -> dict[str, str]:
    """Versions, commit, device and date of a run."""
    here = Path(__file__).parent
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=here
    ).stdout.strip()
    return {
        "vvlm_utils": __version__,
        "commit": commit or "unknown",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "device": device_name(device),
        "date": time.strftime("%Y-%m-%d"),
    }
