"""The language model that judges open answers: which one, what it was asked, what it cost.

lmms-eval's judged tasks post to the judge themselves and count a call that failed as a wrong
answer. A meter listens to those calls, so that a record of them stands beside the results and
lost ones are seen. The key comes from the environment alone and is never written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

MODEL = "gpt-4o-mini-2024-07-18"  # the paper's judge
JUDGE_KEY = "OPENAI_API_KEY"
JUDGED_FOLDERS = ("activitynetqa", "video_detail_description", "videochatgpt")  # of lmms-eval
MODEL_VARIABLE = "MODEL_VERSION"  # what lmms-eval's judged tasks read the model's name from
DOLLARS_PER_MILLION = {"prompt_tokens": 0.15, "completion_tokens": 0.60}  # list price, July 2024


@dataclass
class Meter:
    """What passed between the harness and the judge.

    asked, answered : fingerprints of the questions put, and of those that got an answer
    tokens : read and written by the judge; models : which ones say that they answered
    """

    asked: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DOLLARS_PER_MILLION, 0))
    models: set[str] = field(default_factory=set)
    calls: int = 0

    def note(self, question: str, content: dict | None) -> None:
        """Count one call; ``content`` is the judge's reply, none for a failure."""
        self.calls += 1
        self.asked.add(question)
        if content and content.get("choices"):
            self.answered.add(question)
            self.models.add(content.get("model", "unknown"))
            for name in self.tokens:
                self.tokens[name] += (content.get("usage") or {}).get(name, 0)

    def record(self, prompts: dict[str, str], version: str) -> dict:
        """What is kept: ``failed`` questions never got an answer, and count as wrong."""
        cost = sum(self.tokens[name] * price / 1e6 for name, price in DOLLARS_PER_MILLION.items())
        return {
            "model": MODEL,
            "answered_by": sorted(self.models),
            "calls": self.calls,
            "questions": len(self.asked),
            "failed": len(self.asked - self.answered),
            **self.tokens,
            "dollars": round(cost, 6),
            "dollars_per_million_tokens": DOLLARS_PER_MILLION,
            "prompts_sha256": prompts,
            "lmms_eval": version,
        }


@contextmanager
def metered() -> Iterator[Meter]:
    """Listen to every ``requests.post`` of a chat, from any thread, while the block runs."""
    import requests

    meter, lock, post = Meter(), Lock(), requests.post

    def listening(url, *args, **kwargs):
        question, content = kwargs.get("json") or {}, None
        try:
            response = post(url, *args, **kwargs)
            content = response.json() if response.ok else None
            return response
        except ValueError:  # an answer that is no JSON
            return response
        finally:
            if "messages" in question:
                mark = hashlib.sha256(json.dumps(question).encode()).hexdigest()
                with lock:
                    meter.note(mark, content)

    requests.post = listening
    try:
        yield meter
    finally:
        requests.post = post


def prompt_versions(tasks: Path) -> dict[str, str]:
    """A hash of the file of each judged task that holds its prompt, by its folder's name.

    tasks : lmms-eval's folder of tasks
    """
    return {
        name: hashlib.sha256((tasks / name / "utils.py").read_bytes()).hexdigest()[:16]
        for name in JUDGED_FOLDERS
    }
