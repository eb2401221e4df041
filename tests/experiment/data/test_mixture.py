"""The paper's finetuning data: sizes, nested samples, and what is said of a copy with holes."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vvlm_utils.cli import main
from vvlm_utils.experiment.data import mixture
from vvlm_utils.experiment.data.clips import write_clips
from vvlm_utils.experiment.data.video import read_frames
from vvlm_utils.experiment.model.batches import ClipDataset
from vvlm_utils.experiment.model.instructions import read_instructions
from vvlm_utils.experiment.world.conversations import (
    ClipError,
    load_records,
    questions_of,
    read_index,
)
from vvlm_utils.experiment.world.questions import FAMILIES

TABLE3 = mixture.load_subsets()
HELD = {subset.name: 2 + number % 4 for number, subset in enumerate(TABLE3)}  # records of each


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_clips(folder, "validation", 5, progress=False)
    return folder


@pytest.fixture
def root(clips, tmp_path):
    """A copy of the published layout: a few records a subset, mini clips for videos."""
    for subset in TABLE3:
        path = tmp_path / subset.annotations[0].replace("*", "0_30_s")
        path.parent.mkdir(parents=True, exist_ok=True)
        videos = subset.video_folder(tmp_path, path) / "some" / "place"
        videos.mkdir(parents=True, exist_ok=True)
        records = load_records(clips / "index.json")[: HELD[subset.name]]
        for record in records:
            (videos / record["video"]).write_bytes((clips / record["video"]).read_bytes())
            record["video"] = f"some/place/{record['video']}"
        lines = "\n".join(map(json.dumps, records))
        path.write_text(lines if path.suffix == ".jsonl" else json.dumps(records))
    return tmp_path


@pytest.fixture
def subsets():
    """Table 3 at the size of that copy; a clip asks eight questions."""
    small = [replace(s, examples=8 * HELD[s.name]) for s in TABLE3]
    return [replace(s, annotations=s.annotations[:1]) for s in small]


def test_the_thirteen_sizes_add_up_as_printed():
    assert len(TABLE3) == 13
    assert sum(subset.examples for subset in TABLE3) == 2_192_374


def test_every_subset_says_where_it_comes_from_and_on_what_terms():
    for subset in TABLE3:
        assert subset.source.startswith("https://") and subset.licence and subset.annotations
    assert len({subset.name for subset in TABLE3}) == 13


def test_a_whole_copy_is_whole(root, subsets):
    copies = mixture.check_root(root, subsets)
    assert [copy.state for copy in copies] == ["whole"] * 13
    assert {copy.subset.name: copy.records for copy in copies} == HELD


def test_a_sample_is_read_by_the_loader_of_the_clips(root, subsets):
    records = mixture.sample_mixture(root, 20, seed=0, subsets=subsets)
    path = mixture.write_mixture(records, root, "mixture.json")
    assert read_index(path, 20) == records
    questions = [questions_of(record) for record in records]
    assert all(tuple(q.family for q in asked) == FAMILIES for asked in questions)
    features = np.zeros((20, 16, 64, 32), np.float16)
    data = ClipDataset(features, questions, frames=4, tokens_per_frame=9, fps=2)
    batch = data.collate([data[0], data[1]])
    assert batch["features"].shape == (2, 4, 64, 32) and (batch["labels"] >= 0).any()


def test_a_smaller_sample_is_the_beginning_of_a_larger(root, subsets):
    few, many = (mixture.sample_mixture(root, n, 3, subsets) for n in (10, 30))
    assert many[:10] == few
    assert mixture.sample_mixture(root, 10, 4, subsets) != few


@given(st.lists(st.integers(1, 300), min_size=1, max_size=13), st.integers(0, 9), st.data())
def test_every_beginning_of_the_order_holds_the_subsets_in_proportion(sizes, seed, data):
    subset, example = mixture.mixture_order(sizes, np.random.default_rng(seed))
    assert len(set(zip(subset.tolist(), example.tolist(), strict=True))) == sum(sizes)
    n = data.draw(st.integers(1, sum(sizes)))
    held = np.bincount(subset[:n], minlength=len(sizes))
    share = np.array(sizes) / sum(sizes)
    assert (np.abs(held - n * share) <= 1 + len(sizes) * share + 1e-9).all()


def test_512_of_the_papers_mixture_are_the_first_of_1024():
    sizes = [subset.examples for subset in TABLE3]
    subset, _ = mixture.mixture_order(sizes, np.random.default_rng(0))
    again, _ = mixture.mixture_order(sizes, np.random.default_rng(0))
    assert (subset == again).all()
    # LLaVA-Video-178K is 1,335,500 / 2,192,374 = 60.9% of it
    assert np.mean(subset[:1024] == 1) == pytest.approx(0.609, abs=0.01)


def spoil_videos(root):
    for path in sorted(root.rglob("*.mp4"))[::2]:
        path.unlink()


def test_a_copy_with_half_its_videos_is_named_subset_by_subset(root, subsets):
    spoil_videos(root)
    copies = mixture.check_root(root, subsets)
    partial = [copy for copy in copies if copy.broken]
    assert partial and all("video not there" in copy.faults for copy in partial)
    words = r"records?: video not there \(first in .*\); get it from https://"
    with pytest.raises(mixture.MixtureError, match=words) as refusal:
        mixture.sample_mixture(root, 10, 0, subsets)
    assert "\n" not in str(refusal.value)


def test_broken_records_are_counted_and_named(root, subsets):
    path = root / "videogpt_plus" / "annotations" / "classification_k710.json"
    records = json.loads(path.read_text())
    records[0]["conversations"].reverse()
    del records[1]["video"]
    path.write_text(json.dumps(records))
    (copy,) = mixture.check_root(root, [s for s in subsets if s.name == "Kinetics-710"])
    assert copy.broken == 2 and copy.records == len(records) - 2 and copy.state == "part"
    assert "lacks 'video'" in copy.advice() and "must alternate" in copy.advice()


def test_a_damaged_file_is_counted_and_named(root, subsets):
    path = root / "llava_hound/video_instruction/train/sft/video_240k_caption_15k.jsonl"
    path.write_text(path.read_text()[:-9])
    (copy,) = mixture.check_root(root, subsets[:1])
    assert copy.state == "missing" and "not readable as JSON" in copy.advice()


@pytest.mark.parametrize("examples", [0, 100])
def test_more_examples_than_there_are_is_refused(root, subsets, examples):
    with pytest.raises(mixture.MixtureError, match=f"must be 1 to .*, got {examples}"):
        mixture.sample_mixture(root, examples, 0, subsets)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(mixture.MixtureError, match="no such folder"):
        mixture.check_root(tmp_path / "nowhere", TABLE3)


@pytest.fixture
def vvlm(monkeypatch, capsys):
    """The command line as its entry point runs it; returns exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vvlm", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_the_command_line_reports_a_copy_with_holes_and_ends_with_2(root, vvlm):
    for path in (root / "videogpt_plus" / "annotations").glob("c*.json"):
        path.unlink()
    code, report, error = vvlm("data", "check", root)
    assert code == 2 and error.count("\n") == 1
    assert "13 of 13 subsets are not whole" in error  # Table 3's sizes are not reached
    assert "CLEVRER" in report and "no file matches videogpt_plus" in report
    assert report.count("get it from https://") == 13


