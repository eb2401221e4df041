"""What the chapter on one model's answers says of them: chapter 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import say_list, say_part

NEAR = 5.0  # standard errors below the blind answer that make an answer from the clip certain
FLAT = 2.0  # standard errors that the ends of a curve must differ by
ALIKE = 0.05  # two standard errors that differ by less than this share agree
EVEN = 1.5  # times its even share that a word may have where words are spread


def say_error(error: float, se: float) -> str:
    """An error with its standard error.

    >>> say_error(27.246, 0.5084)
    '27.2 ± 0.51 points'
    """
    return f"{error:.1f} ± {se:.2f} points"


def say_average(error: float, se: float, families: int) -> str:
    """The average over families, with its standard error."""
    over = f"averaged over the {families} families its" if families > 1 else "its"
    return f"{over} error is {say_error(error, se)}"


def say_families(names: Sequence[str]) -> str:
    """Families by name.

    >>> say_families(["word"]), say_families(["word", "sum"])
    ('the family word', 'the families word and sum')
    """
    return f"the {'family' if len(names) == 1 else 'families'} {say_list(list(names))}"


def say_near(below: pd.Series) -> str:
    """Which families are no better than an answer that needs no video.

    below : standard errors by which each family lies below its best blind answer
    """
    near = [family for family, distance in below.items() if not distance >= NEAR]
    blind, bar = "the best answer that needs no video", "by five standard errors or more"
    if not near:
        least = below.idxmin()
        if len(below) == 1:
            return f"The model does better than {blind}, by {below[least]:.0f} standard errors."
        every = say_part(len(below), len(below), "families").capitalize()
        return (
            f"{every} do better than {blind}, {bar}; {say_families([least])} is closest to it, at "
            f"{below[least]:.0f} standard errors."
        )
    if len(near) == len(below):
        return f"No family does better than {blind} {bar}."
    said = say_families(near)
    rest = "the other one does" if len(below) - len(near) == 1 else "the others do"
    verb = "does" if len(near) == 1 else "do"
    return f"{said[0].upper()}{said[1:]} {verb} not do better than {blind} {bar}; {rest}."


def say_again(error: float, own: pd.Series) -> str:
    """The run beside the sweep's own run of its draw and seed; ``own`` holds that one's error."""
    if len(own) == 0:
        return "The sweep has no run of this very draw and seed."
    gap = abs(error - own.iloc[0])
    if f"{gap:.1f}" == "0.0":
        return "The sweep's own run of this draw and seed has the same error."
    return f"The sweep's own run of this draw and seed differs by {gap:.1f} points."


def say_beside(error: float, same: pd.Series) -> str:
    """Where a run lies among the sweep's other runs of its design; ``same`` holds their errors."""
    if len(same) == 0:
        return "The sweep has no other run of this design with this number of examples."
    low, high = same.min(), same.max()
    if len(same) == 1:
        gap = f"{abs(error - low):.1f} points"
        where = "above" if error > low else "below"
        return (
            f"The sweep has one other run of this design, at {low:.1f} points; this run lies {gap} "
            f"{where} it."
        )
    among = f"The sweep has {len(same)} other runs of this design, from {low:.1f} to {high:.1f} "
    among += "points; "
    if low <= error <= high:
        return f"{among}this run, at {error:.1f}, lies within them."
    gap = error - high if error > high else low - error
    side = "above" if error > high else "below"
    return f"{among}this run, at {error:.1f}, lies {gap:.1f} points {side} all of them."


def say_spread(same: pd.Series, se: float) -> str:
    """The scatter of the sweep's runs of a design beside what the test clips alone explain."""
    if len(same) < 2:
        return "How far another draw of the decoder would move it, these runs cannot tell."
    sd = float(same.std())
    text = f"Their standard deviation is {sd:.2f} points; the test clips alone explain {se:.2f}"
    if sd > se:
        return f"{text}, so the decoder and the seed matter too."
    return f"{text}, so they show no effect of decoder or seed."


