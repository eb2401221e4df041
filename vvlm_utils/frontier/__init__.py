"""The best design at each budget, how it moves with data, and what one step more is worth.

Every public name of the modules below, imported when first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "comparisons": [
            "Mispriced",
            "ask_again",
            "central",
            "growth_table",
            "misprice",
            "share_alike",
            "share_falling",
            "size_prices",
        ],
        "elasticities": [
            "ELASTICITY_FORMS",
            "Paths",
            "TABLE_10",
            "elasticity",
            "elasticity_table",
            "summarise",
        ],
        "families": ["as_factors", "check_budget", "family_designs", "family_models"],
        "marginal": ["PARTS", "discount_gains", "marginal_gains", "next_square", "scaled_cost"],
        "solver": [
            "Candidates",
            "PAPER_SPACE",
            "Space",
            "Question",
            "Solution",
            "growth",
            "outside",
            "running_best",
            "solve",
        ],
        "space": [
            "Affordable",
            "FactorTables",
            "affordable",
            "factor_tables",
            "has_tables",
            "parts_of",
            "prices",
            "space_errors",
        ],
    },
)
