"""The served models as the allocator page reads them: shapes, token rules and constants, as JSON.

``book/assets/allocator_served.js`` does with these what ``cost/tokens.py``, ``cost/flags.py``,
``cost/served.py`` and ``frontier/families.py`` do with the catalogue; a test holds the two to the
same designs, prices and lines to paste.
"""

from __future__ import annotations

from dataclasses import asdict

from vvlm_utils.cost import flags, served
from vvlm_utils.cost.catalogue import ServedModel, families
from vvlm_utils.cost.clips import LEAST_SIDE, MOST_ASPECT, MOST_SECONDS, MOST_SIDE, Clip, TokenRule
from vvlm_utils.cost.decoders import Decoder
from vvlm_utils.cost.serving import ACCELERATORS, BYTES_PER_NUMBER, HOUR
from vvlm_utils.frontier.families import FRAMES, RELATIVE, TOKENS

TOWER = ("hidden", "layers", "intermediate", "patch", "temporal", "gated", "class_token", "window",
         "full_blocks")  # fmt: skip


def _without_zeros(record: dict) -> dict:
    """The record without what is nought, false or none, which the page reads as nought."""
    return {name: value for name, value in record.items() if value}


def describe_rule(rule: TokenRule) -> dict:
    """A token rule with a token's cell and the floor of tokens per frame."""
    return _without_zeros(asdict(rule)) | {
        "factor": rule.factor,
        "floor": flags.floor_tokens(rule),
    }


def describe_decoder(decoder: Decoder) -> dict:
    """What reading and writing tokens takes: sums over all layers where that is one number.

    linear : weights that a token is multiplied with; width : of all heads; cache : numbers that a
    layer keeps for a token; full_layers : those that attend to all tokens; read : parameters of a
    pass with every expert
    """
    return _without_zeros({
        "layers": decoder.layers,
        "full_layers": decoder.layers // decoder.full_every if decoder.window else decoder.layers,
        "window": decoder.window,
        "width": decoder.heads * decoder.head_dim,
        "cache": 2 * decoder.kv_heads * decoder.head_dim,
        "linear": decoder.linear_params(decoder.experts_used),
        "logits": decoder.logits_flops,
        "read": decoder.read_params,
        "experts": decoder.experts,
        "experts_used": decoder.experts_used,
        "expert_weights": decoder.expert_layers * decoder.expert_params,
    })  # fmt: skip


def describe_model(model: ServedModel, rules: list[TokenRule]) -> dict:
    """A model with the place of its rule among ``rules``."""
    tower = {name: getattr(model.tower, name) for name in TOWER}
    return {
        "name": model.name,
        "checkpoint": model.checkpoint,
        "rule": rules.index(model.rule),
        "params": model.params,
        "vision_params": model.vision_params,
        "lm_params": model.decoder.active_params,
        "tower": _without_zeros(tower),
        "projector": _without_zeros({
            "weights": model.projector.weights,
            "per_feature": model.projector.per_feature,
        }),
        "decoder": describe_decoder(model.decoder),
    }  # fmt: skip


def export_served() -> dict:
    """Families, rules, accelerators and the constants that price them."""
    every = families()
    rules = list(dict.fromkeys(model.rule for models in every.values() for model in models))
    return {
        "families": {
            family: [describe_model(model, rules) for model in models]
            for family, models in every.items()
        },
        "rules": [describe_rule(rule) for rule in rules],
        "accelerators": {
            name: {"bandwidth": each.bandwidth, "memory": each.memory_bytes}
            for name, each in ACCELERATORS.items()
        },
        "frames": FRAMES,
        "tokens": TOKENS,
        "near": flags.NEAR,
        "most_cells": flags.MOST_CELLS,
        "most_pruning": flags.MOST_PRUNING,
        "fps_loaders": flags.FPS_LOADERS,
        "memory_share": served.MEMORY_SHARE,
        "most_batch": served.MOST_BATCH,
        "decode_rate": served.DECODE_RATE,
        "bytes": BYTES_PER_NUMBER,
        "hour": HOUR,
        "source_fps": Clip(1, 640, 360).source_fps,
        "limits": {
            "side": [LEAST_SIDE, MOST_SIDE], "seconds": MOST_SECONDS, "aspect": MOST_ASPECT,
        },
        "relative": RELATIVE,
    }  # fmt: skip
