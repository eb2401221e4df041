"""What to tell the owner of a table: what it can answer, which runs to make next.

Every public name of the modules below, imported when first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["claims", "sentences"],
    submod_attrs={
        "answer": [
            "METHODS",
            "ask",
            "at_levels",
            "default_epsilon",
            "elasticity_grid",
            "fit_model",
            "laws_of",
            "move_with_data",
            "records",
            "say_examples",
            "within",
        ],
        "audit": [
            "Audit",
            "LawSupport",
            "audit_runs",
            "audit_table",
            "confounding",
            "judge",
            "not_separate",
        ],
        "by_task": ["exchange_losses", "fit_copies"],
        "fit_file": ["load_fit", "save_fit"],
        "next_runs": [
            "AIMS",
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
        "own_runs": ["OwnRuns", "error_by_level", "own_runs"],
        "sentences": [
            "best_level",
            "check_answerable",
            "compare_supported",
            "find_moves",
            "frontier_table",
            "held_levels",
            "round_budgets",
            "say_elasticity",
            "say_frontier",
            "say_gap",
            "say_moves",
            "say_other_law",
            "say_scores",
            "score_table",
        ],
    },
)
