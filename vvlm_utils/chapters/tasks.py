"""Chapter 9, Do the eight benchmarks agree?"""

from vvlm_utils.chapters.declaration import Chapter, declare
from vvlm_utils.chapters.table import RUNS_EXIST, some_runs


class Parameters(Chapter):
    runs: str = some_runs()
    level: float = declare(0.9, "level of every interval", least=0.5, most=0.999)
    copies: int = declare(
        6, "copies of each task's runs, each with its own reading error", least=1, most=100
    )
    resamples: int = declare(20, "resamples of the bag of every copy", least=4, most=1000)
    small_average: float = declare(
        2.0, "percent; what counts as extrapolating well on average", above=0, most=100.0
    )
    budgets: list[float] = declare(
        [5.0, 15.0, 30.0],
        "budgets at which designs are compared, TFLOPs",
        least=1.0,
        most=1000.0,
        least_items=1,
    )
    train_examples: float = declare(
        1e6, "finetuning examples behind these designs", least=1.0, most=1e12
    )
    seed: int = declare(0, "seed of copies, resamples and starts", least=0, most=2**31)

    rules = (RUNS_EXIST,)
