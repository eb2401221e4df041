"""Small parts of a chapter that move: a still table, and what a script needs to take its place.

A cell that ends in one of these functions shows a table that Python computed. On the site a script
of ``book/assets/moves`` shows sliders in its place, from the settings beside the table; the table
stays for print, for a page without scripts and for a notebook. The scripts hold no constants of the
book: values come from the settings, and arithmetic from the engine of the allocator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, SOVIT_400M, inference_cost
from vvlm_utils.plots.tables import show
from vvlm_utils.runs.designs import MAX_FRAMES, PAPER_LM_PARAMS, square_tokens
from vvlm_utils.runs.space import PAPER_SPACE

STATIC = "../_static/"  # from the page of a chapter
STYLE = "moves/moves.css"
BOX = 'class="vvlm-answer"'
# Scripts that a page loads, in this order, where it holds what stands on the left.
SCRIPTS = {
    BOX: ("engine.js", "moves/scrypt.js", "moves/answers.js"),
    'data-move="cost"': ("engine.js", "frontier_chart.js", "moves/parts.js", "moves/cost.js"),
}


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
    values = {
        "lm_params": _with({*PAPER_LM_PARAMS, *PAPER_SPACE.lm_params}, lm_params),
        "frames": _with(np.arange(1, MAX_FRAMES + 1), frames),
        "tokens_per_frame": _with(square_tokens(), tokens_per_frame),
    }
    settings = {
        "tower": asdict(SOVIT_400M),
        "design": design,
        "budget": budget_tflops * 1e12,
        "values": values,
    }
    caption = "Cost of one video of the design in the parameters, and with one factor halved."
    decimals = dict.fromkeys(("vision_flops", "lm_flops", "total_flops"), 1)
    return Move("cost", table, caption, settings, decimals=decimals)


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
