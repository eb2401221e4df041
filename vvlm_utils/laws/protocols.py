"""What fits and frontiers need of a law, so that a law of any kind can take part.

:class:`ErrorLaw` is enough for ``fit``, ``bag`` and ``compare_laws``; :class:`Model` is what the
frontier asks of a fitted law, of a bag of refits or of a mix of laws. :class:`FunctionLaw` makes
an :class:`ErrorLaw` of a plain function:

    def plateau(theta, log_z):                  # log f of a falling error that stops at a floor
        c, a, floor = theta
        return np.log(c * np.exp(-a * log_z[0]) + floor), None

    box = (0, 0, 0), (90, 3, 90)
    law = FunctionLaw("plateau", ("frames",), ("c", "a", "floor"), box, plateau)
    bag(law, runs, rng=rng)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd


@runtime_checkable
class ErrorLaw(Protocol):
    """A law of the error f in parameters theta.

    name : how tables and messages call it
    factors : the columns of a runs table that it reads
    parameters : the names of the entries of theta
    bounds : (low, high), each one number for each parameter
    """

    name: str
    factors: tuple[str, ...]
    parameters: tuple[str, ...]
    bounds: tuple[Sequence[float], Sequence[float]]

    def log_error(
        self, theta: np.ndarray, log_z: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Log f, shape (rows,), and d log f / d theta, shape (parameters, rows), or None.

        log_z (factors, rows) holds natural logarithms of the factors in units of
        ``FitOptions.units``. Where the gradient is None, finite differences stand in for it.
        """
        ...


@dataclass(frozen=True)
class FunctionLaw:
    """A law given by a function of (theta, log_z), as :class:`ErrorLaw` describes ``log_error``."""

    name: str
    factors: tuple[str, ...]
    parameters: tuple[str, ...]
    bounds: tuple[Sequence[float], Sequence[float]]
    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray | None]]

    def __post_init__(self) -> None:
        low, high = (np.asarray(side, dtype=float) for side in self.bounds)
        sizes = {low.size, high.size, len(self.parameters)}
        if len(sizes) > 1 or len(set(self.parameters)) < len(self.parameters):
            raise ValueError(
                f"law {self.name!r} needs distinct parameters with one low and one high bound each"
            )
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
            raise ValueError(f"law {self.name!r}: bounds must be finite, the low below the high")

    def log_error(
        self, theta: np.ndarray, log_z: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Log f and its gradient, if the function gives one."""
        return self.function(theta, log_z)


@runtime_checkable
class Model(Protocol):
    """What a frontier, marginal gains and next runs ask of a fitted law.

    ranges : smallest and largest value of every factor in the runs
    aggregate : "median" or "mean", how the members' predictions become one
    lm_sizes : the LM sizes of the runs
    rows : the number of runs
    """

    ranges: dict[str, tuple[float, float]]
    aggregate: str
    lm_sizes: tuple[float, ...]
    rows: int

    def predict_members(self, table: pd.DataFrame) -> np.ndarray:
        """Every member's predicted error in points, shape (members, rows)."""
        ...
