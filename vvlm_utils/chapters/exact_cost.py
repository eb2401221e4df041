"""Chapter 14, How exact is Equation 1?"""

from vvlm_utils.chapters.declaration import Chapter, Rule, declare
from vvlm_utils.cost.serving import SHEETS


class Parameters(Chapter):
    lm_params: float = declare(7.5e9, "parameters of the language model, x_N", least=1e8, most=1e12)
    frames: int = declare(32, "frames per video, x_T", least=1, most=4096)
    tokens_per_frame: int = declare(196, "visual tokens per frame, x_V", least=1, most=4096)
    prompt_tokens: int = declare(
        50, "tokens of a question, where text is counted", least=0, most=100_000
    )
    answer_tokens: int = declare(20, "tokens of its answer", least=0, most=100_000)
    questions: int = declare(5, "questions about one video", least=1, most=10_000)
    accelerator: str = declare(
        "a100-80gb-sxm", "device whose least seconds are shown", choices=list(SHEETS)
    )
    budget_tflops: float = declare(
        10.0, "inference budget that is priced, TFLOPs per video", least=0.001, most=1e6
    )
    utilisation: float = declare(
        0.4, "share of its peak that the device reaches, for that price", least=0.01, most=1.0
    )

    rules = (
        Rule(
            ("prompt_tokens", "questions"),
            "prompt_tokens of at least 1, since the section on several questions asks two",
            lambda p: p.prompt_tokens > 0,
        ),
    )
