"""Parameters and FLOPs of the catalogued models by torch's own counter, without weights.

Configurations of transformers are built on the meta device, where tensors have shapes and no
numbers, and one forward pass is counted. ``architectures`` holds the closed forms.
``python -m vvlm_utils.experiment.model.counting`` renews ``data/counted_flops.csv``.
"""

from __future__ import annotations

import pandas as pd
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm
from transformers import (
    DynamicCache,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from vvlm_utils.cost.architectures import CHANNELS, DECODERS, TOWERS, Decoder, Tower
from vvlm_utils.files import DATA_FOLDER, whole

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


def _read(model: torch.nn.Module, tokens: int, cache: DynamicCache | None = None) -> None:
    """Read ``tokens`` embeddings behind the cache, which grows by them, for one row of logits."""
    past = cache.get_seq_length() if cache is not None else 0
    inputs = torch.empty(1, tokens, model.config.hidden_size, device="meta")
    mask = torch.empty(1, 1, tokens, past + tokens, device="meta")
    caching = {"past_key_values": cache, "use_cache": cache is not None}
    model(inputs_embeds=inputs, attention_mask=mask, logits_to_keep=1, **caching)


def count_prefill(model: torch.nn.Module, tokens: int, cached: int = 0) -> dict[str, int]:
    """FLOPs to read ``tokens`` embeddings behind ``cached`` ones, attention in full."""
    if not cached:
        return _count(lambda: _read(model, tokens))
    cache = DynamicCache()
    with torch.no_grad():
        _read(model, cached, cache)
    return _count(lambda: _read(model, tokens, cache))


def count_decode(model: torch.nn.Module, context: int, answer_tokens: int) -> dict[str, int]:
    """FLOPs of ``answer_tokens`` steps of one token each behind ``context``, with a cache."""
    cache = DynamicCache()
    with torch.no_grad():
        _read(model, context, cache)
    return _count(lambda: [_read(model, 1, cache) for _ in range(answer_tokens)])


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


# Tokens read and tokens cached before them: 3 x 4, 16 x 81, 32 x 196 and 128 x 196 visual tokens
# behind nothing, and a question and one token of its answer behind 32 x 196.
READS = ((12, 0), (1296, 0), (6272, 0), (25088, 0), (50, 6272), (1, 6322))
TABLE = DATA_FOLDER / "counted_flops.csv"


def count_catalogue() -> pd.DataFrame:
    """Count every catalogued model: one row a tower (one frame) or a decoder and what it reads.

    Columns: model, params (each shared matrix once), tokens, cached, attention, rest (FLOPs).
    """
    rows = []
    for name, tower in TOWERS.items():
        model = meta_tower(tower)
        rows.append((name, count_params(model), tower.features, 0, *count_frame(model).values()))
    for name, decoder in tqdm(DECODERS.items(), desc="decoders"):
        model = meta_decoder(decoder)
        for tokens, cached in READS:
            counted = count_prefill(model, tokens, cached).values()
            rows.append((name, count_params(model), tokens, cached, *counted))
    columns = ["model", "params", "tokens", "cached", "attention", "rest"]
    return pd.DataFrame(rows, columns=columns)


if __name__ == "__main__":
    with whole(TABLE) as part:
        count_catalogue().to_csv(part, index=False)
    print(f"{TABLE} by torch {torch.__version__}")
