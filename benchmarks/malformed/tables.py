"""Tables of runs, broken as people and spreadsheets break them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from benchmarks.malformed.values import NUMBERS, QUESTION, Arguments

HEADER = "lm_params,frames,tokens_per_frame,train_examples,metric"


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
