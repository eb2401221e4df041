"""The video vision-language model: vision tower, projector, resize, Llama decoder.

Every frame is encoded alone; a two-layer MLP projects its grid of features; a bilinear resize
shrinks the grid to sqrt(x_V) by sqrt(x_V); the decoder reads the x_T x_V visual tokens and then
the text. Tower (SigLIP) and decoder are transformers' own classes; an EfficientNet-Lite may stand
in SigLIP's place. One class serves every preset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)
from transformers.utils import ModelOutput

from vvlm_utils.experiment.model.counting import decoder_config, tower_config
from vvlm_utils.experiment.model.efficientnet import EfficientNetLite, EfficientNetLiteConfig
from vvlm_utils.experiment.model.presets import get_preset

IGNORE = -100  # a label that does not count
# A tower takes ``pixel_values`` and gives ``last_hidden_state``, a square grid of features a frame.
TOWERS = {
    "siglip_vision_model": (SiglipVisionConfig, SiglipVisionModel),
    "efficientnet_lite": (EfficientNetLiteConfig, EfficientNetLite),
}


class VideoVLMConfig(PreTrainedConfig):
    """Configuration; ``projector`` is the width between its layers, 0 for the LM's own."""

    model_type = "vvlm"
    sub_configs = {"vision_config": SiglipVisionConfig, "text_config": LlamaConfig}

    def __init__(
        self,
        vision_config=None,
        text_config=None,
        antialias=True,
        projector=0,
        preset="mini",
        lm="",
        **kwargs,
    ):
        vision, text = vision_config or {}, text_config or {}
        if isinstance(vision, dict):
            vision = TOWERS[vision.get("model_type", "siglip_vision_model")][0](**vision)
        self.vision_config = vision
        self.text_config = LlamaConfig(**text) if isinstance(text, dict) else text
        self.antialias, self.projector, self.preset, self.lm = antialias, projector, preset, lm
        super().__init__(**kwargs)


