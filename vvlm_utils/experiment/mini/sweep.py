"""Train and evaluate the runs of a sweep, and gather them into one table.

A run leaves two files: its record as JSON and its answers, one row a question. Runs that have a
record are skipped, and so are runs that stand in the kept table. A run that fails is named with
its reason; the others go on, and the next start tries it again.

    python -m vvlm_utils.experiment.mini.sweep run mini-40k 0    # all runs of one decoder
    python -m vvlm_utils.experiment.mini.sweep table    # the runs table
    python -m vvlm_utils.experiment.mini.sweep serve mini-40k 0    # tuned at few frames
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers

from vvlm_utils.experiment.mini.design import (
    CENTRE,
    EXAMPLES,
    LMS,
    SERVE_TUNED,
    SERVED,
    Run,
    as_runs,
)
from vvlm_utils.experiment.mini.kept import (
    COLUMNS,
    RUN_KEY,
    as_text,
    is_own,
    kept_rows,
    missing_runs,
    read_kept,
    run_keys,
)
from vvlm_utils.experiment.mini.records import (
    RunRecord,
    answers_path,
    read_record,
    write_answers,
    write_record,
)
from vvlm_utils.experiment.mini.run import evaluate, new_record, train
from vvlm_utils.experiment.mini.stages import FAILURES
from vvlm_utils.experiment.mini.sweeps import SWEEPS, Sweep, choose_sweep
from vvlm_utils.files import whole
from vvlm_utils.locks import only_writer
from vvlm_utils.progress import bar


def record_path(run: Run, sweep: Sweep, split: str = "test") -> Path:
    """Where a run's record is kept: its name says all that decides it, the recipe as a hash."""
    design = f"{run.frames}x{run.tokens_per_frame}_n{run.train_examples}"
    name = f"{run.lm}_{design}_draw{run.draw}_seed{run.seed}_{sweep.recipe_hash()}.json"
    return sweep.root / "runs" / split / name


def find_record(run: Run, sweep: Sweep, split: str = "test") -> RunRecord | None:
    """The record of a run, if it has one."""
    path = record_path(run, sweep, split)
    return read_record(path) if path.exists() else None


def is_done(run: Run, sweep: Sweep, split: str) -> bool:
    """Tell whether a run was evaluated; its answers are written before its record."""
    record = find_record(run, sweep, split)
    return record is not None and record.status == "evaluated"


