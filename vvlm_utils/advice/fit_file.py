"""A fit on disk: a model, and the table that it answers for, in one JSON file."""

from __future__ import annotations

from pathlib import Path

from vvlm_utils.files import read_mapping
from vvlm_utils.laws.bag_io import load_bag, save_bag
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.prepared import Prepared, restore
from vvlm_utils.runs.schema import RunsError


def save_fit(model: Model, prepared: Prepared, path: str | Path) -> None:
    """Write a model and its table as JSON, atomically; :func:`load_fit` reads them."""
    save_bag(model, path, prepared.to_dict())


def load_fit(path: str | Path, **choices) -> tuple[Model, Prepared]:
    """Read what :func:`save_fit` wrote: a model, and the table that it answers for.

    choices : of price and space, as in ``prepare``, in place of the fit's own
    Raises ValueError for a file that is no fit, or a damaged one, and says how to make it again.
    """
    model = load_bag(path)
    again = f"make it again with `vvlm fit RUNS --out {path}`"
    record = read_mapping(Path(path), ValueError, again).get("table")
    if record is None:
        raise ValueError(f"{path} holds a law and no table of runs to answer for; {again}")
    own = {k: v for k, v in choices.items() if k != "own_cost"}
    try:
        return model, restore(record, **own)
    except RunsError as error:
        raise ValueError(f"{path}: {error}") from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        raise ValueError(f"{path} is a damaged fit ({reason}); {again}") from None
