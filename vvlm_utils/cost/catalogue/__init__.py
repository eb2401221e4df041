"""Served video models: their shapes, their token rules, and where each row comes from.

One YAML file per family beside this module. A family's ``tower``, ``projector``, ``decoder`` and
``rule`` hold for all its models; a model's own entries stand over them. ``text`` in a projector's
shapes is the decoder's width. Each row names the checkpoint whose configuration it copies, that
page's date, and the size that its page states, to which tests hold the row; tests hold the
parameters to transformers' own class as well.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from vvlm_utils.cost.clips import TokenRule, VideoTokens
from vvlm_utils.cost.decoders import Decoder
from vvlm_utils.cost.towers import Projector, VideoTower
from vvlm_utils.parsing import read_yaml

FOLDER = Path(__file__).parent
SOURCE = "https://huggingface.co/{}/blob/main/config.json"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A video model as servers load it.

    architecture : transformers' name of its classes
    published : parameters that the checkpoint's page states
    date : month of the checkpoint's release
    bounds_source : where the bounds of pixels come from; nothing where every frame has one size
    class_rule : the token rule with the bounds of transformers' processor class, which are not
        those that the checkpoint comes with
    """

    name: str
    family: str
    architecture: str
    checkpoint: str
    published: float
    date: str
    bounds_source: str
    decoder: Decoder
    tower: VideoTower
    projector: Projector
    rule: TokenRule
    class_rule: TokenRule

    @property
    def source(self) -> str:
        """Page of the configuration that the row copies."""
        return SOURCE.format(self.checkpoint)

    @property
    def vision_params(self) -> int:
        """Parameters of tower and projector."""
        return self.tower.params + self.projector.params

    @property
    def params(self) -> int:
        """All parameters stored."""
        return self.vision_params + self.decoder.all_params

    def encode_flops(self, tokens: VideoTokens) -> tuple[float, float]:
        """FLOPs of the tower and of the projector for a clip, pruned tokens included."""
        rows, columns = tokens.grid
        each = self.rule.tokens or rows * columns // self.rule.merge**2
        tower = self.tower.flops_per_slice(rows, columns)
        projector = self.projector.flops_per_slice(rows * columns, each)
        return tokens.frames_encoded * tower, tokens.frames_encoded * projector


def _projector(settings: dict, width: int) -> Projector:
    """A projector whose ``text`` sides and rows have the decoder's width."""
    settings = dict(settings)
    rows = settings.pop("text_rows", 0) * width
    shapes = tuple(
        tuple(width if side == "text" else side for side in shape) for shape in settings["shapes"]
    )
    norms = settings.get("norm_params", 0) + rows
    biases = tuple(settings.get("biases", ()))
    return Projector(**settings | {"shapes": shapes, "norm_params": norms, "biases": biases})


def _model(name: str, family: str, shared: dict, own: dict) -> ServedModel:
    parts = {
        part: shared[part] | own.get(part, {}) for part in ("decoder", "tower", "projector", "rule")
    }
    cells = parts["rule"].get("reference_cells")
    rule = TokenRule(**parts["rule"] | {"reference_cells": tuple(cells) if cells else None})
    decoder = Decoder(name=name, **parts["decoder"])
    return ServedModel(
        name=name,
        family=family,
        architecture=own.get("architecture", shared["architecture"]),
        checkpoint=own["checkpoint"],
        published=float(own["published"]),
        date=str(own["date"]),
        bounds_source=own.get("bounds_source", shared.get("bounds_source", "")),
        decoder=decoder,
        tower=VideoTower(**parts["tower"]),
        projector=_projector(parts["projector"], decoder.hidden),
        rule=rule,
        class_rule=replace(rule, **shared.get("class_bounds", {})),
    )


@cache
def load_catalogue() -> dict[str, ServedModel]:
    """Every served model by its name, family by family from small to large."""
    models = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        shared = read_yaml(path, ValueError, "install the package again")
        for name, own in shared["models"].items():
            models[name] = _model(name, path.stem, shared, own)
    return models


def get_model(name: str) -> ServedModel:
    """A catalogued model by its name or its checkpoint's.

    Raises ValueError with the nearest names for one that is not there.

    >>> get_model("qwen3-vl-8b").checkpoint
    'Qwen/Qwen3-VL-8B-Instruct'
    """
    models = load_catalogue()
    by_checkpoint = {each.checkpoint.lower(): each for each in models.values()}
    asked = name.strip().lower()
    found = models.get(asked) or by_checkpoint.get(asked)
    if found:
        return found
    near = difflib.get_close_matches(asked.split("/")[-1], models, n=4, cutoff=0.5)
    hint = f"near it: {', '.join(near)}" if near else f"families: {', '.join(families())}"
    raise ValueError(f"model {name!r} is not catalogued; {hint}; `vvlm serve list` shows all")


def families() -> dict[str, list[ServedModel]]:
    """The models of each family, from small to large."""
    found: dict[str, list[ServedModel]] = {}
    for model in load_catalogue().values():
        found.setdefault(model.family, []).append(model)
    return {family: sorted(models, key=lambda m: m.params) for family, models in found.items()}
