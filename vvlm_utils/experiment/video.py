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
