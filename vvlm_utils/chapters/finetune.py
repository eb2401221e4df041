"""Chapter 3, How is one run finetuned?"""

from vvlm_utils.chapters.declaration import Chapter, Rule, declare
from vvlm_utils.chapters.replayed import KEPT, RUN, nearest, say_run

DECODERS = {
    "mini": tuple(f"mini-{size}" for size in ("2k", "7k", "15k", "40k", "90k", "215k", "480k")),
    "one-gpu": ("smollm2-135m",),
    "paper": ("llama-3.2-1b", "llama-3.2-3b", "llama-3.1-8b"),
}
"""The decoders of every preset."""
DRAWN = (16, 64, 4096)  # most frames, tokens per frame and clips of the world drawn here

TRAINED = 1024  # most clips that are drawn to train on the spot
BATCH = 8  # clips of a finetuning step of the mini preset
WEIGHTS = ("mini-2k", "mini-7k", "mini-15k", "mini-40k", "mini-90k", "mini-215k")
"""The decoders whose weights come with the package."""


def _run_of(p) -> dict:
    return {name: getattr(p, name) for name in RUN}


def _kept(p) -> bool:
    """Whether a run that is replayed is a kept one."""
    return p.mode != "replay" or _run_of(p) in KEPT


def _ways_out(p) -> str:
    """What to ask for instead of a run that is not kept."""
    near = f"; the nearest has {say_run(nearest(_run_of(p)))}"
    return near + ("; or mode train, which makes this run" if _makes(p) else "")


def _makes(p) -> bool:
    """Whether mode train would make the run from what comes with the package."""
    small = p.train_examples <= TRAINED and p.train_examples % BATCH == 0
    return small and p.draw == 0 and p.lm in WEIGHTS


def _trainable(p) -> bool:
    """Whether a run can be trained, from the kept weights or from folders of the reader's."""
    return p.mode != "train" or bool(p.data) or _makes(p)


def _drawn(p) -> bool:
    """Whether the clips drawn here hold what is asked; those of a folder are another matter."""
    asked = (p.frames, p.tokens_per_frame, p.train_examples)
    return bool(p.data) or all(x <= most for x, most in zip(asked, DRAWN, strict=True))


class Parameters(Chapter):
    preset: str = declare(
        "mini", "all but mini need weights and data of yours", choices=list(DECODERS)
    )
    lm: str = declare(
        "mini-40k", "which decoder of the preset", choices=sum(DECODERS.values(), start=())
    )
    frames: int = declare(8, "frames per video x_T", least=1, most=128)
    tokens_per_frame: int = declare(
        25, "visual tokens per frame x_V, a perfect square", least=1, most=729, square=True
    )
    train_examples: int = declare(
        1024, "finetuning clips n, at most 1,024 when trained here", least=1, most=10**7
    )
    seed: int = declare(0, "seed of the finetuning", least=0, most=2**31)
    draw: int = declare(0, "which pretrained decoder of this size", least=0, most=6)
    device: str = declare("cpu", "what it runs on", choices=["cpu", "cuda"])
    precision: str = declare(
        "", "of the products, the preset's own if empty", choices=["", "float32", "bfloat16"]
    )
    weights: str = declare("", "folder of a pretrained tower and decoder; the kept ones if empty")
    data: str = declare("", "folder with index.json, test.json and their videos; drawn if empty")
    mode: str = declare(
        "replay", '"replay" a kept run, or "train" one here', choices=["replay", "train"]
    )

    rules = (
        Rule(
            ("data", "weights", "preset"),
            "data and weights, two folders, with every preset but mini, and both or none with it",
            lambda p: bool(p.data) == bool(p.weights) and (bool(p.data) or p.preset == "mini"),
        ),
        Rule(
            ("lm", "preset"),
            "; ".join(f"of preset {name} {', '.join(lms)}" for name, lms in DECODERS.items()),
            lambda p: p.lm in DECODERS[p.preset],
        ),
        Rule(
            ("frames", "tokens_per_frame", "train_examples"),
            "at most {} frames of {} tokens and {} clips where no data is given".format(*DRAWN),
            _drawn,
        ),
        Rule(RUN, "with mode replay a run that is kept", _kept, _ways_out),
        Rule(
            ("train_examples", "draw", "lm", "mode"),
            f"with mode train and no data at most {TRAINED} clips, in steps of {BATCH}, and draw 0 "
            f"of {', '.join(WEIGHTS)}",
            _trainable,
        ),
        Rule(
            ("device", "precision", "preset"),
            "device cpu and no precision but float32 where no data is given",
            lambda p: bool(p.data) or (p.device == "cpu" and p.precision in ("", "float32")),
        ),
        Rule(
            ("data", "mode"),
            "data and weights only with mode train",
            lambda p: not p.data or p.mode == "train",
        ),
    )
