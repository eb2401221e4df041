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
    from vvlm_utils.laws.bagging import BaggedLaw
    from vvlm_utils.runs.prepared import Prepared

HELP = """The command line: the book's questions, answered for the paper's runs or for yours.

Every command prints a table, or JSON with `--json`. Bad input ends in one line on standard error
and exit code 2, and nothing is half written.
"""
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=HELP)


class Resampling(StrEnum):
    designs = "designs"
    rows = "rows"
    stratified = "stratified"
    dirichlet = "dirichlet"
    wild = "wild"


class FitMethod(StrEnum):
    penalised = "penalised"
    paper = "paper"


class Band(StrEnum):
    law = "law"
    run = "run"
    family = "family"


class CostName(StrEnum):
    table = "table"
    paper = "paper"
    lm_only = "lm_only"
    exact = "exact"


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[str, typer.Argument(help="'paper', 'mini', or the path of a CSV of runs.")]
FitOrRuns = Annotated[
    str,
    typer.Argument(help="A file that `vvlm fit` wrote, or runs to fit now: 'paper', a CSV."),
]
Task = Annotated[
    str | None,
    typer.Option(help="Task of the table; without it 'avg', the only one, or the mean of all."),
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
MaxFrames = Annotated[
    int | None, typer.Option(min=1, help="Choose among frames up to this, beyond the runs too.")
]
MaxTokens = Annotated[
    int | None,
    typer.Option(min=1, help="Choose among square grids of up to so many tokens per frame."),
]
Cost = Annotated[
    CostName | None,
    typer.Option(
        "--cost",
        help="Price of a design; without it the table's own column cost_flops, else Equation 1.",
    ),
]
TowerParams = Annotated[
    float | None, typer.Option(help="Encoder parameters x_M, where they are not the paper's.")
]
Features = Annotated[
    float | None, typer.Option("--features-per-frame", help="Encoder features per frame x_W.")
]
LawName = Annotated[
    str | None, typer.Option("--law", help="Name of a law; without it the recommended mix of laws.")
]
Method = Annotated[
    FitMethod,
    typer.Option("--fit", help="Penalised fits, or the paper's own procedure word for word."),
]
Resamples = Annotated[
    int | None,
    typer.Option(min=1, help="Members: refits in all [default: 300 of the mix, 100 of one law]."),
]
BandKind = Annotated[
    Band,
    typer.Option("--band", help="Band of the law, of a single run, or of a new family of LMs."),
]
HowResampled = Annotated[
    Resampling | None,
    typer.Option("--resampling", help="What is resampled [default: designs where they repeat]."),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same answer.")]
Level = Annotated[float, typer.Option(help="Level of the intervals.")]
Epsilon = Annotated[
    float | None,
    typer.Option(help="Error that counts as no difference [default: the noise of a run]."),
]


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


def read_price(
    cost: CostName | None, tower_params: float | None, features_per_frame: float | None
) -> dict:
    """The arguments of ``prepare`` that say what a design costs, from a command's options."""
    from vvlm_utils.runs.prepared import price_options

    return price_options(cost and cost.value, tower_params, features_per_frame)


def read_table(
    runs: str,
    task: str | None = None,
    factor: list[str] | None = None,
    price: dict | None = None,
    lm_params: list[float] | None = None,
    max_frames: int | None = None,
    max_tokens: int | None = None,
) -> Prepared:
    """The prepared table of a command."""
    from vvlm_utils.runs.prepared import prepare

    check_sizes(lm_params or [])
    return prepare(
        runs,
        task=task,
        factors=tuple(factor or ()),
        lm_params=lm_params,
        max_frames=max_frames,
        max_tokens=max_tokens,
        **(price or {}),
    )


def read_model(
    source: str,
    *,
    at: dict[str, float],
    task: str | None,
    factor: list[str] | None,
    price: dict,
    space: dict,
    fitting: dict,
) -> tuple[BaggedLaw, Prepared]:
    """A model and the table it answers for: a fit as it was written, or runs fitted now.

    What ``at`` holds are further factors of runs. ``fitting`` holds law, resamples, resampling and
    seed, which belong to the making of a fit and are refused for one that is made.
    """
    from vvlm_utils.advice.answer import fit_model
    from vvlm_utils.advice.fit_file import load_fit

    check_sizes(space.get("lm_params") or [])
    if is_fit(source):
        given = {
            "task": task,
            "factor": factor,
            **{k: v for k, v in fitting.items() if k != "seed"},
        }
        own = [name for name, value in given.items() if value not in (None, [])]
        if own:
            option = own[0].replace("method", "fit")
            raise ValueError(f"--{option} belongs to the making of a fit; make {source} again")
        return load_fit(source, **price, **space)
    factors = [*(factor or []), *(f for f in at if f not in (factor or []))]
    prepared = read_table(source, task, factors, price, **space)
    command = " ".join(["vvlm fit", shlex.quote(source), *(f"--factor {f}" for f in factors)])
    note(f"fitting {len(prepared.runs)} runs; `{command} --out fit.json` keeps the fit")
    return fit_model(prepared, **fitting), prepared


def fit_options(
    law: str | None,
    method: FitMethod,
    resamples: int | None,
    resampling: Resampling | None,
    seed: int,
) -> dict:
    """The arguments of ``fit_model`` that a command was given."""
    given = {"law": law, "resamples": resamples, "resampling": resampling and resampling.value}
    given |= {"method": method.value if method is FitMethod.paper else None}
    return {k: value for k, value in given.items() if value is not None} | {"seed": seed}


def check_sizes(lm_params: Iterable[float]) -> None:
    """Refuse an LM size in billions, as a table of runs does."""
    from vvlm_utils.runs.schema import LEAST_LM

    for size in lm_params:
        if 0 < size < LEAST_LM:
            raise ValueError(f"lm_params must be the count itself, {size:g}e9 and not {size:g}")
