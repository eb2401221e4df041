"""A sweep of one's own: make its table, check it, and report on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import (
    Cost,
    Factors,
    Features,
    FitMethod,
    HowResampled,
    Json,
    LawName,
    LmSizes,
    MaxFrames,
    MaxTokens,
    Method,
    Resamples,
    Runs,
    Seed,
    Task,
    TowerParams,
    app,
    read_price,
    read_table,
    show,
)


@app.command()
def check(
    runs: Runs,
    task: Task = None,
    factor: Factors = None,
    cost: Cost = None,
    tower_params: TowerParams = None,
    features_per_frame: Features = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Members of each law's bag; 0: look at the design alone.")
    ] = 40,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Check a table of runs: why it is refused, or what it can answer and what it cannot.

    Example: vvlm check runs.csv --factor tower_params
    """
    import numpy as np
    import pandas as pd

    from vvlm_utils.advice.audit import audit_table

    price = read_price(cost, tower_params, features_per_frame)
    prepared = read_table(runs, task, factor, price)
    audit = audit_table(prepared, np.random.default_rng(seed), resamples)
    if as_json:
        show(audit.to_dict() | {"notes": list(prepared.notes)}, as_json)
        return
    print("\n".join(f"- {sentence}" for sentence in (*audit.sentences, *prepared.notes)))
    if audit.parameters:
        columns = ["law", "parameter", "value", "low", "high", "at_bound", "verdict"]
        print()
        show(pd.DataFrame(audit.parameters)[columns].to_dict("records"), as_json)


@app.command()
def report(
    runs: Runs,
    out: Annotated[Path, typer.Option(help="The folder of the site.")],
    task: Task = None,
    factor: Factors = None,
    cost: Cost = None,
    tower_params: TowerParams = None,
    features_per_frame: Features = None,
    tflops: Annotated[
        list[float] | None,
        typer.Option("--tflops", help="Budgets to answer at; without it round ones. Repeatable."),
    ] = None,
    train_examples: Annotated[
        float | None, typer.Option(help="Finetuning examples n; without it the most of the runs.")
    ] = None,
    lm_params: LmSizes = None,
    max_frames: MaxFrames = None,
    max_tokens: MaxTokens = None,
    law: LawName = None,
    method: Method = FitMethod.penalised,
    resamples: Resamples = None,
    resampling: HowResampled = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Write a site about a sweep: audit, laws, frontier, elasticity, and a summary in words.

    The answers are those of `vvlm frontier` and `vvlm elasticity` with the same options.

    Example: vvlm report runs.csv --out report
    """
    import numpy as np

    from vvlm_utils.advice.audit import audit_table
    from vvlm_utils.advice.sentences import check_answerable
    from vvlm_utils.runs.sources import list_sources
    from vvlm_utils.site import report as reports

    price = read_price(cost, tower_params, features_per_frame)
    reports.check_folder(out)
    reports.check_compiler()
    prepared = read_table(runs, task, factor, price, lm_params, max_frames, max_tokens)
    audit = audit_table(prepared, np.random.default_rng(seed), 0)
    check_answerable(audit, law)
    parameters = {
        "runs": runs if runs in list_sources() else str(Path(runs).resolve()),
        "task": task or "",
        "factors": list(factor or ()),
        "cost": cost.value if cost else "",
        "tower_params": tower_params or 0.0,
        "features_per_frame": features_per_frame or 0.0,
        "tflops": list(tflops or ()),
        "train_examples": train_examples or 0.0,
        "lm_params": list(lm_params or ()),
        "max_frames": max_frames or 0,
        "max_tokens": max_tokens or 0,
        "law": law or "",
        "method": method.value,
        "resamples": resamples or 0,
        "resampling": resampling.value if resampling else "",
        "seed": seed,
    }
    page = reports.build(parameters, out).resolve()
    if as_json:
        show({"page": str(page), "address": page.as_uri(), "answers": reports.answers(out)}, True)
    else:
        print(f"The report is at {page.as_uri()}")
