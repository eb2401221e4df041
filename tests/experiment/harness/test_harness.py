"""What an evaluation looks at before its first second, and how a checkpoint answers."""

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests
import torch
from safetensors.torch import load_file, save_file

from vvlm_utils.experiment.data import video
from vvlm_utils.experiment.data.clips import draw_clip, questions_of, read_index, write_clips
from vvlm_utils.experiment.harness import checks, judge, reply
from vvlm_utils.experiment.harness.mini_task import process_results, write_task
from vvlm_utils.experiment.mini.design import LMS
from vvlm_utils.experiment.mini.evaluate import answer
from vvlm_utils.experiment.model.batches import ClipDataset
from vvlm_utils.experiment.model.features import cache_features
from vvlm_utils.experiment.world.sampling import frame_indices
from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.runs.suites import PAPER, Benchmark

KEPT = DATA_FOLDER / "weights" / "mini-40k-0"
GIVEN = {"frames": 8, "tokens_per_frame": 16, "train_examples": 512, "seed": None}
ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkpoint(tmp_path):
    return Path(shutil.copytree(KEPT, tmp_path / "run" / "model"))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_clips(folder, "validation", 6, progress=False)
    return folder


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# a checkpoint's design


def test_the_design_is_what_is_given_or_the_record_says(checkpoint):
    assert checks.choose_design(checkpoint, GIVEN) == {
        "lm_params": next(size for size, name in LMS.items() if name == "mini-40k"),
        **{"frames": 8, "tokens_per_frame": 16, "train_examples": 512, "seed": 0},
    }
    record = {"frames": 4, "tokens_per_frame": 9, "train_examples": 1024, "seed": 2}
    checkpoint.with_name("record.json").write_text(json.dumps(record))
    found = checks.choose_design(checkpoint, dict.fromkeys(GIVEN) | {"frames": 16})
    assert {name: found[name] for name in record} == record | {"frames": 16}


