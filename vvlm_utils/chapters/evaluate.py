"""Chapter 4, What does the finetuned model answer?"""

from vvlm_utils.chapters import finetune
from vvlm_utils.chapters.declaration import declare


class Parameters(finetune.Parameters):
    mode: str = declare(
        "replay",
        '"replay" kept answers, or "train": ask the model that chapter 3 trained',
        choices=["replay", "train"],
    )
    groups: int = declare(5, "groups of difficulty in each family", least=2, most=50)
