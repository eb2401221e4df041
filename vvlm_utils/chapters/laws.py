"""Chapter 6, Which law describes the runs?"""

from vvlm_utils.chapters.declaration import Chapter, declare
from vvlm_utils.chapters.table import RUNS_EXIST, some_runs

SEARCHES = ("quick", "warm", "cold")


class Parameters(Chapter):
    runs: str = some_runs()
    resamples: int = declare(100, "resamples of every bag", least=4, most=2000)
    splits: int = declare(2, "seeded splits, averaged", least=1, most=50)
    cv_resamples: int = declare(
        20, "resamples of the bags of cross-validation and of fitting choices", least=2, most=1000
    )
    search: str = declare(
        "quick", 'how bags are searched: "quick", "warm" or "cold" (the paper\'s)', choices=SEARCHES
    )
    task_copies: int = declare(
        1, "copies of every task's runs, each with its own reading errors", least=1, most=50
    )
    coverage_tables: int = declare(1, "simulated tables scored live", least=1, most=100)
    optimiser_starts: int = declare(
        5, "starts from which the two optimisers are compared", least=1, most=500
    )
    fit_starts: int = declare(100, "random starts of a single fit", least=1, most=5000)
    seed: int = declare(0, "seed of folds, resamples and starts", least=0, most=2**31)
    level: float = declare(0.9, "level of the intervals", least=0.5, most=0.99)

    rules = (RUNS_EXIST,)
