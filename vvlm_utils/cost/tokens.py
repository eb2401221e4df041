"""From a clip and a server's flags to frames and tokens, as each family's processor counts them.

Pure functions. A family's ``TokenRule`` holds what its processor is set to; the arithmetic,
rounding included, is that of transformers 5.23, and a kept table of its processors' own answers
(``data/processor_counts.csv``) holds every rule to it. ``flags`` goes back, from wanted frames and
tokens per frame to the flags that come nearest.
"""

from __future__ import annotations

import math
from dataclasses import replace

from vvlm_utils.cost.clips import Clip, Flags, TokenRule, VideoTokens


def _refuse_more(frames: int, total: int) -> None:
    if frames > total:
        raise ValueError(f"frames {frames} are more than the {total} of the clip; take fewer")


def _qwen2_frames(rule: TokenRule, clip: Clip, flags: Flags) -> int:
    """A multiple of a slice's frames; also VideoLLaMA3's rule."""
    total, step = clip.total_frames, rule.temporal
    if flags.frames is not None:
        count = round(flags.frames / step) * step
    else:
        most = min(rule.max_frames, total) // step * step
        wanted = total / clip.source_fps * flags.fps
        count = math.floor(min(max(wanted, rule.min_frames), most, total) / step) * step
    _refuse_more(count, total)
    if count < 1:
        raise ValueError(f"the clip has {total} frames, the model reads {step} at a time")
    return math.ceil(total / (total / count))  # the processor steps in floats and may read one more


def _qwen3_frames(rule: TokenRule, clip: Clip, flags: Flags) -> int:
    total = clip.total_frames
    if flags.frames is not None:
        return flags.frames
    count = int(total / clip.source_fps * flags.fps)
    return min(max(count, rule.min_frames), rule.max_frames, total)


def _glm_frames(rule: TokenRule, clip: Clip, flags: Flags) -> int:
    """Frames at the asked times, each once, made even; above 300 s as many as at 300 s."""
    total, fps = clip.total_frames, flags.fps
    duration = total / clip.source_fps
    if flags.frames is not None:
        fps = flags.frames / min(duration, rule.max_frames)
    last = total - 1
    if duration <= rule.max_frames:
        count = max(math.floor(duration * fps), 1)
        found = {min(last, math.ceil(i * clip.source_fps / fps)) for i in range(count)}
    else:
        count = int(rule.max_frames * fps)
        if count >= total:
            found = set(range(total))
        else:
            step = duration / max(count - 1, 1)
            found = {min(last, math.ceil(i * step * clip.source_fps)) for i in range(count)}
    return len(found) + len(found) % 2


def _smolvlm_frames(rule: TokenRule, clip: Clip, flags: Flags) -> int:
    total = clip.total_frames
    fps = rule.fps if flags.fps is None else flags.fps
    most = rule.max_frames if flags.frames is None else flags.frames
    if flags.frames is not None:
        fps = max(fps, flags.frames / clip.duration + 1)  # frames alone binds
    count = max(1, min(round(fps * (total / clip.source_fps)), most))
    return min(count, total)


def _uniform_frames(rule: TokenRule, clip: Clip, flags: Flags) -> int:
    """A number of frames, or of frames per second, spread evenly."""
    total = clip.total_frames
    count = flags.frames
    if count is None:
        count = max(1, int(total / clip.source_fps * flags.fps))
    _refuse_more(count, total)
    return count


def _internvl_frames(rule: TokenRule, clip: Clip, flags: Flags) -> int:
    count = flags.frames
    if count is None:
        count = int(clip.total_frames / clip.source_fps * flags.fps)
    if count < 1:
        raise ValueError(f"fps {flags.fps:g} reads no frame of {clip.duration:g} s; raise it")
    _refuse_more(count, clip.total_frames)
    return count


SAMPLING = {
    "internvl": _internvl_frames,
    "qwen2": _qwen2_frames,
    "qwen3": _qwen3_frames,
    "glm": _glm_frames,
    "smolvlm": _smolvlm_frames,
    "uniform": _uniform_frames,
}


def smart_resize(
    height: int, width: int, factor: int, low: float, high: float, frames: int = 1, step: int = 1
) -> tuple[int, int]:
    """Round both sides to multiples of ``factor``, with frames x area between the bounds.

    frames, step : where the bounds hold for the whole video, its frames and those of a slice; the
        frames count rounded to slices in the comparison and as they are in the scale
    """
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    volume = round(frames / step) * step * rows * columns
    if volume > high:
        scale = math.sqrt(frames * height * width / high)
        rows, columns = (
            max(factor, math.floor(side / scale / factor) * factor) for side in (height, width)
        )
    elif volume < low:
        scale = math.sqrt(low / (frames * height * width))
        rows, columns = (math.ceil(side * scale / factor) * factor for side in (height, width))
    return rows, columns


