"""Token rules: against transformers' own processors, clip by clip, and by reports of servers."""

import csv
import json
import math
import shlex
from itertools import groupby

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vvlm_utils.cost.catalogue import families, get_model
from vvlm_utils.cost.clips import Clip, Flags
from vvlm_utils.cost.flags import find_flags, floor_tokens, transformers_lines, vllm_line
from vvlm_utils.cost.tokens import count_tokens
from vvlm_utils.files import DATA_FOLDER

KEPT = list(csv.DictReader((DATA_FOLDER / "processor_counts.csv").open()))
BY_FAMILY = {name: list(rows) for name, rows in groupby(KEPT, key=lambda row: row["family"])}
NOT_COUNTED = {
    "gemma3": "transformers has no video processor for it: each frame is an image of one size, and "
    "its 256 tokens are a setting of the configuration, so nothing is left to count",
}
QWEN3, QWEN25 = get_model("qwen3-vl-8b"), get_model("qwen2.5-vl-7b")
CLIP = Clip(10, 1280, 720)


def _asked(row):
    """Clip and flags of a kept row."""
    size = int(row["width"]), int(row["height"])
    clip = Clip(float(row["duration"]), *size, float(row["source_fps"]))
    numbers = {
        name: kind(row[name])
        for name, kind in (
            ("fps", float),
            ("frames", int),
            ("min_pixels", int),
            ("max_pixels", int),
        )
        if row[name]
    }
    return clip, Flags(**numbers, cap=row["cap"] == "1")


@pytest.mark.parametrize("family", BY_FAMILY)
def test_a_family_counts_as_its_processor_does(family):
    rule, rows = families()[family][0].rule, BY_FAMILY[family]
    assert len({(row["duration"], row["width"], row["fps"], row["frames"]) for row in rows}) >= 40
    for row in rows:
        clip, flags = _asked(row)
        wanted = tuple(
            int(row[name]) for name in ("frames_read", "slices", "rows", "columns", "visual_tokens")
        )
        if not any(wanted):  # the processor refuses the clip
            with pytest.raises(ValueError):
                count_tokens(rule, clip, flags)
            continue
        found = count_tokens(rule, clip, flags)
        counts = (found.frames_read, found.frames_encoded, *found.grid, found.visual_tokens)
        assert counts == wanted, row


def test_every_family_is_counted_or_says_why_not():
    assert set(BY_FAMILY) | set(NOT_COUNTED) == set(families())
    assert not set(BY_FAMILY) & set(NOT_COUNTED)
    for family in NOT_COUNTED:
        assert all(model.rule.bounds == "fixed" for model in families()[family])


def test_both_answers_of_the_cap_are_kept():
    asked = {(row["cap"], row["visual_tokens"]) for row in BY_FAMILY["qwen3-vl"]}
    assert {cap for cap, _ in asked} == {"0", "1"}
    free, capped = (count_tokens(QWEN3.rule, CLIP, Flags(cap=cap)) for cap in (None, True))
    assert free.visual_tokens > capped.visual_tokens


def test_what_a_server_reported():
    # Qwen3-VL's issue 1795: 61 s at 30 frames per second of 1280x720, one frame per second, 11,981
    # prompt tokens with a short question and the chat's template, which are 16 tokens
    found = count_tokens(QWEN3.rule, Clip(60, 1280, 720), Flags(fps=1))
    assert found.visual_tokens + found.marker_tokens + 16 == 11_981


def test_a_frame_of_qwen_is_half_a_slice():
    found = count_tokens(QWEN3.rule, CLIP)
    assert (found.frames_read, found.frames_encoded) == (20, 10)
    assert found.tokens_per_frame == found.grid[0] * found.grid[1] / 4 / 2


