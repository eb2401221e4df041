"""Chapter 12, What would the paper's sweep cost on a cluster?"""

from vvlm_utils.chapters.declaration import Chapter, declare
from vvlm_utils.cost.serving import SHEETS


class Parameters(Chapter):
    gpu: str = declare(
        "a100-80gb-sxm",
        "accelerator, by its name in vvlm_utils/cost/serving.py",
        choices=list(SHEETS),
    )
    utilisation: float = declare(
        0.4, "share of its peak that training reaches", least=0.01, most=1.0
    )
    gpus: int = declare(8, "GPUs that share one run", least=1, most=100_000)
    prompt_tokens: int = declare(64, "text before an answer, tokens", least=1, most=100_000)
    answer_tokens: int = declare(128, "text that is learned, tokens", least=1, most=100_000)
