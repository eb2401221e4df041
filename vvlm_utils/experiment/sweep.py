"""Train and evaluate the runs of a sweep, and gather them into one table.

A run is one design, a draw of the pretrained decoder and a finetuning seed. It leaves two files:
its record as JSON and its answers, one row a question. Runs that have a record are skipped.

    python -m vvlm_utils.experiment.sweep run mini-90k 0     # all runs of one decoder
    python -m vvlm_utils.experiment.sweep table              # the runs table
    python -m vvlm_utils.experiment.sweep serve              # tuned at few frames, served at many
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from tqdm import tqdm

from vvlm_utils.experiment import evaluate, finetune
from vvlm_utils.experiment.counting import count_params, count_video
from vvlm_utils.experiment.model import VideoVLM
from vvlm_utils.experiment.plan import (
    CENTRE,
    DRAWS,
    EXAMPLES,
    LEVELS,
    LMS,
    SERVE_TUNED,
    SWEEPS,
    Sweep,
)
from vvlm_utils.experiment.presets import MINI, Stage
from vvlm_utils.experiment.stages import clip_dataset, load_decoder, split_questions


def run_one(
    lm: str,
    frames: int,
    tokens_per_frame: int,
    train_examples: int,
    seed: int,
    draw: int,
    sweep: Sweep,
    split: str = "test",
    stage: Stage = MINI.finetune,
) -> tuple[finetune.RunRecord, pd.DataFrame | None, VideoVLM]:
    """Finetune one design and evaluate it; returns the record, every answer, and the model.

    A loss that is not finite marks the record failed with its reason; the answers are then None.
    """
    model = load_decoder(lm, draw, sweep)
    settings = {"finetune": asdict(stage), "pretrain": asdict(sweep.recipe), "sweep": sweep.name}
    record = finetune.RunRecord(
        "mini", lm, MINI.decoders[lm].params, frames, tokens_per_frame, train_examples, seed, draw,
        settings=settings, provenance=finetune.provenance(),
    )  # fmt: skip
    record.counts = {
        "decoder_params": count_params(model.decoder),
        "tower_params": count_params(model.tower),
        "flops_per_video": count_video(model, frames, tokens_per_frame),
    }
    dataset = clip_dataset("train", sweep, frames, tokens_per_frame, train_examples)
    with tempfile.TemporaryDirectory() as folder:
        try:
            record.stages["finetune"] = finetune.train_stage(model, dataset, stage, folder, seed)
        except finetune.TrainingFailed as failure:
            record.status, record.reason = "failed", str(failure)
            return record, None, model
    begin = time.perf_counter()
    held = clip_dataset(split, sweep, frames, tokens_per_frame)
    answers = evaluate.answer(model, held, split_questions(split, sweep))
    record.stages["evaluate"] = {
        "split": split,
        "clips": len(held),
        "seconds": round(time.perf_counter() - begin, 2),
        "metrics": evaluate.summarise(answers).round(4).to_dict("index"),
    }
    record.status = "evaluated"
    return record, answers, model


def run_name(run: pd.Series, sweep: Sweep) -> str:
    """The file name of a planned run: all that decides it, the recipe as a hash."""
    design = f"{run['frames']}x{run['tokens_per_frame']}_n{run['train_examples']}"
    return f"{run['lm']}_{design}_draw{run['draw']}_seed{run['seed']}_{sweep.recipe_hash()}"


KEY = ["run_id", "draw", "seed"]


def kept_rows(sweep: Sweep) -> pd.DataFrame:
    """Rows of the kept table that this recipe made; empty when there are none."""
    if not sweep.table.exists():
        return pd.DataFrame(columns=[*KEY, "recipe"])
    table = pd.read_csv(sweep.table, dtype={"recipe": str})
    return table[table["recipe"] == sweep.recipe_hash()]


def run_group(runs: pd.DataFrame, sweep: Sweep, split: str = "test") -> list[Path]:
    """Train and evaluate what is missing of ``runs``; returns the records' paths."""
    folder = sweep.root / "runs" / split
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{run_name(run, sweep)}.json" for _, run in runs.iterrows()]
    kept = set(kept_rows(sweep)[KEY].itertuples(index=False, name=None)) if split == "test" else ()
    todo = [
        (run, path)
        for (_, run), path in zip(runs.iterrows(), paths, strict=True)
        if not path.exists() and tuple(run[KEY]) not in kept
    ]
    effort = [run["train_examples"] * (1 + run["frames"] * run["tokens_per_frame"] / 128)
              for run, _ in todo]  # fmt: skip
    with tqdm(total=round(sum(effort)), desc="runs", unit="parts", mininterval=20) as bar:
        for (run, path), cost in zip(todo, effort, strict=True):
            record, answers, _ = run_one(
                run["lm"], int(run["frames"]), int(run["tokens_per_frame"]),
                int(run["train_examples"]), int(run["seed"]), int(run["draw"]), sweep, split,
            )  # fmt: skip
            if answers is not None:
                part = path.with_suffix(".part")
                answers.drop(columns="correct").to_csv(part, index=False, compression="gzip")
                os.replace(part, path.with_suffix(".csv.gz"))
            finetune.write_record(record, path)
            bar.update(round(cost))
    return paths