@dataclass
class VideoVLMOutput(ModelOutput):
    """loss, and ``logits`` (asked positions, vocabulary), with the tokens that were realised."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    frames: int | None = None
    tokens_per_frame: int | None = None


class VideoVLM(PreTrainedModel):
    """See the module's docstring."""

    config_class = VideoVLMConfig
    base_model_prefix = "vvlm"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _no_split_modules = ["LlamaDecoderLayer", "SiglipEncoderLayer"]
    _tied_weights_keys = {"decoder.lm_head.weight": "decoder.model.embed_tokens.weight"}

    def __init__(self, config: VideoVLMConfig):
        super().__init__(config)
        vision, text = config.vision_config, config.text_config
        self.tower = TOWERS[vision.model_type][1](vision)
        between = config.projector or text.hidden_size
        self.projector = nn.Sequential(
            nn.Linear(vision.hidden_size, between),
            nn.GELU(),
            nn.Linear(between, text.hidden_size),
        )
        self.decoder = LlamaForCausalLM(text)
        self.config.tie_word_embeddings = text.tie_word_embeddings
        self.post_init()

    def get_input_embeddings(self):
        return self.decoder.get_input_embeddings()

    def get_output_embeddings(self):
        return self.decoder.get_output_embeddings()

    def encode(self, pixel_values: Tensor) -> Tensor:
        """Tower features of (batch, frames, 3, height, width): (batch, frames, patches, width)."""
        batch, frames = pixel_values.shape[:2]
        features = self.tower(pixel_values=pixel_values.flatten(0, 1)).last_hidden_state
        return features.unflatten(0, (batch, frames))

    def visual_tokens(self, features: Tensor, tokens_per_frame: int) -> Tensor:
        """Project and resize features: (batch, frames * tokens_per_frame, LM width).

        Raises ValueError when tokens_per_frame is no square or finer than the feature grid.
        """
        projected = self.projector(features.to(self.projector[0].weight.dtype))
        return resize(projected, tokens_per_frame, self.config.antialias)

    def forward(
        self,
        input_ids: Tensor,
        tokens_per_frame: int | Tensor | None = None,
        pixel_values: Tensor | None = None,
        features: Tensor | None = None,
        question_ids: Tensor | None = None,
        labels: Tensor | None = None,
        asked: Tensor | None = None,
    ) -> VideoVLMOutput:
        """Read video and text; give the loss of ``labels`` or the logits of ``asked`` positions.

        input_ids, labels, question_ids, asked : (batch, text tokens)
        pixel_values (batch, frames, 3, height, width), or features, the tower's cached output
            (batch, frames, patches, width), or neither for text alone
        question_ids : tokens of one question share a number; questions do not see each other,
            and every one stands directly behind the video; negative is padding
        labels : the tokens themselves where they count (they are shifted here), else -100
        asked : true where the next token is wanted
        """
        visual, frames, per_frame = None, 0, 0
        if pixel_values is not None:
            features = self.encode(pixel_values)
        if features is not None:
            frames, per_frame = features.shape[1], int(tokens_per_frame)
            visual = self.visual_tokens(features, per_frame)
            if visual.shape[1] != frames * per_frame:
                raise AssertionError(f"{visual.shape[1]} visual tokens, not {frames} x {per_frame}")
        output = self.read(visual, input_ids, question_ids, labels, asked)
        output.frames, output.tokens_per_frame = frames, per_frame
        return output

    def read(
        self,
        visual: Tensor | None,
        input_ids: Tensor,
        question_ids: Tensor | None = None,
        labels: Tensor | None = None,
        asked: Tensor | None = None,
    ) -> VideoVLMOutput:
        """The decoder's part: ``visual`` (batch, tokens, width), or none, and then the text."""
        text = self.get_input_embeddings()(input_ids)
        if question_ids is None:
            question_ids = torch.zeros_like(input_ids)
        if visual is not None:
            text = torch.cat([visual.to(text.dtype), text], dim=1)
        prefix = text.shape[1] - input_ids.shape[1]
        mask, positions = packed_mask(question_ids, prefix, text.dtype)
        hidden = self.decoder.model(
            inputs_embeds=text, attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state[:, prefix:]
        if labels is not None:
            target = F.pad(labels[:, 1:], (0, 1), value=IGNORE)
            asked = target != IGNORE
        wanted = hidden if asked is None else hidden[asked]
        logits = self.decoder.lm_head(wanted)
        loss = None if labels is None else F.cross_entropy(logits.float(), target[asked])
        return VideoVLMOutput(loss=loss, logits=logits)


def resize(features: Tensor, tokens: int, antialias: bool) -> Tensor:
    """Shrink a square grid bilinearly: (batch, frames, patches, width) to (batch, T * V, width).

    Raises ValueError when ``tokens`` is no square or more than the patches.
    """
    batch, frames, patches, width = features.shape
    side, new = isqrt(patches), isqrt(tokens)
    if new * new != tokens or not 1 <= new <= side:
        raise ValueError(
            f"tokens_per_frame must be a perfect square of at most {patches}, got {tokens}"
        )
    if new == side:
        return features.flatten(1, 2)
    grid = features.flatten(0, 1).unflatten(1, (side, side)).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, (new, new), mode="bilinear", antialias=antialias)
    return grid.permute(0, 2, 3, 1).reshape(batch, frames * tokens, width)


def packed_mask(question_ids: Tensor, prefix: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Additive mask (batch, 1, length, length) and positions (batch, length) of packed questions.

    A token sees the video before it and the earlier tokens of its own question; positions restart
    behind the video for every question.
    """
    batch, text = question_ids.shape
    length = prefix + text
    device = question_ids.device
    video = torch.full((batch, prefix), -1, dtype=question_ids.dtype, device=device)
    owner = torch.cat([video, question_ids.clamp(min=-2)], dim=1)
    order = torch.arange(length, device=device)
    same = owner[:, :, None] == owner[:, None, :]
    sees = (same | (order < prefix)) & (order[:, None] >= order[None, :])
    mask = torch.where(sees[:, None], 0.0, torch.finfo(dtype).min).to(dtype)
    starts = F.pad(question_ids[:, 1:] != question_ids[:, :-1], (1, 0), value=True)
    steps = torch.arange(text, device=device).expand(batch, text)
    begin = torch.where(starts, steps, 0).cummax(dim=1).values
    video_positions = torch.arange(prefix, device=device).expand(batch, prefix)
    return mask, torch.cat([video_positions, prefix + steps - begin], dim=1)


def make_config(preset: str, lm: str) -> VideoVLMConfig:
    """The configuration of a preset with one of its decoders, by names.

    The tower has no pooling head: the features are taken before it.
    """
    chosen, decoder = get_preset(preset, lm)
    text = decoder_config(decoder)
    vision = tower_config(replace(chosen.tower, pooling_head=False))
    if preset == "mini":  # widths of 16 to 64 want larger first weights than thousands do
        text.initializer_range = text.hidden_size**-0.5
    own = {"antialias": chosen.antialias, "projector": chosen.projector}
    return VideoVLMConfig(vision, text, **own, preset=preset, lm=lm)
