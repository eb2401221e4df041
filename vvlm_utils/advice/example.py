"""The example that runs through the book: one budget and one number of examples."""

from __future__ import annotations

BUDGET_TFLOPS = 10.0  # per video
BUDGET_FLOPS = BUDGET_TFLOPS * 1e12
EXAMPLES = 500_000  # finetuning examples that its reader has
MORE_EXAMPLES = 4 * EXAMPLES  # and with more data: the most that any run of the paper has


def say_question() -> str:
    """The example in words.

    >>> say_question()
    '10 TFLOPs per video and 500,000 examples'
    """
    return f"{BUDGET_TFLOPS:g} TFLOPs per video and {EXAMPLES:,} examples"
