"""Chapter 3, How is one run finetuned?"""

from vvlm_utils.chapters.declaration import Chapter, declare

DECODERS = ("mini-7k", "mini-15k", "mini-40k", "mini-90k", "mini-215k")
LIVE_CLIPS = 512  # clips of the training split that is made on the spot
BATCH = 8  # clips of one finetuning step


class Parameters(Chapter):
    preset: str = declare(
        "mini",
        "the paper's preset has the same code and needs its weights and GPUs",
        choices=["mini"],
    )
    lm: str = declare("mini-90k", "which decoder of the preset", choices=DECODERS)
    frames: int = declare(8, "frames per video x_T", least=1, most=16)
    tokens_per_frame: int = declare(
        16, "visual tokens per frame x_V, a perfect square", least=1, most=64, square=True
    )
    train_examples: int = declare(
        512, "finetuning clips n, at most 512 when trained here", least=BATCH, most=4096
    )
    seed: int = declare(0, "seed of the finetuning", least=0, most=2**31)
    draw: int = declare(0, "which pretrained decoder of this size", least=0, most=2)
    mode: str = declare(
        "replay", '"replay" the kept run, or "train" it here', choices=["replay", "train"]
    )
