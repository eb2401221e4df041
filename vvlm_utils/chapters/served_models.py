"""Chapter 13, What does a served model cost?"""

from vvlm_utils.chapters.declaration import Chapter, declare
from vvlm_utils.cost.catalogue import load_catalogue
from vvlm_utils.cost.serving import SHEETS


class Parameters(Chapter):
    model_name: str = declare(
        "qwen3-vl-8b", "the model that the examples serve", choices=list(load_catalogue())
    )
    duration: float = declare(10.0, "length of a clip, seconds", least=0.5, most=36_000.0)
    width: int = declare(1280, "of the clip, pixels", least=28, most=8192)
    height: int = declare(720, "of the clip, pixels", least=28, most=8192)
    frames: int = declare(32, "frames read, x_T, where models are compared", least=1, most=768)
    accelerator: str = declare(
        "l4", "device, by its name in vvlm_utils/cost/serving.py", choices=list(SHEETS)
    )
    price_per_hour: float = declare(0.8, "of the device, dollars", above=0, most=10_000.0)
