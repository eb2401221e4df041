"""Two writers of one output: one wins, the other is refused by name, and a kill frees the lock."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vvlm_utils.experiment.train.locks import OutputTaken, only_writer

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from vvlm_utils.experiment.train.locks import OutputTaken, only_writer
try:
    with only_writer(sys.argv[1]):
        print("won", flush=True)
        sys.stdin.read()
except OutputTaken as taken:
    print(taken, flush=True)
"""


def writer(output, **env):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(output)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_two_processes_that_race_one_wins_and_the_other_names_it(tmp_path):
    racers = [writer(tmp_path / "run", SLURM_JOB_ID=str(41 + i)) for i in range(2)]
    said = [racer.stdout.readline().strip() for racer in racers]
    assert said.count("won") == 1
    winner, loser = racers[said.index("won")], next(word for word in said if word != "won")
    job = 41 + said.index("won")
    assert re.search(rf"is being written by process {winner.pid} on .*, SLURM job {job};", loser)
    for racer in racers:
        racer.communicate("")


def test_a_killed_writer_leaves_no_lock(tmp_path):
    first = writer(tmp_path / "run")
    assert first.stdout.readline() == "won\n"
    with pytest.raises(OutputTaken, match=f"process {first.pid}"), only_writer(tmp_path / "run"):
        pass
    first.send_signal(signal.SIGKILL)
    first.wait()
    with only_writer(tmp_path / "run"):
        pass


def test_two_outputs_have_two_locks(tmp_path):
    with only_writer(tmp_path / "a"), only_writer(tmp_path / "b"):
        pass
