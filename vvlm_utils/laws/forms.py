"""Laws of task error: sums of power-law monomials, described once and evaluated once.

Every form of Table 7, its one-factor version and Chinchilla's law is

    f(z) = sum_j c_j prod_k z_k ** E_jk,      c_j >= 0,

where each power E_jk is a shared exponent with a sign, or zero. A :class:`Law` is that sparse
description and nothing else; :func:`evaluate` gives values and gradient of any of them.

``theta`` holds a law's parameters in the order of ``Law.parameters``: coefficients, then
exponents. Coefficients enter linearly, so a term that the runs do not need is exactly zero.

Source: Equations 2 and 3 and Table 7 of the paper; Hoffmann et al. (2022) for Chinchilla's law.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES

SYMBOLS = {"lm_params": "N", "frames": "T", "tokens_per_frame": "V"}


@dataclass(frozen=True, slots=True)
class Power:
    """One factor of a monomial: ``factor ** (sign * exponent)``."""

    factor: str
    exponent: str
    sign: int


@dataclass(frozen=True, slots=True)
class Term:
    """A monomial: a non-negative coefficient times powers of factors."""

    coefficient: str
    powers: tuple[Power, ...] = ()


@dataclass(frozen=True)
class Law:
    """A sum of monomials with shared exponents.

    name : how the book and the command line call it
    factors : the columns it reads, z
    terms : the monomials it adds up
    """

    name: str
    factors: tuple[str, ...]
    terms: tuple[Term, ...]

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
        return self.coefficients + self.exponents

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


@numba.njit(cache=True, fastmath={"reassoc", "contract"}, error_model="numpy")
def evaluate(theta, log_z, entries, terms, f, gradient):
    """Fill ``f`` with the law's values and ``gradient`` with d log f / d theta.

    theta (parameters,), log_z (factors, rows), entries as in :class:`Law`, terms = their number;
    f (rows,), gradient (parameters, rows). The one place where a law is computed.
    """
    gradient[:] = 0.0
    f[:] = 0.0
    for e in range(entries.shape[0]):
        power = entries[e, 3] * theta[entries[e, 2]]
        for i in range(f.size):
            gradient[entries[e, 0], i] += power * log_z[entries[e, 1], i]
    for j in range(terms):
        for i in range(f.size):
            gradient[j, i] = np.exp(gradient[j, i])
            f[i] += theta[j] * gradient[j, i]
    for j in range(terms):
        for i in range(f.size):
            gradient[j, i] /= f[i]
    for e in range(entries.shape[0]):
        weight = entries[e, 3] * theta[entries[e, 0]]
        for i in range(f.size):
            share = weight * gradient[entries[e, 0], i]
            gradient[entries[e, 2], i] += share * log_z[entries[e, 1], i]


def values(law: Law, theta: np.ndarray, log_z: np.ndarray) -> np.ndarray:
    """The law's values, shape (members, rows), for ``theta`` (members, parameters)."""
    theta = np.atleast_2d(np.asarray(theta, dtype=float))
    log_z = np.ascontiguousarray(log_z)
    f = np.empty((len(theta), log_z.shape[1]))
    gradient = np.empty((theta.shape[1], log_z.shape[1]))
    for member, out in zip(theta, f, strict=True):
        evaluate(member, log_z, law.entries, len(law.terms), out, gradient)
    return f


def make_law(form: str, factors: Sequence[str] = FACTORS, data: str = TRAIN_EXAMPLES) -> Law:
    """Build a form of Table 7 over any factors; a single factor gives Eq. 2.

    >>> make_law("add", ["frames"]).parameters
    ('alpha_T', 'xi', 'eps', 'a_T', 'd')
    """
    factors = tuple(factors)
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r}; the forms are {', '.join(FORMS)}")
    if not factors or len({*factors, data}) <= len(factors):
        raise ValueError(f"factors must be distinct and none of them {data!r}: {list(factors)}")
    symbols = {f: SYMBOLS.get(f, f) for f in factors}
    if len(set(symbols.values())) < len(symbols):
        raise ValueError(f"factors share a symbol: {list(factors)}; rename one that is N, T or V")
    by_data = Power(data, "d", -1)
    alone = {f: Power(f, f"a_{s}", -1) for f, s in symbols.items()}
    joint = {f: Power(f, f"b_{s}", +1) for f, s in symbols.items()}
    parts = {
        "product": [Term("alpha", (*alone.values(), by_data))],
        "factors": [Term(f"alpha_{s}", (alone[f],)) for f, s in symbols.items()],
        "interaction": [Term(f"beta_{s}", (joint[f], by_data)) for f, s in symbols.items()],
        "data": [Term("xi", (by_data,))],
        "floor": [Term("eps")],
    }
    terms = tuple(term for part in FORMS[form] for term in parts[part])
    return Law(form, (*factors, data), terms)


FORMS = {
    "mult": ("product", "floor"),
    "add": ("factors", "data", "floor"),
    "add-interact-s": ("factors", "interaction", "floor"),
    "add-interact": ("factors", "interaction", "data", "floor"),
}
"""The parts that each form of Table 7 adds up, in the paper's order."""


def chinchilla(params: str = "lm_params", data: str = TRAIN_EXAMPLES) -> Law:
    """Chinchilla's law, A N^-alpha + B D^-beta + E, by the same description."""
    by_params, by_data = Power(params, "alpha", -1), Power(data, "beta", -1)
    terms = (Term("A", (by_params,)), Term("B", (by_data,)), Term("E"))
    return Law("chinchilla", (params, data), terms)


LAWS = {form: make_law(form) for form in FORMS} | {"chinchilla": chinchilla()}


def laws_over(further: Sequence[str] = ()) -> dict[str, Law]:
    """The forms of Table 7 over x_N, x_T, x_V and further factors, by name."""
    return {form: make_law(form, (*FACTORS, *further)) if further else LAWS[form] for form in FORMS}


def get_law(name: str, further: Sequence[str] = ()) -> Law:
    """The law of that name, over further factors if any; a ValueError lists the names."""
    laws = laws_over(further) if further else LAWS
    if name not in laws:
        raise ValueError(f"unknown law {name!r}; the laws are {', '.join(laws)}")
    return laws[name]
