"""Reading and writing real video files, by PyAV."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np

CRF = 12  # H.264 quality of the clips: textures of two pixels survive it
PIXELS = "yuv444p"  # full colour resolution, so that small squares keep their colour


class VideoError(ValueError):
    """A video that cannot be used: names the file, what is wrong and the mend."""


def write_video(frames: np.ndarray, path: Path, fps: int) -> None:
    """Write uint8 RGB frames (frames, height, width, 3) as H.264 in mp4, atomically."""
    part = path.with_suffix(".part")
    with av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = PIXELS
        stream.options = {"crf": str(CRF), "preset": "ultrafast", "threads": "1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    os.replace(part, path)


def read_video(path: Path) -> np.ndarray:
    """Decode every frame, uint8 RGB (frames, height, width, 3).

    Raises VideoError for a file that is missing, empty, broken or holds no video.
    """
    path = Path(path)
    if not path.is_file():
        raise VideoError(f"{path}: no such video; write the clips again")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VideoError(f"{path}: holds no video stream; replace the file")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # short clips lose more than threads win
            stated = stream.frames
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    except av.FFmpegError as broken:
        raise VideoError(f"{path}: cannot be decoded ({broken}); replace the file") from None
    if not frames:
        raise VideoError(f"{path}: holds no frame; replace the file")
    if stated and len(frames) < stated:
        raise VideoError(f"{path}: truncated, {len(frames)} of {stated} frames; replace the file")
    return np.stack(frames)


def frame_indices(count: int, fps: float, frames: int) -> np.ndarray:
    """Indices of ``frames`` frames spread uniformly over a video of ``count`` frames.

    Candidates lie on a lattice of at least one frame per second and at least ``frames`` points,
    and no finer than the video: each of the ``frames`` equal stretches of the video gives the
    frame at its middle. A video with fewer frames than asked for repeats some.
    Raises ValueError for an empty video or a request for no frame.

    >>> frame_indices(16, 2, 4).tolist(), frame_indices(3, 1, 6).tolist()
    ([2, 6, 10, 14], [0, 0, 1, 1, 2, 2])
    """
    if count < 1 or frames < 1 or not fps > 0:
        raise ValueError(f"count, fps and frames must be positive, got {count}, {fps}, {frames}")
    return ((np.arange(frames) + 0.5) * count / frames).astype(int)
