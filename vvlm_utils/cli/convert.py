"""From lmms-eval's results to a table of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import app, check_out, note, show
from vvlm_utils.cli.options import Json


@app.command()
def convert(
    folder: Annotated[Path, typer.Argument(help="What lmms-eval's --output_path named.")],
    out: Annotated[Path, typer.Option(help="Where to write the table of runs (CSV).")],
    suite: Annotated[
        str | None,
        typer.Option(help="The benchmarks to read: 'paper', 'mini', or a YAML file of your own."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=KEY", help="A task of no suite and the metric that counts; repeatable."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read lmms-eval's results into a table of runs, one row per model and benchmark.

    Tasks of no suite are named with their values on standard error; TASK=KEY/TOP states the
    largest value of a metric.

    Example: vvlm convert results --metric mlvu_dev=mlvu_perception_score --out runs.csv
    """
    from vvlm_utils.files import whole
    from vvlm_utils.runs.from_lmms import read_results
    from vvlm_utils.runs.suites import DESIGN

    if not folder.is_dir():
        raise ValueError(f"no folder at {folder}; name what --output_path named")
    check_out(out, folder)
    if out.is_file() and out.suffix != ".csv" and out.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"--out {out} is among the results that are read; name another file")
    table = read_results(folder, suite, metric or (), say=note).drop(columns="error")
    with whole(out) as part:
        table.to_csv(part, index=False)
    counts = {"rows": len(table), "models": int(table.groupby(list(DESIGN)).ngroups)}
    show(counts, as_json, out)
