"""A clip, the flags of a server, a family's token rule, and what a clip becomes.

Plain values, refused where they make no sense; ``tokens`` counts with them.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST_SIDE = 28  # pixels: one cell of the smallest grid
MOST_SIDE = 16384  # pixels
MOST_SECONDS = 24 * 3600
MOST_FLAG = 1e12  # of frames, frames per second and pixels: more is a slip
LEAST_FPS = 1e-6  # a frame in eleven days
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
        if self.fps is not None and 0 < self.fps < LEAST_FPS:
            raise ValueError(f"fps must be at least {LEAST_FPS:g}, got {self.fps:g}")
        for name in ("fps", "frames", "min_pixels", "max_pixels"):
            value = getattr(self, name)
            if value is not None and not 0 < value < MOST_FLAG:
                raise ValueError(
                    f"{name} must be a positive number below {MOST_FLAG:g}, got {value:g}"
                )
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
