"""What an answer takes on a named accelerator: bytes held, bytes moved, least seconds, dollars.

A roofline (``williams2009``): one pass through a model takes the longer of the time that its
FLOPs need at the peak and the time that its bytes need at the memory's bandwidth. The bytes are
those of weights and of cached keys and values, two each (bf16); activations are left out of the
traffic and of the memory, so that times and bytes are least ones. ``utilisation`` is the share of
both peaks that a real server reaches.

Peaks are dense: where a data sheet prints the rate of 2:4 sparse matrices, half of it stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from vvlm_utils.cost.architectures import (
    PAPER_TOWER,
    Decoder,
    ExactCost,
    Text,
    Tower,
    _check_text,
    exact_cost,
    projector_weights,
)
from vvlm_utils.cost.equation import Number, _positive

BYTES_PER_NUMBER = 2  # bf16
HOUR = 3600
LEAST_UTILISATION = 1e-6  # less is a slip, and no time is finite at the least of numbers


@dataclass(frozen=True, slots=True)
class Accelerator:
    """Peak dense bf16 FLOP/s, memory bandwidth (bytes/s) and memory (bytes) of a device."""

    name: str
    peak_flops: float
    bandwidth: float
    memory_bytes: float

    @property
    def ridge(self) -> float:
        """FLOPs per byte above which the peak binds, and below which the bandwidth does."""
        return self.peak_flops / self.bandwidth

    def times(self, devices: int) -> Accelerator:
        """So many devices that share all work and memory evenly; their talk is not counted."""
        if devices < 1:
            raise ValueError(f"devices must be at least 1, got {devices}")
        name = self.name if devices == 1 else f"{devices} x {self.name}"
        sums = (devices * self.peak_flops, devices * self.bandwidth, devices * self.memory_bytes)
        return Accelerator(name, *sums)

    def seconds(self, flops: ArrayLike, moved_bytes: ArrayLike) -> Number:
        """Least time of one pass."""
        flops, moved = np.asarray(flops, dtype=float), np.asarray(moved_bytes, dtype=float)
        return np.maximum(flops / self.peak_flops, moved / self.bandwidth)


# Data sheets, by their keys in book/references.bib, with the rate that each prints for bf16.
# Dense, GB/s, GB:
SHEETS = {
    "a100-80gb-sxm": (312, 2039, 80),  # nvidia2021a100: 312, and 624 sparse
    "h100-sxm": (989.5, 3350, 80),  # nvidia2023h100: 1,979 sparse
    "h200-sxm": (989.5, 4800, 141),  # nvidia2024h200: 1,979 sparse
    "l4": (121, 300, 24),  # nvidia2023l4: 242 sparse
    "l40s": (362.05, 864, 48),  # nvidia2023l40s: 362.05, and 733 sparse
    "mi300x": (1307.4, 5300, 192),  # amd2023mi300x: 1,307.4, and 2,614.9 sparse
}
ACCELERATORS: dict[str, Accelerator] = {
    name: Accelerator(name, tflops * 1e12, gb_per_second * 1e9, gb * 1e9)
    for name, (tflops, gb_per_second, gb) in SHEETS.items()
}


def get_accelerator(name: str, devices: int = 1) -> Accelerator:
    """A catalogued accelerator, or several alike. Raises ValueError with the catalogue.

    >>> f"{get_accelerator('a100-80gb-sxm').ridge:.0f} FLOPs per byte"
    '153 FLOPs per byte'
    """
    if name not in ACCELERATORS:
        raise ValueError(f"accelerator {name!r} is not catalogued; name one of {_choices()}")
    return ACCELERATORS[name].times(devices)


def _choices() -> str:
    return ", ".join(f"{a.name} ({a.memory_bytes / 1e9:g} GB)" for a in ACCELERATORS.values())


def vision_bytes(decoder: Decoder, tower: Tower = PAPER_TOWER) -> int:
    """Weights of tower (its pooling head is not run) and projector, bytes."""
    head = tower.head_params if tower.pooling_head else 0
    return BYTES_PER_NUMBER * (tower.params - head + projector_weights(tower, decoder))


def weight_bytes(decoder: Decoder, tower: Tower = PAPER_TOWER) -> int:
    """All weights in memory, the input embedding included, bytes."""
    return vision_bytes(decoder, tower) + BYTES_PER_NUMBER * decoder.all_params


@dataclass(frozen=True)
class Work:
    """FLOPs and bytes moved by a pass, or by many passes that the same peak binds."""

    flops: Number
    moved_bytes: Number

    @property
    def intensity(self) -> Number:
        """FLOPs per byte, to hold against ``Accelerator.ridge``."""
        return self.flops / self.moved_bytes


def count_passes(
    decoder: Decoder,
    frames: ArrayLike,
    tokens_per_frame: ArrayLike,
    tower: Tower = PAPER_TOWER,
    batch: int = 1,
    **text: Unpack[Text],
) -> dict[str, Work]:
    """Work of each kind of pass over ``batch`` videos side by side, which read weights once.

    encode : tower and projector; first : the decoder reads the video and a question; again : it
    reads a further question behind the video's cache; decode : all answer tokens after the first,
    a pass each. Counts as in ``exact_cost``; raises ValueError for a batch below 1.
    """
    one = exact_cost(decoder, frames, tokens_per_frame, tower, **text)
    visual = np.multiply(frames, tokens_per_frame, dtype=float)
    return split_passes(one, decoder, visual, vision_bytes(decoder, tower), batch=batch, **text)


def split_passes(
    one: ExactCost,
    decoder: Decoder,
    visual_tokens: ArrayLike,
    vision_weight_bytes: int,
    prompt_tokens: int = 0,
    answer_tokens: int = 0,
    causal: bool = False,
    batch: int = 1,
) -> dict[str, Work]:
    """Work of each kind of pass, as ``count_passes`` names them, of a video priced already.

    one : the cost of a video and one question
    vision_weight_bytes : what encoding reads, bytes
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    visual = np.asarray(visual_tokens, dtype=float)
    context, further = visual + prompt_tokens, max(answer_tokens - 1, 0)
    again = sum(decoder.prefill_flops(prompt_tokens, causal, visual)) + decoder.logits_flops
    cache = batch * decoder.cache_bytes(context)
    first, repeat, step = (
        BYTES_PER_NUMBER * decoder.params_read(batch * rows) for rows in (context, prompt_tokens, 1)
    )
    decoding = further * step + batch * decoder.read_cache_bytes(further, context)
    return {
        "encode": Work(batch * one.vision_flops, vision_weight_bytes),
        "first": Work(batch * (one.lm_flops - one.decoding), first + cache),
        "again": Work(batch * again, repeat + cache),
        "decode": Work(batch * one.decoding, decoding),
    }