def test_the_command_line_samples_named_subsets(root, vvlm):
    code, _, _ = vvlm("data", "sample", root, "--examples", 4, "--subset", "CLEVRER")
    assert code == 0
    assert {r["data_source"] for r in read_index(root / "mixture.json")} == {"CLEVRER"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--subset", "CLEVR", "--examples", 4], "unknown subset 'CLEVR'; choose among LLaVA-H"),
        (["--examples", 4, "--out", "/tmp/x.json"], "--out must be a name in"),
        (
            ["--examples", 4, "--subset", "VCG+112K"],
            "VCG+112K: 2 records: video not there (first in",
        ),
    ],
)
def test_the_command_line_refuses_in_one_line(root, vvlm, arguments, words):
    for path in sorted((root / "videogpt_plus/instruction_tuning").rglob("*.mp4"))[:2]:
        path.unlink()
    code, _, error = vvlm("data", "sample", root, *arguments)
    assert code == 2 and words in error and error.count("\n") == 1


def test_the_mixture_needs_neither_torch_nor_a_codec():
    without = "import sys; sys.modules |= dict.fromkeys(('torch', 'transformers', 'av', 'sklearn'))"
    wanted = (
        "from vvlm_utils.experiment.data.mixture import load_subsets; print(len(load_subsets()))"
    )
    code = f"{without}; {wanted}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "13\n", ended.stderr


def test_an_index_of_lines_is_read_like_a_list(clips, tmp_path):
    records = load_records(clips / "index.json")
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    assert load_records(tmp_path / "index.jsonl") == records
    with pytest.raises(ClipError, match="video not there"):
        read_index(tmp_path / "index.jsonl")


