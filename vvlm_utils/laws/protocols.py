"""What fits and frontiers need of a law, so that a law of any kind can take part.

:class:`ErrorLaw` is enough for ``fit``, ``bag`` and ``compare_laws``; :class:`Model` is what the
frontier asks of a fitted law, of a bag of refits or of a mix of laws. :class:`FunctionLaw` makes
an :class:`ErrorLaw` of a plain function, which ``bag(law, runs, rng=rng)`` takes as it takes any.
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

    Attributes
    ----------
    name
        How tables and messages call it.
    factors
        The columns of a runs table that it reads.
    parameters
        The names of the entries of theta.
    bounds
        (low, high), each one number for each parameter.
    """

    name: str
    factors: tuple[str, ...]
    parameters: tuple[str, ...]
    bounds: tuple[Sequence[float], Sequence[float]]

    def log_error(
        self, theta: np.ndarray, log_z: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Log f, shape (rows,), and d log f / d theta, shape (parameters, rows), or None.

        Parameters
        ----------
        theta
            The parameters.
        log_z
            Natural logarithms of the factors in ``FitOptions.units``, shape (factors, rows).

        Notes
        -----
        Where the gradient is None, finite differences stand in for it.
        """
        ...


@dataclass(frozen=True)
class FunctionLaw:
    """A law of your own, given by a function.

    Parameters
    ----------
    name, factors, parameters, bounds
        As in :class:`ErrorLaw`.
    function
        Log f and its gradient, or None in its place, of (theta, log_z) as
        :meth:`ErrorLaw.log_error` describes them.

    Raises
    ------
    ValueError
        The parameters are not distinct, or lack a finite low and high bound each.

    Examples
    --------
    >>> def plateau(theta, log_z):  # a falling error that stops at a floor
    ...     c, a, floor = theta
    ...     return np.log(c * np.exp(-a * log_z[0]) + floor), None
    >>> box = (0, 0, 0), (90, 3, 90)
    >>> law = FunctionLaw("plateau", ("frames",), ("c", "a", "floor"), box, plateau)
    >>> np.exp(law.log_error(np.array([50, 1, 30]), np.log([[1, 5]]))[0]).round(6).tolist()
    [80.0, 40.0]
    """

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

    Attributes
    ----------
    ranges
        Smallest and largest value of every factor in the runs.
    aggregate
        How the members' predictions become one, "median" or "mean".
    lm_sizes
        The LM sizes of the runs.
    rows
        The number of runs.
    """

    ranges: dict[str, tuple[float, float]]
    aggregate: str
    lm_sizes: tuple[float, ...]
    rows: int

    def predict_members(self, table: pd.DataFrame) -> np.ndarray:
        """Every member's predicted error in points, shape (members, rows)."""
        ...
