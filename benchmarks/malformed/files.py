"""Damaged files of other programs: results, designs, suites and annotations."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

from benchmarks.malformed.values import VALUES, Arguments, any_value, cut, places, swap

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
        path.write_text(cut(json.dumps(content), draw))
    else:
        for _ in range(draw.randrange(1, 4)):
            if places(content):
                swap(content, draw)
        content["results"] = draw.choice([
            {"no_such_task": content.get("results")}, any_value(draw), {"nextqa_mc_test": None},
            {"nextqa_mc_test": any_value(draw)}, {"nextqa_mc_test": {"x,none": 0.5}},
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
        text = cut(json.dumps(design), draw)
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
        where[name] = any_value(
            draw, tuple(v for v in VALUES if type(v) in (float, type(where[name])))
        )
    elif kind == 1:
        del (where := draw.choice([content, benchmark]))[draw.choice(list(where))]
    elif kind == 2:
        draw.choice([content, benchmark])[draw.choice(["", "topp", "a b", "\x00"])] = any_value(
            draw
        )
    else:
        text = draw.choice([cut(json.dumps(content), draw), BOMB, "[" * 20_000, "{a: " * 20_000,
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
        text = cut(text, draw)
    else:
        for _ in range(draw.randrange(1, 3)):
            swap(records, draw)
        text = json.dumps(records)
    index.write_text(text)
    check = ["data", "check", folder, "--subset", "Next-QA"]
    sample = ["data", "sample", folder, "--subset", "Next-QA", "--examples", 9]
    return draw.choice([check, [*check, "--json"], sample])
