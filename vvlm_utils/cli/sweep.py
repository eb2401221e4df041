"""Your own sweep: make its table, check it, and report on it."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import app, read_table, show
from vvlm_utils.cli.options import (
    FittingOptions,
    Json,
    Runs,
    Seed,
    SpaceOptions,
    TableOptions,
    WithPriors,
    with_groups,
)

# What the report's notebook takes for an option that is not given.
UNSET = {
    "task": "",
    "factors": [],
    "cost": "",
    "tower_params": 0.0,
    "features_per_frame": 0.0,
    "lm_params": [],
    "max_frames": 0,
    "max_tokens": 0,
    "law": "",
    "method": "",
    "resamples": 0,
    "resampling": "",
    "prior": [],
}


@app.command()
@with_groups
def check(
    runs: Runs,
    *,
    table: TableOptions,
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

    prepared = read_table(runs, table)
    audit = audit_table(prepared, np.random.default_rng(seed), resamples)
    if as_json:
        show(audit.to_dict() | {"notes": list(prepared.notes)}, as_json)
        return
    print("\n".join(f"- {sentence}" for sentence in (*audit.sentences, *prepared.notes)))
    if audit.parameters:
        columns = ["law", "parameter", "value", "low", "high", "at_bound", "verdict"]
        print()
        show(pd.DataFrame(audit.parameters)[columns].to_dict("records"), as_json)


@app.command(cls=WithPriors)
@with_groups
def report(
    runs: Runs,
    *,
    out: Annotated[Path, typer.Option(help="The folder of the site.")],
    table: TableOptions,
    tflops: Annotated[
        list[float] | None,
        typer.Option("--tflops", help="Budgets to answer at; without it round ones. Repeatable."),
    ] = None,
    train_examples: Annotated[
        float | None, typer.Option(help="Finetuning examples n; without it the most of the runs.")
    ] = None,
    space: SpaceOptions,
    fitting: FittingOptions,
    as_json: Json = False,
) -> None:
    """Write a site about a sweep: audit, laws, frontier, elasticity, and a summary in words.

    The answers are those of `vvlm frontier` and `vvlm elasticity` with the same options.

    Example: vvlm report runs.csv --out report
    """
    import numpy as np

    from vvlm_utils.advice.answer import check_question, choose_law
    from vvlm_utils.advice.audit import audit_table
    from vvlm_utils.advice.sentences.report import check_answerable
    from vvlm_utils.runs.sources import list_sources
    from vvlm_utils.site import report as reports

    reports.check_folder(out)
    reports.check_compiler()
    prepared = read_table(runs, table, space)
    audit = audit_table(prepared, np.random.default_rng(fitting.seed), 0)
    check_answerable(audit, fitting.law)
    choose_law(
        prepared, fitting.law, fitting.method, fitting.resampling, fitting.given.get("prior")
    )
    check_question(prepared, [1e12 * budget for budget in tflops or ()], train_examples)
    options = asdict(table) | asdict(space) | asdict(fitting)
    options["factors"] = options.pop("factor")
    parameters = {name: options[name] or empty for name, empty in UNSET.items()}
    parameters |= {
        "runs": runs if runs in list_sources() else str(Path(runs).resolve()),
        "tflops": tflops or [],
        "train_examples": train_examples or 0.0,
        "seed": fitting.seed,
    }
    with redirect_stdout(sys.stderr if as_json else sys.stdout):  # its progress is no JSON
        page = reports.build(parameters, out).resolve()
    if as_json:
        show({"page": str(page), "address": page.as_uri(), "answers": reports.answers(out)}, True)
    else:
        print(f"The report is at {page.as_uri()}")
