"""Laws of task error: sums of power-law monomials, described once and evaluated once.

Every form of Table 7, its one-factor version and Chinchilla's law is

    f(z) = sum_j t_j,      t_j = c_j prod_k z_k ** E_jk,      c_j >= 0,

where each power E_jk is a shared exponent with a sign, or zero. A law may also join its terms by a
p-norm, f(z) = (sum_j t_j ** p) ** (1 / p) plus the terms set apart from it: p = 1 is the sum, and
the larger p is, the more the largest term alone decides. A :class:`Law` is that sparse description
and nothing else; :func:`evaluate` gives values and gradient of any of them.

``theta`` holds a law's parameters in the order of ``Law.parameters``: coefficients, exponents and,
where there is a norm, log p. In a sum the coefficients enter linearly, so a term that the runs do
not need is exactly zero.

``BUILDERS`` is the one list of laws by name: whatever compares, fits or draws laws starts there.
A law that is no such description joins by the protocol of ``laws/protocols.py``.

Source: Equations 2 and 3 and Table 7 of the paper; Hoffmann et al. (2022) for Chinchilla's law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.laws.protocols import ErrorLaw

LOG_P = (np.log(0.2), np.log(20.0))  # a larger p is a maximum already
SYMBOLS = {"lm_params": "N", "frames": "T", "tokens_per_frame": "V"}


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


@numba.njit(cache=True, fastmath={"reassoc", "contract"}, error_model="numpy")
def evaluate(theta, log_z, entries, joined, f, gradient):
    """Fill ``f`` with the law's values and ``gradient`` with d log f / d theta.

    theta (parameters,), log_z (factors, rows), entries and joined as in :class:`Law`;
    f (rows,), gradient (parameters, rows). The one place where a law is computed.
    """
    gradient[:] = 0.0
    f[:] = 0.0
    for e in range(entries.shape[0]):
        power = entries[e, 3] * theta[entries[e, 2]]
        for i in range(f.size):
            gradient[entries[e, 0], i] += power * log_z[entries[e, 1], i]
    if joined.any():
        _join(theta, joined, f, gradient)
    else:
        for j in range(joined.size):
            for i in range(f.size):
                gradient[j, i] = np.exp(gradient[j, i])
                f[i] += theta[j] * gradient[j, i]
        for j in range(joined.size):
            for i in range(f.size):
                gradient[j, i] /= f[i]
    for e in range(entries.shape[0]):
        weight = entries[e, 3] * theta[entries[e, 0]]
        for i in range(f.size):
            share = weight * gradient[entries[e, 0], i]
            gradient[entries[e, 2], i] += share * log_z[entries[e, 1], i]


@numba.njit(cache=True, error_model="numpy")
def _join(theta, joined, f, gradient):
    """The p-norm of the joined terms plus the others, from the logarithms of the monomials.

    With u_j = log t_j and shares w_j = t_j^p / sum t^p, the norm g has d log g / d u_j = w_j and
    d log g / d log p = sum_j w_j u_j - log g.
    """
    p = np.exp(theta[theta.size - 1])
    u = np.empty(joined.size)
    for i in range(f.size):
        largest = -np.inf
        for j in range(joined.size):
            u[j] = np.log(theta[j]) + gradient[j, i] if theta[j] > 0.0 else -np.inf
            if joined[j] and u[j] > largest:
                largest = u[j]
        total, by_share = 0.0, 0.0
        for j in range(joined.size):
            if joined[j] and u[j] > -np.inf:
                share = np.exp(p * (u[j] - largest))
                total += share
                by_share += share * u[j]
        log_norm = largest + np.log(total) / p
        norm = np.exp(log_norm) if total > 0.0 else 0.0
        f[i] = norm
        for j in range(joined.size):
            if not joined[j]:
                f[i] += theta[j] * np.exp(gradient[j, i])
        for j in range(joined.size):
            if not joined[j]:
                gradient[j, i] = np.exp(gradient[j, i]) / f[i]
            elif u[j] > -np.inf:
                share = np.exp(p * (u[j] - largest)) / total
                gradient[j, i] = norm * share / (theta[j] * f[i])
            else:
                gradient[j, i] = 0.0
        if total > 0.0:
            gradient[theta.size - 1, i] = norm * (by_share / total - log_norm) / f[i]


@numba.njit(cache=True, parallel=True, error_model="numpy")
def _evaluate_all(theta, log_z, entries, joined, f):
    """Fill ``f`` (members, rows) for ``theta`` (members, parameters)."""
    for member in numba.prange(theta.shape[0]):
        gradient = np.empty((theta.shape[1], f.shape[1]))
        evaluate(theta[member], log_z, entries, joined, f[member], gradient)


def values(law: ErrorLaw, theta: np.ndarray, log_z: np.ndarray) -> np.ndarray:
    """The law's values, shape (members, rows), for ``theta`` (members, parameters)."""
    theta = np.ascontiguousarray(np.atleast_2d(np.asarray(theta, dtype=float)))
    log_z = np.ascontiguousarray(log_z)
    if not isinstance(law, Law):
        return np.exp([np.asarray(law.log_error(member, log_z)[0]) for member in theta])
    f = np.empty((len(theta), log_z.shape[1]))
    _evaluate_all(theta, log_z, law.entries, law.joined, f)
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


