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

    from vvlm_utils.parsing import read_text

    if not path.exists():
        raise ValueError(f"no notebook at {path}")
    try:
        cells = nbformat.reads(read_text(path), as_version=4).cells
        tagged = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
        sources = [str(cell.source) for cell in tagged]
    except Exception as error:  # nbformat names no kinds for what is no notebook
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"{path} is not a readable notebook: {reason}") from None
    if len(tagged) != 1:
        raise ValueError(f"{path} has {len(tagged)} cells tagged 'parameters'; it needs one")
    try:
        nodes = ast.parse(sources[0]).body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"{path}: its cell of parameters is no Python ({error})") from None
    named = [n for n in nodes if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    return {n.target.id: ast.unparse(n.annotation) for n in named}


def _has_type(value: object, kind: str) -> bool:
    """Tell whether a literal is of a type as a cell writes it: int, list[float], dict[str, int].

    A whole number stands for a float. A type that is no such name is not checked.

    >>> _has_type([1, 2.5], "list[float]"), _has_type([1, "a"], "list[float]")
    (True, False)
    """
    outer, _, inner = kind.removesuffix("]").partition("[")
    outer, parts = outer.strip(), [part.strip() for part in inner.split(",") if part.strip()]
    if outer == "float" and type(value) is int:
        return True
    if "|" in kind or outer not in ("bool", "dict", "float", "int", "list", "str"):
        return True
    if type(value).__name__ != outer:
        return False
    if isinstance(value, list) and len(parts) == 1:
        return all(_has_type(item, parts[0]) for item in value)
    if isinstance(value, dict) and len(parts) == 2:
        return all(_has_type(k, parts[0]) and _has_type(v, parts[1]) for k, v in value.items())
    return True


def typed_value(name: str, text: str, kind: str) -> object:
    """``text`` as a value of the parameter's type; a ValueError says what was expected."""
    if kind == "str":
        return text
    shown = text if len(text) <= 60 else f"{text[:60]} ..."
    try:
        value = ast.literal_eval(text)
        value = float(value) if kind == "float" and type(value) is int else value
    except (ValueError, SyntaxError):
        value = text
    except (TypeError, OverflowError, MemoryError, RecursionError):
        raise ValueError(f"{name} must be of type {kind}, got {shown!r}") from None
    if not _has_type(value, kind):
        raise ValueError(f"{name} must be of type {kind}, got {shown!r}")
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
    from vvlm_utils.files import whole

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

    import papermill

    from vvlm_utils.site.build import papermill_paths

    with whole(out, ".ipynb") as part:
        try:
            papermill.execute_notebook(*papermill_paths(notebook, part), parameters=values)
        except papermill.PapermillExecutionError as error:
            raise ValueError(f"{notebook} failed: {error.ename}: {error.evalue}") from None
