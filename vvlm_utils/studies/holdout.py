"""What every law and way of fitting predicts of runs that it did not see.

    python -m vvlm_utils.studies.holdout                     the paper's runs (`make holdout`)
    python -m vvlm_utils.studies.holdout --choice FOLDER     the tables on which a default is chosen

A *way* is a law with a fit: "paper" for the unpenalised bag of resampled rows, "penalised" for the
bag with a prior, resampled designs and prior means drawn for every member; or a mix of such bags.
Each test holds out runs, fits every way to the others, and predicts the runs held out. Each part
of a test is one file of predictions under the working folder, so a study that was stopped goes on
where it was. Columns of a prediction: way, test, part, seed, run_id, design, observed, predicted,
in50, in80 (whether the interval of a run holds it) and log_score.

The log score is the log density of the logarithm of the error, no lower than ``LEAST_SCORE``, under
a normal with the mean of the members' log predictions, and with their variance and that of the
noise: more is better, and both a miss and a band that is too sure cost. (A mixture of narrow
normals about each of fifty members would be a poor density between them.) The protocol stands in
the lab log.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from tqdm import tqdm

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.files import DATA_FOLDER, output_file, whole
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.bootstrap import design_names
from vvlm_utils.laws.forms import FORMS, get_law
from vvlm_utils.laws.intervals import predictive_interval
from vvlm_utils.laws.options import FitError, FitOptions
from vvlm_utils.laws.priors import Prior, prior_draws
from vvlm_utils.laws.problem import predict
from vvlm_utils.laws.recommendation import PAPER_WAY, RECOMMENDED_WAY
from vvlm_utils.laws.validation import fold_masks, metrics
from vvlm_utils.runs.table import load_runs

PENALISED_LAWS = ("add", "add-interact", "add-decay", "pnorm-decay")
PAPER = {"resampling": "rows", "search": "quick"}
BAGS: dict[str, tuple[str, dict]] = {f"{law}, paper": (law, PAPER) for law in FORMS}
"""Every bag as (law, arguments of ``bag``), by name."""
for _law in PENALISED_LAWS:
    for _name, _noise in (("penalised", 0.01), ("penalised, own noise", None)):
        _options = FitOptions(prior=Prior(noise=_noise))
        BAGS[f"{_law}, {_name}"] = (_law, {"resampling": "designs", "options": _options})

WAYS: dict[str, tuple[str, ...]] = {name: (name,) for name in BAGS}
"""Every way as the bags whose members it pools."""
for _name in ("penalised", "penalised, own noise"):
    WAYS[f"mix of four, {_name}"] = tuple(f"{law}, {_name}" for law in PENALISED_LAWS)
    WAYS[f"mix of three, {_name}"] = tuple(f"{law}, {_name}" for law in PENALISED_LAWS[1:])

BASELINE, DEFAULT = PAPER_WAY, RECOMMENDED_WAY
TESTS = ("CV by designs", "star to isoFLOP", "LM size out", "budget out", "largest n out")
LEAST_SCORE = -10.0
FOLDS = 5


def held_out(
    runs: pd.DataFrame, seed: int, tests: Iterable[str] = TESTS
) -> Iterator[tuple[str, str, pd.DataFrame, np.ndarray]]:
    """The parts of every test that the table allows: (test, part, its runs, rows held out)."""
    for test in tests:
        if test == "CV by designs":
            for k, held in enumerate(
                fold_masks(runs, FOLDS, "designs", np.random.default_rng(seed))
            ):
                yield test, f"fold {k}", runs, held
        elif test == "star to isoFLOP":
            both = runs[runs["sweep"].isin(["star", "isoflop"])]
            held = (both["sweep"] == "isoflop").to_numpy()
            if held.any() and not held.all():
                yield test, "isoFLOP", both, held
        elif test == "LM size out":
            yield from _levels(runs, test, "lm_params", "B", 1e9)
        elif test == "budget out":
            yield from _levels(runs, test, "target_tflops", " TFLOPs", 1)
        elif test == "largest n out":
            most = runs[TRAIN_EXAMPLES].max()
            yield test, f"n={most:g}", runs, (runs[TRAIN_EXAMPLES] == most).to_numpy()
        else:
            raise ValueError(f"tests must be among {TESTS}, got {test!r}")


def _levels(runs: pd.DataFrame, test: str, column: str, unit: str, scale: float):
    if column in runs:
        for level in np.sort(runs[column].dropna().unique()):
            yield test, f"{level / scale:g}{unit}", runs, (runs[column] == level).to_numpy()


def predict_held(
    runs: pd.DataFrame,
    held: np.ndarray,
    seed: int,
    members: int,
    factors: tuple[str, ...] = FACTORS,
    ways: Iterable[str] = tuple(WAYS),
) -> pd.DataFrame:
    """Predictions of the held rows by every way, fitted to the other rows.

    A bag that the rows left cannot decide is left out, with every mix that would hold it.
    """
    seen, rows = runs[~held], runs[held]
    found: dict[str, tuple[np.ndarray, float]] = {}
    for name in dict.fromkeys(name for way in ways for name in WAYS[way]):
        law, arguments = BAGS[name]
        rng = np.random.default_rng(seed)
        try:
            bagged = bag(get_law(law, factors), seen, rng=rng, resamples=members, **arguments)
        except FitError:
            continue
        found[name] = bagged.predict_members(rows), bagged.noise
    base = rows[["run_id"]].assign(design=design_names(rows), observed=rows["error"])
    parts = [
        base.assign(way=way, **_judge(rows["error"].to_numpy(), [found[b] for b in WAYS[way]]))
        for way in ways
        if set(WAYS[way]) <= set(found)
    ]
    return pd.concat(parts, ignore_index=True) if parts else base.iloc[:0]


def _judge(observed: np.ndarray, bags: list[tuple[np.ndarray, float]]) -> dict[str, np.ndarray]:
    """Prediction (the median), coverage and log score of the pooled members."""
    members = np.vstack([each for each, _ in bags])
    noise = np.concatenate([np.full(len(each), sd) for each, sd in bags])
    found = {"predicted": np.median(members, axis=0)}
    for level in (0.5, 0.8):
        low, high = predictive_interval(members, noise, level)
        found[f"in{100 * level:.0f}"] = (low <= observed) & (observed <= high)
    log_members = np.log(members)
    scale = np.sqrt(log_members.var(axis=0) + (noise**2).mean())
    density = norm.logpdf(np.log(observed), log_members.mean(axis=0), scale)
    found["log_score"] = np.maximum(density, LEAST_SCORE)
    return found


def run_table(
    name: str,
    runs: pd.DataFrame,
    folder: Path,
    seeds: int,
    members: int,
    factors: tuple[str, ...] = FACTORS,
    tests: Iterable[str] = TESTS,
    ways: Iterable[str] = tuple(WAYS),
    progress: bool = True,
) -> pd.DataFrame:
    """All predictions on one table, of the parts that ``folder`` lacks first."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(seed, *job) for seed in range(seeds) for job in held_out(runs, seed, tests)]
    paths = []
    for seed, test, part, table, held in tqdm(jobs, disable=not progress, desc=name):
        path = folder / f"{name}-{test}-{part}-{seed}-{members}.csv".replace(" ", "_")
        if not path.exists():
            found = predict_held(table, held, seed, members, factors, ways)
            with whole(path) as file:
                found.assign(test=test, part=part, seed=seed).to_csv(file, index=False)
        paths.append(path)
    return pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)


