"""How fast one core of this machine decodes video: a price that `vvlm serve` counts.

    make decode-rate
    python -m vvlm_utils.experiment.data.decode_rate --resolution 1920x1080 my.mp4

Without a file a moving texture is encoded to H.264 first, ten seconds of it. All frames are
decoded and turned to RGB on one thread, as a server that samples a file's frames must do.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from vvlm_utils.cost.clips import read_resolution

SECONDS, FPS = 10, 30


def write_texture(path: Path, width: int, height: int) -> None:
    """Encode a texture that moves and flickers, so that frames differ as a camera's do."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (height // 8 + 64, width // 8 + 64, 3), dtype=np.uint8)
    texture = coarse.repeat(8, axis=0).repeat(8, axis=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(SECONDS * FPS):
            moved = texture[index : index + height, 2 * index % 256 :][:, :width]
            noise = rng.integers(0, 8, moved.shape, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moved // 2 + noise), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def decode_rate(path: Path) -> tuple[float, int, float]:
    """Pixels per second of one thread, frames of the file, and seconds that decoding took."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError(f"{path} holds no video")
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        start, frames, pixels = time.perf_counter(), 0, 0
        for frame in container.decode(stream):
            frame.to_ndarray(format="rgb24")
            frames += 1
            pixels += frame.width * frame.height
        seconds = time.perf_counter() - start
    if not frames:
        raise ValueError(f"{path} holds no frame")
    return pixels / seconds, frames, seconds


def main() -> None:
    """Print the rate, and the option that hands it to ``vvlm serve``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="a video of yours")
    parser.add_argument("--resolution", default="1280x720", help="of the clip made without one")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = asked.file
        if path is None:
            path = Path(folder) / "texture.mp4"
            write_texture(path, *read_resolution(asked.resolution))
        rate, frames, seconds = decode_rate(path)
    print(f"{frames} frames in {seconds:.2f} s of one thread: {rate:.3g} pixels per second")
    print(f"vvlm serve MODEL --decode-rate {rate:.3g}")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        print(f"decode-rate: {error}", file=sys.stderr)
        sys.exit(2)
