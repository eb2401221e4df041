"""Chapter 11, Which runs should be done next?"""

from vvlm_utils.chapters.declaration import Chapter, declare, increasing
from vvlm_utils.chapters.table import RUNS_EXIST, some_runs


class Parameters(Chapter):
    runs: str = some_runs()
    train_flops: float = declare(4e20, "training budget of the plan, FLOPs", above=0, most=1e26)
    low_budget: float = declare(
        5.0, "smallest inference budget asked, TFLOPs per video", above=0, most=1e4
    )
    high_budget: float = declare(
        100.0, "largest inference budget asked, TFLOPs per video", above=0, most=1e4
    )
    train_examples: float = declare(
        2e6, "finetuning examples of the deployed model, n", least=1.0, most=1e12
    )
    resamples: int = declare(40, "members of the bag that plans", least=10, most=1000)
    live_trials: int = declare(1, "simulated trials that are run again here", least=1, most=40)
    seed: int = declare(0, "seed of resamples and starts", least=0, most=2**31)

    rules = (
        RUNS_EXIST,
        increasing("low_budget", "high_budget"),
    )
