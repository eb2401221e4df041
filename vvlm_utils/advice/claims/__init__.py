"""The paper's fourteen claims as rules: tables in, a verdict out.

Every rule takes what a chapter has computed and returns a ``Verdict``. Today's words for the
paper's runs are kept (module ``kept``), and the book is not built when a chapter finds another.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "costs": ["c11_encoder_share", "c12_deployment"],
        "fits": ["c5_forms", "c6_choices", "c7_bagging", "c8_extrapolation"],
        "frontiers": [
            "ELASTICITIES",
            "c10_more_data",
            "c13_frame_or_tokens",
            "c9_growth",
            "signs_as_the_paper",
        ],
        "tables": ["centre_of", "decidable", "lacking"],
        "trends": [
            "c14_tuned_where_served",
            "c1_diminishing_returns",
            "c2_bottleneck",
            "c3_doubling",
            "c4_tasks",
            "same_tasks",
        ],
        "verdict": [
            "CLAIMS",
            "UNDECIDED",
            "WORDS",
            "Verdict",
            "decide",
            "grade",
        ],
    },
)
