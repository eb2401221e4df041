"""What a sweep costs before it runs: one line a run, and totals.

    make plan SWEEP=paper GPU=h100-sxm UTILISATION=0.3
    python -m vvlm_utils.experiment.mini.price --sweep paper --gpus 16

The paper's sweep is its 87 published runs, on a named accelerator that works at a stated share of
its peak. The mini sweeps were measured: where the kept table holds a run, its seconds on the CPU
stand beside its FLOPs. No torch here.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import pandas as pd

from vvlm_utils.cost.architectures import Decoder
from vvlm_utils.cost.serving import Accelerator, get_accelerator
from vvlm_utils.cost.training import (
    PAPER_GPU_HOURS,
    TEXT,
    Text,
    implied_utilisation,
    plan_costs,
    runs_by_sweep,
)
from vvlm_utils.experiment.mini.design import LMS
from vvlm_utils.experiment.mini.kept import RUN_KEY, kept_rows
from vvlm_utils.experiment.mini.sweeps import SWEEPS, Sweep
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.runs.table import load_runs

MINI_TEXT = Text(prompt_tokens=19, answer_tokens=13)  # eight questions packed behind one clip
GPU, UTILISATION, GPUS = "a100-80gb-sxm", 0.4, 8
PER_HOUR = 3600


def mini_decoder(lm_params: float) -> Decoder:
    """The mini decoder of a parameter count."""
    return MINI.decoders[LMS[int(lm_params)]]


def paper_costs(
    accelerator: Accelerator, utilisation: float, gpus: int = GPUS, text: Text = TEXT
) -> pd.DataFrame:
    """Every published run's cost, with its sweep; columns as in ``plan_costs``."""
    runs = load_runs("paper")
    costs = plan_costs(runs, accelerator, utilisation, gpus, text)
    return costs.assign(sweep=runs["sweep"].to_numpy())


def mini_costs(sweep: Sweep) -> pd.DataFrame:
    """Every run of a mini sweep: FLOPs, and the seconds that its kept row took, if there is one.

    The tower is frozen and its features are cached, so it costs nothing.
    """
    runs = sweep.plan()
    settings = {"text": MINI_TEXT, "tower": MINI.tower, "decoders": mini_decoder}
    cached = {"frozen_tower": True, "projector_width": MINI.projector}
    costs = plan_costs(runs, get_accelerator(GPU), 1.0, gpus=1, **settings, **cached)
    costs = costs.drop(columns=["gpu_hours", "memory_bytes"])
    costs[RUN_KEY] = runs[RUN_KEY].to_numpy()
    kept = kept_rows(sweep).reindex(columns=[*RUN_KEY, "train_seconds"]).drop_duplicates(RUN_KEY)
    joined = costs.merge(kept, on=RUN_KEY, how="left")
    return joined.assign(train_seconds=joined["train_seconds"].astype(float))


def show_paper(costs: pd.DataFrame, gpu: str, utilisation: float, gpus: int) -> None:
    """Print the table of the paper's sweep, and its totals."""
    printed = pd.DataFrame(
        {
            "run": costs["run_id"],
            "tokens": costs["tokens"],
            "TFLOP/example": (costs["example_flops"] / 1e12).round(1),
            "EFLOP": (costs["train_flops"] / 1e18).round(1),
            "GPU-hours": costs["gpu_hours"].round(1),
            f"GB on each of {gpus}": (costs["memory_bytes"] / 1e9).round(1),
        }
    )
    print(printed.to_string(index=False))
    totals = runs_by_sweep(costs, costs)
    totals = totals.assign(
        EFLOP=(totals["train_flops"] / 1e18).round(), hours=totals["gpu_hours"].round()
    )
    print("\n" + totals[["sweep", "lm", "runs", "EFLOP", "hours"]].to_string(index=False))
    hours, flops = costs["gpu_hours"].sum(), costs["train_flops"].sum()
    implied = implied_utilisation(flops, get_accelerator(GPU), PAPER_GPU_HOURS)
    print(f"\n{len(costs)} runs: {hours:,.0f} hours of {gpu} at {utilisation:.0%} of its peak.")
    print(
        f"The paper states about {PAPER_GPU_HOURS:,} A100 hours for all its sweeps; these runs "
        f"alone in that time would be {implied:.1%} of the peak."
    )


def show_mini(costs: pd.DataFrame) -> None:
    """Print the table of a mini sweep, and its totals."""
    printed = costs[["run_id", "draw", "seed", "tokens"]].assign(
        MFLOP=(costs["example_flops"] / 1e6).round(1),
        GFLOP=(costs["train_flops"] / 1e9).round(1),
        seconds=costs["train_seconds"].round(1),
    )
    print(printed.rename(columns={"MFLOP": "MFLOP/example"}).to_string(index=False))
    measured = costs["train_seconds"].notna()
    done, seconds = costs.loc[measured, "train_flops"].sum(), costs["train_seconds"].sum()
    print(f"\n{len(costs)} runs, {costs['train_flops'].sum() / 1e12:,.0f} TFLOP of finetuning.")
    if measured.any():
        rate = done / np.maximum(seconds, 1e-9) / 1e9
        print(
            f"{measured.sum()} stand in the kept table: {seconds / PER_HOUR:.2f} hours of one CPU "
            f"thread, {rate:.1f} GFLOP a second; pretraining and evaluation come on top."
        )


def main() -> None:
    """Print a sweep's plan; a refused option is one line and exit code 2."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sweep", choices=["paper", *SWEEPS], default="paper")
    parser.add_argument("--gpu", default=GPU, help="an accelerator of vvlm_utils/cost/serving.py")
    parser.add_argument("--utilisation", type=float, default=UTILISATION, help="share of its peak")
    parser.add_argument("--gpus", type=int, default=GPUS, help="that share one run")
    parser.add_argument("--prompt-tokens", type=int, default=TEXT.prompt_tokens)
    parser.add_argument("--answer-tokens", type=int, default=TEXT.answer_tokens)
    a = parser.parse_args()
    try:
        if a.sweep != "paper":
            return show_mini(mini_costs(SWEEPS[a.sweep]))
        text = Text(a.prompt_tokens, a.answer_tokens)
        costs = paper_costs(get_accelerator(a.gpu), a.utilisation, a.gpus, text)
        show_paper(costs, a.gpu, a.utilisation, a.gpus)
    except ValueError as refused:
        print(f"plan: {refused}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
