"""Catalogued video models as transformers' own classes on the meta device, counted by torch.

A row's shapes become that family's configuration; the class is built without weights, so that its
parameters and the FLOPs of encoding and reading a clip are those of the code that serves it.
``python -m vvlm_utils.experiment.model.served`` renews ``data/served_counts.csv``.
"""

from __future__ import annotations

import pandas as pd
import torch
import transformers
from tqdm import tqdm

from vvlm_utils.cost.catalogue import ServedModel, load_catalogue
from vvlm_utils.cost.clips import VideoTokens
from vvlm_utils.cost.decoders import Decoder
from vvlm_utils.cost.towers import CHANNELS, VideoTower
from vvlm_utils.experiment.model.counting import _count, count_params
from vvlm_utils.files import DATA_FOLDER, whole

TABLE = DATA_FOLDER / "served_counts.csv"
PROMPT = 50  # text tokens of every design
SLICES = (1, 4, 12)  # of the three designs
GRIDS = ((16, 20), (12, 30), (26, 46))  # patches, where the grid follows the clip


def _text(decoder: Decoder) -> dict:
    """What every decoder's configuration calls its shape."""
    return {
        "hidden_size": decoder.hidden,
        "num_hidden_layers": decoder.layers,
        "num_attention_heads": decoder.heads,
        "num_key_value_heads": decoder.kv_heads,
        "head_dim": decoder.head_dim,
        "intermediate_size": decoder.intermediate,
        "vocab_size": decoder.vocabulary,
        "tie_word_embeddings": decoder.tied,
        "sliding_window": decoder.window or None,
        "num_experts": decoder.experts,
        "n_routed_experts": decoder.experts,
        "num_experts_per_tok": decoder.experts_used,
        "moe_intermediate_size": decoder.expert_intermediate,
        "n_shared_experts": decoder.shared_experts,
        "first_k_dense_replace": decoder.dense_layers,
        "attention_bias": decoder.biases,
        "pad_token_id": None,
        "norm_topk_prob": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
    }


def _grid_tower(tower: VideoTower, width: int, deepstack: int) -> dict:
    """Vision settings of Qwen's and GLM's families."""
    return {
        "depth": tower.layers,
        "hidden_size": tower.hidden,
        "intermediate_size": tower.intermediate,
        "num_heads": tower.heads,
        "patch_size": tower.patch,
        "out_hidden_size": width,
        "num_position_embeddings": tower.positions,
        "deepstack_visual_indexes": list(range(5, 5 + deepstack)),
        "fullatt_block_indexes": list(range(tower.full_blocks)),
        "window_size": tower.window * tower.patch,
    }


def _image_tower(tower: VideoTower, image: int) -> dict:
    """Vision settings of the families that resize every frame to one size."""
    return {
        "hidden_size": tower.hidden,
        "intermediate_size": tower.intermediate,
        "num_hidden_layers": tower.layers,
        "num_attention_heads": tower.heads,
        "patch_size": tower.patch,
        "image_size": image,
        "vision_use_head": False,
    }


def served_config(model: ServedModel) -> transformers.PreTrainedConfig:
    """The transformers configuration of a catalogued model."""
    kind = getattr(transformers, f"{model.architecture}Config")
    decoder, tower, family = model.decoder, model.tower, model.architecture
    text, outer = _text(decoder), {"tie_word_embeddings": decoder.tied}
    if family.startswith(("Qwen", "Glm")):
        vision = _grid_tower(tower, decoder.hidden, model.projector.copies - 1)
        if family == "Qwen2VL":
            vision |= {"embed_dim": tower.hidden, "hidden_size": decoder.hidden}
        if family.startswith("Glm"):
            vision["intermediate_size"] = model.projector.shapes[-1][0]
        half = family == "Glm4vMoe"  # it turns half of each head
        text["rope_parameters"] |= {"mrope_section": [8, 12, 12] if half else [16, 24, 24]}
    else:
        vision = _image_tower(tower, model.rule.image)
    if family == "InternVL":
        sort = "qwen2" if decoder.biases else "qwen3_moe" if decoder.experts else "qwen3"
        text["model_type"] = sort
        text["attention_bias"] = False  # Qwen3's own; Qwen2 always has them
        sides = {"image_size": [model.rule.image] * 2, "patch_size": [tower.patch] * 2}
        norm = "layer_norm" if tower.norm_rows == 2 else "rms_norm"
        vision |= sides | {"attention_bias": tower.qkv_biases, "use_qk_norm": tower.qk_norm}
        vision |= {"norm_type": norm}
    if family == "LlavaOnevision":
        text["model_type"] = "qwen2"
        vision["model_type"] = "siglip_vision_model"
    if family == "LlavaNextVideo":
        text["model_type"] = "llama"
        vision["model_type"] = "clip_vision_model"
    if family == "Gemma3":
        del text["rope_parameters"]
        outer["mm_tokens_per_image"] = model.rule.tokens
    if family == "SmolVLM":
        text["model_type"] = "llama"
        outer["scale_factor"] = tower_merge(model)
    if family == "VideoLlama3":
        text["model_type"] = "qwen2"
    return kind(vision_config=vision, text_config=text, **outer)


