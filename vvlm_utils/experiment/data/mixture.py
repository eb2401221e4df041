"""The paper's finetuning data on disk: what a local copy holds, and n examples drawn from it.

``data/mixture.yaml`` names the thirteen subsets of Table 3, their sizes and where each comes from.
Nothing is ever downloaded: what is missing is named with its source. No torch here.

    vvlm data check ROOT
    vvlm data sample ROOT --examples 250000 --out mixture.json

An example is a record with its whole conversation, as the loader reads it: the rules are those of
``conversations``, whose ``read_index`` the training calls. Table 3 does not say whether it counts
records or questions, so both are reported, and a subset is complete when its questions reach the
printed size.
"""

from __future__ import annotations

import json
import os.path
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vvlm_utils.experiment.world.conversations import (
    ClipError,
    Fault,
    check_records,
    load_records,
    media_key,
    name_of,
)
from vvlm_utils.experiment.world.media import fault_of_file
from vvlm_utils.files import DATA_FOLDER, STDOUT, whole
from vvlm_utils.parsing import read_yaml

MANIFEST = DATA_FOLDER / "mixture.yaml"


class MixtureError(ValueError):
    """A copy of the data that cannot be used: names the subset, what is missing and the fix."""


@dataclass(frozen=True)
class Subset:
    """One row of Table 3; ``data/mixture.yaml`` explains the fields."""

    name: str
    examples: int
    licence: str
    source: str
    annotations: tuple[str, ...]
    videos: str = ""
    note: str = ""

    def files(self, root: Path) -> list[Path]:
        """The annotation files that are there."""
        return sorted({path for pattern in self.annotations for path in root.glob(pattern)})

    def video_folder(self, root: Path, annotations: Path) -> Path:
        """What the videos of an annotation file are relative to."""
        return root / self.videos if self.videos else annotations.parent


def load_subsets(manifest: Path | None = None) -> list[Subset]:
    """The subsets of a manifest, by default Table 3's."""
    listed = read_yaml(manifest or MANIFEST, MixtureError, "name a manifest like the package's")
    return [
        Subset(**entry | {"annotations": tuple(entry["annotations"])})
        for entry in listed["subsets"]
    ]


@dataclass
class Copy:
    """What a local copy holds of a subset.

    records, questions : that can be used; broken : records that cannot
    faults : how many records have each kind of fault; firsts : where each kind was first met
    missing : annotation patterns that match no file
    """

    subset: Subset
    records: int = 0
    questions: int = 0
    broken: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def add(self, fault: Fault, where: str) -> None:
        """Count a broken record, and remember where the first of its kind stands."""
        self.broken += 1
        self.faults[fault.kind] = self.faults.get(fault.kind, 0) + 1
        self.firsts.setdefault(fault.kind, f"{where}: {fault.said}" if fault.said else where)

    @property
    def state(self) -> str:
        """whole (complete), part or missing."""
        if not self.records:
            return "missing"
        short = self.broken or self.missing or self.questions < self.subset.examples
        return "part" if short else "whole"

    def row(self) -> dict:
        """The subset's line of the report."""
        return {
            "subset": self.subset.name,
            "state": self.state,
            "records": self.records,
            "questions": self.questions,
            "of": self.subset.examples,
            "broken": self.broken,
        }

    def advice(self) -> str:
        """What is wrong and how to get what is missing, in one line."""
        why = [
            f"{count:,} record{'s' * (count > 1)}: {kind} (first in {self.firsts[kind]})"
            for kind, count in self.faults.items()
        ]
        why += [f"no file matches {pattern}" for pattern in self.missing]
        reason = "; ".join(why) or f"{self.questions} of {self.subset.examples} examples"
        return f"{self.subset.name}: {reason}; get it from {self.subset.source}"


