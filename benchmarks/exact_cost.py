"""What the exact cost costs: a frontier by Eq. 1 and by closed forms, and a count by torch.

    python -m benchmarks.exact_cost [--budgets 300] [--resamples 100] [--repeats 5]

The frontier is that of the paper's space at 1 M examples, solved for all budgets, in turns under
either cost; the median of the repeats counts. Below it stands what pricing the space design by
design with torch's counter would take, from a few counts of one design on the meta device.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from vvlm_utils.cost.architectures import DECODERS, exact_flops
from vvlm_utils.cost.equation import paper_flops
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.space import PAPER_SPACE
from vvlm_utils.runs.table import load_runs


def seconds(call: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def frontier_seconds(budgets: int, resamples: int, repeats: int) -> dict[str, float]:
    """Median seconds of the frontier under each cost, in turns after one warm-up of each."""
    rng = np.random.default_rng(0)
    bagged = bag(LAWS["add-interact"], load_runs("paper"), rng=rng, resamples=resamples)
    flops = np.geomspace(2, 100, budgets) * 1e12
    costs = {"Eq. 1": paper_flops, "exact": exact_flops}
    taken: dict[str, list[float]] = {name: [] for name in costs}
    for turn in range(repeats + 1):
        for name, cost in costs.items():
            once = seconds(lambda cost=cost: solve(bagged, Question(flops, 1e6, cost=cost)).table())
            if turn:
                taken[name].append(once)
    return {name: median(times) for name, times in taken.items()}


def counter_seconds(repeats: int) -> float | None:
    """Median seconds of one count by torch, the 7.5B decoder at 6,272 tokens; None without it."""
    try:
        from vvlm_utils.experiment.model import counting
    except ImportError:
        return None
    model = counting.meta_decoder(DECODERS["llama-3.1-8b"])
    return median(seconds(lambda: counting.count_prefill(model, 6272)) for _ in range(repeats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budgets", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    taken = frontier_seconds(options.budgets, options.resamples, options.repeats)
    size = len(PAPER_SPACE.designs)
    print(f"{options.budgets} budgets, {size:,} designs, {options.resamples} members")
    for name, one in taken.items():
        print(f"  frontier, {name:5}  {one:8.3f} s  {one / taken['Eq. 1']:10.2f} x")
    count = counter_seconds(options.repeats)
    if count is None:
        print("  torch is not installed: its counter is left out")
    else:
        whole = count * size
        print(f"  counter, every design {whole:.0f} s  {whole / taken['exact']:.0f} x the exact "
              f"frontier (from {count:.2f} s a design)")  # fmt: skip


if __name__ == "__main__":
    main()
