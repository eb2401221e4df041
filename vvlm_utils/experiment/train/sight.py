"""Does a model see? Its answers are compared with its frames right, shuffled, reversed and blanked.

A clip is cut from two of three films, one after the other. Two questions need the order (which film
comes first, which last) and one needs the content alone (which film is missing). A model that sees
answers all three on frames that it was not trained on. Blanked frames leave the blind guess; frames
in another order change the first two answers and not the third.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from vvlm_utils.experiment.model.model import IGNORE, VideoVLM
from vvlm_utils.experiment.model.presets import Stage
from vvlm_utils.experiment.train.finetune import parameter_groups

QUESTIONS = {
    "first": "What comes first?",
    "last": "What comes last?",
    "missing": "What is missing?",
}
ORDERED = ["first", "last"]
CHANCE = 1 / 3  # three films, each the answer equally often


@dataclass(frozen=True)
class Films:
    """What three films' frames look like to the tower.

    features : one tensor a film, (frames, patches, width)
    answers : the token that names each film
    questions : the tokens of each question
    """

    features: list[Tensor]
    answers: list[int]
    questions: dict[str, list[int]]


def pairs_of(films: Films, frames: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """One clip of every ordered pair of films, from frames drawn at random and kept in order.

    Returns features (6, frames, patches, width), and answers (6, 3): films by their number.
    """
    clips, answers = [], []
    for first, last in permutations(range(3), 2):
        halves = []
        for film in (first, last):
            shown = films.features[film]
            chosen = np.sort(rng.choice(len(shown), frames // 2, replace=False))
            halves.append(shown[chosen])
        clips.append(torch.cat(halves))
        answers.append([first, last, 3 - first - last])
    return torch.stack(clips), torch.tensor(answers)


def batch_of(films: Films, answers: Tensor) -> dict[str, Tensor]:
    """The three questions of each clip, packed, with their answers as labels."""
    asked = list(films.questions.values())
    texts, labels = [], []
    for row in answers.tolist():
        said = [films.answers[film] for film in row]
        texts.append([token for q, a in zip(asked, said, strict=True) for token in (*q, a)])
        blanks = [[IGNORE] * len(q) for q in asked]
        labels.append([token for b, a in zip(blanks, said, strict=True) for token in (*b, a)])
    owners = [i for i, q in enumerate(asked) for _ in range(len(q) + 1)]
    return {
        "input_ids": torch.tensor(texts),
        "labels": torch.tensor(labels),
        "question_ids": torch.tensor([owners] * len(texts)),
    }


def learn(
    model: VideoVLM,
    films: Films,
    stage: Stage,
    design: tuple[int, int],
    steps: int,
    rng: np.random.Generator,
) -> list[float]:
    """Train on fresh clips of every pair with a rate that falls to 0; the loss of every step.

    design : frames, and tokens per frame
    """
    optimizer = torch.optim.AdamW(parameter_groups(model.train(), stage))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    losses = []
    for _ in range(steps):
        features, answers = pairs_of(films, design[0], rng)
        batch = batch_of(films, answers)
        loss = model(**batch, features=features, tokens_per_frame=design[1]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    model.eval()
    return losses


def shown_otherwise(blank: Tensor, rng: np.random.Generator) -> dict[str, Callable]:
    """How clips (count, frames, patches, width) are shown; ``blank`` is an empty frame's features.

    A shuffle draws an order for each clip, so about half of the clips still begin with the same
    film.
    """

    def shuffled(clips: Tensor) -> Tensor:
        return torch.stack([clip[torch.from_numpy(rng.permutation(len(clip)))] for clip in clips])

    return {
        "right": lambda clips: clips,
        "shuffled": shuffled,
        "reversed": lambda clips: clips.flip(1),
        "blanked": lambda clips: blank.expand_as(clips),
    }


@torch.no_grad()
def answers_to(model: VideoVLM, films: Films, features: Tensor, tokens: int) -> Tensor:
    """The film named in answer to each question: (clips, 3), by the likelier of the three names."""
    batch = batch_of(films, torch.zeros(len(features), 3, dtype=torch.long))
    asked = (batch["labels"] != IGNORE).roll(-1, dims=1)  # where an answer is the next token
    inputs = {"input_ids": batch["input_ids"], "question_ids": batch["question_ids"]}
    output = model(**inputs, features=features, tokens_per_frame=tokens, asked=asked)
    return output.logits[:, films.answers].argmax(-1).unflatten(0, (len(features), 3))


def accuracies(
    model: VideoVLM,
    films: Films,
    blank: Tensor,
    design: tuple[int, int],
    repeats: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Share of right answers: one row per way of showing the frames, one column per question.

    The same clips, every pair of films ``repeats`` times, are shown each way.
    """
    drawn = [pairs_of(films, design[0], rng) for _ in range(repeats)]
    rows = {}
    for name, change in shown_otherwise(blank, rng).items():
        right = [
            (answers_to(model, films, change(clips), design[1]) == answers).float().mean(0)
            for clips, answers in drawn
        ]
        rows[name] = torch.stack(right).mean(0).tolist()
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(QUESTIONS))


def faults_of(table: pd.DataFrame) -> list[str]:
    """What in a table of accuracies speaks against a model that sees, one line each."""
    right, blank = table.loc["right"], table.loc["blanked"]
    faults = []
    if right.min() < 0.75:
        faults.append(f"right frames: {right.min():.2f} of the answers right, not 0.75")
    if abs(blank - CHANCE).max() > 0.05:
        faults.append("blanked frames: the answers are not a blind guess's")
    for shown, most in (("shuffled", 0.75), ("reversed", CHANCE)):
        if table.loc[shown, ORDERED].max() > most:
            faults.append(f"{shown} frames: the order still comes out right")
        if table.loc[shown, "missing"] < right["missing"] - 0.15:
            faults.append(f"{shown} frames: an answer without order changed too")
    return faults
