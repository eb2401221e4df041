"""Malformed input by the thousand: one short refusal, exit code 2, nothing half written.

The command line runs in this process, on inputs from a seeded generator: tables that were broken
as people break them, fits whose JSON was damaged, and arguments of the wrong kind. Some of
them run as processes of their own.
"""

import contextlib
import functools
import io
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer.main

from vvlm_utils.cli import main
from vvlm_utils.laws.bag_io import save_bag
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.fitting import FitOptions
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.table import load_runs

TABLES, BAGS, ARGUMENTS = 3_600, 4_000, 2_400
QUESTION = ["--tflops", 5, "--train-examples", 1e6]
LINES = 16  # a refusal fits a screen: typer's own take a box of a few lines
HEADER = "lm_params,frames,tokens_per_frame,train_examples,metric"
NUMBERS = ["1e308", "-1e308", "1e400", "nan", "inf", "-inf", "-1", "0", "", "7.5B", "1.000,5",
           "0x10", "1e", "--", "None", "=1+1", "9" * 400, "١٢", "1_000", "\x00", "'; rm -rf x",
           "$(touch pwned)", "{x}", "½", "1e-320"]  # fmt: skip


@pytest.fixture(autouse=True)
def command_built_once(monkeypatch):
    """Typer builds its parser at every call; ten thousand calls may share one."""
    monkeypatch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))