def say_difficulty(levels: pd.DataFrame) -> str:
    """In which family difficulty matters most, and in which it is not seen.

    levels : columns family, level, error and se, in rising order of level
    """
    ends = {}
    for family, part in levels.groupby("family", sort=False):
        first, last = part.iloc[0], part.iloc[-1]
        if len(part) > 1:
            noise = np.hypot(first["se"], last["se"])
            ends[family] = (first["error"], last["error"], noise)
    if not ends:
        return "These questions have no two levels of difficulty."
    flat = [f for f, (a, b, noise) in ends.items() if abs(a - b) <= FLAT * noise]
    bar = "two standard errors"
    if len(flat) == len(ends):
        return f"In no family do the two ends differ by more than {bar}."
    steep = max(ends, key=lambda f: abs(ends[f][0] - ends[f][1]))
    high, low = sorted(ends[steep][:2], reverse=True)
    text = (
        f"Difficulty matters most in {say_families([steep])}: the error is {high:.0f} points in "
        f"the group at one end and {low:.0f} in the group at the other"
    )
    if flat:
        return f"{text}; in {say_families(flat)} the two ends do not differ by more than {bar}."
    if len(ends) == 1:
        return f"{text}."
    return f"{text}; in every family the two ends differ by more than {bar}."


def say_examples(right: int, wrong: int) -> str:
    """How many answers of each kind a figure shows."""
    if not right or not wrong:
        kind = "right" if right else "wrong"
        return f"The model gave only {kind} answers to questions about these clips."
    return f"{right} right and {wrong} wrong answers are shown, at most one per family and kind."


def say_dependence(independent: float, by_clips: float) -> str:
    """The average's standard error if answers were independent, and by clips."""
    text = f"Independent answers would give {independent:.2f} points, clips give {by_clips:.2f}"
    if abs(by_clips - independent) <= ALIKE * independent:
        return f"{text}: the two agree, so the answers to one clip hardly depend on each other."
    if by_clips > independent:
        return f"{text}: a clip with one wrong answer tends to have others."
    return f"{text}: a clip with one wrong answer tends to have right ones."


def say_wrong(said: pd.Series, answers: pd.Series) -> str:
    """Whether wrong answers gather on one word, and whether a blind model would say it.

    said : the wrong answers; answers : the right answers to all questions of these families
    """
    if len(answers) == 0:
        return "There are no questions of these families."
    if len(said) == 0:
        return "No answer is wrong."
    words = answers.unique()
    shares, even = said.value_counts(normalize=True), 1 / len(words)
    top, share = shares.index[0], shares.iloc[0]
    beside = (
        f"{top} has {share:.0%} of the wrong answers, and an even spread would give it {even:.0%}"
    )
    if share > EVEN * even:
        blind = answers.value_counts()
        also = "is" if top in blind.index[blind == blind.max()] else "is not"
        text = f"Wrong answers gather: {beside}. It {also} the best answer that needs no video."
    else:
        text = f"Wrong answers spread: {beside}. The model misreads; it does not repeat one word."
    other = float((~said.isin(words)).mean())
    return f"{text} {other:.0%} of them are not among the right words." if other else text


def say_scatter(drawn: pd.Series, formula: pd.Series) -> str:
    """Whether the scatter of test sets follows the formula."""
    off = float((drawn / formula - 1).abs().max()) if (formula > 0).all() else 0.0
    if off <= 0.1:
        return f"It does: drawn and computed scatter differ by at most {off:.0%}."
    return f"Not quite: drawn and computed scatter differ by up to {off:.0%}."


def say_plan(needed: float, there: int) -> str:
    """How many clips a plan needs, beside those of this test."""
    text = f"The plan needs {needed:,.0f} clips"
    if needed <= there:
        return f"{text}; this test has {there:,}, which is enough."
    return f"{text}, {needed / there:.1f} times the {there:,} of this test."


def say_judged(judged: int, total: int) -> str:
    """How many benchmarks a language model judges.

    >>> say_judged(3, 8), say_judged(0, 8)
    ('a language model judges the answers of 3 of the 8 benchmarks', 'a rule scores all answers')
    """
    if not judged:
        return "a rule scores all answers"
    return f"a language model judges the answers of {say_part(judged, total, 'benchmarks')}"
