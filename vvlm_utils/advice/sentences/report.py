"""What a report on somebody's own sweep says: budgets and comparisons for it, and its sentences.

Budgets lie between the cheapest run and the costliest. The choices that the answers rest on are
``prepare``'s and ``answer``'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.answer import ask
from vvlm_utils.advice.audit import Audit
from vvlm_utils.advice.claims import decidable
from vvlm_utils.laws.forms import moves_with_data
from vvlm_utils.laws.law import Law
from vvlm_utils.laws.options import FitError
from vvlm_utils.laws.protocols import Model
from vvlm_utils.laws.validation import compare_laws, score, summarise
from vvlm_utils.runs.prepared import Prepared
from vvlm_utils.runs.schema import RunsError
from vvlm_utils.runs.space import Candidates, Space
from vvlm_utils.text import say_design, say_level, say_name

MOST_HELD = 6  # combinations of further factors that are solved one by one


def round_budgets(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers (1, 2, 5 times a power of ten) between two budgets, or plain steps.

    >>> round_budgets(1.7e12, 32e12)
    [2000000000000.0, 5000000000000.0, 10000000000000.0, 20000000000000.0]
    """
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    found = [float(m * 10.0**p) for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    if len(found) < 3:
        return np.unique(np.geomspace(low, high, 4)).tolist()
    return found if len(found) <= most else found[:: -(-len(found) // most)]


def compare_supported(
    audit: Audit, runs: pd.DataFrame, rng: np.random.Generator, **arguments
) -> tuple[pd.DataFrame, str]:
    """Held-out predictions of the laws that the table supports, and why any are missing.

    A table whose folds lose a level is compared with fewer laws, and with none in the end.
    """
    held, reasons = [], []
    seed = rng.integers(2**63)
    for law in audit.supported().values():
        try:
            paired = np.random.default_rng(seed)
            held.append(compare_laws(runs, paired, [law], **arguments))
        except (FitError, ValueError) as error:
            reasons.append(f"{law.name} could not be tested: {error}.")
    columns = ["law", "test", "split", "run_id", "design", "observed", "predicted"]
    table = pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=columns)
    return table, " ".join(reasons)


def score_table(held: pd.DataFrame) -> pd.DataFrame:
    """Mean scores of every law, a pair of columns per test; empty without predictions."""
    if held.empty:
        return pd.DataFrame()
    table = summarise(score(held)).filter(like="_mean").rename(columns=lambda c: c[: -len("_mean")])
    return table.unstack("test").swaplevel(axis=1).sort_index(axis=1, level=0, sort_remaining=False)


def check_answerable(audit: Audit, wanted: str | None = None) -> None:
    """Refuse a table from which no law, or not the wanted one, can be fitted, and say why."""
    if not audit.laws:
        raise RunsError("no factor of the design moves, so no law can be fitted; run other designs")
    reasons = {support.law: support.why for support in audit.laws if support.status == "no"}
    if wanted in reasons:
        raise RunsError(f"the table does not support law {wanted}: {reasons[wanted]}")
    if not audit.supported():
        raise RunsError(f"the table supports no law: {audit.laws[0].why}; see `vvlm check`")


def held_levels(prepared: Prepared) -> list[dict[str, float]]:
    """Levels at which further factors that moved are answered, the most frequent first.

    One empty combination where none moved, or where listed designs carry levels of their own.
    """
    own = [f for f in prepared.further if f in prepared.factors]
    if not own or isinstance(prepared.space, Candidates):
        return [{}]
    counts = prepared.runs.groupby(own).size().sort_values(ascending=False, kind="stable")
    levels = [dict(zip(own, np.atleast_1d(key), strict=True)) for key in counts.index]
    return levels[:MOST_HELD]


def best_level(
    model: Model, prepared: Prepared, budget: float, n: float
) -> tuple[dict[str, float], pd.Series]:
    """The combination of further factors with the least error at one budget, and all errors."""
    levels = held_levels(prepared)
    names = [", ".join(f"{f} = {say_level(v)}" for f, v in level.items()) for level in levels]
    errors = [float(ask(model, prepared, [budget], n, level).errors()[0, 0]) for level in levels]
    return levels[int(np.argmin(errors))], pd.Series(errors, names, name="error")


def name_error(measured: str) -> str:
    """The head of a column of errors; ``measured`` is what they count, see ``Prepared.unit``.

    >>> name_error("points"), name_error("loss")
    ('error (points)', 'loss')
    """
    return "error (points)" if measured == "points" else measured


def _say_error(row: Mapping[str, float], measured: str, name: str = "") -> str:
    """A predicted error with its band; ``name`` stands after the first number."""
    digits = 1 if measured == "points" else 3
    error, low, high = (f"{row[f'error{end}']:.{digits}f}" for end in ("", "_low", "_high"))
    return f"{error}{name} ({low} to {high})"


def frontier_table(
    solved: pd.DataFrame,
    unit: tuple[str, float],
    factors: Sequence[str] = (),
    measured: str = "points",
) -> pd.DataFrame:
    """A frontier for reading, one row per budget.

    measured : what the error counts, see ``Prepared.unit``
    """
    rows = solved.to_dict("records")
    return pd.DataFrame(
        {
            "design": [say_design(row, factors) for row in rows],
            name_error(measured): [_say_error(row, measured) for row in rows],
            "refits with this LM": [f"{row['probability']:.0%}" for row in rows],
            "frames": [f"{row['frames_low']:g} to {row['frames_high']:g}" for row in rows],
            "tokens": [f"{row['tokens_low']:g} to {row['tokens_high']:g}" for row in rows],
            "others as good": [row["within_epsilon"] - 1 for row in rows],
        },
        index=pd.Index([f"{b / unit[1]:.3g}" for b in solved["budget_flops"]], name=unit[0]),
    )


def say_model(laws: Sequence[Law], method: str = "penalised") -> str:
    """Which law or laws the answers are read off, and how they were fitted."""
    how = {
        "penalised": "fitted with weak priors to resampled designs",
        "paper": "fitted as the paper does",
    }[method]
    if len(laws) == 1:
        return f"The law is {laws[0].name}, as asked, {how}."
    names = ", ".join(law.name for law in laws[:-1]) + f" and {laws[-1].name}"
    return f"The answers pool {names} in equal shares, each {how}."


def say_left_out(held: pd.DataFrame, laws: Sequence[Law]) -> list[str]:
    """A hint where the law that predicts best alone is none of those that answer.

    held : predictions of runs held out, as ``compare_laws`` gives them; may be empty
    """
    best = "" if held.empty else best_predicting(held)
    if not best or best in [law.name for law in laws]:
        return []
    return [
        f"Of the laws fitted alone, {best} predicts runs held out best, and it is not among these: "
        f"`--law {best}` answers by it."
    ]


def say_claims(runs: pd.DataFrame) -> str:
    """Which claims of the paper a checked table could decide by itself."""
    found = decidable(runs)
    if not found:
        return "This table alone decides none of the paper's claims."
    return f"This table alone could decide these of the paper's claims: {', '.join(found)}."


def best_predicting(held: pd.DataFrame) -> str:
    """The law of the least mean squared error in cross-validation."""
    return score(held[held["test"] == "cv"]).groupby("law")["mse"].mean().idxmin()


def say_scores(held: pd.DataFrame) -> list[str]:
    """How well each law, fitted alone, predicted runs it had not seen."""
    if held.empty:
        return ["No run could be held out to test a law."]
    found = summarise(score(held))
    said = []
    for law in dict.fromkeys(held["law"]):
        line = f"{law} misses runs it had not seen by {found.loc[(law, 'cv'), 'e_pct_mean']:.1f}%"
        if (law, "extrapolation") in found.index:
            far = found.loc[(law, "extrapolation"), "e_pct_mean"]
            line += f", and the isoFLOP runs, from the star alone, by {far:.1f}%"
        said.append(line + ".")
    if found.xs("cv", level="test")["r2_mean"].max() <= 0:
        said.append("No law predicts them better than their mean does: ask for no design by one.")
    return said


def say_gap(name: str, chosen: str, gap: Mapping, measured: str = "points") -> str:
    """How much worse one law predicts than the chosen one, and whether the runs can tell.

    measured : what the error counts, see ``Prepared.unit``
    """
    points = measured == "points"
    ends = [
        f"{round(gap[key], 2) + 0.0:.2f}" if points else f"{gap[key]:.2g}"
        for key in ("mse_difference", "low", "high")
    ]
    is_open = gap["low"] <= 0 <= gap["high"]
    verdict = "the runs do not tell the two apart" if is_open else "the difference is clear"
    return (
        f"{name} against {chosen}: mean squared error higher by {ends[0]}"
        f"{' points squared' if points else ''} ({ends[1]} to {ends[2]}); {verdict}."
    )


def _say_ties(count: int, epsilon: float, points: str) -> str:
    others = {1: "no other design lies", 2: "one other design lies"}
    return f"{others.get(count, f'{count - 1} other designs lie')} within {epsilon:.2g}{points}"


def say_frontier(
    solved: pd.DataFrame,
    n: float,
    unit: tuple[str, float],
    epsilon: float,
    factors: Sequence[str] = (),
    measured: str = "points",
) -> list[str]:
    """A sentence for the lowest, a middle and the highest budget.

    measured : what the error counts, see ``Prepared.unit``
    """
    points = " points" if measured == "points" else ""
    name = "loss" if measured == "loss" else "error"
    picked = solved.iloc[np.unique([0, len(solved) // 2, len(solved) - 1])]
    return [
        f"At {row['budget_flops'] / unit[1]:.3g} {unit[0]} per video and {say_level(n)} training "
        f"examples, deploy {say_design(row, factors)}: predicted {name} "
        f"{_say_error(row, measured, points)}; {row['probability']:.0%} of the refits agree on the "
        f"LM size, and {_say_ties(row['within_epsilon'], epsilon, points)}."
        for row in picked.to_dict("records")
    ]


def say_elasticity(table: pd.DataFrame, space: Space | Candidates, laws: Sequence[Law]) -> str:
    """Which way each factor moves when there is more data, as far as the bag agrees."""
    if not any(map(moves_with_data, laws)):
        return (
            f"With more training data the best design stays as it is, but only because law "
            f"{laws[0].name} has no term in which a factor meets the data: the runs were not asked."
        )

    def way(factor: str, low: float, high: float) -> str:
        values = space.designs[factor]
        if values.nunique() == 1:
            return "never moved in these runs"
        low, high = round(low, 9), round(high, 9)  # sums that cancel leave a last digit
        if low == high == 0:
            return "stays"
        return "should rise" if low > 0 else "should fall" if high < 0 else "is open"

    rows = table[["low", "high"]].itertuples()
    said = ", ".join(f"{say_name(row[0])} {way(*row)}" for row in rows)
    return f"With more training data and the same budget: {said}."
