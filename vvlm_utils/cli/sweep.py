"""A sweep of one's own: make its table, check it, and report on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import Factors, Json, Runs, Seed, app, show

Task = Annotated[str, typer.Option(help="Which task of the table.")]


@app.command()
def check(
    runs: Runs,
    task: Task = "avg",
    factor: Factors = None,
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

    from vvlm_utils.advice.audit import audit_runs
    from vvlm_utils.runs.table import load_runs

    factors = tuple(factor or ())
    table = load_runs(runs, task=task, factors=factors)
    audit = audit_runs(table, np.random.default_rng(seed), factors, resamples)
    if as_json:
        show(audit.to_dict(), as_json)
        return
    print("\n".join(f"- {sentence}" for sentence in audit.sentences))
    if audit.parameters:
        columns = ["law", "parameter", "value", "low", "high", "at_bound", "verdict"]
        print()
        show(pd.DataFrame(audit.parameters)[columns].to_dict("records"), as_json)


@app.command()
def report(
    runs: Runs,
    out: Annotated[Path, typer.Option(help="The folder of the site.")],
    task: Task = "avg",
    factor: Factors = None,
    law: Annotated[str, typer.Option(help="A law's name, or the best one.")] = "best",
    tower_params: Annotated[float, typer.Option(help="Encoder parameters x_M.")] = 0.43e9,
    features_per_frame: Annotated[float, typer.Option(help="Encoder features x_W.")] = 768.0,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the bag.")] = 100,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Write a site about a sweep: audit, laws, frontier, elasticity, and a summary in words.

    Example: vvlm report runs.csv --out report
    """
    import numpy as np

    from vvlm_utils.advice import sentences as answers
    from vvlm_utils.advice.audit import audit_runs
    from vvlm_utils.runs.sources import list_sources
    from vvlm_utils.runs.table import load_runs
    from vvlm_utils.site import report as reports

    factors = tuple(factor or ())
    answers.check_law(law)
    answers.own_cost(tower_params, features_per_frame)
    reports.check_folder(out)
    reports.check_compiler()
    table = load_runs(runs, task=task, factors=factors)
    answers.check_answerable(audit_runs(table, np.random.default_rng(seed), factors, 0), law)
    parameters = {
        "runs": runs if runs in list_sources() else str(Path(runs).resolve()),
        "task": task,
        "factors": list(factors),
        "law": law,
        "tower_params": tower_params,
        "features_per_frame": features_per_frame,
        "resamples": resamples,
        "seed": seed,
    }
    page = reports.build(parameters, out).resolve()
    if as_json:
        show({"page": str(page), "address": page.as_uri()}, as_json)
    else:
        print(f"The report is at {page.as_uri()}")
