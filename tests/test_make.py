"""What a user sets for make reaches the programs as text, and nothing is run but the programs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vvlm_utils.locks import only_writer

ROOT = Path(__file__).parents[1]
NASTY = "$(shell touch pwned)$$(touch pwned) `touch pwned`; touch pwned # 'x' \"y\" a\\ b"
# A Python that says what it was given, in place of the environment's.
ECHO = """#!{python}
import os, sys
words = sys.argv[1:]
while words[:2] == ["-m", "vvlm_utils.launch"]:
    sys.path.insert(0, {root!r})
    from vvlm_utils.launch import fill_in
    words = fill_in(words[2:], os.environ["VVLM_ARGS"])
    words = words[2:] if words[0] == "--lock" else words
    words = words[1:] if words[0] == sys.argv[0] else words
print(*words, sep="\\0", end="\\0\\n")
"""


@pytest.fixture
def make(tmp_path):
    """Call make in a folder of a hard name, with an environment whose Python echoes."""
    folder = tmp_path / "it's a $(touch pwned) {clone}"
    (folder / "env" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    python = folder / "env" / "bin" / "python"
    python.write_text(ECHO.format(python=sys.executable, root=str(ROOT)))
    python.chmod(0o755)

    def call(target: str, *settings: str, **env: str) -> subprocess.CompletedProcess:
        made = [word for name in ("env", "torch", "dev") for word in ("-o", name)]
        done = subprocess.run(
            ["make", *made, target, "ENV=env", f"PYTHON={sys.executable}", *settings],
            cwd=folder, env=os.environ | env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert not list(tmp_path.rglob("pwned"))
        return done

    return call


def words_of(done: subprocess.CompletedProcess) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [word for line in done.stdout.split("\0\n") for word in line.split("\0")]


@pytest.mark.parametrize(
    ("target", "name", "word"),
    [
        ("book", "RUNS", NASTY),
        ("sweep", "TABLE", f"--table={NASTY}"),
        ("sweep", "SWEEP", f"--sweep={NASTY}"),
        ("price", "SWEEP", f"--sweep={NASTY}"),
        ("price", "GPU", f"--gpu={NASTY}"),
        ("price", "GPUS", f"--gpus={NASTY}"),
        ("price", "UTILISATION", f"--utilisation={NASTY}"),
        ("coverage", "TABLES", f"--tables={NASTY}"),
        ("next-runs", "TRIALS", f"--trials={NASTY}"),
        ("exact", "SPLITS", f"--splits={NASTY}"),
        ("book", "CORES", NASTY),
        ("decode-rate", "FILE", NASTY),
        ("holdout", "SEEDS", f"--seeds={NASTY}"),
        ("holdout", "CHOICE", f"--choice={NASTY}"),
    ],
)
def test_a_setting_reaches_its_program_as_it_is(make, target, name, word):
    assert word in words_of(make(target, f"{name}={NASTY}"))
    assert word in words_of(make(target, **{name: NASTY}))  # by the environment


@pytest.mark.parametrize("target", ["bench", "coverage", "exact", "next-runs", "gpu-check", "lock"])
def test_args_are_split_as_a_shell_splits_and_nothing_else(make, target):
    said = words_of(make(target, "ARGS=--a 'b c' $(shell touch pwned) $$(touch pwned) *"))
    there = said.index("--a")
    assert said[there : there + 7] == [
        *("--a", "b c", "$(shell", "touch", "pwned)", "$$(touch", "pwned)")
    ]
    assert "*" in said and "ARGS" not in said


def test_args_of_a_report_stand_before_its_table(make):
    said = words_of(make("book", "RUNS=-mine.csv", "ARGS=--seed 1"))
    assert said[-5:-1] == ["--seed", "1", "--", "-mine.csv"]


@pytest.mark.parametrize("edition", ["teacher", "student student", "$(shell touch pwned)", "a,b)"])
def test_an_edition_is_one_word_of_the_list(make, edition):
    done = make("book", f"EDITION={edition}")
    assert done.returncode == 2 and done.stdout == ""
    said = f'EDITION is "student" or not given, and not "{edition}"'
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_the_default_targets_of_the_graph(make):
    assert "site" in words_of(make("book"))
    said = words_of(make("book", "EDITION=student"))
    assert "student" in said and said[-1].endswith("student/html/index.html\n")
    assert "--sweep=mini" in words_of(make("sweep"))


def test_of_two_builds_of_the_book_the_second_says_who_holds_it(tmp_path):
    for name in ("Makefile", "Snakefile", "rules", "_toc.yml", "vvlm_utils", "params"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = Path(sys.executable).parent.parent
    command = ["make", "-o", "env", "book", f"ENV={environment}", f"PYTHON={sys.executable}"]
    with only_writer(tmp_path / "_build" / "book"):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert (done.returncode, done.stdout, len(said)) == (2, "", 1)
    assert f"_build/book is being written by process {os.getpid()} on " in said[0]


def test_the_graphs_commands_are_quoted_for_any_folder(tmp_path):
    """The real graph in a folder with blanks, quotes and braces, with a home that is not there."""
    folder = tmp_path / "it's {a} clone"
    folder.mkdir()
    for name in ("Snakefile", "rules", "_toc.yml", "notebooks", "params", "vvlm_utils", "book",
                 "_config.yml", "requirements"):  # fmt: skip
        (folder / name).symlink_to(ROOT / name)
    python = folder / "python"
    python.symlink_to(sys.executable)
    command = [python, "-m", "snakemake", "site", "sweep", "--cores", "1", "--nolock", "--dry-run",
               "--forceall", "--printshellcmds"]  # fmt: skip
    site = Path(sys.executable).parent.parent / "lib"
    packages = next(site.glob("python*/site-packages"))
    env = {"PYTHONPATH": f"{ROOT}:{packages}", "HOME": "/proc/no-home", "VVLM_SWEEP": "tiny"}
    env["XDG_CACHE_HOME"] = str(folder / "_build" / "cache")
    done = subprocess.run(command, cwd=folder, env=os.environ | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (done.stdout + done.stderr).splitlines()
    commands = [shlex.split(line.partition(": ")[2]) for line in lines if " -m vvlm_utils" in line]
    programs = [next(word for word in words if "=" not in word) for words in commands]
    assert len(commands) > 15 and set(programs) == {str(python)}


def test_the_parts_of_the_graph_share_no_name():
    """Snakemake reads them into one space, where the later one of two names would win."""
    named = re.compile(r"^(?:def (\w+)\(|rule (\w+):|([A-Z_]+) = )", re.M)
    parts = sorted((ROOT / "rules").glob("*.smk"))
    names = ["".join(found) for part in parts for found in named.findall(part.read_text())]
    assert len(names) > 20
    assert [name for name in set(names) if names.count(name) > 1] == []