def moves_with_data(law: Law, data: str = TRAIN_EXAMPLES) -> bool:
    """Whether the best design can move with n: terms of the design depend on n in unlike ways.

    >>> [name for name, law in LAWS.items() if moves_with_data(law)]
    ['add-interact-s', 'add-interact', 'add-decay', 'pnorm-decay']
    """
    found = set()
    for term in law.terms:
        by_data = {p.exponent for p in term.powers if p.factor == data}
        if len(term.powers) > len(by_data):  # a term of the design, and not of n alone
            found.add(frozenset(by_data))
    return len(found) > 1


def coefficient_count(law: ErrorLaw) -> int:
    """How many of the first parameters are coefficients of terms; none in another kind of law."""
    return len(law.terms) if isinstance(law, Law) else 0


def change_units(law: ErrorLaw, theta: np.ndarray, log_ratio: np.ndarray) -> np.ndarray:
    """:meth:`Law.change_units`; the parameters of another kind of law stay as they are."""
    return law.change_units(theta, log_ratio) if isinstance(law, Law) else np.array(theta)


def _parts(factors: Sequence[str], data: str | None) -> dict[str, list[Term]]:
    """The groups of terms that forms add up, over any factors; without data no term reads n."""
    factors = tuple(factors)
    if not factors or len({*factors, data}) <= len(factors):
        raise ValueError(f"factors must be distinct and none of them {data!r}: {list(factors)}")
    symbols = {f: SYMBOLS.get(f, f) for f in factors}
    if len(set(symbols.values())) < len(symbols):
        raise ValueError(f"factors share a symbol: {list(factors)}; rename one that is N, T or V")

    def by_data(exponent: str) -> tuple[Power, ...]:
        return (Power(data, exponent, -1),) if data else ()

    alone = {f: Power(f, f"a_{s}", -1) for f, s in symbols.items()}
    joint = {f: Power(f, f"b_{s}", +1) for f, s in symbols.items()}
    each = symbols.items()
    return {
        "product": [Term("alpha", (*alone.values(), *by_data("d")))],
        "factors": [Term(f"alpha_{s}", (alone[f],)) for f, s in each],
        "decaying": [Term(f"alpha_{s}", (alone[f], *by_data(f"d_{s}"))) for f, s in each],
        "interaction": [Term(f"beta_{s}", (joint[f], *by_data("d"))) for f, s in each],
        "data": [Term("xi", by_data("d"))] if data else [],
        "floor": [Term("eps", apart=True)],
    }


def _builder(name: str, *parts: str, norm: str | None = None, without_data: str = "") -> Builder:
    """A builder of a law that adds up these parts.

    without_data : the law that this one becomes where every run has the same n, if another
    """

    def build(factors: Sequence[str] = FACTORS, data: str | None = TRAIN_EXAMPLES) -> Law:
        if data is None and without_data:
            raise ValueError(
                f"law {name!r} without a data size is {without_data!r}; ask for that one"
            )
        groups = _parts(factors, data)
        terms = tuple(term for part in parts for term in groups[part])
        return Law(name, (*factors, *((data,) if data else ())), terms, norm)

    return build


