"""Run a chapter with other parameters."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import app, check_out


def notebook_parameters(path: Path) -> dict[str, str]:
    """Names and type names of the tagged parameters cell; nothing is executed."""
    import nbformat

    try:
        cells = nbformat.read(path, as_version=4).cells
    except FileNotFoundError:
        raise ValueError(f"no notebook at {path}") from None
    except Exception as error:
        raise ValueError(f"{path} is not a readable notebook: {error}".splitlines()[0]) from None
    tagged = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{path} has {len(tagged)} cells tagged 'parameters'; it needs one")
    nodes = ast.parse(tagged[0].source).body
    return {n.target.id: ast.unparse(n.annotation) for n in nodes if isinstance(n, ast.AnnAssign)}


def typed_value(name: str, text: str, kind: str) -> object:
    """``text`` as a value of the parameter's type; a ValueError says what was expected."""
    if kind == "str":
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if kind == "float" and type(value) is int:
        value = float(value)
    if type(value).__name__ != kind.split("[")[0]:
        raise ValueError(f"{name} must be of type {kind}, got {text!r}")
    return value


@app.command()
def run(
    notebook: Annotated[Path, typer.Argument(help="A chapter, e.g. notebooks/06_laws.ipynb.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The executed copy [NAME.run.ipynb].")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME VALUE", help="Repeatable.")
    ] = None,
) -> None:
    """Run a chapter with other parameters, by papermill.

    Example: vvlm run notebooks/01_inference_cost.ipynb -p frames 16 -o mine.ipynb
    """
    import papermill

    from vvlm_utils.files import whole
    from vvlm_utils.site.build import papermill_paths

    known = notebook_parameters(notebook)
    out = out or Path(f"{notebook.stem}.run.ipynb")
    values = {}
    for pair in parameter or []:
        name, _, text = pair.partition("=")
        if name not in known:
            there = ", ".join(f"{n}: {kind}" for n, kind in known.items())
            raise ValueError(f"unknown parameter {name!r}; {notebook.name} takes {there}")
        values[name] = typed_value(name, text, known[name])
    check_out(out, notebook)
    with whole(out, ".ipynb") as part:
        try:
            papermill.execute_notebook(*papermill_paths(notebook, part), parameters=values)
        except papermill.PapermillExecutionError as error:
            raise ValueError(f"{notebook} failed: {error.ename}: {error.evalue}") from None
