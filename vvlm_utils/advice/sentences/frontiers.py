"""What the chapters on the frontier say of their tables: chapters 7 and 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import direction, say_list, say_part
from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.text import say_level, say_name, short_count

FIRM = 0.9  # a share of the members from here on is no narrow lead


def verb(factor: str, singular: str) -> str:
    """The verb after a factor's name, of which all but the LM size are plurals.

    >>> verb("lm_params", "rises and falls"), verb("frames", "rises and falls")
    ('rises and falls', 'rise and fall')
    >>> verb("frames", "goes"), verb("tokens_per_frame", "stays")
    ('go', 'stay')
    """
    if factor == FACTORS[0]:
        return singular
    words = [word.removesuffix("s") for word in singular.split(" ")]
    return " ".join({"goe": "go"}.get(word, word) for word in words)


def say_outside(solved: pd.DataFrame) -> str:
    """At how many budgets the best design leaves the runs; column outside names the factors."""
    outside, total = solved["outside"].fillna(""), len(solved)
    count = int((outside != "").sum())
    if count == 0:
        return "every design of the table lies within the runs in every factor."
    by_size = int(outside.str.contains("lm_params").sum())
    size = ", and never because of its LM size"
    if by_size:
        size = ", each time because of its LM size"
    if 0 < by_size < count:
        size = f", at {by_size} of them because of its LM size"
    return (
        f"the best design lies outside the runs at {say_part(count, total, 'budgets')}{size}: "
        "there the answer is extrapolation."
    )


def say_sizes(data_sizes: Sequence[float], levels: Sequence[float]) -> str:
    """How many of the training-set sizes that are asked have runs."""
    unseen = [say_level(m) for m in data_sizes if not np.isclose(m, list(levels)).any()]
    if not unseen:
        return "Every line lies at a size of the training set that some run has."
    if len(unseen) == len(data_sizes):
        return f"No run has the sizes of the training set that are asked: {say_list(unseen)}."
    return (
        f"{len(unseen)} of the {len(data_sizes)} lines lie at sizes of the training set that no "
        f"run has: {say_list(unseen)}."
    )


def say_ways(table: pd.DataFrame) -> str:
    """Which way each factor goes along a frontier, a row per budget in order."""
    ways = {f: direction(np.log(table[f].to_numpy(float))) for f in FACTORS}
    said = [f"{say_name(factor)} {verb(factor, way)}" for factor, way in ways.items()]
    return f"Along the first line {say_list(said)}."


def say_lead(strongest: Mapping[str, pd.Series]) -> str:
    """How large a share of the bag stands behind the leading LM size at the median budget.

    strongest : the leading share at every budget, by the title of a panel
    """
    middles = {title: float(shares.median()) for title, shares in strongest.items()}
    said = say_list([f"{middle:.0%} at {title}" for title, middle in middles.items()])
    least = min(middles.values())
    if least >= FIRM:
        end = "the bag is nearly of one mind"
    elif least > 0.5:
        end = "a majority, with many members against it"
    else:
        end = "no size has a majority everywhere, however firm the single line looks"
    return f"At the median budget the leading size has {said} of the votes: {end}."


def say_apart(prices: pd.DataFrame, epsilon: float) -> str:
    """Which LM sizes the runs cannot tell apart.

    prices : columns budget_tflops, lm_params, low: the least that a size loses
    """
    left = prices[prices["low"] <= epsilon].groupby("budget_tflops")["lm_params"].agg(list)
    budgets, sizes = prices["budget_tflops"].nunique(), prices["lm_params"].unique()
    if len(sizes) == 1:
        return "One LM size is offered, so there is nothing to tell apart."
    several = int((left.map(len) > 1).sum())
    said = f"More than one size is left at {say_part(several, budgets, 'budgets')}."
    never = [say_level(z) for z in sorted(sizes) if not any(z in group for group in left)]
    if never:
        be = "is" if len(never) == 1 else "are"
        return f"{said} {say_list(never)} {be} ruled out at every budget shown."
    return f"{said} No size of the list is ruled out at every budget shown."


def say_flat(most: int, designs: int, regret: float) -> str:
    """How many designs tie, and how much a member loses with the bag's choice."""
    if most == 1:
        ties = f"Of {designs:,} designs none ties with the best at any of these budgets"
    else:
        ties = f"At most {most:,} of {designs:,} designs tie at one budget"
    return f"{ties}; the high end of the regret is {regret:.2f} points."


def say_near(near: pd.DataFrame) -> str:
    """In which factors the designs that tie differ."""
    if len(near) == 1:
        return "No other design ties with the best here."
    moving = [say_name(f) for f in FACTORS if near[f].nunique() > 1]
    if len(moving) == len(FACTORS):
        return f"The {len(near)} designs that tie differ in all three factors."
    return f"The {len(near)} designs that tie differ in {say_list(moving)} alone."


