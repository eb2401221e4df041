"""What the commands share: the application, how it prints, the kinds of argument."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from vvlm_utils.frontier.space import Space
    from vvlm_utils.laws.bagging import BaggedLaw

HELP = """The command line: the book's questions, answered for the paper's runs or for yours.

Every command prints a table, or JSON with `--json`. Bad input ends in one line on standard error
and exit code 2, and nothing is half written.
"""
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=HELP)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[str, typer.Argument(help="'paper', 'mini', or the path of a CSV of runs.")]
FitOrRuns = Annotated[
    str,
    typer.Argument(help="A file that `vvlm fit` wrote, or runs to fit now: 'paper', a CSV."),
]
Factors = Annotated[
    list[str] | None,
    typer.Option("--factor", help="A further column that the sweep moved; repeatable."),
]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="NAME=VALUE", help="Hold a further factor there; repeatable."),
]
Budgets = Annotated[
    list[float], typer.Option("--tflops", help="TFLOPs that a video may cost; repeatable.")
]
Examples = Annotated[float, typer.Option("--train-examples", help="Finetuning examples n: 2e6.")]
LmSizes = Annotated[
    list[float] | None,
    typer.Option("--lm-params", help="Allowed LM sizes, not those of the runs; repeatable."),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same answer.")]
LAW, RESAMPLES = "add-interact", 100  # what is fitted when nothing else is said


class Resampling(StrEnum):
    rows = "rows"
    stratified = "stratified"
    dirichlet = "dirichlet"
    wild = "wild"


class CostName(StrEnum):
    paper = "paper"
    lm_only = "lm_only"
    exact = "exact"


Cost = Annotated[CostName, typer.Option("--cost", help="Which cost.")]


def show(answer, as_json: bool, out: Path | None = None) -> None:
    """Print records or a nested mapping; on standard error where ``out`` is standard output."""
    import pandas as pd

    from vvlm_utils.files import STDOUT

    to = sys.stderr if str(out) == STDOUT else sys.stdout
    if as_json:
        print(json.dumps(answer, indent=1), file=to)
    elif isinstance(answer, list):
        print(pd.DataFrame(answer).to_string(index=False, float_format="{:.4g}".format), file=to)
    else:
        for name, value in pd.json_normalize(answer).iloc[0].items():
            print(f"{name:40} {value:.6g}", file=to)


def held_levels(at: list[str] | None) -> dict[str, float]:
    """The levels of further factors, from NAME=VALUE."""
    levels = {}
    for pair in at or []:
        name, _, value = pair.partition("=")
        try:
            levels[name] = float(value)
        except ValueError:
            raise ValueError(f"--at takes NAME=VALUE with a number, got {pair!r}") from None
    return levels


def check_out(out: Path, read: str | Path) -> None:
    """Refuse an output that cannot be written, or that is the very file that is read."""
    from vvlm_utils.files import find_place

    try:
        place = find_place(out)
    except ValueError as bad:
        raise ValueError(f"--out {bad}") from None
    if place and place.exists() and Path(read).exists() and place.samefile(read):
        raise ValueError(f"--out {out} is {read}, which is read; name another file")


def note(text: str) -> None:
    """Say something beside the answer, on standard error."""
    print(f"vvlm: {text}", file=sys.stderr)


def is_fit(source: str) -> bool:
    """Tell a fit from runs: a file named ``.json``, or one that begins like a JSON object."""
    from vvlm_utils.runs.sources import list_sources

    path = Path(source)
    if source in list_sources():
        return False
    if path.is_dir():
        raise ValueError(f"{source} is a folder; name a fit that `vvlm fit` wrote, or a CSV")
    if path.suffix == ".json":
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(1) == b"{"


def fit_runs(
    table: pd.DataFrame,
    law: str = LAW,
    resamples: int = RESAMPLES,
    resampling: str = Resampling.rows.value,
    factors: list[str] | None = None,
    seed: int = 0,
) -> BaggedLaw:
    """The bag that `vvlm fit` writes."""
    import numpy as np

    from vvlm_utils.cost.equation import FACTORS
    from vvlm_utils.laws.bagging import bag
    from vvlm_utils.laws.forms import get_law

    rng = np.random.default_rng(seed)
    chosen = get_law(law, (*FACTORS, *(factors or [])))
    return bag(chosen, table, rng=rng, resamples=resamples, resampling=resampling)


def load_fit(source: str, at: list[str] | None = None) -> tuple[BaggedLaw, pd.DataFrame | None]:
    """A fit with its further factors held, and the runs that it was fitted to, if here and now.

    Runs are fitted as `vvlm fit` does when nothing else is said; what ``at`` holds are their
    further factors, and the runs returned are those at that level.
    """
    from vvlm_utils.laws.bag_io import load_bag
    from vvlm_utils.laws.bagging import hold_factors
    from vvlm_utils.runs.table import load_runs

    levels = held_levels(at)
    if is_fit(source):
        return hold_factors(load_bag(source), levels), None
    runs = load_runs(source, factors=list(levels))
    command = " ".join(["vvlm fit", shlex.quote(source), *(f"--factor {f}" for f in levels)])
    note(f"fitting {LAW} to {len(runs)} runs; `{command} --out fit.json` keeps the fit")
    bagged = hold_factors(fit_runs(runs, factors=list(levels)), levels)
    return bagged, runs[(runs[list(levels)] == list(levels.values())).all(axis=1)]


def choose_space(bagged: BaggedLaw, lm_params: list[float] | None = None) -> Space:
    """The designs to choose from: of these LM sizes or of those that have runs."""
    from vvlm_utils.frontier.space import Space, space_for

    if not lm_params:
        return space_for(bagged)
    check_sizes(lm_params)
    return Space(lm_params=tuple(lm_params))


def check_sizes(lm_params: Iterable[float]) -> None:
    """Refuse an LM size in billions, as a table of runs does."""
    from vvlm_utils.runs.schema import LEAST_LM

    for size in lm_params:
        if 0 < size < LEAST_LM:
            raise ValueError(f"lm_params must be the count itself, {size:g}e9 and not {size:g}")


def note_sizes(space: Space, lm_params: list[float] | None) -> None:
    """Say which LM sizes an answer chose from, where nobody named them."""
    if not lm_params:
        sizes = ", ".join(f"{size:.4g}" for size in space.lm_params)
        note(f"chosen among the LM sizes of the runs, {sizes}; --lm-params names others")
