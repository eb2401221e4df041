"""Evaluate a checkpoint on the benchmarks of Table 5, by lmms-eval.

    make lmms-env
    .venv-lmms/bin/python -m vvlm_utils.experiment.harness.evaluate \\
        CHECKPOINT --tasks mvbench --out results

What cannot work is refused in one line before anything heavy is loaded: a folder that is no
checkpoint of this project, an unknown task, a judged task without its key, videos that are not
under ``HF_HOME``. Nothing is downloaded unless ``--download`` says so.
``vvlm_utils.runs.from_lmms.read_results`` turns what lies under ``--out`` into rows of the runs
table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from vvlm_utils.experiment.harness import judge
from vvlm_utils.experiment.harness.checks import check_tasks, choose_design
from vvlm_utils.runs.suites import JUDGE_SUFFIX, load_suite

HOME = "HF_HOME"  # under which lmms-eval's tasks look for their videos


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vvlm_utils.experiment.harness.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", type=Path, help="a saved model with its tokenizer")
    parser.add_argument("--suite", default="paper", help="a suite's name or YAML file [paper]")
    parser.add_argument("--tasks", help="by lmms-eval's names [the suite's]")
    parser.add_argument("--out", type=Path, required=True, help="where results go")
    parser.add_argument("--frames", type=int, help="x_T [the record's]")
    parser.add_argument("--tokens-per-frame", type=int, help="x_V [the record's]")
    parser.add_argument("--train-examples", type=int, help="n [the record's]")
    parser.add_argument("--seed", type=int, help="the finetuning's [the record's]")
    parser.add_argument("--include-path", type=Path, help="a folder of further task files")
    parser.add_argument("--limit", type=int, help="a trial on so many questions a task")
    parser.add_argument("--device", default="cpu", help="cpu or cuda [cpu]")
    parser.add_argument("--download", action="store_true", help="let lmms-eval fetch benchmarks")
    return parser.parse_args(arguments)


def home_folder() -> Path:
    """The folder under which lmms-eval's tasks look for their videos."""
    return Path(os.environ.get(HOME, "~/.cache/huggingface")).expanduser()


def check(options: argparse.Namespace) -> dict[str, int]:
    """Look at all that can be known in advance, and fill in the tasks; returns the design.

    Raises ValueError, in one line, for what cannot work.
    """
    own = ("frames", "tokens_per_frame", "train_examples", "seed")
    design = choose_design(options.checkpoint, {name: getattr(options, name) for name in own})
    home = None if options.download else home_folder()
    suite = load_suite(options.suite)
    options.tasks = options.tasks or ",".join(benchmark.task for benchmark in suite)
    check_tasks(options.tasks.split(","), options.include_path, home, suite)
    if "," in str(options.checkpoint):
        raise ValueError(f"{options.checkpoint}: lmms-eval takes no comma in a path; rename it")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise ValueError("one process a checkpoint: start it without a launcher, one a GPU")
    if find_spec("lmms_eval") is None:
        raise ValueError("lmms-eval is not installed here; run `make lmms-env`, use .venv-lmms")
    return design


def harness_arguments(options: argparse.Namespace, design: dict[str, int]) -> list[str]:
    """The command line of lmms-eval itself."""
    pairs = {"pretrained": options.checkpoint} | design
    arguments = ["--model", "vvlm", "--tasks", options.tasks, "--log_samples"]
    arguments += ["--model_args", ",".join(f"{name}={value}" for name, value in pairs.items())]
    arguments += ["--output_path", str(options.out), "--device", options.device]
    if options.include_path:
        arguments += ["--include_path", str(options.include_path)]
    return arguments + (["--limit", str(options.limit)] if options.limit else [])


def run(options: argparse.Namespace, design: dict[str, int]) -> Path:
    """Run the harness; returns the file of results, with the judge's record beside it.

    Raises RuntimeError when the harness, which reports its failures and goes on, left no results.
    """
    os.environ[HOME] = str(home_folder())
    os.environ[judge.MODEL_VARIABLE] = judge.MODEL
    if not options.download:
        os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    import lmms_eval.__main__ as lmms_eval

    before = set(options.out.rglob("*_results.json"))
    sys.argv = ["lmms-eval", *harness_arguments(options, design)]
    with judge.metered() as meter:
        lmms_eval.cli_evaluate()
    made = sorted(set(options.out.rglob("*_results.json")) - before)
    if not made:
        mend = "" if options.download else "; if it lacks data, --download lets it fetch them"
        raise RuntimeError(f"lmms-eval left no results, its words above say why{mend}")
    if meter.calls:
        tasks = Path(lmms_eval.__file__).parent / "tasks"
        record = meter.record(judge.prompt_versions(tasks), version())
        path = made[-1].with_name(made[-1].name.removesuffix("_results.json") + JUDGE_SUFFIX)
        path.write_text(json.dumps(record, indent=1))
    return made[-1]


def version() -> str:
    """lmms-eval's version."""
    from importlib.metadata import version

    return version("lmms-eval")


def main() -> None:
    """Check, run, and say where the results are."""
    options = parse(sys.argv[1:])
    try:
        design = check(options)
    except ValueError as refused:
        print(f"harness: {refused}", file=sys.stderr)
        sys.exit(2)
    try:
        print(f"results: {run(options, design)}")
    except RuntimeError as failed:
        print(f"harness: {failed}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
