"""An opt-in check on real weights and a real video: `make real-weights`.

The decoder is SmolLM2-135M-Instruct, a Llama, with its own tokenizer; the clip is ten seconds of a
film. Both come from packages, so nothing is fetched from a model hub. No package holds a
pretrained SigLIP, so the tower's weights are random: what is checked is the path, not the answers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

from vvlm_utils.cost.architectures import TOWERS
from vvlm_utils.experiment.data.video import read_video
from vvlm_utils.experiment.model.counting import count_params, tower_config
from vvlm_utils.experiment.model.model import IGNORE, VideoVLM, VideoVLMConfig
from vvlm_utils.experiment.model.presets import PAPER
from vvlm_utils.experiment.model.towers import to_pixels
from vvlm_utils.experiment.train.finetune import parameter_groups
from vvlm_utils.experiment.world.sampling import frame_indices
from vvlm_utils.files import scratch_folder

TOWER, FRAMES, TOKENS = TOWERS["siglip-base-16-384"], 4, 16
FPS = 25
PROMPT, NEXT = "The capital of France is", "Paris"
QUESTION, ANSWER = "What is shown?", " A rabbit in a meadow."


def find(parts: Path, pattern: str) -> Path:
    """A file of the installed parts.

    Raises FileNotFoundError saying how to get it.
    """
    found = sorted(parts.rglob(pattern))
    if not found:
        raise FileNotFoundError(f"no {pattern} under {parts}; `make real-weights` fetches it")
    return found[0]


def load(parts: Path) -> tuple[VideoVLM, AutoTokenizer]:
    """The model with the real decoder behind a tower without training, and the tokenizer."""
    weights = find(parts, "SmolLM2-135M*.gguf")
    source = {"pretrained_model_name_or_path": weights.parent, "gguf_file": weights.name}
    tokenizer, decoder = (
        kind.from_pretrained(**source, local_files_only=True)
        for kind in (AutoTokenizer, AutoModelForCausalLM)
    )
    text = decoder.config.to_dict() | {"attn_implementation": "sdpa"}
    text.pop("quantization_config", None)
    torch.manual_seed(0)
    model = VideoVLM(VideoVLMConfig(tower_config(TOWER), text, antialias=False, preset="real"))
    model.decoder.load_state_dict(decoder.state_dict())
    return model.float().eval(), tokenizer


def pixels_of(video: Path) -> torch.Tensor:
    """The frames that the model sees: (1, frames, 3, side, side) on [-1, 1]."""
    frames = read_video(video)
    chosen = to_pixels(frames[frame_indices(len(frames), FPS, FRAMES)])
    side = (TOWER.image, TOWER.image)
    return F.interpolate(chosen, side, mode="bilinear", antialias=True)[None]


@torch.no_grad()
def say(model: VideoVLM, tokenizer, text: str, pixels=None, words: int = 8) -> str:
    """Greedy continuation of a text, behind a video if one is given."""
    ids = tokenizer(text, return_tensors="pt").input_ids
    prompt = ids.shape[1]
    features = None if pixels is None else model.encode(pixels)
    for _ in range(words):
        last = torch.zeros_like(ids, dtype=torch.bool)
        last[:, -1] = True
        logits = model(ids, TOKENS, features=features, asked=last).logits
        ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], dim=1)
    return tokenizer.decode(ids[0, prompt:])


def example(tokenizer) -> dict[str, torch.Tensor]:
    """One question with its answer as labels."""
    asked, said = (tokenizer(text).input_ids for text in (QUESTION, ANSWER))
    return {
        "input_ids": torch.tensor([asked + said]),
        "labels": torch.tensor([[IGNORE] * len(asked) + said]),
    }


def train(model: VideoVLM, batch: dict, pixels: torch.Tensor, steps: int = 3) -> list[float]:
    """Losses of a few steps on one example, with the paper's groups at ten times its rates."""
    groups = parameter_groups(model.train(), PAPER.finetune)
    for group in groups:
        group["lr"] *= 10  # three steps instead of thousands
    optimizer, losses = torch.optim.AdamW(groups), []
    for _ in range(steps):
        loss = model(**batch, tokens_per_frame=TOKENS, pixel_values=pixels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    model.eval()
    return losses


def check(parts: Path) -> None:
    """Run every step and say what came of it; an AssertionError names what failed."""
    model, tokenizer = load(parts)
    sizes = (count_params(part) / 1e6 for part in (model.decoder, model.tower))
    print("decoder {:.0f} M parameters, tower {:.0f} M (random)".format(*sizes))
    said = say(model, tokenizer, PROMPT)
    print(f"text alone: {PROMPT!r} -> {said!r}")
    assert NEXT in said, "the decoder's weights did not arrive"
    video = find(parts, "bigbuckbunny.mp4")
    pixels, batch = pixels_of(video), example(tokenizer)
    print(f"video: {video.name}, {FRAMES} frames of {TOKENS} tokens")
    losses = train(model, batch, pixels)
    print("training steps, loss:", ", ".join(f"{loss:.3f}" for loss in losses))
    assert losses[-1] < losses[0], "the loss did not fall"
    print(f"video and {QUESTION!r} -> {say(model, tokenizer, QUESTION, pixels)!r}")
    with scratch_folder("real") as folder, torch.no_grad():
        model.save_pretrained(folder)
        back = VideoVLM.from_pretrained(folder).eval()
        kept, again = (m(**batch, tokens_per_frame=TOKENS, pixel_values=pixels).loss
                       for m in (model, back))  # fmt: skip
    assert torch.allclose(kept, again), "a saved model answers otherwise"
    print("saved as safetensors and read back: the same loss")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", type=Path, help="where the packages were installed")
    where = parser.parse_args().parts
    sys.path.append(str(where))
    check(where)
