"""What a report on somebody's own sweep says: the choices it makes for them, and its sentences.

The designs to choose from lie within the runs: their LM sizes, whole frames and square grids of
tokens between the smallest and the largest, budgets between the cheapest run and the dearest. So
no answer of a report is an extrapolation in a single factor or in the number of examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.audit import Audit
from vvlm_utils.cost.equation import (
    FACTORS,
    SOVIT_400M,
    TRAIN_EXAMPLES,
    CostFunction,
    VisionTower,
    inference_cost,
)
from vvlm_utils.frontier.solver import solve_frontier
from vvlm_utils.frontier.space import MOST_SIZES, Candidates, Space, spread
from vvlm_utils.laws.bagging import BaggedLaw, hold_factors
from vvlm_utils.laws.fitting import FitError
from vvlm_utils.laws.forms import FORMS, LAWS, Law, make_law, moves_with_data
from vvlm_utils.laws.validation import compare_laws, score, summarise
from vvlm_utils.runs.schema import COST, RunsError
from vvlm_utils.runs.table import average_seeds
from vvlm_utils.text import say_design, say_level, say_name

MOST_LEVELS = {"lm_params": MOST_SIZES, "frames": 64, "tokens_per_frame": 32}
MOST_HELD = 6  # combinations of further factors that are solved one by one
FORGOTTEN = 0.9  # the encoder's share of every design from which its size should be checked


def own_cost(tower_params: float, features_per_frame: float) -> CostFunction:
    """Eq. 1 with an encoder of your own, FLOPs per video."""
    tower = VisionTower(tower_params, features_per_frame)

    def cost(lm_params, frames, tokens_per_frame):
        return inference_cost(lm_params, frames, tokens_per_frame, tower).total_flops

    return cost


def merge_repeats(runs: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """One row a design and n: repeats share a design, and a law cannot tell them apart."""
    return (
        average_seeds(runs, factors)
        if runs.duplicated([*FACTORS, *factors, TRAIN_EXAMPLES]).any()
        else runs
    )


def space_within(runs: pd.DataFrame) -> Space:
    """The designs between the runs' own levels; a factor that never moves stays where it is."""
    low, high = runs["frames"].min(), runs["frames"].max()
    frames = np.unique(np.rint(np.geomspace(low, high, 4 * MOST_LEVELS["frames"])))
    sides = np.sqrt(runs["tokens_per_frame"].to_numpy(dtype=float))
    tokens = np.arange(sides.min(), sides.max() + 1) ** 2 if np.ptp(sides) < 1e4 else sides**2
    values = {"lm_params": runs["lm_params"], "frames": frames, "tokens_per_frame": tokens}
    return Space(**{f: spread(v, MOST_LEVELS[f]) for f, v in values.items()})


def candidates_of(runs: pd.DataFrame, factors: Sequence[str]) -> Candidates | None:
    """The designs that were run with the costs that the table gives them; None without costs."""
    if COST not in runs:
        return None
    table = runs.groupby([*FACTORS, *factors], as_index=False)[COST].mean()
    return Candidates(table.drop(columns=COST), table[COST].to_numpy())


def run_costs(runs: pd.DataFrame, cost: CostFunction) -> np.ndarray:
    """Cost of every run, by the table's own column where it has one."""
    if COST in runs:
        return runs[COST].to_numpy(dtype=float)
    return np.asarray(cost(*(runs[f].to_numpy(dtype=float) for f in FACTORS)))


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
    """Mean scores of every law, a pair of columns a test; empty without predictions."""
    if held.empty:
        return pd.DataFrame()
    table = summarise(score(held)).filter(like="_mean").rename(columns=lambda c: c[: -len("_mean")])
    return table.unstack("test").swaplevel(axis=1).sort_index(axis=1, level=0, sort_remaining=False)


def choose_law(audit: Audit, held: pd.DataFrame, wanted: str = "best") -> Law:
    """The wanted law over the factors that move, or the best by cross-validation.

    Without held-out predictions the plainest supported law. Raises RunsError if none is.
    """
    check_answerable(audit, wanted)
    supported = audit.supported()
    if wanted != "best":
        check_law(wanted)
        return make_law(wanted, audit.varying)
    if held.empty:
        return next(iter(supported.values()))
    cv = score(held[held["test"] == "cv"]).groupby("law")["mse"].mean()
    return supported[cv.idxmin()]


