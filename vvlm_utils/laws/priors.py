"""Priors on a law's parameters, stated in shares of the table's own error.

A penalised fit (maximum a posteriori) minimises

    sum_i ((log f_i - log y_i) / noise)^2 + sum_q ((theta_q - m_q) / s_q)^2,

where theta holds log coefficients, each being what its term adds at the runs' geometric centre,
and exponents as they are. A coefficient's mean is a share of the median error of the table, so the
same prior serves tables of any scale. The numbers below are weak: a standard deviation of 1 on a
log coefficient is a factor of 2.7 either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import TRAIN_EXAMPLES
from vvlm_utils.laws.law import Law, Term, coefficient_count, values
from vvlm_utils.laws.protocols import ErrorLaw


@dataclass(frozen=True)
class Prior:
    """Mean and standard deviation of every kind of parameter.

    Parameters
    ----------
    noise
        SD of a run's log error about the law, against which the prior is weighed; None to estimate
        it from the fit's own residuals.
    term
        Of the coefficient of a factor's own term: its share of the median error, and the SD of its
        logarithm.
    interaction
        The same of an interaction.
    product
        The same of a product of all factors.
    floor
        The same of the irreducible error.
    factor_exponent
        Of exponents a.
    data_exponent
        Of exponent d.
    decay
        Of exponents d_k.
    interaction_exponent
        Of exponents b.
    log_p
        Of a norm's log p.
    named
        (mean, SD) of parameters by name, which go before their kind; how a law that is no sum of
        monomials is given a prior.
    """

    noise: float | None = 0.01
    term: tuple[float, float] = (1 / 9, 1.0)
    interaction: tuple[float, float] = (1 / 15, 1.0)
    product: tuple[float, float] = (4 / 9, 1.0)
    floor: tuple[float, float] = (1 / 3, 0.8)
    factor_exponent: tuple[float, float] = (0.4, 0.3)
    data_exponent: tuple[float, float] = (0.3, 0.25)
    decay: tuple[float, float] = (0.1, 0.2)
    interaction_exponent: tuple[float, float] = (0.0, 0.3)
    log_p: tuple[float, float] = (0.0, 0.5)
    named: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.noise is not None and not (np.isfinite(self.noise) and self.noise > 0):
            raise ValueError(f"noise must be a positive number or None, got {self.noise!r}")
        pairs = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in OTHERS}
        for name, pair in (pairs | dict(self.named)).items():
            mean, sd = pair
            if not np.isfinite(mean):
                raise ValueError(f"prior of {name}: the mean must be a number, got {mean}")
            if not (np.isfinite(sd) and sd > 0):
                raise ValueError(f"prior of {name}: the SD must be positive, got {sd}")
            if name in SHARES and not mean > 0:
                raise ValueError(f"prior of {name}: the share must be positive, got {mean}")

    def moments(self, law: ErrorLaw, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and SDs of the law's parameters, coefficients by logarithm, each (parameters,).

        error : (rows,), the table's own, whose median the shares refer to
        """
        kinds, found = kinds_of(law), []
        for name in law.parameters:
            if name in self.named:
                found.append(tuple(self.named[name]))
            elif kinds[name] is None:
                raise ValueError(f"law {law.name!r}: give its parameter {name!r} a prior by name")
            else:
                mean, sd = getattr(self, kinds[name])
                if kinds[name] in SHARES:
                    mean = np.log(mean * np.median(error))
                found.append((mean, sd))
        mean, sd = np.array(found, dtype=float).T
        return mean, sd

    def scaled(self, factor: float) -> Prior:
        """The same prior with every SD ``factor`` times as large."""
        changed = {
            f.name: (getattr(self, f.name)[0], factor * getattr(self, f.name)[1])
            for f in fields(self)
            if f.name not in OTHERS
        }
        named = {name: (mean, factor * sd) for name, (mean, sd) in self.named.items()}
        return Prior(noise=self.noise, named=named, **changed)


OTHERS = ("noise", "named")
SHARES = ("term", "interaction", "product", "floor")
KINDS = {
    "term": "coefficient of a factor's own term",
    "interaction": "coefficient of an interaction",
    "product": "coefficient of a product of all factors",
    "floor": "irreducible error",
    "factor_exponent": "exponents a of the factors",
    "data_exponent": "exponent d of the data",
    "decay": "exponents d_k of add-decay and pnorm-decay",
    "interaction_exponent": "exponents b of the interactions",
    "log_p": "log p of the norm",
}
"""The kinds of parameter in words, in the order of :class:`Prior`."""


