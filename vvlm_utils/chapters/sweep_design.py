"""Chapter 2, Which designs should be trained?"""

import numpy as np

from vvlm_utils.chapters.declaration import Chapter, Rule, declare
from vvlm_utils.cost.equation import paper_flops

SIZES = (1e9, 2.8e9, 7.5e9)
MOST_FRAMES, MOST_SIDE = 128, 28


def _some_design(parameters: "Parameters") -> bool:
    """Whether any design of the paper's space costs the budget, within the tolerance."""
    squares = np.arange(1, MOST_SIDE + 1) ** 2
    n, t, v = np.meshgrid(SIZES, np.arange(1, MOST_FRAMES + 1), squares, indexing="ij")
    gap = np.abs(paper_flops(n, t, v) / (parameters.budget_tflops * 1e12) - 1)
    return bool((gap <= parameters.tolerance).any())


class Parameters(Chapter):
    tolerance: float = declare(
        0.03, "allowed distance of a design's cost from its budget, relative", least=0.005, most=0.5
    )
    points_per_lm: int = declare(5, "designs to pick on each isoFLOP curve", least=2, most=100)
    budget_tflops: float = declare(
        30.0, "budget that the picking section draws, TFLOPs per video", least=1.0, most=500.0
    )
    train_examples: int = declare(
        2_000_000, "finetuning examples of an isoFLOP run, n", least=1, most=10**12
    )

    rules = (
        Rule(
            ("budget_tflops", "tolerance"),
            "a budget that some design meets: raise the tolerance, or take 2 to 200 TFLOPs",
            _some_design,
        ),
    )
