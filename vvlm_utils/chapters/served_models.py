"""Chapter 13, What does a served model cost?"""

from vvlm_utils.chapters.declaration import Chapter, Rule, declare
from vvlm_utils.cost.catalogue import get_model, load_catalogue
from vvlm_utils.cost.clips import Clip, Flags
from vvlm_utils.cost.served import Server, price_clip
from vvlm_utils.cost.serving import SHEETS, get_accelerator

MOST_SERVED = 32  # frames, the most that the section on one server asks for


def _fits(parameters: "Parameters") -> bool:
    """Whether the model and one clip fit the memory of one accelerator."""
    clip = Clip(parameters.duration, parameters.width, parameters.height)
    server = Server(get_accelerator(parameters.accelerator))
    try:
        price_clip(get_model(parameters.model_name), clip, Flags(frames=MOST_SERVED), server)
    except ValueError:
        return False
    return True


class Parameters(Chapter):
    model_name: str = declare(
        "qwen3-vl-8b", "the model that the examples serve", choices=list(load_catalogue())
    )
    duration: float = declare(10.0, "length of a clip, seconds", least=2.0, most=7200.0)
    width: int = declare(1280, "of the clip, pixels", least=64, most=4096)
    height: int = declare(720, "of the clip, pixels", least=64, most=4096)
    frames: int = declare(32, "frames read, x_T, where models are compared", least=2, most=768)
    accelerator: str = declare(
        "l4", "device, by its name in vvlm_utils/cost/serving.py", choices=list(SHEETS)
    )
    price_per_hour: float = declare(0.8, "of the device, dollars", above=0, most=10_000.0)

    rules = (
        Rule(
            ("frames", "duration"),
            "no more frames than the clip has: at most 30 a second",
            lambda p: p.frames <= Clip(p.duration, p.width, p.height).total_frames,
        ),
        Rule(
            ("model_name", "accelerator"),
            f"a model that fits one accelerator with {MOST_SERVED} frames: a smaller model, or a "
            "device with more memory",
            _fits,
        ),
    )
