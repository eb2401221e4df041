"""What chapter 6 says of its tables: which form predicts best, what the runs decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import say_at_most, say_list, say_number, say_part
from vvlm_utils.text import true_minus

SAME_LOSS = 1e-3  # relative difference of two losses up to which they are one optimum
ONE_SIDED = 0.8  # share of the misses with one sign from which a law errs to one side
KNOWN = 0.25  # standard error over value up to which an exponent counts as known
NEAR_NOMINAL = 0.05  # a coverage this close to its level is as stated
TESTS = {"cv": "in cross-validation", "extrapolation": "from star to isoFLOP"}


def say_best(scores: pd.DataFrame) -> str:
    """Which law misses unseen runs least and which most; columns law, test, e_pct and mse."""
    said = []
    for test, words in TESTS.items():
        part = scores[scores["test"] == test].groupby("law")[["mse", "e_pct"]].mean()
        if part.empty:
            continue
        best, worst = part["mse"].idxmin(), part["mse"].idxmax()
        said.append(
            f"{words} {best} misses unseen runs least, by {part.loc[best, 'e_pct']:.1f}% on "
            f"average, and {worst} most, by {part.loc[worst, 'e_pct']:.1f}%"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def say_near_paper(ours: pd.Series, paper: pd.Series, digits: int = 2) -> str:
    """How close values come to those that are printed, by name."""
    return f"at most {(ours - paper).abs().max():.{digits}f} from the paper's"


def say_above(ours: pd.Series, paper: pd.Series) -> str:
    """For which laws a score is above the printed one."""
    over = [name for name in ours.index if ours[name] > paper[name]]
    if not over:
        return "it is above the paper's for none of them"
    if len(over) == len(ours):
        return f"it is above the paper's for {'both' if len(ours) == 2 else 'all'} of them"
    return f"it is above the paper's for {say_list(over)} alone"


def say_optimisers(gaps: pd.DataFrame) -> str:
    """How often two optimisers end at one loss; relative differences, a column per law."""
    values = gaps.to_numpy().ravel()
    same = np.abs(values) <= SAME_LOSS
    said = f"The two end at the same loss, within {SAME_LOSS:.1%}, in " + say_part(
        int(same.sum()), len(values), "fits"
    )
    above, below = values[values > SAME_LOSS], -values[values < -SAME_LOSS]
    if len(above):
        said += f"; L-BFGS ends higher in {len(above)}, by up to {above.max():.0%}"
    if len(below):
        said += f"; L-BFGS ends lower in {len(below)}, by up to {below.max():.0%}"
    return f"{said}."


def say_criteria(table: pd.DataFrame) -> str:
    """Which laws AIC and BIC prefer, and whether lmfit confirms the optima.

    table : as ``lmfit_table`` gives it, by law: aic, bic, correlated and moved
    """
    aic, bic = table["aic"].idxmin(), table["bic"].idxmin()
    first = f"AIC and BIC both prefer {aic}" if aic == bic else f"AIC prefers {aic}, BIC {bic}"
    said = f"{first}. lmfit moves the sum of squares by {say_at_most(table['moved'].abs().max())}."
    pairs = table["correlated"].dropna()
    if pairs.empty:
        return f"{said} It gives no correlation of two parameters."
    return (
        f"{said} The strongest correlation of two parameters is {pairs.max():.3f}, in "
        f"{pairs.idxmax()}."
    )


def say_sides(relative: pd.DataFrame) -> str:
    """Which laws err to one side from star to isoFLOP; columns law, test and relative."""
    part = relative[relative["test"] == "extrapolation"]
    shares = (part["relative"] > 0).groupby(part["law"], sort=False).mean()
    sides = {law: "large" for law, share in shares.items() if share >= ONE_SIDED}
    sides |= {law: "small" for law, share in shares.items() if share <= 1 - ONE_SIDED}
    if not sides:
        return f"No law errs to one side for {ONE_SIDED:.0%} of the runs."
    said = [
        f"{law} predicts too {side} an error for "
        f"{max(shares[law], 1 - shares[law]):.0%} of the runs"
        for law, side in sides.items()
    ]
    return f"From star to isoFLOP {say_list(said)}."


def say_tasks_beside(bars: pd.DataFrame) -> str:
    """Which tasks are missed most, and how many lie near the paper's.

    bars : columns name, value and paper, per cent
    """
    tasks = bars[bars["name"] != "Avg"].sort_values("value", ascending=False, kind="stable")
    first, second = (f"{row['name']} ({row['value']:.1f}%)" for _, row in tasks.head(2).iterrows())
    near = int(((tasks["value"] - tasks["paper"]).abs() <= 1).sum())
    return (
        f"The largest misses are those of {first} and {second}; "
        f"{say_part(near, len(tasks), 'tasks')} lie within one point of the paper's."
    )


def say_apart(gaps: pd.DataFrame, first: str, second: str) -> str:
    """Whether the runs tell two laws apart.

    gaps : index (worse, better, test), columns mse_difference, low and high
    """
    part = gaps.sort_index().loc[(first, second)]
    open_ = (part["low"] <= 0) & (part["high"] >= 0)
    most = f"their MSE differs by {part['mse_difference'].abs().max():.2f} points² at most"
    if open_.all():
        return f"These runs cannot tell {first} and {second} apart: {most}, and could be equal."
    if not open_.any():
        return f"These runs tell {first} and {second} apart under every test: {most}."
    tests = say_list([TESTS[str(test)] for test in part.index[~open_]])
    return f"These runs tell {first} and {second} apart {tests} alone: {most}."


def say_beyond(pooled: pd.DataFrame, paper: str, default: str, penalised: str) -> str:
    """How far the paper's law and the default miss an LM size that is left out.

    pooled : index (test, way), column worst_e_pct
    """
    out = pooled.loc["LM size out", "worst_e_pct"]
    return (
        f"With one LM size left out, the mean relative error (of the worst seed) is "
        f"{out[paper]:.0f}% for the paper's law, {out[default]:.1f}% for the default of this book, "
        f"*{default}*, and {out[penalised]:.1f}% for *{penalised}*."
    )


def say_gain(pooled: pd.DataFrame, default: str) -> str:
    """MSE of the default from star to isoFLOP less that of the paper's law, with its interval."""
    columns = ["mse_difference", "difference_low", "difference_high"]
    value, low, high = pooled.loc[("star to isoFLOP", default), columns]
    return true_minus(f"{value:+.2f} ({low:+.2f} to {high:+.2f})")


