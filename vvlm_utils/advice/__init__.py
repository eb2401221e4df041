"""What to tell the owner of a table: what it can answer, which runs to make next.

Every public name of the modules below, imported when first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["claims"],
    submod_attrs={
        "audit": ["Audit", "LawSupport", "audit_runs", "confounding", "judge", "not_separate"],
        "next_runs": [
            "AIMS",
            "Question",
            "RUN_COLUMNS",
            "candidate_designs",
            "deviations",
            "gain_of",
            "not_done",
            "observe",
            "plan_runs",
            "read_candidates",
            "residual_noise",
            "target_root",
            "training_price",
        ],
        "sentences": [
            "best_held",
            "candidates_of",
            "check_answerable",
            "check_law",
            "choose_law",
            "compare_supported",
            "elasticity_grid",
            "frontier_table",
            "held_bags",
            "merge_repeats",
            "own_cost",
            "priced_within",
            "round_budgets",
            "run_costs",
            "say_cost",
            "say_elasticity",
            "say_frontier",
            "say_gap",
            "say_scores",
            "score_table",
            "space_within",
        ],
    },
)
