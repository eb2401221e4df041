"""The mini preset's vision tower: pretrained on what covers each patch, then frozen.

It learns, from decoded video frames of its own split, the share of every patch that each colour
and each texture covers. No question and no answer of the benchmark enters. The paper's preset
takes published weights instead.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from transformers import SiglipVisionModel

from vvlm_utils.experiment.model.counting import tower_config
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.world.scenes import WORLD
from vvlm_utils.progress import bar

STEPS, BATCH, RATE = 2_000, 96, 2e-3


def to_pixels(frames: np.ndarray) -> torch.Tensor:
    """uint8 RGB (..., height, width, 3) to floats on [-1, 1], channels first."""
    return torch.from_numpy(frames).movedim(-1, -3).float() / 127.5 - 1


def pretrain_tower(
    frames: np.ndarray,
    labels: np.ndarray,
    seed: int = 0,
    steps: int = STEPS,
    progress: bool = True,
) -> tuple[SiglipVisionModel, nn.Linear, list[float]]:
    """Train the tower and a throw-away linear head by binary cross-entropy on soft labels.

    frames : uint8 (count, size, size, 3); labels : (count, grid, grid, channels) on 0-1
    Returns the tower, its head and the loss of every step.
    """
    torch.manual_seed(seed)
    tower = SiglipVisionModel(tower_config(MINI.tower))
    head = nn.Linear(MINI.tower.hidden, WORLD.labels)
    parameters = [*tower.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    rng, losses = np.random.default_rng(seed), []
    for _ in bar(range(steps), "pretraining the tower", show=progress):
        chosen = np.sort(rng.integers(0, len(frames), BATCH))
        target = torch.from_numpy(np.asarray(labels[chosen], dtype=np.float32)).flatten(1, 2)
        seen = head(tower(pixel_values=to_pixels(frames[chosen])).last_hidden_state)
        loss = nn.functional.binary_cross_entropy_with_logits(seen, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return tower.eval(), head.eval(), losses


@torch.no_grad()
def encode(tower: SiglipVisionModel, frames: np.ndarray, batch: int = 256) -> torch.Tensor:
    """Features of uint8 frames (count, size, size, 3): (count, patches, width), float32."""
    parts = [
        tower(pixel_values=to_pixels(frames[i : i + batch])).last_hidden_state
        for i in range(0, len(frames), batch)
    ]
    return torch.cat(parts)
