"""What one answer, one server and one training run cost: FLOPs, bytes, seconds, dollars.

Every public name of the modules below, imported when first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "architectures": [
            "DECODERS",
            "ExactCost",
            "PAPER_TOWER",
            "TOWERS",
            "Tower",
            "exact_cost",
            "exact_flops",
            "get_decoder",
            "has_decoder",
            "projector_weights",
        ],
        "catalogue": ["ServedModel", "families", "get_model", "load_catalogue"],
        "decoders": ["Decoder"],
        "equation": [
            "COSTS",
            "Cost",
            "FACTORS",
            "SOVIT_400M",
            "TRAIN_EXAMPLES",
            "VisionTower",
            "deployment_ratio",
            "encoder_overhead",
            "encoder_share",
            "inference_cost",
            "lm_only_flops",
            "paper_flops",
            "training_flops",
        ],
        "flags": ["FoundFlags", "find_flags", "floor_tokens", "transformers_lines", "vllm_line"],
        "served": ["ClipPrice", "Server", "clip_cost", "decode_seconds", "price_clip"],
        "serving": [
            "ACCELERATORS",
            "Accelerator",
            "Serving",
            "Work",
            "check_fits",
            "check_utilisation",
            "count_passes",
            "dollars_per_million_videos",
            "get_accelerator",
            "held_bytes",
            "serve",
            "vision_bytes",
            "weight_bytes",
        ],
        "tokens": ["Clip", "Flags", "TokenRule", "VideoTokens", "count_tokens"],
        "towers": ["Projector", "VideoTower"],
        "training": [
            "Memory",
            "PAPER_GPU_HOURS",
            "Text",
            "alignment_flops",
            "all_params",
            "finetuning_flops",
            "forward_cost",
            "gpu_hours",
            "implied_utilisation",
            "plan_costs",
            "runs_by_sweep",
            "training_memory",
        ],
    },
)
