"""The study of planned runs: 50 simulated trials, and 20 that hide half of the paper's runs.

    make next-runs             the whole study, then vvlm_utils/data/next_runs.csv
    make next-runs TRIALS=4    a try; prints the shares and keeps no table

Every trial is one file under _build/next_runs, written whole or not at all, so a run that was
killed goes on where it stopped. A trial depends on its seed and number alone. The planner was
developed on trials of other seeds (1000 and up) than the reported one.
"""

import argparse
import time
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from benchmarks.coverage import write
from vvlm_utils.files import output_file
from vvlm_utils.laws.bagging import BaggedLaw
from vvlm_utils.runs.table import load_runs
from vvlm_utils.studies import planner as study

FOLDER = Path("_build/next_runs")
TRIALS, HIDDEN, SEED = 50, 20, 0
KINDS = {"simulated": study.simulated_trial, "hidden": study.hidden_trial}


def run(
    folder: Path, runs: pd.DataFrame, truths: BaggedLaw, trials: int, seed: int, resamples: int,
    progress: bool = True,
) -> list[Path]:  # fmt: skip
    """Make the trials that ``folder`` lacks; returns the files of the whole study."""
    jobs = [
        (kind, index)
        for kind in KINDS
        for index in range(trials if kind == "simulated" else min(trials, HIDDEN))
    ]
    paths = [folder / f"{kind}-{index:04d}.csv" for kind, index in jobs]
    todo = [(job, path) for job, path in zip(jobs, paths, strict=True) if not path.exists()]
    for (kind, index), path in tqdm(todo, disable=not progress, desc="trials"):
        begin = time.process_time()
        table = KINDS[kind](runs, truths, seed, index, resamples)
        write(table.assign(cpu_seconds=time.process_time() - begin), path)
    return paths


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean regret and E% of every strategy, and the share of trials that the planner wins."""
    keys = ["kind", "share", "strategy"]
    rows = table.groupby(keys, sort=False)[["runs", "train_flops", "regret", "e_pct"]].mean()
    for (kind, share, strategy), _ in rows.iterrows():
        if strategy != "planner" and share:
            pair = study.versus(table[table["kind"] == kind], strategy, share)
            rows.loc[(kind, share, strategy), "planner_wins"] = pair["wins"].mean()
    return rows


def main() -> None:
    """Run the study, print what it says and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--resamples", type=int, default=study.RESAMPLES)
    parser.add_argument("--out", type=output_file, default=None)
    a = parser.parse_args()
    folder = FOLDER / f"seed{a.seed}-resamples{a.resamples}"
    runs = load_runs("paper")
    truths = study.paper_bag(runs, a.seed)
    paths = run(folder, runs, truths, a.trials, a.seed, a.resamples)
    table = pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
    print(summary(table).to_string(float_format="{:.4g}".format))
    minutes = table.groupby(["kind", "trial"])["cpu_seconds"].first().sum() / 60
    print(f"{a.trials} simulated trials, {a.resamples} resamples a bag: {minutes:.1f} minutes")
    if a.out:
        write(table.drop(columns="cpu_seconds"), a.out)


if __name__ == "__main__":
    main()
