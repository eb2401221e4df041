"""Shapes of real towers and decoders, and what running them costs, part by part, exactly.

Eq. 1 of ``wang2025`` prices a video by two products, parameters times tokens. This module counts
every matrix product instead: the tower and its attention, the projector, the decoder's linear
layers, its attention over all tokens, the row of logits, the prompt, the decoding of an answer
with a key-value cache, and further questions about the same video. FLOP means two per
multiply-add. Norms, softmax, activations and the resize of the feature grid are left out, as
torch's own counter leaves them out.

No torch here: shapes are those of the published configurations, and tests hold every closed form
to torch's counter on the same configurations without weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike

from vvlm_utils.cost.decoders import Decoder
from vvlm_utils.cost.equation import COSTS, CostFunction, Number, _positive

NEAREST = 0.08  # a nominal LM size may differ by this fraction from the decoder that prices it
CHANNELS = 3


@dataclass(frozen=True, slots=True)
class Tower:
    """A SigLIP vision tower, applied to every frame alone.

    pooling_head : the attention pooling of the image-text model; the features of a video model
        are taken before it, but its parameters belong to the published count
    """

    name: str
    hidden: int
    layers: int
    heads: int
    intermediate: int
    patch: int
    image: int
    pooling_head: bool = True

    @property
    def features(self) -> int:
        """Patch features a frame."""
        return (self.image // self.patch) ** 2

    @property
    def head_params(self) -> int:
        """Parameters of the pooling head: probe, attention, norm and MLP."""
        attention = 4 * self.hidden**2 + 4 * self.hidden
        mlp = 2 * self.hidden * self.intermediate + self.intermediate + self.hidden
        return self.hidden + attention + 2 * self.hidden + mlp

    @property
    def params(self) -> int:
        """All parameters, the pooling head included where there is one."""
        embedding = CHANNELS * self.patch**2 * self.hidden + self.hidden
        positions = self.features * self.hidden
        attention = 4 * self.hidden**2 + 4 * self.hidden
        mlp = 2 * self.hidden * self.intermediate + self.intermediate + self.hidden
        layer = attention + mlp + 4 * self.hidden
        head = self.head_params if self.pooling_head else 0
        return embedding + positions + self.layers * layer + 2 * self.hidden + head

    @property
    def flops_per_frame(self) -> float:
        """FLOPs to turn one frame into its features, without the pooling head."""
        patches = self.features
        embedding = 2 * patches * CHANNELS * self.patch**2 * self.hidden
        linear = 2 * patches * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)
        attention = 4 * patches**2 * self.hidden
        return float(embedding + self.layers * (linear + attention))

    @property
    def head_flops_per_frame(self) -> float:
        """FLOPs of the pooling head for one frame: one probe attends to every feature."""
        keys_and_values = 2 * self.features * 2 * self.hidden**2
        probe = 2 * 2 * self.hidden**2 + 4 * self.features * self.hidden
        return float(keys_and_values + probe + 4 * self.hidden * self.intermediate)


def _llama(name, hidden, layers, heads, head_dim, intermediate, tied):
    return Decoder(name, hidden, layers, heads, 8, head_dim, intermediate, 128_256, tied)


def _qwen(name, hidden, layers, heads, kv_heads, intermediate, vocabulary, tied):
    head_dim = hidden // heads
    return Decoder(
        name, hidden, layers, heads, kv_heads, head_dim, intermediate, vocabulary, tied, biases=True
    )


DECODERS: dict[str, Decoder] = {
    decoder.name: decoder
    for decoder in (
        _llama("llama-3.2-1b", 2048, 16, 32, 64, 8192, True),
        _llama("llama-3.2-3b", 3072, 28, 24, 128, 8192, True),
        _llama("llama-3.1-8b", 4096, 32, 32, 128, 14336, False),
        _qwen("qwen2.5-0.5b", 896, 24, 14, 2, 4864, 151_936, True),
        _qwen("qwen2.5-1.5b", 1536, 28, 12, 2, 8960, 151_936, True),
        _qwen("qwen2.5-3b", 2048, 36, 16, 2, 11008, 151_936, True),
        _qwen("qwen2.5-7b", 3584, 28, 28, 4, 18944, 152_064, False),
        _qwen("qwen2.5-14b", 5120, 48, 40, 8, 13824, 152_064, False),
        _qwen("qwen2.5-32b", 5120, 64, 40, 8, 27648, 152_064, False),
        _qwen("qwen2.5-72b", 8192, 80, 64, 8, 29568, 152_064, False),
    )
}
TOWERS: dict[str, Tower] = {
    tower.name: tower
    for tower in (
        Tower("siglip-so400m-14-384", 1152, 27, 16, 4304, 14, 384),
        Tower("siglip-large-16-384", 1024, 24, 16, 4096, 16, 384),
        Tower("siglip-base-16-384", 768, 12, 12, 3072, 16, 384),
    )
}
PAPER_TOWER = TOWERS["siglip-so400m-14-384"]


def projector_weights(tower: Tower, decoder: Decoder, width: int = 0) -> int:
    """Weights of the two-layer projector; ``width`` of its hidden layer, 0 for the decoder's."""
    return (tower.hidden + decoder.hidden) * (width or decoder.hidden)


def _nearest(size: float) -> tuple[float, str]:
    """Relative distance of the nearest decoder, and its name."""
    return min((abs(d.params / size - 1), name) for name, d in DECODERS.items())


