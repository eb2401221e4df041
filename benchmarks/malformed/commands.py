"""One wrong value in a command that would do otherwise."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from benchmarks.malformed.values import QUESTION, Arguments


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
        [*ask, draw.choice(["--law", "--prior", "--level"])],
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
