"""Parameters and FLOPs of the catalogued models by torch's own counter, without weights.

Configurations of transformers are built on the meta device, where tensors have shapes and no
numbers, and one forward pass is counted. ``architectures`` holds the closed forms.
``python -m vvlm_utils.experiment.counting`` renews ``data/counted_flops.csv``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from vvlm_utils.architectures import CHANNELS, DECODERS, TOWERS, Decoder, Tower

ATTENTION = ("scaled_dot_product", "bmm")


def decoder_config(decoder: Decoder) -> LlamaConfig | Qwen2Config:
    """The transformers configuration of a catalogued decoder."""
    kind = Qwen2Config if decoder.biases else LlamaConfig
    return kind(
        hidden_size=decoder.hidden,
        num_hidden_layers=decoder.layers,
        num_attention_heads=decoder.heads,
        num_key_value_heads=decoder.kv_heads,
        head_dim=decoder.head_dim,
        intermediate_size=decoder.intermediate,
        vocab_size=decoder.vocabulary,
        tie_word_embeddings=decoder.tied,
        attn_implementation="sdpa",
    )


def tower_config(tower: Tower) -> SiglipVisionConfig:
    """The transformers configuration of a catalogued tower."""
    return SiglipVisionConfig(
        hidden_size=tower.hidden,
        intermediate_size=tower.intermediate,
        num_hidden_layers=tower.layers,
        num_attention_heads=tower.heads,
        patch_size=tower.patch,
        image_size=tower.image,
        vision_use_head=tower.pooling_head,
    )


def meta_decoder(decoder: Decoder) -> torch.nn.Module:
    """A decoder without weights."""
    kind = Qwen2ForCausalLM if decoder.biases else LlamaForCausalLM
    with torch.device("meta"):
        return kind(decoder_config(decoder)).eval()


def meta_tower(tower: Tower) -> torch.nn.Module:
    """A tower without weights."""
    with torch.device("meta"):
        return SiglipVisionModel(tower_config(tower)).eval()


def count_params(model: torch.nn.Module) -> int:
    """Parameters, each shared matrix once."""
    return sum(p.numel() for p in model.parameters())


def _count(run) -> dict[str, int]:
    """FLOPs of a call, attention apart from the rest."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        run()
    per_kernel = counter.get_flop_counts()["Global"]
    attention = sum(n for k, n in per_kernel.items() if any(a in str(k) for a in ATTENTION))
    return {"attention": attention, "rest": sum(per_kernel.values()) - attention}


def count_prefill(model: torch.nn.Module, tokens: int) -> dict[str, int]:
    """FLOPs to read ``tokens`` embeddings and give one row of logits, attention in full."""
    inputs = torch.empty(1, tokens, model.config.hidden_size, device="meta")
    mask = torch.empty(1, 1, tokens, tokens, device="meta")
    return _count(
        lambda: model(inputs_embeds=inputs, attention_mask=mask, logits_to_keep=1, use_cache=False)
    )


def count_frame(model: torch.nn.Module) -> dict[str, int]:
    """FLOPs of a tower for one frame, its pooling head included where it has one."""
    side = model.config.image_size
    pixels = torch.empty(1, CHANNELS, side, side, device="meta")
    return _count(lambda: model(pixel_values=pixels))


def count_video(model: torch.nn.Module, frames: int, tokens_per_frame: int) -> int:
    """FLOPs to encode one video, read it behind one word of text and give one row of logits."""
    side = model.config.vision_config.image_size
    pixels = torch.zeros(1, frames, CHANNELS, side, side, device=model.device)
    word = torch.zeros(1, 1, dtype=torch.long, device=model.device)
    with sdpa_kernel(SDPBackend.MATH):  # the counter does not know the CPU's fused attention
        counted = _count(lambda: model(word, tokens_per_frame, pixel_values=pixels))
    return sum(counted.values())


def count_training(model: torch.nn.Module, batch: dict) -> int:
    """FLOPs to read one batch of clips and to take its gradients."""
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):
        model(**batch).loss.backward()
    model.zero_grad()
    return counter.get_total_flops()


TOKENS = (12, 1296, 6272, 25088)  # 3 x 4, 16 x 81, 32 x 196 and 128 x 196 visual tokens
TABLE = Path(__file__).parent.parent / "data" / "counted_flops.csv"


def count_catalogue() -> pd.DataFrame:
    """Count every catalogued model: one row a tower (one frame) or a decoder and prompt length.

    Columns: model, params (each shared matrix once), tokens, attention, rest (FLOPs).
    """
    rows = []
    for name, tower in TOWERS.items():
        model = meta_tower(tower)
        rows.append((name, count_params(model), tower.features, *count_frame(model).values()))
    for name, decoder in tqdm(DECODERS.items(), desc="decoders"):
        model = meta_decoder(decoder)
        for tokens in TOKENS:
            counted = count_prefill(model, tokens).values()
            rows.append((name, count_params(model), tokens, *counted))
    return pd.DataFrame(rows, columns=["model", "params", "tokens", "attention", "rest"])


if __name__ == "__main__":
    part = TABLE.with_suffix(".part")
    count_catalogue().to_csv(part, index=False)
    os.replace(part, TABLE)
    print(f"{TABLE} by torch {torch.__version__}")
