"""What the chapter on one finetuned run says of it: chapter 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.example import say_question
from vvlm_utils.advice.sentences.words import say_list, say_more

ALIKE = 0.05  # two times that differ by less than this share are about the same
GAINS = {
    "features from the cache": "features of the tower kept in a cache",
    "eight questions behind one video": "eight questions behind one reading of the video",
    "fused AdamW": "fused AdamW",
    "one thread": "one thread in place of two",
    "decoding alone": "leaving the encoding out",
}


def say_run(lm: str, examples: int, frames: int, tokens: int) -> str:
    """What is finetuned on what.

    >>> say_run("mini-40k", 1024, 8, 25)
    'the decoder mini-40k on 1,024 clips, each seen as 8 frames of 25 tokens'
    """
    one = "1 frame" if frames == 1 else f"{frames} frames"
    return f"the decoder {lm} on {examples:,} clips, each seen as {one} of {say_tokens(tokens)}"


def say_tokens(tokens: int) -> str:
    """A number of tokens.

    >>> say_tokens(1), say_tokens(25)
    ('1 token', '25 tokens')
    """
    return "1 token" if tokens == 1 else f"{tokens} tokens"


def say_source(mode: str, provenance: Mapping[str, str]) -> str:
    """Whether the run is replayed or was made now, with its day, machine and code."""
    made = "This run was trained now" if mode == "train" else "This run is replayed from its record"
    device, date, commit = (provenance.get(k, "unknown") for k in ("device", "date", "commit"))
    return f"{made}: made on {date}, on {device}, by the code of commit {commit}."


def say_scale(preset: str) -> str:
    """What a run of a preset stands for."""
    if preset == "mini":
        return (
            f"This is a small model of a small world. The book's example, {say_question()}, needs "
            "a GPU and another preset of the same code."
        )
    return (
        f"This is one run of the preset {preset}, with the paper's vision tower; it says nothing "
        "about other seeds."
    )


def say_seen(frames: int, tokens: int, clip_frames: int) -> str:
    """How much of a clip a run sees."""
    side = round(tokens**0.5)
    grid = f"each as a grid of {side} x {side}" if frames > 1 else f"as a grid of {side} x {side}"
    if frames < clip_frames:
        part = f"Of the {clip_frames} frames of this clip the run sees {frames}"
    elif frames == clip_frames:
        part = f"The run sees all {clip_frames} frames of this clip"
    else:
        part = f"The run sees {frames} frames, so it sees some of this clip's {clip_frames} again"
    total = frames * tokens
    words = f"{total:,} visual tokens" if total > 1 else "one visual token"
    return f"{part}, {grid}: {words} in all."


def say_loss(losses: Sequence[float]) -> str:
    """Where a loss begins and ends.

    >>> say_loss([2.0, 1.5, 1.0]), say_loss([1.0, 1.001])
    ('falls from 2.00 to 1.00', 'ends where it began, at 1.00')
    >>> say_loss([1.0]), say_loss([])
    ('is 1.00, logged once', 'is not logged')
    """
    if len(losses) < 2:
        return f"is {losses[0]:.2f}, logged once" if len(losses) else "is not logged"
    first, last = f"{losses[0]:.2f}", f"{losses[-1]:.2f}"
    if first == last:
        return f"ends where it began, at {first}"
    return f"{'falls' if losses[-1] < losses[0] else 'rises'} from {first} to {last}"


def say_losses(align: Sequence[float], finetune: Sequence[float]) -> str:
    """Where the loss of each stage begins and ends."""
    return (
        f"The loss {say_loss(align)} in the projector stage; in finetuning it {say_loss(finetune)}."
    )


def say_start(align: Sequence[float], finetune: Sequence[float]) -> str:
    """Whether finetuning begins above the loss that the projector stage ended with."""
    if not len(align) or not len(finetune):
        return "The two stages cannot be compared."
    if finetune[0] > align[-1]:
        return "Finetuning begins higher than the projector stage ended: it asks for more."
    return "Finetuning begins no higher than the projector stage ended."


def say_stages(from_folder: bool) -> str:
    """What the two stages learn from."""
    if from_folder:
        return (
            "The projector stage sees one frame of each clip; finetuning sees all chosen frames of "
            "the same conversations."
        )
    return (
        "The projector stage asks plain questions only; finetuning asks all eight families, some "
        "with names that the decoder has never met."
    )


def say_count(counted: float, eq_1: float) -> str:
    """A full count beside Equation 1, and where the difference comes from."""
    more = say_more(counted / eq_1)
    if more == "as much as":
        return "The full count is as large as that of Equation 1: what it leaves out is too small."
    text = f"The full count is {more} that of Equation 1"
    if counted < eq_1:
        return f"{text}, in which every parameter multiplies every token."
    why = "attention, the projector and the row of logits, which weigh most in a narrow model"
    return f"{text}, which leaves out {why}."


def say_counted(counted: float, eq_1: float) -> str:
    """The two prices of a video in one clause.

    >>> say_counted(75.7e6, 55.6e6), say_counted(3e12, 3e12)
    ('55.6 MFLOPs by Equation 1 and 75.7 by a full count', '3.0 TFLOPs by both counts')
    """
    name, unit = ("TFLOPs", 1e12) if eq_1 >= 1e11 else ("MFLOPs", 1e6)
    first, second = (f"{value / unit:,.1f}" for value in (eq_1, counted))
    if first == second:
        return f"{first} {name} by both counts"
    return f"{first} {name} by Equation 1 and {second} by a full count"


def say_pace(share: float, device: str) -> str:
    """How much of its device's rate a training run reaches; ``share`` of plain matrix products."""
    where = "the GPU" if device == "cuda" else "one core"
    if share > 1:
        return (
            f"Training ran at {share:.0%} of the rate at which {where} multiplied large matrices "
            "afterwards: the device was busy with something else when that was measured."
        )
    why = (
        "small matrices and the overhead of Python"
        if device == "cpu"
        else ("reading clips, small batches and the overhead of Python")
    )
    return (
        f"Training reaches {share:.0%} of the rate at which {where} multiplies large matrices; "
        f"{why} take the rest."
    )


