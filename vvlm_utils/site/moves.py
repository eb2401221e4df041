"""Small parts of a chapter that move: a still table, and what a script needs to take its place.

A cell that ends in one of these functions shows a table that Python computed. On the site a script
of ``book/assets/moves`` shows sliders in its place, from the settings beside the table; the table
stays for print, for a page without scripts and for a notebook. The scripts hold no constants of the
book: values come from the settings, and arithmetic from the engine of the allocator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, SOVIT_400M, TRAIN_EXAMPLES, inference_cost
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.fitting import LawFit
from vvlm_utils.laws.law import values as law_values
from vvlm_utils.laws.protocols import Model
from vvlm_utils.plots.tables import show
from vvlm_utils.runs.designs import MAX_FRAMES, PAPER_LM_PARAMS, isoflop_designs, square_tokens
from vvlm_utils.runs.space import PAPER_SPACE, Space
from vvlm_utils.text import FACTOR_NAMES

STATIC = "../_static/"  # from the page of a chapter
STYLE = "moves/moves.css"
BOX = 'class="vvlm-answer"'
# Scripts that a page loads, in this order, where it holds what stands on the left.
SCRIPTS = {
    BOX: ("engine.js", "moves/scrypt.js", "moves/answers.js"),
    'class="vvlm-move"': ("engine.js", "frontier_chart.js", "moves/parts.js"),
    'data-move="cost"': ("moves/cost.js",),
    'data-move="isoflop"': ("moves/isoflop.js",),
    'data-move="law"': ("moves/law.js",),
    'data-move="data"': ("allocator_data.js", "allocator.js", "moves/data.js"),
}
BUDGETS = (2.0, 5.0, 10.0, 30.0, 100.0)  # TFLOPs, of the part on data
EXAMPLES = (1e5, 2.5e5, 5e5, 1e6, 2e6, 5e6, 1e7)  # sizes of the training set, of the parts on it


@dataclass(frozen=True)
class Move:
    """A part that moves on a page; elsewhere a table.

    name : of its script
    still : what stands there without the script
    settings : what the script starts from, plain types
    """

    name: str
    still: pd.DataFrame
    caption: str
    settings: Mapping = field(repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    decimals: Mapping[str, int] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return repr(self._table())

    def _table(self):
        return show(self.still, self.caption, self.names, self.decimals)

    def _repr_html_(self) -> str:
        # The script takes the table's place, so that it has no number among the page's tables.
        table = self._table()._repr_html_().replace("dataframe vvlm-table", "dataframe vvlm-still")
        data = escape(json.dumps(self.settings))
        return (
            f'<div class="vvlm-move" data-move="{self.name}" data-settings="{data}">{table}</div>'
        )


def _with(values, *further: float) -> list[float]:
    """The values of a slider in order, with those that a chapter's parameters add."""
    return sorted({*map(float, values), *map(float, further)})


def _values_of(design: Mapping[str, float]) -> dict[str, list[float]]:
    """What the sliders over the three factors may be, a design's own values among them."""
    values = {
        "lm_params": {*PAPER_LM_PARAMS, *PAPER_SPACE.lm_params},
        "frames": np.arange(1, MAX_FRAMES + 1),
        "tokens_per_frame": square_tokens(),
    }
    return {factor: _with(values[factor], design[factor]) for factor in FACTORS}


def move_cost(lm_params: float, frames: int, tokens_per_frame: int, budget_tflops: float) -> Move:
    """Sliders over a design's factors, and where the cost of one video goes.

    The table prices the design, and then the design with one factor about halved.

    >>> move_cost(7.5e9, 32, 196, 10)
    LM size frames tokens per frame encoder (TFLOPs) LM (TFLOPs) total (TFLOPs)
       7.5B     32              196             21.1        94.1          115.2
      3.75B     32              196             21.1        47.0           68.2
       7.5B     16              196             10.6        47.0           57.6
       7.5B     32               98             21.1        47.0           68.2
    """
    design = {"lm_params": float(lm_params), "frames": frames, "tokens_per_frame": tokens_per_frame}
    rows = [design, *({**design, f: design[f] / 2} for f in FACTORS)]
    table = pd.DataFrame(rows, columns=list(FACTORS))
    cost = inference_cost(*(table[f] for f in FACTORS))
    table["vision_flops"], table["lm_flops"] = cost.vision_flops, cost.lm_flops
    table["total_flops"] = cost.total_flops
    settings = {
        "tower": asdict(SOVIT_400M),
        "design": design,
        "budget": budget_tflops * 1e12,
        "values": _values_of(design),
    }
    caption = "Cost of one video of the design in the parameters, and with one factor halved."
    decimals = dict.fromkeys(("vision_flops", "lm_flops", "total_flops"), 1)
    return Move("cost", table, caption, settings, decimals=decimals)


