"""The tables of the notation page, made from the names that the code has.

Every name is taken from the thing itself, a factor, a field, a function or a column, so a name
that moves breaks this module or moves the page. ``python -m vvlm_utils.site.notation`` renews the
tables in ``book/notation.md``; a test holds the page to them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES, Cost, VisionTower
from vvlm_utils.files import whole
from vvlm_utils.frontier.elasticities import elasticity
from vvlm_utils.frontier.solver import solve
from vvlm_utils.runs.schema import COLUMNS, RUNS_SCHEMA
from vvlm_utils.runs.space import Space

PAGE = Path("book") / "notation.md"
MODULE = "vvlm_utils.site.notation"
LM, FRAMES, TOKENS = FACTORS
TOWER_PARAMS, TOWER_FEATURES = (f"tower.{field.name}" for field in fields(VisionTower))

SYMBOLS = (  # symbol, meaning, name in the code, unit
    ("$x_N$", "parameters of the language model, without the input embedding", LM, "parameters"),
    ("$x_T$", "frames sampled from a video", FRAMES, "frames"),
    (
        "$x_V$",
        "visual tokens that the language model reads for a frame",
        *(TOKENS, "tokens"),
    ),
    ("$n$", "examples the model was finetuned on", TRAIN_EXAMPLES, "examples"),
    ("$f$", "task error, 100 minus the metric", "error", "points"),
    ("$c$", "inference cost of one video", Cost.total_flops.fget.__name__, "FLOPs"),
    ("$x_M$", "parameters of the vision encoder", TOWER_PARAMS, "parameters"),
    ("$x_W$", "features the encoder computes for a frame", TOWER_FEATURES, "features"),
    ("$x$", "a design: the setting $(x_N, x_T, x_V)$", f"{Space.__name__}.designs", ""),
    ("$X$", "the designs that may be chosen", Space.__name__, ""),
    (
        "$x^*(c; n)$",
        "the design of least error that costs at most $c$, given $n$",
        *(solve.__name__, ""),
    ),
    (
        "$e_N$, $e_T$, $e_V$",
        "per cent by which a best factor moves when $n$ grows by one per cent",
        *(elasticity.__name__, ""),
    ),
)
MEANINGS = {
    "run_id": "name of the run, unique with `task` and `seed`",
    "source": "where the run comes from",
    "sweep": "the experiment it belongs to: `star` or `isoflop`, or `other`",
    "target_tflops": "budget of its isoFLOP curve; empty elsewhere",
    LM: "its design: parameters of the language model, as a count (7.5e9)",
    FRAMES: "its design: frames per video, or their mean",
    TOKENS: "its design: visual tokens per frame, or their mean",
    TRAIN_EXAMPLES: "its finetuning set, as a count",
    "task": "benchmark; `avg` is the plain mean of the eight",
    "metric": "score on a scale of 0 to 100",
    "metric_se": "standard error of the score, where it is known",
    "seed": "seed of the run, where it is known",
}


def make_tables() -> dict[str, str]:
    """Make the tables of the page in Markdown, by name."""
    symbols = [(s, meaning, f"`{name}`", unit) for s, meaning, name, unit in SYMBOLS]
    columns = [
        (f"`{name}`", MEANINGS[name], "may be empty" if RUNS_SCHEMA.columns[name].nullable else "")
        for name in COLUMNS
    ]
    headed = {
        "symbols": [("symbol", "meaning", "name in the code", "unit"), *symbols],
        "columns": [("column", "meaning", ""), *columns],
    }
    tables = {}
    for name, (head, *rows) in headed.items():
        lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
        lines.insert(1, "|" + "---|" * len(head))
        tables[name] = re.sub(r" +\|", " |", "\n".join(lines))
    return tables


def fill(page: str, tables: Mapping[str, str], module: str = MODULE, path: Path = PAGE) -> str:
    """Put the tables that a module makes between their marks in a page.

    Raises ValueError when a mark is missing.
    """
    for name, table in tables.items():
        marks = f"<!-- made by python -m {module}: {name} -->", f"<!-- end of {name} -->"
        between = re.compile("({})\n.*?({})".format(*map(re.escape, marks)), re.DOTALL)
        page, found = between.subn(lambda m, new=table: f"{m[1]}\n\n{new}\n\n{m[2]}", page)
        if not found:
            raise ValueError(f"{path} has no line {marks[0]!r}: put both marks back")
    return page


if __name__ == "__main__":
    filled = fill(PAGE.read_text(), make_tables())
    with whole(PAGE) as part:
        part.write_text(filled)
