"""What ``--out`` may be, of every command: a file, what a link names, a pipe, or "-"."""

import json
import os
import re
import threading
from pathlib import Path

import pytest
from command import vvlm

ROOT = Path(__file__).parents[2]
ARGS = "pretrained=a,lm_params=1e9,frames=4,tokens_per_frame=16,train_examples=1000"
CHAPTER = ROOT / "notebooks" / "01_inference_cost.ipynb"


@pytest.fixture
def here(tmp_path):
    """A folder of results, an index of data, and what else an output may be called."""
    result = {"results": {"mine": {"acc,none": 0.5}}, "config": {"model_args": ARGS}}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "20260101_000000_results.json").write_text(json.dumps(result))
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


CONVERT = ("convert", "results", "--metric", "mine=acc")
COMMANDS = {
    "fit": ("fit", "paper"),
    "convert": CONVERT,
    "run": ("run", CHAPTER),
    "report": ("report", "paper"),
}
REFUSED = {
    "results": "is a folder; name a file|holds files that are no report",
    "no/folder/x": "there is no folder .*; make it first",
    "loop": "no file can be written here|is a link to nothing",
}


@pytest.mark.parametrize("out", REFUSED)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_written_is_refused_before_any_work(here, command, out):
    before = sorted(here.rglob("*"))
    done = vvlm(*COMMANDS[command], "--out", out, cwd=here)
    assert done.returncode == 2 and not done.stdout and done.stderr.count("\n") == 1
    assert re.search(REFUSED[out], done.stderr), done.stderr
    assert sorted(here.rglob("*")) == before


def test_an_input_is_never_an_output(here):
    result = here / "results" / "20260101_000000_results.json"
    own = here / "chapter.ipynb"
    own.write_bytes(CHAPTER.read_bytes())
    for words, path in (
        (("convert", "results", "--out", result), result),
        (("run", own, "--out", own), own),
    ):
        before = path.read_bytes()
        done = vvlm(*words, cwd=here)
        assert done.returncode == 2 and "read; name another file" in done.stderr
        assert path.read_bytes() == before


def test_a_link_a_pipe_and_standard_output_are_written_to(here):
    said, pipe = [], here / "pipe"
    vvlm(*CONVERT, "--out", "plain.csv", cwd=here)
    plain = (here / "plain.csv").read_text()
    assert len(plain.splitlines()) == 2
    (here / "link.csv").symlink_to("target.csv")
    assert vvlm(*CONVERT, "--out", "link.csv", cwd=here).returncode == 0
    assert (here / "link.csv").is_symlink() and (here / "target.csv").read_text() == plain
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    assert vvlm(*CONVERT, "--out", "pipe", cwd=here).returncode == 0
    reader.join(20)
    assert said == [plain] and pipe.is_fifo()
    done = vvlm(*CONVERT, "--out", "-", cwd=here)
    assert done.stdout == plain and "rows" in done.stderr  # the answer makes room


def test_a_report_replaces_nothing_but_a_report(here):
    (here / "site").mkdir()
    for name in ("report.ipynb", ".files", "mine.csv"):
        (here / "site" / name).write_text(".files\nreport.ipynb")
    for out, reason in {
        "site": "holds mine.csv, which no report wrote; move it first",
        ".": "holds files that are no report",
        "-": "a report is a folder and cannot be printed",
    }.items():
        done = vvlm("report", "paper", "--out", out, cwd=here)
        assert done.returncode == 2 and reason in done.stderr
    done = vvlm("report", "paper", "--out", ".", cwd=here / "site")
    assert done.returncode == 2 and "is the folder that you are in" in done.stderr