def chinchilla(params: str = "lm_params", data: str = TRAIN_EXAMPLES) -> Law:
    """Chinchilla's law, A N^-alpha + B D^-beta + E, by the same description."""
    by_params, by_data = Power(params, "alpha", -1), Power(data, "beta", -1)
    terms = (Term("A", (by_params,)), Term("B", (by_data,)), Term("E"))
    return Law("chinchilla", (params, data), terms)


def _build_chinchilla(factors: Sequence[str] = FACTORS, data: str | None = TRAIN_EXAMPLES) -> Law:
    if data is None:
        raise ValueError("law 'chinchilla' reads a data size, and these runs have one only")
    return chinchilla(factors[0], data)


Builder = Callable[[Sequence[str], str | None], Law]

BUILDERS: dict[str, Builder] = {
    "mult": _builder("mult", "product", "floor"),
    "add": _builder("add", "factors", "data", "floor"),
    "add-interact-s": _builder(
        "add-interact-s", "factors", "interaction", "floor", without_data="add"
    ),
    "add-interact": _builder(
        "add-interact", "factors", "interaction", "data", "floor", without_data="add"
    ),
    "add-decay": _builder("add-decay", "decaying", "data", "floor", without_data="add"),
    "pnorm-decay": _builder("pnorm-decay", "decaying", "data", "floor", norm="log_p"),
    "chinchilla": _build_chinchilla,
}
"""Every law by name: ``builder(factors, data)`` builds it over any factors, data None without n."""

FORMS = ("mult", "add", "add-interact-s", "add-interact")
"""The forms of Table 7, in the paper's order."""

ONE_FACTOR = ("chinchilla",)  # these read the first factor alone


def get_law(name: str, factors: Sequence[str] = FACTORS, data: str | None = TRAIN_EXAMPLES) -> Law:
    """The law of that name over these design factors; a ValueError lists the names.

    Parameters
    ----------
    name
        A key of ``BUILDERS``: mult, add, add-interact-s, add-interact, add-decay, pnorm-decay,
        chinchilla.
    factors
        Every factor of the design that the law reads, n aside.
    data
        The column of the data size n, or None for runs that share one n.

    Returns
    -------
    Law
        Terms and parameters, without values; ``fit`` and ``bag`` find those.

    Raises
    ------
    ValueError
        No law has this name, or it cannot do without a data size.

    Notes
    -----
    The first four are the forms of Table 7 of Wang et al. (ACL 2025); chinchilla is Hoffmann et
    al.'s (2022), over the first factor alone.

    Examples
    --------
    >>> get_law("add", ["frames"]).parameters
    ('alpha_T', 'xi', 'eps', 'a_T', 'd')
    >>> get_law("add", ["frames"], None).parameters
    ('alpha_T', 'eps', 'a_T')
    """
    if name not in BUILDERS:
        raise ValueError(f"unknown law {name!r}; the laws are {', '.join(BUILDERS)}")
    return BUILDERS[name](factors, data)


def laws_over(
    factors: Sequence[str] = FACTORS, data: str | None = TRAIN_EXAMPLES
) -> dict[str, Law]:
    """All laws that runs with these factors can be compared with, by name.

    Without a data size the interacting and the decaying sums are ``add`` itself, and left out.

    >>> list(laws_over(["frames"], None))
    ['mult', 'add', 'pnorm-decay']
    """
    found = {}
    for name in (n for n in BUILDERS if n not in ONE_FACTOR):
        try:
            found[name] = get_law(name, factors, data)
        except ValueError:
            if data is not None:
                raise
    return found


def make_law(form: str, factors: Sequence[str] = FACTORS, data: str | None = TRAIN_EXAMPLES) -> Law:
    """Another name of :func:`get_law`."""
    return get_law(form, factors, data)


LAWS = {name: get_law(name) for name in BUILDERS}
"""Every law over x_N, x_T, x_V and n."""