def has_decoder(lm_params: float) -> bool:
    """Whether ``get_decoder`` finds one for this size.

    >>> has_decoder(7e9), has_decoder(19e9)
    (True, False)
    """
    return _nearest(lm_params)[0] <= NEAREST


def get_decoder(lm: str | float, within: float = NEAREST) -> Decoder:
    """A catalogued decoder by its name, or the one nearest to a parameter count.

    within : the largest relative distance of that count; infinity takes the nearest anyhow
    Raises ValueError with the catalogue when there is none.

    >>> get_decoder(7.5e9).name
    'llama-3.1-8b'
    """
    choices = ", ".join(f"{name} ({d.params / 1e9:.3g}B)" for name, d in DECODERS.items())
    if isinstance(lm, str):
        if lm not in DECODERS:
            raise ValueError(f"lm {lm!r} is not catalogued; name one of {choices}")
        return DECODERS[lm]
    (size,) = _positive(lm_params=lm)
    gap, name = _nearest(float(size))
    if gap > within:
        close = f"no decoder within {within:.0%} of lm_params {lm:g}"
        raise ValueError(f"{close}; take a size near one of {choices}")
    return DECODERS[name]


@dataclass(frozen=True)
class ExactCost:
    """FLOPs of answering the questions about one video, part by part; numbers or arrays."""

    tower: Number
    projector: Number
    linear: Number
    attention: Number
    logits: Number
    decoding: Number

    @property
    def vision_flops(self) -> Number:
        """Tower and projector."""
        return self.tower + self.projector

    @property
    def lm_flops(self) -> Number:
        """All of the decoder."""
        return self.linear + self.attention + self.logits + self.decoding

    @property
    def total_flops(self) -> Number:
        """Everything."""
        return self.vision_flops + self.lm_flops


class Text(TypedDict, total=False):
    """The text of a question, as ``exact_cost`` takes it."""

    prompt_tokens: int
    answer_tokens: int
    causal: bool


def _check_text(prompt_tokens: int, answer_tokens: int, questions: int) -> None:
    """Refuse counts of text that no question has."""
    for name, value in {"prompt_tokens": prompt_tokens, "answer_tokens": answer_tokens}.items():
        if value < 0:
            raise ValueError(f"{name} must not be negative, got {value}")
    if questions < 1:
        raise ValueError(f"questions must be at least 1, got {questions}")
    if questions > 1 and prompt_tokens == 0:
        raise ValueError(f"{questions} questions differ in their words: give prompt_tokens above 0")


def exact_cost(
    decoder: Decoder,
    frames: ArrayLike,
    tokens_per_frame: ArrayLike,
    tower: Tower = PAPER_TOWER,
    prompt_tokens: int = 0,
    answer_tokens: int = 0,
    causal: bool = False,
    projector_width: int = 0,
    questions: int = 1,
) -> ExactCost:
    """Count one video and its questions: arrays of frames and tokens per frame broadcast.

    prompt_tokens, answer_tokens : text of each question, behind the visual tokens, and of its
        answer; 0 each compares with Eq. 1, and one row of logits is counted all the same
    projector_width : of the projector's hidden layer; 0 for the decoder's own
    questions : the first is read with the video, each further one behind the video's cached keys
        and values; none sees another
    Raises ValueError for a negative count, and for several questions without a prompt.
    """
    t, v = np.broadcast_arrays(*_positive(frames=frames, tokens_per_frame=tokens_per_frame))
    weights = projector_weights(tower, decoder, projector_width)
    vision = (t * tower.flops_per_frame, 2 * t * tower.features * weights)
    text = {"prompt_tokens": prompt_tokens, "answer_tokens": answer_tokens, "causal": causal}
    return answer_cost(decoder, t * v, *vision, **text, questions=questions)


def answer_cost(
    decoder: Decoder,
    visual_tokens: ArrayLike,
    tower_flops: ArrayLike,
    projector_flops: ArrayLike,
    prompt_tokens: int = 0,
    answer_tokens: int = 0,
    causal: bool = False,
    questions: int = 1,
) -> ExactCost:
    """Count a video whose encoding is priced already; arguments as in ``exact_cost``."""
    _check_text(prompt_tokens, answer_tokens, questions)
    visual = np.asarray(visual_tokens, dtype=float)
    tokens = visual + prompt_tokens
    linear, attention = decoder.prefill_flops(tokens, causal)
    again = decoder.prefill_flops(prompt_tokens, causal, cached=visual)
    further = max(answer_tokens - 1, 0)  # the prefill's row of logits gives the first token
    return ExactCost(
        tower=tower_flops,
        projector=projector_flops,
        linear=linear + (questions - 1) * again[0],
        attention=attention + (questions - 1) * again[1],
        logits=np.full_like(visual, questions * decoder.logits_flops),
        decoding=questions * decoder.decode_flops(tokens, further),
    )


def exact_flops(
    lm_params: ArrayLike, frames: ArrayLike, tokens_per_frame: ArrayLike, **settings
) -> Number:
    """Total exact cost as a cost function of the frontier; ``settings`` as in ``exact_cost``.

    Every distinct LM size is priced by the catalogued decoder nearest to it, within 8%.
    """
    arrays = _positive(lm_params=lm_params, frames=frames, tokens_per_frame=tokens_per_frame)
    n, t, v = np.broadcast_arrays(*arrays)
    total = np.empty(n.shape)
    for size in np.unique(n):
        here = n == size
        cost = exact_cost(get_decoder(float(size)), t[here], v[here], **settings)
        total[here] = cost.total_flops
    return total[()]


ALL_COSTS: dict[str, CostFunction] = {**COSTS, "exact": exact_flops}
