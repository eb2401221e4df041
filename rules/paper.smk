# The paper's sweep, on a cluster: tower and decoder -> joined -> aligned -> 87 finetuned models.
# A step is known to the graph by a mark alone, as in sweep.smk. Weights, images and videos are folders that are there before; book/cluster.md says how.
#     snakemake paper --profile profiles/slurm --config videos=... images=... weights=...
from vvlm_utils.experiment.paper.plan import published_run
from vvlm_utils.runs.table import load_runs

PAPER = "_build/paper"
PLACES = {name: config.get(name, name) for name in ("weights", "images", "videos")}
GPUS = int(config.get("gpus", 8))
FSDP = "-m accelerate.commands.launch --config_file profiles/accelerate/fsdp.yaml"
STEP = f"{EXPERIMENT}.paper.run"
LAUNCH = f"OMP_NUM_THREADS=1 {PYTHON} {FSDP} --num_processes {GPUS} -m vvlm_utils.experiment.paper.run"


def source(name, index):
    """The options that name a folder of data and the index in it."""
    return f"--data {quoted(PLACES[name])} --index {quoted(Path(PLACES[name]) / index)}"


rule paper_join:
    output:
        touch(PAPER + "/joined/{lm}.done"),
    params:
        out=PAPER + "/joined/{lm}",
    shell:
        f"{STEP} join --lm {{wildcards.lm}} --weights {quoted(PLACES['weights'])} --out {{params.out}}"


rule paper_align:
    input:
        rules.paper_join.output,
    output:
        touch(PAPER + "/aligned/{lm}.done"),
    params:
        start=PAPER + "/joined/{lm}",
        out=PAPER + "/aligned/{lm}",
    resources:
        gpu=GPUS,
    shell:
        f"{LAUNCH} align --lm {{wildcards.lm}} --start {{params.start}} --out {{params.out}} "
        + source("images", "index.json")


rule paper_run:
    input:
        lambda wildcards: f"{PAPER}/aligned/{published_run(wildcards.run)['lm']}.done",
    output:
        touch(PAPER + "/runs/{run}.done"),
    params:
        start=lambda wildcards: f"{PAPER}/aligned/{published_run(wildcards.run)['lm']}",
        out=PAPER + "/runs/{run}",
    resources:
        gpu=GPUS,
    shell:
        f"{LAUNCH} finetune --run {{wildcards.run}} --start {{params.start}} --out {{params.out}} "
        + source("videos", "mixture.json")
        + " --workers 8"


rule paper:
    input:
        lambda wildcards: [f"{PAPER}/runs/{name}.done" for name in load_runs("paper")["run_id"]],
