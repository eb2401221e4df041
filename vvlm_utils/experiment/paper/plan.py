"""A run of the paper by its name; no torch here, so that the graph can plan without it."""

from __future__ import annotations

from vvlm_utils.cost.architectures import get_decoder
from vvlm_utils.runs.table import load_runs


def published_run(run_id: str) -> dict:
    """LM, frames, tokens per frame and examples of a run of the paper.

    Raises ValueError for a run that is not in its table.

    >>> published_run("isoflop15-1B-8x625-n2M")["lm"]
    'llama-3.2-1b'
    """
    runs = load_runs("paper").set_index("run_id")
    if run_id not in runs.index:
        known = f"{runs.index[0]}, {runs.index[1]} and so on (make plan SWEEP=paper lists them)"
        raise ValueError(f"run {run_id!r} is not one of the paper's: {known}")
    row = runs.loc[run_id]
    counts = ["frames", "tokens_per_frame", "train_examples"]
    frames, tokens, examples = (int(row[name]) for name in counts)
    lm = get_decoder(float(row["lm_params"])).name
    return {"lm": lm, "frames": frames, "tokens_per_frame": tokens, "examples": examples}
