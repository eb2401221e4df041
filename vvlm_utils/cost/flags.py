"""The way back: flags that give wanted frames and tokens per frame, and the lines to paste.

What no flag reaches is said beside the nearest that is reached: a family that resizes every frame
to one size has one number of tokens; the others have a floor and the clip's own resolution.

vLLM's flags are named as its documentation of versions 0.11.0 and 0.22.1 names them. Up to some
version a loader took the smaller of ``num_frames`` and ``fps`` x seconds; later ones choose the
loader by the video processor (``vllm/multimodal/video.py``, read in November 2026), and those of
Qwen and GLM follow ``fps`` alone, with Qwen's own ``min_frames`` and ``max_frames``. So a number of
frames is written in both ways, which all of them read as the same frames.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from vvlm_utils.cost.catalogue import ServedModel
from vvlm_utils.cost.clips import Clip, Flags, TokenRule, VideoTokens
from vvlm_utils.cost.tokens import count_tokens

MOST_TOKENS = 100_000  # per frame
MOST_PRUNING = 0.9999
MOST_CELLS = 10**6  # tokens of a slice: above any clip's own
FPS_LOADERS = ("qwen2", "qwen3", "glm")  # samplings whose loader in vLLM follows fps alone
NEAR = 0.05  # a reached number of tokens within this fraction of the wanted one needs no note


@dataclass(frozen=True, slots=True)
class FoundFlags:
    """Flags, what they give, and what they cannot give."""

    flags: Flags
    tokens: VideoTokens
    notes: tuple[str, ...]


def floor_tokens(rule: TokenRule) -> float:
    """Least tokens per frame that the family's own bounds give, before any pruning.

    >>> from vvlm_utils.cost.catalogue import get_model
    >>> floor_tokens(get_model("qwen3-vl-8b").rule)
    64.0
    """
    if rule.bounds == "fixed":
        return float(rule.tokens)
    if rule.reference_cells:
        return rule.reference_cells[0] / rule.temporal
    cells = rule.min_pixels / rule.factor**2 if rule.bounds != "video" else 1
    return max(1.0, cells) / rule.temporal


def _bounded(rule: TokenRule, flags: Flags, cells: int, frames: int) -> Flags:
    """The flags with bounds that leave so many cells a slice, and no lower bound above them."""
    over = frames if rule.bounds in ("video", "share") else 1
    most = cells * rule.factor**2 * over
    least = rule.min_pixels if rule.bounds != "share" else rule.min_pixels // frames
    return replace(flags, max_pixels=most, min_pixels=min(least or 1, most))


def find_flags(model: ServedModel, clip: Clip, frames: int, tokens_per_frame: float) -> FoundFlags:
    """Flags that give about so many frames and tokens per frame, x_T and x_V.

    Raises ValueError for counts that make no sense, and for more frames than the clip has.
    """
    if not (frames > 0 and 0 < tokens_per_frame <= MOST_TOKENS):
        raise ValueError(
            f"frames must be above 0, and tokens per frame above 0 and at most {MOST_TOKENS:,}, "
            f"got {frames} and {tokens_per_frame:g}"
        )
    rule, notes = model.rule, []
    flags = Flags(frames=frames)
    native = count_tokens(rule, clip, flags)
    if native.frames_read != frames:
        notes.append(f"{native.frames_read} frames are read, not {frames}: the processor rounds")
    if rule.bounds == "fixed":
        if abs(native.tokens_per_frame / tokens_per_frame - 1) > NEAR:
            notes.append(
                f"every frame gives {rule.tokens} tokens: no flag of {model.family} changes that"
            )
        return FoundFlags(flags, native, tuple(notes))
    floor = floor_tokens(rule)
    aim = max(tokens_per_frame, floor)
    wanted = aim * rule.temporal
    tries = (
        _bounded(rule, flags, cells, native.frames_read)
        for cells in range(max(1, int(0.5 * wanted)), int(1.6 * wanted) + 2)
    )
    counted = [(each, count_tokens(rule, clip, each)) for each in tries]
    best, tokens = min(counted, key=lambda pair: abs(pair[1].tokens_per_frame - aim))
    own = count_tokens(rule, clip, _bounded(rule, flags, MOST_CELLS, native.frames_read))
    if own.tokens_per_frame < (1 - NEAR) * aim:
        notes.append(
            f"the clip's own {clip.width}x{clip.height} gives no more than "
            f"{own.tokens_per_frame:g} tokens a frame; enlarging it adds tokens and no detail"
        )
    if tokens_per_frame < floor:
        if rule.prunes:
            rate = 1 - tokens_per_frame / tokens.tokens_per_frame
            best = replace(best, pruning=min(max(0.0, round(rate, 4)), MOST_PRUNING))
            tokens = count_tokens(rule, clip, best)
            notes.append(
                f"resolution alone stops at {floor:g} tokens a frame, the least of the family's "
                f"reference code; vLLM's pruning does the rest, transformers has none"
            )
            if tokens.tokens_per_frame > (1 + NEAR) * tokens_per_frame:
                notes.append(
                    f"pruning keeps the first slice in full, so {tokens.tokens_per_frame:g} tokens "
                    f"a frame are the least of {tokens.frames_read} frames"
                )
        else:
            notes.append(f"{floor:g} tokens a frame are the least of the family's own bounds")
    return FoundFlags(best, tokens, tuple(notes))


def _size(flags: Flags, rule: TokenRule) -> dict[str, int] | None:
    """The processor's ``size`` where a bound is set."""
    if flags.min_pixels is None and flags.max_pixels is None:
        return None
    low = rule.min_pixels if flags.min_pixels is None else flags.min_pixels
    high = rule.max_pixels if flags.max_pixels is None else flags.max_pixels
    return {"shortest_edge": low, "longest_edge": high}