def say_inside(pooled: pd.DataFrame, paper: str, default: str) -> str:
    """Which of the two predicts better inside the runs; index (test, way), column e_pct."""
    inside = pooled.loc["CV by designs", "e_pct"]
    ours, theirs = float(inside[default]), float(inside[paper])
    pair = f"{theirs:.2f}% against {ours:.2f}% in cross-validation by designs"
    if f"{ours:.2f}" == f"{theirs:.2f}":
        return f"Inside the runs the two miss by the same: {pair}."
    ahead = "the paper's law stays ahead" if theirs < ours else "the default is ahead as well"
    return f"Inside the runs {ahead}, with {pair}."


def say_choices(table: pd.DataFrame) -> str:
    """Whether choices of the fit matter less here than in the paper.

    table : MSE from star to isoFLOP by choice, columns ours and paper, the row "chosen" among them
    """
    others = table.drop("chosen")
    less = (others["ours"] - table.loc["chosen", "ours"]).abs() < (
        others["paper"] - table.loc["chosen", "paper"]
    ).abs()
    raw = others.loc["raw-space"]
    return (
        f"From star to isoFLOP {say_part(int(less.sum()), len(others), 'choices')} change the MSE "
        f"by less than in the paper; in raw space the printed MSE is "
        f"{say_number(raw['paper'] / raw['ours'])} times ours."
    )