def say_speed(ratios: pd.Series) -> str:
    """Which choices make training faster, which do nothing and which make it slower.

    ratios : time of the alternative over that of the choice, by choice
    """
    faster = ratios[ratios > 1 + ALIKE].sort_values(ascending=False)
    slower = ratios[ratios < 1 / (1 + ALIKE)]
    same = ratios.drop([*faster.index, *slower.index])
    said = [f"{GAINS.get(c, c)} ({say_ratio(r)})" for c, r in faster.items()]
    parts = [f"faster with {say_list(said)}"] if said else ["not faster with any of the choices"]
    parts += [f"as fast with {say_list([GAINS.get(c, c) for c in same.index])}"] * bool(len(same))
    slow = [f"{GAINS.get(c, c)} ({say_ratio(1 / r)} as long)" for c, r in slower.items()]
    parts += [f"slower with {say_list(slow)}"] * bool(slow)
    return f"The work is {'; '.join(parts)}."


def say_ratio(ratio: float) -> str:
    """A factor with the digits that count.

    >>> say_ratio(210.3), say_ratio(6.41), say_ratio(1.303)
    ('210 times', '6.4 times', '1.3 times')
    """
    return f"{ratio:.0f} times" if ratio >= 10 else f"{ratio:.1f} times"


def say_drawn(drawn: pd.Series) -> str:
    """What each published set gives to a training set; ``drawn`` by set."""
    none, most = drawn[drawn == 0], drawn.idxmax()
    share = drawn.max() / drawn.sum()
    first = f"{most} gives the most, {drawn.max():,} or {share:.0%}"
    if len(none) == 0:
        return f"Every one of the {len(drawn)} sets gives some; {first}."
    return f"Of the {len(drawn)} sets {say_list(list(none.index))} would give none; {first}."


def say_missed(missed: Mapping[int, int], places: int) -> str:
    """In how many places a brief square is never seen; ``missed`` by number of frames picked.

    >>> say_missed({8: 0, 4: 3}, 15)
    'Missed with 8 frames: in none of 15 places; with 4 frames: in 3 of 15 places.'
    """
    said = [f"with {k} frames: in {n or 'none'} of {places} places" for k, n in missed.items()]
    return f"Missed {'; '.join(said)}."


def say_steps(paper: float, here: float) -> str:
    """Steps of the paper's finetuning and of this one.

    >>> say_steps(3906.25, 128)
    'The paper takes 3,906 steps, this run 128.'
    """
    return f"The paper takes {paper:,.0f} steps, this run {here:,.0f}."


def say_longer(years: float, hours: float) -> str:
    """How long a run of the paper would take here, and on eight GPUs."""
    here = f"{years:,.0f} years" if years >= 2 else f"{np.ceil(365 * years):,.0f} days"
    return f"It would take {here} here, and {hours:,.0f} hours on eight A100s."


def say_threads(ratio: float) -> str:
    """Why a sweep runs processes of one thread; ``ratio`` is two threads' time over one's.

    >>> say_threads(0.72)
    'Two threads need 72% of the time of one: less is gained than by a second process.'
    """
    text = f"Two threads need {ratio:.0%} of the time of one"
    if ratio > 0.5:
        return f"{text}: less is gained than by a second process."
    return f"{text}: as much is gained as by a second process."