def call(*arguments: object) -> tuple[int, str, str]:
    """Run the command line here: exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["vvlm", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


def assert_refused(answer: tuple[int, str, str], what: object) -> None:
    code, _, err = answer
    assert code == 2, (what, answer)
    assert err.strip() and len(err.splitlines()) <= LINES, (what, err)
    assert "Traceback" not in err, (what, err)


# Tables


def good_rows() -> list[list[str]]:
    designs = ["1e9,4,16,250000", "3e9,8,16,500000", "3e9,4,49,250000", "8e9,16,100,500000"]
    return [[*design.split(","), f"{50 + k}"] for k, design in enumerate(designs)]


def spoil_cell(draw: random.Random, rows: list[list[str]]) -> str:
    """One cell that is no such number; which of them is right for a column differs."""
    column = draw.randrange(5)
    bad = {1: ["2.5", "1e19", "many"], 2: ["17", "3.99", "1e300"], 4: ["100.5", "-3", "1e9"]}
    wrong = [v for v in NUMBERS if not (column == 4 and v in ("0", "1e-320"))]
    draw.choice(rows)[column] = '"' + draw.choice(wrong + bad.get(column, ["3"])) + '"'
    return "\n".join([HEADER, *map(",".join, rows)])


def spoil_header(draw: random.Random, rows: list[list[str]]) -> str:
    names = HEADER.split(",")
    k = draw.randrange(5)
    names[k] = draw.choice(
        ["", names[k].upper(), names[k] + " ", names[(k + 1) % 5], "\u200b", "é"]
    )
    return "\n".join([",".join(names), *map(",".join, rows)])


def spoil_shape(draw: random.Random, rows: list[list[str]]) -> str:
    text = "\n".join([HEADER, *map(",".join, rows)])
    return draw.choice([
        HEADER, "", "\n\n", ",".join(HEADER), text.replace(",", ";"), text.replace(",", "\t"),
        text.replace("000,", ",000,"), text + "\n1e9,4", text + "\n" + "1," * 40,
        text + '\n"1e9,4,16', text.replace("\n", ""), f"{text}\n{','.join(rows[0])}",
        f"metric,{HEADER}\n" + "\n".join("1," + ",".join(r) for r in rows),
        text.replace(",50", ",0.50").replace(",51", ",0.51").replace(",52", ",0.52")
        .replace(",53", ",0.53"), "{" * 3000, "\x00" * 50, "PK\x03\x04" + text[:20],
    ])  # fmt: skip


ENCODINGS = ["utf-16", "utf-32", "cp037"]


def write_bad_table(path: Path, draw: random.Random) -> None:
    kind = draw.randrange(8)
    if kind == 0:
        text = "\n".join([HEADER, *map(",".join, good_rows())])
        path.write_bytes(text.encode(draw.choice(ENCODINGS)))
    elif kind == 1:
        path.write_bytes(bytes(draw.randrange(256) for _ in range(draw.randrange(1, 300))))
    else:
        spoil = [spoil_cell, spoil_cell, spoil_cell, spoil_header, spoil_shape, spoil_shape][
            kind - 2
        ]
        path.write_text(spoil(draw, good_rows()), encoding="utf-8")


@pytest.mark.parametrize("part", range(4))
def test_a_broken_table_is_refused(tmp_path, part):
    draw = random.Random(part)
    folder = tmp_path / "it's a {folder} of tables"
    folder.mkdir()
    path = folder / "runs; $x.csv"
    for case in range(TABLES // 4):
        write_bad_table(path, draw)
        command = draw.choice([["check", path, "--resamples", 0], ["compare", path],
                               ["fit", path, "--out", folder / "fit.json"],
                               ["report", path, "--out", folder / "site"],
                               ["frontier", path, *QUESTION], ["elasticity", path],
                               ["plan", path, *QUESTION, "--train-flops", 1e20]])  # fmt: skip
        assert_refused(call(*command), (case, command[0], path.read_bytes()[:400]))
    assert [p.name for p in folder.iterdir()] == [path.name]


# Fits


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> dict:
    path = tmp_path_factory.mktemp("fit") / "fit.json"
    few = FitOptions(starts=2)
    made = bag(LAWS["add"], load_runs("paper"), few, rng=np.random.default_rng(0), resamples=2,
               search="cold")  # fmt: skip
    save_bag(made, path)
    return json.loads(path.read_text())


NEEDED = ("format", "version", "law", "options", "resampling", "aggregate", "failed", "rows",
          "ranges", "at_bounds", "losses", "members")  # fmt: skip
VALUES = [None, [], {}, "text", -1, 1e308, 10**400, float("nan"), float("inf"), [[1]], [None],
          {"a": 1}, [[["x"]]], "9" * 300]  # fmt: skip


def damage(record: dict, draw: random.Random) -> str:
    """One field that the reader needs, taken out or replaced by something of another kind."""
    found = json.loads(json.dumps(record))
    kind = draw.randrange(7)
    if kind == 0:
        del found[draw.choice(NEEDED)]
    elif kind == 1:
        name = draw.choice(["format", "law", "options", "ranges", "losses", "members", "at_bounds"])
        found[name] = draw.choice([v for v in VALUES if not (name == "options" and v == {})])
    elif kind == 2:
        row = draw.choice(found["members"])
        row[draw.randrange(5)] = draw.choice([None, "x", [1], float("nan"), -3.0, 10**400])
    elif kind == 3:
        draw.choice(found["law"]["terms"])["powers"] = draw.choice(
            [None, 7, [7], [{}], [{"factor": "x", "exponent": "a", "sign": 1}],
             [{"factor": "frames", "exponent": 3, "sign": 1}],
             [{"factor": "frames", "exponent": "a_T", "sign": 10**30}]])  # fmt: skip
    elif kind == 4:
        draw.choice(found["members"]).append(1.0)
    elif kind == 5:
        found["options"][draw.choice(["optimiser", "loss", "starts", "units", "speed"])] = -1
    else:
        text = json.dumps(found)
        return draw.choice([text[: draw.randrange(len(text) - 1)], "[" * 100_000, "", "null", "3",
                            '"fit"', "[1, 2]", "\ufeff{}", text.replace(":", "=", 1)])  # fmt: skip
    return json.dumps(found)


@pytest.mark.parametrize("part", range(2))
def test_a_damaged_fit_is_refused(tmp_path, record, part):
    draw, path = random.Random(part), tmp_path / "fit.json"
    questions = [["frontier", path, *QUESTION], ["elasticity", path]]
    for case in range(BAGS // 2):
        path.write_text(damage(record, draw))
        assert_refused(call(*draw.choice(questions)), (case, path.read_text()[:300]))
    assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]


# Arguments


def bad_arguments(draw: random.Random, fit_json: Path, folder: Path) -> list[object]:
    """One wrong value in a command that would do otherwise."""
    junk = draw.choice(
        ["nan", "inf", "-1", "0", "x", "", "1e400", "--", "$(id)", "a b", "\n", "1e"]
    )
    whole = draw.choice(["-1", "x", "", "1.5", "nan", "$(id)", "{}", "1e3"])
    name = draw.choice(["metric", "frames", "a b", "", "x;y", "$(id)", "N" * 99, "tower", "1x"])
    no_count = draw.choice(["nan", "-1", "0", "inf", "x"])
    design = ["--frames", 8, "--tokens-per-frame", 16]
    ask = ["frontier", fit_json, *QUESTION]
    out = folder / "none" / "fit.json"
    return draw.choice([
        ["cost", "--lm-params", junk, *design],
        ["cost", "--lm-params", 1e9, "--frames", junk, "--tokens-per-frame", 16],
        ["cost", *design, "--cost", "exact", "--lm", junk],
        [*ask[:2], "--tflops", draw.choice(["nan", "-1", "0", "x"]), *ask[4:]],
        [*ask[:4], "--train-examples", no_count],
        [*ask, "--lm-params", no_count],
        [*ask, "--level", draw.choice(["nan", "-1", "0", "1", "2", "x"])],
        [*ask, "--at", f"{name}={junk}"],
        [*ask, "--cost", junk],
        ["plan", *ask[1:], "--train-flops", draw.choice(["nan", "-1", "0", "inf", "x", "1e9"])],
        ["plan", *ask[1:], "--gpu-hours", 9, "--gpu-tflops", draw.choice(["nan", "-1", "0", "x"])],
        ["plan", *ask[1:], "--train-flops", 1e20, "--noise", draw.choice(["nan", "-1", "0", "x"])],
        ["plan", *ask[1:], "--train-flops", 1e20, "--candidates", f"no {junk}.csv"],
        ["plan", *ask[1:], "--train-flops", 1e20, "--most", draw.choice(["-1", "0", "x", "1.5"])],
        ["elasticity", fit_json, "--at", name],
        ["elasticity", folder / f"no {junk}" / "fit.json"],
        ["frontier", folder, *QUESTION], ["frontier", folder / "no.csv", *QUESTION],
        ["frontier", "paper", *QUESTION, "--at", f"{name}=2"],
        ["plan", "x" * 5000, *QUESTION, "--train-flops", 1e20], ["elasticity", "a\x00b"],
        ["fit", "paper", "--law", junk, "--out", folder / "fit.json"],
        ["fit", "paper", "--resamples", whole, "--out", folder / "fit.json"],
        ["fit", "paper", "--factor", name, "--out", folder / "fit.json"],
        ["fit", "paper", "--out", out], ["compare", "paper", "--splits", whole],
        ["check", "paper", "--factor", name], ["check", "paper", "--task", name],
        ["check", folder / "no.csv"], ["check", folder], ["check", "a\x00b"], ["check", "x" * 5000],
        ["report", "paper", "--out", out], ["report", "paper", "--out", fit_json],
        ["report", "paper", "--law", junk, "--out", folder / "site"],
        ["report", "paper", "--tower-params", junk, "--out", folder / "site"],
        ["report", "paper", "--factor", name, "--out", folder / "site"],
        ["convert", folder, "--out", folder / "runs.csv"], ["convert", junk, "--out", out],
        ["run", fit_json, "-p", name, junk], ["run", folder / "no.ipynb"],
        [junk], ["fit"], ["frontier", fit_json, "--speed", junk],
    ])  # fmt: skip


def test_a_bad_argument_is_refused(tmp_path, record, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw, fit_json = random.Random(0), tmp_path / "fit.json"
    fit_json.write_text(json.dumps(record))
    for case in range(ARGUMENTS):
        arguments = bad_arguments(draw, fit_json, tmp_path)
        assert_refused(call(*arguments), (case, arguments))
    assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]


def test_some_of_them_as_processes(tmp_path, record):
    draw, fit_json = random.Random(1), tmp_path / "fit.json"
    for _ in range(6):
        fit_json.write_text(damage(record, draw))
        command = ["elasticity", str(fit_json)]
        done = subprocess.run([sys.executable, "-m", "vvlm_utils.cli", *command], cwd=tmp_path,
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        assert_refused((done.returncode, done.stdout, done.stderr), command)
    assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]
