"""Chapter 7, Which design is best at each budget?"""

from vvlm_utils.chapters.declaration import Chapter, Rule, declare, increasing
from vvlm_utils.chapters.table import RUNS_EXIST, some_runs

ENCODER_TFLOPS = 2 * 0.43e9 * 768 / 1e12  # of one frame, Equation 1
LAWS = ("mult", "add", "add-interact-s", "add-interact", "add-decay", "pnorm-decay")


def _buys_a_design(parameters: "Parameters") -> bool:
    """Whether the lowest budget buys the cheapest design; other runs have costs of their own."""
    cheapest = ENCODER_TFLOPS + 2 * min(parameters.lm_params) / 1e12
    return parameters.runs != "paper" or parameters.low_budget >= cheapest


class Parameters(Chapter):
    runs: str = some_runs()
    law: str = declare("add-interact", "the law of the bag", choices=LAWS)
    resamples: int = declare(100, "resamples of the bag", least=4, most=2000)
    seed: int = declare(0, "seed of resamples and starts", least=0, most=2**31)
    lm_params: list[float] = declare(
        [3e9, 7e9, 14e9, 32e9, 72e9],
        "LM sizes to choose from, parameters",
        least=1e3,
        most=1e13,
        least_items=1,
    )
    data_sizes: list[float] = declare(
        [1e6, 4e6, 10e6],
        "finetuning examples; the first decides claim C9",
        least=1.0,
        most=1e12,
        least_items=1,
    )
    low_budget: float = declare(2.0, "smallest budget, TFLOPs per video", above=0, most=1e4)
    high_budget: float = declare(100.0, "largest budget, TFLOPs per video", above=0, most=1e4)
    epsilon: float = declare(
        0.1, "error that counts as no difference, points", least=0.0, most=20.0
    )
    level: float = declare(0.8, "level of every interval and band", least=0.5, most=0.99)

    rules = (
        RUNS_EXIST,
        increasing("low_budget", "high_budget"),
        Rule(
            ("low_budget", "lm_params"),
            "a low_budget that buys one frame of one token with the smallest LM, at least "
            f"{ENCODER_TFLOPS:.2f} TFLOPs for the encoder",
            _buys_a_design,
        ),
    )
