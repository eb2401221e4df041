"""The arguments and options that several commands share, each described once.

A command takes a group of options as one argument: :func:`with_groups` shows typer each of its
fields as an option, and hands the command the group.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Annotated, get_type_hints

import typer
from typer.core import TyperCommand


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
Priors = Annotated[
    list[str] | None,
    typer.Option(
        "--prior",
        metavar="KIND=MEAN,SD",
        help="Change a prior of penalised fits, or noise=SD; they are listed below. Repeatable.",
    ),
]
Resamples = Annotated[
    int | None,
    typer.Option(min=1, help="Members: refits in all; by default 300 of the mix, 100 of one law."),
]
BandKind = Annotated[
    Band,
    typer.Option("--band", help="Band of the law, of a single run, or of a new family of LMs."),
]
HowResampled = Annotated[
    Resampling | None,
    typer.Option("--resampling", help="What is resampled; by default designs where they repeat."),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same answer.")]
Level = Annotated[float, typer.Option(help="Level of the intervals.")]
Epsilon = Annotated[
    float | None,
    typer.Option(help="Error that counts as no difference; by default the noise of a run."),
]


@dataclass(frozen=True)
class TableOptions:
    """The table and its price."""

    cost: Cost = None
    tower_params: TowerParams = None
    features_per_frame: Features = None
    task: Task = None
    factor: Factors = None

    @property
    def price(self) -> dict:
        """The arguments of ``prepare`` that say what a design costs."""
        from vvlm_utils.runs.prepared import price_options

        cost = self.cost and self.cost.value
        return price_options(cost, self.tower_params, self.features_per_frame)


@dataclass(frozen=True)
class SpaceOptions:
    """The designs to choose from."""

    lm_params: LmSizes = None
    max_frames: MaxFrames = None
    max_tokens: MaxTokens = None


@dataclass(frozen=True)
class FittingOptions:
    """The fit."""

    law: LawName = None
    method: Method = FitMethod.penalised
    resamples: Resamples = None
    resampling: HowResampled = None
    prior: Priors = None
    seed: Seed = 0

    @property
    def given(self) -> dict:
        """The arguments of ``fit_model`` that were given, all but the seed."""
        from vvlm_utils.laws.priors import parse_prior

        prior = parse_prior(self.prior) if self.prior else None
        named = {"prior": prior} | {"law": self.law, "resamples": self.resamples}
        named["resampling"] = self.resampling and self.resampling.value
        named["method"] = self.method.value if self.method is FitMethod.paper else None
        return {name: value for name, value in named.items() if value is not None}


class WithPriors(TyperCommand):
    """A command whose help ends with the priors of penalised fits, as the package has them."""

    def format_help(self, ctx, formatter) -> None:
        """Write the help; the priors are read only now, so that other commands start fast."""
        from vvlm_utils.laws.priors import Prior, say_prior

        self.epilog = "\n\n".join(say_prior(Prior()))
        super().format_help(ctx, formatter)


def with_groups(command: Callable) -> Callable:
    """The command with every argument that is a group of options spread into its fields."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    shown = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            kinds = get_type_hints(groups[name], include_extras=True)
            for kind in kinds.values():
                kind.__metadata__[0].rich_help_panel = groups[name].__doc__.rstrip(".")
            shown += [
                inspect.Parameter(
                    f.name, parameter.KEYWORD_ONLY, default=f.default, annotation=kinds[f.name]
                )
                for f in fields(groups[name])
            ]
        else:
            kind = hints[name]
            shown.append(parameter.replace(kind=parameter.KEYWORD_ONLY, annotation=kind))

    @functools.wraps(command)
    def run(**given) -> None:
        for name, group in groups.items():
            given[name] = group(**{f.name: given.pop(f.name) for f in fields(group)})
        command(**given)

    run.__signature__ = inspect.Signature(shown)
    run.__annotations__ = {p.name: p.annotation for p in shown}
    return run
