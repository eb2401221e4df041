"""Sentences that say what tables show: a function per sentence, with every branch tested.

``report`` speaks of somebody's own sweep; the others speak for the chapters, a module per subject.
A sentence of a chapter that compares, counts or ranks is made by one of them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "costs",
        "designs",
        "elasticities",
        "evaluate",
        "finetune",
        "frontier_tables",
        "frontiers",
        "law_tables",
        "laws",
        "mini",
        "own",
        "planned",
        "repriced",
        "served",
        "tasks",
        "trends",
        "words",
    ],
    submod_attrs={
        "answers": ["find_moves", "say_moves", "say_other_law"],
        "report": [
            "MOST_HELD",
            "best_level",
            "best_predicting",
            "check_answerable",
            "compare_supported",
            "frontier_table",
            "held_levels",
            "name_error",
            "round_budgets",
            "say_claims",
            "say_elasticity",
            "say_frontier",
            "say_gap",
            "say_left_out",
            "say_model",
            "say_scores",
            "score_table",
        ],
    },
)
