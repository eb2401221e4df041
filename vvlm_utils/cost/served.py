"""What a clip costs on a served model: tokens, FLOPs, bytes, least seconds, videos, dollars.

The catalogue's shapes and token rules, priced by the code that prices the paper's models:
``architectures.answer_cost`` and the roofline of ``serving``. Decoding the video file on the CPU
is priced beside it, by a rate that ``make decode-rate`` measures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vvlm_utils.cost.architectures import ExactCost, answer_cost
from vvlm_utils.cost.catalogue import ServedModel, load_catalogue
from vvlm_utils.cost.clips import Clip, Flags, VideoTokens
from vvlm_utils.cost.equation import Cost, VisionTower, _positive, inference_cost
from vvlm_utils.cost.serving import (
    BYTES_PER_NUMBER,
    HOUR,
    Accelerator,
    check_utilisation,
    dollars_per_million_videos,
    split_passes,
)
from vvlm_utils.cost.tokens import count_tokens

# Pixels of H.264 that one CPU core decodes and turns to RGB in a second: 1.50e8 for 1280x720 on one
# thread of a shared AMD EPYC, PyAV 18.1. `make decode-rate` measures yours.
DECODE_RATE = 1.5e8
MEMORY_SHARE = 0.9  # of an accelerator, that vLLM takes when nothing is said
MOST_BATCH = 256  # videos side by side, as vLLM serves them when nothing is said


@dataclass(frozen=True, slots=True)
class Server:
    """Accelerators that share a model, and what stands around them.

    accelerator : all devices as one, see ``Accelerator.times``
    price_per_hour : dollars for one of them, None where no price is asked
    utilisation : share of both peaks that is reached
    cores : CPU cores that decode video
    decode_rate : pixels that a core decodes in a second
    """

    accelerator: Accelerator
    devices: int = 1
    price_per_hour: float | None = None
    utilisation: float = 1.0
    cores: int = 8
    decode_rate: float = DECODE_RATE

    def __post_init__(self) -> None:
        check_utilisation(self.utilisation)
        _positive(cores=self.cores, decode_rate=self.decode_rate)
        if self.price_per_hour is not None:
            _positive(price=self.price_per_hour)


@dataclass(frozen=True, slots=True)
class ClipPrice:
    """What one clip and its question cost, and how many a server answers.

    prompt_tokens : that the decoder reads: visual, written around them, and the question's
    weight_bytes, kv_bytes : held: all weights, and the cache of one video
    batch : videos side by side that fit the memory, at most ``MOST_BATCH``
    first_token_seconds, seconds : of one video alone, until its answer begins and ends
    batch_seconds : of a full batch
    decode_seconds : of the video file on one CPU core
    videos_per_hour : of the accelerators or of the CPU cores, whichever are slower
    limit : which of them is slower
    dollars_per_million : None without a price
    """

    tokens: VideoTokens
    cost: ExactCost
    prompt_tokens: int
    weight_bytes: int
    kv_bytes: float
    batch: int
    first_token_seconds: float
    seconds: float
    batch_seconds: float
    decode_seconds: float
    videos_per_hour: float
    limit: str
    dollars_per_million: float | None


def weight_bytes(model: ServedModel) -> int:
    """All weights in memory, stored experts included, two bytes each."""
    return BYTES_PER_NUMBER * model.params


def clip_cost(
    model: ServedModel, tokens: VideoTokens, prompt_tokens: int = 0, answer_tokens: int = 0
) -> ExactCost:
    """FLOPs of a clip and its question; the text around the slices is read with the prompt."""
    text = tokens.marker_tokens + prompt_tokens
    return answer_cost(
        model.decoder, tokens.visual_tokens, *model.encode_flops(tokens), text, answer_tokens
    )


def decode_seconds(clip: Clip, rate: float = DECODE_RATE) -> float:
    """Least seconds of one core to decode the file; all frames before the last read one are."""
    return clip.total_frames * clip.width * clip.height / rate


def _fit(model: ServedModel, server: Server, tokens: float) -> int:
    """Videos that fit beside the weights; raises ValueError when not even one does."""
    held, each = weight_bytes(model), float(model.decoder.cache_bytes(tokens))
    one = server.accelerator.memory_bytes / server.devices
    room = MEMORY_SHARE * server.accelerator.memory_bytes
    if held + each <= room:
        return min(MOST_BATCH, int((room - held) // each))
    devices = math.ceil((held + each) / (MEMORY_SHARE * one))
    smaller = [m for m in load_catalogue().values() if m.family == model.family]
    fits = [m for m in smaller if weight_bytes(m) < room]
    hint = f", or {max(fits, key=lambda m: m.params).name}" if held >= room and fits else ""
    raise ValueError(
        f"{model.name} needs {(held + each) / 1e9:.1f} GB, its weights ({held / 1e9:.1f}) and "
        f"{tokens:,.0f} tokens of one video; {server.accelerator.name} has {room / 1e9:.1f} GB "
        f"of use: take --devices {devices}{hint or ', or fewer frames'}"
    )


def price_tokens(
    model: ServedModel,
    clip: Clip,
    tokens: VideoTokens,
    server: Server,
    prompt_tokens: int = 50,
    answer_tokens: int = 100,
) -> ClipPrice:
    """Price a clip whose tokens are counted; arguments and errors as in ``price_clip``."""
    cost = clip_cost(model, tokens, prompt_tokens, answer_tokens)
    text = tokens.marker_tokens + prompt_tokens
    context = tokens.visual_tokens + text
    kept = context + max(answer_tokens - 1, 0)
    batch = _fit(model, server, kept)
    vision = BYTES_PER_NUMBER * model.vision_params
    found = {}
    for videos in {1, batch}:
        work = split_passes(
            cost, model.decoder, tokens.visual_tokens, vision, text, answer_tokens, batch=videos
        )
        found[videos] = {
            name: float(server.accelerator.seconds(w.flops, w.moved_bytes)) / server.utilisation
            for name, w in work.items()
            if name != "again"
        }
    alone, full = found[1], sum(found[batch].values())
    cpu = decode_seconds(clip, server.decode_rate)
    per_video = max(full / batch, cpu / server.cores)
    price, devices = server.price_per_hour, server.devices
    return ClipPrice(
        tokens=tokens,
        cost=cost,
        prompt_tokens=context,
        weight_bytes=weight_bytes(model),
        kv_bytes=float(model.decoder.cache_bytes(kept)),
        batch=batch,
        first_token_seconds=alone["encode"] + alone["first"],
        seconds=sum(alone.values()),
        batch_seconds=full,
        decode_seconds=cpu,
        videos_per_hour=HOUR / per_video,
        limit="accelerator" if full / batch >= cpu / server.cores else "CPU",
        dollars_per_million=price and float(dollars_per_million_videos(per_video, price, devices)),
    )


def price_clip(
    model: ServedModel,
    clip: Clip,
    flags: Flags,
    server: Server,
    prompt_tokens: int = 50,
    answer_tokens: int = 100,
) -> ClipPrice:
    """Price one clip, one question about it and its answer.

    prompt_tokens, answer_tokens : text of the question, and of the answer
    Raises ValueError for flags that the family refuses, and for what does not fit the memory.
    """
    tokens = count_tokens(model.rule, clip, flags)
    return price_tokens(model, clip, tokens, server, prompt_tokens, answer_tokens)


def equation_cost(model: ServedModel, tokens: VideoTokens) -> Cost:
    """Eq. 1 with a served model's own sizes: a token meets the active parameters, per slice.

    A slice takes the place of a frame, so that two merged frames are encoded once.
    """
    rows, columns = tokens.grid
    tower = VisionTower(model.tower.params, rows * columns)
    slices = tokens.frames_encoded
    return inference_cost(model.decoder.active_params, slices, tokens.visual_tokens / slices, tower)
