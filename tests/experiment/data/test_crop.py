"""A container's crop is cut off as FFmpeg's own program cuts it off (which does so since 7.1)."""

import struct
import subprocess

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from vvlm_utils.experiment.data.crop import read_crop
from vvlm_utils.experiment.data.video import VideoError, check_clip, read_frames, read_video

WAY = {b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8, b"stbl": 8, b"stsd": 16, b"avc1": 86}
EDGES = ("54cc", "54bb", "54dd", "54aa")  # Matroska's PixelCropLeft, Top, Right, Bottom
SPARE = bytes.fromhex("9a81 02 53b881 00 55b088 55b781 01 55b881 02")  # as long as four crops
APERTURES = {  # width, height and how far their middle lies from the picture's, as fractions
    "even": (40, 1, 30, 1, 2, 1, -3, 1),
    "odd": (41, 1, 31, 1, -3, 2, 5, 2),
    "fraction": (81, 2, 91, 3, 1, 3, -1, 7),
    "the picture itself": (64, 1, 48, 1, 0, 1, 0, 1),
    "too wide": (80, 1, 30, 1, 2, 1, -3, 1),
    "beyond the right": (40, 1, 30, 1, 30, 1, 0, 1),
    "no denominator": (40, 0, 30, 1, 2, 1, -3, 1),
    "negative": (-40, 1, 30, 1, 0, 1, 0, 1),
}


def ffmpeg(*arguments) -> bytes:
    command = [get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A clip as mp4, with the same turned by a quarter, and as mkv."""
    folder = tmp_path_factory.mktemp("clips")
    source = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4"]
    ffmpeg(*source, "-c:v", "libx264", "-pix_fmt", "yuv420p", folder / "plain.mp4")
    copied = ["-i", folder / "plain.mp4", "-c", "copy"]
    ffmpeg("-display_rotation", "90", *copied, folder / "turned.mp4")
    marks = ["-metadata:s:v", "stereo_mode=mono"]
    ffmpeg(*copied, *marks, folder / "plain.mkv")
    sound = ["-f", "lavfi", "-i", "sine=d=0.4"]
    ffmpeg(
        *sound, *copied[:2], "-map", "0", "-map", "1", "-c:v", "copy", folder / "sound_first.mp4"
    )
    return folder


def with_aperture(content: bytes, numbers: tuple) -> bytes:
    """An mp4 with a clap box at the end of its video's sample entry."""
    at, path = content.index(b"moov") - 4, []
    track = content.rindex(b"trak", at, content.index(b"vide", at)) - 4
    for name, head in WAY.items():
        at = track if name == b"trak" else content.index(name, at) - 4
        path.append(at)
        at += head
    grown = bytearray(content)
    for at in path:
        (size,) = struct.unpack_from(">I", content, at)
        struct.pack_into(">I", grown, at, size + 40)
    grown[at + size : at + size] = struct.pack(">I4s8i", 40, b"clap", *numbers)
    return bytes(grown)


def with_crop(content: bytes, edges: tuple) -> bytes:
    """A Matroska file that says what to crop, in place of what it says of colours."""
    assert content.count(SPARE) == 1
    said = b"".join(bytes.fromhex(f"{name}81{n:02x}") for name, n in zip(EDGES, edges, strict=True))
    return content.replace(SPARE, said + b"\xec\x80")  # and a void


def shown(path, *shape) -> np.ndarray:
    """What FFmpeg's program shows of a file, (frames, *shape)."""
    pixels = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(pixels, np.uint8).reshape(-1, *shape)


def agrees(path) -> tuple:
    """The size in which a clip is read, once its frames are found to be those of FFmpeg."""
    frames = read_video(path)
    assert np.abs(shown(path, *frames.shape[1:]) - frames.astype(int)).max() <= 2
    check_clip(path)
    return frames.shape[1:3]


@pytest.mark.parametrize("name", APERTURES)
@pytest.mark.parametrize("clip", ["plain", "turned", "sound_first"])
def test_a_clean_aperture_is_what_is_shown(made, tmp_path, clip, name):
    path = tmp_path / "a.mp4"
    path.write_bytes(with_aperture((made / f"{clip}.mp4").read_bytes(), APERTURES[name]))
    size = agrees(path)
    cropped = name in ("even", "odd", "fraction")
    assert (size not in ((48, 64), (64, 48))) == cropped


@pytest.mark.parametrize("edges", [(6, 4, 2, 8), (5, 3, 2, 7), (0, 0, 0, 2), (0, 0, 0, 0)])
def test_matroskas_crop_is_cut_off(made, tmp_path, edges):
    path = tmp_path / "a.mkv"
    path.write_bytes(with_crop((made / "plain.mkv").read_bytes(), edges))
    left, top, right, bottom = edges
    height, width = agrees(path)
    assert (height, width) == ((48 - top - bottom) // 2 * 2, (64 - left - right) // 2 * 2)


def test_the_frames_of_a_model_are_cropped_before_they_are_resized(made, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(with_aperture((made / "plain.mp4").read_bytes(), (32, 1, 32, 1, 0, 1, 0, 1)))
    middle = read_video(made / "plain.mp4")[:, 8:40, 16:48]
    kept = read_frames(path, 10, 32)
    assert np.abs(kept.astype(int) - middle).max() <= 2


@pytest.mark.parametrize("name, changed", [
    ("a.mp4", lambda made: with_aperture((made / "plain.mp4").read_bytes(),
                                         (30, 1, 30, 1, -30, 1, 0, 1))),
    ("a.mkv", lambda made: with_crop((made / "plain.mkv").read_bytes(), (40, 0, 30, 0))),
], ids=["mp4", "mkv"])  # fmt: skip
def test_a_crop_that_ffmpeg_refuses_is_named(made, tmp_path, name, changed):
    path = tmp_path / name
    path.write_bytes(changed(made))
    with pytest.raises(VideoError, match=rf"{name}: cannot be decoded .*; replace the file$"):
        read_video(path)


@pytest.mark.parametrize("kind", ["mp4", "matroska"])
def test_nonsense_has_no_crop_and_takes_no_time(tmp_path, kind):
    path = tmp_path / "a"
    draw = np.random.default_rng(0)
    for content in (b"\0" * 1000, b"\0\0\0\1moov" * 50, b"\x1a\x45\xdf\xa3", draw.bytes(5000)):
        path.write_bytes(content)
        assert read_crop(path, kind, 0) is None