def say_growth(growth: pd.DataFrame) -> str:
    """Which factor grows most and which least; columns n, factor, value."""
    said = []
    for n, table in growth.groupby("n", sort=False):
        values = table.set_index("factor")["value"].sort_values(ascending=False, kind="stable")
        order = [f"{say_name(factor)} ({value:.1f} times)" for factor, value in values.items()]
        said.append((f"{say_level(n)} examples", tuple(values.index), order))
    orders = {order for _, order, _ in said}
    if len(orders) == 1:
        where = "at every size" if len(said) > 1 else f"with {said[0][0]}"
        names = [say_name(f) for f in said[0][1]]
        first = ", then ".join(said[0][2]) if len(said) == 1 else ", then ".join(names)
        return f"In order of growth, {where}: {first}."
    first, last = ({order[k] for order in orders} for k in (0, -1))
    if len(first) == len(last) == 1:
        grows = verb(*first, "grows")
        return f"At every size {say_name(*first)} {grows} most and {say_name(*last)} least."
    if len(first) == 1:
        grows = verb(*first, "grows")
        return f"At every size {say_name(*first)} {grows} most; what grows least differs."
    each = "; ".join(f"with {title} {order[0]}" for title, _, order in said)
    return f"Which factor grows most depends on the training set: {each}."


def say_rates(ratios: pd.DataFrame) -> str:
    """Which factors outgrow which; a row per pair "x_T / x_N" with low and high of the ratio."""
    names = dict(zip(("x_N", "x_T", "x_V"), FACTORS, strict=True))
    sure, open_ = [], []
    for pair, row in ratios.iterrows():
        over, under = (names[part.strip()] for part in str(pair).split("/"))
        if row["low"] <= 1 <= row["high"]:
            open_.append(f"{say_name(over)} and {say_name(under)}")
            continue
        first, last = (over, under) if row["low"] > 1 else (under, over)
        sure.append((first, last))
    if not sure:
        return "which factor grows faster is open for every pair"
    slower: dict[str, list[str]] = {}
    for first, last in sure:
        slower.setdefault(first, []).append(say_name(last))
    said = [
        f"{say_name(first)} {verb(first, 'grows')} faster than {say_list(names)}"
        for first, names in slower.items()
    ]
    left = f"; between {', and between '.join(open_)} it is open" if open_ else ""
    return f"{say_list(said)}{left}"


def say_chosen(count: int, total: int, size: str, before: bool) -> str:
    """How often an LM size is the choice; ``before``: the list had it already."""
    if before:
        times = f"it is the choice at {count} of {total} budgets"
        return f"The chapter's list holds {size} already; {times}."
    if count == 0:
        return f"{size} is never chosen, so adding it changes nothing."
    return f"Added to the list, {size} is the choice at {say_part(count, total, 'budgets')}."


def say_promise(gap: np.ndarray) -> str:
    """What one list of LM sizes promises against another; ``gap``: the other's error less its."""
    low, high = float(np.min(gap)), float(np.max(gap))
    if max(abs(low), abs(high)) < 0.05:
        return "the chapter's list promises the same error"
    if low >= 0:
        return f"the chapter's list promises {low:.1f} to {high:.1f} points less error"
    if high <= 0:
        return f"the chapter's list promises {-high:.1f} to {-low:.1f} points more error"
    return (
        f"the chapter's list promises up to {high:.1f} points less error at some budgets and up to "
        f"{-low:.1f} points more at others"
    )


def say_example(row: Mapping, train_examples: float) -> str:
    """The answer for one budget, a row of ``records``, in a sentence.

    >>> row = {"budget_flops": 1e13, "lm_params": 7.5e9, "frames": 8, "tokens_per_frame": 36}
    >>> say_example(row, 5e5).split(", take ")[0]
    'With 10 TFLOPs per video and 500k finetuning examples'
    """
    design = (
        f"a language model of {short_count(row['lm_params'])} parameters, "
        f"{row['frames']:g} frames and {row['tokens_per_frame']:g} tokens for each frame"
    )
    budget = f"{row['budget_flops'] / 1e12:g} TFLOPs per video"
    return f"With {budget} and {short_count(train_examples)} finetuning examples, take {design}."


def say_expected(row: Mapping, level: float, most: float = 100.0) -> str:
    """How good and how sure the design of a row of ``records`` is.

    most : the score of no error at all

    >>> row = {"error": 46.4, "error_low": 46.1, "error_high": 46.9, "probability": 1.0}
    >>> say_expected(row | {"within_epsilon": 8}, 0.8).split(", ")[0]
    'Its expected score is 53.6 points (80% band: 53.1 to 53.9)'
    """
    score, low, high = (most - row[key] for key in ("error", "error_high", "error_low"))
    others = int(row["within_epsilon"]) - 1
    close = {0: "no other design is as good", 1: "one other design is about as good"}
    return (
        f"Its expected score is {score:.1f} points ({level:.0%} band: {low:.1f} to {high:.1f}), "
        f"{row['probability']:.0%} of the refits choose a language model of this size, and "
        f"{close.get(others, f'{others} other designs are about as good')}."
    )


