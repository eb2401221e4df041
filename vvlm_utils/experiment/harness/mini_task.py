"""The mini benchmark as a task of lmms-eval: a clip's questions one by one, a metric a family.

No torch here: the functions are called by the harness, which loads ``vvlm_mini.yaml``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from vvlm_utils.experiment.world.conversations import questions_of, read_index

YAML = Path(__file__).with_name("vvlm_mini.yaml")


def write_task(clips: Path, folder: Path, count: int | None = None) -> Path:
    """Write the task of a split's first ``count`` clips, for ``--include_path folder``.

    Raises ClipError for clips that cannot be read.
    """
    clips, folder = Path(clips).resolve(), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    questions = [
        {
            "video": str(clips / record["video"]),
            "clip": number,
            "family": question.family,
            "prompt": " ".join(question.words),
            "answer": question.answer,
            "words": 2 if question.via else 1,  # to be said, the answer last
        }
        for number, record in enumerate(read_index(clips / "index.json", count))
        for question in questions_of(record)
    ]
    (folder / "questions.json").write_text(json.dumps(questions))
    return Path(shutil.copy(YAML, folder))


def doc_to_visual(doc: dict) -> list[str]:
    """The video's file."""
    return [doc["video"]]


def doc_to_text(doc: dict, lmms_eval_specific_kwargs: dict | None = None) -> str:
    """The question's words."""
    return doc["prompt"]


def doc_to_target(doc: dict) -> str:
    """The answer's word."""
    return doc["answer"]


def process_results(doc: dict, results: list[str]) -> dict[str, float]:
    """Whether the answer's word is right, as the metric of the question's family.

    >>> doc = {"family": "fact", "answer": "texture3", "words": 2}
    >>> process_results(doc, ["colour1 texture3"]), process_results(doc, ["texture3 colour1"])
    ({'fact': 1.0}, {'fact': 0.0})
    """
    said = results[0].split()[: doc["words"]]
    return {doc["family"]: float(len(said) == doc["words"] and said[-1] == doc["answer"])}
