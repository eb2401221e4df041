"""Video instructions for training at scale: pixels of chosen frames, and a conversation's turns.

Records are those of ``conversations``, below a folder of videos; one that names an image is a video
of one frame. Its turns are packed behind one reading of the video, as the mini clips' questions
are: each sees the video and itself alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from vvlm_utils.experiment.data.video import read_frames
from vvlm_utils.experiment.model.batches import collate
from vvlm_utils.experiment.model.model import IGNORE
from vvlm_utils.experiment.model.towers import to_pixels
from vvlm_utils.experiment.world.conversations import media_of, read_index, without_marks

DATE = "26 Jul 2024"  # some chat templates print a date: the same one every day


def read_instructions(index: Path, root: Path, count: int | None = None) -> list[dict]:
    """The first ``count`` records of an index about the videos below a root.

    Raises ClipError as ``read_index`` does.
    """
    return read_index(index, count, root)


def turn_ids(
    tokenizer: PreTrainedTokenizerBase, question: str, answer: str
) -> tuple[list[int], list[int]]:
    """Token ids of a question, in the tokenizer's chat template if it has one, and of its answer.

    The answer ends with the tokenizer's end token, if it has one.
    """
    if tokenizer.chat_template:
        turn = [{"role": "user", "content": question}]
        settings = {"tokenize": False, "add_generation_prompt": True, "date_string": DATE}
        question = tokenizer.apply_chat_template(turn, **settings)
    asked = tokenizer(question, add_special_tokens=False)["input_ids"]
    said = tokenizer(answer, add_special_tokens=False)["input_ids"]
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return asked, said + end


def pack_turns(record: dict, tokenizer: PreTrainedTokenizerBase) -> dict[str, list[int]]:
    """Token ids, question numbers and labels of a record's turns, in one row."""
    row: dict[str, list[int]] = {"input_ids": [], "question_ids": [], "labels": []}
    texts = [turn["value"] for turn in record["conversations"]]
    for number, (question, answer) in enumerate(zip(texts[::2], texts[1::2], strict=True)):
        asked, said = turn_ids(tokenizer, without_marks(question), answer)
        row["input_ids"] += asked + said
        row["question_ids"] += [number] * (len(asked) + len(said))
        row["labels"] += [IGNORE] * len(asked) + said
    return row


class InstructionDataset(Dataset):
    """Conversations about videos for training: pixels of ``frames`` frames, and the packed turns.

    size : height and width that the tower reads
    """

    def __init__(
        self,
        records: Sequence[dict],
        root: Path,
        tokenizer: PreTrainedTokenizerBase,
        frames: int,
        tokens_per_frame: int,
        size: int,
    ):
        self.records, self.root, self.tokenizer = records, Path(root), tokenizer
        self.frames, self.tokens_per_frame, self.size = frames, tokens_per_frame, size

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict:
        record = self.records[index]
        frames = read_frames(self.root / media_of(record), self.frames, self.size)
        row = pack_turns(record, self.tokenizer)
        return {"pixel_values": to_pixels(frames), "row": row}

    def collate(self, items: Sequence[dict]) -> dict:
        """One batch, as the model's ``forward`` takes it."""
        return collate(items, self.tokens_per_frame)
