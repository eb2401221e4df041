"""The table of runs: its schema, the sweeps it comes from, and what it shows before any law.

Every public name of the modules below, imported when first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "designs": [
            "PAPER_BUDGETS_TFLOPS",
            "PAPER_CENTRE",
            "PAPER_LM_PARAMS",
            "budget_gap",
            "is_perfect_square",
            "isoflop_designs",
            "name_runs",
            "square_tokens",
            "star_designs",
            "well_spaced",
        ],
        "draws": ["difference", "first_seeds", "joint_gain", "size_steps", "variance_components"],
        "from_lmms": ["read_results"],
        "lmms_design": ["ResultsError", "parse_model_args"],
        "lmms_scores": ["score"],
        "reading": ["read_table"],
        "sanity": ["larger_is_worse", "suspicions"],
        "schema": ["COLUMNS", "COST", "RunsError", "check_factors"],
        "sources": ["Source", "SourceError", "list_sources", "read_source"],
        "merging": ["merge_repeats"],
        "prepared": ["Prepared", "TABLE", "candidates_of", "prepare", "price_options", "restore"],
        "wording": ["say_price", "say_space"],
        "space": ["Candidates", "Space", "space_within", "spread", "widen"],
        "suites": ["Benchmark", "PAPER", "SuiteError", "list_suites", "load_suite"],
        "table": [
            "TASKS",
            "average_seeds",
            "load_reference",
            "load_runs",
            "load_task_runs",
            "reference",
            "validate_runs",
        ],
        "trends": [
            "LinearFit",
            "arm_slopes",
            "arm_trend",
            "curve_coefficients",
            "curve_optimum",
            "gain_lead",
            "gain_leads",
            "half_slopes",
            "isoflop_fit",
            "least_squares",
            "middle_and_ends",
            "paired_steps",
            "reversals",
            "star_arm",
            "t_interval",
        ],
    },
)
