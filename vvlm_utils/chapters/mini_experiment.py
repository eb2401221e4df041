"""Chapter 10, Does the method work in a world that was trained here?"""

from vvlm_utils.chapters.declaration import Chapter, declare, increasing
from vvlm_utils.chapters.frontier import LAWS
from vvlm_utils.chapters.laws import SEARCHES


class Parameters(Chapter):
    resamples: int = declare(60, "resamples of every bag", least=4, most=2000)
    cv_resamples: int = declare(30, "resamples of the bags of cross-validation", least=2, most=1000)
    splits: int = declare(5, "seeded splits, averaged", least=1, most=50)
    search: str = declare(
        "quick", 'how bags are searched: "quick", "warm" or "cold"', choices=SEARCHES
    )
    frontier_law: str = declare("add-interact", "the law of frontier and elasticity", choices=LAWS)
    low_budget: float = declare(10.0, "smallest budget, MFLOPs per video", least=2.0, most=1000.0)
    high_budget: float = declare(150.0, "largest budget, MFLOPs per video", least=2.0, most=1000.0)
    level: float = declare(0.8, "level of every interval and band", least=0.5, most=0.99)
    seed: int = declare(0, "seed of folds, resamples and starts", least=0, most=2**31)

    rules = (increasing("low_budget", "high_budget"),)
