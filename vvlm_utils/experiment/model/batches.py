"""From clips and questions to tensors: packing, datasets and the collator.

The questions of a clip are packed behind one reading of its video: each sees the video and
itself alone, so a clip's eight questions cost one visual prefix instead of eight.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from vvlm_utils.experiment.model.model import IGNORE
from vvlm_utils.experiment.world.questions import SPECIAL, Question, token_ids
from vvlm_utils.experiment.world.sampling import frame_indices


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A word tokenizer over the world's vocabulary; it is saved with every checkpoint."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(token_ids(), unk_token=SPECIAL[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=SPECIAL[0])


def pack(questions: Sequence[Question], keep: Sequence[bool] | None = None) -> dict[str, list[int]]:
    """Token ids, question numbers and labels of one clip's questions, in one row.

    keep : false for a question whose answer does not count
    """
    ids = token_ids()
    row: dict[str, list[int]] = {"input_ids": [], "question_ids": [], "labels": []}
    for number, question in enumerate(questions):
        words = [ids[word] for word in question.words]
        answer = [ids[word] for word in (question.via, question.answer) if word]
        counts = keep is None or keep[number]
        row["input_ids"] += [*words, *answer]
        row["question_ids"] += [number] * (len(words) + len(answer))
        row["labels"] += [IGNORE] * len(words) + (answer if counts else [IGNORE] * len(answer))
    return row


def pad(rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """Stack rows of different lengths: (batch, longest), int64."""
    fill = {"input_ids": 0, "question_ids": -2, "labels": IGNORE}
    longest = max(len(row["input_ids"]) for row in rows)
    return {
        name: torch.tensor([row[name] + [value] * (longest - len(row[name])) for row in rows])
        for name, value in fill.items()
    }


class ClipDataset(Dataset):
    """Packed clips for training: cached features of ``frames`` frames, and the clip's questions.

    features : (clips, all frames, patches, width), as ``features.cache_features`` gives them
    """

    def __init__(
        self,
        features: np.ndarray,
        questions: Sequence[Sequence[Question]],
        frames: int,
        tokens_per_frame: int,
        fps: float,
    ):
        if len(features) < len(questions):
            raise ValueError(f"{len(questions)} clips but features of {len(features)}")
        self.features, self.tokens_per_frame = features, tokens_per_frame
        self.frames = frame_indices(features.shape[1], fps, frames)
        self.rows = [pack(asked) for asked in questions]

    def with_questions(self, questions: Sequence[Sequence[Question]]) -> ClipDataset:
        """The same clips, frames and tokens with other questions."""
        other = copy(self)
        other.rows = [pack(asked) for asked in questions]
        return other

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        features = torch.from_numpy(np.asarray(self.features[index][self.frames], np.float32))
        return {"features": features, "row": self.rows[index]}

    def collate(self, items: Sequence[dict]) -> dict:
        """One batch, as the model's ``forward`` takes it."""
        return collate(items, self.tokens_per_frame)


def collate(items: Sequence[dict], tokens_per_frame: int) -> dict:
    """Stack rows, and cached features or pixels, as the model's ``forward`` takes them."""
    batch = pad([item["row"] for item in items])
    for name in set(items[0]) - {"row"}:
        batch[name] = torch.stack([item[name] for item in items])
    return batch | {"tokens_per_frame": torch.tensor(tokens_per_frame)}
