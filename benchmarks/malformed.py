"""Malformed input as people, spreadsheets, kills and other programs make it.

A maker takes a random generator and a folder, writes one malformed input there, and returns the
arguments of a command that must refuse it. Good input stands beside it where a command needs some.
"""

from __future__ import annotations

import copy
import functools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

Arguments = list[object]
QUESTION = ["--tflops", 5, "--train-examples", 1e6]
HEADER = "lm_params,frames,tokens_per_frame,train_examples,metric"
NUMBERS = ["1e308", "-1e308", "1e400", "nan", "inf", "-inf", "-1", "0", "", "7.5B", "1.000,5",
           "0x10", "1e", "--", "None", "=1+1", "9" * 400, "1_000", "\x00", "'; rm -rf x", "1,5",
           "$(touch pwned)", "{x}", "½", "1e-320", "5%", "many", "‘5’", "#DIV/0!"]  # fmt: skip
VALUES = [None, [], {}, "text", -1, 0, 1e308, 10**400, float("nan"), float("inf"), [[1]], [None],
          {"a": 1}, [[["x"]]], "9" * 300, True, "\x00", "../../etc"]  # fmt: skip


def _value(draw: random.Random, but: tuple = ()) -> Any:
    """A value of some kind, the caller's own; ``but`` are values that would do no harm."""
    return copy.deepcopy(draw.choice([v for v in VALUES if v not in but]))


# ---- tables -------------------------------------------------------------------------------------


def _rows() -> list[list[str]]:
    designs = ["1e9,4,16,250000", "3e9,8,16,500000", "3e9,4,49,250000", "8e9,16,100,500000"]
    return [[*design.split(","), f"{50 + k}"] for k, design in enumerate(designs)]


def _bad_cell(draw: random.Random, rows: list[list[str]]) -> str:
    """One cell that is no such number; which of them is right for a column differs."""
    column = draw.randrange(5)
    bad = {1: ["0.5", "1e19"], 2: ["1e300"], 3: ["2.5", "19"], 4: ["100.5", "-3", "1e9"]}
    wrong = [v for v in NUMBERS if not (column == 4 and v in ("0", "1e-320"))]
    if column == 2:
        wrong.remove("1e-320")
    draw.choice(rows)[column] = '"' + draw.choice(wrong + bad.get(column, ["3"])) + '"'
    return "\n".join([HEADER, *map(",".join, rows)])


def _bad_header(draw: random.Random, rows: list[list[str]]) -> str:
    names = HEADER.split(",")
    k = draw.randrange(5)
    wrong = ["", names[k].upper(), names[k] + "_", names[(k + 1) % 5], "\u200b", "é", "loss"[k:]]
    names[k] = draw.choice([name for name in wrong if name != "loss" or k != 4])
    return "\n".join([",".join(names), *map(",".join, rows)])


def _bad_shape(draw: random.Random, rows: list[list[str]]) -> str:
    text = "\n".join([HEADER, *map(",".join, rows)])
    return draw.choice([
        HEADER, "", "\n\n", ",".join(HEADER), text.replace(",", ";"), text.replace(",", "\t"),
        text.replace(",", "|"), "sep=;\n" + text.replace(",", ";"), "# only a comment\n",
        text.replace("000,", ",000,"), text + "\n1e9,4", text + "\n" + "1," * 40,
        text + '\n"1e9,4,16', text.replace("\n", ""), f"{text}\n{','.join(rows[0])}",
        f"metric,{HEADER}\n" + "\n".join("1," + ",".join(r) for r in rows),
        f"loss,{HEADER}\n" + "\n".join("1," + ",".join(r) for r in rows),
        text.replace(",50", ",0.50").replace(",51", ",0.51").replace(",52", ",0.52")
        .replace(",53", ",0.53"), "{" * 3000, "\x00" * 50, "PK\x03\x04" + text[:20], "<html>",
        "\n".join(map(",".join, rows)), '"' * 999, "\r" * 99, "," * 70_000, "1" * 70_000,
        HEADER + "\n" + "x,x,x,x,x\n" * 500,
    ])  # fmt: skip


