"""What the commands share: the application, how it prints, the kinds of argument."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

HELP = """The command line: the book's questions, answered for the paper's runs or for yours.

Every command prints a table, or JSON with `--json`. Bad input ends in one line on standard error
and exit code 2, and nothing is half written.
"""
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=HELP)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[str, typer.Argument(help="'paper', or the path of a CSV of runs.")]
Factors = Annotated[
    list[str] | None,
    typer.Option("--factor", help="A further column that the sweep moved; repeatable."),
]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="NAME=VALUE", help="Hold a further factor there; repeatable."),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same answer.")]
FitFile = Annotated[str, typer.Argument(help="A JSON file that `vvlm fit` wrote.")]


class Resampling(StrEnum):
    rows = "rows"
    stratified = "stratified"
    dirichlet = "dirichlet"
    wild = "wild"


class CostName(StrEnum):
    paper = "paper"
    lm_only = "lm_only"
    exact = "exact"


def show(answer, as_json: bool) -> None:
    """Print records or a nested mapping."""
    import pandas as pd

    if as_json:
        print(json.dumps(answer, indent=1))
    elif isinstance(answer, list):
        print(pd.DataFrame(answer).to_string(index=False, float_format="{:.4g}".format))
    else:
        for name, value in pd.json_normalize(answer).iloc[0].items():
            print(f"{name:40} {value:.6g}")


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


def check_folder(out: Path) -> None:
    """Refuse a file to write whose folder is not there."""
    if not out.parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.parent}; make it first")
