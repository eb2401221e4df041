"""Price, compare, fit, and read off the frontier and its elasticity."""

from __future__ import annotations

from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import (
    app,
    check_out,
    check_sizes,
    held_levels,
    note,
    read_model,
    read_table,
    show,
)
from vvlm_utils.cli.options import (
    At,
    Band,
    BandKind,
    Budgets,
    Epsilon,
    Examples,
    Factors,
    FitOrRuns,
    FittingOptions,
    Json,
    Level,
    Runs,
    Seed,
    SpaceOptions,
    TableOptions,
    Task,
    WithPriors,
    with_groups,
)

COLUMNS = (
    "budget_flops lm_params frames tokens_per_frame cost_flops error error_low error_high "
    "probability frames_low frames_high tokens_low tokens_high within_epsilon extrapolates "
    "outside votes"
).split()


class CountName(StrEnum):
    paper = "paper"
    lm_only = "lm_only"
    exact = "exact"


MANY = 10**9  # of tokens, questions, videos or devices: more is a slip


def _serve(decoder, frames, tokens_per_frame, device, price_per_hour, settings) -> dict:
    """Bytes, least seconds and, given a price, dollars on so many of a named accelerator."""
    from vvlm_utils.cost import serving as accelerators

    name, devices = device
    hardware = accelerators.get_accelerator(name, devices)
    serving = accelerators.serve(decoder, frames, tokens_per_frame, hardware, **settings)
    per_video = serving.seconds / settings["batch"]
    answer = asdict(serving) | {"seconds": serving.seconds, "seconds_per_video": per_video}
    if price_per_hour is not None:
        dollars = accelerators.dollars_per_million_videos(per_video, price_per_hour, devices)
        answer["dollars_per_million_videos"] = dollars
    return answer


