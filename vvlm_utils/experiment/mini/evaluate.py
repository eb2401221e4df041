"""Accuracy of a finetuned model on held-out clips, family by family.

Every question is answered greedily among the whole vocabulary, word by word: what a decoder says
first stands before what it says next. Answers are kept one by one, so that any further cut (by
difficulty, by family) can be made later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from vvlm_utils.experiment.model.batches import ClipDataset
from vvlm_utils.experiment.model.model import IGNORE, VideoVLM
from vvlm_utils.experiment.world.questions import Question, vocabulary


def answer(
    model: VideoVLM, dataset: ClipDataset, questions: Sequence[Sequence[Question]], batch: int = 32
) -> pd.DataFrame:
    """Ask every question of every clip: columns clip, family, level, answer, predicted, correct.

    A question with a word to be said before the answer is asked twice, the second time with the
    word that the model itself said.
    """
    words = vocabulary()
    rows = [(clip, q) for clip, asked in enumerate(questions) for q in asked]
    said = _next_words(model, dataset, questions, batch)
    two_step = [i for i, (_, q) in enumerate(rows) if q.via]
    told: list[list[Question]] = [[] for _ in questions]
    for i in two_step:
        clip, question = rows[i]
        told[clip].append(replace(question, words=(*question.words, words[said[i]]), via=""))
    if two_step:
        said[two_step] = _next_words(model, dataset, told, batch)
    table = pd.DataFrame(
        {
            "clip": [clip for clip, _ in rows],
            "family": [q.family for _, q in rows],
            "level": [q.level for _, q in rows],
            "answer": [q.answer for _, q in rows],
            "predicted": [words[token] for token in said],
        }
    )
    return table.assign(correct=table["answer"] == table["predicted"])


@torch.no_grad()
def _next_words(
    model: VideoVLM, dataset: ClipDataset, questions: Sequence[Sequence[Question]], batch: int
) -> np.ndarray:
    """The word that the model says right after each question, in their order."""
    model.eval()
    held = dataset.with_questions(questions)
    said: list[int] = []
    for items in DataLoader(held, batch_size=batch, collate_fn=held.collate):
        answers = items.pop("labels") != IGNORE
        begins = answers & ~answers.roll(1, dims=1)
        said += model(**items, asked=begins.roll(-1, dims=1)).logits.argmax(-1).tolist()
    return np.array(said)
