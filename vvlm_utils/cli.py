"""The command line: the book's questions, answered for the paper's runs or for yours.

Every command prints a table, or JSON with ``--json``. Bad input ends in one line on standard error
and exit code 2, and nothing is half written.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import tempfile
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[str, typer.Argument(help="'paper', or the path of a CSV of runs.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same answer.")]
FitFile = Annotated[str, typer.Argument(help="A JSON file that `vvlm fit` wrote.")]
COLUMNS = (
    "budget_flops lm_params frames tokens_per_frame cost_flops error error_low error_high "
    "probability frames_low frames_high tokens_low tokens_high within_epsilon extrapolates"
).split()


class Resampling(StrEnum):
    rows = "rows"
    stratified = "stratified"
    dirichlet = "dirichlet"
    wild = "wild"


class CostName(StrEnum):
    paper = "paper"
    lm_only = "lm_only"
    exact = "exact"


def _show(answer, as_json: bool) -> None:
    """Print records or a nested mapping."""
    import pandas as pd

    if as_json:
        print(json.dumps(answer, indent=1))
    elif isinstance(answer, list):
        print(pd.DataFrame(answer).to_string(index=False, float_format="{:.4g}".format))
    else:
        for name, value in pd.json_normalize(answer).iloc[0].items():
            print(f"{name:40} {value:.6g}")


@app.command()
def cost(
    frames: Annotated[float, typer.Option(help="Frames per video x_T.")],
    tokens_per_frame: Annotated[float, typer.Option(help="Visual tokens per frame x_V.")],
    lm_params: Annotated[
        float | None, typer.Option(help="Decoder parameters x_N, e.g. 7.5e9.")
    ] = None,
    cost: Annotated[CostName, typer.Option(help="Which cost.")] = CostName.paper,
    lm: Annotated[str | None, typer.Option(help="exact: a decoder by name.")] = None,
    prompt_tokens: Annotated[int, typer.Option(min=0, help="exact: tokens of the prompt.")] = 0,
    answer_tokens: Annotated[int, typer.Option(min=0, help="exact: tokens of the answer.")] = 0,
    causal: Annotated[
        bool, typer.Option("--causal", help="exact: only the pairs a causal mask keeps.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Price one video in FLOPs, two per multiply-add: Eq. 1, the LM alone, or every part.

    Example: vvlm cost --lm-params 7.5e9 --frames 32 --tokens-per-frame 196

    Example: vvlm cost --cost exact --lm llama-3.1-8b --frames 32 --tokens-per-frame 196
    """
    from vvlm_utils.architectures import exact_cost, get_decoder
    from vvlm_utils.cost import inference_cost

    if (lm_params is None) == (lm is None):
        raise ValueError("give --lm-params or, with --cost exact, --lm: one of the two")
    text = {"prompt_tokens": prompt_tokens, "answer_tokens": answer_tokens, "causal": causal}
    if cost is CostName.exact:
        decoder = get_decoder(lm or lm_params)
        price = exact_cost(decoder, frames, tokens_per_frame, **text)
        parts = asdict(price)
    else:
        if lm or any(text.values()):
            raise ValueError(f"--cost {cost.value} counts no text and names no decoder; drop "
                             "--lm, --prompt-tokens, --answer-tokens and --causal, or take "
                             "--cost exact")  # fmt: skip
        price, parts = inference_cost(lm_params, frames, tokens_per_frame), {}
        if cost is CostName.lm_only:
            price = replace(price, vision_flops=0.0)
    names = ("total_flops", "vision_flops", "lm_flops")
    answer = {name: float(getattr(price, name)) for name in names}
    _show(answer | {f"{name}_flops": float(part) for name, part in parts.items()}, as_json)