def gather(runs: pd.DataFrame, sweep: Sweep, split: str = "test") -> pd.DataFrame:
    """The runs table of what is finished: nine rows a run, eight families and their mean "avg".

    Rows of the kept table stay where the run's own record is not at hand.
    """
    rows = []
    for _, run in runs.iterrows():
        path = sweep.root / "runs" / split / f"{run_name(run, sweep)}.json"
        if not path.exists():
            continue
        record = json.loads(path.read_text())
        if record["status"] != "evaluated":
            print(f"left out: {path.name}: {record['reason']}")
            continue
        for task, found in record["stages"]["evaluate"]["metrics"].items():
            rows.append(
                {
                    "run_id": run["run_id"],
                    "source": sweep.name,
                    **{name: run[name] for name in ("sweep", "target_tflops", "lm_params", "frames",
                                                    "tokens_per_frame", "train_examples")},
                    "task": task,
                    "metric": found["metric"],
                    "metric_se": found["metric_se"],
                    "seed": run["seed"],
                    "draw": run["draw"],
                    "blind": found["blind"],
                    "train_seconds": record["stages"]["finetune"]["seconds"],
                    "recipe": sweep.recipe_hash(),
                }
            )  # fmt: skip
    table = pd.concat([pd.DataFrame(rows), kept_rows(sweep)]).drop_duplicates([*KEY, "task"])
    order = {key: i for i, key in enumerate(runs[KEY].itertuples(index=False, name=None))}
    place = [order[tuple(row)] for row in table[KEY].itertuples(index=False, name=None)]
    return table.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def serve(sweep: Sweep, draw: int, lm: str, tokens_per_frame: int, train_examples: int, frames):
    """Finetune at ``SERVE_TUNED`` frames and evaluate at each of ``frames``, on the test split.

    One row a number of frames served and task: lm, draw, tuned_frames, frames, tokens_per_frame,
    train_examples, task, metric, metric_se.
    """
    design = {"tokens_per_frame": tokens_per_frame, "train_examples": train_examples}
    *_, model = run_one(
        lm, SERVE_TUNED, tokens_per_frame, train_examples, draw, draw, sweep, "validation"
    )
    rows, asked = [], split_questions("test", sweep)
    for count in frames:
        answers = evaluate.answer(
            model, clip_dataset("test", sweep, count, tokens_per_frame), asked
        )
        found = evaluate.summarise(answers)[["metric", "metric_se"]].rename_axis("task")
        own = {"lm": lm, "draw": draw, "tuned_frames": SERVE_TUNED, "frames": count} | design
        rows.append(found.reset_index().assign(**own))
    return pd.concat(rows, ignore_index=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV whole or not at all."""
    part = path.with_name(path.name + ".part")
    table.to_csv(part, index=False, float_format="%.6g")
    os.replace(part, path)


def main() -> None:
    """Run a group, or write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "table", "serve"])
    parser.add_argument("lm", nargs="?")
    parser.add_argument("draw", nargs="?", type=int)
    parser.add_argument("--sweep", choices=tuple(SWEEPS), default="mini")
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--out", type=Path, default=None, help="where the table goes")
    a = parser.parse_args()
    sweep = SWEEPS[a.sweep]
    runs = sweep.plan()
    if a.what == "run":
        chosen = runs[(runs["lm"] == a.lm) & (runs["draw"] == a.draw)]
        if chosen.empty:
            groups = runs[["lm", "draw"]].drop_duplicates().itertuples(index=False)
            there = ", ".join(f"{lm} {draw}" for lm, draw in groups)
            parser.error(f"no runs of {a.lm} {a.draw} in sweep {sweep.name}; choose among {there}")
        torch.set_num_threads(1)
        transformers.utils.logging.disable_progress_bar()
        run_group(chosen, sweep, a.split)
        return
    if a.what == "serve":
        torch.set_num_threads(1)
        transformers.utils.logging.disable_progress_bar()
        out = a.out or sweep.table.with_name(f"{sweep.name}_serve.csv")
        lm, tokens = LMS[CENTRE["lm_params"]], CENTRE["tokens_per_frame"]
        served = [
            serve(sweep, draw, lm, tokens, EXAMPLES[-1], LEVELS["frames"])
            for draw in (DRAWS if a.draw is None else [a.draw])
        ]
        write_table(pd.concat(served), out)
        return
    table, out = gather(runs, sweep, a.split), a.out or sweep.table
    write_table(table, out)
    print(f"{table['run_id'].nunique()} of {runs['run_id'].nunique()} designs in {out}")


if __name__ == "__main__":
    main()
