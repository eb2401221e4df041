"""Clips are read as FFmpeg's own program shows them: the same frames, within two grey levels."""

import json
import subprocess
import sys

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from vvlm_utils.experiment.data.video import VideoError, check_clip, read_frames, read_video

ALIKE = 2  # grey levels of 256: builds of FFmpeg round differently
SOURCE = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.8"]
H264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "5"]
UNEVEN = ["-vf", "select='lt(n,6)+not(mod(n,6))'", "-fps_mode", "vfr"]  # then five are left out
SOUND = ["-f", "lavfi", "-i", "sine=d=0.8"]
MADE = {  # name: how it is made from nothing
    "plain.mp4": [*SOURCE, *H264],
    "late.mp4": [*SOURCE, *H264, "-g", "50", "-bf", "3"],
    "odd.mp4": [*SOURCE, "-vf", "crop=33:17", "-c:v", "libx264", "-pix_fmt", "yuv444p"],
    "ten_bit.mp4": [*SOURCE, *H264, "-pix_fmt", "yuv420p10le"],
    "full_range.mp4": [*SOURCE, *H264, "-pix_fmt", "yuvj420p"],
    "bt709.mp4": [*SOURCE, "-vf", "scale=out_color_matrix=bt709", *H264, "-colorspace", "bt709"],
    "interlaced.mp4": [*SOURCE, "-vf", "interlace", *H264, "-flags", "+ildct+ilme"],
    "fragments.mp4": [*SOURCE, *H264, "-movflags", "+frag_keyframe+empty_moov"],
    "one.mp4": [*SOURCE, *H264, "-frames:v", "1"],
    "uneven.mp4": [*SOURCE, *UNEVEN, *H264],
    "uneven.mkv": [*SOURCE, *UNEVEN, *H264],
    "uneven.gif": [*SOURCE, *UNEVEN],
    "plain.gif": [*SOURCE],
    "hidden_frames.webm": [*SOURCE, "-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "9"],
    "plain.avi": [*SOURCE, "-c:v", "mpeg4", "-g", "5"],
    "plain.ts": [*SOURCE, *H264],
    "long_sound.mkv": [*SOURCE, "-f", "lavfi", "-i", "sine=d=2", *H264],
    "still.png": [*SOURCE, "-frames:v", "1"],
}
CHANGED = {  # name: options before and after a plain clip, whose packets are copied
    "turned_90.mp4": (["-display_rotation", "90"], []),
    "turned_180.mp4": (["-display_rotation", "180"], []),
    "turned_270.mkv": (["-display_rotation", "270"], []),
    "turned_37.mp4": (["-display_rotation", "37"], []),
    "mirrored.mp4": (["-display_hflip"], []),
    "upside_down.mp4": (["-display_vflip"], []),
    "turned_and_mirrored.mp4": (["-display_rotation", "90", "-display_hflip"], []),
    "turned_and_flipped.mp4": (["-display_rotation", "270", "-display_vflip"], []),
    "cut.mp4": (["-ss", "0.3"], []),
    "cut.mov": (["-ss", "0.15", "-t", "0.4"], []),
    "cut.mkv": (["-ss", "0.3"], []),
}


def ffmpeg(*arguments) -> bytes:
    command = [get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


def make(folder, name):
    """The clip of a name, made when first asked for."""
    path = folder / name
    if path.exists():
        return path
    if name in MADE:
        ffmpeg(*MADE[name], path)
    else:
        before, after = CHANGED[name]
        ffmpeg(*before, "-i", make(folder, "late.mp4"), *after, "-c", "copy", path)
    return path


def shown(path, *filters, shape) -> np.ndarray:
    """What FFmpeg's program shows of a file, (frames, *shape)."""
    options = ["-vf", ",".join(filters)] if filters else []
    options += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = ffmpeg("-threads", 1, "-i", path, *options)
    return np.frombuffer(pixels, np.uint8).reshape(-1, *shape)


def spread(path, frames) -> np.ndarray:
    """The frames that FFmpeg shows at the middles of equal stretches of time, 32 x 32."""
    steps = ("fps=1000", "scale=32:32:flags=bicubic")
    lattice = shown(path, *steps, shape=(32, 32, 3))  # what is shown in each millisecond
    return lattice[((np.arange(frames) + 0.5) * len(lattice) / frames).astype(int)]


def differ(left, right) -> int:
    assert left.shape == right.shape
    return int(np.abs(left.astype(int) - right).max())


@pytest.mark.parametrize("name", [*MADE, *CHANGED])
def test_each_frame_is_the_one_that_ffmpeg_shows(folder, name):
    path = make(folder, name)
    frames = read_video(path)
    assert differ(frames, shown(path, shape=frames.shape[1:])) <= ALIKE
    check_clip(path)


@pytest.mark.parametrize("name", ["uneven.mp4", "uneven.mkv", "uneven.gif", "plain.mp4", "cut.mp4"])
@pytest.mark.parametrize("frames", [1, 4, 9])
def test_frames_are_spread_over_the_time_that_they_are_shown(folder, name, frames):
    path = make(folder, name)
    assert differ(read_frames(path, frames, 32), spread(path, frames)) <= ALIKE


def test_a_name_is_taken_as_it_stands(folder):
    for name, odd in (("still.png", "a:b 100%03d.png"), ("plain.mp4", "http:x 5%.mp4")):
        path = make(folder, name)
        (folder / odd).write_bytes(path.read_bytes())
        assert differ(read_video(folder / odd), read_video(path)) == 0


def test_a_cover_picture_is_no_video(folder):
    cover, plain = ["-i", make(folder, "still.png")], make(folder, "plain.mp4")
    covered = ["-c:v", "copy", "-disposition:v:0", "attached_pic"]
    sound, both = folder / "sound.m4a", folder / "cover_first.mp4"
    ffmpeg(*cover, *SOUND, "-map", 0, "-map", 1, *covered, "-c:a", "aac", "-f", "mp4", sound)
    for read in (read_video, check_clip):
        with pytest.raises(VideoError, match="sound.m4a: holds only a cover picture; replace"):
            read(sound)
    ffmpeg(*cover, "-i", plain, "-map", 0, "-map", 1, *covered, both)
    assert differ(read_video(both), read_video(plain)) == 0


def test_a_file_without_video_is_named(folder):
    ffmpeg(*SOUND, folder / "sound.mp4")
    for read in (read_video, check_clip, lambda path: read_frames(path, 2, 16)):
        with pytest.raises(VideoError, match="sound.mp4: holds no video stream; replace the file"):
            read(folder / "sound.mp4")


def test_an_unknown_codec_is_named(folder):
    path = folder / "unknown.avi"
    path.write_bytes(make(folder, "plain.avi").read_bytes().replace(b"FMP4", b"QQQQ"))
    for read in (read_video, check_clip):
        with pytest.raises(VideoError, match="unknown.avi: its codec is unknown; replace the file"):
            read(path)


def test_a_title_in_another_encoding_does_no_harm(folder):
    path = folder / "title.mp4"
    ffmpeg("-i", make(folder, "plain.mp4"), "-c", "copy", "-metadata", "title=QQQQ", path)
    path.write_bytes(path.read_bytes().replace(b"QQQQ", b"\xe9\xff\xfe\xe8"))
    assert differ(read_video(path), read_video(make(folder, "plain.mp4"))) == 0


# damage


@pytest.fixture(scope="module")
def fast(folder):
    """A clip of 50 frames whose index comes first, and where its packets lie."""
    import av

    path, source = folder / "fast.mp4", "testsrc2=s=64x48:r=50:d=1"
    ffmpeg("-f", "lavfi", "-i", source, *H264, "-bf", "0", "-movflags", "+faststart", path)
    with av.open(str(path)) as container:
        return path, [(e.pos, e.size) for e in container.streams.video[0].index_entries]


def zeroed(content, places):
    content = bytearray(content)
    for position, size in places:
        content[position : position + size] = bytes(size)
    return bytes(content)


def test_a_clip_within_the_tolerance_is_read_as_ffmpeg_reads_it(fast, tmp_path):
    path, packets = fast
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(zeroed(path.read_bytes(), packets[23:25]))  # 2 of 50
    assert len(shown(damaged, shape=(48, 64, 3))) < 50
    assert differ(read_frames(damaged, 25, 32), spread(damaged, 25)) <= ALIKE
    with pytest.raises(VideoError, match="damaged.mp4: truncated or damaged, 4% is lost; replace"):
        read_video(damaged)


@pytest.mark.parametrize(
    "places",
    [slice(10, 14), slice(0, 5), slice(45, 50), slice(0, 50)],
    ids=["inside", "first", "last", "all"],
)
def test_a_clip_beyond_the_tolerance_is_named(fast, tmp_path, places):
    path, packets = fast
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(zeroed(path.read_bytes(), packets[places]))
    with pytest.raises(VideoError, match="damaged.mp4: .*; replace the file") as refused:
        read_frames(damaged, 4, 32)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["plain.avi", "uneven.mkv", "fragments.mp4", "hidden_frames.webm"])
def test_half_a_file_is_named(folder, tmp_path, name):
    whole, half = make(folder, name).read_bytes(), tmp_path / name
    half.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match=f"{name}: .*; replace the file"):
        read_frames(half, 4, 32)


