"""What transformers' own video processors make of clips: a kept table for the token rules.

The processors need torchvision and the package index's torch, so they run in an environment of
their own, on tensors without numbers (the meta device): ``make processors-env`` renews
``data/processor_counts.csv``. A row is one clip under one family's processor; where the
processor refuses the clip, its counts are 0.
"""

from __future__ import annotations

import csv
import itertools
from types import SimpleNamespace

import torch
import transformers
from transformers.video_utils import VideoMetadata

from vvlm_utils.cost.catalogue import ServedModel, families
from vvlm_utils.cost.clips import Clip
from vvlm_utils.files import DATA_FOLDER, whole

TABLE = DATA_FOLDER / "processor_counts.csv"
PROCESSORS = {
    "qwen2-vl": "Qwen2VL",
    "qwen2.5-vl": "Qwen2VL",
    "qwen3-vl": "Qwen3VL",
    "glm-v": "Glm4v",
    "videollama3": "VideoLlama3",
    "internvl3": "InternVL",
    "internvl3.5": "InternVL",
    "llava-onevision": "LlavaOnevision",
    "llava-next-video": "LlavaNextVideo",
    "smolvlm2": "SmolVLM",
}
DURATIONS = (1.0, 4.0, 10.0, 33.4, 90.0, 400.0)
SIZES = ((1280, 720), (640, 360), (1920, 1080), (480, 854), (320, 240), (64, 48), (2000, 100))
SAMPLES = ({"fps": 2.0}, {"frames": 8}, {"fps": 0.5}, {"frames": 33}, {"fps": 1.7})
BOUNDS = ("checkpoint", "class", "narrow")
SOURCE_FPS = 29.97
NARROW = {"min_pixels": 50_176, "max_pixels": 200_704}
COLUMNS = (
    "family duration width height source_fps fps frames min_pixels max_pixels cap "
    "frames_read slices rows columns visual_tokens"
).split()


def _bounds(model: ServedModel, kind: str) -> dict[str, int]:
    """Pixels that the processor is told to keep within; none for one size."""
    if model.rule.bounds == "fixed":
        return {}
    if kind == "narrow":
        return NARROW
    rule = model.class_rule if kind == "class" else model.rule
    return {"min_pixels": rule.min_pixels, "max_pixels": rule.max_pixels}


def check_class_bounds(model: ServedModel) -> None:
    """Refuse a rule whose bounds of the class are not those of the class; ValueError says which."""
    if model.rule.bounds == "fixed":
        return
    size = getattr(transformers, f"{PROCESSORS[model.family]}VideoProcessor")().size
    found = (size["shortest_edge"], size["longest_edge"])
    kept = (model.class_rule.min_pixels, model.class_rule.max_pixels)
    if found != kept:
        raise ValueError(f"{model.family}: class_bounds are {kept}, transformers has {found}")


