"""What the mini decoders know before finetuning: to read squares, facts and sums.

A language model of a VLM comes pretrained; here every size and draw is pretrained once. Half of a
step is text alone (which colour does a fact or a sum name?), the other half are scenes as ideal
labels of their patches, through a throw-away linear projector and the model's own resize, with
random numbers of frames and tokens. The scenes come from a seed of their own; new names do not
occur. So the decoder meets the task's form, not its pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import get_cosine_schedule_with_warmup

from vvlm_utils.experiment.model.batches import pack, pad
from vvlm_utils.experiment.model.model import VideoVLM, resize
from vvlm_utils.experiment.model.presets import MINI, Recipe
from vvlm_utils.experiment.world.questions import (
    SQUARE_OF,
    Question,
    ask,
    text_question,
    texture_word,
)
from vvlm_utils.experiment.world.sampling import frame_indices
from vvlm_utils.experiment.world.scenes import ROLES, WORLD, Scene, sample_scene, soft_labels
from vvlm_utils.progress import bar

POOL_SEED = 77_000  # of the scenes; clips have other seeds
PLAIN = ("brief", "small", "brief_small")  # the families that name a square by its colour
FAMILY_OF = {SQUARE_OF[family]: family for family in PLAIN}


def scene_questions(scene: Scene, rng: np.random.Generator, frames: np.ndarray, composed: int):
    """Questions about one scene, and whether each can be answered from the frames.

    Every square is asked for once by its colour under the name of a family; ``composed`` facts and
    as many sums follow.
    """
    seen = scene.visible(frames).any(axis=0)
    questions: list[Question] = []
    for i, role in enumerate(ROLES):
        family = FAMILY_OF.get(role) or PLAIN[rng.integers(len(PLAIN))]
        word = (family, f"colour{scene.colour[i]}")
        questions.append(Question(family, word, texture_word(int(scene.texture[i])), 0.0))
    keep = [bool(shown) for shown in seen]
    for family in ("fact", "sum") * composed:
        questions.append(ask(scene, family, rng))
        keep.append(True)
    return questions, keep


class Pool:
    """A fixed pool of scenes with the labels of all their frames."""

    def __init__(self, count: int, seed: int = POOL_SEED):
        rng = np.random.default_rng(seed)
        self.scenes = [sample_scene(rng) for _ in range(count)]
        everything = np.arange(WORLD.frames)
        labels = [soft_labels(scene, everything) for scene in self.scenes]
        self.labels = np.stack(labels).astype(np.float16).reshape(count, WORLD.frames, -1, 16)

    def batch(self, chosen: np.ndarray, frames: int, composed: int, rng: np.random.Generator):
        """Labels (batch, frames, patches, channels) and packed questions of the chosen scenes."""
        at = frame_indices(WORLD.frames, WORLD.fps, frames)
        rows = [pack(*scene_questions(self.scenes[i], rng, at, composed)) for i in chosen]
        labels = torch.from_numpy(self.labels[chosen][:, at].astype(np.float32))
        return labels, pad(rows)


def text_batch(count: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """Half facts, half sums, one a row."""
    families: Sequence[str] = ("fact", "sum")
    return pad([pack([text_question(families[i % 2], rng)]) for i in range(count)])


def pretrain_decoder(
    model: VideoVLM,
    pool: Pool,
    rng: np.random.Generator,
    recipe: Recipe | None = None,
    rate: float | None = None,
    progress: bool = True,
) -> tuple[nn.Linear, list[tuple[float, float]]]:
    """Train the decoder of ``model`` in place, reading scenes as labels through a linear stand-in.

    Returns the stand-in for the projector, which is left alone, and each step's loss on scenes and
    on text.
    """
    recipe = recipe or Recipe()
    rate = rate or MINI.pretrain_rates[model.config.lm]
    width = model.config.text_config.hidden_size
    stand_in = nn.Linear(WORLD.labels, width)
    parameters = [*model.decoder.parameters(), *stand_in.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0, fused=True)
    warmup = math.ceil(0.05 * recipe.steps)
    schedule = get_cosine_schedule_with_warmup(optimizer, warmup, recipe.steps)
    losses = []
    for step in bar(range(recipe.steps), f"pretraining {model.config.lm}", show=progress):
        early = step < recipe.short * recipe.steps
        frames = int(rng.choice([t for t in recipe.frames if t <= (2 if early else 16)]))
        most = min(9, recipe.most_tokens) if early else recipe.most_tokens // frames
        tokens = int(rng.choice([g * g for g in recipe.grids if g * g <= most]))
        chosen = rng.integers(0, len(pool.scenes), recipe.scenes)
        labels, asked = pool.batch(chosen, frames, recipe.composed, rng)
        visual = resize(stand_in(labels), tokens, model.config.antialias)
        text = text_batch(recipe.texts, rng)
        scene_loss, text_loss = model.read(visual, **asked).loss, model.read(None, **text).loss
        optimizer.zero_grad()
        (scene_loss + text_loss).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        losses.append((float(scene_loss.detach()), float(text_loss.detach())))
    return stand_in, losses


def teach_projector(
    model: VideoVLM,
    stand_in: nn.Linear,
    features: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    steps: int = 1_500,
    batch: int = 1_024,
    rate: float = 1e-2,
) -> float:
    """Start the projector where the decoder can read it; returns the last share left unexplained.

    It learns by squared error to say of a patch's features what the stand-in says of its labels;
    a decoder this small does not find that by its answers' loss from every start.
    features (patches, tower width), labels (patches, channels)
    """
    optimizer = torch.optim.AdamW(model.projector.parameters(), lr=rate, weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, 0, steps)
    for _ in range(steps):
        chosen = rng.integers(0, len(features), batch)
        seen = model.projector(torch.from_numpy(features[chosen].astype(np.float32)))
        with torch.no_grad():
            target = stand_in(torch.from_numpy(labels[chosen].astype(np.float32)))
        loss = nn.functional.mse_loss(seen, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return float(loss.detach() / target.var(dim=0).mean())
