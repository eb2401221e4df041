"""Inference cost of one answer, in FLOPs.

FLOP means floating-point operation: one multiply-add counts as two. The cost is that of the
prefill over the visual tokens (Eq. 1 of ``wang2025``): the projector, the text prompt, attention
and decoding are left out, as in the paper. A cost takes any positive number; only a table of
runs and a search space insist on whole frames and on a square grid of tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

FACTORS = ("lm_params", "frames", "tokens_per_frame")
TRAIN_EXAMPLES = "train_examples"  # the column of n
FLOPS_PER_PARAM_TOKEN = 2  # one multiply and one add, forward pass
TRAINING_FLOPS_PER_PARAM_TOKEN = 6  # forward pass, and a backward pass of twice its size
LIMIT = 1e18  # of every count: more is a slip, and products of several stay finite below it

Number = float | np.ndarray
CostFunction = Callable[..., Number]


def _positive(**fields: ArrayLike) -> list[np.ndarray]:
    """Return every field as floats, refusing what is not a positive number below ``LIMIT``."""
    arrays = []
    for name, value in fields.items():
        array = np.asarray(value, dtype=float)
        bad = ~(np.isfinite(array) & (array > 0))
        if bad.any():
            raise ValueError(f"{name} must be a positive number, got {array[bad].flat[0]:g}")
        if (array >= LIMIT).any():
            raise ValueError(f"{name} must be below {LIMIT:g}, got {array.max():g}")
        arrays.append(array)
    return arrays


@dataclass(frozen=True, slots=True)
class VisionTower:
    """An image encoder applied to every frame alone.

    Parameters
    ----------
    params
        Encoder parameters, x_M.
    features_per_frame
        Patch features that the encoder computes for a frame, x_W.

    Raises
    ------
    ValueError
        One of them is not a positive number.
    """

    params: float
    features_per_frame: float

    def __post_init__(self) -> None:
        _positive(params=self.params, features_per_frame=self.features_per_frame)

    @property
    def flops_per_frame(self) -> float:
        """FLOPs to encode one frame, 2 x_M x_W."""
        return FLOPS_PER_PARAM_TOKEN * self.params * self.features_per_frame


SOVIT_400M = VisionTower(params=0.43e9, features_per_frame=768)  # the paper's encoder


@dataclass(frozen=True, slots=True)
class Cost:
    """The two parts of the price of one video.

    Attributes
    ----------
    vision_flops
        FLOPs of the encoder, a number or an array.
    lm_flops
        FLOPs of the language model, of the same shape.
    """

    vision_flops: Number
    lm_flops: Number

    @property
    def total_flops(self) -> Number:
        """Encoder and language model together."""
        return self.vision_flops + self.lm_flops


def inference_cost(
    lm_params: ArrayLike,
    frames: ArrayLike,
    tokens_per_frame: ArrayLike,
    tower: VisionTower = SOVIT_400M,
) -> Cost:
    """Price one video: c(x) = 2 x_T (x_M x_W + x_N x_V), Eq. 1.

    Parameters
    ----------
    lm_params
        Parameters of the language model, x_N; a plain count, as all of these are.
    frames
        Frames that the model reads, x_T.
    tokens_per_frame
        Visual tokens that the language model reads of each frame, x_V.
    tower
        The image encoder, with x_M parameters and x_W features per frame.

    Returns
    -------
    Cost
        FLOPs of the encoder and of the language model, of the arguments' broadcast shape.

    Raises
    ------
    ValueError
        An argument is not a positive number below 1e18.

    Notes
    -----
    Equation 1 of Wang et al. (ACL 2025): the prefill over the visual tokens. Projector, text
    prompt, attention and decoding are left out.

    Examples
    --------
    >>> cost = inference_cost(7.5e9, 32, 196)
    >>> f"{cost.total_flops / 1e12:.1f} TFLOPs, {cost.vision_flops / 1e12:.1f} in the encoder"
    '115.2 TFLOPs, 21.1 in the encoder'
    """
    n, t, v = _positive(lm_params=lm_params, frames=frames, tokens_per_frame=tokens_per_frame)
    n, t, v = np.broadcast_arrays(n, t, v)
    vision = t * tower.flops_per_frame
    lm = FLOPS_PER_PARAM_TOKEN * t * n * v
    return Cost(vision[()], lm[()])  # [()] turns a zero-dimensional array into a number


def paper_flops(lm_params: ArrayLike, frames: ArrayLike, tokens_per_frame: ArrayLike) -> Number:
    """Total of Eq. 1 with the paper's encoder, FLOPs."""
    return inference_cost(lm_params, frames, tokens_per_frame).total_flops


def lm_only_flops(lm_params: ArrayLike, frames: ArrayLike, tokens_per_frame: ArrayLike) -> Number:
    """Cost that counts the language model alone, 2 x_N x_T x_V, as earlier work did.

    >>> f"{lm_only_flops(7.5e9, 32, 196) / 1e12:.1f} TFLOPs"
    '94.1 TFLOPs'
    """
    return inference_cost(lm_params, frames, tokens_per_frame).lm_flops


COSTS: dict[str, CostFunction] = {"paper": paper_flops, "lm_only": lm_only_flops}


def encoder_overhead(
    lm_params: ArrayLike, tokens_per_frame: ArrayLike, tower: VisionTower = SOVIT_400M
) -> Number:
    """Cost with the encoder over cost without it: 1 + x_M x_W / (x_N x_V). Frames cancel.

    >>> f"{encoder_overhead(7e9, 47):.2f}"
    '2.00'
    """
    cost = inference_cost(lm_params, 1, tokens_per_frame, tower)
    return cost.total_flops / cost.lm_flops


def encoder_share(
    lm_params: ArrayLike, tokens_per_frame: ArrayLike, tower: VisionTower = SOVIT_400M
) -> Number:
    """Part of the cost spent in the encoder, between 0 and 1. Frames cancel.

    >>> f"{encoder_share(7e9, 47):.2f}"
    '0.50'
    """
    cost = inference_cost(lm_params, 1, tokens_per_frame, tower)
    return cost.vision_flops / cost.total_flops


def training_flops(params: ArrayLike, tokens: ArrayLike) -> Number:
    """Price one pass of training: 6 N D.

    >>> f"{training_flops(7.5e9, 1e6):.2g}"
    '4.5e+16'
    """
    n, d = _positive(params=params, tokens=tokens)
    return (TRAINING_FLOPS_PER_PARAM_TOKEN * n * d)[()]


def deployment_ratio(
    videos_per_day: ArrayLike, days: ArrayLike, train_examples: ArrayLike
) -> Number:
    """Inference compute over finetuning compute, n_inf / (3 n), with equal tokens per video.

    Inference costs 2 N D' and training 6 N D, so the parameters and the tokens cancel.

    >>> f"{deployment_ratio(34e6, 30, 1e6):.0f}"
    '340'
    """
    daily, d, n = _positive(videos_per_day=videos_per_day, days=days, train_examples=train_examples)
    training_over_inference = TRAINING_FLOPS_PER_PARAM_TOKEN / FLOPS_PER_PARAM_TOKEN
    return (daily * d / (training_over_inference * n))[()]
