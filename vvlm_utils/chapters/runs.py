"""Chapter 5, What do the runs say before any law?"""

from vvlm_utils.chapters.declaration import Chapter, declare, increasing
from vvlm_utils.chapters.table import RUNS_EXIST, some_runs

BUDGETS = (2.0, 5.0, 15.0, 30.0)  # TFLOPs of the paper's isoFLOP curves


class Parameters(Chapter):
    runs: str = some_runs()
    level: float = declare(0.95, "level of every interval in this chapter", least=0.5, most=0.999)
    draws: int = declare(
        20_000, "draws from the sampling distribution of a fit", least=500, most=1_000_000
    )
    seed: int = declare(0, "seed of those draws", least=0, most=2**31)
    low_budget: float = declare(
        15.0, "budget before the doubling of claim C3, TFLOPs per video", choices=BUDGETS[1:-1]
    )
    high_budget: float = declare(30.0, "budget after it, TFLOPs per video", choices=BUDGETS[2:])

    rules = (
        RUNS_EXIST,
        increasing("low_budget", "high_budget"),
    )
