"""What a run leaves behind: a record as JSON, and answers, one row a question. No torch here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import pandas as pd

from vvlm_utils.files import read_json, whole


class RecordError(ValueError):
    """A record that cannot be used: names the file, what is wrong and the fix."""


@dataclass
class RunRecord:
    """What one run was and did.

    stages : a report a stage, by name; settings : what decided them; counts : parameters, FLOPs
    status : "planned", "trained", "evaluated" or "failed", the last with its reason
    """

    preset: str
    lm: str
    lm_params: int
    frames: int
    tokens_per_frame: int
    train_examples: int
    seed: int
    draw: int
    stages: dict[str, dict] = field(default_factory=dict)
    settings: dict[str, dict] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    status: str = "planned"
    reason: str = ""
    provenance: dict[str, str] = field(default_factory=dict)


def write_record(record: RunRecord, path: Path) -> None:
    """Write a record as JSON, atomically."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        part.write_text(json.dumps(asdict(record), indent=1))


def read_record(path: Path, settings: Mapping[str, object] | None = None) -> RunRecord:
    """Read a record.

    settings : parameters of chapter 3 that make the record, for the hint where it is missing

    Raises RecordError for a file that is missing or is no record.
    """
    if not Path(path).exists():
        chosen = "".join(f" -p {name} {value}" for name, value in (settings or {}).items())
        same = "" if chosen else " and the same settings"
        raise RecordError(
            f"{path}: no such record; first run "
            f"`vvlm run notebooks/03_finetune.ipynb -p mode train{chosen}`{same}"
        )
    content = read_json(path, RecordError, "remove it, run again")
    known = {f.name for f in fields(RunRecord)}
    if not isinstance(content, dict) or not set(content) <= known:
        raise RecordError(f"{path}: is no record of a run; remove it and run again")
    try:
        return RunRecord(**content)
    except TypeError as bad:
        raise RecordError(f"{path}: is incomplete ({bad}); remove it and run again") from None


def answers_path(record: Path) -> Path:
    """Where the answers of a record's run are kept."""
    return Path(record).with_suffix(".csv.gz")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as compressed CSV, atomically; the same table gives the same bytes.

    (pandas would put the name of the part, which no two writers share, into the archive.)
    """
    with whole(path) as part:
        part.write_bytes(gzip.compress(table.to_csv(index=False).encode(), mtime=0))


def write_answers(answers: pd.DataFrame, record: Path) -> None:
    """Write the answers beside their record, atomically."""
    write_table(answers.drop(columns="correct"), answers_path(record))


def as_answers(table: pd.DataFrame) -> pd.DataFrame:
    """Answers with the column correct: whether what was said is the answer."""
    return table.assign(correct=table["answer"] == table["predicted"])


def read_answers(record: Path) -> pd.DataFrame:
    """The answers beside a record: clip, family, level, answer, predicted, correct.

    Raises RecordError when there are none.
    """
    path = answers_path(record)
    if not path.exists():
        raise RecordError(f"{path}: no such answers; run the chapter with mode = train")
    return as_answers(pd.read_csv(path))