def _sampling(rule: TokenRule, flags: Flags, clip: Clip | None) -> tuple[float | None, int | None]:
    """Frames per second and frames to ask a processor for, as it needs them for this clip.

    Raises ValueError where the processor knows no number of frames and no clip tells its fps.
    """
    fps, frames = flags.fps, flags.frames
    if fps is None and frames is None:
        fps, frames = rule.fps, rule.frames
    if rule.sampling == "glm" and frames is not None:
        if clip is None:
            raise ValueError("GLM's processor knows fps and no frames: give fps, or the clip")
        return frames / min(clip.total_frames / clip.source_fps, rule.max_frames), None
    if rule.sampling == "smolvlm":
        most = rule.max_frames if frames is None else frames
        enough = 0.0 if clip is None or frames is None else frames / clip.duration + 1
        return max(rule.fps if fps is None else fps, enough), most
    return fps, frames


def _video_io(rule: TokenRule, flags: Flags, clip: Clip | None) -> dict:
    """vLLM's ``--media-io-kwargs`` of a video: the frames that its loader reads."""
    fps, frames = _sampling(rule, flags, clip)
    if rule.sampling == "smolvlm":
        return {"num_frames": frames, "fps": fps}
    if flags.frames is None or rule.sampling not in FPS_LOADERS:
        return {"num_frames": -1, "fps": fps} if frames is None else {"num_frames": frames}
    video: dict = {"num_frames": flags.frames}
    if clip is None:
        return video
    seconds = clip.total_frames / clip.source_fps
    if rule.sampling == "glm":
        seconds = min(seconds, rule.max_frames)
    # Half a frame more than asked, since loaders round frames down.
    video["fps"] = float(f"{(flags.frames + 0.5) / seconds:.4g}")
    if rule.sampling != "glm" and flags.frames < rule.min_frames:
        video["min_frames"] = flags.frames
    if rule.sampling != "glm" and flags.frames > rule.max_frames:
        video["max_frames"] = flags.frames
    return video


def vllm_line(
    model: ServedModel,
    flags: Flags,
    devices: int = 1,
    context: int = 0,
    clip: Clip | None = None,
) -> str:
    """A ``vllm serve`` command with these flags.

    context : tokens of the longest prompt and its answer
    clip : tells the frames per second of a number of frames, where a loader knows only those; the
        line then holds for clips of its length
    """
    rule = model.rule
    kwargs: dict = {}
    if size := _size(flags, rule):
        kwargs["size"] = size
    if flags.cap:
        kwargs["cap_pixels_per_frame"] = True
    words = [f"vllm serve {model.checkpoint}"]
    if model.family == "gemma3":
        images = (
            count_tokens(rule, clip, flags).frames_read if clip else flags.frames or rule.frames
        )
        words.append(f"--limit-mm-per-prompt '{json.dumps({'image': images})}'")
    else:
        video = _video_io(rule, flags, clip)
        words.append(f"--media-io-kwargs '{json.dumps({'video': video})}'")
    if kwargs:
        words.append(f"--mm-processor-kwargs '{json.dumps(kwargs)}'")
    if flags.pruning:
        words.append(f"--video-pruning-rate {flags.pruning:g}")
    if devices > 1:
        words.append(f"--tensor-parallel-size {devices}")
    if context:
        words.append(f"--max-model-len {context}")
    return " ".join(words)


def transformers_lines(model: ServedModel, flags: Flags, clip: Clip | None = None) -> str:
    """Python lines that set transformers' processor to the flags; ``clip`` as in ``vllm_line``."""
    rule = model.rule
    lines = [
        "from transformers import AutoProcessor",
        f'processor = AutoProcessor.from_pretrained("{model.checkpoint}")',
    ]
    fps, frames = _sampling(rule, flags, clip)
    if model.family == "gemma3":
        number = f"{frames}" if frames else f"{fps:g} per second"
        return "\n".join(
            [*lines, f"# Gemma 3 reads a video as images: pass {number} of its frames"]
        )
    settings = {"do_sample_frames": True, "fps": fps, "num_frames": frames}
    if size := _size(flags, rule):
        settings["size"] = size
    if rule.cap_tokens:
        settings["cap_pixels_per_frame"] = bool(flags.cap)
    lines += [f"processor.video_processor.{name} = {value}" for name, value in settings.items()]
    if flags.pruning:
        lines.append("# transformers prunes no tokens")
    return "\n".join(lines)
