"""Bags and mixes on disk: one JSON file, atomic, and checked in every field when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vvlm_utils import __version__
from vvlm_utils.files import read_mapping, whole
from vvlm_utils.laws.bagging import AGGREGATES, BaggedLaw, check_choice
from vvlm_utils.laws.bootstrap import RESAMPLING
from vvlm_utils.laws.law import Law, Power, Term
from vvlm_utils.laws.mixtures import MixedLaws
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior

FORMAT, VERSION = "vvlm-bag", 1
MIX = "vvlm-mix"


def save_bag(bagged: BaggedLaw | MixedLaws, path: str | Path, table: Mapping | None = None) -> None:
    """Write a bag, or a mix of bags, as JSON, atomically; ``load_bag`` describes the format.

    table : what the model answers for, kept beside it under ``table``
    Raises ValueError for a law that is no sum or norm of monomials: a function has no description
    that a file could hold.
    """
    if isinstance(bagged, MixedLaws):
        record = {
            "format": MIX,
            "version": VERSION,
            "vvlm_utils": __version__,
            "aggregate": bagged.aggregate,
            "weights": list(bagged.weights),
            "parts": [_record(part) for part in bagged.parts],
        }
    else:
        record = _record(bagged)
    if table is not None:
        record["table"] = dict(table)
    with whole(path) as part:
        part.write_text(json.dumps(record, indent=1, allow_nan=False))


def _record(bagged: BaggedLaw) -> dict:
    if not isinstance(bagged.law, Law):
        raise ValueError(f"law {bagged.law.name!r} is a function, which a file cannot hold")
    return {
        "format": FORMAT,
        "version": VERSION,
        "vvlm_utils": __version__,
        "law": asdict(bagged.law),
        "parameters": list(bagged.law.parameters),
        "options": asdict(bagged.options),
        "resampling": bagged.resampling,
        "aggregate": bagged.aggregate,
        "failed": bagged.failed,
        "rows": bagged.rows,
        "ranges": bagged.ranges,
        "lm_sizes": bagged.lm_sizes,
        "at_bounds": bagged.at_bounds,
        "losses": bagged.losses.tolist(),
        "noise": bagged.noise if np.isfinite(bagged.noise) else None,
        "members": bagged.members.tolist(),
    }


def load_bag(path: str | Path) -> BaggedLaw | MixedLaws:
    """Read a bag or a mix that :func:`save_bag` wrote.

    The JSON object holds ``format`` ("vvlm-bag"), ``version`` (1), the ``law`` (name, factors and
    terms: coefficient and powers of factor, exponent name and sign), its ``parameters`` in the
    order of the columns of ``members``, the ``options`` (with the units of the coefficients), and
    what the bag knows of its runs: ``rows``, ``ranges``, ``losses``, ``at_bounds``, ``failed``
    and, unless it is an old one, ``lm_sizes`` and ``noise``. A mix ("vvlm-mix") holds its
    ``weights``, its ``aggregate`` and such a record for each of its ``parts``.
    """
    mend = f"make one with `vvlm fit RUNS --out {path}`"
    if not Path(path).exists():
        raise ValueError(f"no fit at {path}; {mend}")
    record = read_mapping(Path(path), ValueError, mend)
    if record.get("format") not in (FORMAT, MIX):
        raise ValueError(f"{path} is not a fit; {mend}")
    if record.get("version") != VERSION:
        raise ValueError(
            f"{path} has version {record.get('version')}; this package reads {VERSION}"
        )
    try:
        return _read_mix(record) if record["format"] == MIX else _read_bag(record)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        raise ValueError(f"{path} is a damaged fit ({reason}); make it again") from None


def _read_mix(record: Mapping) -> MixedLaws:
    parts = tuple(_read_bag(part) for part in record["parts"])
    weights = tuple(float(weight) for weight in record["weights"])
    if len(weights) != len(parts) or not parts or not all(0 < w <= 1 for w in weights):
        raise ValueError("weights must hold a share for each part")
    check_choice("aggregate", record["aggregate"], AGGREGATES)
    return MixedLaws(parts, weights, record["aggregate"])


def _read_options(record: Mapping) -> FitOptions:
    """Fit options from their description; pairs of a prior come from JSON as lists."""
    prior = record.get("prior")
    if prior is not None:
        named = {name: tuple(pair) for name, pair in prior["named"].items()}
        pairs = {k: tuple(v) for k, v in prior.items() if k not in ("noise", "named")}
        prior = Prior(noise=prior["noise"], named=named, **pairs)
    return FitOptions(**dict(record) | {"prior": prior})


def _read_bag(record: Mapping) -> BaggedLaw:
    """A bag from its record; any exception of Python's own says that the record is damaged."""
    law, members = _read_law(record["law"]), np.array(record["members"], dtype=float)
    if members.ndim != 2 or members.shape[1] != len(law.parameters) or not len(members):
        raise ValueError(f"members must be a table with {len(law.parameters)} columns")
    if not np.isfinite(members).all():
        raise ValueError("members must be finite numbers")
    if (members[:, : len(law.terms)] < 0).any():
        raise ValueError("a coefficient of a member is negative")
    losses = np.array(record["losses"], dtype=float)
    if losses.shape != (len(members),):
        raise ValueError("losses must hold a number for each member")
    ranges = {f: (float(low), float(high)) for f, (low, high) in record["ranges"].items()}
    if not set(ranges) >= set(law.factors):
        raise ValueError("ranges must hold the law's factors")
    if not all(0 < low <= high < np.inf for low, high in ranges.values()):
        raise ValueError("ranges must be positive numbers, the smaller first")
    sizes = tuple(float(size) for size in record.get("lm_sizes", ()))
    if not all(0 < size < np.inf for size in sizes):
        raise ValueError("lm_sizes must be positive numbers")
    check_choice("aggregate", record["aggregate"], AGGREGATES)
    check_choice("resampling", record["resampling"], RESAMPLING)
    return BaggedLaw(
        law=law,
        members=members,
        losses=losses,
        options=_read_options(record["options"]),
        ranges=ranges,
        at_bounds={name: float(record["at_bounds"][name]) for name in law.parameters},
        failed=int(record["failed"]),
        rows=int(record["rows"]),
        lm_sizes=sizes,
        noise=float("nan") if record.get("noise") is None else float(record["noise"]),
        **{k: record[k] for k in ("resampling", "aggregate")},
    )


def _read_law(record: Mapping) -> Law:
    """A law from its description; names are text and signs are -1 or 1."""
    terms = tuple(
        Term(t["coefficient"], tuple(Power(**p) for p in t["powers"]), bool(t.get("apart", False)))
        for t in record["terms"]
    )
    factors = tuple(record["factors"])
    powers = [p for t in terms for p in t.powers]
    names = [record["name"], *factors, *(t.coefficient for t in terms)]
    names += [name for p in powers for name in (p.factor, p.exponent)]
    norm = record.get("norm")
    names += [] if norm is None else [norm]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("names of a law must be text")
    if any(p.sign not in (-1, 1) for p in powers):
        raise ValueError("the sign of a power must be -1 or 1")
    return Law(record["name"], factors, terms, norm)
