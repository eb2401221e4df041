"""The coverage study: 100 simulated tables from each of two known laws, bagged four ways.

    make coverage            the whole study, then vvlm_utils/data/coverage.csv
    make coverage TABLES=4   a try; prints the rates and keeps no table
    make coverage MODEL=recommended   the recommended mix and the paper's law, under truths that
                             are not theirs, then vvlm_utils/data/coverage_recommended.csv

Every bag's scores are one file under _build/coverage, written whole or not at all, so a run that
was killed goes on where it stopped. A table depends on its seed, law and number alone.
"""

import argparse
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from vvlm_utils.files import output_file, whole
from vvlm_utils.laws.bootstrap import RESAMPLING
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.table import load_runs
from vvlm_utils.studies import coverage as study
from vvlm_utils.studies.truths import MODELS, Truth, known_law, known_truths

FOLDER = Path("_build/coverage")
# Each law's share of the time, roughly; only the time left is computed from it.
EFFORT = {"add": 1, "add-interact": 6}


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        table.to_csv(part, index=False, float_format="%.6g")


def questions() -> str:
    """A short name of what the study asks, so that old answers are not read as new ones."""
    asked = (study.DESIGNS.to_csv(), study.FRONTIERS, study.LEVELS, study.EPSILON)
    grid = {name: np.asarray(value).tolist() for name, value in study.ELASTICITY.items()}
    return f"{zlib.crc32(repr((asked, grid)).encode()):08x}"


def run(
    folder: Path,
    truths: dict[str, Truth],
    kinds: Sequence[str],
    tables: int,
    seed: int,
    resamples: int,
    progress: bool = True,
) -> list[Path]:
    """Score what is missing in ``folder``; returns the files of the whole study."""
    jobs = [(i, name, kind) for i in range(tables) for name in truths for kind in kinds]
    paths = [folder / f"{name}-{i:04d}-{kind}.csv".replace(" ", "_") for i, name, kind in jobs]
    todo = [(job, path) for job, path in zip(jobs, paths, strict=True) if not path.exists()]
    effort = [EFFORT.get(name, 1) for (_, name, _), _ in todo]
    with tqdm(total=sum(effort), unit="parts", disable=not progress) as bar:
        for ((i, name, kind), path), cost in zip(todo, effort, strict=True):
            bar.set_description(f"table {i}, {name}, {kind}")
            begin = time.perf_counter()
            scored = study.score_table(truths[name], seed, i, kind, resamples)
            write(scored.assign(seconds=time.perf_counter() - begin), path)
            bar.update(cost)
    return paths


def main() -> None:
    """Run the study, print the pooled rates and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=100, help="simulated tables of each law")
    parser.add_argument("--laws", nargs="+", default=list(EFFORT), choices=tuple(LAWS))
    parser.add_argument("--model", default="own law", choices=("own law", "recommended"))
    parser.add_argument("--kinds", nargs="+", help="ways to make the model; default: all")
    parser.add_argument("--resamples", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=output_file, default=None)
    a = parser.parse_args()
    folder = FOLDER / f"{questions()}-seed{a.seed}-resamples{a.resamples}"
    runs, kinds = load_runs("paper"), RESAMPLING
    if a.model == "recommended":
        truths, kinds = known_truths(runs, np.random.default_rng(a.seed)), MODELS
    else:
        truths = {
            name: known_law(LAWS[name], runs, np.random.default_rng(a.seed)) for name in a.laws
        }
    paths = run(folder, truths, a.kinds or kinds, a.tables, a.seed, a.resamples)
    scored = pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
    minutes = scored.groupby(["truth_law", "resampling", "table"])["seconds"].first().sum() / 60
    rates = study.coverage(scored)
    shown = rates[
        (rates["at"] == "all") & (rates["level"].isin([0.8, 0.9]) | rates["level"].isna())
    ]
    keys = ["truth_law", "quantity", "where", "band", "level"]
    print(shown.pivot_table(index=keys, columns="resampling", values="coverage", sort=False,
                            dropna=False).dropna(how="all").round(2).to_string())  # fmt: skip
    print(f"{a.tables} tables of each law, {a.resamples} resamples a bag: {minutes:.1f} minutes")
    if a.out:
        write(rates.assign(resamples=a.resamples), a.out)


if __name__ == "__main__":
    main()
