"""Table 2 by the paper's full protocol: 500 cold starts for every resample of every bag.

    make exact               4 forms x 6 bags x 100 resamples x 500 starts = 1.2 million fits
    make exact SPLITS=20     20 seeded splits with warm bags instead: mean and SD of every score

Scores are kept bag by bag under _build/exact, so a run that was killed goes on where it stopped.
``--out table.csv`` writes them in the columns search, law, test, split, resamples, mse, e_pct, r2,
seconds; rows that the table held before and that this run did not make, stay.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from vvlm_utils.files import output_file, whole
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import FORMS, LAWS
from vvlm_utils.laws.law import Law
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.validation import METRICS, cross_validate, extrapolate, score, summarise
from vvlm_utils.runs.table import load_runs

FOLDER = Path("_build/exact")
BAGS = {"cv": 5, "extrapolation": 1}  # of each test
# What a bag costs beside one of mult, roughly; only the time left is computed from it.
EFFORT = {"mult": 1, "add": 2, "add-interact-s": 8, "add-interact": 8}


def compile_optimiser(runs: pd.DataFrame) -> float:
    """Fit once so that the optimiser is compiled; returns the seconds it took."""
    begin = time.perf_counter()
    bag(LAWS["mult"], runs, FitOptions(starts=2), rng=np.random.default_rng(0), resamples=1)
    return time.perf_counter() - begin


def scores_of(law: Law, test: str, runs: pd.DataFrame, seed: int, split: int, **bag_arguments):
    """One row: the scores of one law under one test and split, the folds as in compare_laws."""
    paired = np.random.default_rng(np.random.default_rng(seed).integers(2**63, size=split + 1)[-1])
    predict = cross_validate if test == "cv" else extrapolate
    held = predict(law, runs, paired, **bag_arguments)
    return score(held.assign(law=law.name, test=test, split=split))


def jobs(search: str, splits: int) -> Iterator[tuple[str, str, str, int]]:
    """(search, law, test, split), cheap laws first within a split."""
    for split in range(splits):
        for form in FORMS:
            yield from ((search, form, test, split) for test in BAGS)


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        table.to_csv(part, index=False, float_format="%.6g")


COLUMNS = ["search", "law", "test", "split", "resamples", *METRICS, "seconds"]


def gather(paths: list[Path], before: Path | None) -> pd.DataFrame:
    """The scores of ``paths``, then those in ``before``; ordered by search, split, law, test."""
    paths = paths + ([before] if before and before.is_file() else [])
    table = pd.concat([pd.read_csv(path)[COLUMNS] for path in paths])
    table = table.drop_duplicates(["search", "split", "law", "test"])
    laws = {form: i for i, form in enumerate(FORMS)}
    order = table.assign(law=table["law"].map(laws))[["search", "split", "law", "test"]]
    return table.iloc[np.lexsort(order.to_numpy().T[::-1])].reset_index(drop=True)


def main() -> None:
    """Run what is missing, then print the scores and the minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--search", choices=("cold", "warm"), default="cold")
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=output_file, default=None)
    arguments = parser.parse_args()
    runs = load_runs("paper")
    print(f"compile: {compile_optimiser(runs):.1f} seconds, apart from what follows")
    folder = FOLDER / f"seed{arguments.seed}-resamples{arguments.resamples}"
    todo, paths = list(jobs(arguments.search, arguments.splits)), []
    bar = tqdm(total=sum(EFFORT[form] * BAGS[test] for _, form, test, _ in todo), unit="parts")
    for search, form, test, split in todo:
        bar.set_description(f"{search}, split {split}, {form}, {test}")
        path = folder / f"{search}-{split:03d}-{form}-{test}.csv"
        paths.append(path)
        if not path.exists():
            begin = time.perf_counter()
            row = scores_of(
                LAWS[form], test, runs, arguments.seed, split,
                resamples=arguments.resamples, search=search,
            )  # fmt: skip
            row["seconds"] = time.perf_counter() - begin
            write(row.assign(search=search, resamples=arguments.resamples), path)
        bar.update(EFFORT[form] * BAGS[test])
    bar.close()
    table = gather(paths, arguments.out)
    for search, part in table.groupby("search", sort=False):
        print(f"\n{search} search, {part['split'].nunique()} split(s), ", end="")
        print(f"{part['seconds'].sum() / 60:.1f} minutes")
        print(summarise(part).round(3).to_string())
    if arguments.out:
        write(table, arguments.out)


if __name__ == "__main__":
    main()