def summarise(predictions: pd.DataFrame) -> pd.DataFrame:
    """One row for each way and test, and for each part (level) of a test.

    e_pct, mse : of all held-out predictions, over seeds; worst_e_pct : of the worst seed
    cover50, cover80 : share of runs inside their interval; log_score : mean, in nats a run
    """
    whole_test = predictions.assign(part="all")
    both = pd.concat([whole_test, predictions[~predictions["part"].str.startswith("fold")]])
    rows = []
    for (test, part, way), group in both.groupby(["test", "part", "way"], sort=False):
        scores = metrics(group["observed"], group["predicted"])
        by_seed = [
            metrics(g["observed"], g["predicted"])["e_pct"] for _, g in group.groupby("seed")
        ]
        rows.append(
            {
                "test": test,
                "part": part,
                "way": way,
                "runs": group["run_id"].nunique(),
                "seeds": group["seed"].nunique(),
                "e_pct": scores["e_pct"],
                "worst_e_pct": max(by_seed),
                "mse": scores["mse"],
                "cover50": group["in50"].mean(),
                "cover80": group["in80"].mean(),
                "log_score": group["log_score"].mean(),
            }
        )
    return pd.DataFrame(rows)


def paired(
    predictions: pd.DataFrame,
    rng: np.random.Generator,
    baseline: str = BASELINE,
    level: float = 0.9,
    resamples: int = 2000,
) -> pd.DataFrame:
    """MSE of every way less that of ``baseline``, designs resampled: test, way, difference, low,
    high. Squared errors are averaged over seeds for each run first."""
    squared = (predictions["predicted"] - predictions["observed"]) ** 2
    table = predictions.assign(squared=squared).pivot_table(
        index=["test", "design", "run_id"], columns="way", values="squared", sort=False
    )
    rows = []
    for test, part in table.groupby(level="test", sort=False):
        for way in part.columns.drop(baseline):
            gap = (part[way] - part[baseline]).groupby(level="design").agg(["sum", "count"])
            drawn = gap.to_numpy()[rng.integers(len(gap), size=(resamples, len(gap)))].sum(axis=1)
            tails = [(1 - level) / 2, (1 + level) / 2]
            low, high = np.quantile(drawn[:, 0] / drawn[:, 1], tails)
            difference = gap["sum"].sum() / gap["count"].sum()
            rows.append((test, "all", way, difference, low, high))
    names = ["test", "part", "way", "mse_difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=names)


def load_holdout(table: str = "paper") -> pd.DataFrame:
    """The committed study (``make holdout``): :func:`summarise` beside :func:`paired`.

    table : "paper", or "mini" for the mini experiment's runs and one seed
    """
    names = {"paper": "holdout.csv", "mini": "holdout_mini.csv"}
    if table not in names:
        raise ValueError(f"table must be one of {tuple(names)}, got {table!r}")
    return pd.read_csv(DATA_FOLDER / names[table])


def load_choice() -> pd.DataFrame:
    """The committed scores on the tables of the choice, as :func:`summarise_choice` gives them."""
    return pd.read_csv(DATA_FOLDER / "holdout_choice.csv")


# Tables on which the default is chosen, none of them the paper's runs.


def simulated(seed: int, noise: float = 0.01) -> dict[str, pd.DataFrame]:
    """Runs on the paper's designs whose law is drawn from the prior, one table for each law."""
    runs, tables = load_runs("paper"), {}
    designs = runs.assign(error=50.0)  # the scores themselves are not used
    for name in ("mult", *PENALISED_LAWS):
        law, rng = get_law(name), np.random.default_rng([seed, len(tables)])
        theta = prior_draws(law, Prior(), designs["error"].to_numpy(), 1, rng)
        units = {f: float(np.exp(np.log(designs[f]).mean())) for f in law.factors}
        error = predict(law, theta, designs, FitOptions(units=units))[0]
        error = error * np.exp(rng.normal(0, noise, len(runs)))
        tables[f"simulated {name}"] = designs.assign(error=error, metric=100 - error)
    return tables


def outside(folder: Path) -> dict[str, pd.DataFrame]:
    """Tables of language models, lm_params and train_examples (tokens) their factors, with the
    runs to be predicted marked in the column ``held``.

    farseer_train.csv and farseer_test.csv : the costly runs are predicted
    language_models.csv : for every task on the first corpus, the costliest tenth of the models
    """
    train, test = (pd.read_csv(folder / f"farseer_{part}.csv") for part in ("train", "test"))
    farseer = pd.concat([train.assign(held=False), test.assign(held=True)], ignore_index=True)
    farseer = farseer.rename(columns={"N": "lm_params", "D": TRAIN_EXAMPLES, "loss": "error"})
    tables = {"Farseer": farseer}
    models = pd.read_csv(folder / "language_models.csv")
    models = models[models["dataset"] == models["dataset"].min()]
    models = models.rename(columns={"train_tokens": TRAIN_EXAMPLES})
    for task, part in models.groupby("task"):
        compute = part["lm_params"] * part[TRAIN_EXAMPLES]
        held = compute >= compute.quantile(0.9)
        tables[f"language models {task}"] = part.assign(error=100 - part["metric"], held=held)
    return {
        name: table.assign(run_id=np.arange(len(table)).astype(str))
        for name, table in tables.items()
    }


HARD = ("star to isoFLOP", "LM size out", "largest n out")


def run_choice(folder: Path, source: Path | None, members: int) -> pd.DataFrame:
    """Predictions on every table of the choice: column ``group`` says which kind it is."""
    parts = []
    for name, runs in simulated(0).items():
        found = run_table(name, runs, folder, 1, members, tests=HARD)
        parts.append(found.assign(group="simulated", table=name))
    found = run_table("mini", load_runs("mini"), folder, 1, members, tests=HARD)
    parts.append(found.assign(group="mini", table="mini"))
    for name, runs in (outside(source) if source else {}).items():
        path = folder / f"{name}-{members}.csv".replace(" ", "_")
        if not path.exists():
            held = runs["held"].to_numpy(dtype=bool)
            found = predict_held(runs, held, 0, members, factors=("lm_params",))
            with whole(path) as file:
                found.assign(test="costliest out", part="all", seed=0).to_csv(file, index=False)
        group = "Farseer" if name == "Farseer" else "language models"
        parts.append(pd.read_csv(path).assign(group=group, table=name))
    return pd.concat(parts, ignore_index=True)


def summarise_choice(predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean over tables of every group: group, way, tables, e_pct, cover80, log_score; and the
    group "all", the mean of the groups, over the ways that have a score in each."""
    rows = []
    for (group, table, way), part in predictions.groupby(["group", "table", "way"], sort=False):
        e_pct = metrics(part["observed"], part["predicted"])["e_pct"]
        scores = part["in80"].mean(), part["log_score"].mean()
        rows.append((group, table, way, e_pct, *scores))
    names = ["group", "table", "way", "e_pct", "cover80", "log_score"]
    table = pd.DataFrame(rows, columns=names).groupby(["group", "way"], sort=False)
    table = table.agg(tables=("table", "size"), **{n: (n, "mean") for n in names[3:]}).reset_index()
    every = table.groupby("way").filter(lambda part: len(part) == table["group"].nunique())
    mean = every.groupby("way", sort=False)[names[3:]].mean().reset_index().assign(group="all")
    return pd.concat([table, mean], ignore_index=True)


NEAR = 0.05  # of the log score, within which the rule looks beyond it


def pick(choice: pd.DataFrame) -> str:
    """The default way by the rule of the lab log, from :func:`summarise_choice`.

    Of the ways within ``NEAR`` of the largest mean log score, a mix of most laws, and without any
    mix the law of fewest parameters; among equals the larger score.
    """
    scores = choice[choice["group"] == "all"].set_index("way")["log_score"]
    near = scores[scores >= scores.max() - NEAR].sort_values(ascending=False)
    mixes = [way for way in near.index if len(WAYS[way]) > 1]
    if mixes:
        return max(mixes, key=lambda way: len(WAYS[way]))
    return min(near.index, key=lambda way: len(get_law(BAGS[way][0]).parameters))


def main(arguments: list[str] | None = None) -> None:
    """Run the study that the options ask for, print it and write it if told where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", default="paper", help="paper, mini or a CSV of runs")
    parser.add_argument("--choice", type=Path, metavar="FOLDER", help="of the outside tables")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--members", type=int, default=40, help="of every bag")
    parser.add_argument("--folder", type=Path, default=Path("_build/holdout"))
    parser.add_argument("--out", type=output_file, help="CSV to write")
    told = parser.parse_args(arguments)
    begin = time.perf_counter()
    if told.choice:
        table = summarise_choice(run_choice(told.folder, told.choice, told.members))
    else:
        runs = load_runs(told.runs)
        predictions = run_table(Path(told.runs).stem, runs, told.folder, told.seeds, told.members)
        differences = paired(predictions, np.random.default_rng(0))
        table = summarise(predictions).merge(differences, "left", ["test", "part", "way"])
    print(table.round(3).to_string(index=False))
    print(f"{(time.perf_counter() - begin) / 60:.1f} minutes for what was missing")
    if told.out:
        with whole(told.out) as file:
            table.to_csv(file, index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
