"""What the chapters on the runs themselves say of their tables: chapters 5, 10 and 11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from vvlm_utils.advice.sentences.words import say_list, say_part
from vvlm_utils.text import say_name, short_count


def say_slopes(slopes: pd.DataFrame) -> str:
    """Whether more of every factor helps; columns value, low, high of the upper half of each arm.

    slopes : points of error per doubling, a row per factor
    """
    sure = slopes["high"] < 0
    if sure.all():
        return "every slope and its whole interval lie below zero: more of any factor helps"
    left = say_list([say_name(f) for f in slopes.index[~sure]])
    if not sure.any():
        return "no slope has its whole interval below zero at this level"
    return f"every slope but that of {left} has its whole interval below zero"


def say_doublings(ratios: pd.DataFrame) -> str:
    """Per doubling, where returns diminish; a ratio of slopes per factor, low and high."""
    fewer = [say_name(f) for f in ratios.index[ratios["low"] > 1]]
    more = [say_name(f) for f in ratios.index[ratios["high"] < 1]]
    open_ = [say_name(f) for f in ratios.index[(ratios["low"] <= 1) & (ratios["high"] >= 1)]]
    said = [f"returns diminish for {say_list(fewer)}"] if fewer else []
    said += [f"they grow for {say_list(more)}"] if more else []
    said += [f"for {say_list(open_)} the interval leaves it open"] if open_ else []
    return f"Per doubling, {'; '.join(said)}."


def say_held_back(losses: pd.DataFrame, small: str) -> str:
    """At how many budgets a small LM loses points; columns low, high, a row per budget."""
    sure = int((losses["low"] > 0).sum())
    if sure == len(losses):
        return f"At every budget {small} loses points"
    return (
        f"{small} loses points with its whole interval at {say_part(sure, len(losses), 'budgets')}"
    )


def say_readings(readings: pd.DataFrame) -> str:
    """Which of two LMs gains more under how many readings; a column per LM size, smaller first."""
    table = readings.dropna()
    small, large = table.columns[0], table.columns[-1]
    count, total = int((table[small] > table[large]).sum()), len(table)
    names = short_count(small), short_count(large)
    if count == total:
        return f"Under every reading the *small* LM, {names[0]}, gains more."
    if count == 0:
        return f"Under every reading the large LM, {names[1]}, gains more."
    return f"The readings differ: {names[0]} gains more under {count} of {total}."


def say_before(lead: Mapping[str, float]) -> str:
    """What the step before says of the larger LM; value, low and high of its lead."""
    if lead["low"] > 0:
        return "there the larger LM makes better use of the compute"
    if lead["high"] < 0:
        return "there the smaller LM makes better use of the compute"
    return "there its interval contains zero"


def say_left_out(count: int) -> str:
    """How many single runs decide whether "much" is excluded."""
    if count == 0:
        return (
            'Whichever run is left out, the interval excludes a lead that could be called "much".'
        )
    runs = "this run" if count == 1 else "each of these runs"
    return (
        f'With {runs} left out, alone, the interval reaches a lead that could be called "much"; '
        "the other runs change nothing."
    )


def say_interactions(simple: float, rich: float, best: str) -> str:
    """Whether interactions help in cross-validation: R² of add and of add-interact."""
    if rich - simple > 0.005:
        return f"yes: {rich:.3f} against {simple:.3f} for add"
    if simple - rich > 0.005:
        return f"no: {rich:.3f} against {simple:.3f} for add"
    return f"hardly: {rich:.3f} against {simple:.3f} for add; {best} predicts best"


def say_sum(add: float, mult: float) -> str:
    """Whether a sum of factors beats their product; cross-validated R².

    >>> say_sum(0.89, 0.76)
    'yes: R² 0.890 against 0.760'
    """
    return f"{'yes' if add > mult else 'no'}: R² {add:.3f} against {mult:.3f}"


def say_aim(e_pct: float, aim: float) -> str:
    """Whether the best law of a star comes within the aim.

    >>> say_aim(8.1, 5)
    'no: E% 8.1 at best, and the aim is 5'
    """
    return f"{'yes' if e_pct <= aim else 'no'}: E% {e_pct:.1f} at best, and the aim is {aim:g}"


def say_against(moves: Mapping[str, str], paper: Mapping[str, str]) -> str:
    """What the runs say of directions beside the paper's; both as ``answers.find_moves``."""
    same = [say_name(f) for f in paper if moves[f] == paper[f]]
    open_ = [say_name(f) for f in paper if moves[f] == "open"]
    other = [name for f in paper if (name := say_name(f)) not in [*same, *open_]]
    said = [f"{say_list(same)} as in the paper"] if same else []
    said += [f"{say_list(other)} against it"] if other else []
    said += [f"{say_list(open_)} open"] if open_ else []
    return "; ".join(said)


def say_names(first: Sequence[str], second: Sequence[str]) -> str:
    """At how many budgets two prices name the same LM."""
    same = sum(a == b for a, b in zip(first, second, strict=True))
    return f"The two prices name the same decoder at {say_part(same, len(first), 'budgets')}."


def say_plans(left: Mapping[str, pd.DataFrame]) -> str:
    """What plans and chance leave of the doubt about the choice at their end, least first.

    left : by name a table with column left, a share, a row per run
    """
    ends = {name: float(table["left"].iloc[-1]) for name, table in left.items()}
    order = sorted(ends.items(), key=lambda item: item[1])
    return f"At the end {say_list([f'{name} leaves {share:.0%}' for name, share in order])}."