def say_bag(spread: pd.DataFrame) -> str:
    """What the mean of a full bag loses against its median; index (aggregate, size)."""
    full = spread.index.get_level_values("size").max()
    median, mean = (spread.loc[(name, full), "value"] for name in ("median", "mean"))
    if mean > 2 * median:
        how = f"{mean / median:.0f} times as large: a few wild refits carry it, the median is safe"
    elif mean > median:
        how = "larger"
    else:
        how = "no larger"
    return (
        f"With {full} refits the median has an MSE of {median:.2f} points², and that of the mean "
        f"is {how}."
    )


def say_known(table: pd.DataFrame) -> str:
    """Which exponents of a single fit are known, and which ends are open.

    table : columns value, standard error, low and high, by parameter
    """
    exponents = table[[str(name).startswith(("a_", "d")) for name in table.index]]
    share = (exponents["standard error"] / exponents["value"].abs()).fillna(np.inf)
    known, rest = (list(exponents.index[found]) for found in (share <= KNOWN, share > KNOWN))
    if not rest:
        first = f"Every exponent is known to {KNOWN:.0%} of its value or better"
    elif not known:
        first = f"No exponent is known to {KNOWN:.0%} of its value"
    else:
        first = (
            f"Of the exponents {say_list(known)} {'is' if len(known) == 1 else 'are'} known to "
            f"{KNOWN:.0%} of {'its' if len(known) == 1 else 'their'} value or better, "
            f"{say_list(rest)} {'is' if len(rest) == 1 else 'are'} not"
        )
    open_ = [name for name, row in table.iterrows() if np.isinf([row["low"], row["high"]]).any()]
    ends = f"; the interval of {say_list(open_)} has an open end" if open_ else ""
    return f"{first}{ends}."


def say_judged(verdicts: pd.Series) -> str:
    """How many parameters the runs find; verdicts as ``judge`` gives them, by parameter."""
    counts = verdicts.value_counts()
    found = int(counts.get("found", 0))
    others = [f"{count} {name}" for name, count in counts.items() if name != "found"]
    rest = f" (the others: {say_list(others)})" if others else ""
    return f"The refits find {say_part(found, len(verdicts), 'parameters')}{rest}."


def decided(profiles: pd.DataFrame, threshold: float) -> dict[str, bool]:
    """Whether a profile rises above the threshold on both sides; parameter, value and excess."""
    found = {}
    for name, part in profiles.groupby("parameter", sort=False):
        over = part.sort_values("value")["excess"].to_numpy() > threshold
        found[str(name)] = bool(over[0] and over[-1] and not over.all())
    return found


def say_profiles(found: Mapping[str, bool]) -> str:
    """Which parameters the runs decide on both sides."""
    sure = [name for name, yes in found.items() if yes]
    every = say_list(list(found))
    if not sure:
        return f"A profile bounds none of {every} on both sides."
    if len(sure) == len(found):
        return f"A profile bounds each of {every} on both sides."
    rest = say_list([name for name in found if name not in sure])
    return f"Of {every}, a profile bounds {say_list(sure)} on both sides, and leaves {rest} open."


def say_coverage(shares: pd.Series, nominal: float) -> str:
    """Which bands contain the truth less often than they state; shares by question."""
    less = shares[shares < nominal - NEAR_NOMINAL].sort_values()
    more = shares[shares > nominal + NEAR_NOMINAL]
    near = len(shares) - len(less) - len(more)
    said = [f"{len(more)} more often than they state", f"{near} about as often"]
    if len(less):
        listed = say_list([f"{name} ({share:.0%})" for name, share in less.items()])
        said.append(f"{len(less)} less often ({listed})")
    else:
        said.append("none less often")
    return f"Of {len(shares)} kinds of {nominal:.0%} bands, the truth lies in {say_list(said)}."


def say_least(shares: pd.DataFrame, columns: Sequence[str]) -> str:
    """The least share of bands of the error with the truth, under each way; a row per question."""
    errors = shares.filter(like="error,", axis=0)
    first, *others = [f"{errors[name].min():.0%}" for name in columns]
    said = [f"{first} of the tables with {columns[0]}"]
    said += [f"{share} with {name}" for share, name in zip(others, columns[1:], strict=True)]
    return f"Bands of the error contain the truth in at least {say_list(said)}."
