"""Damaged fits."""

from __future__ import annotations

import copy
import functools
import json
import random
from pathlib import Path
from typing import Any

from benchmarks.malformed.values import QUESTION, Arguments, any_value


@functools.cache
def good_fit() -> dict[str, Any]:
    """What `vvlm fit` writes for the published runs, of a bag of two."""
    import tempfile

    import numpy as np

    from vvlm_utils.laws.bag_io import save_bag
    from vvlm_utils.laws.bagging import bag
    from vvlm_utils.laws.forms import LAWS
    from vvlm_utils.laws.options import FitOptions
    from vvlm_utils.runs.table import load_runs

    made = bag(LAWS["add"], load_runs("paper"), FitOptions(starts=2), resamples=2, search="cold",
               rng=np.random.default_rng(0))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.json"
        save_bag(made, path)
        return json.loads(path.read_text())


NEEDED = ("format", "version", "law", "options", "resampling", "aggregate", "failed", "rows",
          "ranges", "at_bounds", "losses", "members")  # fmt: skip


def _bad_fit(record: dict, draw: random.Random) -> str:
    """One field that the reader needs, taken out or replaced by something of another kind."""
    found = copy.deepcopy(record)
    kind = draw.randrange(7)
    if kind == 0:
        del found[draw.choice([name for name in NEEDED if name in found])]
    elif kind == 1:
        name = draw.choice(["format", "law", "options", "ranges", "losses", "members", "at_bounds"])
        harmless = {"options": ({},), "at_bounds": ({},), "ranges": ({},)}.get(name, ())
        found[name] = any_value(draw, harmless)
    elif kind == 2:
        row = draw.choice(found["members"])
        row[draw.randrange(5)] = draw.choice([None, "x", [1], float("nan"), -3.0, 10**400])
    elif kind == 3:
        draw.choice(found["law"]["terms"])["powers"] = draw.choice(
            [None, 7, [7], [{}], [{"factor": "x", "exponent": "a", "sign": 1}],
             [{"factor": "frames", "exponent": 3, "sign": 1}],
             [{"factor": "frames", "exponent": "a_T", "sign": 10**30}]])  # fmt: skip
    elif kind == 4:
        draw.choice(found["members"]).append(1.0)
    elif kind == 5:
        found["options"][draw.choice(["optimiser", "loss", "starts", "units"])] = -1
    else:
        text = json.dumps(found)
        return draw.choice([text[: draw.randrange(len(text) - 1)], "[" * 100_000, "", "null", "3",
                            '"fit"', "[1, 2]", "\ufeff{}", text.replace(":", "=", 1)])  # fmt: skip
    return json.dumps(found)


def fits(draw: random.Random, folder: Path, good: dict[str, Any]) -> Arguments:
    """A damaged fit, before the commands that read one."""
    path = folder / "fit.json"
    path.write_text(_bad_fit(good_fit(), draw))
    return draw.choice([
        ["frontier", path, *QUESTION], ["elasticity", path],
        ["next-runs", path, *QUESTION, "--train-flops", 1e20],
    ])  # fmt: skip
