"""The model that answers where nothing else is asked for.

Which laws it mixes, and how they are fitted, follows from the rule in the lab log of 2026-11-26.
The paper's own procedure is ``bag(get_law("add-interact", ...), runs, rng=rng)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import laws_over
from vvlm_utils.laws.mixtures import MixedLaws, mix
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior

RECOMMENDED = ("add-interact", "add-decay", "pnorm-decay")
PRIOR = Prior()
MEMBERS = 300

PAPER_WAY, RECOMMENDED_WAY = "add-interact, paper", "mix of three, penalised"
"""What tables of held-out scores call the paper's procedure and the one that answers."""


def recommended(
    runs: pd.DataFrame,
    factors: Sequence[str] = FACTORS,
    data: str | None = TRAIN_EXAMPLES,
    rng: np.random.Generator | None = None,
    members: int = MEMBERS,
    prior: Prior | None = None,
) -> MixedLaws:
    """Fit the recommended mix of penalised laws to a table of runs.

    Parameters
    ----------
    runs
        A checked table with the factors and ``error``.
    factors
        The design factors that move.
    data
        The column of n, or None where every run has the same; ``add`` then stands for the laws
        that are no other without n.
    rng
        The generator of resamples and prior means; it must be given.
    members
        Members of the whole mix, shared equally by its laws.
    prior
        In place of the default one.

    Returns
    -------
    MixedLaws
        The members of all laws, pooled.

    Raises
    ------
    FitError
        The table cannot be fitted, and the message says why.
    ValueError
        No generator, or fewer members than laws.

    Notes
    -----
    Whole designs are resampled, since runs of one design share what a law misses there.

    Examples
    --------
    >>> from vvlm_utils import load_runs
    >>> model = recommended(load_runs("paper"), rng=np.random.default_rng(0), members=3)
    >>> model.names
    ('add-interact', 'add-decay', 'pnorm-decay')
    """
    if rng is None:
        raise ValueError("give a generator, as in rng=np.random.default_rng(0)")
    there = laws_over(factors, data)
    names = dict.fromkeys(name if name in there else "add" for name in RECOMMENDED)
    laws = [there[name] for name in names]
    if members < len(laws):
        raise ValueError(f"members must be at least {len(laws)}, one for each law, got {members}")
    options = FitOptions(prior=prior or PRIOR)
    each = -(-members // len(laws))
    return mix(
        [bag(law, runs, options, rng=rng, resamples=each, resampling="designs") for law in laws]
    )
