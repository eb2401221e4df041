"""A small part of the served models' table, counted here and now on transformers' own classes."""

import csv

import pytest

from vvlm_utils.cost.architectures import answer_cost
from vvlm_utils.cost.catalogue import get_model
from vvlm_utils.experiment.model import served
from vvlm_utils.experiment.model.counting import count_params


@pytest.mark.parametrize("name", ["smolvlm2-256m", "qwen3-vl-2b", "internvl3-1b"])
def test_parameters_and_flops_counted_now(name):
    model = get_model(name)
    built = served.meta_served(model)
    assert count_params(built) == model.params
    tokens = served.designs(model)[0]
    counted = served.count_served(built, model, tokens, served.PROMPT)
    cost = answer_cost(
        model.decoder,
        tokens.visual_tokens,
        *model.encode_flops(tokens),
        prompt_tokens=served.PROMPT,
    )
    assert cost.vision_flops == pytest.approx(counted["vision"])
    assert cost.lm_flops == pytest.approx(counted["lm"])
    kept = [row for row in csv.DictReader(served.TABLE.open()) if row["model"] == name]
    assert int(kept[0]["vision"]) == counted["vision"] and int(kept[0]["lm"]) == counted["lm"]
