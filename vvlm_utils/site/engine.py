"""The browser's engine: its modules as one script, and what it takes from the package as data.

``book/assets/engine/*.js`` fit, resample and answer in a reader's browser what ``vvlm fit`` and
``vvlm frontier`` do, for a table that never leaves it. A page that is opened from a disk may load
neither modules nor a worker's file, so the modules are joined into one classic script that hands
them on as a function, ``vvlmEngine``; a page calls it, or starts a worker from its text.

Laws, priors, bounds, names and messages are written here from the package's own objects, so that
nothing is described twice; laws are spelt over the placeholder ``ANY``, which stands for every
factor of a table.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields
from math import isqrt
from pathlib import Path

import pandas as pd

from vvlm_utils import __version__
from vvlm_utils.advice import audit, next_runs
from vvlm_utils.advice.answer import PAPER_RESAMPLES as LAW_RESAMPLES
from vvlm_utils.advice.sentences import MOST_HELD
from vvlm_utils.cost.architectures import DECODERS, NEAREST
from vvlm_utils.cost.equation import FACTORS, LIMIT, SOVIT_400M
from vvlm_utils.files import whole
from vvlm_utils.frontier.space import MOST_EXAMPLES
from vvlm_utils.laws.bag_io import FORMAT, MIX, VERSION
from vvlm_utils.laws.forms import BUILDERS, ONE_FACTOR, SYMBOLS, get_law
from vvlm_utils.laws.law import LOG_P
from vvlm_utils.laws.optimisers import SMALLEST_COEFFICIENT
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import OTHERS, SHARES, Prior, kinds_of
from vvlm_utils.laws.problem import NOISE_ROUNDS
from vvlm_utils.laws.recommendation import MEMBERS, PRIOR, RECOMMENDED
from vvlm_utils.laws.starts import FEW_STARTS
from vvlm_utils.runs import prepared, reading, sanity, schema
from vvlm_utils.runs.designs import square_tokens
from vvlm_utils.runs.sources import find_table, read_source
from vvlm_utils.runs.space import MOST_LEVELS, PAPER_SPACE
from vvlm_utils.runs.wording import FORGOTTEN
from vvlm_utils.site.allocator import exact_terms
from vvlm_utils.text import FACTOR_NAMES, UNITS

ANY = "@"  # any factor, in the names of a law's parameters
NAME = "vvlmEngine"
DATA = "VVLM_ENGINE"
IMPORT = re.compile(r"^import\b[^;]*?from \"\./([\w.]+)\";\n", re.MULTILINE)


def join_modules(folder: Path) -> str:
    """The modules of a folder as one function that returns all they export.

    Every module is a scope of its own, so that names may recur; those that others import come
    first. Raises ValueError where modules import one another in a circle.
    """
    texts = {path.name: path.read_text() for path in sorted(folder.glob("*.js"))}
    needs = {name: set(IMPORT.findall(text)) for name, text in texts.items()}
    order: list[str] = []
    while len(order) < len(texts):
        ready = [n for n in texts if n not in order and needs[n] <= set(order)]
        if not ready:
            left = ", ".join(name for name in texts if name not in order)
            raise ValueError(f"the modules {left} import one another, or one that is not there")
        order += ready
    scopes = "".join(_scope(name, texts[name]) for name in order)
    return (
        f"function {NAME}() {{\nconst modules = {{}};\n{scopes}"
        "return Object.assign({}, ...Object.values(modules));\n}\n"
    )


def _scope(name: str, text: str) -> str:
    """A module as a function that leaves its exports in ``modules``."""

    def unpack(found: re.Match) -> str:
        names = re.search(r"\{(.*?)\}", found[0], re.DOTALL)[1]
        return f"const {{{names}}} = modules[{json.dumps(found[1])}];\n"

    exports = re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", text, re.MULTILINE)
    exports += re.findall(r"^export \{ (.*?) \};$", text, re.MULTILINE)
    body = re.sub(r"^export \{.*?\};\n", "", IMPORT.sub(unpack, text), flags=re.MULTILINE)
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    return (
        f'modules[{json.dumps(name)}] = (() => {{\n"use strict";\n{body}'
        f"return {{ {', '.join(exports)} }};\n}})();\n"
    )


def describe_laws(data: str | None) -> dict[str, dict]:
    """Every law over ``ANY`` by name, with the kind of prior of each parameter."""
    found = {}
    for name in (n for n in BUILDERS if n not in ONE_FACTOR):
        try:
            law = get_law(name, [ANY], data)
        except ValueError:  # it is another law where n does not move
            continue
        kinds = kinds_of(law)
        # Of several factors, whose terms tell a product of all from the term of one.
        several = kinds_of(get_law(name, FACTORS, data))
        kinds |= {p: several[p] for p in kinds if p in several}
        found[name] = asdict(law) | {"kinds": kinds}
    return found


def refused_laws() -> dict[str, str]:
    """Why a law cannot be had of a table in which n never moves, by the law's name."""
    found = {}
    for name in BUILDERS:
        try:
            get_law(name, FACTORS, None)
        except ValueError as refusal:
            found[name] = str(refusal)
    return found


