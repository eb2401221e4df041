"""Reading and writing video files: clips, folders of frames, and pictures.

``decode`` says which frames are shown and how: of a frame, what the container's crop leaves. A
folder of .jpg, .jpeg or .png files, in the order of their numbers, is a video of equally long
frames, and a picture is a video of one frame.

A damaged clip is read as far as FFmpeg reads it. At most 5% of it may be lost: what its header
promises and the file lacks, and packets that cannot be decoded or time in which no frame is shown.
Beyond that a VideoError names it. A format that promises no length (GIF, MPEG-TS, WMV) is read as
far as it goes.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from vvlm_utils.experiment.data.decode import (
    REPLACE,
    Screen,
    Timeline,
    VideoError,
    naming,
    opened,
    read_timeline,
    shown_frames,
    stated_samples,
)
from vvlm_utils.experiment.world.media import pictures_in
from vvlm_utils.experiment.world.sampling import frame_indices, shown_at
from vvlm_utils.files import whole

__all__ = ["VideoError", "check_clip", "read_frames", "read_video", "write_video"]
CRF = 12  # H.264 quality of the clips: textures of two pixels survive it
PIXELS = "yuv444p"  # full colour resolution, so that small squares keep their colour
TOLERANCE = 0.05  # share of a clip that may be lost


def write_video(frames: np.ndarray, path: Path, fps: int) -> None:
    """Write uint8 RGB frames (frames, height, width, 3) as H.264 in mp4, atomically."""
    with whole(path) as part, av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = PIXELS
        stream.options = {"crf": str(CRF), "preset": "ultrafast", "threads": "1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def read_video(path: Path) -> np.ndarray:
    """Decode every frame that is shown, uint8 RGB (frames, height, width, 3).

    Raises VideoError for a file that is missing, empty, holds no video, or lacks a single frame.
    """
    path = Path(path)
    if path.is_dir():
        screen = Screen()
        return np.stack([_read_picture(picture, screen) for picture in _pictures(path)])
    stated, seen, screen = read_timeline(path), Timeline(), Screen()
    with naming(path):
        frames = [screen.show(frame) for frame in shown_frames(path, seen)]
    _check_loss(path, stated, seen, tolerance=0.5 / max(1, len(frames)))
    return np.stack(frames)


def read_frames(path: Path, frames: int, size: int) -> np.ndarray:
    """Decode the frames that a model looks at: uint8 RGB (frames, size, size, 3).

    ``sampling.shown_at`` says which. Frames of another size are resized bicubically.
    Raises VideoError for what is missing, holds no video, or is damaged beyond the tolerance.
    """
    path, screen = Path(path), Screen((size, size))
    if path.is_dir():
        pictures = _pictures(path)
        at = frame_indices(len(pictures), 1.0, frames)
        kept = {i: _read_picture(pictures[i], screen) for i in set(at)}
        return np.stack([kept[i] for i in at])
    stated = read_timeline(path)
    if not stated.starts:
        raise VideoError(f"{path}: holds no frame; {REPLACE}")
    kept, seen = _keep(path, shown_at(stated.starts, stated.end, frames), screen)
    _check_loss(path, stated, seen, TOLERANCE)
    at = shown_at(seen.starts, stated.end, frames)
    if not kept.keys() >= set(at):  # the file lists other frames than it shows
        kept, _ = _keep(path, at, screen)
    return np.stack([kept[i] for i in at])


def check_clip(path: Path) -> None:
    """Open a clip and decode one frame.

    Raises VideoError where there is none, or where the index of an mp4 lists more than the file
    holds. Damage further in is found when the clip is read.
    """
    path = Path(path)
    if path.is_dir():
        _read_picture(_pictures(path)[0], Screen())
        return
    with opened(path) as (container, stream):
        samples = stated_samples(container, stream)
        size = path.stat().st_size
        held = sum(entry.pos + entry.size <= size for entry in stream.index_entries)
        if held < (1 - TOLERANCE) * samples:
            raise VideoError(f"{path}: truncated, {held} of {samples} frames; {REPLACE}")
    if next(shown_frames(path, Timeline()), None) is None:
        raise VideoError(f"{path}: holds no frame; {REPLACE}")


def _keep(path: Path, at: np.ndarray, screen: Screen) -> tuple[dict[int, np.ndarray], Timeline]:
    """The frames of a clip with these numbers, and when each of its frames was shown."""
    wanted, seen, kept = set(at.tolist()), Timeline(), {}
    with naming(path):
        for number, frame in enumerate(shown_frames(path, seen)):
            if number in wanted:
                kept[number] = screen.show(frame)
    return kept, seen


def _check_loss(path: Path, stated: Timeline, seen: Timeline, tolerance: float) -> None:
    """Refuse a clip of which more is lost than the tolerance."""
    if not seen.starts:
        raise VideoError(f"{path}: holds no frame; {REPLACE}")
    failed = seen.failed / max(1, len(stated.starts))
    lost = stated.missing + max(failed, _dark_share(stated.starts, seen.starts, stated.end))
    if lost > tolerance:
        raise VideoError(f"{path}: truncated or damaged, {lost:.0%} is lost; {REPLACE}")


def _dark_share(listed: list[float], seen: list[float], end: float) -> float:
    """The share of a clip's time in which frames are listed and none is shown.

    Two fields are one frame, so a pause counts from twice the longest that the list has.
    """
    if not listed or not np.isfinite([*listed, end]).all() or end <= listed[0]:
        return 0.0
    known = sorted(time for time in seen if np.isfinite(time))
    usual = 2 * np.diff([*listed, end]).max()
    pauses = np.diff([listed[0], *known, end])
    lost = (pauses - usual / 2)[pauses > usual * (1 + 1e-6)].sum()
    return lost / (end - listed[0]) if known else 0.0


def _pictures(folder: Path) -> list[Path]:
    if pictures := pictures_in(folder):
        return pictures
    raise VideoError(f"{folder}: a folder without .jpg, .jpeg or .png frames; {REPLACE}")


def _read_picture(path: Path, screen: Screen) -> np.ndarray:
    with naming(path):
        for frame in shown_frames(path, Timeline()):
            return screen.show(frame)
    raise VideoError(f"{path}: holds no frame; {REPLACE}")
