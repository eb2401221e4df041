"""Chapter 1, What does one video answer cost?"""

from vvlm_utils.chapters.declaration import Chapter, Rule, declare
from vvlm_utils.cost.serving import SHEETS


class Parameters(Chapter):
    lm_params: float = declare(7.5e9, "parameters of the language model, x_N", least=1e8, most=1e12)
    frames: int = declare(32, "frames per video, x_T", least=1, most=4096)
    tokens_per_frame: int = declare(196, "visual tokens per frame, x_V", least=1, most=4096)
    train_examples: int = declare(1_000_000, "finetuning examples, n", least=1, most=10**12)
    videos_per_day: float = declare(34e6, "videos a service answers in a day", above=0, most=1e12)
    days: int = declare(30, "days in service", least=1, most=10_000)
    budget_tflops: float = declare(
        5.0, "inference budget, TFLOPs per video", least=1.0, most=1000.0
    )
    prompt_tokens: int = declare(
        50, "tokens of a question, where text is counted", least=0, most=100_000
    )
    answer_tokens: int = declare(20, "tokens of its answer", least=0, most=100_000)
    questions: int = declare(5, "questions about one video", least=1, most=10_000)
    accelerator: str = declare(
        "a100-80gb-sxm", "device whose least seconds are shown", choices=list(SHEETS)
    )

    rules = (
        Rule(
            ("prompt_tokens", "questions"),
            "prompt_tokens of at least 1, since the section on several questions asks two",
            lambda p: p.prompt_tokens > 0,
        ),
    )
