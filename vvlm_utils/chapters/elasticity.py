"""Chapter 8, How does the best design move with more data?"""

from vvlm_utils.chapters.declaration import Chapter, declare
from vvlm_utils.chapters.table import RUNS_EXIST, some_runs


class Parameters(Chapter):
    runs: str = some_runs()
    resamples: int = declare(100, "resamples of each bag of the paper's law", least=4, most=2000)
    seed: int = declare(0, "seed of resamples and starts", least=0, most=2**31)
    budgets: int = declare(300, "budgets, evenly on 1 to 100 TFLOPs", least=5, most=2000)
    data_sizes: int = declare(100, "data sizes, evenly on 1 to 10 M examples", least=2, most=1000)
    step: float = declare(5e6, "step of the difference, examples", least=1e4, most=1e8)
    level: float = declare(0.8, "level of every interval", least=0.5, most=0.99)
    task_copies: int = declare(
        3, "copies of each task's runs, each with its own reading error", least=1, most=50
    )
    task_members: int = declare(
        60, "members of the mix of each task, over its copies", least=12, most=5000
    )

    rules = (RUNS_EXIST,)
