"""How to fit a law, and the error of a fit that cannot be made.

Fits live in a box, because the infimum may lie at infinity: every coefficient is what its term adds
at the runs' geometric centre, between 0 and ``max_coefficient`` points, and every exponent lies
within ``max_exponent`` of zero. (Over the paper's star, frames span a factor of 8; an exponent of 3
makes a term change 512-fold, a spike on the last level.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vvlm_utils.laws.optimisers import OPTIMISERS
from vvlm_utils.laws.priors import Prior
from vvlm_utils.laws.protocols import ErrorLaw

PAPER_UNITS = {"lm_params": 1e9, "train_examples": 1e6}  # x_N in billions, n in millions
CHOICES = {
    "optimiser": tuple(OPTIMISERS),
    "loss": ("squared", "huber"),
    "space": ("log", "raw"),
    "exponents": ("free", "positive"),
    "start": ("random", "zero"),
}


class FitError(ValueError):
    """A fit that cannot be made from these runs."""


@dataclass(frozen=True)
class FitOptions:
    """How to fit; the defaults are the paper's chosen procedure (last row of Table 8).

    Parameters
    ----------
    optimiser
        "levenberg-marquardt" (compiled) or "l-bfgs" (SciPy's, the paper's).
    loss
        "squared" or "huber", which turns linear past ``huber_delta``.
    space
        Residuals of "log" error, or of "raw" error in points.
    exponents
        "free" in sign, or "positive".
    start
        "random": coefficients uniform on (0, 30), exponents on (-1, 1), in ``units``; "zero": one
        start with log coefficients and exponents at zero.
    starts
        How many random starts.
    huber_delta
        Where Huber's loss turns linear, in the unit of the residuals.
    max_exponent, max_coefficient
        Bounds of the fit: the size of an exponent, and what a term adds at the runs' centre.
    units
        Size of one unit of each factor for starts and reported coefficients; 1 where none is given.
    prior
        None for the paper's unpenalised fit, or the ``Prior`` of ``laws/priors.py`` that penalises.

    Raises
    ------
    ValueError
        A word that is none of these, a size that is not positive, or a prior with a loss that it
        cannot join.
    """

    optimiser: str = "levenberg-marquardt"
    loss: str = "squared"
    space: str = "log"
    exponents: str = "free"
    start: str = "random"
    starts: int = 500
    huber_delta: float = 1e-3
    max_exponent: float = 3.0
    max_coefficient: float = 1e3
    units: Mapping[str, float] = field(default_factory=lambda: dict(PAPER_UNITS))
    prior: Prior | None = None

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        sizes = {n: getattr(self, n) for n in ("starts", "huber_delta", "max_exponent")}
        sizes |= {"max_coefficient": self.max_coefficient} | {
            f"units[{k}]": v for k, v in self.units.items()
        }
        for name, value in sizes.items():
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, got {value!r}")
        if self.prior is not None and (self.loss, self.space) != ("squared", "log"):
            raise ValueError("a prior needs loss 'squared' and space 'log'")

    def log_units(self, law: ErrorLaw) -> np.ndarray:
        """Logarithm of each factor's unit, shape (factors,)."""
        return np.log([self.units.get(f, 1.0) for f in law.factors])