def export() -> dict:
    """What the engine needs to know, as plain types."""
    prior = {f.name: getattr(PRIOR, f.name) for f in fields(Prior) if f.name not in OTHERS}
    options = FitOptions(prior=PRIOR)
    return {
        "version": __version__,
        "laws": {
            "with_data": describe_laws("train_examples"),
            "without_data": describe_laws(None),
        },
        "symbols": SYMBOLS,
        "recommended": RECOMMENDED,
        "members": MEMBERS,
        "law_members": LAW_RESAMPLES,
        "refused_laws": refused_laws(),
        "options": {
            "prior": {"noise": PRIOR.noise, "pairs": prior, "shares": SHARES},
            "noise_rounds": NOISE_ROUNDS,
            "few_starts": FEW_STARTS,
            "max_exponent": options.max_exponent,
            "max_coefficient": options.max_coefficient,
            "smallest_coefficient": SMALLEST_COEFFICIENT,
            "log_p": LOG_P,
            "units": dict(options.units),
        },
        "rules": rules(),
        "sources": sources(),
        "next_runs": {
            "tail": next_runs.TAIL,
            "values": next_runs.VALUES,
            "shares": next_runs.SHARES,
            "inside": next_runs.INSIDE,
        },
        "fit_file": {"bag": FORMAT, "mix": MIX, "version": VERSION, "options": asdict(options)},
    }


def rules() -> dict:
    """How a table is read, checked and prepared: messages, bounds and names of the package."""
    return {
        "formats": [(start.decode("latin-1"), *rest) for start, *rest in reading.FORMATS],
        "separators": reading.SEPARATORS,
        "save": reading.SAVE,
        "largest": reading.LARGEST,
        "head": reading.HEAD,
        "empty": reading.EMPTY,
        "columns": schema.COLUMNS,
        "outcomes": schema.OUTCOMES,
        "cost": schema.COST,
        "defaults": schema.DEFAULTS | {"target_tflops": "NaN", "metric_se": "NaN"},
        "row_key": schema.ROW_KEY,
        "average": schema.AVERAGE,
        "limit": LIMIT,
        "most_examples": MOST_EXAMPLES,
        "most_lines": schema.MOST_LINES,
        "most_places": schema.MOST_PLACES,
        "no_number": schema._NO_NUMBER,
        "plain": schema._PLAIN,
        "schema": [describe_column(name) for name in schema.RUNS_SCHEMA.columns],
        "positive": [["positive", schema._POSITIVE.error], ["bounded", schema._BOUNDED.error]],
        "messages": {
            "empty": _hint({"run_id": [None]}),
            "duplicate": schema._no_duplicate(("{key}",)).error,
            "target": schema._TARGET.error,
            "scale": schema._SCALE.error,
            "own_cost": prepared.OWN_COST,
            "finite": schema.schema_for(has_cost=True).columns[schema.COST].checks[1].error,
        },
        "factor_names": FACTOR_NAMES,
        "units": UNITS,
        "tower": asdict(SOVIT_400M),
        "decoders": [
            {"name": name, "params": decoder.params, "terms": exact_terms(decoder)}
            for name, decoder in DECODERS.items()
        ],
        "nearest": NEAREST,
        "forgotten": FORGOTTEN,
        "most_levels": MOST_LEVELS,
        "most_frames": PAPER_SPACE.shape[1],
        "most_held": MOST_HELD,
        "sanity": {
            "most_rows": sanity.MOST_ROWS,
            "falls": sanity.FALLS,
            "least_pairs": sanity.LEAST_PAIRS,
        },
        "audit": {
            "most_fitted": audit.MOST_FITTED,
            "folds": audit.FOLDS,
            "correlated": audit.CORRELATED,
        },
    }


def _hint(columns: dict) -> str:
    """The hint that the schema has for these values, the first of those it finds."""
    table = pd.DataFrame(columns).reindex(columns=list(schema.RUNS_SCHEMA.columns))
    return next(iter(schema.schema_problems(table, schema.RUNS_SCHEMA)))[1]


# What a check of the schema is called in the engine, by the check's own message.
TESTS = {
    schema._POSITIVE.error: "positive",
    schema._BOUNDED.error: "bounded",
    schema._NOT_NEGATIVE.error: "not_negative",
    schema._WHOLE.error: "whole",
}
BOUNDS = {  # of the checks that have one: the column, the engine's test and its bound
    "sweep": ("among", ["star", "isoflop", "other"]),
    "lm_params": ("least", schema.LEAST_LM),
    "frames": ("least", 1),
    "train_examples": ("least", 20),
    "metric": ("range", [0, 100]),
}


def describe_column(name: str) -> dict:
    """A column of the schema with its checks, each a test's name, its message and its bound."""
    column = schema.RUNS_SCHEMA.columns[name]
    checks = [
        [TESTS[check.error], check.error]
        if check.error in TESTS
        else [BOUNDS[name][0], check.error, BOUNDS[name][1]]
        for check in column.checks
    ]
    return {"name": name, "nullable": column.nullable, "checks": checks}


SHOWN = ("paper", "mini")  # the published sweeps that the page offers


def sources() -> list[dict]:
    """The tables that the page offers, with their encoder and how far their designs go."""
    found = []
    for name in SHOWN:
        source = read_source(name)
        tower = None
        if source.tower_params is not None:
            tower = {"params": source.tower_params, "features_per_frame": source.features_per_frame}
        space = None
        if source.max_frames:
            space = {
                "frames": list(range(1, source.max_frames + 1)),
                "tokens_per_frame": square_tokens(isqrt(source.max_tokens)).tolist(),
            }
        found.append({"name": name, "title": source.title, "csv": find_table(name).read_text(),
                      "tower": tower, "space": space})  # fmt: skip
    return found


def write_scripts(modules: Path, target: Path) -> None:
    """Write the engine, ``engine.js``, and its data, ``your_sweep_data.js``, each atomically."""
    data = json.dumps(export(), separators=(",", ":"), allow_nan=False).replace("<", r"\u003c")
    texts = {
        "engine.js": join_modules(modules),
        "your_sweep_data.js": f"window.{DATA} = {data};\n",
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with whole(target / name) as part:
            part.write_text(text)