def tower_merge(model: ServedModel) -> int:
    """Features of a side that become one token."""
    return round((model.rule.image // model.rule.patch) / model.rule.tokens**0.5)


def meta_served(model: ServedModel) -> torch.nn.Module:
    """A catalogued model without weights."""
    kind = getattr(transformers, f"{model.architecture}ForConditionalGeneration")
    with torch.device("meta"):
        built = kind(served_config(model)).eval()
    built.set_experts_implementation("batched_mm") if model.decoder.experts else None
    return built


def _encode_grid(built: torch.nn.Module, model: ServedModel, tokens: VideoTokens) -> None:
    """Encode slices of any grid; positions are given as shapes, since meta tensors hold none."""
    body, tower, slices = built.model, model.tower, tokens.frames_encoded
    rows, columns = tokens.grid
    patches = slices * rows * columns
    pixels = torch.empty(patches, CHANNELS * tower.temporal * tower.patch**2, device="meta")
    known = {"position_ids": torch.empty(patches, 2, dtype=torch.long, device="meta")}
    grid = torch.tensor([[slices, rows, columns]])
    if model.architecture == "VideoLlama3":
        merge = torch.tensor([model.rule.merge])
        seen = body.vision_model(pixels, grid_thw=grid, merge_sizes=merge, **known)
        body.projector(seen.last_hidden_state)
        return
    if model.architecture.startswith("Qwen3VL"):
        known["interp_indices"] = torch.empty(patches, 4, dtype=torch.long, device="meta")
        known["interp_weights"] = torch.empty(patches, 4, device="meta")
    if model.architecture.startswith("Glm"):  # positions are read by a grid that a shape is not
        body.visual.embeddings.forward = lambda hidden, *_: hidden
    body.visual(pixels, grid_thw=grid, **known)


def _encode_images(built: torch.nn.Module, model: ServedModel, frames: int) -> None:
    """Encode frames of one size."""
    body, side = built.model, model.rule.image
    pixels = torch.empty(frames, CHANNELS, side, side, device="meta")
    if model.architecture == "SmolVLM":  # its own road drops empty frames, which a shape cannot say
        tower = body.vision_model
        cells = tower.embeddings.patch_embedding(pixels).flatten(2).mT.contiguous()
        body.connector(tower.encoder(inputs_embeds=cells).last_hidden_state)
    elif model.architecture.startswith("Llava"):
        body.get_video_features(pixels[None])
    else:
        body.get_image_features(pixels)


def encode(built: torch.nn.Module, model: ServedModel, tokens: VideoTokens) -> None:
    """Run tower and projector of a class over a clip's slices."""
    if model.rule.bounds == "fixed":
        _encode_images(built, model, tokens.frames_encoded)
    else:
        _encode_grid(built, model, tokens)


def read(built: torch.nn.Module, tokens: int) -> None:
    """Read so many embeddings with the class's decoder, for one row of logits."""
    body = built.model
    text = body.text_model if hasattr(body, "text_model") else body.language_model
    width = built.config.get_text_config().hidden_size
    inputs = torch.empty(1, tokens, width, device="meta")
    mask = torch.empty(1, 1, tokens, tokens, device="meta")
    if "sliding_attention" in (getattr(text.config, "layer_types", None) or ()):
        mask = {"full_attention": mask, "sliding_attention": mask}
    hidden = text(inputs_embeds=inputs, attention_mask=mask, use_cache=False).last_hidden_state
    built.lm_head(hidden[:, -1:])


def count_served(
    built: torch.nn.Module, model: ServedModel, tokens: VideoTokens, prompt_tokens: int
) -> dict[str, int]:
    """FLOPs of encoding a clip, and of reading it before a question, by torch's counter."""
    parts = {
        "vision": lambda: encode(built, model, tokens),
        "lm": lambda: read(built, tokens.visual_tokens + prompt_tokens),
    }
    return {part: sum(_count(run).values()) for part, run in parts.items()}


def designs(model: ServedModel) -> list[VideoTokens]:
    """Three clips of a model: few and many slices, small and large grids where it has a choice."""
    found = []
    for slices, (rows, columns) in zip(SLICES, GRIDS, strict=True):
        if model.rule.bounds == "fixed":
            rows = columns = model.rule.image // model.rule.patch
        each = model.rule.tokens or rows * columns // model.rule.merge**2
        frames = slices * model.rule.temporal
        found.append(VideoTokens(frames, slices, (rows, columns), slices * each, 0))
    return found


def count_all() -> pd.DataFrame:
    """Count every catalogued model: one row per model and design.

    Columns: model, params, slices, rows, columns (patches), visual_tokens, vision, lm (FLOPs).
    """
    rows = []
    for name, model in tqdm(load_catalogue().items(), desc="models"):
        built = meta_served(model)
        for tokens in designs(model):
            counted = count_served(built, model, tokens, PROMPT)
            shape = (tokens.frames_encoded, *tokens.grid, tokens.visual_tokens)
            rows.append((name, count_params(built), *shape, *counted.values()))
    names = ["model", "params", "slices", "rows", "columns", "visual_tokens", "vision", "lm"]
    return pd.DataFrame(rows, columns=names)


if __name__ == "__main__":
    with whole(TABLE) as part:
        count_all().to_csv(part, index=False)
    print(f"{TABLE} by torch {torch.__version__}, transformers {transformers.__version__}")
