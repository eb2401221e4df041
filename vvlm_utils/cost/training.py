"""What finetuning costs on a cluster: FLOPs, GPU-hours, memory of one GPU of a sharded run.

FLOPs are those of the model: three times a forward pass, counted product by product as
``architectures.exact_cost`` counts it, since a backward pass takes the gradients of every product
by both its factors. What checkpointing recomputes is work of the machine and not of the model, so
it lowers the utilisation that a run reaches and is not added here.

Memory is that of fully sharded training in mixed precision: float32 weights, gradients and the two
moments of AdamW, 16 bytes a parameter, split over the GPUs; bf16 copies of the layers at work; and
the activations that checkpointing keeps. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vvlm_utils.cost.architectures import (
    PAPER_TOWER,
    Decoder,
    ExactCost,
    Tower,
    exact_cost,
    get_decoder,
    projector_weights,
)
from vvlm_utils.cost.serving import Accelerator, check_utilisation

TRAINING_PASSES = 3  # a forward pass, and a backward pass of twice its size
STATE_BYTES = 16  # float32 weight, gradient and two AdamW moments of one parameter
BF16 = 2
LOGIT_BYTES = 2 + 4 + 4  # a logit in bf16, in float32 for the loss, and its gradient
PAPER_GPU_HOURS = 100_000  # "all sweeps", A100


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens of the conversation around a video; the answer's are the ones that are learned."""

    prompt_tokens: int = 64
    answer_tokens: int = 128

    def __post_init__(self) -> None:
        for name in ("prompt_tokens", "answer_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def tokens(self) -> int:
        """Both."""
        return self.prompt_tokens + self.answer_tokens


TEXT = Text()


def forward_cost(
    decoder: Decoder,
    frames: ArrayLike,
    tokens_per_frame: ArrayLike,
    text: Text = TEXT,
    tower: Tower = PAPER_TOWER,
    projector_width: int = 0,
) -> ExactCost:
    """FLOPs of one forward pass of training: video, prompt and answer, a row of logits a word."""
    cost = exact_cost(
        decoder, frames, tokens_per_frame, tower, text.tokens, projector_width=projector_width
    )
    return replace(cost, logits=text.answer_tokens * cost.logits)


def finetuning_flops(cost: ExactCost, frozen_tower: bool = False) -> np.ndarray | float:
    """FLOPs to learn from one example.

    frozen_tower : its features come from a cache, so the tower costs nothing
    """
    return TRAINING_PASSES * (cost.total_flops - (cost.tower if frozen_tower else 0))


def alignment_flops(cost: ExactCost) -> np.ndarray | float:
    """FLOPs to learn the projector alone from one example.

    The tower runs forward; the gradient passes the decoder on its way to the projector, so there
    every product with a weight costs one more pass, and attention, which has none, its full two.
    """
    weights = cost.linear + cost.logits
    return cost.tower + TRAINING_PASSES * (cost.projector + cost.attention) + 2 * weights


def all_params(decoder: Decoder, tower: Tower = PAPER_TOWER, projector_width: int = 0) -> int:
    """Parameters of the whole model: input embedding and projector too, no pooling head."""
    projector = _projector_params(decoder, tower, projector_width)
    return decoder.all_params + _tower_params(tower) + projector


def _tower_params(tower: Tower) -> int:
    return tower.params - (tower.head_params if tower.pooling_head else 0)


def _projector_params(decoder: Decoder, tower: Tower, width: int = 0) -> int:
    biases = (width or decoder.hidden) + decoder.hidden
    return projector_weights(tower, decoder, width) + biases


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU, part by part.

    states : weights, gradients and moments, its share of them
    gathered : bf16 weights that are whole while they work: what stands outside the layers, and the
        layer at work with the one fetched ahead
    checkpoints : the input of every layer of tower and decoder
    working : the inside of the one layer whose backward pass runs, the mask and the logits
    """

    states: float
    gathered: float
    checkpoints: float
    working: float

    @property
    def total_bytes(self) -> float:
        """All four."""
        return self.states + self.gathered + self.checkpoints + self.working


def _decoder_layer_bytes(decoder: Decoder, tokens: int) -> float:
    """Activations inside one decoder layer: norms, q, k, v, attention's output, the gated MLP."""
    heads = 2 * decoder.heads * decoder.head_dim + 2 * decoder.kv_heads * decoder.head_dim
    return BF16 * tokens * (4 * decoder.hidden + heads + 4 * decoder.intermediate)


def _tower_layer_bytes(tower: Tower, tokens: int) -> float:
    return BF16 * tokens * (8 * tower.hidden + 2 * tower.intermediate)


def training_memory(
    decoder: Decoder,
    frames: int,
    tokens_per_frame: int,
    gpus: int = 1,
    text: Text = TEXT,
    tower: Tower = PAPER_TOWER,
    examples: int = 1,
) -> Memory:
    """Memory of one of ``gpus`` GPUs that share a model and each read ``examples`` at a time.

    Allocator, communication buffers and what the libraries keep come on top.
    Raises ValueError for counts below one.
    """
    for name, value in {"gpus": gpus, "examples": examples}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    length = frames * tokens_per_frame + text.tokens
    tokens, patches = examples * length, examples * frames * tower.features
    layer = decoder.linear_params_per_layer
    outside = all_params(decoder, tower) - decoder.layers * layer - _tower_params(tower)
    kept = decoder.layers * tokens * decoder.hidden + tower.layers * patches * tower.hidden
    inside = max(_decoder_layer_bytes(decoder, tokens), _tower_layer_bytes(tower, patches))
    mask, logits = BF16 * examples * length**2, LOGIT_BYTES * text.answer_tokens * examples
    return Memory(
        states=STATE_BYTES * all_params(decoder, tower) / gpus,
        gathered=BF16 * (outside + 2 * layer) if gpus > 1 else 0.0,
        checkpoints=float(BF16 * kept),
        working=inside + mask + logits * decoder.vocabulary,
    )


def gpu_hours(flops: ArrayLike, accelerator: Accelerator, utilisation: float):
    """Hours of one accelerator that works at a share of its peak.

    Raises ValueError for a utilisation that ``check_utilisation`` refuses.
    """
    check_utilisation(utilisation)
    return np.asarray(flops, dtype=float)[()] / (accelerator.peak_flops * utilisation * 3600)


def implied_utilisation(flops: float, accelerator: Accelerator, hours: float) -> float:
    """Share of the peak at which ``hours`` of an accelerator do ``flops``."""
    return flops / (accelerator.peak_flops * hours * 3600)


def plan_costs(
    runs: pd.DataFrame,
    accelerator: Accelerator,
    utilisation: float,
    gpus: int = 8,
    text: Text = TEXT,
    tower: Tower = PAPER_TOWER,
    decoders=get_decoder,
    frozen_tower: bool = False,
    projector_width: int = 0,
) -> pd.DataFrame:
    """One row a run: tokens and FLOPs an example, FLOPs, GPU-hours, memory of each of ``gpus``.

    runs : needs run_id, lm_params, frames, tokens_per_frame, train_examples
    decoders : the decoder of a parameter count
    Columns: run_id, lm, tokens, example_flops, train_flops, gpu_hours, memory_bytes.
    """
    rows = []
    for run in runs.itertuples():
        decoder, t, v = decoders(run.lm_params), int(run.frames), int(run.tokens_per_frame)
        cost = forward_cost(decoder, t, v, text, tower, projector_width)
        example = float(finetuning_flops(cost, frozen_tower))
        memory = training_memory(decoder, t, v, gpus, text, tower)
        whole = example * run.train_examples
        hours = gpu_hours(whole, accelerator, utilisation)
        tokens = t * v + text.tokens
        rows.append((run.run_id, decoder.name, tokens, example, whole, hours, memory.total_bytes))
    return pd.DataFrame(rows, columns=list(COLUMNS))


COLUMNS = (
    *("run_id", "lm", "tokens", "example_flops", "train_flops", "gpu_hours", "memory_bytes"),
)


def runs_by_sweep(costs: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Totals of every sweep and LM: runs, FLOPs and GPU-hours, the largest memory."""
    joined = costs.assign(sweep=runs["sweep"].to_numpy())
    grouped = joined.groupby(["sweep", "lm"], sort=False)
    return grouped.agg(
        runs=("run_id", "size"),
        train_flops=("train_flops", "sum"),
        gpu_hours=("gpu_hours", "sum"),
        memory_bytes=("memory_bytes", "max"),
    ).reset_index()
