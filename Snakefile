# The one graph: notebooks, and what they rest on -> executed notebooks -> the site.
# `make book` runs it; `snakemake --cores 2 site` is the same.
import os
import sys
from pathlib import Path

from vvlm_utils.site import build as book
from vvlm_utils.experiment.mini.design import choose_sweep, missing_runs, published_run
from vvlm_utils.runs.table import load_runs

PACKAGE = Path("vvlm_utils")
CHAPTERS = book.list_chapters(Path("_toc.yml"))
PAGE, DATA = book.ALLOCATOR
ALLOCATOR = [f"_build/{DATA}"] if PAGE in book.list_pages(Path("_toc.yml")) else []
VARIANTS = [path.stem for path in Path("params").glob("*.yml")]  # 07_frontier.released


wildcard_constraints:
    chapter=r"\w+",
    variant=r"\w+",
    draw=r"\d+",


def needs(wildcards):
    notebook = Path(f"notebooks/{wildcards.chapter}.ipynb")
    rests_on = book.find_needs(notebook, PACKAGE) if notebook.exists() else []
    return [notebook, *rests_on, "requirements/analysis.txt"]


# `make book LIVE=1` trains: chapter 3 leaves a model, which chapter 4 evaluates.
LIVE = {"03_finetune", "04_evaluate"} if config.get("live") else set()


def after(wildcards, place):
    trains = wildcards.chapter == "04_evaluate" and (LIVE or "variant" in wildcards.keys())
    return [place.format("03_finetune")] if trains else []


def chapter_needs(wildcards):
    found = {"needs": needs(wildcards), "after": after(wildcards, "_build/executed/{}.ipynb")}
    if wildcards.chapter in LIVE:
        found["parameters"] = f"params/{wildcards.chapter}.live.yml"
    return found


# Chapters run side by side, each on the threads its rule states.
BOOK = f"'{sys.executable}' -m vvlm_utils.site.build"
THREADS = "NUMBA_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads} OMP_NUM_THREADS={threads}"


rule site:
    input:
        chapters=expand("_build/executed/{chapter}.ipynb", chapter=CHAPTERS),
        allocator=ALLOCATOR,
        prose=[path for path in Path("book").rglob("*") if path.is_file()],
        shared=list((PACKAGE / "assets").iterdir()),
        settings=["_config.yml", "_toc.yml"],
    output:
        touch("_build/site.done"),
    shell:
        BOOK + " site _build/executed _build/source _build/html"


rule student:  # the same book without its solutions
    input:
        rules.site.input,
    output:
        touch("_build/student/site.done"),
    shell:
        f"'{sys.executable}' -m vvlm_utils.site.editions _build/executed _build/student"


rule chapter:
    input:
        unpack(chapter_needs),
    output:
        "_build/executed/{chapter}.ipynb",
    params:
        variant=lambda wildcards, input: input.get("parameters", ""),
    shell:
        THREADS + " " + BOOK + " execute {input.needs[0]} {output} {params.variant}"


# What the allocator page computes from: the bags of the average and of every task.
rule allocator:
    input:
        PACKAGE / "site" / "allocator.py",
        lambda wildcards: book.find_needs(PACKAGE / "site" / "allocator.py", PACKAGE),
        "requirements/analysis.txt",
    output:
        f"_build/{DATA}",
    shell:
        THREADS + f" '{sys.executable}' -m vvlm_utils.site.allocator {{output}}"


rule variant:
    input:
        needs=needs,
        after=lambda wildcards: after(wildcards, f"_build/variants/{{}}.{wildcards.variant}.ipynb"),
        parameters="params/{chapter}.{variant}.yml",
    output:
        "_build/variants/{chapter}.{variant}.ipynb",
    shell:
        THREADS + " " + BOOK + " execute {input.needs[0]} {output} {input.parameters}"


rule variants:
    input:
        expand("_build/variants/{variant}.ipynb", variant=VARIANTS),


rule figure:
    input:
        f"_build/executed/{book.FRONT[0]}.ipynb",
    shell:
        BOOK + " figure _build/executed"


