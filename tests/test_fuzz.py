"""Malformed input by the hundred, fresh at every run: a short refusal and exit code 2.

The inputs and what is asked of a refusal are those of ``make fuzz``, which tries 20,000.
"""

import os
import random
import secrets
import subprocess
import sys

import pytest

from benchmarks.fuzz import LINES, Fault, fuzz, judge, prepared
from benchmarks.malformed import KINDS

INPUTS = 300


@pytest.mark.slow
def test_malformed_input_of_every_kind_is_refused():
    seed = int(os.environ.get("FUZZ_SEED") or secrets.randbelow(10**9))
    print(f"seed {seed}")
    faults, (_, inputs) = fuzz(range(INPUTS), seed)
    assert not faults, f"seed {seed}\n" + "\n".join(map(str, faults[:10]))
    assert all(inputs[kind] >= INPUTS // len(KINDS) for kind in KINDS)


def test_a_case_is_made_again_from_its_seed_and_number(tmp_path):
    for name, maker in KINDS.items():
        found = []
        for folder in (tmp_path / f"{name} 1", tmp_path / f"{name} 2"):
            folder.mkdir()
            made = maker(random.Random("7-3"), folder, {"fit": "fit.json"})
            files = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
            found.append(([str(a).replace(str(folder), "") for a in made], files))
        assert found[0] == found[1]


def test_what_is_no_refusal_is_a_fault(tmp_path):
    with prepared():
        answered = judge(["cost", "--lm-params", 1e9, "--frames", 4, "--tokens-per-frame", 4],
                         tmp_path)  # fmt: skip
        assert answered.startswith("exit code 0")
        assert judge(["check", tmp_path / "none.csv"], tmp_path) is None
    assert str(Fault(3, "tables", ["check", "a.csv"], "exit code 0")).startswith("case 3 (tables)")


def test_some_of_them_as_processes(tmp_path):
    with prepared() as good:
        for case in range(4):
            folder = tmp_path / str(case)
            folder.mkdir()
            asked = KINDS["tables"](random.Random(case), folder, good)
            done = subprocess.run(
                [sys.executable, "-m", "vvlm_utils.cli", *map(str, asked)], cwd=folder,
                capture_output=True, text=True, timeout=300,
            )  # fmt: skip
            assert done.returncode == 2, (asked, done)
            assert 0 < len(done.stderr.splitlines()) <= LINES and "Traceback" not in done.stderr
