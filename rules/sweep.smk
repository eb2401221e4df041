# The experiment: clips -> tower -> features -> decoders -> runs -> one table. `make sweep` runs it.
# A stage skips what it finds on disk, and no rule looks at the code: long runs are not thrown
# away for an edit. What a stage made is known to the graph by a mark alone, so that Snakemake, which
# removes the outputs of a job that it did not see end, never removes weights: a stage that ran on
# when its driver was killed has its files, and leaves the mark when it is started again.
# Remove `stages` and what is to be made again under _build/<sweep>, and it is made again. Runs that
# stand in the kept table are done; `make sweep TABLE=mine.csv` keeps another table.
# Make hands names and paths by the environment: as values of the configuration they would be YAML.
import os

from vvlm_utils.experiment.mini.design import choose_sweep, missing_runs

TABLE = os.environ.get("VVLM_TABLE") or config.get("table")
SWEEP = choose_sweep(
    str(config.get("sweep") or os.environ.get("VVLM_SWEEP") or "mini"),
    str(TABLE) if TABLE else None,
)
STAGES = f"{SWEEP.root}/stages"
CHOICE = f"--sweep {SWEEP.name}"


def groups(wildcards):
    """The groups of runs that the kept table lacks: one per decoder and draw."""
    missing = missing_runs(SWEEP)[["lm", "draw"]].drop_duplicates().sort_values(["draw", "lm"])
    return [f"{STAGES}/runs-{group.lm}-{group.draw}.done" for group in missing.itertuples()]


rule tower:
    output:
        touch(f"{STAGES}/tower.done"),
    shell:
        EXPERIMENT + ".mini.stages tower " + CHOICE


rule features:
    input:
        rules.tower.output,
    output:
        touch(STAGES + "/features-{split}.done"),
    shell:
        EXPERIMENT + ".mini.stages features {wildcards.split} " + CHOICE


rule decoder:
    input:
        rules.tower.output,
        STAGES + "/features-align.done",
    output:
        touch(STAGES + "/decoder-{lm}-{draw}.done"),
    shell:
        EXPERIMENT + ".mini.stages decoder {wildcards.lm} --draw {wildcards.draw} " + CHOICE


rule runs:
    input:
        STAGES + "/decoder-{lm}-{draw}.done",
        expand(STAGES + "/features-{split}.done", split=["train", "test"]),
    output:
        touch(STAGES + "/runs-{lm}-{draw}.done"),
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".mini.sweep run {wildcards.lm} {wildcards.draw} " + CHOICE
        + " --table={params.table:q}"


rule sweep:
    input:
        groups,
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".mini.sweep table " + CHOICE + " --table={params.table:q}"
