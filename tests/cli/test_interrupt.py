import os
import signal
import subprocess
import sys
import time

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


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_an_interrupt_ends_a_command_within_three_seconds(tmp_path, arguments):
    command = ["-m", "vvlm_utils.cli", *arguments] if arguments else ["-c", THREAD]
    with subprocess.Popen(
        [sys.executable, *command], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        while "pandas" not in open(f"/proc/{process.pid}/maps").read():
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
