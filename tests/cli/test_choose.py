"""`vvlm choose`: budgets that buy, budgets that buy nothing, and what every answer says."""

import json

import pandas as pd
import pytest
from command import vvlm

from vvlm_utils.cost.clips import Clip
from vvlm_utils.cost.served import Server
from vvlm_utils.cost.serving import get_accelerator
from vvlm_utils.frontier.families import check_budget, family_designs, family_models

CLIP = Clip(10, 1280, 720)
L4 = Server(get_accelerator("l4"), price_per_hour=0.8)
FAMILY = ["--family", "qwen3-vl", "--train-examples", "5e5", "--accelerator", "l4"]


@pytest.fixture(scope="module")
def designs():
    return family_designs(family_models("smolvlm2"), CLIP, L4)


def test_a_device_holds_the_sizes_that_fit():
    held = set(family_designs(family_models("internvl3"), CLIP, L4)["model"])
    assert "internvl3-8b" in held and "internvl3-14b" not in held


def test_more_frames_cost_more_in_every_unit(designs):
    one = designs[designs["model"] == "smolvlm2-2.2b"].sort_values("frames")
    assert one["frames"].is_unique and len(one) > 2
    for unit in ("tflops", "seconds"):
        assert one[unit].is_monotonic_increasing


def test_a_budget_that_buys_nothing_names_the_cheapest(designs):
    with pytest.raises(ValueError, match="0.001 dollars per million videos buy nothing: the cheap"):
        check_budget(designs, "dollars_per_million", 0.001)
    with pytest.raises(
        ValueError, match="a budget must be a positive number below 1e[+]18, got -1"
    ):
        check_budget(designs, "tflops", -1)


def test_a_larger_budget_is_spent_and_never_exceeded():
    budgets = ["--dollars-per-million", 100, "--dollars-per-million", 600, "--price", 0.8]
    done = vvlm("choose", *FAMILY, *budgets, "--json")
    assert done.returncode == 0, done.stderr
    assert "relative choice only" in done.stderr
    rows = pd.DataFrame(json.loads(done.stdout))
    assert (rows["dollars_per_million"] <= rows["budget"]).all()
    assert rows["dollars_per_million"].is_monotonic_increasing
    assert all("relative choice only" in notes[-1] for notes in rows["notes"])
    assert all(line.startswith("vllm serve Qwen/Qwen3-VL") for line in rows["vllm"])


def test_a_named_model_is_the_only_one_and_its_line_has_every_flag():
    asked = ["--model", "qwen3-vl-4b", "--seconds", 8, "--devices", 2, "--answer-tokens", 10]
    (row,) = json.loads(vvlm("choose", *FAMILY, *asked, "--json").stdout)
    assert row["model"] == "qwen3-vl-4b" and row["seconds"] <= 8
    assert "--tensor-parallel-size 2" in row["vllm"] and "--max-model-len" in row["vllm"]


def test_a_clip_too_short_for_any_design_is_refused_in_words():
    with pytest.raises(ValueError, match="the clip has 1 frame, the least design reads 2; take a"):
        family_designs(family_models("qwen3-vl"), Clip(0.02, 1280, 720), L4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [*FAMILY[:2], "--train-examples", "nan", "--tflops", 5],
            "number from 1 to 1e+12, got nan",
        ),
        ([*FAMILY, "--tflops", "1e300"], "must be a positive number below 1e+18, got 1e+300"),
        ([*FAMILY, "--tflops", 5, "--model", "glm-4.1v-9b"], "is not of qwen3-vl; name one of"),
        ([*FAMILY, "--dollars-per-million", 500], "--dollars-per-million needs --price"),
        ([*FAMILY, "--tflops", 5, "--seconds", 1], "give budgets by one of --dollars-per-million"),
        (["--family", "qwen9", "--train-examples", "5e5", "--tflops", 5], "name one of gemma3"),
        ([*FAMILY, "--tflops", 1e-6], "1e-06 TFLOPs per video buy nothing: the cheapest is"),
    ],
)
def test_refusals_are_one_line_with_the_way_out(arguments, words):
    done = vvlm("choose", *arguments)
    assert done.returncode == 2 and not done.stdout
    assert words in done.stderr and len(done.stderr.splitlines()) == 1
