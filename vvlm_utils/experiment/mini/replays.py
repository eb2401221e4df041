"""The runs that come with the package, which chapters 3 and 4 replay. No torch here.

They share the questions of the test clips, which are kept once, and the pictures of a dozen clips;
each run has its record and the words that its model said.
"""

from __future__ import annotations

import gzip
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from vvlm_utils.chapters.replayed import FOLDER as KEPT
from vvlm_utils.experiment.mini.design import Run
from vvlm_utils.experiment.mini.records import (
    RecordError,
    RunRecord,
    as_answers,
    read_record,
    write_record,
    write_table,
)
from vvlm_utils.files import whole

PICTURES = KEPT / "clips.npz"  # frames of the first test clips, as decoded
QUESTIONS = "questions.csv.gz"


def name_of(run: Run) -> str:
    """A run's name among files."""
    design = f"{run.frames}x{run.tokens_per_frame}_n{run.train_examples}"
    return f"{run.lm}_{design}_draw{run.draw}_seed{run.seed}"


def kept_path(run: Run, folder: Path = KEPT) -> Path:
    """Where the record of a kept run is, or would be."""
    return folder / f"{name_of(run)}.json"


def kept_runs(folder: Path = KEPT) -> list[Run]:
    """Every run that is kept, by name."""
    names = [f.name for f in fields(Run)]
    records = [asdict(read_record(path)) for path in sorted(folder.glob("*.json"))]
    return [Run(**{name: record[name] for name in names}) for record in records]


def keep_run(record: RunRecord, answers: pd.DataFrame, folder: Path = KEPT) -> Path:
    """Keep a run's record and what its model said; returns the record's path.

    Raises RecordError where the folder keeps answers to other questions.
    """
    run = Run(**{f.name: getattr(record, f.name) for f in fields(Run)})
    path, asked = kept_path(run, folder), answers[["clip", "family", "level", "answer"]]
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / QUESTIONS).exists():
        write_table(asked, folder / QUESTIONS)
    elif not pd.read_csv(folder / QUESTIONS).equals(asked):
        raise RecordError(f"{folder / QUESTIONS}: other questions than the run's; remove the file")
    with whole(_said_path(path)) as part:
        part.write_bytes(gzip.compress("\n".join(answers["predicted"]).encode(), mtime=0))
    write_record(record, path)
    return path


def read_kept(run: Run, folder: Path = KEPT) -> tuple[RunRecord, pd.DataFrame]:
    """The record and the answers of a kept run: clip, family, level, answer, predicted, correct.

    Raises RecordError for a run that is not kept.
    """
    path = kept_path(run, folder)
    if not path.exists():
        raise RecordError(f"{path}: no such run is kept; set mode = train to make it")
    said = gzip.decompress(_said_path(path).read_bytes()).decode().split("\n")
    answers = pd.read_csv(folder / QUESTIONS)
    if len(said) != len(answers):
        raise RecordError(f"{path}: {len(said)} answers to {len(answers)} questions; keep it again")
    return read_record(path), as_answers(answers.assign(predicted=said))


def _said_path(record: Path) -> Path:
    return record.with_suffix(".txt.gz")
