"""Presets of one model: ``mini`` for two CPU cores, ``one-gpu``, and ``paper`` for a cluster.

They differ in configuration only. Settings of the paper are those of its Table 4; ``one-gpu`` has
the paper's tower and precision, and a decoder small enough that one GPU trains it in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vvlm_utils.cost.architectures import DECODERS, PAPER_TOWER, Decoder, Tower
from vvlm_utils.experiment.world.questions import vocabulary
from vvlm_utils.experiment.world.scenes import WORLD


@dataclass(frozen=True)
class Stage:
    """Settings of one training stage; a rate of 0 freezes its part.

    batch : clips a step; warmup : share of the steps; weight_decay, cosine schedule, AdamW
    """

    batch: int
    lm_rate: float
    projector_rate: float
    tower_rate: float
    embedding_rate: float
    warmup: float = 0.03
    weight_decay: float = 0.0
    epochs: int = 1


@dataclass(frozen=True)
class Recipe:
    """How a decoder is pretrained; kept beside its weights."""

    steps: int = 1_000
    scenes: int = 32  # a step
    texts: int = 256  # a step
    composed: int = 4  # facts, and as many sums, asked of a scene
    pool: int = 6_000  # scenes in all, seen again with other frames, tokens and questions
    short: float = 0.35  # share of the steps with at most two frames and nine tokens
    grids: tuple[int, ...] = (2, 3, 4, 5, 6, 8)
    frames: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16)
    most_tokens: int = 160  # frames x tokens of one scene


@dataclass(frozen=True)
class Preset:
    """A tower, decoders by name, and the two stages.

    dtype : of the products; weights under training and their optimizer stay float32
    checkpointing : training keeps the input of every layer alone and computes its inside again
    projector : width of the projector's hidden layer, 0 for the decoder's own
    pretrain_rates : learning rate of each decoder's pretraining, where the preset has one
    """

    name: str
    tower: Tower
    decoders: dict[str, Decoder]
    align: Stage
    finetune: Stage
    antialias: bool
    dtype: str
    attention: str
    checkpointing: bool = False
    projector: int = 0
    pretrain_rates: dict[str, float] = field(default_factory=dict)


def _mini(name: str, hidden: int, layers: int, heads: int) -> Decoder:
    size = len(vocabulary())
    return Decoder(name, hidden, layers, heads, heads, hidden // heads, 3 * hidden, size, True)


MINI = Preset(
    name="mini",
    tower=Tower("mini", 32, 2, 2, 128, WORLD.patch, WORLD.size, pooling_head=False),
    decoders={
        d.name: d
        for d in (
            _mini("mini-2k", 8, 2, 1),
            _mini("mini-7k", 16, 2, 1),
            _mini("mini-15k", 24, 2, 2),
            _mini("mini-40k", 32, 3, 2),
            _mini("mini-90k", 48, 3, 3),
            _mini("mini-215k", 64, 4, 4),
            _mini("mini-480k", 96, 4, 6),
        )
    },
    align=Stage(8, 0.0, 2e-3, 0.0, 0.0, epochs=4),
    finetune=Stage(8, 1e-3, 2e-3, 0.0, 5e-3),
    antialias=True,
    dtype="float32",
    attention="sdpa",
    projector=64,
    pretrain_rates={
        "mini-2k": 1e-2,
        "mini-7k": 8e-3,
        "mini-15k": 7e-3,
        "mini-40k": 5e-3,
        "mini-90k": 4e-3,
        "mini-215k": 3e-3,
        "mini-480k": 2e-3,
    },
)
ONE_GPU = Preset(
    name="one-gpu",
    tower=PAPER_TOWER,
    decoders={
        "smollm2-135m": Decoder("smollm2-135m", 576, 30, 9, 3, 64, 1_536, 49_152, True),
    },
    align=Stage(32, 0.0, 1e-3, 0.0, 0.0),
    finetune=Stage(32, 2e-5, 2e-5, 2e-6, 2e-5),
    antialias=False,
    dtype="bfloat16",
    attention="sdpa",
    checkpointing=True,
)
PAPER = Preset(
    name="paper",
    tower=PAPER_TOWER,
    decoders={n: DECODERS[n] for n in ("llama-3.2-1b", "llama-3.2-3b", "llama-3.1-8b")},
    align=Stage(512, 0.0, 1e-3, 0.0, 0.0),
    finetune=Stage(256, 1e-5, 1e-5, 2e-6, 1e-5),
    antialias=False,
    dtype="bfloat16",
    attention="sdpa",
    checkpointing=True,
)
PRESETS = {preset.name: preset for preset in (MINI, ONE_GPU, PAPER)}
PRECISIONS = ("float32", "bfloat16")


def get_preset(name: str, lm: str) -> tuple[Preset, Decoder]:
    """A preset and one of its decoders, by name.

    Raises ValueError naming the choices.
    """
    if name not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {name!r}")
    preset = PRESETS[name]
    if lm not in preset.decoders:
        raise ValueError(f"lm must be one of {', '.join(preset.decoders)}, got {lm!r}")
    return preset, preset.decoders[lm]