def say_forced(prices: pd.DataFrame) -> str:
    """What the best design of each smaller LM loses at one budget.

    prices : as ``size_prices`` gives them for one budget: lm_params, value, low and high in points
    """
    rows = prices.sort_values("lm_params", ascending=False)
    best = rows.loc[rows["value"].idxmin(), "lm_params"]
    smaller = rows[rows["lm_params"] < best]
    if smaller.empty:
        return f"{say_level(best)} is the smallest size on the list."
    said = [
        f"{row.value:.1f} points ({row.low:.1f} to {row.high:.1f}) with {say_level(row.lm_params)}"
        for row in smaller.itertuples()
    ]
    return f"Forced to a smaller language model, the best design loses {say_list(said)}."


def say_firm(front: pd.DataFrame) -> str:
    """Whether the refits agree on the LM and on the rest of the design, a row per budget.

    front : columns probability, and within_epsilon: designs about as good, the best among them
    """
    least, total = float(front["probability"].min()), len(front)
    ties = int((front["within_epsilon"] > 1).sum())
    size = "agree on the language model" if least >= FIRM else "do not agree on the language model"
    at = f"at least {least:.0%}" if least >= FIRM else f"at one budget only {least:.0%}"
    first = f"the refits {size} ({at} choose it)"
    if ties == 0:
        return f"{first}, and no other design is as good at any budget"
    return f"{first}, but at {say_part(ties, total, 'budgets')} other designs are about as good"


def say_span(front: pd.DataFrame) -> str:
    """Where each factor goes from the first row of a frontier to its last."""
    said = []
    for factor in FACTORS:
        values = front[factor].to_numpy(float)
        way, first, last = direction(values), say_level(values[0]), say_level(values[-1])
        if way == "stays":
            said.append(f"{say_name(factor)} {verb(factor, way)} at {first}")
        elif way in ("rises", "falls"):
            said.append(f"{say_name(factor)} {verb(factor, way)} from {first} to {last}")
        else:
            goes = verb(factor, "goes")
            said.append(f"{say_name(factor)} {goes} from {first} to {last}, not steadily")
    ends = (front["budget_flops"].iloc[k] / 1e12 for k in (0, -1))
    low, high = (f"{budget:g}" for budget in ends)
    return f"From {low} to {high} TFLOPs {say_list(said)}."


def say_largest(front: pd.DataFrame, largest: float) -> str:
    """Whether the answer takes the largest LM that has runs."""
    size = say_level(largest)
    count = int(np.isclose(front["lm_params"], largest).sum())
    if count == 0:
        return f"The choice is never {size}, the largest language model that has runs."
    where = say_part(count, len(front), "budgets")
    return (
        f"At {where} the choice is {size}, the largest language model that has runs; whether a "
        "larger one would do better, no run shows."
    )


def say_best_of(sizes: pd.Series, supported: pd.Series) -> str:
    """Which of the sizes with runs is chosen how often, and how much of that lies within the runs.

    sizes : the size that is chosen at every budget; supported : whether the design lies within
    """
    shares = sizes.value_counts(normalize=True)
    if len(shares) == 1:
        first = f"Of the sizes with runs {say_level(shares.index[0])} is the best at every budget"
    else:
        first = (
            f"Of the sizes with runs {say_level(shares.index[0])} is the best most often, at "
            f"{shares.iloc[0]:.0%} of the budgets"
        )
    return f"{first}; {supported.mean():.0%} of that frontier lies within the runs in every factor."


def say_agreement(theirs: Sequence[str], ours: Sequence[str]) -> str:
    """How many of the paper's designs are the bag's own choice at their cost."""
    same = sum(a == b for a, b in zip(theirs, ours, strict=True))
    return f"At {say_part(same, len(ours), 'end points')} the bag makes the paper's choice."


def say_growing(growth: pd.DataFrame, falls: float) -> str:
    """Whether every factor grows along the frontier, and how steadily; columns factor, low.

    falls : share of the refits in which a factor falls somewhere
    """
    growing = growth.loc[growth["low"] > 1, "factor"].tolist()
    if len(growing) == len(growth):
        first = "every factor grows with the budget"
    elif growing:
        grows = verb(growing[0], "grows") if len(growing) == 1 else "grow"
        first = f"with the budget {say_list(list(map(say_name, growing)))} {grows} for sure"
    else:
        first = "no factor grows for sure with the budget"
    return f"{first}, and in {falls:.0%} of the refits some factor falls on the way"