def check_answerable(audit: Audit, wanted: str = "best") -> None:
    """Refuse a table from which no law, or not the wanted one, can be fitted, and say why."""
    reasons = {support.law: support.why for support in audit.laws if support.status == "no"}
    if wanted in reasons:
        raise RunsError(f"the table does not support law {wanted}: {reasons[wanted]}")
    if not audit.supported():
        raise RunsError(f"the table supports no law: {audit.laws[0].why}; see `vvlm check`")


def check_law(name: str) -> None:
    """Refuse a name that is neither "best" nor a form."""
    if name not in ("best", *FORMS):
        raise RunsError(f"unknown law {name!r}; the laws are best, {', '.join(FORMS)}")


def held_bags(
    bagged: BaggedLaw, runs: pd.DataFrame, factors: Sequence[str]
) -> dict[str, BaggedLaw]:
    """The bag at each combination of the further factors' levels, the most frequent first.

    Without further factors in the law, the bag itself under an empty name.
    """
    own = [f for f in factors if f in bagged.law.factors]
    if not own:
        return {"": bagged}
    combinations = runs.groupby(own).size().sort_values(ascending=False, kind="stable")
    levels = [dict(zip(own, np.atleast_1d(key), strict=True)) for key in combinations.index]
    return {
        ", ".join(f"{f} = {say_level(v)}" for f, v in level.items()): hold_factors(bagged, level)
        for level in levels[:MOST_HELD]
    }


def best_held(
    bags: Mapping[str, BaggedLaw], budget: float, n: float, space: Space, cost: CostFunction
) -> tuple[str, pd.Series]:
    """Name of the combination with the least error at one budget, and the errors of all."""
    errors = {
        name: float(solve_frontier(bagged, [budget], n, space, cost)["error"].iloc[0])
        for name, bagged in bags.items()
    }
    table = pd.Series(errors, name="error")
    return table.idxmin(), table


def priced_within(space: Space, cost: CostFunction, budgets: np.ndarray) -> np.ndarray:
    """The budgets if a space can spend them, else as many between its cheapest and its dearest."""
    flops = np.asarray(cost(*(space.designs[f].to_numpy() for f in FACTORS)))
    if budgets.min() >= flops.min():
        return budgets
    return np.geomspace(flops.min(), flops.max(), len(budgets))


def elasticity_grid(runs: pd.DataFrame) -> dict:
    """Data sizes and step for an elasticity that never leaves the runs: n + dn is at most max n."""
    low, high = float(runs[TRAIN_EXAMPLES].min()), float(runs[TRAIN_EXAMPLES].max())
    step = (high - low) / 2
    return {"train_examples": np.linspace(low, high - step, 6), "step": step, "form": "arc"}


def frontier_table(
    solved: pd.DataFrame, unit: tuple[str, float], factors: Sequence[str] = ()
) -> pd.DataFrame:
    """A frontier for reading, one row a budget."""
    rows = solved.to_dict("records")
    return pd.DataFrame(
        {
            "design": [say_design(row, factors) for row in rows],
            "error": [
                f"{r['error']:.1f} ({r['error_low']:.1f} to {r['error_high']:.1f})" for r in rows
            ],
            "refits with this LM": [f"{row['probability']:.0%}" for row in rows],
            "frames": [f"{row['frames_low']:g} to {row['frames_high']:g}" for row in rows],
            "tokens": [f"{row['tokens_low']:g} to {row['tokens_high']:g}" for row in rows],
            "as good": [row["within_epsilon"] for row in rows],
        },
        index=pd.Index([f"{b / unit[1]:.3g}" for b in solved["budget_flops"]], name=unit[0]),
    )


