"""Reading and writing real video files, by PyAV."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from vvlm_utils.experiment.world.sampling import frame_indices
from vvlm_utils.files import whole

CRF = 12  # H.264 quality of the clips: textures of two pixels survive it
PIXELS = "yuv444p"  # full colour resolution, so that small squares keep their colour


class VideoError(ValueError):
    """A video that cannot be used: names the file, what is wrong and the mend."""


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


def _count_frames(path: Path) -> int:
    """Frames of a video, as its container states them, or else as its packets show."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise VideoError(f"{path}: holds no video stream; replace the file")
        stream = container.streams.video[0]
        return stream.frames or sum(packet.size > 0 for packet in container.demux(stream))


def read_frames(path: Path, frames: int, size: int) -> np.ndarray:
    """Decode only the frames that a model looks at: uint8 RGB (frames, size, size, 3).

    ``sampling.frame_indices`` says which. Frames of another size are resized bicubically. Where a
    container states up to 5% more frames than it holds, the last one stands for those.
    Raises VideoError as ``read_video`` does.
    """
    path = Path(path)
    if not path.is_file():
        raise VideoError(f"{path}: no such video; name the folder that holds it")
    try:
        stated = _count_frames(path)
        wanted = set(frame_indices(stated, 1.0, frames)) if stated else set()
        kept, seen = {}, 0
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                if seen in wanted:
                    kept[seen] = _as_square(frame, size)
                last, seen = frame, seen + 1
                if seen == stated:
                    break
    except av.FFmpegError as broken:
        raise VideoError(f"{path}: cannot be decoded ({broken}); replace the file") from None
    if not seen:
        raise VideoError(f"{path}: holds no frame; replace the file")
    if seen < 0.95 * stated:
        raise VideoError(f"{path}: truncated, {seen} of {stated} frames; replace the file")
    end = _as_square(last, size)
    return np.stack([kept.get(i, end) for i in frame_indices(stated, 1.0, frames)])


def _as_square(frame: av.VideoFrame, size: int) -> np.ndarray:
    """A frame as uint8 RGB (size, size, 3)."""
    if (frame.width, frame.height) == (size, size):
        return frame.to_ndarray(format="rgb24")
    return frame.reformat(size, size, "rgb24", interpolation="BICUBIC").to_ndarray()