def move_isoflop(budget_tflops: float, tolerance: float) -> Move:
    """A slider over the budget, and the designs that cost it, by LM size."""
    near = isoflop_designs(budget_tflops * 1e12, tolerance)
    near = near.sort_values(["frames", "tokens_per_frame"], ascending=[False, True])
    rows = []
    for size in PAPER_LM_PARAMS:
        part = near[near["lm_params"] == size]
        ends = [f"{x.frames} x {x.tokens_per_frame}" for x in part.itertuples()] or ["none"]
        rows.append([size, len(part), ends[0], ends[-1]])
    table = pd.DataFrame(rows, columns=["lm_params", "designs", "most frames", "most tokens"])
    settings = {
        "tower": asdict(SOVIT_400M),
        "lm_params": PAPER_LM_PARAMS,
        "frames": list(range(1, MAX_FRAMES + 1)),
        "tokens_per_frame": square_tokens().tolist(),
        "tolerance": tolerance,
        "budget": budget_tflops * 1e12,
        "budgets": _with([1e12 * float(f"{b:.2g}") for b in np.geomspace(1, 200, 60)],
                         budget_tflops * 1e12),
    }  # fmt: skip
    caption = (
        f"Designs within {tolerance:.0%} of {budget_tflops:g} TFLOPs, as frames x tokens per frame."
    )
    return Move("isoflop", table, caption, settings)


def move_law(fitted: LawFit, design: Mapping[str, float], train_examples: float) -> Move:
    """Sliders over the exponents of one factor of a law, and the error by what causes it.

    The law is written in units of the design, so that a coefficient is the points that its term
    adds there, and an exponent moves the curve around the design.

    design : the three factors of the design
    """
    law, here = fitted.law, {**design, TRAIN_EXAMPLES: train_examples}
    level = np.log([here[f] for f in law.factors])
    theta = law.change_units(fitted.theta, level - fitted.options.log_units(law))
    points = []
    for j in range(len(law.terms)):
        alone = theta.copy()
        alone[: len(law.terms)] = np.where(np.arange(len(law.terms)) == j, theta[j], 0)
        points.append(float(law_values(law, alone, np.zeros((len(level), 1)))[0, 0]))
    causes = [" and ".join(FACTOR_NAMES[p.factor] for p in term.powers) or "always there"
              for term in law.terms]  # fmt: skip
    settings = {
        "law": asdict(law),
        "theta": theta.tolist(),
        "design": here,
        "values": _values_of(here),
        "examples": _with(EXAMPLES, train_examples),
    }
    table = pd.DataFrame({"term of": causes, "error": points})
    caption = "Error at the design by the terms of the law, whose sum it is."
    return Move("law", table, caption, settings, decimals={"error": 1})


def move_data(
    model: Model,
    budget_tflops: float,
    train_examples: float,
    lm_params: Sequence[float],
    level: float,
) -> Move:
    """A slider over the training examples, and the best design at a budget.

    The script asks the allocator's model of the average, which is the recommended mix.

    lm_params : LM sizes to choose from
    level : of the band about the error and of the ranges of the design
    """
    space, rows = Space(lm_params=tuple(lm_params)), []
    for n in EXAMPLES:
        best = solve(model, Question([budget_tflops * 1e12], n, space)).table()
        rows.append(best.assign(train_examples=n))
    table = pd.concat(rows)[[TRAIN_EXAMPLES, *FACTORS, "error"]].reset_index(drop=True)
    settings = {
        "budgets": _with(BUDGETS, budget_tflops),
        "budget": budget_tflops,
        "examples": _with(EXAMPLES, train_examples),
        "at": train_examples,
        "lm_params": list(lm_params),
        "level": level,
    }
    caption = f"The best design at {budget_tflops:g} TFLOPs as the training set grows."
    return Move("data", table, caption, settings, decimals={"error": 1})


def add_scripts(html: str) -> str:
    """A page with the scripts and the style of the parts that it holds, and no others."""
    found = [scripts for mark, scripts in SCRIPTS.items() if mark in html]
    if not found:
        return html
    names = dict.fromkeys(name for scripts in found for name in scripts)
    there = [name for name in names if f'src="{STATIC}{name}' not in html]
    tags = "".join(f'<script src="{STATIC}{name}"></script>\n' for name in there)
    style = f'<link rel="stylesheet" href="{STATIC}{STYLE}">\n'
    return html.replace("</head>", f"{style}</head>", 1).replace("</body>", f"{tags}</body>", 1)
