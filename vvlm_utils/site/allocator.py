"""What the book's allocator page evaluates: models, costs and the space, as one script.

``book/assets/allocator.js`` does with these data what ``frontier/solver.py`` does with a model,
and a test holds the two to the same answers. A page opened from a disk may not fetch JSON, so the
object is assigned to a global of the page.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from vvlm_utils.advice.answer import default_epsilon, fit_model
from vvlm_utils.advice.by_task import MEMBERS, fit_copies
from vvlm_utils.cost.architectures import exact_cost, get_decoder
from vvlm_utils.cost.decoders import Decoder
from vvlm_utils.cost.equation import FACTORS, inference_cost
from vvlm_utils.cost.serving import ACCELERATORS
from vvlm_utils.files import whole
from vvlm_utils.frontier.space import parts_of
from vvlm_utils.laws.law import Law
from vvlm_utils.laws.mixtures import MixedLaws
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.prepared import prepare
from vvlm_utils.runs.space import PAPER_SPACE
from vvlm_utils.runs.table import AVERAGE, TASKS, load_runs
from vvlm_utils.site.served import export_served

GLOBAL = "VVLM_ALLOCATOR"
DIGITS = 12  # significant; moves an error of 50 points by less than 1e-9
TRAINED_SIZES = tuple(load_runs("paper")["lm_params"].unique().tolist())
LM_SIZES = tuple(sorted({*TRAINED_SIZES, *PAPER_SPACE.lm_params}))

Terms = tuple[float, float, float, float]


def _paper_terms(lm_params: float) -> Terms:
    one = inference_cost(lm_params, 1, 1)
    return 0.0, one.vision_flops, one.lm_flops, 0.0


def _lm_only_terms(lm_params: float) -> Terms:
    return 0.0, 0.0, inference_cost(lm_params, 1, 1).lm_flops, 0.0


def exact_terms(decoder: Decoder) -> Terms:
    """The exact cost of a decoder behind the paper's encoder, as ``COST_TERMS`` has it."""
    one = exact_cost(decoder, 1, 1)
    return tuple(map(float, (one.logits, one.vision_flops, one.linear, one.attention)))


COST_TERMS: dict[str, Callable[[float], Terms]] = {
    "paper": _paper_terms,
    "lm_only": _lm_only_terms,
    "exact": lambda lm_params: exact_terms(get_decoder(lm_params)),
}
"""For an LM size, FLOPs a video, a frame, a visual token and a pair of visual tokens: with x_T
frames and s = x_T x_V tokens, every cost of ``ALL_COSTS`` is a + b x_T + c s + d s^2."""


def fit_task(task: str, members: int | None = None, seed: int = 0) -> MixedLaws:
    """The recommended mix for the average or for one benchmark of the published runs.

    The average's is that of ``vvlm fit paper``. The scores of a single task were read less surely,
    so its members are refits to several copies of its runs, each with a reading error.
    """
    if task == AVERAGE:
        return fit_model(prepare("paper"), resamples=members, seed=seed)
    return fit_copies(prepare("paper", task=task), members=members or MEMBERS, seed=seed)


def describe_law(law: Law) -> dict:
    """A law as the engine takes it: its name, factors, terms and norm.

    Raises ValueError for a term that multiplies factors of the design, which the page's tables
    over single factors cannot hold.
    """
    for term in law.terms:
        if len({p.factor for p in term.powers} & set(FACTORS)) > 1:
            raise ValueError(
                f"law {law.name!r} multiplies factors in the term {term.coefficient!r}; "
                "the allocator needs a sum over single factors, such as 'add-interact'"
            )
    return asdict(law)


def export(models: Mapping[str, Model]) -> dict:
    """Everything that the page needs, of the models by task; they share units and aggregate."""
    parts = {task: parts_of(model) for task, model in models.items()}
    every = [part for each in parts.values() for part in each]
    units, aggregate = every[0].options.units, next(iter(models.values())).aggregate
    if any(part.options.units != units for part in every):
        raise ValueError("the models of an allocator must share the units of their factors")
    if any(model.aggregate != aggregate for model in models.values()):
        raise ValueError("the models of an allocator must share one aggregate")
    laws = list(dict.fromkeys(part.law for part in every))
    return {
        "laws": [describe_law(law) for law in laws],
        "aggregate": aggregate,
        "noise": round(default_epsilon(models[AVERAGE], prepare("paper")), 1),
        "units": dict(units),
        "space": {name: list(getattr(PAPER_SPACE, name)) for name in FACTORS},
        "lm_sizes": LM_SIZES,
        "trained": TRAINED_SIZES,
        "costs": {
            name: {f"{size:.0f}": terms(size) for size in LM_SIZES}
            for name, terms in COST_TERMS.items()
        },
        "accelerators": {name: device.peak_flops for name, device in ACCELERATORS.items()},
        "served": export_served(),
        "bags": {
            task: {
                "ranges": models[task].ranges,
                "parts": [
                    {
                        "law": laws.index(part.law),
                        "members": [
                            [float(f"{x:.{DIGITS}g}") for x in row] for row in part.members
                        ],
                    }
                    for part in each
                ],
            }
            for task, each in parts.items()
        },
    }


def write_script(data: dict, path: Path) -> None:
    """Write the data as a script that assigns them to ``window.VVLM_ALLOCATOR``, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        part.write_text(f"window.{GLOBAL} = {json.dumps(data, separators=(',', ':'))};\n")


def main(path: str) -> None:
    """Fit the bag of the average and of every task, and write the script."""
    start = time.monotonic()
    print("allocator: started", flush=True)
    write_script(export({task: fit_task(task) for task in (AVERAGE, *TASKS)}), Path(path))
    print(f"allocator: done in {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
