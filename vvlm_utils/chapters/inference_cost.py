"""Chapter 1, What does one video answer cost?"""

from vvlm_utils.chapters.declaration import Chapter, declare


class Parameters(Chapter):
    lm_params: float = declare(7.5e9, "parameters of the language model, x_N", least=1e8, most=1e12)
    frames: int = declare(32, "frames per video, x_T", least=1, most=4096)
    tokens_per_frame: int = declare(196, "visual tokens per frame, x_V", least=1, most=4096)
    train_examples: int = declare(500_000, "finetuning examples, n", least=1, most=10**12)
    videos_per_day: float = declare(34e6, "videos a service answers in a day", above=0, most=1e12)
    days: int = declare(30, "days in service", least=1, most=10_000)
    budget_tflops: float = declare(
        10.0, "inference budget, TFLOPs per video", least=1.0, most=1000.0
    )
