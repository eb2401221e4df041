# The experiment: clips -> tower -> features -> decoders -> runs -> one table. `make sweep` runs it.
# A stage skips what it finds on disk, and no rule looks at the code: long runs are not thrown
# away for an edit. What a stage made is known to the graph by a mark alone, so that Snakemake, which
# removes the outputs of a job that it did not see end, never removes weights: a stage that ran on
# when its driver was killed has its files, and leaves the mark when it is started again.
# Remove `stages` and what is to be made again under _build/<sweep>, and it is made again. Runs that
# stand in the kept table are done; `make sweep TABLE=mine.csv` keeps another table.
# Make hands names and paths by the environment: as values of the configuration they would be YAML.
import os

from vvlm_utils.experiment.mini.design import CENTRE, LMS
from vvlm_utils.experiment.mini.kept import missing_runs
from vvlm_utils.experiment.mini.sweeps import choose_sweep

TABLE = os.environ.get("VVLM_TABLE") or config.get("table")
SWEEP = choose_sweep(
    str(config.get("sweep") or os.environ.get("VVLM_SWEEP") or "mini"),
    str(TABLE) if TABLE else None,
)
STAGES = f"{SWEEP.root}/stages"
OWN = f"{STAGES}/{SWEEP.name}"  # sweeps may share their stages, not their runs
CHOICE = f"--sweep {SWEEP.name}"
MISSING = missing_runs(SWEEP)[["lm", "draw"]].drop_duplicates()  # a group per decoder and draw
TO_DRAW = sorted(set(MISSING["draw"]))


def groups(wildcards):
    """The groups of runs of a draw that the kept table lacks, and what is served of it."""
    draw = int(wildcards.draw)
    wanted = [f"{OWN}-runs-{lm}-{draw}.done" for lm in MISSING.query("draw == @draw")["lm"]]
    served = [f"{OWN}-served-{LMS[CENTRE['lm_params']]}-{draw}.done"] if draw in SWEEP.served else []
    return wanted + served


def draw_before(wildcards, behind):
    """The mark of the draw that is so many before; draws come one after the other."""
    earlier = [draw for draw in TO_DRAW if draw < int(wildcards.draw)]
    return [f"{OWN}-draw-{earlier[-behind]}.done"] if len(earlier) >= behind else []


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


rule decoder:  # may run ahead of the runs by one draw, so that no core is idle
    input:
        rules.tower.output,
        STAGES + "/features-align.done",
        lambda wildcards: draw_before(wildcards, 2),
    output:
        touch(STAGES + "/decoder-{lm}-{draw}.done"),
    shell:
        EXPERIMENT + ".mini.stages decoder {wildcards.lm} --draw {wildcards.draw} " + CHOICE


rule runs:
    input:
        STAGES + "/decoder-{lm}-{draw}.done",
        expand(STAGES + "/features-{split}.done", split=["train", "test"]),
        lambda wildcards: draw_before(wildcards, 1),
    output:
        touch(OWN + "-runs-{lm}-{draw}.done"),
    priority: 1
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".mini.sweep run {wildcards.lm} {wildcards.draw} " + CHOICE
        + " --table={params.table:q}"


rule served:
    input:
        rules.runs.input,
    output:
        touch(OWN + "-served-{lm}-{draw}.done"),
    priority: 1
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".mini.sweep serve {wildcards.lm} {wildcards.draw} " + CHOICE
        + " --table={params.table:q}"


rule draw:  # the table is written draw by draw
    input:
        groups,
    output:
        touch(OWN + "-draw-{draw}.done"),
    priority: 2
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".mini.sweep table " + CHOICE + " --table={params.table:q}"


rule sweep:
    input:
        expand(OWN + "-draw-{draw}.done", draw=TO_DRAW),
    params:
        table=lambda wildcards: str(SWEEP.table),
    shell:
        EXPERIMENT + ".mini.sweep table " + CHOICE + " --table={params.table:q}"