def say_scores(held: pd.DataFrame, law: Law, asked: bool) -> str:
    """Which law is used and how well it predicted runs it had not seen."""
    why = "as asked" if asked else "the best of those the table supports, by cross-validation"
    if held.empty or law.name not in set(held["law"]):
        return f"The law is {law.name}; no run could be held out to test it."
    found = summarise(score(held)).loc[law.name]
    said = f"The law is {law.name}, {why}: runs it had not seen are missed by "
    said += f"{found.loc['cv', 'e_pct_mean']:.1f}% of their error on average"
    if "extrapolation" in found.index:
        far = found.loc["extrapolation", "e_pct_mean"]
        said += f", and the isoFLOP runs, predicted from the star alone, by {far:.1f}%"
    return said + "."


def say_gap(name: str, chosen: str, gap: Mapping) -> str:
    """How much worse one law predicts than the chosen one, and whether the runs can tell."""
    ends = [f"{round(gap[key], 2) + 0.0:.2f}" for key in ("mse_difference", "low", "high")]
    is_open = gap["low"] <= 0 <= gap["high"]
    verdict = "the runs do not tell the two apart" if is_open else "the difference is clear"
    return (
        f"{name} against {chosen}: mean squared error higher by {ends[0]} points squared "
        f"({ends[1]} to {ends[2]}); {verdict}."
    )


def _say_ties(count: int, epsilon: float) -> str:
    others = {1: "no other design lies", 2: "one other design lies"}
    return f"{others.get(count, f'{count - 1} other designs lie')} within {epsilon:g} points"


def say_frontier(
    solved: pd.DataFrame,
    n: float,
    unit: tuple[str, float],
    epsilon: float,
    factors: Sequence[str] = (),
) -> list[str]:
    """A sentence for the lowest, a middle and the highest budget."""
    picked = solved.iloc[np.unique([0, len(solved) // 2, len(solved) - 1])]
    return [
        f"At {row['budget_flops'] / unit[1]:.3g} {unit[0]} per video and {say_level(n)} training "
        f"examples, deploy {say_design(row, factors)}: predicted error {row['error']:.1f} points "
        f"({row['error_low']:.1f} to {row['error_high']:.1f}); {row['probability']:.0%} of the "
        f"refits agree on the LM size, and {_say_ties(row['within_epsilon'], epsilon)}."
        for row in picked.to_dict("records")
    ]


def say_elasticity(table: pd.DataFrame, space: Space, law: str) -> str:
    """Which way each factor moves when there is more data, as far as the bag agrees."""
    if not moves_with_data(LAWS[law]):
        return (
            f"With more training data the best design stays as it is, but only because law {law} "
            "has no term in which a factor meets the data: the runs were not asked."
        )

    def way(factor: str, low: float, high: float) -> str:
        if len(getattr(space, factor)) == 1:
            return "never moved in these runs"
        if low == high == 0:
            return "stays"
        return "should rise" if low > 0 else "should fall" if high < 0 else "is open"

    rows = table[["low", "high"]].itertuples()
    said = ", ".join(f"{say_name(row[0])} {way(*row)}" for row in rows)
    return f"With more training data and the same budget: {said}."


def say_cost(
    runs: pd.DataFrame, factors: Iterable[str], tower: VisionTower, share: Callable
) -> list[str]:
    """What the cost counts, and what it does not."""
    if COST in runs:
        return [
            "Costs are the table's own column cost_flops, known for the designs that were run: "
            "the frontier chooses among those alone. The elasticity needs other designs too, and "
            "prices them by Equation 1."
        ]
    said = [
        f"Costs follow Equation 1 with an encoder of {say_level(tower.params)} parameters and "
        f"{tower.features_per_frame:g} features per frame."
    ]
    least = float(np.min(share(runs["lm_params"], runs["tokens_per_frame"], tower)))
    if least > FORGOTTEN:
        own = " (the paper's: name your own)" if tower == SOVIT_400M else ""
        percent = int(np.floor(100 * least))  # of a price the encoder never takes the whole
        said.append(
            f"That encoder{own} takes at least {percent}% of the price of every run, so the LM "
            "is nearly free in this report."
        )
    said += [
        f"Equation 1 does not count {f}: its levels are compared as if they cost the same."
        for f in factors
    ]
    return said
