"""What the commands share: the application, how it prints, and how it reads runs and fits."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vvlm_utils.cli.options import FittingOptions, SpaceOptions, TableOptions

if TYPE_CHECKING:
    from vvlm_utils.laws.protocols import Model
    from vvlm_utils.runs.prepared import Prepared

HELP = """The command line: the book's questions, answered for the paper's runs or for yours.

Every command prints a table, or JSON with `--json`. Bad input ends in one line on standard error
and exit code 2, and nothing is half written.
"""
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=HELP)


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


def note(*texts: str) -> None:
    """Say something beside the answer, on standard error."""
    for text in texts:
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


def read_table(
    runs: str, table: TableOptions, space: SpaceOptions | None = None, further: Iterable[str] = ()
) -> Prepared:
    """The prepared table of a command.

    further : factors besides those of ``--factor``
    """
    from vvlm_utils.runs.prepared import prepare

    space = space or SpaceOptions()
    check_sizes(space.lm_params or [])
    factors = dict.fromkeys([*(table.factor or []), *further])
    return prepare(runs, task=table.task, factors=tuple(factors), **asdict(space), **table.price)


def read_model(
    source: str,
    table: TableOptions,
    space: SpaceOptions,
    fitting: FittingOptions,
    levels: dict[str, float] | None = None,
) -> tuple[Model, Prepared]:
    """A model and the table it answers for: a fit as it was written, or runs fitted now.

    What ``levels`` holds are further factors of runs. Task, factors and all of ``fitting`` but its
    seed belong to the making of a fit, and are refused for one that is made.
    """
    from vvlm_utils.advice.answer import fit_model
    from vvlm_utils.advice.fit_file import load_fit

    given = fitting.given
    if is_fit(source):
        check_sizes(space.lm_params or [])
        making = {"task": table.task, "factor": table.factor, **given}
        own = [name for name, value in making.items() if value not in (None, [])]
        if own:
            option = own[0].replace("method", "fit")
            raise ValueError(f"--{option} belongs to the making of a fit; make {source} again")
        return load_fit(source, **table.price, **asdict(space))
    prepared = read_table(source, table, space, levels or ())
    names = dict.fromkeys([*(table.factor or []), *(levels or ())])
    command = " ".join(["vvlm fit", shlex.quote(source), *(f"--factor {f}" for f in names)])
    note(f"fitting {len(prepared.runs)} runs; `{command} --out fit.json` keeps the fit")
    return fit_model(prepared, **given, seed=fitting.seed), prepared


def check_sizes(lm_params: Iterable[float]) -> None:
    """Refuse an LM size in billions, as a table of runs does."""
    from vvlm_utils.runs.schema import LEAST_LM

    for size in lm_params:
        if 0 < size < LEAST_LM:
            raise ValueError(f"lm_params must be the count itself, {size:g}e9 and not {size:g}")
