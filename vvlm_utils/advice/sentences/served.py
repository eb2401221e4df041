"""What the chapter on served models says of its tables: chapter 13."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import direction, say_list, say_more, say_number, say_part

if TYPE_CHECKING:
    from vvlm_utils.cost.catalogue import ServedModel
    from vvlm_utils.cost.served import ClipPrice

PAPER_TOKENS = (1, 196)  # the paper's range of tokens per frame


def say_lengths(longest: pd.Series) -> str:
    """The fewest and most tokens of the longest clip; ``longest`` by family."""
    if longest.min() == longest.max():
        return f"Ten minutes cost {longest.max():,} tokens in every family."
    return (
        f"Ten minutes cost from {longest.min():,} tokens ({longest.idxmin()}) "
        f"to {longest.max():,} ({longest.idxmax()})."
    )


def say_curves(curves: pd.DataFrame) -> str:
    """Which families pay by length, and which lines cover one another.

    curves : columns family, duration, visual_tokens
    """
    table = curves.pivot(index="family", columns="duration", values="visual_tokens")
    flat = [family for family, row in table.iterrows() if direction(row) == "stays"]
    rising = [family for family in table.index if family not in flat]
    said = [f"Tokens stay the same at every length in {say_list(flat)}"] if flat else []
    said += [f"{'they grow' if flat else 'Tokens grow'} with length in {say_list(rising)}"]
    if not rising:
        said.pop()
    alike = table.groupby(table.columns.tolist()).groups.values()
    said += [f"{say_list(list(group))} share a line" for group in alike if len(group) > 1]
    return "; ".join(said) + "."


def say_tokens(tokens: float, model: str) -> str:
    """What the chapter's clip becomes without any flag.

    >>> say_tokens(9660, "qwen")
    'Without any flag, qwen turns the clip of this chapter into 9,660 visual tokens.'
    """
    clip = "the clip of this chapter"
    return f"Without any flag, {model} turns {clip} into {tokens:,.0f} visual tokens."


def say_falls(fall: pd.DataFrame, law: str = "the law") -> str:
    """How far the errors of served models fall beside what the law says.

    fall : per cent from the fewest to the most frames; a row per model and one for the law, a
        column per task
    """
    mean = fall.mean(axis=1)
    others = mean.drop(law).sort_values()
    said = [f"{value:.0f}% for {name}" for name, value in others.items()]
    steeper = int((others > mean[law]).sum())
    return (
        f"From 8 to 32 frames, on average over the tasks, the law predicts that the error falls by "
        f"{mean[law]:.0f}%. It fell by {say_list(said)}: "
        f"by more than predicted for {say_part(steeper, len(others), 'models')}."
    )


def say_flags(tokens: pd.Series, model: str) -> str:
    """What each flag makes of the chapter's clip; ``tokens`` by flag, empty where it is refused.

    The first flag is none, the second caps the pixels of a frame.
    """
    plain, capped = tokens.iloc[0], tokens.iloc[1]
    taken = tokens.dropna()
    fewest = taken.astype(float).idxmin()
    said = f"Without any flag, {model} turns the clip into {plain:,.0f} tokens"
    if taken.min() < plain:
        said = f"{said}; the fewest, {taken[fewest]:,.0f}, come with {fewest}"
    if pd.isna(capped):
        return f"{said}. Its processor has no limit on the pixels of a frame."
    if capped == plain:
        return f"{said}. A limit on the pixels of a frame changes nothing for this clip."
    two = f"The classes of transformers give two answers, {plain:,.0f} and {capped:,.0f} tokens"
    why = "an option limits the pixels of a frame, and a later version will always set it"
    return f"{said}. {two}: {why}."


def say_floor(model: ServedModel, floor: float) -> str:
    """How few tokens per frame a family's flags reach."""
    if model.rule.bounds == "fixed":
        return f"Every frame of {model.family} has {floor:g} tokens, whatever the flags."
    least, most = PAPER_TOKENS
    under = f"The paper's range of $x_V$ is {least} to {most}; "
    where = "its lower part is out of reach" if floor <= most else "all of it is out of reach"
    under += "all of it can be reached" if floor <= least else where
    beyond = "only pruning, which vLLM offers and transformers does not, goes lower"
    beyond = beyond if model.rule.prunes else "no flag of this family goes lower"
    first = f"The reference code of the family allows no fewer than {floor:g} tokens per frame"
    return f"{first}; {beyond}. {under}."


def say_shares(priced: pd.DataFrame) -> str:
    """The encoder's share from least to most, and whether it falls with size within the families.

    priced : columns model, family, params, share (per cent)
    """
    low, high = (priced.loc[getattr(priced["share"], end)()] for end in ("idxmin", "idxmax"))
    ways = [
        direction(models.sort_values("params")["share"])
        for _, models in priced.groupby("family")
        if len(models) > 1
    ]
    falls = ways.count("falls")
    how = f"{falls} of the {len(ways)} families of several models"
    return (
        f"The share runs from {low['share']:.0f}% ({low['model']}) to {high['share']:.0f}% "
        f"({high['model']}); with size it falls steadily in {how}."
    )


def say_ratios(priced: pd.DataFrame) -> str:
    """The exact cost over Equation 1: middle, most and least; columns model, ratio."""
    low, high = (priced.loc[getattr(priced["ratio"], end)()] for end in ("idxmin", "idxmax"))
    return (
        f"The middle model costs {say_middle(priced['ratio'].median())} Equation 1 says; the ratio "
        f"runs from {low['ratio']:.2f} ({low['model']}) to {high['ratio']:.2f} ({high['model']})."
    )


def say_middle(ratio: float) -> str:
    """The middle ratio in words.

    >>> say_middle(1.2)
    '20% more than'
    """
    return say_more(ratio)


def say_bill(bill: pd.DataFrame, model: str, device: str) -> str:
    """What a million clips cost with few and with many frames; ``bill`` indexed by frames."""
    dollars = bill["dollars per million"]
    first, last = dollars.index[0], dollars.index[-1]
    ends = f"{dollars[first]:,.0f} dollars with {first} frames and {dollars[last]:,.0f} with {last}"
    if np.isclose(dollars[first], dollars[last], rtol=0.01):
        ends = f"about {dollars[first]:,.0f} dollars with {first} frames as with {last}"
    return f"On one {device}, {model} answers a million such clips for {ends}."


def say_nearest(price: ClipPrice, model: str, wanted: tuple[int, int]) -> str:
    """How near a served model comes to a design, and what that costs.

    wanted : frames and tokens per frame of the design
    """
    frames, each = price.tokens.frames_read, price.tokens.tokens_per_frame
    pace = "the device sets the pace"
    if price.limit == "CPU":
        pace = "the CPU cores, which decode the video files, set the pace"
    how = "come to it" if (frames, round(each)) == wanted else "come nearest to it"
    return (
        f"The flags of {model} {how} with {frames:g} frames of {each:.0f} tokens: "
        f"{say_number(float(price.cost.total_flops) / 1e12)} TFLOPs per answer, and "
        f"{price.dollars_per_million:,.0f} dollars for a million such clips; {pace}."
    )


def say_ranking(models: Sequence[str], params: Sequence[float]) -> str:
    """Whether the cheapest models are the smallest; from the cheapest on."""
    if len(models) == 0:
        return "No model of this size fits the device with these clips."
    first = np.asarray(params, dtype=float)[:3]
    if (np.sort(params)[: len(first)] == np.sort(first)).all():
        return f"The cheapest ({say_list(list(models[:3]))}) are the smallest."
    return f"The cheapest are {say_list(list(models[:3]))}, which are not the smallest."
