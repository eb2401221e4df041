"""Two writers of one output: one wins, the other is refused by name, and a kill frees the lock."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vvlm_utils.locks import OutputTaken, only_writer

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys
from vvlm_utils.locks import OutputTaken, only_writer
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


def launch(*words, **env):
    command = [sys.executable, "-m", "vvlm_utils.launch", *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=60
    )


def test_a_program_holds_its_lock_and_a_second_one_is_refused_in_one_line(tmp_path):
    command = [sys.executable, "-m", "vvlm_utils.launch", "--lock", tmp_path / "book", "cat"]
    first = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    first.stdin.write(b"started\n"), first.stdin.flush()
    assert first.stdout.readline() == b"started\n"  # it is cat by now
    second = launch("--lock", tmp_path / "book", "echo", "never")
    assert (second.returncode, second.stdout) == (75, "") and second.stderr.count("\n") == 1
    assert f"book is being written by process {first.pid}" in second.stderr
    first.kill(), first.communicate()
    third = launch("--lock", tmp_path / "book", "echo", "now")
    assert (third.returncode, third.stdout) == (0, "now\n")


@pytest.mark.parametrize(
    ("given", "words"),
    [("", []), ("-k 'a or b'", ["-k", "a or b"]), ("$(id) `id` * ;", ["$(id)", "`id`", "*", ";"])],
)
def test_the_words_of_args_reach_a_program_as_they_are(given, words):
    script = "import sys; print(sys.argv[1:])"
    done = launch(sys.executable, "-c", script, "ARGS", "end", VVLM_ARGS=given)
    assert done.stdout == f"{[*words, 'end']}\n", done.stderr


def test_an_open_quote_is_one_line():
    done = launch("echo", "ARGS", VVLM_ARGS="'a")
    assert (done.returncode, done.stderr) == (2, "ARGS='a: No closing quotation; close it\n")
