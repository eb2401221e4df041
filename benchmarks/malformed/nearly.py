"""Tables of runs that are nearly valid: a good one after a few small edits.

What people and spreadsheets do to a table that was right: swapped columns, doubled rows, one odd
value, other separators, units, quotes, marks. Many such tables are still to be taken.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Rows = list[list[str]]
COLUMNS = ["lm_params", "frames", "tokens_per_frame", "train_examples", "metric"]
ODD = [
    "", " ", "NA", "nan", "None", "null", "-", "inf", "-inf", "0", "-0", "-1", "1", "2.5", "0.5",
    "007", "+8", " 8 ", "8.0", "8.", ".5", "1e400", "1e-400", "5e5", "5E+05", "500k", "0.5M",
    "7.5B", "1_000", "1,000", "1 000", "50%", "$5", "0x10", "true", "True", "1/2", "~8", "8*",
    "８", "½", "1e5 ", "100000000000000000000", "9007199254740993",
    "0.1000000000000000055511151231257827",
    "8 frames", "7.5b params", "2,5", "'8'", "8\u00a0", "\u20078", "1d3", "1e", "e5", "--8", "8e+",
    "99.99999999999", "100", "101", "8;9", "8\t", "=4*2", "#REF!", "2024-01-01", "12:30", "TRUE",
]  # fmt: skip
STRANGE = [  # what two programs may read in two ways
    "8\x1f", "\x1c8", "\x858", "8\ufeff", "\u20288", "\u200b", "8\x0b", "７,5", "1\xa0%", "½½½",
    "18446744073709551615", "true\x1d", "1\x1ck", "8\x00", "a\rb", '"8"', 'a"b',
]  # fmt: skip
NAMES = [
    "{} ",
    " {}",
    "{}s",
    "{} (count)",
    "\ufeff{}",
    '"{}"',
    "{}.1",
    "{}\u200b",
    "#{}",
    "{}_",
    "{}\x1f",
    "\x85{}",
    "{}\ufeff ",
    " \ufeff{}",
    "{}\u2028",
    "{}\ufffd",
]


def good(draw: random.Random) -> Rows:
    """A table whose error falls with every factor, its header first."""
    rows = [COLUMNS.copy()]
    for lm in ("1e9", "3e9", "8e9"):
        for frames in ("4", "8", "16"):
            for tokens in ("16", "49", "196"):
                n = draw.choice(["250000", "500000", "2e6"])
                error = 20 + 3e3 * float(lm) ** -0.25 + 30 * float(frames) ** -0.5
                error += 40 * float(tokens) ** -0.4 + 90 * float(n) ** -0.2
                metric = f"{100 - error * draw.uniform(0.99, 1.01):.4f}"
                rows.append([lm, frames, tokens, n, metric])
    return rows


def _cell(draw: random.Random, rows: Rows) -> None:
    value = draw.choice(ODD if draw.random() < 0.8 else STRANGE)
    comma = "," in value and draw.random() < 0.7
    draw.choice(rows[1:])[draw.randrange(len(rows[0]))] = f'"{value}"' if comma else value


def _column_of_one_kind(draw: random.Random, rows: Rows) -> None:
    k = draw.randrange(len(rows[0]))
    value = draw.choice(ODD + ["8", "16"])
    for row in rows[1:]:
        row[k] = f'"{value}"' if "," in value else value


def _written_otherwise(draw: random.Random, rows: Rows) -> None:
    k = draw.randrange(len(rows[0]))
    write = draw.choice([
        lambda v: f"{float(v):.1f}", lambda v: f"{float(v):.0f}", lambda v: f"{float(v):E}",
        lambda v: f'"{float(v):,.0f}"', lambda v: f" {v}", lambda v: f'"{v}"', lambda v: f"+{v}",
        lambda v: f"{float(v) * (1 + 1e-13):.17g}",
    ])  # fmt: skip
    for row in rows[1:]:
        if re.fullmatch(r"[\d.]+(e\d+)?", row[k]):
            row[k] = write(row[k])


def _swap(draw: random.Random, rows: Rows) -> None:
    a, b = draw.sample(range(len(rows[0])), 2)
    for row in rows[: draw.choice([1, len(rows)])]:  # the names alone, or all
        row[a], row[b] = row[b], row[a]


def _repeat(draw: random.Random, rows: Rows) -> None:
    row = draw.choice(rows[1:]).copy()
    if draw.random() < 0.5:
        row[-1] = f"{draw.uniform(20, 60):.2f}"
    if draw.random() < 0.6 and "seed" not in rows[0]:
        for k, each in enumerate(rows):
            each.append("seed" if k == 0 else "0")
        row.append("1")
    rows.insert(draw.randrange(1, len(rows) + 1), row)


def _name(draw: random.Random, rows: Rows) -> None:
    k = draw.randrange(len(rows[0]))
    rows[0][k] = draw.choice([*(n.format(rows[0][k]) for n in NAMES), rows[0][k].upper()])


def _outcome(draw: random.Random, rows: Rows) -> None:
    if "metric" not in rows[0]:
        return
    k = rows[0].index("metric")
    rows[0][k] = draw.choice(["loss", "error", "Loss", "metric"])
    scale = draw.choice([0.01, 1, 100, 1e-3, -1])
    for row in rows[1:]:
        if re.fullmatch(r"\d+\.\d+", row[k]):
            row[k] = f"{float(row[k]) * scale:.6g}"


def _further(draw: random.Random, rows: Rows) -> None:
    name, values = draw.choice([
        ("task", ["a"]), ("task", ["a", "b"]), ("task", ["avg"]), ("task", ["1"]),
        ("sweep", ["star"]), ("sweep", ["Star"]), ("sweep", [" star "]), ("sweep", ["isoflop"]),
        ("seed", ["0", "1"]), ("seed", ["1.5"]), ("seed", [""]), ("metric_se", ["0.1"]),
        ("metric_se", ["-0.1"]), ("target_tflops", ["10"]), ("run_id", ["x"]),
        ("run_id", ["1", "2"]), ("cost_flops", ["1e12", "2e12"]), ("cost_flops", ["1e12", ""]),
        ("cost_flops", ["0"]),
        ("note", ['"a, b"']), ("note", ['"say ""so"""']), ("note", ["é"]), ("", ["0", "1"]),
        ("source", ["mine"]), ("error", ["50"]), ("draw", ["0", "1"]), ("loss", ["1"]),
        ("frames", ["8"]), ("source", ["a", "b"]),
    ])  # fmt: skip
    rows[0].append(name)
    for k, row in enumerate(rows[1:]):
        row.append(values[k % len(values)])


