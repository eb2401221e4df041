"""Accuracy of a finetuned model on held-out clips, family by family.

Every question is answered greedily among the whole vocabulary. Answers are kept one by one, so
that any further cut (by difficulty, by family) can be made later.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from vvlm_utils.experiment.batches import ClipDataset
from vvlm_utils.experiment.model import IGNORE, VideoVLM
from vvlm_utils.experiment.questions import Question, blind_error, vocabulary


@torch.no_grad()
def answer(
    model: VideoVLM, dataset: ClipDataset, questions: Sequence[Sequence[Question]], batch: int = 32
) -> pd.DataFrame:
    """Ask every question of every clip: columns clip, family, level, answer, predicted, correct."""
    model.eval()
    predicted: list[int] = []
    for items in DataLoader(dataset, batch_size=batch, collate_fn=dataset.collate):
        labels = items.pop("labels")
        asked = torch.zeros_like(labels, dtype=torch.bool)
        asked[:, :-1] = labels[:, 1:] != IGNORE
        predicted += model(**items, asked=asked).logits.argmax(-1).tolist()
    words = vocabulary()
    rows = [(clip, q) for clip, asked in enumerate(questions) for q in asked]
    table = pd.DataFrame(
        {
            "clip": [clip for clip, _ in rows],
            "family": [q.family for _, q in rows],
            "level": [q.level for _, q in rows],
            "answer": [q.answer for _, q in rows],
            "predicted": [words[token] for token in predicted],
        }
    )
    return table.assign(correct=table["answer"] == table["predicted"])


def summarise(answers: pd.DataFrame) -> pd.DataFrame:
    """Metric (accuracy, 0-100) with its standard error and the blind metric, per family and "avg".

    The average's error comes from the spread over clips, since a clip's questions share a video.
    """
    by_family = answers.groupby("family", sort=False)
    metric = 100 * by_family["correct"].mean()
    count = by_family.size()
    table = pd.DataFrame(
        {
            "metric": metric,
            "metric_se": np.sqrt(metric * (100 - metric) / count),
            "blind": 100 - by_family["answer"].agg(lambda a: blind_error(list(a))),
        }
    )
    per_clip = 100 * answers.groupby("clip")["correct"].mean()
    table.loc["avg"] = [
        metric.mean(),
        per_clip.std(ddof=1) / np.sqrt(len(per_clip)),
        table["blind"].mean(),
    ]
    return table
