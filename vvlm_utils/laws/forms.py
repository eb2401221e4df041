"""The laws by name: the forms of Table 7, Chinchilla's law and the decaying sums.

``BUILDERS`` is the one list of laws by name: whatever compares, fits or draws laws starts there.
A law that is no sum or norm of monomials joins by the protocol of ``laws/protocols.py``.

Source: Equations 2 and 3 and Table 7 of the paper; Hoffmann et al. (2022) for Chinchilla's law.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.laws.law import Law, Power, Term

SYMBOLS = {"lm_params": "N", "frames": "T", "tokens_per_frame": "V"}


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