# The experiment: clips -> tower -> features -> decoders -> runs -> one table. `make sweep` runs it.
# A stage skips what it finds on disk, and no rule looks at the code: long runs are not thrown
# away for an edit. Remove a file under _build/<sweep> to have it made again. Runs that stand in
# the kept table are done; `make sweep TABLE=mine.csv` keeps another table, and so makes all.
# A path comes by the environment from make: as a value of the configuration it would be YAML.
TABLE = os.environ.get("VVLM_TABLE") or config.get("table")
SWEEP = choose_sweep(str(config.get("sweep", "mini")), str(TABLE) if TABLE else None)
ROOT, WEIGHTS = str(SWEEP.root), str(SWEEP.weights_folder)
EXPERIMENT = f"OMP_NUM_THREADS=1 '{sys.executable}' -m vvlm_utils.experiment"
CHOICE = f"--sweep {SWEEP.name}"
GROUPS = missing_runs(SWEEP)[["lm", "draw"]].drop_duplicates().sort_values(["draw", "lm"])


rule tower:
    output:
        WEIGHTS + "/tower/model.safetensors",
    shell:
        EXPERIMENT + ".stages tower " + CHOICE


rule features:
    input:
        rules.tower.output,
    output:
        ROOT + "/cache/{split}.npy",
    shell:
        EXPERIMENT + ".stages features {wildcards.split} " + CHOICE


rule decoder:
    input:
        rules.tower.output,
        ROOT + "/cache/align.npy",
    output:
        WEIGHTS + "/{lm}-{draw}/model.safetensors",
    shell:
        EXPERIMENT + ".stages decoder {wildcards.lm} --draw {wildcards.draw} " + CHOICE


rule runs:
    input:
        WEIGHTS + "/{lm}-{draw}/model.safetensors",
        expand(ROOT + "/cache/{split}.npy", split=["train", "test"]),
    output:
        touch(ROOT + "/runs/{lm}-{draw}.done"),
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".sweep run {wildcards.lm} {wildcards.draw} " + CHOICE + " --table {params.table:q}"


rule sweep:
    input:
        [f"{ROOT}/runs/{group.lm}-{group.draw}.done" for group in GROUPS.itertuples()],
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".sweep table " + CHOICE + " --table {params.table:q}"


# The paper's sweep, on a cluster: tower and decoder -> joined -> aligned -> 87 finetuned models.
# Weights, images and videos are folders that are there before; book/cluster.md says how.
#     snakemake paper --profile profiles/slurm --config videos=... images=... weights=...
PAPER = "_build/paper"
PLACES = {name: config.get(name, name) for name in ("weights", "images", "videos")}
GPUS = int(config.get("gpus", 8))
STEP = f"{EXPERIMENT}.paper_run"
FSDP = "-m accelerate.commands.launch --config_file profiles/accelerate/fsdp.yaml"
LAUNCH = STEP.replace(" -m ", f" {FSDP} --num_processes {GPUS} -m ", 1)


rule paper_join:
    output:
        PAPER + "/joined/{lm}/config.json",
    params:
        out=lambda wildcards, output: Path(output[0]).parent,
    shell:
        f"{STEP} join --lm {{wildcards.lm}} --weights '{PLACES['weights']}' --out {{params.out}}"


rule paper_align:
    input:
        rules.paper_join.output,
    output:
        PAPER + "/aligned/{lm}/record.json",
    params:
        start=lambda wildcards, input: Path(input[0]).parent,
        out=lambda wildcards, output: Path(output[0]).parent,
    resources:
        gpu=GPUS,
    shell:
        f"{LAUNCH} align --lm {{wildcards.lm}} --start {{params.start}} --out {{params.out}} "
        f"--data '{PLACES['images']}' --index '{PLACES['images']}/index.json'"


rule paper_run:
    input:
        lambda wildcards: f"{PAPER}/aligned/{published_run(wildcards.run)['lm']}/record.json",
    output:
        PAPER + "/runs/{run}/record.json",
    params:
        start=lambda wildcards, input: Path(input[0]).parent,
        out=lambda wildcards, output: Path(output[0]).parent,
    resources:
        gpu=GPUS,
    shell:
        f"{LAUNCH} finetune --run {{wildcards.run}} --start {{params.start}} --out {{params.out}} "
        f"--data '{PLACES['videos']}' --index '{PLACES['videos']}/mixture.json' --workers 8"


rule paper:
    input:
        lambda wildcards: [
            f"{PAPER}/runs/{name}/record.json" for name in load_runs("paper")["run_id"]
        ],
