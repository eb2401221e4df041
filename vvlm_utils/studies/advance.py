"""Predictions made in advance: what laws say of designs before these are run.

    python -m vvlm_utils.studies.advance RUNS DESIGNS --out PREDICTIONS    (make predictions)

Two models are fitted to the runs: the recommended mix, and the paper's procedure (a bag of
``add-interact``). A prediction is of a design's mean over its draws; its interval joins what is not
known of the law with the noise of such a mean about it. A table that already holds one of the
designs is refused, since what was seen is no longer predicted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.files import whole
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import get_law
from vvlm_utils.laws.protocols import Model
from vvlm_utils.laws.recommendation import MEMBERS, recommended
from vvlm_utils.laws.validation import metrics
from vvlm_utils.runs.table import average_seeds, load_runs

PAPER_LAW, RESAMPLES, LEVEL = "add-interact", 100, 0.8
DESIGN = [*FACTORS, TRAIN_EXAMPLES]


def fit_models(
    runs: pd.DataFrame, rng: np.random.Generator, members: int = MEMBERS, resamples: int = RESAMPLES
) -> dict[str, Model]:
    """The recommended mix and the paper's law, fitted to the designs' means."""
    return {
        "recommended": recommended(runs, rng=rng, members=members),
        "paper": bag(get_law(PAPER_LAW), runs, rng=rng, resamples=resamples),
    }


def predict_designs(
    models: Mapping[str, Model], designs: pd.DataFrame, level: float = LEVEL
) -> pd.DataFrame:
    """One row per model and design: its columns, model, error, low, high and level.

    Parameters
    ----------
    models : mapping
        Fitted models by name.
    designs : pandas.DataFrame
        run_id and the factors, n among them.
    level : float
        The share that the interval of each prediction, noise of a design's mean included, is to
        hold.
    """
    tables = []
    for name, model in models.items():
        low, high = model.interval(designs, level, kind="run")
        found = {"model": name, "error": model.predict(designs), "low": low, "high": high}
        tables.append(designs[["run_id", *DESIGN]].assign(**found, level=level))
    return pd.concat(tables, ignore_index=True)


def check_unseen(runs: pd.DataFrame, designs: pd.DataFrame) -> None:
    """Refuse designs that were run already; raises ValueError naming the first."""
    seen = set(map(tuple, runs[DESIGN].to_numpy(float)))
    for run_id, *design in designs[["run_id", *DESIGN]].itertuples(index=False):
        if tuple(map(float, design)) in seen:
            raise ValueError(f"design {run_id} stands in the runs already; leave it out")


def score_predictions(predictions: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """What came of predictions, design by design, for those that were run.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As ``predict_designs`` gives.
    runs : pandas.DataFrame
        One row per design, as ``average_seeds`` gives.

    Returns
    -------
    pandas.DataFrame
        The predictions with observed, observed_se, inside (whether the interval holds it) and
        relative (percent, predicted over observed less one).
    """
    seen = runs.rename(columns={"error": "observed", "metric_se": "observed_se"})
    joined = predictions.merge(seen[[*DESIGN, "observed", "observed_se"]], on=DESIGN)
    return joined.assign(
        inside=joined["observed"].between(joined["low"], joined["high"]),
        relative=100 * (joined["error"] / joined["observed"] - 1),
    )


def summarise_predictions(scored: pd.DataFrame, sizes_seen: float) -> pd.DataFrame:
    """E%, mean relative miss and share inside, by model and by whether the LM is a larger one.

    sizes_seen : the largest LM among the runs that the models were fitted to
    """
    rows = {}
    larger = np.where(scored["lm_params"] > sizes_seen, "larger LM", "LM sizes seen")
    for (model, group), part in scored.groupby(["model", larger], sort=False):
        rows[model, group] = {
            "designs": len(part),
            "e_pct": metrics(part["observed"], part["error"])["e_pct"],
            "relative": part["relative"].mean(),
            "inside": part["inside"].mean(),
        }
    return pd.DataFrame(rows).T.rename_axis(["model", "designs of"])


def main() -> None:
    """Fit the models and write their predictions; what is refused is one line, exit code 2."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", help="the runs to fit to: a known sweep or a CSV")
    parser.add_argument("designs", type=Path, help="a CSV of run_id and the factors")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    try:
        runs, designs = average_seeds(load_runs(a.runs)), pd.read_csv(a.designs)
        check_unseen(runs, designs)
        models = fit_models(runs, np.random.default_rng(a.seed))
        predictions = predict_designs(models, designs)
    except (ValueError, OSError) as refused:
        print(str(refused).splitlines()[0], file=sys.stderr)
        sys.exit(2)
    with whole(a.out) as part:
        predictions.round(3).to_csv(part, index=False)  # a size keeps all its digits
    print(f"{len(designs)} designs predicted by {len(models)} models in {a.out}; commit it first")


if __name__ == "__main__":
    main()