def read_subset(
    subset: Subset,
    root: Path,
    look: Callable[[Path], str | None] = fault_of_file,
    progress: bool = True,
) -> tuple[list[dict], Copy]:
    """The usable records of a subset, in the order of its files, and what was found.

    A record's video or image becomes relative to the root.
    look : says what is wrong with a file, or none
    """
    root, records, found = Path(root), [], Copy(subset)
    found.missing = tuple(p for p in subset.annotations if not any(root.glob(p)))
    for path in subset.files(root):
        videos = subset.video_folder(root, path)
        try:
            listed = load_records(path)
        except ClipError as bad:
            found.add(Fault("annotations that cannot be read", str(bad)), str(path))
            continue
        faults = check_records(listed, videos, root, look, progress)
        for number, (record, fault) in enumerate(zip(listed, faults, strict=True)):
            if fault:
                found.add(fault, f"{path.name}, {name_of(record, number)}")
                continue
            key = media_key(record)
            place = os.path.relpath(os.path.join(videos, record[key]), root)
            records.append(record | {key: place, "data_source": subset.name})
            found.questions += len(record["conversations"]) // 2
    found.records = len(records)
    return records, found


def fault_when_opened(path: Path) -> str | None:
    """Why a file is no video, by its first bytes and then by decoding one frame; or none."""
    from vvlm_utils.experiment.data.decode import REPLACE, VideoError  # the codec, when asked for
    from vvlm_utils.experiment.data.video import check_clip

    if fault := fault_of_file(path):
        return fault
    try:
        check_clip(path)
    except VideoError as broken:
        return str(broken).removeprefix(f"{path}: ").partition(",")[0].removesuffix(f"; {REPLACE}")
    return None


def check_root(
    root: Path, subsets: Sequence[Subset], open_clips: bool = False, progress: bool = True
) -> list[Copy]:
    """What a local copy holds of every subset.

    open_clips : decode a frame of each clip, instead of its size and first bytes alone
    Raises MixtureError when there is no such folder.
    """
    _check_folder(root)
    look = fault_when_opened if open_clips else fault_of_file
    return [read_subset(subset, root, look, progress)[1] for subset in subsets]


def _check_folder(root: Path) -> None:
    if not Path(root).is_dir():
        raise MixtureError(f"{root}: no such folder; name the one that holds the subsets")


def mixture_order(sizes: Sequence[int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An order of all examples whose every beginning holds the subsets in proportion.

    Each subset is shuffled and its examples stand at equal distances on (0, 1), from a random
    start; the order is theirs. So the first n hold n s_i / sum(s) of subset i, within
    1 + K s_i / sum(s) of K subsets, and the first 512 of 1,024 are the 512.
    Returns the subset's number and the example's number within it, each (sum(sizes),).
    """
    subset = np.repeat(np.arange(len(sizes)), sizes)
    example = np.concatenate([rng.permutation(size) for size in sizes])
    place = np.concatenate([(np.arange(size) + rng.random()) / size for size in sizes if size])
    order = np.argsort(place, kind="stable")
    return subset[order], example[order]


def sample_mixture(
    root: Path, examples: int, seed: int, subsets: Sequence[Subset] | None = None
) -> list[dict]:
    """Draw records from a local copy, in proportion to what it holds of each subset; nested.

    Raises MixtureError when a subset is missing or broken, or the copy holds too few.
    """
    _check_folder(root)
    read = [read_subset(subset, root) for subset in subsets or load_subsets()]
    for _, found in read:
        if not found.records or found.broken or found.missing:
            raise MixtureError(f"{root}: {found.advice()}")
    sizes = [found.records for _, found in read]
    if not 1 <= examples <= sum(sizes):
        raise MixtureError(f"{root}: examples must be 1 to {sum(sizes)}, got {examples}")
    chosen, number = mixture_order(sizes, np.random.default_rng(seed))
    return [read[s][0][i] for s, i in zip(chosen[:examples], number[:examples], strict=True)]


def write_mixture(records: Sequence[dict], root: Path, name: str) -> Path:
    """Write records as an index in the root, where ``read_index`` finds it, or print them ("-")."""
    path = Path(name) if name == STDOUT else Path(root) / name
    with whole(path) as part:
        part.write_text(json.dumps(list(records)))
    return path
