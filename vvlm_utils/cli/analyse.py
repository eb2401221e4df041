"""Price, compare, fit, and read off the frontier and its elasticity."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from vvlm_utils.cli.common import (
    LAW,
    RESAMPLES,
    At,
    Budgets,
    Cost,
    CostName,
    Examples,
    Factors,
    FitOrRuns,
    Json,
    LmSizes,
    Resampling,
    Runs,
    Seed,
    app,
    check_out,
    check_sizes,
    choose_space,
    fit_runs,
    load_fit,
    note,
    note_sizes,
    show,
)

COLUMNS = (
    "budget_flops lm_params frames tokens_per_frame cost_flops error error_low error_high "
    "probability frames_low frames_high tokens_low tokens_high within_epsilon extrapolates"
).split()
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
    cost: Cost = CostName.paper,
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
    devices: Annotated[int, typer.Option(min=1, max=MANY, help="So many that share the work.")] = 1,
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
    if cost is CostName.exact:
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
        if cost is CostName.lm_only:
            price = replace(price, vision_flops=0.0)
    answer = {name: getattr(price, name) for name in ("total_flops", "vision_flops", "lm_flops")}
    show({name: float(value) for name, value in (answer | parts).items()}, as_json)


@app.command()
def compare(
    runs: Runs,
    splits: Annotated[int, typer.Option(min=1, help="Seeded splits to average.")] = 1,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of every bag.")] = 100,
    factor: Factors = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare the four laws by cross-validation and from star to isoFLOP (Table 2).

    Example: vvlm compare paper --splits 5
    """
    import numpy as np

    from vvlm_utils.cost.equation import FACTORS
    from vvlm_utils.laws.forms import FORMS, get_law
    from vvlm_utils.laws.validation import METRICS, compare_laws, score, summarise
    from vvlm_utils.runs.table import load_runs

    factors = factor or []
    held = compare_laws(
        load_runs(runs, factors=factors), np.random.default_rng(seed),
        [get_law(name, (*FACTORS, *factors)) for name in FORMS],
        splits=splits, resamples=resamples, progress=True,
    )  # fmt: skip
    answer: dict = {}
    for (law, test), row in summarise(score(held)).iterrows():
        answer.setdefault(law, {})[test] = {m: float(row[f"{m}_mean"]) for m in METRICS}
    show({"laws": answer}, as_json)


@app.command()
def fit(
    runs: Runs,
    out: Annotated[Path, typer.Option(help="Where to write the fit (JSON); - to print it.")],
    law: Annotated[str, typer.Option(help="Name of the law.")] = LAW,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the bag.")] = RESAMPLES,
    resampling: Annotated[Resampling, typer.Option(help="How to resample.")] = Resampling.rows,
    factor: Factors = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit a law to resampled runs and write the bag, for `frontier` and `elasticity`.

    Example: vvlm fit paper --law add-interact --out fit.json
    """
    from vvlm_utils.cost.equation import FACTORS
    from vvlm_utils.laws.bag_io import save_bag
    from vvlm_utils.laws.forms import get_law
    from vvlm_utils.runs.table import load_runs

    factors = factor or []
    get_law(law, (*FACTORS, *factors))
    check_out(out, runs)
    table = load_runs(runs, factors=factors)
    bagged = fit_runs(table, law, resamples, resampling.value, factors, seed)
    save_bag(bagged, out)
    at_bounds = {name: share for name, share in bagged.at_bounds.items() if share}
    counts = {"members": len(bagged.members), "failed": bagged.failed, "at_bound": at_bounds}
    show(counts, as_json, out)


@app.command()
def frontier(
    source: FitOrRuns,
    tflops: Budgets,
    train_examples: Examples,
    lm_params: LmSizes = None,
    cost: Cost = CostName.paper,
    at: At = None,
    epsilon: Annotated[float, typer.Option(help="Points that count as equal.")] = 0.1,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.8,
    as_json: Json = False,
) -> None:
    """The best design at each budget, with its uncertainty.

    Runs are fitted first, as `vvlm fit` does; a fit that it wrote answers at once.

    Example: vvlm frontier paper --tflops 10 --train-examples 5e5

    Example: vvlm frontier runs.csv --at tower_params=4e8 --tflops 10 --train-examples 5e5

    Example: vvlm frontier fit.json --tflops 2 --tflops 30 --train-examples 2e6
    """
    from vvlm_utils.cost.architectures import ALL_COSTS
    from vvlm_utils.frontier.solver import solve_frontier

    bagged, _ = load_fit(source, at)
    space = choose_space(bagged, lm_params)
    budgets = [1e12 * budget for budget in tflops]
    table = solve_frontier(
        bagged, budgets, train_examples, space, ALL_COSTS[cost.value], level, epsilon
    )
    note_sizes(space, lm_params)
    show(json.loads(table[COLUMNS].to_json(orient="records", double_precision=15)), as_json)


@app.command()
def elasticity(
    source: FitOrRuns, lm_params: LmSizes = None, at: At = None, as_json: Json = False
) -> None:
    """How x_N, x_T and x_V of the best design move with data (Eq. 9 to 11), with 80% intervals.

    Runs are fitted first, as `vvlm fit` does. Budgets, data sizes, step and, without --lm-params,
    LM sizes are the paper's: x_N can only move where larger sizes are on the list.

    Example: vvlm elasticity paper
    """
    from vvlm_utils.frontier.elasticities import DATA_SIZES, STEP
    from vvlm_utils.frontier.elasticities import elasticity as solve
    from vvlm_utils.frontier.space import PAPER_SPACE

    bagged, _ = load_fit(source, at)
    most = bagged.ranges["train_examples"][1]
    if most < DATA_SIZES[0]:
        raise ValueError(f"the paper's data sizes start at {DATA_SIZES[0]:g} examples, the runs "
                         f"end at {most:.4g}; `vvlm report` stays within the runs")  # fmt: skip
    space = choose_space(bagged, lm_params) if lm_params else PAPER_SPACE
    table = solve(bagged, space)
    asked = f"{DATA_SIZES[-1] + STEP:g} examples and {space.lm_params[-1]:g} LM parameters"
    note(f"asked up to {asked}; the runs end at {most:.4g} and "
         f"{bagged.ranges['lm_params'][1]:.4g}")  # fmt: skip
    show({name: row.to_dict() for name, row in table.iterrows()}, as_json)
