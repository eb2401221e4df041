"""What a law of task error is: a sum of power-law monomials, described once.

Every form of Table 7, its one-factor version and Chinchilla's law is

    f(z) = sum_j t_j,      t_j = c_j prod_k z_k ** E_jk,      c_j >= 0,

where each power E_jk is a shared exponent with a sign, or zero. A law may also join its terms by a
p-norm, f(z) = (sum_j t_j ** p) ** (1 / p) plus the terms set apart from it: p = 1 is the sum, and
the larger p is, the more the largest term alone decides. A :class:`Law` is that sparse description
and nothing else; ``laws/evaluation.py`` computes values and gradient of any of them.

``theta`` holds a law's parameters in the order of ``Law.parameters``: coefficients, exponents and,
where there is a norm, log p. In a sum the coefficients enter linearly, so a term that the runs do
not need is exactly zero.

Source: Equations 2 and 3 of the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from vvlm_utils.laws.evaluation import evaluate, evaluate_all
from vvlm_utils.laws.protocols import ErrorLaw

LOG_P = (np.log(0.2), np.log(20.0))  # a larger p is a maximum already


@dataclass(frozen=True, slots=True)
class Power:
    """One factor of a monomial: ``factor ** (sign * exponent)``.

    Parameters
    ----------
    factor
        The column.
    exponent
        The name of the exponent, a parameter that several powers may share.
    sign
        +1 or -1.
    """

    factor: str
    exponent: str
    sign: int


@dataclass(frozen=True, slots=True)
class Term:
    """A monomial: a non-negative coefficient times powers of factors.

    Parameters
    ----------
    coefficient
        Its parameter's name.
    powers
        The powers that it multiplies.
    apart
        Whether it is added outside the norm of a law that has one.
    """

    coefficient: str
    powers: tuple[Power, ...] = ()
    apart: bool = False


@dataclass(frozen=True)
class Law:
    """A sum, or a p-norm, of monomials with shared exponents.

    Parameters
    ----------
    name
        How the book and the command line call it.
    factors
        The columns it reads, z.
    terms
        The monomials it adds up.
    norm
        Name of the parameter log p, if a p-norm joins the terms; None for a plain sum.

    Raises
    ------
    ValueError
        A term reads a column that is no factor.
    """

    name: str
    factors: tuple[str, ...]
    terms: tuple[Term, ...]
    norm: str | None = None

    def __post_init__(self) -> None:
        strangers = {p.factor for t in self.terms for p in t.powers} - set(self.factors)
        if not self.terms or strangers:
            raise ValueError(f"law {self.name!r}: terms use {sorted(strangers)}, not in factors")
        if len(set(self.parameters)) < len(self.terms) + len(self.exponents):
            raise ValueError(f"law {self.name!r}: a coefficient's name occurs twice")

    @cached_property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the coefficients, one a term."""
        return tuple(t.coefficient for t in self.terms)

    @cached_property
    def exponents(self) -> tuple[str, ...]:
        """Names of the shared exponents, in order of first use."""
        return tuple(dict.fromkeys(p.exponent for t in self.terms for p in t.powers))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the entries of ``theta``."""
        return self.coefficients + self.exponents + ((self.norm,) if self.norm else ())

    @cached_property
    def joined(self) -> np.ndarray:
        """Which terms the norm joins, shape (terms,); none in a plain sum."""
        return np.array([self.norm is not None and not t.apart for t in self.terms])

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the parameters may lie at all, each (parameters,); a fit's box is smaller."""
        low = np.full(len(self.parameters), -np.inf)
        low[: len(self.terms)] = 0.0
        high = np.full(len(self.parameters), np.inf)
        if self.norm:
            low[-1], high[-1] = LOG_P
        return low, high

    def log_error(self, theta: np.ndarray, log_z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log f, shape (rows,), and its gradient by ``theta``, shape (parameters, rows)."""
        f, gradient = np.empty(log_z.shape[1]), np.empty((len(self.parameters), log_z.shape[1]))
        theta = np.asarray(theta, dtype=float)
        evaluate(theta, np.ascontiguousarray(log_z), self.entries, self.joined, f, gradient)
        return np.log(f), gradient

    @cached_property
    def entries(self) -> np.ndarray:
        """The powers as integers, shape (m, 4): term, factor, position in ``theta``, sign."""
        rows = [
            (j, self.factors.index(p.factor), self.parameters.index(p.exponent), p.sign)
            for j, term in enumerate(self.terms)
            for p in term.powers
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 4)

    def term_powers(self, theta: np.ndarray) -> np.ndarray:
        """E: power of every factor in every term, (..., parameters) -> (..., terms, factors)."""
        powers = np.zeros((*theta.shape[:-1], len(self.terms), len(self.factors)))
        for term, factor, exponent, sign in self.entries:
            powers[..., term, factor] += sign * theta[..., exponent]
        return powers

    def change_units(self, theta: np.ndarray, log_ratio: np.ndarray) -> np.ndarray:
        """Re-label ``theta`` for factors measured in units ``exp(log_ratio)`` times larger.

        Exact: the law's values do not change, since c'_j = c_j exp(E_j . log_ratio).
        """
        moved = np.array(theta, dtype=float)
        moved[..., : len(self.terms)] *= np.exp(self.term_powers(moved) @ log_ratio)
        return moved


def log_design(law: Law, table: pd.DataFrame | Mapping[str, np.ndarray]) -> np.ndarray:
    """Natural logarithms of the law's factors, shape (factors, rows), from a table of counts."""
    missing = [f for f in law.factors if f not in table]
    if missing:
        raise ValueError(f"law {law.name!r} reads the columns {list(law.factors)}: no {missing}")
    z = np.array([np.atleast_1d(np.asarray(table[f], dtype=float)) for f in law.factors])
    bad = np.argwhere(~(np.isfinite(z) & (z > 0)))
    if len(bad):
        factor, row = bad[0]
        raise ValueError(
            f"{law.factors[factor]} must be positive, got {z[factor, row]} (row {row})"
        )
    return np.log(z)


def values(law: ErrorLaw, theta: np.ndarray, log_z: np.ndarray) -> np.ndarray:
    """The law's values, shape (members, rows), for ``theta`` (members, parameters)."""
    theta = np.ascontiguousarray(np.atleast_2d(np.asarray(theta, dtype=float)))
    log_z = np.ascontiguousarray(log_z)
    if not isinstance(law, Law):
        return np.exp([np.asarray(law.log_error(member, log_z)[0]) for member in theta])
    f = np.empty((len(theta), log_z.shape[1]))
    evaluate_all(theta, log_z, law.entries, law.joined, f)
    return f


def log_values(
    law: ErrorLaw, theta: np.ndarray, log_z: np.ndarray, step: float = 1e-6
) -> tuple[np.ndarray, np.ndarray]:
    """Log f (rows,) and its gradient (parameters, rows), the law's own or by central differences.

    step : of a parameter whose law gives no gradient, relative to 1 + its size
    """
    log_f, gradient = law.log_error(theta, log_z)
    if gradient is not None:
        return np.asarray(log_f), np.asarray(gradient)
    theta, rows = np.asarray(theta, dtype=float), []
    for k, value in enumerate(theta):
        h = np.zeros(theta.size)
        h[k] = step * (1 + abs(value))
        up, down = law.log_error(theta + h, log_z)[0], law.log_error(theta - h, log_z)[0]
        rows.append((np.asarray(up) - np.asarray(down)) / (2 * h[k]))
    return np.asarray(log_f), np.array(rows)


def is_sum(law: ErrorLaw) -> bool:
    """Whether the law is a plain sum of monomials, which tables over single factors can hold."""
    return isinstance(law, Law) and law.norm is None


def coefficient_count(law: ErrorLaw) -> int:
    """How many of the first parameters are coefficients of terms; none in another kind of law."""
    return len(law.terms) if isinstance(law, Law) else 0


def change_units(law: ErrorLaw, theta: np.ndarray, log_ratio: np.ndarray) -> np.ndarray:
    """:meth:`Law.change_units`; the parameters of another kind of law stay as they are."""
    return law.change_units(theta, log_ratio) if isinstance(law, Law) else np.array(theta)
