"""The paper's finetuning data: what a local copy holds, and a mixture drawn from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import app, check_out, show
from vvlm_utils.cli.options import Json, Seed

data = typer.Typer(no_args_is_help=True, help="Check and sample the paper's finetuning data.")
app.add_typer(data, name="data")
Root = Annotated[Path, typer.Argument(help="The folder that holds the subsets.")]
Only = Annotated[list[str] | None, typer.Option("--subset", help="By name; repeatable [all].")]


def choose(names: list[str] | None) -> list:
    """The subsets of Table 3, or those that are named."""
    from vvlm_utils.experiment.data.mixture import load_subsets

    known = {subset.name: subset for subset in load_subsets()}
    for name in names or []:
        if name not in known:
            raise ValueError(f"unknown subset {name!r}; choose among {', '.join(known)}")
    return [known[name] for name in names or known]


@data.command()
def check(
    root: Root,
    subset: Only = None,
    open_clips: Annotated[
        bool, typer.Option("--open", help="Decode a frame of each clip; slower.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Report what a local copy holds of each subset, and where the rest comes from.

    Each clip is looked at by its size and first bytes; --open decodes one frame of it as well.
    Exit code 2 unless all is there. Nothing is downloaded.

    Example: vvlm data check videos --subset Next-QA
    """
    from vvlm_utils.experiment.data.mixture import MixtureError, check_root

    copies = check_root(root, choose(subset), open_clips, progress=not as_json)
    show([copy.row() | ({"advice": copy.advice()} if as_json else {}) for copy in copies], as_json)
    lacking = [copy for copy in copies if copy.state != "whole"]
    if lacking and not as_json:
        print(*(f"  {copy.advice()}" for copy in lacking), sep="\n")
    if lacking:
        missing = sum(max(0, copy.subset.examples - copy.questions) for copy in lacking)
        raise MixtureError(
            f"{root}: {len(lacking)} of {len(copies)} subsets are not whole, {missing:,} examples "
            "are missing; the report says where each comes from"
        )


@data.command()
def sample(
    root: Root,
    examples: Annotated[int, typer.Option(min=1, help="How many records n.")],
    out: Annotated[str, typer.Option(help="The index's name, written into ROOT.")] = "mixture.json",
    subset: Only = None,
    seed: Seed = 0,
) -> None:
    """Draw n records in proportion to the subsets; of one seed, fewer are the first of more.

    Example: vvlm data sample videos --examples 250000
    """
    from vvlm_utils.experiment.data.mixture import sample_mixture, write_mixture
    from vvlm_utils.files import STDOUT

    if Path(out).name != out:
        raise ValueError(f"--out must be a name in {root}, whose videos it names; got {out!r}")
    subsets = choose(subset)
    if out != STDOUT:
        check_out(root / out, root)
        if any(root / out in each.files(root) for each in choose(None)):
            raise ValueError(f"--out {out} is an index of a subset; name another file")
    path = write_mixture(sample_mixture(root, examples, seed, subsets), root, out)
    if out != STDOUT:
        print(path)
