"""C9, C10 and C13: what the frontier of a bag decides."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from vvlm_utils.advice.claims.verdict import Verdict, above, below, both, decide, either
from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.text import show_interval

ENDS = ["value", "low", "high"]
PAPER_SIGNS = {"lm_params": -1, "frames": 1, "tokens_per_frame": 1}  # of C10, with more data
ELASTICITIES = dict(zip(FACTORS, ("e_N", "e_T", "e_V"), strict=True))


def c9_growth(
    growth: pd.DataFrame, ratios: pd.DataFrame, falls: float, printed: pd.Series, level: float = 0.8
) -> Verdict:
    """C9: the frontier scales all three factors, at different rates and not steadily.

    Parameters
    ----------
    growth : growth of x_N, x_T, x_V over the whole range of budgets: columns value, low, high.
    ratios : ratio of the growths of every pair of factors: columns low and high.
    falls : share of the bag's members in which a factor falls somewhere along the way.
    printed : the paper's growth of x_N, x_T, x_V, for the text.
    """
    differ = [either(above(row, 1), below(row, 1)) for _, row in ratios.iterrows()]
    # An interval that holds one leaves two rates open; it never shows them to be equal.
    apart = [True if yes else None for yes in differ]
    ours = zip("NTV", growth[ENDS].to_numpy(), strict=True)
    theirs = ", ".join(f"x_{s} x{v:g}" for s, v in zip("NTV", printed, strict=True))
    return decide(
        "C9",
        {
            "all three factors grow": both(*(above(row, 1) for _, row in growth.iterrows())),
            "at different rates": both(*apart),
            "not steadily": True if falls >= level else False if falls <= 1 - level else None,
        },
        ", ".join(f"x_{s} x{show_interval(*row)}" for s, row in ours)
        + f" along a fitted line; {sum(map(bool, apart))} of {len(apart)} pairs differ; "
        f"{falls:.0%} of the bag falls somewhere",
        f"{theirs}, end point to end point, at 1 M examples",
        "All three factors grow with the budget, every two of them at different rates (whole "
        "intervals), and some factor falls on the way in as many members as the level asks.",
    )


def signs_as_the_paper(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Whether each computation of an elasticity has the paper's sign: True, False or None.

    found : tables with columns low and high and one row per factor, by name of the computation;
    one row each in the answer.
    """
    return pd.DataFrame(
        {
            name: [(above if PAPER_SIGNS[f] > 0 else below)(table.loc[f]) for f in FACTORS]
            for name, table in found.items()
        },
        index=list(FACTORS),
        dtype=object,
    ).T


def c10_more_data(
    found: Mapping[str, pd.DataFrame],
    main: pd.DataFrame,
    printed: Mapping[str, float],
    model: str,
) -> Verdict:
    """C10: with more data the best x_N falls, and the best x_T and x_V rise.

    Parameters
    ----------
    found : every computation of the elasticities, as in ``signs_as_the_paper``.
    main : the elasticities shown: the members' median with its interval (value, low, high). The
        elasticity of the median prediction hangs on the bag and does not come out again.
    printed : the paper's main row of Table 10, by factor.
    model : the name of what ``main`` is computed by, for the text.
    """
    signs = signs_as_the_paper(found)
    line = ", ".join(
        f"{symbol} {show_interval(*main.loc[f, ENDS], 2)}" for f, symbol in ELASTICITIES.items()
    )
    theirs = ", ".join(f"{symbol} {printed[f]:.2f}" for f, symbol in ELASTICITIES.items())
    return decide(
        "C10",
        {
            f"{symbol} has the paper's sign": _one_sign(signs[f])
            for f, symbol in ELASTICITIES.items()
        },
        f"{line}; median of the members of {model}",
        f"{theirs} (Table 10); the poster prints the opposite signs",
        "A factor moves as the paper says if its elasticity has the paper's sign in every "
        "computation (whole interval), and against it if every computation has the opposite sign.",
    )


def _one_sign(signs: pd.Series) -> bool | None:
    """Whether all computations agree: that the sign is the paper's, or that it is not."""
    agreed = set(signs)
    return agreed.pop() if len(agreed) == 1 else None


def c13_frame_or_tokens(frames: pd.DataFrame, halved: pd.DataFrame, model: str) -> Verdict:
    """C13: a further frame pays more than further tokens, a cheaper encoder than a cheaper LM.

    Parameters
    ----------
    frames : points per TFLOP of one frame more less those of the next grid of tokens: columns low
        and high; index the budgets in TFLOPs.
    halved : points removed by an encoder at half its price less those removed by an LM at half
        its price: columns value, low, high; the same index.
    """
    sides = {"a frame pays more": frames, "a cheaper encoder helps more": halved}
    parts = {
        f"{name}, {budget:g} TFLOPs": above(row)
        for name, table in sides.items()
        for budget, row in table.iterrows()
    }
    first, last = (show_interval(*halved[ENDS].iloc[i], 1) for i in (0, -1))
    return decide(
        "C13",
        parts,
        f"under {model} a frame pays more per FLOP at {int((frames['low'] > 0).sum())} of "
        f"{len(frames)} budgets; "
        f"a half-price encoder less a half-price LM removes {first} points at "
        f"{halved.index[0]:g} TFLOPs, {last} at {halved.index[-1]:g}; the encoder wins at "
        f"{int((halved['low'] > 0).sum())} budgets, the LM at {int((halved['high'] < 0).sum())}",
        "a frame pays more than tokens, so a cheaper encoder helps more",
        "At every budget a frame more pays more per FLOP than more tokens, and an encoder at half "
        "its price helps more than an LM at half its price (whole intervals).",
    )