@pytest.mark.parametrize(
    ("spoil", "given", "words"),
    [
        (lambda c: (c / "config.json").unlink(), {}, "holds no config.json; name a saved model"),
        (lambda c: (c / "config.json").write_text("{"), {}, "config.json: not readable"),
        (
            lambda c: edit(c / "config.json", model_type="llava"),
            {},
            "type 'llava', not 'vvlm'; name",
        ),
        (
            lambda c: edit(c / "config.json", preset="huge"),
            {},
            "preset must be one of mini, one-gpu, paper",
        ),
        (
            lambda c: edit(c / "config.json", lm="mini-7k"),
            {},
            "32 wide with 3 layers, mini-7k is 16",
        ),
        (
            lambda c: (c / "record.json").write_text('{"lm_params": 7500000000}'),
            {},
            "record is of a decoder of 7500000000 parameters, its weights are mini-40k",
        ),
        (lambda c: (c / "record.json").write_text("{"), {}, "record.json: not readable"),
        (lambda c: (c / "record.json").write_text("[]"), {}, "record.json: holds no mapping"),
        (lambda c: None, {"frames": None}, "no record of its frames; add --frames"),
        (lambda c: None, {"tokens_per_frame": 15}, "a perfect square of at most 64, got 8 and 15"),
        (lambda c: None, {"tokens_per_frame": 81}, "a perfect square of at most 64, got 8 and 81"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(checkpoint, spoil, given, words):
    spoil(checkpoint)
    with pytest.raises(checks.CheckpointError, match=words) as refusal:
        checks.choose_design(checkpoint, GIVEN | given)
    assert str(checkpoint) in str(refusal.value) and "\n" not in str(refusal.value)


# tasks


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv(judge.JUDGE_KEY, raising=False)
    for benchmark in PAPER:
        (tmp_path / "hf" / benchmark.folder).mkdir(parents=True, exist_ok=True)
    return tmp_path / "hf"


def test_tasks_that_no_model_judges_need_no_key(home):
    checks.check_tasks([b.task for b in PAPER if not b.judged], home=home)


@pytest.mark.parametrize("task", ["video_dc499", "activitynetqa", "videochatgpt_temporal"])
def test_a_judged_task_without_the_key_is_refused_by_the_variables_name(home, task, monkeypatch):
    with pytest.raises(checks.TaskError, match=f"{task} is judged .* set OPENAI_API_KEY"):
        checks.check_tasks(["videomme", task], home=home)
    monkeypatch.setenv("OPENAI_API_KEY", "anything")
    checks.check_tasks(["videomme", task], home=home)


def test_a_task_of_ones_own_is_known_and_may_be_judged(home, tmp_path):
    (tmp_path / "a.yaml").write_text("task: mine\nmetadata: {}\n")
    (tmp_path / "b.yaml").write_text("include: /x/tasks/activitynetqa/a.yaml\ntask: theirs\n")
    checks.check_tasks(["mine"], tmp_path, home)
    with pytest.raises(checks.TaskError, match="theirs is judged"):
        checks.check_tasks(["theirs"], tmp_path, home)


def test_the_tasks_of_another_suite_are_known_and_may_be_judged(home):
    suite = [Benchmark("MLVU", (("mlvu_dev", "acc"),), 100, "mlvu_dev", "MLVU", folder="mlvu")]
    with pytest.raises(checks.TaskError, match="mlvu_dev: no .*mlvu; put its videos there"):
        checks.check_tasks(["mlvu_dev"], home=home, suite=suite)
    (home / "mlvu").mkdir()
    checks.check_tasks(["mlvu_dev"], home=home, suite=suite)
    with pytest.raises(checks.TaskError, match="mlvu_dev is judged by a language model"):
        checks.check_tasks(["mlvu_dev"], home=home, suite=[replace(suite[0], judged=True)])
    with pytest.raises(checks.TaskError, match="unknown task 'videomme'; choose among mlvu_dev"):
        checks.check_tasks(["videomme"], home=home, suite=suite)


def test_an_unknown_task_is_refused_naming_the_eight(home):
    with pytest.raises(checks.TaskError, match="unknown task 'mvbnech'; choose among video_dc499"):
        checks.check_tasks(["mvbnech"], home=home)


def test_videos_that_are_not_there_are_refused_by_their_folder(home):
    (home / "nextqa").rmdir()
    with pytest.raises(checks.TaskError, match="nextqa_mc_test: no .*nextqa; put its videos there"):
        checks.check_tasks(["nextqa_mc_test"], home=home)
    checks.check_tasks(["nextqa_mc_test"])  # when it may be downloaded


KNOWN = ["--frames", "8", "--tokens-per-frame", "16", "--train-examples", "1000"]
WITHOUT = """
import sys
sys.modules |= dict.fromkeys(("torch", "transformers", "av", "pandas", "lmms_eval"))
from vvlm_utils.experiment.harness import evaluate as harness
sys.argv = ["harness", *sys.argv[1:]]
harness.main()
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--tasks", "mvbench"], "nowhere: holds no config.json"),
        ([KEPT, "--tasks", "mvbench"], "has no record of its frames, tokens_per_frame"),
        ([KEPT, "--tasks", "nothing", "--frames", "8"], "add --tokens-per-frame, --train-examples"),
        (
            [KEPT, *KNOWN, "--suite", "none"],
            "no such file; give the path of a YAML, or one of mini",
        ),
    ],
)
def test_the_launcher_refuses_in_one_line_before_anything_heavy(tmp_path, arguments, words):
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments), "--out", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2 and words in ended.stderr and ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# how it answers


def test_it_says_what_our_evaluator_says(clips, tmp_path):
    torch.set_num_threads(1)
    replier = reply.Replier(KEPT, 4, 9)
    asked = [questions_of(record) for record in read_index(clips / "index.json")]
    features = cache_features(replier.model.tower, clips, 6, tmp_path / "c.npy", progress=False)
    ours = answer(replier.model, ClipDataset(features, asked, 4, 9, 2), asked)
    write_task(clips, tmp_path)
    docs = json.loads((tmp_path / "questions.json").read_text())
    right = [
        process_results(doc, [replier.reply([doc["video"]], doc["prompt"], 2)])[doc["family"]]
        for doc in docs
    ]
    assert right == ours["correct"].astype(float).tolist() and 0 < sum(right) < len(right)


def test_an_answer_ends_before_the_words_it_must_not_say(clips):
    replier = reply.Replier(KEPT, 1, 4)
    said = replier.reply([clips / "000000.mp4"], "fact left3 right4", 6)
    words = said.split()
    assert len(words) == 6
    assert (
        replier.reply([clips / "000000.mp4"], "fact left3 right4", 6, [words[1]])
        == (said[: said.find(words[1])])
    )


def test_a_chat_template_stands_around_the_prompt(checkpoint):
    replier = reply.Replier(checkpoint, 1, 4)
    plain = replier.prompt_ids("brief colour1")
    replier.tokenizer.chat_template = "fact {{ messages[0]['content'] }} sum"
    assert replier.prompt_ids("brief colour1")[0, 1:-1].tolist() == plain[0].tolist()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c: (c / "model.safetensors").write_bytes(b"torn"), "cannot be loaded"),
        (lambda c: (c / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda c: (c / "tokenizer.json").unlink(), "cannot be loaded"),
        (
            lambda c: save_file(
                {k: v for k, v in load_file(c / "model.safetensors").items() if "norm" not in k},
                c / "model.safetensors",
                {"format": "pt"},
            ),
            "its weights lack .*norm.*; save the checkpoint again",
        ),
    ],
)
def test_damaged_weights_are_refused(checkpoint, spoil, words):
    spoil(checkpoint)
    with pytest.raises(checks.CheckpointError, match=words) as refusal:
        reply.load_checkpoint(checkpoint)
    assert "\n" not in str(refusal.value)


# the frames it looks at


@pytest.mark.parametrize("frames", [1, 3, 8, 16, 40])
def test_only_the_sampled_frames_are_read(clips, frames):
    every = video.read_video(clips / "000001.mp4")
    chosen = every[frame_indices(len(every), 2, frames)]
    assert np.array_equal(video.read_frames(clips / "000001.mp4", frames, 64), chosen)


def test_frames_are_resized_to_the_towers_picture(clips):
    small = video.read_frames(clips / "000001.mp4", 2, 16)
    large = video.read_frames(clips / "000001.mp4", 2, 64)
    assert small.shape == (2, 16, 16, 3)
    blocks = large.reshape(2, 16, 4, 16, 4, 3).mean(axis=(2, 4))
    assert np.abs(small - blocks).mean() < 8


def test_pictures_stand_for_a_video(tmp_path):
    from PIL import Image

    frames = draw_clip("validation", 0, 0)[2]
    paths = [tmp_path / f"{i:03d}.png" for i in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    found = reply.read_pictures(paths, 4, 64)
    assert np.array_equal(found, frames[frame_indices(len(frames), 2, 4)])


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such video"), (b"nothing", "cannot be decoded"), (b"", "cannot be decoded")],
)
def test_a_broken_video_is_refused_by_name(tmp_path, content, words):
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(video.VideoError, match=f"a.mp4: {words}"):
        video.read_frames(path, 4, 64)


# the judge's record


class Unreliable(BaseHTTPRequestHandler):
    """Answers a question unless it says no; its first word is not heard at once."""

    heard: set = set()

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        lost = "never" in text or ("late" in text and text not in self.heard)
        self.heard.add(text)
        usage = {"prompt_tokens": 2000, "completion_tokens": 100}
        choice = {"message": {"content": "{'score': 3}"}}
        body = json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()
        self.send_response(500 if lost else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_the_meter_tells_a_late_answer_from_a_lost_one(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Unreliable)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url, post = f"http://127.0.0.1:{server.server_port}", requests.post
    with judge.metered() as meter:
        for question in ("early", "late", "late", "never", "never"):
            requests.post(url, json={"messages": [question]}, headers={"Authorization": "secret"})
    server.shutdown()
    assert requests.post is post
    kept = meter.record({}, "0.7.3")
    assert (kept["calls"], kept["questions"], kept["failed"]) == (5, 3, 1)
    assert kept["prompt_tokens"] == 4000 and kept["completion_tokens"] == 200
    assert kept["dollars"] == pytest.approx((4000 * 0.15 + 200 * 0.60) / 1e6)
    assert kept["answered_by"] == ["m"] and "secret" not in json.dumps(kept)


def test_the_judge_is_the_papers_at_its_list_price():
    kept = judge.Meter(tokens={"prompt_tokens": 10**6, "completion_tokens": 10**6}).record({}, "")
    assert kept["model"] == "gpt-4o-mini-2024-07-18" and kept["dollars"] == 0.75