def tables(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """A table that was broken as people break them, before any command that takes one."""
    path = folder / "runs.csv"
    kind = draw.randrange(8)
    if kind == 0:
        text = "\n".join([HEADER, *map(",".join, _rows())])
        path.write_bytes(text.encode(draw.choice(["utf-16", "utf-32", "cp037"])))
    elif kind == 1:
        path.write_bytes(bytes(draw.randrange(256) for _ in range(draw.randrange(1, 300))))
    else:
        spoil = _bad_cell if kind < 5 else _bad_header if kind == 5 else _bad_shape
        path.write_text(spoil(draw, _rows()), encoding="utf-8")
    out = ["--out", folder / "out.json"]
    return draw.choice([
        ["check", path], ["fit", path, *out], ["compare", path], ["frontier", path, *QUESTION],
        ["elasticity", path], ["next-runs", path, *QUESTION, "--train-flops", 1e20],
        ["check", path, "--resamples", 0, "--json"],
    ])  # fmt: skip


# ---- fits ---------------------------------------------------------------------------------------


@functools.cache
def good_fit() -> dict[str, Any]:
    """What `vvlm fit` writes for the published runs, of a bag of two."""
    import tempfile

    import numpy as np

    from vvlm_utils.laws.bag_io import save_bag
    from vvlm_utils.laws.bagging import bag
    from vvlm_utils.laws.forms import LAWS
    from vvlm_utils.laws.options import FitOptions
    from vvlm_utils.runs.table import load_runs

    made = bag(LAWS["add"], load_runs("paper"), FitOptions(starts=2), resamples=2, search="cold",
               rng=np.random.default_rng(0))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.json"
        save_bag(made, path)
        return json.loads(path.read_text())


NEEDED = ("format", "version", "law", "options", "resampling", "aggregate", "failed", "rows",
          "ranges", "at_bounds", "losses", "members")  # fmt: skip


def _bad_fit(record: dict, draw: random.Random) -> str:
    """One field that the reader needs, taken out or replaced by something of another kind."""
    found = copy.deepcopy(record)
    kind = draw.randrange(7)
    if kind == 0:
        del found[draw.choice([name for name in NEEDED if name in found])]
    elif kind == 1:
        name = draw.choice(["format", "law", "options", "ranges", "losses", "members", "at_bounds"])
        harmless = {"options": ({},), "at_bounds": ({},), "ranges": ({},)}.get(name, ())
        found[name] = _value(draw, harmless)
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
        found["options"][draw.choice(["optimiser", "loss", "starts", "units"])] = -1
    else:
        text = json.dumps(found)
        return draw.choice([text[: draw.randrange(len(text) - 1)], "[" * 100_000, "", "null", "3",
                            '"fit"', "[1, 2]", "\ufeff{}", text.replace(":", "=", 1)])  # fmt: skip
    return json.dumps(found)


def fits(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """A damaged fit, before the commands that read one."""
    path = folder / "fit.json"
    path.write_text(_bad_fit(good_fit(), draw))
    return draw.choice([
        ["frontier", path, *QUESTION], ["elasticity", path],
        ["next-runs", path, *QUESTION, "--train-flops", 1e20],
    ])  # fmt: skip


# ---- JSON of other programs ---------------------------------------------------------------------


def _places(value: object, path: tuple = ()) -> list[tuple]:
    """The paths of every value within nested lists and mappings, but for the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in items:
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found += _places(inner, (*path, key))
    return found


def _swap(content: Any, draw: random.Random) -> None:
    """Put a value of another kind somewhere into nested JSON."""
    *way, last = draw.choice(_places(content))
    for key in way:
        content = content[key]
    content[last] = _value(draw, tuple(v for v in VALUES if type(v) is type(content[last])))


def _cut(text: str, draw: random.Random) -> str:
    return draw.choice([
        text[: draw.randrange(1, len(text) - 1)], "[" * 100_000, "", "null", "3", '"a"', "{}",
        text.replace(":", "=", 1), "<!DOCTYPE html><html></html>", "\x00" * 99,
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    ])  # fmt: skip


RESULTS = {
    "results": {"nextqa_mc_test": {"alias": "nextqa_mc_test", "exact_match,none": 0.5,
                                   "exact_match_stderr,none": "N/A"}},
    "config": {"model_args": "lm_params=1e9,frames=8,tokens_per_frame=16,train_examples=1000",
               "limit": None, "offset": 0},
    "versions": {"nextqa_mc_test": 0}, "date": "20260101_000000",
}  # fmt: skip


def results(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """Results of lmms-eval with a broken file, or with a value of a wrong kind and a task of no
    suite, so that what the reader does not look at cannot be taken for an answer."""
    content = copy.deepcopy(RESULTS)
    path = folder / "20260101_000000_results.json"
    if draw.random() < 0.25:
        path.write_text(_cut(json.dumps(content), draw))
    else:
        for _ in range(draw.randrange(1, 4)):
            if _places(content):
                _swap(content, draw)
        content["results"] = draw.choice([
            {"no_such_task": content.get("results")}, _value(draw), {"nextqa_mc_test": None},
            {"nextqa_mc_test": _value(draw)}, {"nextqa_mc_test": {"x,none": 0.5}},
            {"nextqa_mc_test": {"exact_match,none": draw.choice(["a", None, [], {}, 1e9, -1])}},
        ])  # fmt: skip
        path.write_text(json.dumps(content))
    return ["convert", folder, "--out", folder / "runs.csv"]


def _write_results(folder: Path, model_args: str) -> None:
    """Results that are right, but for the design where ``model_args`` states none."""
    content = copy.deepcopy(RESULTS)
    content["config"]["model_args"] = model_args
    (folder / "20260101_000000_results.json").write_text(json.dumps(content))


def designs(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """A design that is broken or contradicts the results, in a file beside them."""
    design = {"lm_params": 1e9, "frames": 8, "tokens_per_frame": 16, "train_examples": 1000}
    _write_results(folder, "pretrained=x")
    if draw.random() < 0.2:
        text = _cut(json.dumps(design), draw)
    else:
        name = draw.choice(list(design))
        wrong = [1e19, 0.5, -1, 0, 10**400, "8 B", "½", float("inf")]
        wrong += [v for v in VALUES if not isinstance(v, float)]
        if draw.random() < 0.3:
            _write_results(folder, f"pretrained=x,{name}={design[name] * 2:g}")  # contradicts it
        elif draw.random() < 0.1:
            del design[name]
        else:
            design[name] = draw.choice(wrong)
        text = json.dumps(design)
    (folder / "design.json").write_text(text)
    return ["convert", folder, "--out", folder / "runs.csv"]


SUITE = {"name": "own", "benchmarks": [
    {"short": "A", "scores": {"nextqa_mc_test": "exact_match"}, "top": 1.0}]}  # fmt: skip
BOMB = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 30))


def suites(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """A suite in YAML that is broken, or a metric that no result has, before good results."""
    _write_results(folder, str(RESULTS["config"]["model_args"]))
    convert = ["convert", folder, "--out", folder / "runs.csv"]
    if draw.random() < 0.3:
        metric = draw.choice(["a", "=b", "a=", "=", "no=x", "nextqa_mc_test=none", "a=b=c", "", "/",
                              "nextqa_mc_test=exact_match/0", "nextqa_mc_test=exact_match/nan",
                              "nextqa_mc_test=exact_match/x", "nextqa_mc_test/1", "\x00=a",
                              "nextqa_mc_test=exact_match/1e-320", "$(id)=1"])  # fmt: skip
        return [*convert, "--metric", metric]
    path = folder / "suite.yaml"
    content = copy.deepcopy(SUITE)
    benchmark = content["benchmarks"][0]
    kind = draw.randrange(4)
    if kind == 0:
        where = draw.choice([content, benchmark])
        name = draw.choice([name for name in where if name != "name"])
        where[name] = _value(
            draw, tuple(v for v in VALUES if type(v) in (float, type(where[name])))
        )
    elif kind == 1:
        del (where := draw.choice([content, benchmark]))[draw.choice(list(where))]
    elif kind == 2:
        draw.choice([content, benchmark])[draw.choice(["", "topp", "a b", "\x00"])] = _value(draw)
    else:
        text = draw.choice([_cut(json.dumps(content), draw), BOMB, "[" * 20_000, "{a: " * 20_000,
                            "!!python/object/apply:os.system [touch pwned]", "\t- a", "*a", "&a",
                            "? [a]\n: b\n", "- " * 20_000, "%YAML 9\n---", "a: b: c"])  # fmt: skip
        path.write_text(text)
        return [*convert, "--suite", path]
    path.write_text(json.dumps(content))
    return [*convert, "--suite", path]


RECORD = {
    "id": "a", "video": "a.mp4",
    "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A"}],
}  # fmt: skip


def annotations(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """An index of one subset that is broken or too short, before the check of a local copy."""
    index = folder / "llava_video_178k" / "0_nextqa" / "nextqa.json"
    index.parent.mkdir(parents=True)
    (index.parent / "a.mp4").write_bytes(b"\x00" * 9)
    records = [copy.deepcopy(RECORD) for _ in range(draw.randrange(1, 4))]
    if draw.random() < 0.3:
        text = json.dumps(records)
        if draw.random() < 0.5:
            text = "\n".join(map(json.dumps, records))
        text = _cut(text, draw)
    else:
        for _ in range(draw.randrange(1, 3)):
            _swap(records, draw)
        text = json.dumps(records)
    index.write_text(text)
    check = ["data", "check", folder, "--subset", "Next-QA"]
    sample = ["data", "sample", folder, "--subset", "Next-QA", "--examples", 9]
    return draw.choice([check, [*check, "--json"], sample])


# ---- parameters of a chapter --------------------------------------------------------------------

PARAMETERS = """frames: int = 8
share: float = 0.5
sizes: list[float] = [1.0]
names: list[str] = ["a"]
levels: dict[str, float] = {}
fast: bool = True
"""
NOT = {
    "frames": ["x", "1.5", "None", "", "1e3", "[1]", "9" * 5000, "True", "1" + "+1" * 3000],
    "share": ["x", "", "1,5", "None", "[0.5]", "9" * 400, "1j", "'0.5'", "-" * 9000 + "1"],
    "sizes": ["1", "x", "{}", "['a']", "[1,", "[[1.0]]", "[None]", "(" * 3000, "[" * 90_000],
    "names": ["a", "[1]", "[b'a']", "['a', None]", "{}", "[" + "'a'," * 5, "\x00", "[*a]"],
    "levels": ["[]", "{1: 2}", "{'a': 'b'}", "{[]: 1}", "{'a'}", "{**a}", "{'a': " * 200],
    "fast": ["yes", "1", "", "true", "None", "[True]"],
    "none": ["1"], "": ["1"], "frames ": ["1"], "__name__": ["1"], "fr\names": ["1"],
}  # fmt: skip


def _notebook(cells: list[dict]) -> dict:
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _cell(source: str, tags: list[str]) -> dict:
    return {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {"tags": tags},
            "outputs": [], "source": source}  # fmt: skip


def parameters(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """A value that is not of its parameter's type, or a notebook that cannot take any."""
    path = folder / "chapter.ipynb"
    notebook = _notebook([_cell(PARAMETERS, ["parameters"])])
    if draw.random() < 0.7:
        path.write_text(json.dumps(notebook))
        name = draw.choice(list(NOT))
        return ["run", path, "-o", folder / "out.ipynb", "-p", name, draw.choice(NOT[name])]
    kind = draw.randrange(4)
    if kind == 0:
        text = _cut(json.dumps(notebook), draw)
    elif kind == 1:
        sources = ["frames: int = ", "(" * 5000, "\x00", "frames = 8", "import os", "f" * 99_999]
        text = json.dumps(_notebook([_cell(draw.choice(sources), ["parameters"])]))
    elif kind == 2:
        tags = draw.choice([[], ["parameter"]])
        text = json.dumps(_notebook([_cell(PARAMETERS, tags)] * draw.randrange(3)))
    else:
        for _ in range(3):
            _swap(notebook, draw)
        notebook["cells"] = _value(draw, ([],))
        text = json.dumps(notebook)
    path.write_text(text)
    return ["run", path, "-o", folder / "out.ipynb", "-p", "frames", "x"]


# ---- arguments ----------------------------------------------------------------------------------


def arguments(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """One wrong value in a command that would do otherwise."""
    fit = good["fit"]
    junk = draw.choice(
        ["nan", "inf", "-1", "0", "x", "", "1e400", "--", "$(id)", "a b", "\n", "1e", "x" * 3000]
    )
    whole = draw.choice(["-1", "x", "", "1.5", "nan", "$(id)", "{}", "1e3", "9" * 5000])
    name = draw.choice(["metric", "frames", "a b", "", "x;y", "$(id)", "N" * 99, "tower", "1x"])
    no_count = draw.choice(["nan", "-1", "0", "inf", "x", "1e300", "1e-320"])
    design = ["--frames", 8, "--tokens-per-frame", 16]
    ask = ["frontier", fit, *QUESTION]
    out = folder / "none" / "fit.json"
    plan = ["next-runs", *ask[1:]]
    serve = ["serve", "qwen3-vl-8b", "--duration", 10]
    return draw.choice([
        ["cost", "--lm-params", junk, *design],
        ["cost", "--lm-params", 1e9, "--frames", junk, "--tokens-per-frame", 16],
        ["cost", *design, "--cost", "exact", "--lm", junk],
        [*ask[:2], "--tflops", draw.choice(["nan", "-1", "0", "x", "1e300"]), *ask[4:]],
        [*ask[:4], "--train-examples", no_count], [*ask, "--lm-params", no_count],
        [*ask, "--level", draw.choice(["nan", "-1", "0", "1", "2", "x"])],
        [*ask, "--at", f"{name}={junk}"], [*ask, "--cost", junk],
        [*plan, "--train-flops", draw.choice(["nan", "-1", "0", "inf", "x", "1e9"])],
        [*plan, "--gpu-hours", 9, "--gpu-tflops", draw.choice(["nan", "-1", "0", "x"])],
        [*plan, "--train-flops", 1e20, "--noise", draw.choice(["nan", "-1", "0", "x"])],
        [*plan, "--train-flops", 1e20, "--candidates", f"no {junk}.csv"],
        [*plan, "--train-flops", 1e20, "--most", draw.choice(["-1", "0", "x", "1.5"])],
        ["elasticity", fit, "--at", name], ["elasticity", folder / f"no {junk}" / "fit.json"],
        ["frontier", folder, *QUESTION], ["frontier", folder / "no.csv", *QUESTION],
        ["frontier", "paper", *QUESTION, "--at", f"{name}=2"],
        ["next-runs", "x" * 5000, *QUESTION, "--train-flops", 1e20], ["elasticity", "a\x00b"],
        ["fit", "paper", "--law", junk, "--out", folder / "fit.json"],
        ["fit", "paper", "--resamples", whole, "--out", folder / "fit.json"],
        ["fit", "paper", "--factor", name, "--out", folder / "fit.json"],
        ["fit", "paper", "--out", out], ["compare", "paper", "--splits", whole],
        ["check", "paper", "--factor", name], ["check", "paper", "--task", name],
        ["check", folder / "no.csv"], ["check", folder], ["check", "a\x00b"], ["check", "x" * 5000],
        ["check", "/dev/zero"], ["frontier", "/dev/zero", *QUESTION], ["elasticity", "/dev/null"],
        ["report", "paper", "--out", out], ["report", "paper", "--out", fit],
        ["report", "paper", "--law", junk, "--out", folder / "site"],
        ["report", "paper", "--tower-params", junk, "--out", folder / "site"],
        ["report", "paper", "--factor", name, "--out", folder / "site"],
        ["report", "paper", "--tflops", no_count, "--out", folder / "site"],
        ["report", "paper", "--train-examples", no_count, "--out", folder / "site"],
        ["report", "paper", "--lm-params", no_count, "--out", folder / "site"],
        ["report", "paper", "--features-per-frame", no_count, "--out", folder / "site"],
        ["convert", folder / "no", "--out", folder / "runs.csv"], ["convert", junk, "--out", out],
        ["data", "check", folder / "no"], ["data", "check", folder, "--subset", junk],
        ["data", "sample", folder, "--examples", whole], ["data"], [],
        ["run", fit, "-p", name, junk], ["run", folder / "no.ipynb"], ["run", "/dev/zero"],
        [junk], ["fit"], [*ask[:2], "--speed", junk],
        ["serve", junk], [*serve, "--duration", no_count],
        [*serve, "--fps", draw.choice(["nan", "-1", "0", "inf", "x", "1e-320"])],
        [*serve, "--frames", whole], [*serve, "--accelerator", junk], [*serve, "--cores", whole],
        [*serve, "--resolution", draw.choice(["1280", "x", "0x0", "1280x", "-1x9", "1e9x1", "½x"])],
        [*serve, "--utilisation", draw.choice(["0", "-1", "2", "nan", "x"])],
        [*serve, "--price", draw.choice(["-1", "nan", "inf", "x"])],
        [*serve, "--pruning-rate", draw.choice(["-1", "1", "nan", "2", "x"])],
    ])  # fmt: skip


def choices(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """One wrong value in a choice among the sizes of a served family, refused before any fit."""
    junk = draw.choice(["nan", "-1", "x", "", "1e400", "$(id)", "a b", "x" * 3000, "\x00"])
    count = draw.choice(["nan", "-1", "0", "inf", "x", "1e300", "1e-320"])
    whole = draw.choice(["-1", "x", "", "1.5", "nan", "{}", "9" * 5000])
    budget = ["--seconds", 1]
    ask = ["choose", "--family", "qwen3-vl", "--train-examples", 5e5]
    return draw.choice([
        ["choose", "--family", junk, "--train-examples", 5e5, *budget],
        ["choose", "--family", "qwen3-vl", "--train-examples", count, *budget],
        [*ask, "--model", junk, *budget], [*ask, "--seconds", count.replace("1e300", "1e-9")],
        [*ask, "--tflops", count.replace("1e300", "1e-9")], ask,
        [*ask, "--dollars-per-million", 500], [*ask, *budget, "--tflops", 5],
        [*ask, "--dollars-per-million", 500, "--price", draw.choice(["nan", "-1", "inf", "x"])],
        [*ask, *budget, "--duration", count], [*ask, *budget, "--prompt-tokens", whole],
        [*ask, *budget, "--answer-tokens", whole], [*ask, *budget, "--accelerator", junk],
        [*ask, *budget, "--devices", whole], [*ask, *budget, "--cores", whole],
        [*ask, *budget, "--utilisation", draw.choice(["0", "-1", "2", "nan", "x"])],
        [*ask, *budget, "--resolution", draw.choice(["1280", "x", "0x0", "-1x9", "1e9x1", "½x"])],
    ])  # fmt: skip


Maker = Callable[[random.Random, Path, dict[str, Any]], Arguments]
KINDS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        tables,
        fits,
        results,
        annotations,
        parameters,
        arguments,
        designs,
        suites,
        choices,
    )
}
