# The one graph: notebooks, and what they rest on -> executed notebooks -> the site; beside it the
# mini experiment's sweep, and the paper's on a cluster. `make` runs it; `snakemake --cores 2 site`
# is the same as `make book`. Every step writes its files whole or not at all.
import shlex
import sys
from pathlib import Path


def quoted(path) -> str:
    """A path as one word of a shell command that Snakemake formats."""
    return shlex.quote(str(path)).replace("{", "{{").replace("}", "}}")


PYTHON = quoted(sys.executable)
EXPERIMENT = f"OMP_NUM_THREADS=1 {PYTHON} -m vvlm_utils.experiment"


wildcard_constraints:
    chapter=r"\w+",
    variant=r"\w+",
    draw=r"\d+",


include: "rules/book.smk"
include: "rules/sweep.smk"
include: "rules/paper.smk"
