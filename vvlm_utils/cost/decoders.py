"""A decoder's shape: its parameters, and what reading and writing tokens takes.

Closed forms, two FLOPs per multiply-add; tests hold them to torch's counter and to transformers'
own classes. ``architectures`` and ``catalogue`` name the decoders there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vvlm_utils.cost.equation import Number


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder of today's families: grouped-query attention, gated MLP or experts, RMS norms.

    tied : input embedding and output head share one matrix
    biases : the query, key and value projections have a bias (Qwen2.5)
    qk_norm : queries and keys are normed per head (Qwen3, Gemma 3)
    norms : norms of a layer, each ``hidden`` wide; Gemma 3 and GLM have four
    window, full_every : a layer attends to the last ``window`` tokens, but each ``full_every``-th
        to all of them (Gemma 3); window 0: every layer to all
    experts, experts_used, expert_intermediate : experts that a layer stores, those that a token is
        sent to, and their width; 0 experts: one MLP of ``intermediate``
    shared_experts : experts that every token goes through beside those it is sent to
    dense_layers : first layers with one MLP of ``intermediate`` in place of experts
    """

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    tied: bool
    biases: bool = False
    qk_norm: bool = False
    norms: int = 2
    window: int = 0
    full_every: int = 1
    experts: int = 0
    experts_used: int = 0
    expert_intermediate: int = 0
    shared_experts: int = 0
    dense_layers: int = 0

    @property
    def attention_params_per_layer(self) -> int:
        """Weights of the four projections of a layer's attention."""
        return 2 * self.hidden * (self.heads + self.kv_heads) * self.head_dim

    @property
    def linear_params_per_layer(self) -> int:
        """Weights of one layer without experts that every token is multiplied with."""
        return self.attention_params_per_layer + 3 * self.hidden * self.intermediate

    @property
    def expert_params(self) -> int:
        """Weights of one expert."""
        return 3 * self.hidden * self.expert_intermediate

    @property
    def expert_layers(self) -> int:
        """Layers with experts."""
        return self.layers - self.dense_layers if self.experts else 0

    def linear_params(self, experts: float) -> float:
        """Weights of all layers, with this number of experts in each layer that has any."""
        dense = (self.layers - self.expert_layers) * self.linear_params_per_layer
        router = self.hidden * self.experts
        experts_and_router = (experts + self.shared_experts) * self.expert_params + router
        return dense + self.expert_layers * (self.attention_params_per_layer + experts_and_router)

    @property
    def params(self) -> int:
        """Parameters stored without the input embedding, as the paper seems to count x_N.

        An untied output head is a matrix of its own and is counted; a tied one is the embedding.
        """
        biases = (self.heads + 2 * self.kv_heads) * self.head_dim if self.biases else 0
        head_norms = 2 * self.head_dim if self.qk_norm else 0
        layer = biases + head_norms + self.norms * self.hidden
        head = 0 if self.tied else self.hidden * self.vocabulary
        return self.linear_params(self.experts) + self.layers * layer + self.hidden + head

    @property
    def active_params(self) -> int:
        """Parameters that one token meets, of those in ``params``: x_N of a mixture of experts."""
        idle = (self.experts - self.experts_used) * self.expert_params
        return self.params - self.expert_layers * idle

    @property
    def all_params(self) -> int:
        """Parameters with the input embedding."""
        return self.params + self.hidden * self.vocabulary

    @property
    def read_params(self) -> int:
        """Parameters of every layer and the output head, no input embedding."""
        return self.all_params if self.tied else self.params

    def params_read(self, rows: ArrayLike) -> Number:
        """Parameters that a pass over ``rows`` tokens reads.

        Of the experts those that any token is sent to: of e, with k used by a token and no favour
        among them, e (1 - (1 - k/e)^rows) on average.
        """
        if not self.experts:
            return self.read_params
        unmet = (1 - self.experts_used / self.experts) ** np.asarray(rows, dtype=float)
        return self.read_params - self.expert_layers * self.experts * unmet * self.expert_params

    @property
    def logits_flops(self) -> int:
        """One row of logits."""
        return 2 * self.hidden * self.vocabulary

    def _layer_sum(self, full: Number, windowed: Number) -> Number:
        """Sum over the layers of what one that attends to all, or to its window, needs."""
        layers_full = self.layers // self.full_every if self.window else self.layers
        return layers_full * full + (self.layers - layers_full) * windowed

    def causal_pairs(self, tokens: ArrayLike, cached: ArrayLike = 0) -> Number:
        """Pairs of a query and a key that mask and windows keep, over all layers.

        tokens, cached : new tokens, each behind those before it, and the tokens cached before them
        """
        tokens, cached = np.asarray(tokens, dtype=float), np.asarray(cached, dtype=float)
        full = tokens * cached + tokens * (tokens + 1) / 2
        inside = np.clip(self.window - cached, 0, tokens)  # new tokens that the window still holds
        windowed = inside * cached + inside * (inside + 1) / 2 + (tokens - inside) * self.window
        return self._layer_sum(full, windowed)

    def prefill_flops(
        self, tokens: ArrayLike, causal: bool = False, cached: ArrayLike = 0
    ) -> tuple[Number, Number]:
        """Linear and attention FLOPs to read ``tokens`` behind ``cached`` ones, in that order.

        Attention is counted in full, as kernels without a causal shortcut run it and as torch's
        counter counts it; ``causal=True`` counts only the pairs that mask and windows keep.
        """
        tokens, cached = np.asarray(tokens, dtype=float), np.asarray(cached, dtype=float)
        linear = 2 * tokens * self.linear_params(self.experts_used)
        pairs = self.layers * tokens * (tokens + cached)
        if causal:
            pairs = self.causal_pairs(tokens, cached)
        return linear, 4 * pairs * self.heads * self.head_dim

    def decode_flops(self, context: ArrayLike, answer_tokens: int) -> Number:
        """FLOPs of ``answer_tokens`` further tokens behind ``context`` cached ones.

        Each reads the cache and itself, and asks for the row of logits of the next.
        """
        read = sum(self.prefill_flops(answer_tokens, causal=True, cached=context))
        return read + answer_tokens * self.logits_flops

    @property
    def _cache_width(self) -> int:
        """Numbers that a layer caches for a token."""
        return 2 * self.kv_heads * self.head_dim

    def cache_bytes(self, tokens: ArrayLike, bytes_per_number: int = 2) -> Number:
        """Bytes of keys and values kept for ``tokens``; two bytes a number are bf16."""
        tokens = np.asarray(tokens, dtype=float)
        kept = self._layer_sum(tokens, np.minimum(tokens, self.window))
        return kept * self._cache_width * bytes_per_number

    def read_cache_bytes(
        self, tokens: ArrayLike, cached: ArrayLike, bytes_per_number: int = 2
    ) -> Number:
        """Bytes of keys and values that ``tokens`` read, written one by one behind ``cached``."""
        return self.causal_pairs(tokens, cached) * self._cache_width * bytes_per_number
