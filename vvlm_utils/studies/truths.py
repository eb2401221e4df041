"""Tables whose truth is known: a law fitted to all runs is taken as true, and noise is added.

    truth = known_law(get_law("add"), load_runs("paper"), rng)
    table = simulate(truth, table_rng(0, truth, 7))       # a runs table like the real one

Noise: normal in log error, with the fit's residual scale corrected for the parameters that it
spent, and independent unless a truth says otherwise. The residuals of the interaction laws show no
more structure than that; those of ``add`` and ``mult`` are correlated between runs of one design.
So a truth may share part of its noise within a design, and may give every LM size an effect of its
own, which three sizes cannot tell from the law.

The model that is scored need not know the truth: the recommended mix, or the paper's law as the
paper fits it, may be fitted to tables of any truth (``MODELS``).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.bootstrap import design_names
from vvlm_utils.laws.fitting import LawFit, fit
from vvlm_utils.laws.forms import get_law
from vvlm_utils.laws.law import Law
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior
from vvlm_utils.laws.protocols import Model
from vvlm_utils.laws.recommendation import recommended


@dataclass(frozen=True)
class Truth:
    """A law taken as true: ``fit`` gives its errors, ``noise`` the SD of log error around them.

    name : in tables; the law's where none is given
    shared : share of the noise's variance that the runs of one design have in common
    lm_effect : SD of log error that the runs of one LM size have in common, over the noise
    """

    fit: LawFit
    noise: float
    runs: pd.DataFrame = field(repr=False)
    name: str = ""
    shared: float = 0.0
    lm_effect: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.shared <= 1:
            raise ValueError(f"shared must be a share of the noise, got {self.shared}")
        if not self.lm_effect >= 0:
            raise ValueError(f"lm_effect must not be negative, got {self.lm_effect}")

    @property
    def law(self) -> Law:
        """The law that generates the tables."""
        return self.fit.law

    @property
    def title(self) -> str:
        """The name in tables."""
        return self.name or self.law.name


def known_law(
    law: Law,
    runs: pd.DataFrame,
    rng: np.random.Generator,
    options: FitOptions | None = None,
    **more,
) -> Truth:
    """Fit ``law`` to all ``runs`` and take it as the truth on their designs.

    more : name, shared and lm_effect of the :class:`Truth`
    """
    fitted = fit(law, runs, options, rng=rng)
    spare = len(runs) - len(law.parameters) + len(fitted.diagnostics.at_bound)
    if spare < 1 and fitted.options.prior is None:
        raise ValueError(f"{len(runs)} runs leave no degree of freedom to law {law.name!r}")
    return Truth(fitted, fitted.noise, runs.reset_index(drop=True), **more)


def known_truths(runs: pd.DataFrame, rng: np.random.Generator) -> dict[str, Truth]:
    """The truths under which the recommended model is scored.

    Laws fitted to the runs without a prior and with one, and ``add-decay`` with half of its noise
    shared within a design, or with an LM effect of 1%.
    """
    prior = FitOptions(prior=Prior())
    asked = {
        "add": {},
        "add-interact": {},
        "add-interact, penalised": {"options": prior},
        "add-decay, penalised": {"options": prior},
        "pnorm-decay, penalised": {"options": prior},
        "add-decay, shared noise": {"options": prior, "shared": 0.5},
        "add-decay, LM effect": {"options": prior, "lm_effect": 0.01},
    }
    return {
        name: known_law(get_law(name.split(",")[0]), runs, rng, name=name, **more)
        for name, more in asked.items()
    }


def table_rng(seed: int, truth: Truth, index: int, purpose: str = "") -> np.random.Generator:
    """The stream of one simulated table: the same whatever was drawn before it."""
    words = [seed, zlib.crc32(truth.title.encode()), index, zlib.crc32(purpose.encode())]
    return np.random.default_rng(words)


def simulate(truth: Truth, rng: np.random.Generator) -> pd.DataFrame:
    """A runs table on the truth's designs, with fresh noise in its errors."""
    own, common = np.sqrt(1 - truth.shared), np.sqrt(truth.shared)
    noise = own * rng.normal(0.0, truth.noise, len(truth.runs))
    if truth.shared:
        noise += common * _by_group(design_names(truth.runs, truth.law), truth.noise, rng)
    if truth.lm_effect:
        noise += _by_group(truth.runs["lm_params"].to_numpy(), truth.lm_effect, rng)
    error = truth.fit.predict(truth.runs) * np.exp(noise)
    return truth.runs.assign(metric=100.0 - error, error=error)


def _by_group(groups: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
    """One normal number for each group, handed to its rows."""
    names, which = np.unique(groups, return_inverse=True)
    return rng.normal(0.0, scale, len(names))[which]


MODELS = ("recommended", "paper law")


def fit_model(
    truth: Truth, table: pd.DataFrame, how: str, resamples: int, rng: np.random.Generator
) -> Model:
    """The model that is scored on a simulated table.

    how : a resampling, for a bag of the truth's own law; "recommended" for the recommended mix;
        "paper law" for the paper's law and procedure
    """
    if how == "recommended":
        return recommended(table, rng=rng, members=resamples)
    if how == "paper law":
        return bag(get_law("add-interact"), table, rng=rng, resamples=resamples, search="quick")
    return bag(truth.law, table, truth.fit.options, rng=rng, resamples=resamples, resampling=how)