def test_pruning_keeps_a_share_and_the_first_slice():
    whole = count_tokens(QWEN25.rule, CLIP)
    half = count_tokens(QWEN25.rule, CLIP, Flags(pruning=0.5))
    least = count_tokens(QWEN25.rule, CLIP, Flags(pruning=0.99))
    assert half.visual_tokens == whole.visual_tokens // 2
    assert least.visual_tokens == whole.visual_tokens // whole.frames_encoded
    assert half.frames_encoded == whole.frames_encoded


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["qwen2.5-vl-7b", "qwen3-vl-8b", "glm-4.1v-9b"]),
    st.integers(2, 24),
    st.floats(40, 300),
)
def test_found_flags_give_what_they_say(name, pairs, wanted):
    model = get_model(name)
    found = find_flags(model, Clip(30, 1280, 720), 2 * pairs, wanted)
    assert count_tokens(model.rule, Clip(30, 1280, 720), found.flags) == found.tokens
    assume(wanted > floor_tokens(model.rule))
    assert found.tokens.tokens_per_frame == pytest.approx(wanted, rel=0.15)


def test_below_the_floor_resolution_stops_and_pruning_goes_on():
    assert floor_tokens(QWEN3.rule) == 64
    found = find_flags(QWEN3, Clip(60, 1280, 720), 32, 16)
    assert found.flags.pruning > 0.7 and found.tokens.tokens_per_frame == pytest.approx(
        16, rel=0.02
    )
    assert any("stops at 64 tokens a frame" in note for note in found.notes)


@pytest.mark.parametrize("wanted", [0, -1, float("nan"), float("inf"), 1e9])
def test_tokens_that_no_frame_has_are_refused(wanted):
    with pytest.raises(ValueError, match="tokens per frame above 0 and at most 100,000"):
        find_flags(QWEN3, CLIP, 16, wanted)


def test_next_to_no_tokens_leave_the_first_slice():
    found = find_flags(QWEN3, CLIP, 16, 1e-9)
    assert found.flags.pruning < 1 and 0 < found.tokens.tokens_per_frame < 10
    assert "pruning keeps the first slice in full, so" in found.notes[-1]


def test_one_size_of_frame_has_one_number_of_tokens():
    found = find_flags(get_model("internvl3-8b"), CLIP, 16, 64)
    assert found.tokens.tokens_per_frame == 256
    assert any("every frame gives 256 tokens" in note for note in found.notes)


def test_a_small_clip_has_no_more_tokens_than_pixels():
    found = find_flags(QWEN3, Clip(10, 320, 240), 8, 300)
    assert any("enlarging it adds tokens and no detail" in note for note in found.notes)


def test_lines_to_paste_carry_every_flag():
    flags = Flags(frames=16, max_pixels=1_000_000, pruning=0.5)
    line, python = vllm_line(QWEN3, flags, devices=2), transformers_lines(QWEN3, flags)
    for word in ('"num_frames": 16', '"longest_edge": 1000000', "--video-pruning-rate 0.5",
                 "--tensor-parallel-size 2"):  # fmt: skip
        assert word in line
    assert "video_processor.num_frames = 16" in python and "prunes no tokens" in python
    compile(python, "lines", "exec")


def test_a_number_of_frames_becomes_what_the_processor_knows():
    glm, small = get_model("glm-4.1v-9b"), get_model("smolvlm2-500m")
    assert "video_processor.fps = 1.6" in transformers_lines(glm, Flags(frames=16), CLIP)
    with pytest.raises(ValueError, match="GLM's processor knows fps and no frames"):
        vllm_line(glm, Flags(frames=16))
    # SmolVLM takes the smaller of fps x seconds and num_frames, so fps must not bind
    lines = transformers_lines(small, Flags(frames=32), CLIP)
    assert "num_frames = 32" in lines and "fps = 4.2" in lines
    assert count_tokens(small.rule, CLIP, Flags(frames=32)).frames_read == 32


