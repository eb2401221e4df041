"""Towers of served video models: any grid, two frames in a patch, windows, a merge behind them.

``architectures.Tower`` is the paper's encoder, one square grid per frame. A served model's tower
sees slices (one frame, or two that its patch embedding merges) of a grid that follows the clip,
and a projector turns its features into fewer tokens for the decoder. Closed forms, two FLOPs per
multiply-add; norms, activations, pooling and the interpolation of positions are left out, as
torch's counter leaves them out.
"""

from __future__ import annotations

from dataclasses import dataclass

CHANNELS = 3


@dataclass(frozen=True, slots=True)
class VideoTower:
    """A vision transformer over a grid of patches.

    temporal : frames that one patch spans
    gated : the MLP has a gate beside its first matrix (Qwen2.5-VL, GLM)
    norm_rows : rows of a norm's parameters: 2 for weight and bias, 1 for an RMS norm
    qkv_biases, out_biases, mlp_biases, patch_biases : which matrices have a bias
    qk_norm : queries and keys are normed over the full width (InternViT-6B)
    layer_scale : each half of a block is scaled by a learned row (InternViT)
    positions : learned rows of positions
    class_token : one more token than patches
    outer_norms : norms before and behind the blocks
    window : side of an attention window, patches; 0: every block attends to the full slice
    full_blocks : number of blocks that attend to the full slice all the same
    """

    hidden: int
    layers: int
    heads: int
    intermediate: int
    patch: int
    temporal: int = 1
    gated: bool = False
    norm_rows: int = 2
    qkv_biases: bool = True
    out_biases: bool = True
    mlp_biases: bool = True
    patch_biases: bool = True
    qk_norm: bool = False
    layer_scale: bool = False
    positions: int = 0
    class_token: bool = False
    outer_norms: int = 0
    window: int = 0
    full_blocks: int = 0

    @property
    def _patch_weights(self) -> int:
        return CHANNELS * self.temporal * self.patch**2 * self.hidden

    @property
    def _block_weights(self) -> int:
        """Weights of a block that every patch is multiplied with."""
        mlp = (3 if self.gated else 2) * self.hidden * self.intermediate
        return 4 * self.hidden**2 + mlp

    @property
    def params(self) -> int:
        """All parameters."""
        mlp_biases = (2 if self.gated else 1) * self.intermediate + self.hidden
        biases = self.hidden * (3 * self.qkv_biases + self.out_biases)
        biases += self.mlp_biases * mlp_biases
        rows = 2 * self.norm_rows + 2 * self.qk_norm + 2 * self.layer_scale
        block = self._block_weights + biases + rows * self.hidden
        outside = self.patch_biases + self.positions + self.class_token
        outside += self.outer_norms * self.norm_rows
        return self._patch_weights + self.layers * block + outside * self.hidden

    def flops_per_slice(self, height: int, width: int) -> float:
        """FLOPs to turn one slice into its features.

        height, width : the grid, patches
        """
        tokens = height * width + self.class_token
        embedding = 2 * height * width * self._patch_weights
        linear = 2 * self.layers * tokens * self._block_weights
        pairs = self.layers * tokens**2
        if self.window:
            inside = _squares(height, self.window) * _squares(width, self.window)
            pairs = self.full_blocks * tokens**2 + (self.layers - self.full_blocks) * inside
        return float(embedding + linear + 4 * pairs * self.hidden)


def _squares(side: int, window: int) -> int:
    """Sum of squared lengths of the windows that cover a side, the last one cut off.

    The pairs inside a grid's windows are the product of both sides' sums.
    """
    whole, rest = divmod(side, window)
    return whole * window**2 + rest**2


@dataclass(frozen=True, slots=True)
class Projector:
    """The matrices between tower and decoder.

    shapes : (inputs, outputs) of each matrix in turn
    biases : the matrices that have one, by their place in ``shapes``
    norm_params : parameters of norms and other rows
    copies : the stack and its copies that read other blocks (deepstack)
    copy_norm_params : parameters of norms of each further copy
    per_feature : applied to every feature, before a pooling; else once per token
    """

    shapes: tuple[tuple[int, int], ...]
    biases: tuple[int, ...] = ()
    norm_params: int = 0
    copies: int = 1
    copy_norm_params: int = 0
    per_feature: bool = False

    @property
    def weights(self) -> int:
        """Weights that one token, or feature, is multiplied with."""
        return self.copies * sum(inputs * outputs for inputs, outputs in self.shapes)

    @property
    def params(self) -> int:
        """All parameters."""
        biases = self.copies * sum(self.shapes[place][1] for place in self.biases)
        norms = self.norm_params + (self.copies - 1) * self.copy_norm_params
        return self.weights + biases + norms

    def flops_per_slice(self, features: int, tokens: int) -> float:
        """FLOPs of one slice, of so many features that become so many tokens."""
        return float(2 * self.weights * (features if self.per_feature else tokens))