def _processor(model: ServedModel, bounds: dict, cap: bool):
    """The family's video processor with these bounds."""
    kind = getattr(transformers, f"{PROCESSORS[model.family]}VideoProcessor")
    settings: dict = {}
    if bounds:
        edges = ("shortest_edge", "longest_edge")
        settings["size"] = dict(zip(edges, bounds.values(), strict=True))
    elif model.family == "smolvlm2":
        side = {"longest_edge": model.rule.image}
        settings |= {"max_image_size": side, "size": {"longest_edge": 4 * model.rule.image}}
        settings |= {"num_frames": model.rule.max_frames, "fps": model.rule.fps}
    elif model.family == "llava-next-video":
        side = model.rule.image
        settings |= {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    else:
        settings["size"] = {"height": model.rule.image, "width": model.rule.image}
    if model.family == "videollama3":
        settings["use_token_compression"] = False
    if model.rule.cap_tokens:
        settings["cap_pixels_per_frame"] = cap
    return kind(**settings)


def _placeholders(model: ServedModel, pixels: torch.Tensor, metadata: VideoMetadata) -> int:
    """Visual tokens that the processor's own text code writes for frames of one size."""
    kind = getattr(transformers, f"{PROCESSORS[model.family]}Processor")
    features = (model.rule.image // model.rule.patch) ** 2
    own = SimpleNamespace(
        video_token="~", image_token="~", fake_image_token="", global_image_token="",
        start_image_token="", end_image_token="", image_seq_length=model.rule.tokens,
        image_seq_len=model.rule.tokens, num_image_tokens=features, patch_size=model.rule.patch,
    )  # fmt: skip
    name = "pixel_values" if model.family == "smolvlm2" else "pixel_values_videos"
    seen = pixels[None] if model.family == "smolvlm2" else [pixels]
    written = kind.replace_video_token(own, {name: seen, "video_metadata": [metadata]}, 0)
    return written.count("~")


def count_clip(model: ServedModel, clip: Clip, sample: dict, bounds: dict, cap: bool) -> tuple:
    """Frames read, slices, rows, columns and visual tokens by the processor itself."""
    processor = _processor(model, bounds, cap)
    total, fps = clip.total_frames, clip.source_fps
    metadata = VideoMetadata(
        total_num_frames=total, fps=fps, duration=total / fps, width=clip.width, height=clip.height
    )
    asked = {"fps": sample.get("fps"), "num_frames": sample.get("frames")}
    if model.family == "glm-v":  # it knows no number of frames
        asked = {"fps": sample.get("fps") or sample["frames"] / min(total / fps, 300)}
    if model.family == "smolvlm2" and "frames" in sample:
        asked["fps"] = sample["frames"] / clip.duration + 1
    if model.family == "smolvlm2" and "fps" in sample:
        asked.pop("num_frames")
    indices = processor.sample_frames(metadata, **asked)
    metadata.frames_indices = list(map(int, indices))
    frames = len(indices)
    video = torch.empty(frames, 3, clip.height, clip.width, dtype=torch.uint8, device="meta")
    done = processor(
        videos=[video], video_metadata=[metadata], do_sample_frames=False, return_tensors="pt"
    )
    if "video_grid_thw" in done:
        slices, rows, columns = done["video_grid_thw"][0].tolist()
        return frames, slices, rows, columns, slices * rows * columns // model.rule.merge**2
    pixels = done["pixel_values" if model.family == "smolvlm2" else "pixel_values_videos"][0]
    count, _, height, width = pixels.shape
    grid = (height // model.rule.patch, width // model.rule.patch)
    text = pixels
    if model.family == "llava-next-video":  # it looks at numbers
        text = torch.zeros(count, 3, height, width)
    return frames, count, *grid, _placeholders(model, text, metadata)


def main() -> None:
    """Write the table."""
    rows = []
    for family, models in families().items():
        if family not in PROCESSORS:
            continue
        model = models[0]
        check_class_bounds(model)
        cases = zip(
            itertools.product(DURATIONS, SIZES), itertools.cycle(SAMPLES), itertools.cycle(BOUNDS)
        )
        for place, cap in itertools.product(enumerate(cases), (False, True)):
            _, ((duration, (width, height)), sample, kind) = place
            if cap and not model.rule.cap_tokens:
                continue
            clip, bounds = Clip(duration, width, height, SOURCE_FPS), _bounds(model, kind)
            try:
                counts = count_clip(model, clip, sample, bounds, cap)
            except (ValueError, ArithmeticError) as refusal:
                print(family, duration, width, height, sample, str(refusal)[:90])
                counts = (0,) * 5
            asked = (sample.get("fps", ""), sample.get("frames", ""))
            low, high = bounds.values() if bounds else ("", "")
            clipped = (family, duration, width, height, SOURCE_FPS)
            rows.append((*clipped, *asked, low, high, int(cap), *counts))
    with whole(TABLE) as part, part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows])
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{TABLE}: {len(rows)} clips by {versions}")


if __name__ == "__main__":
    main()