def _drop(draw: random.Random, rows: Rows) -> None:
    kind = draw.randrange(4)
    if kind == 0:
        k = draw.randrange(len(rows[0]))
        for row in rows:
            del row[k]
    elif kind == 1:
        del rows[draw.randrange(2, 20) :]
    elif kind == 2:
        draw.choice(rows[1:]).pop()
    else:
        draw.choice(rows[1:]).append(draw.choice(["", "7"]))


EDITS: list[Callable[[random.Random, Rows], None]] = [
    _cell, _cell, _cell, _column_of_one_kind, _written_otherwise, _swap, _repeat, _name, _outcome,
    _further, _further, _drop,
]  # fmt: skip


def _spoil(draw: random.Random, text: str) -> bytes:
    """The text as a file, written as some spreadsheet or editor writes it."""
    lines = text.split("\n")
    place = draw.randrange(len(lines) + 1)
    kind = draw.randrange(24)
    mark = draw.choice([";", "\t", "|", " "])
    if kind < 6:
        forms = [f"\ufeff{text}", f"\ufeff\ufeff{text}", f"# made by hand\n{text}",
                 f"sep=,\n{text}", f"\n\n{text}", text.replace(",", mark)]  # fmt: skip
        return forms[kind].encode()
    if kind < 10:
        more = ["", ",,,,", "# here", '"'][kind - 6]
        return "\n".join([*lines[:place], more, *lines[place:]]).encode()
    ways = {10: "\r\n", 11: "\r", 12: ",\n", 13: " \n", 14: "\n\n", 15: "\r\r\n"}
    if kind in ways:
        return ways[kind].join(lines).encode()
    if kind == 16:
        return text.encode("utf-16")
    if kind == 17:
        return f"{text},\xe9".encode("latin-1", "replace")
    return text.encode()


def nearly_valid(draw: random.Random) -> bytes:
    """The bytes of a good table after one or two edits."""
    rows = good(draw)
    edits = draw.sample(EDITS, draw.choice([0, 1, 1, 2]))
    for edit in sorted(edits, key=lambda edit: edit is _drop):  # ragged rows come last
        edit(draw, rows)
    end = draw.choice(["", "\n", "\n", "\n\n"])
    return _spoil(draw, "\n".join(map(",".join, rows)) + end)
