import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

COMMANDS = {
    "fit": ["fit", "paper", "--resamples", "100000", "--out", "fit.json"],
    "a thread that never ends": None,
}
THREAD = """
import sys, threading, time
from vvlm_utils.cli import main
threading.Thread(target=time.sleep, args=(60,)).start()
sys.argv = ["vvlm", "fit", "paper", "--resamples", "100000", "--out", "fit.json"]
main()
"""


@pytest.fixture(scope="module")
def many_clips(tmp_path_factory):
    """A local copy of one subset, of as many clips as take a minute to open."""
    video = pytest.importorskip("vvlm_utils.experiment.data.video")
    root = tmp_path_factory.mktemp("data")
    folder = root / "llava_video_178k" / "0_nextqa"
    folder.mkdir(parents=True)
    video.write_video(np.zeros((8, 720, 1280, 3), np.uint8), folder / "0.mp4", 8)
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "This."}]
    names = [f"{number}.mp4" for number in range(4000)]
    for name in names[1:]:
        os.link(folder / "0.mp4", folder / name)
    records = [{"id": name, "video": name, "conversations": turns} for name in names]
    (folder / "nextqa.json").write_text(json.dumps(records))
    return root


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_an_interrupt_ends_a_command_within_three_seconds(tmp_path, arguments):
    command = ["-m", "vvlm_utils.cli", *arguments] if arguments else ["-c", THREAD]
    interrupt(tmp_path, command, at_work="pandas")


def test_an_interrupt_ends_the_workers_that_open_clips(tmp_path, many_clips):
    check = ["data", "check", str(many_clips), "--subset", "Next-QA", "--open"]
    interrupt(tmp_path, ["-m", "vvlm_utils.cli", *check], at_work="libavcodec")


def interrupt(tmp_path, command, at_work):
    """Start a command, interrupt it once a library is loaded, and hold its end to the rules."""
    with subprocess.Popen(
        [sys.executable, *command], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        while at_work not in open(f"/proc/{process.pid}/maps").read():
            time.sleep(0.1)  # until the command itself is at work
        time.sleep(3)
        os.kill(process.pid, signal.SIGINT)
        asked = time.monotonic()
        _, said = process.communicate(timeout=60)
        took = time.monotonic() - asked
    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("vvlm: interrupted")
    assert "Traceback" not in said and said.count("interrupted") == 1
    assert took < 3
    assert list(tmp_path.iterdir()) == []
