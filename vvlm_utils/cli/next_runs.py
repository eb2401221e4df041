"""Which runs to do next."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from vvlm_utils.cli.common import app, held_levels, note, read_model, show
from vvlm_utils.cli.options import (
    At,
    Budgets,
    Examples,
    FitOrRuns,
    FittingOptions,
    Json,
    SpaceOptions,
    TableOptions,
    WithPriors,
    with_groups,
)

COLUMNS = (
    "lm_params frames tokens_per_frame train_examples cost_flops train_flops gain "
    "cumulative_flops left outside"
).split()


@app.command("next-runs", cls=WithPriors)
@with_groups
def next_runs(
    source: FitOrRuns,
    *,
    tflops: Budgets,
    train_examples: Examples,
    train_flops: Annotated[
        float | None, typer.Option(help="Training budget in FLOPs, e.g. 1e21.")
    ] = None,
    gpu_hours: Annotated[float | None, typer.Option(help="Training budget in hours.")] = None,
    gpu_tflops: Annotated[
        float | None, typer.Option(help="TFLOP/s that a GPU reaches in your training.")
    ] = None,
    space: SpaceOptions,
    table: TableOptions,
    at: At = None,
    fitting: FittingOptions,
    candidates: Annotated[
        str | None, typer.Option(help="A CSV of designs to choose from, not a grid.")
    ] = None,
    runs: Annotated[
        str | None, typer.Option(help="Runs that exist: 'paper' or a CSV; not planned again.")
    ] = None,
    replicate: Annotated[
        bool, typer.Option("--replicate", help="Plan a design again where that pays.")
    ] = False,
    most: Annotated[int | None, typer.Option(min=1, help="Largest number of runs.")] = None,
    noise: Annotated[
        float | None, typer.Option(help="SD of a run's log error, not the residuals'.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The runs that would sharpen the frontier most for a training budget, in order.

    Training is priced at three passes of inference an example. `gain` is the share of the
    uncertainty about the best designs that a run removes after those above it, `left` what remains.

    Without --candidates the choice is a grid of designs that the largest budget could serve, none
    with fewer frames, tokens or examples than the fitted runs. Runs instead of a fit are fitted
    first, as `vvlm fit` does. Without --runs the fitted runs are those that exist.

    Example: vvlm next-runs paper --tflops 2 --tflops 30 --train-examples 2e6 --train-flops 1e20

    Example: vvlm next-runs fit.json --tflops 10 --train-examples 1e6
    --gpu-hours 500 --gpu-tflops 150
    """
    budget = training_budget(train_flops, gpu_hours, gpu_tflops)

    import numpy as np

    from vvlm_utils.advice.answer import ask
    from vvlm_utils.advice.next_runs import candidates_for, plan_runs, read_candidates
    from vvlm_utils.runs.table import load_runs

    done = None if runs is None else load_runs(runs)
    pool = None if candidates is None else read_candidates(candidates)
    levels = held_levels(at)
    model, prepared = read_model(source, table, space, fitting, levels)
    asked = ask(model, prepared, [1e12 * each for each in tflops], train_examples, levels)
    if runs is None:
        same = [prepared.runs[name] == value for name, value in levels.items()]
        done = prepared.runs[np.all(same, axis=0)] if same else prepared.runs
    if pool is None:
        pool = candidates_for(prepared, asked.question)
    planned = plan_runs(
        asked.model, pool, asked.question, budget,
        noise=noise, done=done, replicate=replicate, most=most,
    )  # fmt: skip
    note(*prepared.notes)
    show(json.loads(planned[COLUMNS].to_json(orient="records", double_precision=15)), as_json)


def training_budget(
    train_flops: float | None, gpu_hours: float | None, gpu_tflops: float | None
) -> float:
    """The training budget in FLOPs, from either way of stating it."""
    if (train_flops is None) == (gpu_hours is None):
        raise ValueError("give --train-flops, or --gpu-hours with --gpu-tflops: one of the two")
    if (gpu_hours is None) != (gpu_tflops is None):
        raise ValueError("--gpu-hours needs --gpu-tflops, the TFLOP/s a GPU reaches, and it alone")
    return train_flops if gpu_hours is None else gpu_hours * 3600 * gpu_tflops * 1e12


app.command("plan", hidden=True)(next_runs)  # what it was called before
