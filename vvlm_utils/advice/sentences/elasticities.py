"""What the chapter on elasticities says of its tables: chapter 8."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from vvlm_utils.advice.sentences.words import say_list, say_part
from vvlm_utils.text import say_level


def say_zeros(table: pd.DataFrame) -> str:
    """How many intervals hold zero; columns low, high."""
    holds = (table["low"] <= 0) & (table["high"] >= 0)
    return f"{say_part(int(holds.sum()), len(holds), 'intervals')} hold zero"


def say_short_steps(short: float, long_step: float, paper_short: float, paper_long: float) -> str:
    """Whether the elasticity of LM size is larger over short steps, here and in the paper."""
    ours, theirs = short > long_step, paper_short > paper_long
    if ours and theirs:
        return "as the step shrinks the elasticity of $x_N$ grows in the paper *and* here"
    if theirs:
        return "as the step shrinks the elasticity of $x_N$ grows in the paper, and not here"
    if ours:
        return "as the step shrinks the elasticity of $x_N$ grows here, and not in the paper"
    return "the elasticity of $x_N$ grows with a shorter step neither here nor in the paper"


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
    said = f"{say_part(open_, len(values), 'signs')} are open"
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
        return "Which part had better become cheaper is open at every budget."
    said = []
    if better:
        said.append(f"a cheaper encoder is surely the better wish at {say_list(better)} TFLOPs")
    if other:
        said.append(f"a cheaper LM at {say_list(other)}{'' if better else ' TFLOPs'}")
    left = len(budgets) - len(better) - len(other)
    end = f"; {left} of {len(budgets)} budgets are open" if left else ""
    text = " and ".join(said)
    return f"{text[0].upper()}{text[1:]}{end}."


def say_discount(gains: Mapping[float, float], lm_half: float) -> str:
    """How cheap an encoder must be to be worth an LM at half price; gains by its price."""
    enough = [price for price, gain in gains.items() if gain >= lm_half]
    if not enough:
        return "No discount suffices: a nearly free encoder gains less than an LM at half price."
    return f"An encoder at {max(enough):g} of its price gains as much as an LM at half price."


def say_grid(budgets: int, sizes: int, step: float) -> str:
    """The grid of a computation.

    >>> say_grid(300, 100, 5e6)
    '300 budgets, 100 data sizes, a step of 5M examples'
    """
    return f"{budgets:,} budgets, {sizes:,} data sizes, a step of {say_level(step)} examples"