@app.command()
def cost(
    frames: Annotated[float, typer.Option(help="Frames per video x_T.")],
    tokens_per_frame: Annotated[float, typer.Option(help="Visual tokens per frame x_V.")],
    lm_params: Annotated[
        float | None, typer.Option(help="Decoder parameters x_N, e.g. 7.5e9.")
    ] = None,
    cost: Annotated[CountName, typer.Option("--cost", help="Which cost.")] = CountName.paper,
    lm: Annotated[str | None, typer.Option(help="exact: a decoder by name.")] = None,
    prompt_tokens: Annotated[
        int, typer.Option(min=0, max=MANY, help="exact: tokens of the prompt.")
    ] = 0,
    answer_tokens: Annotated[
        int, typer.Option(min=0, max=MANY, help="exact: tokens of the answer.")
    ] = 0,
    questions: Annotated[
        int, typer.Option(min=1, max=MANY, help="exact: questions per video.")
    ] = 1,
    causal: Annotated[
        bool, typer.Option("--causal", help="exact: only the pairs a causal mask keeps.")
    ] = False,
    accelerator: Annotated[
        str | None, typer.Option(help="exact: also bytes and least seconds on this device.")
    ] = None,
    devices: Annotated[
        int, typer.Option(min=1, max=MANY, help="Number of devices that share the work.")
    ] = 1,
    batch: Annotated[int, typer.Option(min=1, max=MANY, help="Videos answered side by side.")] = 1,
    utilisation: Annotated[float, typer.Option(help="Share of both peaks reached.")] = 1.0,
    price_per_hour: Annotated[
        float | None, typer.Option(help="Dollars for one device and hour.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Price one video in FLOPs, two per multiply-add: Eq. 1, the LM alone, or every part.

    Example: vvlm cost --lm-params 7.5e9 --frames 32 --tokens-per-frame 196

    Example: vvlm cost --cost exact --lm llama-3.1-8b --frames 32 --tokens-per-frame 196

    Example: vvlm cost --cost exact --lm llama-3.1-8b --frames 32 --tokens-per-frame 196
    --prompt-tokens 50 --answer-tokens 20 --questions 5 --accelerator l4
    """
    from vvlm_utils.cost.architectures import exact_cost, get_decoder
    from vvlm_utils.cost.equation import inference_cost

    if (lm_params is None) == (lm is None):
        raise ValueError("give --lm-params or, with --cost exact, --lm: one of the two")
    check_sizes([] if lm_params is None else [lm_params])
    for name, count in {"frames": frames, "tokens_per_frame": tokens_per_frame}.items():
        if count % 1:
            raise ValueError(f"{name} must be a whole number, got {count:g}")
    text = {"prompt_tokens": prompt_tokens, "answer_tokens": answer_tokens, "causal": causal}
    text["questions"] = questions
    how = {"batch": batch, "utilisation": utilisation}
    if accelerator is None and ({devices, *how.values()} != {1} or price_per_hour is not None):
        raise ValueError("--devices, --batch, --utilisation and --price-per-hour need "
                         "--accelerator")  # fmt: skip
    parts = {}
    if cost is CountName.exact:
        decoder = get_decoder(lm or lm_params)
        price = exact_cost(decoder, frames, tokens_per_frame, **text)
        parts = {f"{name}_flops": part for name, part in asdict(price).items()}
        if accelerator:
            device, settings = (accelerator, devices), text | how
            parts |= _serve(decoder, frames, tokens_per_frame, device, price_per_hour, settings)
    elif lm or accelerator or prompt_tokens or answer_tokens or causal or questions > 1:
        raise ValueError(f"--cost {cost.value} counts no text and names no decoder; drop "
                         "--lm, --prompt-tokens, --answer-tokens, --questions, --causal and "
                         "--accelerator, or take --cost exact")  # fmt: skip
    else:
        price = inference_cost(lm_params, frames, tokens_per_frame)
        if cost is CountName.lm_only:
            price = replace(price, vision_flops=0.0)
    answer = {name: getattr(price, name) for name in ("total_flops", "vision_flops", "lm_flops")}
    show({name: float(value) for name, value in (answer | parts).items()}, as_json)


@app.command()
def compare(
    runs: Runs,
    splits: Annotated[int, typer.Option(min=1, help="Seeded splits to average.")] = 1,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of every bag.")] = 100,
    task: Task = None,
    factor: Factors = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare the laws by cross-validation and from star to isoFLOP (Table 2).

    Example: vvlm compare paper --splits 5
    """
    import numpy as np

    from vvlm_utils.laws.forms import laws_over
    from vvlm_utils.laws.validation import METRICS, compare_laws, score, summarise

    prepared = read_table(runs, TableOptions(task=task, factor=factor))
    held = compare_laws(
        prepared.runs, np.random.default_rng(seed),
        laws_over(prepared.factors, prepared.data).values(),
        splits=splits, resamples=resamples, progress=True,
    )  # fmt: skip
    answer: dict = {}
    for (law, test), row in summarise(score(held)).iterrows():
        answer.setdefault(law, {})[test] = {m: float(row[f"{m}_mean"]) for m in METRICS}
    note(*prepared.notes)
    show({"laws": answer}, as_json)


@app.command(cls=WithPriors)
@with_groups
def fit(
    runs: Runs,
    *,
    out: Annotated[Path, typer.Option(help="Where to write the fit (JSON); - to print it.")],
    table: TableOptions,
    fitting: FittingOptions,
    as_json: Json = False,
) -> None:
    """Fit a law to resampled runs and write the bag, for `frontier` and `elasticity`.

    Example: vvlm fit paper --law add-interact --out fit.json
    """
    from vvlm_utils.advice.answer import fit_model
    from vvlm_utils.advice.fit_file import save_fit
    from vvlm_utils.frontier.space import parts_of

    check_out(out, runs)
    prepared = read_table(runs, table)
    model = fit_model(prepared, progress=True, **fitting.given, seed=fitting.seed)
    save_fit(model, prepared, out)
    note(*prepared.notes)
    parts = parts_of(model)
    at_bounds = {
        f"{part.law.name} {name}": share
        for part in parts
        for name, share in part.at_bounds.items()
        if share
    }
    counts = {"members": sum(len(part.members) for part in parts)}
    counts |= {"failed": sum(part.failed for part in parts), "at_bound": at_bounds}
    show(counts, as_json, out)


@app.command(cls=WithPriors)
@with_groups
def frontier(
    source: FitOrRuns,
    *,
    tflops: Budgets,
    train_examples: Examples,
    space: SpaceOptions,
    table: TableOptions,
    at: At = None,
    fitting: FittingOptions,
    epsilon: Epsilon = None,
    level: Level = 0.8,
    band: BandKind = Band.law,
    as_json: Json = False,
) -> None:
    """The best design at each budget, with its uncertainty.

    Runs are fitted first, as `vvlm fit` does; a fit that it wrote answers at once.

    Example: vvlm frontier paper --tflops 10 --train-examples 5e5

    Example: vvlm frontier runs.csv --at tower_params=4e8 --tflops 10 --train-examples 5e5

    Example: vvlm frontier fit.json --tflops 2 --tflops 30 --train-examples 2e6
    """
    from vvlm_utils.advice.answer import ask, default_epsilon, records, say_examples

    levels = held_levels(at)
    model, prepared = read_model(source, table, space, fitting, levels)
    solution = ask(model, prepared, [1e12 * b for b in tflops], train_examples, levels)
    epsilon = default_epsilon(model, prepared) if epsilon is None else epsilon
    rows = records(solution, level, epsilon, band.value, prepared.most_error)
    note(*prepared.notes, *say_examples(prepared, train_examples))
    show([{name: row[name] for name in COLUMNS} for row in rows], as_json)


@app.command(cls=WithPriors)
@with_groups
def elasticity(
    source: FitOrRuns,
    *,
    space: SpaceOptions,
    table: TableOptions,
    at: At = None,
    fitting: FittingOptions,
    level: Level = 0.8,
    as_json: Json = False,
) -> None:
    """How x_N, x_T and x_V of the best design move with data (Eq. 9 to 11), with 80% intervals.

    Runs are fitted first, as `vvlm fit` does. For the paper's runs the budgets, data sizes, step
    and, without --lm-params, LM sizes are the paper's: x_N can only move where larger sizes are on
    the list. For other runs all of these lie within the runs.

    Example: vvlm elasticity paper
    """
    from vvlm_utils.advice.answer import move_with_data

    levels = held_levels(at)
    model, prepared = read_model(source, table, space, fitting, levels)
    moves, said = move_with_data(model, prepared, levels, level, as_paper=not space.lm_params)
    note(*prepared.notes, said)
    show({name: row.to_dict() for name, row in moves.iterrows()}, as_json)