# What real copies hold


@pytest.fixture
def hound(tmp_path, subsets):
    """A copy of LLaVA-Hound with one record, to be changed; returns its writer and the subset."""
    (subset,) = [s for s in subsets if s.name == "LLaVA-Hound"]
    index = tmp_path / subset.annotations[0]
    (tmp_path / subset.videos).mkdir(parents=True)
    index.parent.mkdir(parents=True)

    def write(**changes):
        said = [{"from": "human", "value": "<video>\nWhat is it?"}, {"from": "gpt", "value": "A"}]
        index.write_text(json.dumps({"id": "1", "conversations": said} | changes))
        return tmp_path / subset.videos

    return write, replace(subset, examples=1)


def test_an_image_is_counted_and_sampled_under_its_own_name(hound, tmp_path):
    write, subset = hound
    Image.new("RGB", (20, 10), (200, 0, 0)).save(write(image="a.png") / "a.png")
    (copy,) = mixture.check_root(tmp_path, [subset], open_clips=True, progress=False)
    assert copy.state == "whole"
    (record,) = mixture.sample_mixture(tmp_path, 1, 0, [subset])
    assert record["image"] == f"{subset.videos}/a.png" and "video" not in record
    assert read_frames(tmp_path / record["image"], 2, 8).shape == (2, 8, 8, 3)


def test_a_folder_of_frames_is_counted_and_sampled(hound, tmp_path):
    write, subset = hound
    folder = write(video="10047045") / "10047045"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (20, 10), (90 * number,) * 3).save(folder / f"c01_{number:04d}.jpeg")
    (copy,) = mixture.check_root(tmp_path, [subset], open_clips=True, progress=False)
    assert copy.state == "whole"
    (record,) = mixture.sample_mixture(tmp_path, 1, 0, [subset])
    mixture.write_mixture([record], tmp_path, "mixture.json")
    (read,) = read_index(tmp_path / "mixture.json", progress=False)
    frames = read_frames(tmp_path / read["video"], 3, 8)
    assert np.abs(frames.mean(axis=(1, 2, 3)) - [0, 90, 180]).max() < 3


def test_one_frame_is_decoded_when_asked_for(hound, tmp_path, vvlm):
    write, subset = hound
    (write(video="a.mkv") / "a.mkv").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(range(256)))
    looked, opened = (
        mixture.check_root(tmp_path, [subset], open_clips, progress=False)[0]
        for open_clips in (False, True)
    )
    assert looked.records == 1 and opened.broken == 1
    assert "1 record: cannot be decoded (" in opened.advice()
    code, report, error = vvlm("data", "check", tmp_path, "--subset", "LLaVA-Hound", "--open")
    assert code == 2 and error.count("\n") == 1
    assert "video_240k_caption_15k.jsonl, record 0 (id '1'): 'a.mkv'" in report


def test_each_kind_of_fault_is_counted_and_its_first_record_named(root, subsets):
    path = root / "videogpt_plus" / "annotations" / "classification_k710.json"
    records = json.loads(path.read_text())
    videos = path.parents[1] / "instruction_tuning" / "k710"
    (videos / records[0]["video"]).write_bytes(b"")
    (videos / records[1]["video"]).write_bytes(b"<html>gone</html>")
    records += [records[0] | {"id": "again"}, records[1] | {"conversations": None}, 7]
    path.write_text(json.dumps(records))
    (copy,) = mixture.check_root(root, [s for s in subsets if s.name == "Kinetics-710"])
    assert copy.broken == 5 and copy.records == len(records) - 5
    said = copy.advice()
    assert "2 records: an empty file and no video (first in classification_k710.json, " in said
    assert "record 0 (id 'vvlm-mini-000000'): 'some/place/000000.mp4')" in said
    assert "1 record: a web page and no video" in said
    assert "1 record: lacks 'conversations'" in said and "a record must be a mapping" in said


def test_what_the_check_passes_is_what_the_training_reads(root, subsets):
    records = mixture.sample_mixture(root, 12, 0, subsets)
    path = mixture.write_mixture(records, root, "mixture.json")
    assert read_instructions(path, root) == records
    (root / records[5]["video"]).write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert any(copy.broken for copy in mixture.check_root(root, subsets))
    words = r"mixture.json: record \d \(id .*\): a git-lfs pointer .* and no video"
    with pytest.raises(ClipError, match=words):
        read_instructions(path, root)
    with pytest.raises(mixture.MixtureError, match="a git-lfs pointer"):
        mixture.sample_mixture(root, 12, 0, subsets)