def do_run(run: Run, sweep: Sweep, split: str = "test") -> RunRecord:
    """Train and evaluate a run and write what it leaves; a failure becomes its record's reason."""
    path = record_path(run, sweep, split)
    try:
        record, model = train(run, sweep)
        answers = evaluate(record, model, sweep, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_answers(answers, path)
        write_record(record, path)
    except FAILURES as failure:
        record = new_record(run, sweep)
        record.status, record.reason = "failed", f"{type(failure).__name__}: {failure}"
        print(f"  failed: {path.stem}: {record.reason}", flush=True)
        try:
            answers_path(path).unlink(missing_ok=True)
            write_record(record, path)
        except OSError as full:
            print(f"  its record could not be written either: {full}", flush=True)
    return record


def run_group(table: pd.DataFrame, sweep: Sweep, split: str = "test") -> list[RunRecord]:
    """Do what is missing of the runs in a plan; returns the records that were made now."""
    if split == "test":
        wanted = set(run_keys(missing_runs(sweep)))
        table = table[[key in wanted for key in run_keys(table)]]
    todo = [run for run in as_runs(table) if not is_done(run, sweep, split)]
    label = ", ".join(sorted({f"{run.lm} draw {run.draw}" for run in todo}))
    records = []
    with bar(None, f"runs of {label}", total=sum(run.effort for run in todo)) as progress:
        for run in todo:
            records.append(do_run(run, sweep, split))
            progress.update(run.effort)
    return records


def gather(plan: pd.DataFrame, sweep: Sweep, split: str = "test") -> pd.DataFrame:
    """The runs table of what is finished: nine rows a run, eight families and their mean "avg".

    Rows that stand in the kept table stay as they are.
    """
    rows = []
    for run, (_, planned) in zip(as_runs(plan), plan.iterrows(), strict=True):
        record = find_record(run, sweep, split)
        if record is None or record.status != "evaluated":
            continue
        own = planned[["run_id", "sweep", "target_tflops", "lm_params", "frames"]].to_dict()
        own |= planned[["tokens_per_frame", "train_examples", "seed", "draw"]].to_dict()
        own |= {"source": sweep.source or sweep.name, "recipe": sweep.recipe_hash()}
        own["train_seconds"] = record.stages["finetune"]["seconds"]
        metrics = record.stages["evaluate"]["metrics"]
        rows += [{"task": task} | own | found for task, found in metrics.items()]
    kept = kept_rows(sweep)
    table = pd.concat([kept, pd.DataFrame(rows)]).drop_duplicates([*RUN_KEY, "task"])
    order = {key: i for i, key in enumerate(run_keys(plan))}
    place = [order[key] for key in run_keys(table)]
    columns = [*COLUMNS, *(name for name in kept.columns if name not in COLUMNS)]
    return (
        table.iloc[np.argsort(place, kind="stable")].reset_index(drop=True).reindex(columns=columns)
    )


def keep(table: pd.DataFrame, sweep: Sweep) -> None:
    """Write what was gathered into the kept table; rows of other sweeps and recipes stay there."""
    kept = read_kept(sweep.table)
    others = kept[~is_own(kept, sweep)]
    sweep.table.parent.mkdir(parents=True, exist_ok=True)
    with whole(sweep.table) as part:
        pd.concat([others, as_text(table)]).fillna("").to_csv(part, index=False)


def serve(run: Run, sweep: Sweep, frames) -> pd.DataFrame:
    """Finetune a run and evaluate it at each of ``frames``, on the test split.

    One row a number of frames served and task: lm, draw, tuned_frames, frames, tokens_per_frame,
    train_examples, task, metric, metric_se.
    """
    record, model = train(run, sweep)
    rows = []
    for count in frames:
        evaluate(record, model, sweep, frames=count)
        found = pd.DataFrame(record.stages["evaluate"]["metrics"]).T.rename_axis("task")
        own = {"lm": run.lm, "draw": run.draw, "tuned_frames": run.frames, "frames": count}
        own |= {"tokens_per_frame": run.tokens_per_frame, "train_examples": run.train_examples}
        rows.append(found[["metric", "metric_se"]].reset_index().assign(**own))
    return pd.concat(rows, ignore_index=True)


def serve_run(draw: int) -> Run:
    """The run that tests serving at other frames: the star's centre, finetuned at few."""
    lm, tokens = LMS[CENTRE["lm_params"]], CENTRE["tokens_per_frame"]
    return Run(lm, SERVE_TUNED, tokens, EXAMPLES[-1], seed=draw, draw=draw)


def gather_served(sweep: Sweep) -> pd.DataFrame:
    """The errors at frames served: what is kept of this recipe, and what was made since."""
    path = sweep.served_table
    tables = [pd.read_csv(path, dtype={"recipe": str})] if path.exists() else []
    made = sorted((sweep.root / "served").glob(f"*_{sweep.recipe_hash()}.csv"))
    tables += [pd.read_csv(path, dtype={"recipe": str}) for path in made]
    if not tables:
        return pd.DataFrame(columns=["draw", "recipe"])
    table = pd.concat(tables)
    table = table[table["recipe"] == sweep.recipe_hash()].drop_duplicates(
        ["draw", "frames", "task"]
    )
    return table.sort_values(["draw", "frames"], kind="stable", ignore_index=True)


def main() -> None:
    """Do what the command line asks; what cannot go on is one line."""
    a = parse()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    try:
        sweep = choose_sweep(a.sweep, a.table)
        DOES[a.what](a, sweep)
    except FAILURES as failure:  # a lock that another holds among them
        sys.exit(str(failure).splitlines()[0])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=tuple(DOES))
    parser.add_argument("lm", nargs="?", help="run: which decoder")
    parser.add_argument("draw", nargs="?", type=int, help="run: which draw of it")
    parser.add_argument("--sweep", choices=tuple(SWEEPS), default="mini")
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--table", type=Path, help="another kept table than the sweep's own")
    return parser.parse_args()


def _run(a: argparse.Namespace, sweep: Sweep) -> None:
    plan = sweep.plan()
    chosen = plan[(plan["lm"] == a.lm) & (plan["draw"] == a.draw)]
    if chosen.empty:
        groups = plan[["lm", "draw"]].drop_duplicates().itertuples(index=False)
        there = ", ".join(f"{lm} {draw}" for lm, draw in groups)
        raise ValueError(f"no runs of {a.lm} {a.draw} in sweep {sweep.name}; choose among {there}")
    with only_writer(sweep.root / "runs" / a.split / f"{a.lm}-{a.draw}"):
        records = run_group(chosen, sweep, a.split)
    failed = sum(record.status == "failed" for record in records)
    raise SystemExit(f"{failed} of {len(records)} runs failed; see above" if failed else 0)


def _serve(a: argparse.Namespace, sweep: Sweep) -> None:
    run = serve_run(a.draw or 0)
    if run.lm != a.lm or run.draw not in sweep.served:
        draws = ", ".join(map(str, sweep.served)) or "none"
        raise ValueError(f"{a.lm} {a.draw} is not served; choose {run.lm} and a draw of {draws}")
    path = sweep.root / "served" / f"{run.lm}-{run.draw}_{sweep.recipe_hash()}.csv"
    with only_writer(path):
        if run.draw not in set(gather_served(sweep)["draw"]):
            table = serve(run, sweep, SERVED).assign(recipe=sweep.recipe_hash())
            with whole(path) as part:
                table.to_csv(part, index=False, float_format="%.6g")


def _table(a: argparse.Namespace, sweep: Sweep) -> None:
    plan = sweep.plan()
    table = gather(plan, sweep, a.split)
    keep(table, sweep)
    if sweep.served:
        with whole(sweep.served_table) as part:
            gather_served(sweep).to_csv(part, index=False)
    done = table.drop_duplicates(RUN_KEY)
    print(f"{len(done)} of {len(plan)} runs ({done['run_id'].nunique()} designs) in {sweep.table}")


DOES = {"run": _run, "table": _table, "serve": _serve}


if __name__ == "__main__":
    main()
