"""Run a chapter with other parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import app, check_out

HELP_OPTION = "Show this, or with NOTEBOOK what it takes: names, ranges, units, defaults."


@app.command(add_help_option=False)
def run(
    context: typer.Context,
    notebook: Annotated[
        Path | None, typer.Argument(help="A chapter, e.g. notebooks/06_laws.ipynb.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The executed copy [NAME.run.ipynb].")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME VALUE", help="Repeatable.")
    ] = None,
    show_help: Annotated[bool, typer.Option("--help", is_eager=True, help=HELP_OPTION)] = False,
) -> None:
    """Run a chapter with other parameters, by papermill; what it does not take is refused first.

    Example: vvlm run notebooks/01_inference_cost.ipynb -p frames 16 -o mine.ipynb
    """
    from vvlm_utils.chapters.notebook import find_parameters

    if notebook is None:
        print(context.get_help())
        raise typer.Exit(0 if show_help else 2)
    declared = find_parameters(notebook)
    if show_help:
        print(f"{notebook.name} takes, with -p NAME VALUE:\n{declared.explain()}")
        return
    out = out or Path(f"{notebook.stem}.run.ipynb")
    values = {name: text for name, _, text in (pair.partition("=") for pair in parameter or [])}
    settled = declared.settle(values)
    check_out(out, notebook)
    if "runs" in values:  # a table that cannot be used is refused before a kernel starts
        from vvlm_utils.runs.prepared import prepare

        prepare(settled.runs)

    from vvlm_utils.site.build import run_notebook

    run_notebook(notebook, out, values)
