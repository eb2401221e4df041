"""Which chapters say sentences that are made again from their tables: a function per chapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from vvlm_utils.site.truth import costs, frontiers, laws, mini, moves, one_run, runs
from vvlm_utils.site.truth.tables import Said

Recompute = Callable[[list[pd.DataFrame], Mapping[str, Any]], Said]

RECOMPUTED: dict[str, Recompute] = {
    "inference_cost": costs.inference_cost,
    "sweep_design": costs.sweep_design,
    "finetune": one_run.finetune,
    "evaluate": one_run.evaluate,
    "laws": laws.law_sentences,
    "runs": runs.published_runs,
    "frontier": frontiers.frontier,
    "elasticity": moves.elasticity,
    "tasks": moves.tasks,
    "next_runs": moves.next_runs,
    "cluster": costs.cluster,
    "served_models": costs.served_models,
    "exact_cost": costs.exact_cost,
    "mini_experiment": mini.mini_experiment,
}
