"""From a clip and a server's flags to frames and tokens, as each family's processor counts them.

Pure functions. A family's ``TokenRule`` holds what its processor is set to; the arithmetic,
rounding included, is that of transformers 5.23, and a kept table of its processors' own answers
(``data/processor_counts.csv``) holds every rule to it. ``flags`` goes back, from wanted frames and
tokens per frame to the flags that come nearest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

LEAST_SIDE = 28  # pixels: one cell of the smallest grid
MOST_SIDE = 16384  # pixels
MOST_SECONDS = 24 * 3600
MOST_ASPECT = 200  # the processors refuse longer stripes


def read_resolution(text: str) -> tuple[int, int]:
    """Width and height of ``1280x720``; raises ValueError for another form."""
    width, cross, height = text.lower().partition("x")
    if not (cross and width.strip().isdecimal() and height.strip().isdecimal()):
        raise ValueError(f"resolution must be WIDTHxHEIGHT, as in 1280x720, got {text!r}")
    return int(width), int(height)


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file: seconds, pixels, and the frames per second it was recorded with."""

    duration: float
    width: int
    height: int
    source_fps: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.duration <= MOST_SECONDS:
            raise ValueError(
                f"duration must lie above 0 and up to {MOST_SECONDS} seconds, got {self.duration:g}"
            )
        if not 0 < self.source_fps <= 1000:
            raise ValueError(f"source_fps must lie between 0 and 1000, got {self.source_fps:g}")
        for side in (self.width, self.height):
            if not LEAST_SIDE <= side <= MOST_SIDE:
                raise ValueError(
                    f"resolution {self.width}x{self.height}: each side must have {LEAST_SIDE} to "
                    f"{MOST_SIDE} pixels, as in 1280x720"
                )
        if max(self.width, self.height) > MOST_ASPECT * min(self.width, self.height):
            raise ValueError(
                f"resolution {self.width}x{self.height}: one side is more than {MOST_ASPECT} "
                "times the other, which the processors refuse"
            )

    @property
    def total_frames(self) -> int:
        """Frames in the file, at least one."""
        return max(1, round(self.duration * self.source_fps))


@dataclass(frozen=True, slots=True)
class Flags:
    """What a user sets; None leaves the family's own setting.

    fps, frames : frames to read per second, or in all; one of the two
    min_pixels, max_pixels : bounds of the processor's ``size``; per frame, or over the whole
        video, as ``TokenRule.bounds`` says
    pruning : share of visual tokens that vLLM drops behind the tower (--video-pruning-rate)
    cap : transformers' ``cap_pixels_per_frame``; None is its default, which is not to cap
    """

    fps: float | None = None
    frames: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    pruning: float = 0.0
    cap: bool | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and self.frames is not None:
            raise ValueError("fps and frames exclude one another: give one of the two")
        for name in ("fps", "frames", "min_pixels", "max_pixels"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1e12:
                raise ValueError(f"{name} must be a positive number, got {value:g}")
        if not 0 <= self.pruning < 1:
            raise ValueError(f"pruning must lie at 0 or above and below 1, got {self.pruning:g}")


@dataclass(frozen=True, slots=True)
class TokenRule:
    """How a family's processor turns a clip into tokens.

    sampling : which function of ``SAMPLING`` counts the frames
    bounds : what min_pixels and max_pixels bound: ``frame``, ``video`` (height x width x frames,
        Qwen3-VL and GLM), ``share`` (max_pixels over the frames, VideoLLaMA3), or ``fixed``: one
        size for every clip
    fps, frames, min_frames, max_frames : the family's own sampling
    min_pixels, max_pixels : the checkpoint's own bounds
    patch, merge, temporal : side of a patch, patches of a token's side, frames of a slice
    image, tokens : fixed size: side in pixels and tokens of a slice
    cap_tokens : ``max_video_tokens`` of ``cap_pixels_per_frame``; 0 where there is no such flag
    reference_cells : least and most tokens of a slice in the family's own reference code
    video_tokens : further visual tokens of each video (a newline)
    slice_markers, video_markers : text tokens that the processor writes around each slice, and
        around the video
    timed : the processor also writes each slice's time, digit by digit (Qwen3-VL)
    prunes : vLLM's --video-pruning-rate serves the family
    """

    sampling: str
    bounds: str
    patch: int
    merge: int = 1
    temporal: int = 1
    fps: float | None = None
    frames: int | None = None
    min_frames: int = 1
    max_frames: int = 768
    min_pixels: int = 0
    max_pixels: int = 0
    image: int = 0
    tokens: int = 0
    cap_tokens: int = 0
    reference_cells: tuple[int, int] | None = None
    video_tokens: int = 0
    slice_markers: int = 0
    video_markers: int = 0
    timed: bool = False
    prunes: bool = False

    @property
    def factor(self) -> int:
        """Side of a token's cell, pixels."""
        return self.patch * self.merge


@dataclass(frozen=True, slots=True)
class VideoTokens:
    """What a clip becomes.

    frames_read : frames that are decoded and handed to the processor, x_T
    frames_encoded : slices that the tower sees; Qwen's and GLM's merge two frames in one
    grid : patches of a slice, rows and columns
    visual_tokens : that the decoder reads, pruned ones left out
    marker_tokens : text that the processor writes around them; printed times are counted by digits
    """

    frames_read: int
    frames_encoded: int
    grid: tuple[int, int]
    visual_tokens: int
    marker_tokens: int

    @property
    def tokens_per_frame(self) -> float:
        """Visual tokens over frames read, x_V."""
        return self.visual_tokens / self.frames_read


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
