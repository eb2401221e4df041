"""C11 and C12, which are arithmetic on Equation 1 and need no runs."""

from __future__ import annotations

import pandas as pd

from vvlm_utils.advice.claims.verdict import Verdict, decide

HALF_WITHIN = 0.05  # a share this near to one half is "about half"
PAPER_RATIO, RATIO_WITHIN = 340.0, 0.01  # Appendix A.1, and how near "about" is


def c11_encoder_share(shares: pd.Series, half_at: float, asked: float = 50) -> Verdict:
    """C11: the encoder is about half of the cost at 7B and 50 tokens per frame, and more below.

    Parameters
    ----------
    shares : share of the encoder at 7B, indexed by tokens per frame, ``asked`` among them.
    half_at : tokens per frame at which the share is one half.
    """
    falling = shares.sort_index(ascending=False)
    share, fewer = falling[asked], falling[falling.index <= asked]
    parts = {
        "about half": abs(share - 0.5) <= HALF_WITHIN,
        "more below": bool((fewer.diff().iloc[1:] > 0).all()) and len(fewer) > 1,
    }
    return decide(
        "C11",
        parts,
        f"{share:.1%} at 7B and {asked:g} tokens; half at {half_at:.1f} tokens",
        "about half at 7B and 50 tokens per frame, more below",
        "The share at 50 tokens lies within five points of one half, and it grows whenever tokens "
        "are taken away.",
    )


def c12_deployment(ratio: float) -> Verdict:
    """C12: in a month of deployment inference costs about 340 times the finetuning.

    ratio : inference over finetuning compute for the paper's three inputs.
    """
    return decide(
        "C12",
        {"about 340 times": abs(ratio / PAPER_RATIO - 1) < RATIO_WITHIN},
        f"{ratio:.1f} times, from 34 M videos a day, 30 days and n = 1 M",
        f"about {PAPER_RATIO:g} times the finetuning compute",
        "The ratio for the paper's three inputs comes within one per cent of 340.",
    )