def test_half_a_file_with_its_index_is_named_by_the_check_too(fast, tmp_path):
    path, packets = fast
    half = tmp_path / "half.mp4"
    half.write_bytes(path.read_bytes()[: packets[25][0]])
    with pytest.raises(VideoError, match="half.mp4: truncated, 25 of 50 frames; replace the file"):
        check_clip(half)
    with pytest.raises(VideoError, match="half.mp4: truncated or damaged, .* is lost"):
        read_frames(half, 4, 32)


def test_a_format_that_promises_no_length_is_read_as_far_as_it_goes(folder, tmp_path):
    whole = make(folder, "plain.ts").read_bytes()
    half = tmp_path / "half.ts"
    half.write_bytes(whole[: len(whole) // 2])
    assert differ(read_frames(half, 5, 32), spread(half, 5)) <= ALIKE


def test_the_error_of_a_loaders_worker_stays_one_line():
    handed_on = (
        "Caught VideoError in DataLoader worker process 0.\nOriginal Traceback:\n  File ...\n"
        "vvlm_utils.experiment.data.decode.VideoError: a.mp4: holds no frame; replace the file\n"
    )
    assert str(VideoError(handed_on)) == "a.mp4: holds no frame; replace the file"


# folders of frames and pictures


def test_a_folder_of_pictures_is_a_video_in_the_order_of_its_numbers(tmp_path):
    names = ["c01_1.png", "c01_2.jpeg", "c01_10.JPG", "c01_11.png"]
    for grey, name in enumerate(names):
        Image.new("RGB", (40, 30), (grey * 50,) * 3).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no frame")
    (tmp_path / ".c01_0.png").write_bytes(b"")
    frames = read_frames(tmp_path, 8, 16)
    assert frames.shape == (8, 16, 16, 3)
    assert np.abs(frames.mean(axis=(1, 2, 3)) - np.repeat([0, 50, 100, 150], 2)).max() <= ALIKE
    assert read_video(tmp_path).shape == (4, 30, 40, 3)
    check_clip(tmp_path)


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no frame")
    for read in (read_video, check_clip, lambda path: read_frames(path, 2, 16)):
        with pytest.raises(VideoError, match="a folder without .jpg, .jpeg or .png frames"):
            read(tmp_path)


UPRIGHT = {  # what a photograph's EXIF orientation asks for
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 3),
    7: lambda p: np.rot90(p.transpose(1, 0, 2), 2),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_photograph_stands_upright(tmp_path, orientation):
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :16] = 250
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    (picture,) = read_video(tmp_path / "photo.jpg")
    assert np.abs(picture.astype(int) - UPRIGHT[orientation](pixels)).mean() < 2


# who reads


def test_scripts_find_the_reader_under_its_short_name_and_load_no_codec_without_it():
    code = (
        "import sys, vvlm_utils.experiment;"
        "print('av' in sys.modules, 'torch' in sys.modules);"
        "from vvlm_utils.experiment.video import read_frames;"
        "from vvlm_utils.experiment.data import video;"
        "print(read_frames is video.read_frames)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.split() == ["False", "False", "True"], ended.stderr


@pytest.mark.parametrize("workers", [0, 1])
def test_training_ends_on_a_damaged_clip_with_one_line(fast, tmp_path, workers):
    from torch.utils.data import DataLoader

    from vvlm_utils.experiment.model.batches import make_tokenizer
    from vvlm_utils.experiment.model.instructions import InstructionDataset, read_instructions

    path, packets = fast
    said = [{"from": "human", "value": "<video>\nsmall ?"}, {"from": "gpt", "value": "colour0"}]
    (tmp_path / "a.mp4").write_bytes(zeroed(path.read_bytes(), packets[10:40]))
    (tmp_path / "index.json").write_text(json.dumps([{"video": "a.mp4", "conversations": said}]))
    records = read_instructions(tmp_path / "index.json", tmp_path)  # its first bytes are a video's
    data = InstructionDataset(records, tmp_path, make_tokenizer(), 2, 4, 64)
    # A fork of this process would take along the locks of whatever threads earlier tests started.
    how = {"num_workers": workers, "multiprocessing_context": "spawn" if workers else None}
    with pytest.raises(VideoError, match="a.mp4: truncated or damaged, .*; replace") as refused:
        next(iter(DataLoader(data, collate_fn=data.collate, **how)))
    assert "\n" not in str(refused.value)
