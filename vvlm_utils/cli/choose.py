"""Which size of a served family, with which flags, for a budget in dollars, seconds or TFLOPs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from vvlm_utils.cli.common import app, note
from vvlm_utils.cli.options import Json
from vvlm_utils.cli.serve import MANY

COLUMNS = ("budget", "model", "frames", "tokens_per_frame", "tflops", "seconds", "videos_per_hour",
           "dollars_per_million", "probability", "outside")  # fmt: skip


@app.command()
def choose(
    family: Annotated[str, typer.Option(help="A family of `vvlm serve list`: qwen3-vl.")],
    train_examples: Annotated[float, typer.Option(help="Finetuning examples n: 5e5.")],
    model: Annotated[
        list[str] | None, typer.Option(help="Only this model of the family; repeatable.")
    ] = None,
    dollars_per_million: Annotated[
        list[float] | None, typer.Option(help="Dollars for a million videos; repeatable.")
    ] = None,
    seconds: Annotated[
        list[float] | None, typer.Option(help="Seconds for one video; repeatable.")
    ] = None,
    tflops: Annotated[
        list[float] | None, typer.Option(help="TFLOPs for one video; repeatable.")
    ] = None,
    duration: Annotated[float, typer.Option(help="Seconds of the clip.")] = 10.0,
    resolution: Annotated[str, typer.Option(help="Pixels of the clip.")] = "1280x720",
    prompt_tokens: Annotated[int, typer.Option(min=0, max=MANY, help="Of the question.")] = 50,
    answer_tokens: Annotated[int, typer.Option(min=0, max=MANY, help="Of the answer.")] = 100,
    accelerator: Annotated[str, typer.Option(help="A device by name.")] = "h100-sxm",
    devices: Annotated[int, typer.Option(min=1, max=MANY, help="Number that share a model.")] = 1,
    price: Annotated[float | None, typer.Option(help="Dollars for one device and hour.")] = None,
    utilisation: Annotated[float, typer.Option(help="Share of both peaks reached.")] = 1.0,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores that decode video.")] = 8,
    as_json: Json = False,
) -> None:
    """The best size, frames and tokens of a served family at each budget, with its flags.

    Every size is priced exactly, with the tokens that its flags reach. Accuracies are those of the
    recommended law of the paper's runs: good for a relative choice, not for a score.

    Example: vvlm choose --family qwen3-vl --dollars-per-million 500 --train-examples 5e5
    --accelerator l4 --price 0.8
    """
    from vvlm_utils.cost.clips import Clip, read_resolution
    from vvlm_utils.cost.served import Server
    from vvlm_utils.cost.serving import get_accelerator
    from vvlm_utils.frontier.families import (
        RELATIVE,
        check_budget,
        family_designs,
        family_models,
    )
    from vvlm_utils.frontier.space import check_examples

    unit, budgets = one_unit(
        {"dollars_per_million": dollars_per_million, "seconds": seconds, "tflops": tflops}
    )
    if unit == "dollars_per_million" and price is None:
        raise ValueError("--dollars-per-million needs --price, dollars for one device and hour")
    check_examples(train_examples)
    clip = Clip(duration, *read_resolution(resolution))
    hardware = get_accelerator(accelerator, devices)
    server = Server(hardware, devices, price, utilisation, cores)
    models = family_models(family, model or ())
    designs = family_designs(models, clip, server, prompt_tokens, answer_tokens)
    for budget in budgets:
        check_budget(designs, unit, budget)
    rows = best_designs(designs, clip, devices, unit, budgets, train_examples)
    note(RELATIVE)
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    show_rows(rows, unit)


def one_unit(given: dict[str, list[float] | None]) -> tuple[str, list[float]]:
    """The one unit that budgets are given in, and the budgets in order."""
    named = {unit: budgets for unit, budgets in given.items() if budgets}
    if len(named) != 1:
        options = ", ".join(f"--{unit.replace('_', '-')}" for unit in given)
        raise ValueError(f"give budgets by one of {options}")
    ((unit, budgets),) = named.items()
    return unit, sorted(budgets)


def best_designs(
    designs, clip, devices: int, unit: str, budgets: list[float], train_examples: float
) -> list[dict]:
    """The frontier's rows as records, with the model, its prices and the lines to paste."""
    import numpy as np

    from vvlm_utils.advice.answer import fit_model
    from vvlm_utils.cost.catalogue import get_model
    from vvlm_utils.cost.flags import transformers_lines, vllm_line
    from vvlm_utils.frontier.families import RELATIVE, as_factors
    from vvlm_utils.frontier.solver import Question, solve
    from vvlm_utils.frontier.space import Candidates
    from vvlm_utils.runs.prepared import prepare

    law = fit_model(prepare("paper"))
    space = Candidates(as_factors(designs), designs[unit].to_numpy())
    table = solve(law, Question(tuple(budgets), train_examples, space)).table()
    rows = []
    for row in table.to_dict("records"):
        same = [designs[name] == row[name] for name in ("lm_params", "frames", "tokens_per_frame")]
        chosen = designs[np.logical_and.reduce(same)].sort_values(unit).iloc[0]
        model = get_model(chosen["model"])
        record = chosen.drop(["flags", "notes", "context"]).to_dict() | {
            "budget": row["budget_flops"]
        }
        record |= {"unit": unit, "probability": row["probability"], "outside": row["outside"]}
        if not np.isfinite(record["dollars_per_million"]):
            record["dollars_per_million"] = None
        record["vllm"] = vllm_line(model, chosen["flags"], devices, chosen["context"], clip)
        record["transformers"] = transformers_lines(model, chosen["flags"], clip)
        record["notes"] = [*chosen["notes"], RELATIVE]
        rows.append(record)
    return rows


def show_rows(rows: list[dict], unit: str) -> None:
    """Print a table, and the lines of each chosen design."""
    import pandas as pd

    table = pd.DataFrame(rows)[list(COLUMNS)].rename(columns={"budget": unit + " allowed"})
    print(table.to_string(index=False, float_format="{:.4g}".format))
    for row in rows:
        print(f"\n{row['budget']:g}: {row['vllm']}")
        for text in row["notes"][:-1]:
            print(f"note: {text}")