def _grid(rule: TokenRule, clip: Clip, flags: Flags, frames: int) -> tuple[int, int]:
    """Patches of a slice, rows and columns."""
    if rule.bounds == "fixed":
        side = rule.image // rule.patch
        return side, side
    low, high, factor = flags.min_pixels, flags.max_pixels, rule.factor
    over = {"frames": 1, "step": 1}
    height, width = clip.height, clip.width
    if rule.bounds == "video":
        over = {"frames": frames, "step": rule.temporal}
        if flags.cap:
            most = min(rule.cap_tokens * factor**2, high // frames)
            high = max(most, int(1.05 * low)) * frames
        if min(height, width) < factor:
            scale = max(factor / height, factor / width)
            height, width = int(height * scale), int(width * scale)
    elif rule.bounds == "share":
        high //= frames
    elif flags.cap:
        share = int(rule.cap_tokens * factor**2 * 0.9) * rule.temporal // frames
        high = max(min(high, share), int(1.05 * low))
    rows, columns = smart_resize(height, width, factor, low, high, **over)
    return rows // rule.patch, columns // rule.patch


def _settled(rule: TokenRule, flags: Flags) -> Flags:
    """The flags with the family's own settings where nothing is said, refusing what it lacks."""
    bounded = flags.min_pixels is not None or flags.max_pixels is not None
    if rule.bounds == "fixed" and bounded:
        raise ValueError(
            f"min_pixels and max_pixels do nothing here: every frame is resized to {rule.image} "
            f"pixels and {rule.tokens} tokens; drop them, or take fewer frames"
        )
    if flags.cap and not rule.cap_tokens:
        raise ValueError("cap does nothing here: only Qwen's processors know cap_pixels_per_frame")
    if flags.pruning and not rule.prunes:
        raise ValueError(
            "pruning does nothing here: vLLM prunes Qwen2.5-VL's and Qwen3-VL's tokens"
        )
    if flags.fps is None and flags.frames is None:
        flags = replace(flags, fps=rule.fps, frames=rule.frames)
    if rule.bounds == "fixed":
        return flags
    low = rule.min_pixels if flags.min_pixels is None else flags.min_pixels
    high = rule.max_pixels if flags.max_pixels is None else flags.max_pixels
    cell = rule.factor**2
    if high < cell:
        raise ValueError(f"max_pixels {high} lies below one cell of the grid, {cell}; raise it")
    if high < low:
        raise ValueError(
            f"max_pixels {high} lies below min_pixels {low}; raise it, or lower min_pixels"
        )
    return replace(flags, min_pixels=low, max_pixels=high)


def _time_digits(clip: Clip, frames: int, step: int) -> int:
    """Digits of the whole seconds that are written before the slices.

    A slice's time is the mean of its first and last frame's.
    """
    apart = (clip.total_frames - 1) / max(frames - 1, 1) / clip.source_fps
    middles = (
        apart * (min(first, frames - 1) + min(first + step - 1, frames - 1)) / 2
        for first in range(0, frames, step)
    )
    return sum(len(str(int(time))) for time in middles)


def count_tokens(rule: TokenRule, clip: Clip, flags: Flags | None = None) -> VideoTokens:
    """Frames, grid and tokens of a clip under these flags.

    Raises ValueError for flags that the family's processor refuses or ignores.
    """
    flags = _settled(rule, flags or Flags())
    frames = SAMPLING[rule.sampling](rule, clip, flags)
    if rule.bounds == "video" and frames < rule.temporal:
        raise ValueError(
            f"{frames} frame is read, a slice has {rule.temporal}; raise fps or frames"
        )
    slices = math.ceil(frames / rule.temporal)
    rows, columns = _grid(rule, clip, flags, frames)
    each = rule.tokens or rows * columns // rule.merge**2
    visual = slices * each
    if flags.pruning:  # vLLM keeps all of the first slice
        visual = max(each, int(visual * (1 - flags.pruning)))
    markers = slices * rule.slice_markers + rule.video_markers
    if rule.timed:
        markers += _time_digits(clip, frames, rule.temporal)
    return VideoTokens(frames, slices, (rows, columns), visual + rule.video_tokens, markers)
