"""Clips as files: what is written is what is read, and what is broken is named."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vvlm_utils.experiment.data import clips, video
from vvlm_utils.experiment.world import sampling
from vvlm_utils.experiment.world.scenes import WORLD


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("mini clips") / "train"
    clips.write_clips(path, "train", 4, progress=False)
    return path


@pytest.fixture
def copy(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_a_decoded_clip_is_the_drawn_one_but_for_compression(folder):
    _, _, drawn = clips.draw_clip("train", 0, 2)
    decoded = video.read_video(folder / "000002.mp4")
    assert decoded.shape == drawn.shape == (WORLD.frames, WORLD.size, WORLD.size, 3)
    assert np.abs(decoded.astype(float) - drawn).mean() < 1.5


def test_the_index_holds_the_questions_as_conversations(folder):
    records = clips.read_index(folder / "index.json")
    _, questions, _ = clips.draw_clip("train", 0, 1)
    assert clips.questions_of(records[1]) == questions
    assert records[1]["conversations"][0]["value"].startswith("<image>\n")


def test_more_clips_keep_those_that_are_there(copy):
    before = (copy / "000003.mp4").read_bytes()
    clips.write_clips(copy, "train", 6, progress=False)
    records = clips.read_index(copy / "index.json", 6)
    assert (copy / "000003.mp4").read_bytes() == before and len(records) == 6
    assert len(clips.read_index(copy / "index.json", 2)) == 2


def test_two_writers_of_one_folder_leave_the_clips_of_one(folder, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        writers = [
            pool.submit(clips.write_clips, tmp_path, "train", 4, progress=False) for _ in range(2)
        ]
        assert {writer.result() for writer in writers} == {tmp_path / "index.json"}
    written, wanted = ({f.name: f.read_bytes() for f in d.iterdir()} for d in (tmp_path, folder))
    assert written == wanted


def test_no_two_splits_share_a_clip():
    drawn = [clips.draw_clip(split, 0, 0)[2] for split in clips.SPLITS]
    assert not any(np.array_equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def test_a_folder_of_another_recipe_is_refused(copy):
    with pytest.raises(ValueError, match="clips of another recipe"):
        clips.write_clips(copy, "train", 4, seed=1, progress=False)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda b: b"", "000001.mp4: cannot be decoded"),
        (lambda b: b"not a video at all", "000001.mp4: cannot be decoded"),
        (lambda b: b[: len(b) // 2], "000001.mp4: "),
    ],
)
def test_a_broken_video_is_refused_by_name(copy, spoil, words):
    path = copy / "000001.mp4"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(video.VideoError, match=words):
        video.read_video(path)


def test_a_missing_video_is_refused_by_name(copy):
    (copy / "000001.mp4").unlink()
    with pytest.raises(
        clips.ClipError, match=r"\(id 'vvlm-mini-000001'\): video not there: '000001.mp4'"
    ):
        clips.read_index(copy / "index.json")
    with pytest.raises(video.VideoError, match="000001.mp4: no such video"):
        video.read_video(copy / "000001.mp4")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: "nonsense", "not readable as JSON"),
        (lambda r: json.dumps({"a": 1}), "must be a list"),
        (
            lambda r: json.dumps([{"id": "x", "video": "000000.mp4"}]),
            r"\(id 'x'\): lacks 'conversations'",
        ),
        (lambda r: json.dumps([{**r[0], "conversations": r[0]["conversations"][1:]}]), "alternate"),
    ],
)
def test_a_damaged_index_is_refused(copy, spoil, words):
    path = copy / "index.json"
    path.write_text(spoil(json.loads(path.read_text())))
    with pytest.raises(clips.ClipError, match=words):
        clips.read_index(path)


def test_more_clips_than_there_are_is_refused(folder):
    with pytest.raises(clips.ClipError, match="holds 4 records, 5 asked"):
        clips.read_index(folder / "index.json", 5)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 8, 16, 40])
def test_sampled_frames_are_spread_and_never_leave_the_video(frames):
    at = sampling.frame_indices(16, 2, frames)
    assert len(at) == frames and at[0] >= 0 and at[-1] <= 15
    assert (np.diff(at) >= 0).all() and np.ptp(np.diff(at)) <= 1 if frames > 1 else True


def test_no_frame_of_nothing_can_be_sampled():
    with pytest.raises(ValueError, match="must be positive, got 0"):
        sampling.frame_indices(0, 2, 4)
