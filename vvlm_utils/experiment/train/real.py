"""An opt-in check on real weights and real videos: `make real-weights`.

The decoder is SmolLM2-135M-Instruct, a Llama, with its own tokenizer; the tower is an
EfficientNet-Lite0 trained on ImageNet, frozen; the clips are seconds of three films. All come from
packages, so nothing is fetched from a model hub. No package holds a pretrained SigLIP.
The path is checked: text, a few training steps, answers, a saved model. With ``--sight`` the model
is then trained for minutes, and it is checked that it sees: see ``sight``.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

from vvlm_utils.experiment.data.video import read_video
from vvlm_utils.experiment.model.counting import count_params
from vvlm_utils.experiment.model.efficientnet import load_lite0
from vvlm_utils.experiment.model.model import IGNORE, VideoVLM, VideoVLMConfig
from vvlm_utils.experiment.model.presets import PAPER, Stage
from vvlm_utils.experiment.model.towers import to_pixels
from vvlm_utils.experiment.train import sight
from vvlm_utils.experiment.train.finetune import parameter_groups
from vvlm_utils.experiment.world.sampling import frame_indices
from vvlm_utils.files import scratch_folder

FRAMES, TOKENS = 4, 16
FPS = 25
PROMPT, NEXT = "The capital of France is", "Paris"
QUESTION, ANSWER = "What is shown?", " A rabbit in a meadow."
FILMS = {"bikes.mp4": " bikes", "bigbuckbunny.mp4": " rabbit", "carphone_pristine.mp4": " man"}
KEPT = 36  # frames of each film; the first two thirds are for training
SIGHT = Stage(batch=6, lm_rate=3e-4, projector_rate=1e-3, tower_rate=0, embedding_rate=0)
SIGHT_TOKENS, STEPS, REPEATS = 4, 60, 8


def find(parts: Path, pattern: str) -> Path:
    """A file of the installed parts.

    Raises FileNotFoundError saying how to get it.
    """
    found = sorted(parts.rglob(pattern))
    if not found:
        raise FileNotFoundError(f"no {pattern} under {parts}; `make real-weights` fetches it")
    return found[0]


def load(parts: Path) -> tuple[VideoVLM, AutoTokenizer]:
    """The model of the real decoder and the real tower, and the tokenizer."""
    tower = load_lite0(find(parts, "efficientnet-lite0-*.pth"))
    weights = find(parts, "SmolLM2-135M*.gguf")
    source = {"pretrained_model_name_or_path": weights.parent, "gguf_file": weights.name}
    tokenizer, decoder = (
        kind.from_pretrained(**source, local_files_only=True)
        for kind in (AutoTokenizer, AutoModelForCausalLM)
    )
    text = decoder.config.to_dict() | {"attn_implementation": "sdpa"}
    text.pop("quantization_config", None)
    torch.manual_seed(0)
    model = VideoVLM(VideoVLMConfig(tower.config, text, antialias=False, preset="real"))
    model.decoder.load_state_dict(decoder.state_dict())
    model.tower.load_state_dict(tower.state_dict())
    return model.float().eval(), tokenizer


def pixels_of(frames: np.ndarray, side: int) -> torch.Tensor:
    """What the tower takes of uint8 frames: (frames, 3, side, side) on [-1, 1]."""
    return F.interpolate(to_pixels(frames), (side, side), mode="bilinear", antialias=True)


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


def check_path(model: VideoVLM, tokenizer, parts: Path) -> None:
    """Text, a video, training steps and a saved model, each run and printed."""
    said = say(model, tokenizer, PROMPT)
    print(f"text alone: {PROMPT!r} -> {said!r}")
    assert NEXT in said, "the decoder's weights did not arrive"
    video, side = find(parts, "bigbuckbunny.mp4"), model.config.vision_config.image_size
    frames = read_video(video)
    pixels = pixels_of(frames[frame_indices(len(frames), FPS, FRAMES)], side)[None]
    batch = example(tokenizer)
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


@torch.no_grad()
def films_of(model: VideoVLM, tokenizer, parts: Path) -> tuple[sight.Films, sight.Films]:
    """What the tower sees of the three films: earlier frames to train on, later ones for the test.

    Raises FileNotFoundError or VideoError for a film that cannot be read.
    """
    side, early, late = model.config.vision_config.image_size, [], []
    for name in FILMS:
        frames = read_video(find(parts, name))
        frames = frames[np.linspace(0, len(frames) - 1, KEPT).astype(int)]
        seen = model.encode(pixels_of(frames, side)[None])[0]
        early.append(seen[: KEPT * 2 // 3])
        late.append(seen[KEPT * 2 // 3 :])
    names = [tokenizer(answer).input_ids[0] for answer in FILMS.values()]
    asked = {name: tokenizer(text).input_ids for name, text in sight.QUESTIONS.items()}
    return sight.Films(early, names, asked), sight.Films(late, names, asked)


def check_sight(model: VideoVLM, tokenizer, parts: Path) -> None:
    """Train on clips of the films, and compare answers with frames right and otherwise."""
    rng = np.random.default_rng(0)
    early, late = films_of(model, tokenizer, parts)
    side, design = model.config.vision_config.image_size, (FRAMES, SIGHT_TOKENS)
    with torch.no_grad():
        blank = model.encode(torch.zeros(1, 1, 3, side, side))
    start = time.perf_counter()
    losses = sight.learn(model, early, SIGHT, design, STEPS, rng)
    first, last = (np.mean(losses[part]) for part in (slice(5), slice(-5, None)))
    took = time.perf_counter() - start
    print(f"clips of two films: {STEPS} steps in {took:.0f} s, loss {first:.2f} -> {last:.2f}")
    table = sight.accuracies(model, late, blank, design, REPEATS, rng)
    clips = REPEATS * len(list(permutations(FILMS, 2)))
    print(f"share of right answers on {clips} clips of later frames (chance {sight.CHANCE:.2f}):")
    print(table.round(2).to_string())
    faults = sight.faults_of(table)
    assert not faults, "; ".join(faults)
    print("the model sees: blanked frames leave the blind guess, and order changes what needs it")


def check(parts: Path, sees: bool = False) -> None:
    """Run every step, ``sees`` included if asked; an AssertionError names what failed."""
    model, tokenizer = load(parts)
    sizes = (count_params(part) / 1e6 for part in (model.decoder, model.tower))
    print("decoder {:.0f} M parameters, tower {:.1f} M, both trained".format(*sizes))
    check_path(model, tokenizer, parts)
    if sees:
        check_sight(load(parts)[0], tokenizer, parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", type=Path, help="where the packages were installed")
    parser.add_argument("--sight", action="store_true", help="train, and check that it sees")
    given = parser.parse_args()
    sys.path.append(str(given.parts))
    check(given.parts, given.sight)