def _loaded(name, clip, video):
    """Frames that vLLM's loaders read: the plain one, and the one of the model's processor."""
    total, seconds = clip.total_frames, clip.total_frames / clip.source_fps
    fps, most = video.get("fps", -1), video["num_frames"]
    plain = min(most, total) if most > 0 else total
    plain = max(1, min(plain, math.floor(seconds * fps)) if fps > 0 else plain)
    if name.startswith("glm"):
        count = math.floor(min(seconds, 300) * fps)
        by_fps = count + count % 2
    else:
        limits = (video.get("min_frames", 4), video.get("max_frames", 768), total)
        by_fps = min(max(int(seconds * fps), limits[0]), *limits[1:])
        by_fps -= by_fps % 2 if name.startswith("qwen2") else 0
    return plain, by_fps


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["qwen2.5-vl-7b", "qwen3-vl-8b", "glm-4.1v-9b"]),
    st.integers(1, 32),
    st.floats(4, 1500),
    st.sampled_from([24.0, 29.97, 30.0, 60.0]),
)
def test_every_loader_of_vllm_reads_the_frames_of_the_line(name, pairs, seconds, source_fps):
    clip = Clip(seconds, 1280, 720, source_fps)
    line = vllm_line(get_model(name), Flags(frames=2 * pairs), clip=clip)
    video = json.loads(shlex.split(line)[shlex.split(line).index("--media-io-kwargs") + 1])
    assert _loaded(name, clip, video["video"]) == (2 * pairs, 2 * pairs), line


def test_a_rate_of_frames_is_no_number_of_images():
    gemma = get_model("gemma-3-4b")
    assert '{"image": 20}' in vllm_line(gemma, Flags(fps=2), clip=CLIP)
    assert '{"image": 8}' in vllm_line(gemma, Flags(frames=8))


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        ((0, 1280, 720), "duration must lie above 0"),
        ((float("nan"), 1280, 720), "duration must lie above 0"),
        ((10, 10, 10), "resolution 10x10: each side must have 28 to 16384 pixels"),
        ((10, 16384, 40), "one side is more than 200 times the other"),
        ((10, 640, 360, 0), "source_fps must lie between 0 and 1000"),
    ],
)
def test_clips_that_no_model_reads_are_refused(clip, words):
    with pytest.raises(ValueError, match=words):
        Clip(*clip)


@pytest.mark.parametrize(
    ("name", "flags", "words"),
    [
        (
            "qwen2.5-vl-7b",
            {"max_pixels": 100},
            "max_pixels 100 lies below one cell of the grid, 784",
        ),
        ("qwen3-vl-8b", {"max_pixels": 2000}, "lies below min_pixels 4096"),
        ("qwen2.5-vl-7b", {"frames": 4000}, "frames 4000 are more than the 300 of the clip"),
        ("internvl3-8b", {"max_pixels": 10**6}, "min_pixels and max_pixels do nothing here"),
        ("internvl3-8b", {"cap": True}, "cap does nothing here"),
        ("gemma-3-4b", {"pruning": 0.5}, "pruning does nothing here"),
        ("internvl3-8b", {"fps": 0.01}, "reads no frame of 10 s"),
        ("qwen3-vl-8b", {"frames": 1}, "a slice has 2; raise fps or frames"),
    ],
)
def test_flags_that_a_processor_refuses_or_ignores_are_named(name, flags, words):
    with pytest.raises(ValueError, match=words):
        count_tokens(get_model(name).rule, CLIP, Flags(**flags))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"fps": 1, "frames": 8}, "exclude one another"),
        ({"fps": -1}, "fps must be a positive number below 1e[+]12, got -1"),
        ({"fps": 1e-320}, "fps must be at least 1e-06"),
        ({"max_pixels": 10**24}, "max_pixels must be a positive number below 1e[+]12"),
        ({"pruning": 1}, "pruning must lie at 0 or above and below 1"),
    ],
)
def test_flags_without_sense_are_refused(flags, words):
    with pytest.raises(ValueError, match=words):
        Flags(**flags)
