"""Why a law fitted to a star misses the isoFLOP curves: one suspected cause taken away at a time.

The centre's draw (a star whose centre size keeps one draw), a level of a factor that the law cannot
follow (left out on both sides), and what two factors gain together (families of questions made for
one factor beside those made for two). Each variant of the runs has its own error from star to
isoFLOP; what brings it down is a cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.laws.protocols import ErrorLaw
from vvlm_utils.laws.validation import extrapolate, metrics
from vvlm_utils.runs.schema import AVERAGE
from vvlm_utils.runs.table import average_seeds

RUN = ["run_id", "draw", "seed"]


def mean_of_families(tasks: pd.DataFrame, families: Sequence[str]) -> pd.DataFrame:
    """Runs whose error is the plain mean over some families; raises ValueError for an unknown one.

    tasks : one row per run and family
    """
    if unknown := [name for name in families if name not in set(tasks["task"])]:
        raise ValueError(f"no family {unknown[0]!r} in the table")
    chosen = tasks[tasks["task"].isin(families)]
    groups = chosen.groupby(RUN, sort=False)
    means = groups[["metric", "error"]].mean()
    means["metric_se"] = groups["metric_se"].agg(lambda se: np.sqrt((se**2).sum()) / len(se))
    rest = chosen.drop_duplicates(RUN).drop(columns=["metric", "error", "metric_se"])
    return rest.merge(means.reset_index(), on=RUN).assign(task=AVERAGE)[list(chosen.columns)]


def variants(
    runs: pd.DataFrame,
    tasks: pd.DataFrame,
    centre: Mapping[str, float],
    families: Mapping[str, Sequence[str]],
    left_out: tuple[str, float],
) -> dict[str, pd.DataFrame]:
    """Tables of design means: all runs, one draw of the centre, a level left out, some families.

    Parameters
    ----------
    runs, tasks : pandas.DataFrame
        One row per run, and per run and family, with a column ``draw``.
    centre : mapping
        The star's centre; ``lm_params`` is the size whose draws are taken one at a time.
    families : mapping
        Names of groups of families, and what is in them.
    left_out : tuple
        A factor and its suspected level.
    """
    size, (factor, level) = centre["lm_params"], left_out
    star = (runs["lm_params"] == size) & (runs["sweep"] == "star")
    found = {"all": runs, f"without {factor} {level:g}": runs[runs[factor] != level]}
    for draw in sorted(runs.loc[star, "draw"].unique()):
        found[f"centre's draw {draw}"] = runs[~star | (runs["draw"] == draw)]
    for name, members in families.items():
        found[name] = mean_of_families(tasks, members)
    return {name: average_seeds(table) for name, table in found.items()}


def score_variants(
    tables: Mapping[str, pd.DataFrame], law: ErrorLaw, seed: int, **bag_arguments
) -> pd.DataFrame:
    """E% and mean relative miss from star to isoFLOP of each table, and what noise alone makes.

    Index: the variants. Columns: e_pct, relative (percent, signed), noise_pct: the expected
    absolute miss of means with the curves' own standard errors, sqrt(2 / pi) times their mean.
    """
    rows = {}
    for name, table in tables.items():
        held = extrapolate(law, table, np.random.default_rng(seed), **bag_arguments)
        curves = table[table["sweep"] == "isoflop"]
        noise = (100 * curves["metric_se"] / curves["error"]).mean()
        rows[name] = {
            "e_pct": metrics(held["observed"], held["predicted"])["e_pct"],
            "relative": 100 * (held["predicted"] / held["observed"] - 1).mean(),
            "noise_pct": np.sqrt(2 / np.pi) * noise,
        }
    return pd.DataFrame(rows).T


def find_causes(
    scores: pd.DataFrame, aim: float, alone: str, joint: str, left_out: tuple[str, float]
) -> pd.DataFrame:
    """Which suspected causes a miss from star to isoFLOP has, by the rule fixed in the lab log.

    Parameters
    ----------
    scores : pandas.DataFrame
        As ``score_variants`` gives them.
    aim : float
        The E% that a law should reach.
    alone, joint : str
        The variants of families made for one factor, and for two.
    left_out : tuple
        The factor and the level that one variant leaves out.

    Returns
    -------
    pandas.DataFrame
        Index "draw", "level", "joint gain". Columns: found and needed (per cent), and cause.

        - draw: the range of E% over the centre's draws, and half of what E% of all runs has above
          the miss that noise alone makes.
        - level: by how much of itself E% falls without it, and a quarter.
        - joint gain: E% of the families of two factors, and the aim, which those of one factor
          must reach and those of two must not.
    """
    e_pct, noise = scores["e_pct"], scores.loc["all", "noise_pct"]
    of_draws = e_pct[[name.startswith("centre's draw ") for name in e_pct.index]]
    spread, excess = of_draws.max() - of_draws.min(), e_pct["all"] - noise
    fall = 100 * (1 - e_pct[f"without {left_out[0]} {left_out[1]:g}"] / e_pct["all"])
    rows = {
        "draw": (spread, excess / 2, excess > 0 and spread > excess / 2),
        "level": (fall, 25.0, fall >= 25.0),
        "joint gain": (e_pct[joint], aim, e_pct[alone] <= aim < e_pct[joint]),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["found", "needed", "cause"])
