"""What the chapter on elasticities says of its tables: chapter 8."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import say_list, say_part
from vvlm_utils.text import say_level, say_name, show_interval, true_minus

ROUNDING = 0.01  # what the last printed digit of an elasticity may hide


def say_zeros(table: pd.DataFrame) -> str:
    """How many intervals contain zero; columns low, high."""
    count = int(((table["low"] <= 0) & (table["high"] >= 0)).sum())
    verb = "contains" if count <= 1 else "contain"
    return f"{say_part(count, len(table), 'intervals')} {verb} zero"


def say_held(table: pd.DataFrame, printed: pd.Series) -> str:
    """How many intervals contain the printed value of their row; columns low, high."""
    held = int(((table["low"] <= printed) & (printed <= table["high"])).sum())
    values = "its printed value" if held <= 1 else "their printed values"
    part = say_part(held, len(table), "intervals")
    return f"{part} {'contains' if held <= 1 else 'contain'} {values}"


def say_main(table: pd.DataFrame, level: float) -> str:
    """The elasticities with their intervals; a row per factor, columns value, low, high.

    >>> table = pd.DataFrame({"value": [0.1], "low": [-1], "high": [1]}, index=["frames"])
    >>> say_main(table, 0.8)
    '0.10 (80%: −1.00 to 1.00) for frames'
    """
    said = []
    for factor, row in table.iterrows():
        text = show_interval(row["value"], row["low"], row["high"], 2)
        said.append(f"{text.replace('(', f'({level:.0%}: ')} for {say_name(factor)}")
    return say_list(said)


def say_example(before: str, after: str, lost: float, noise: float) -> str:
    """What four times the data change for one question, and what it costs to change nothing.

    before, after : the best designs, as text
    lost : points that the first loses against the second where there are more data
    noise : the difference that counts as none, points
    """
    if before == after:
        return f"The best design is {before}, and it stays the best with four times the examples."
    cost = f"{max(lost, 0):.2f} points"
    tie = "less" if lost < noise else "more"
    return (
        f"The best design is {before}; with four times the examples it is {after}. "
        f"Keeping the first would lose {cost}, {tie} than the noise of a run ({noise:.2f})."
    )


def say_printed(printed: Mapping[str, float], bands: pd.DataFrame) -> str:
    """Which printed values lie inside the bands that are known to hold, and which cannot be told.

    Parameters
    ----------
    printed : value by factor
    bands : one row per factor: level, low, high; NaN where no band is known to hold

    Examples
    --------
    >>> bands = pd.DataFrame({"level": [0.9, np.nan], "low": [0, np.nan], "high": [1, np.nan]})
    >>> say_printed({"frames": 0.5, "lm_params": 1}, bands.set_axis(["frames", "lm_params"]))
    'the 0.50 for frames lies inside its 90% band (0.00 to 1.00); for LM size no band is known to hold'
    """  # noqa: E501
    said = []
    for factor, row in bands.iterrows():
        if np.isnan(row["level"]):
            said.append(f"for {say_name(factor)} no band is known to hold")
            continue
        value = printed[factor]
        where = "inside" if row["low"] <= value <= row["high"] else "outside"
        if min(abs(value - row["low"]), abs(value - row["high"])) < ROUNDING:
            where = "on the edge of"
        said.append(
            f"the {value:.2f} for {say_name(factor)} lies {where} its {row['level']:.0%} band "
            f"({row['low']:.2f} to {row['high']:.2f})"
        )
    return true_minus("; ".join(said))


def say_clear(clear: int, total: int, level: float) -> str:
    """How many intervals leave zero, beside how many would do so by chance alone.

    >>> say_clear(4, 27, 0.8)
    '4 of the 27 intervals leave zero; if every elasticity were zero, about 5 would by chance'
    """
    part = say_part(clear, total, "intervals")
    chance = f"if every elasticity were zero, about {round((1 - level) * total)} would by chance"
    return f"{part} {'leave' if clear != 1 else 'leaves'} zero; {chance}"


def say_pays(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """At how many budgets a frame more is worth more than tokens, under two laws.

    ours, theirs : the difference, columns low and high, a row per budget
    """
    counts = [say_part(int((t["low"] > 0).sum()), len(t), "budgets") for t in (ours, theirs)]
    if counts[0] == counts[1]:
        return f"per TFLOP a frame is ahead with its whole interval at {counts[0]} under either law"
    return (
        f"per TFLOP a frame is ahead with its whole interval at {counts[0]} under the mix, and at "
        f"{counts[1]} under the paper's law"
    )


def say_short_steps(short: float, long_step: float, paper_short: float, paper_long: float) -> str:
    """Whether the elasticity of LM size is larger over short steps, here and in the paper."""
    ours, theirs = short > long_step, paper_short > paper_long
    if ours and theirs:
        return "as the step shrinks the elasticity of LM size grows in the paper and here"
    if theirs:
        return "as the step shrinks the elasticity of LM size grows in the paper, and not here"
    if ours:
        return "as the step shrinks the elasticity of LM size grows here, and not in the paper"
    return "the elasticity of LM size grows with a shorter step neither here nor in the paper"


def say_reach(sizes: tuple[float, float], step: float, runs: pd.DataFrame) -> str:
    """What an average asks beside what the runs have; ``sizes``: least and largest n."""
    n = runs["train_examples"]
    return (
        f"The average above reaches from {say_level(sizes[0])} to {say_level(sizes[1] + step)} "
        f"examples, the runs from {say_level(n.min())} to {say_level(n.max())}, and their LMs stop "
        f"at {say_level(runs['lm_params'].max())}."
    )


def say_signs(support: pd.DataFrame) -> str:
    """How many signs are open and whether any is decided; True as the paper, None open."""
    values = support.to_numpy(dtype=object).ravel()
    open_ = sum(v is None or v != v for v in values)
    paper, poster = sum(v is True for v in values), sum(v is False for v in values)
    verb = "is" if open_ == 1 else "are"
    said = f"{say_part(open_, len(values), 'signs')} {verb} open"
    if open_ == len(values):
        return f"{said}: neither the paper's signs nor the poster's can be read off these runs"
    found = [f"{paper} as in the paper's table"] * bool(paper)
    found += [f"{poster} as in the poster's arrows"] * bool(poster)
    return f"{said}; of the others {say_list(found)}"


def say_lines(gains: pd.DataFrame, first: str, second: str) -> str:
    """Which of two gains is larger at which budgets; columns kind, budget_tflops, value."""
    table = gains.pivot(index="budget_tflops", columns="kind", values="value")
    ahead = table[first] > table[second]
    if ahead.all():
        return f"{first} lies above {second} at every budget"
    if not ahead.any():
        return f"{first} lies above {second} at no budget"
    at = say_list([f"{b:g}" for b in table.index[ahead]])
    return f"{first} lies above {second} at {at} TFLOPs and below at the others"


def say_wish(difference: pd.DataFrame) -> str:
    """For which budgets a cheaper encoder is worth more than a cheaper LM.

    difference : encoder less LM, columns low and high, a row per budget (TFLOPs)
    """
    sure, worse = difference["low"] > 0, difference["high"] < 0
    budgets = [f"{b:g}" for b in difference.index]
    better = [b for b, yes in zip(budgets, sure, strict=True) if yes]
    other = [b for b, yes in zip(budgets, worse, strict=True) if yes]
    if not better and not other:
        return "Whether a cheaper encoder or a cheaper LM gains more is open at every budget."
    said = [f"A cheaper encoder gains more at {say_list(better)} TFLOPs"] if better else []
    if other:
        start = "a cheaper LM" if better else "A cheaper LM gains more"
        said.append(f"{start} at {say_list(other)}{'' if better else ' TFLOPs'}")
    left = len(budgets) - len(better) - len(other)
    end = f"; {say_part(left, len(budgets), 'budgets')} {'is' if left == 1 else 'are'} open"
    clear = " (whole intervals)"
    return f"{', and '.join(said)}{clear}{end if left else ''}."


def say_discount(gains: Mapping[float, float], lm_half: float) -> str:
    """How cheap an encoder must be to be worth an LM at half price; gains by its price."""
    enough = [price for price, gain in gains.items() if gain >= lm_half]
    if not enough:
        return "No discount suffices: a nearly free encoder gains less than an LM at half price."
    return f"An encoder at {max(enough):g} of its price gains as much as an LM at half price."


def say_finer(coarse: pd.Series, fine: pd.Series) -> str:
    """Whether a finer list of LM sizes decides what a coarse one leaves; value, low and high.

    >>> coarse = pd.Series({"value": 0.0, "low": -1.0, "high": 1.0})
    >>> say_finer(coarse, coarse + 0.1)
    'With the finer list the elasticity of LM size moves from 0.00 to 0.10, and its interval still contains zero: the coarse list alone does not leave the sign open.'
    """  # noqa: E501
    moved = true_minus(f"from {coarse['value'] + 0.0:.2f} to {fine['value'] + 0.0:.2f}")
    said = f"With the finer list the elasticity of LM size moves {moved}, and its interval"
    if not fine["low"] <= 0 <= fine["high"]:
        return f"{said} leaves zero out."
    if coarse["low"] <= 0 <= coarse["high"]:
        still = "still contains zero: the coarse list alone does not leave the sign open"
        return f"{said} {still}."
    return f"{said} contains zero: only the coarse list gave it a sign."


def say_grid(budgets: int, sizes: int, step: float) -> str:
    """The grid of a computation.

    >>> say_grid(300, 100, 5e6)
    '300 budgets, 100 data sizes, a step of 5M examples'
    """
    return f"{budgets:,} budgets, {sizes:,} data sizes, a step of {say_level(step)} examples"
