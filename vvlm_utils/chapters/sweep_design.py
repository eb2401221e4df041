"""Chapter 2, Which designs should be trained?"""

from vvlm_utils.chapters.declaration import Chapter, declare


class Parameters(Chapter):
    tolerance: float = declare(
        0.03, "allowed distance of a design's cost from its budget, relative", least=0.001, most=0.5
    )
    points_per_lm: int = declare(5, "designs to pick on each isoFLOP curve", least=2, most=100)
    budget_tflops: float = declare(
        30.0, "budget that the picking section draws, TFLOPs per video", least=1.0, most=200.0
    )
    train_examples: int = declare(
        2_000_000, "finetuning examples of an isoFLOP run, n", least=1, most=10**12
    )