@app.command()
def compare(
    runs: Runs,
    splits: Annotated[int, typer.Option(min=1, help="Seeded splits to average.")] = 1,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of every bag.")] = 100,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare the four laws by cross-validation and from star to isoFLOP (Table 2).

    Example: vvlm compare paper --splits 5
    """
    import numpy as np

    from vvlm_utils.runs import load_runs
    from vvlm_utils.validation import METRICS, compare_laws, score, summarise

    held = compare_laws(
        load_runs(runs), np.random.default_rng(seed), splits=splits, resamples=resamples,
        progress=True,
    )  # fmt: skip
    answer: dict = {}
    for (law, test), row in summarise(score(held)).iterrows():
        answer.setdefault(law, {})[test] = {m: float(row[f"{m}_mean"]) for m in METRICS}
    _show({"laws": answer}, as_json)


@app.command()
def fit(
    runs: Runs,
    out: Annotated[Path, typer.Option(help="Where to write the fit (JSON).")],
    law: Annotated[str, typer.Option(help="Name of the law.")] = "add-interact",
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the bag.")] = 100,
    resampling: Annotated[Resampling, typer.Option(help="How to resample.")] = Resampling.rows,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit a law to resampled runs and write the bag, for `frontier` and `elasticity`.

    Example: vvlm fit paper --law add-interact --out fit.json
    """
    import numpy as np

    from vvlm_utils.bagging import bag, save_bag
    from vvlm_utils.laws import get_law
    from vvlm_utils.runs import load_runs

    chosen = get_law(law)
    if not out.parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.parent}; make it first")
    bagged = bag(
        chosen, load_runs(runs), rng=np.random.default_rng(seed), resamples=resamples,
        resampling=resampling.value,
    )  # fmt: skip
    save_bag(bagged, out)
    walls = {name: share for name, share in bagged.walls.items() if share}
    _show({"members": len(bagged.members), "failed": bagged.failed, "at_wall": walls}, as_json)


@app.command()
def frontier(
    fit_json: FitFile,
    tflops: Annotated[list[float], typer.Option(help="Budget per video; repeatable.")],
    train_examples: Annotated[float, typer.Option(help="Finetuning examples n, e.g. 2e6.")],
    lm_params: Annotated[
        list[float] | None, typer.Option(help="Allowed LM sizes; repeatable.")
    ] = None,
    cost: Annotated[CostName, typer.Option(help="Which cost.")] = CostName.paper,
    epsilon: Annotated[float, typer.Option(help="Points that count as equal.")] = 0.1,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.8,
    as_json: Json = False,
) -> None:
    """The best design at each budget, with its uncertainty.

    Example: vvlm frontier fit.json --tflops 2 --tflops 30 --train-examples 2e6
    """
    from vvlm_utils.architectures import ALL_COSTS
    from vvlm_utils.bagging import load_bag
    from vvlm_utils.frontier import Space, solve_frontier

    bagged = load_bag(fit_json)
    space = Space(lm_params=tuple(lm_params)) if lm_params else Space()
    budgets = [1e12 * budget for budget in tflops]
    table = solve_frontier(
        bagged, budgets, train_examples, space, ALL_COSTS[cost.value], level, epsilon
    )
    _show(json.loads(table[COLUMNS].to_json(orient="records", double_precision=15)), as_json)


@app.command()
def elasticity(fit_json: FitFile, as_json: Json = False) -> None:
    """How x_N, x_T and x_V of the best design move with data (Eq. 9 to 11), with 80% intervals.

    Example: vvlm elasticity fit.json
    """
    from vvlm_utils.bagging import load_bag
    from vvlm_utils.elasticity import elasticity as solve

    table = solve(load_bag(fit_json))
    _show({name: row.to_dict() for name, row in table.iterrows()}, as_json)


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

    known = notebook_parameters(notebook)
    out = out or Path(f"{notebook.stem}.run.ipynb")
    values = {}
    for pair in parameter or []:
        name, _, text = pair.partition("=")
        if name not in known:
            there = ", ".join(f"{n}: {kind}" for n, kind in known.items())
            raise ValueError(f"unknown parameter {name!r}; {notebook.name} takes {there}")
        values[name] = typed_value(name, text, known[name])
    if not out.parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.parent}; make it first")
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        part = Path(folder) / "part.ipynb"
        try:
            papermill.execute_notebook(str(notebook), str(part), parameters=values)
        except papermill.PapermillExecutionError as error:
            raise ValueError(f"{notebook} failed: {error.ename}: {error.evalue}") from None
        os.replace(part, out)


def _join_pairs(arguments: list[str]) -> list[str]:
    """Let ``-p NAME VALUE``, papermill's spelling, stand for ``-p NAME=VALUE``."""
    joined, rest = [], iter(arguments)
    for argument in rest:
        if argument == "-p":
            name = next(rest, "")
            argument = f"-p{name}" if "=" in name else f"-p{name}={next(rest, '')}"
        joined.append(argument)
    return joined


def main() -> None:
    """Run the command line; a refused input is one line and exit code 2."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"]:
        arguments = _join_pairs(arguments)
    try:
        app(arguments, prog_name="vvlm")
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os._exit(0)
        print(f"vvlm: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