@dataclass(frozen=True)
class Serving:
    """A batch of videos on an accelerator, each with its questions; numbers or arrays.

    weight_bytes, kv_bytes : held; the cache is the whole batch's at the end of an answer
    moved_bytes : read and written, all passes together
    encode_seconds, prefill_seconds, decode_seconds : to encode the frames, to read videos and
        questions, and to write every answer token after the first
    first_token_seconds : until the first answer begins
    """

    weight_bytes: Number
    kv_bytes: Number
    moved_bytes: Number
    encode_seconds: Number
    prefill_seconds: Number
    decode_seconds: Number
    first_token_seconds: Number

    @property
    def seconds(self) -> Number:
        """For the whole batch and all its questions."""
        return self.encode_seconds + self.prefill_seconds + self.decode_seconds


def held_bytes(
    decoder: Decoder, tokens: ArrayLike, batch: int = 1, tower: Tower = PAPER_TOWER
) -> Number:
    """Weights, and the cache of ``tokens`` for each of ``batch`` videos, bytes."""
    return weight_bytes(decoder, tower) + batch * decoder.cache_bytes(tokens)


def check_fits(
    accelerator: Accelerator, decoder: Decoder, tokens: ArrayLike, batch: int, tower: Tower
) -> None:
    """Refuse what ``held_bytes`` finds too large for the memory, naming the remedies."""
    most, room = np.max(held_bytes(decoder, tokens, batch, tower)), accelerator.memory_bytes
    if most <= room:
        return
    held = weight_bytes(decoder, tower)
    remedy = "its weights alone are too large; take a smaller lm"
    if held < room:
        fit = int((room - held) // (batch * decoder.cache_bytes(1)))
        remedy = f"{fit:,} tokens a video fit; take fewer frames or tokens per frame"
        remedy += ", a smaller batch" if batch > 1 else ""
    videos = "1 video" if batch == 1 else f"{batch} videos"
    raise ValueError(
        f"{decoder.name} needs {most / 1e9:.1f} GB, its weights and {np.max(tokens):,.0f} tokens "
        f"of {videos}; {accelerator.name} has {room / 1e9:g} GB: {remedy}, several devices, "
        f"or another of {_choices()}"
    )


def check_utilisation(utilisation: float) -> None:
    """Refuse a share of the peak that no device reaches."""
    if not LEAST_UTILISATION <= utilisation <= 1:
        raise ValueError(
            f"utilisation must lie between {LEAST_UTILISATION:g} and 1, got {utilisation:g}"
        )


def serve(
    decoder: Decoder,
    frames: ArrayLike,
    tokens_per_frame: ArrayLike,
    accelerator: Accelerator,
    tower: Tower = PAPER_TOWER,
    questions: int = 1,
    batch: int = 1,
    utilisation: float = 1.0,
    prompt_tokens: int = 0,
    answer_tokens: int = 0,
    causal: bool = False,
) -> Serving:
    """Least time and bytes to answer the questions about ``batch`` videos side by side.

    The questions about a video follow one another, so that one prompt and its answer at a time
    lie in the cache behind the video.
    utilisation : share of the peak and of the bandwidth that is reached; 1 gives the least time
    Raises ValueError for what ``exact_cost``, ``count_passes`` and ``check_utilisation`` refuse,
    and for a design that does not fit the memory.
    """
    _check_text(prompt_tokens, answer_tokens, questions)
    check_utilisation(utilisation)
    text = {"prompt_tokens": prompt_tokens, "answer_tokens": answer_tokens, "causal": causal}
    work = count_passes(decoder, frames, tokens_per_frame, tower, batch=batch, **text)
    tokens = np.multiply(frames, tokens_per_frame) + prompt_tokens + max(answer_tokens - 1, 0)
    check_fits(accelerator, decoder, tokens, batch, tower)
    often = {"encode": 1, "first": 1, "again": questions - 1, "decode": questions}
    seconds = {
        k: accelerator.seconds(w.flops, w.moved_bytes) / utilisation for k, w in work.items()
    }
    return Serving(
        weight_bytes=weight_bytes(decoder, tower),
        kv_bytes=batch * decoder.cache_bytes(tokens),
        moved_bytes=sum(often[k] * w.moved_bytes for k, w in work.items()),
        encode_seconds=seconds["encode"],
        prefill_seconds=seconds["first"] + often["again"] * seconds["again"],
        decode_seconds=often["decode"] * seconds["decode"],
        first_token_seconds=seconds["encode"] + seconds["first"],
    )


def dollars_per_million_videos(
    seconds_per_video: ArrayLike, price_per_hour: float, devices: int = 1
) -> Number:
    """Price of a million videos, given what one device costs for an hour.

    >>> f"{dollars_per_million_videos(0.36, 2.0):.0f} dollars"
    '200 dollars'
    """
    seconds, price = _positive(seconds_per_video=seconds_per_video, price_per_hour=price_per_hour)
    return (1e6 * seconds / HOUR * price * devices)[()]