def say_prior(prior: Prior) -> list[str]:
    """A prior in sentences: the shares, the exponents, and the noise it is weighed against.

    >>> print(say_prior(Prior())[2])
    noise, the SD of a run's log error about the law: 0.01.
    """
    pairs = {k: getattr(prior, k) for k in KINDS}
    said = {k: f"{k} ({KINDS[k]}) {mean:.3g}, {sd:.3g}" for k, (mean, sd) in pairs.items()}
    shares = "; ".join(text for kind, text in said.items() if kind in SHARES)
    plain = "; ".join(text for kind, text in said.items() if kind not in SHARES)
    noise = "estimated from the residuals" if prior.noise is None else f"{prior.noise:.3g}"
    return [
        "Priors of penalised fits. As a share of the table's median error at the runs' geometric "
        f"centre, and the SD of its logarithm: {shares}.",
        f"Mean and SD: {plain}.",
        f"noise, the SD of a run's log error about the law: {noise}.",
    ]


def parse_prior(changes: Sequence[str], prior: Prior | None = None) -> Prior:
    """A prior changed by words: KIND=MEAN,SD for a kind of parameter, noise=SD for the noise.

    Raises ValueError for a word of another form, an unknown kind, or numbers that no prior has.

    >>> parse_prior(["decay=0.2,0.1"]).decay
    (0.2, 0.1)
    """
    found: dict = {}
    for change in changes:
        kind, _, text = change.partition("=")
        try:
            numbers = tuple(float(number) for number in text.split(","))
        except ValueError:
            numbers = ()
        if kind == "noise" and len(numbers) == 1:
            found[kind] = numbers[0]
        elif kind in KINDS and len(numbers) == 2:
            found[kind] = numbers
        else:
            raise ValueError(
                f"a prior is KIND=MEAN,SD or noise=SD, with KIND one of {', '.join(KINDS)}; "
                f"got {change!r}"
            )
    return replace(prior or Prior(), **found)


def kinds_of(law: ErrorLaw) -> dict[str, str | None]:
    """The field of :class:`Prior` that each parameter belongs to; None for one of another law.

    >>> from vvlm_utils.laws.forms import get_law
    >>> list(kinds_of(get_law("add-decay", ["frames"])).values())[:3]
    ['term', 'term', 'floor']
    """
    kinds: dict[str, str | None] = dict.fromkeys(law.parameters)
    if not isinstance(law, Law):
        return kinds
    for term in law.terms:
        kinds[term.coefficient] = _kind_of_term(term)
        for power in term.powers:
            if power.sign > 0:
                kinds[power.exponent] = "interaction_exponent"
            elif power.factor != TRAIN_EXAMPLES:
                kinds[power.exponent] = "factor_exponent"
            else:
                own = power.exponent.startswith("d_")
                kinds[power.exponent] = "decay" if own else "data_exponent"
    if law.norm:
        kinds[law.norm] = "log_p"
    return kinds


def _kind_of_term(term: Term) -> str:
    if not term.powers:
        return "floor"
    if any(power.sign > 0 for power in term.powers):
        return "interaction"
    factors = {power.factor for power in term.powers} - {TRAIN_EXAMPLES}
    return "product" if len(factors) > 1 else "term"


def prior_draws(
    law: ErrorLaw, prior: Prior, error: np.ndarray, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Parameters drawn from the prior, (draws, parameters), factors measured from the centre."""
    mean, sd = prior.moments(law, error)
    theta = rng.normal(mean, sd, size=(draws, len(mean)))
    first = np.s_[:, : coefficient_count(law)]
    theta[first] = np.exp(theta[first])
    low, high = (np.asarray(side, dtype=float) for side in law.bounds)
    return np.clip(theta, low, high)


def prior_predictions(
    law: ErrorLaw,
    prior: Prior,
    runs: pd.DataFrame,
    designs: pd.DataFrame,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Errors of designs under laws drawn from the prior, in the table's unit, (draws, designs).

    runs : the table, of which the prior reads the median error and the geometric centre alone
    """
    theta = prior_draws(law, prior, runs["error"].to_numpy(dtype=float), draws, rng)
    log_z = np.log([designs[f] / np.exp(np.log(runs[f]).mean()) for f in law.factors])
    return values(law, theta, log_z)


def prior_table(law: ErrorLaw, prior: Prior, runs: pd.DataFrame) -> pd.DataFrame:
    """The prior of every parameter in words of the table: median and central 80%, in points or
    as an exponent. Rows are parameters; columns kind, low, median, high."""
    mean, sd = prior.moments(law, runs["error"].to_numpy(dtype=float))
    kinds, ends = kinds_of(law), np.array([mean - 1.2816 * sd, mean, mean + 1.2816 * sd])
    count = coefficient_count(law)
    ends[:, :count] = np.exp(ends[:, :count])
    table = pd.DataFrame(ends.T, index=list(law.parameters), columns=["low", "median", "high"])
    table.insert(0, "kind", [kinds[name] or "named" for name in law.parameters])
    return table
