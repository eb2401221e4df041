"""The catalogue: shapes by hand, published sizes, and transformers' own counts kept in a table."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.cost.architectures import DECODERS, answer_cost
from vvlm_utils.cost.catalogue import families, get_model, load_catalogue
from vvlm_utils.cost.clips import VideoTokens
from vvlm_utils.cost.decoders import Decoder
from vvlm_utils.cost.towers import VideoTower
from vvlm_utils.files import DATA_FOLDER

COUNTS = list(csv.DictReader((DATA_FOLDER / "served_counts.csv").open()))
PROMPT = 50  # text tokens of every counted design
MODELS = load_catalogue()
WINDOWED = Decoder("w", 8, 12, 2, 1, 4, 16, 32, True, window=10, full_every=6)
MIXED = Decoder("m", 8, 3, 2, 1, 4, 16, 32, False, experts=4, experts_used=2,
                expert_intermediate=5, shared_experts=1, dense_layers=1)  # fmt: skip


def test_the_catalogue_is_as_wide_as_what_is_served():
    sizes = [model.params for model in MODELS.values()]
    assert len(MODELS) >= 20 and len(families()) >= 8
    assert min(sizes) < 0.26e9 and any(78e9 < size < 79e9 for size in sizes)
    assert sum(model.decoder.experts > 0 for model in MODELS.values()) >= 4


def test_a_row_says_where_its_bounds_are_the_defaults_of_a_class():
    by_class = {n for n, m in MODELS.items() if m.bounds_source.startswith("the defaults of")}
    assert by_class == {"glm-4.5v-106b-a12b", "videollama3-2b", "videollama3-7b"}
    for name in by_class:
        rule, kept = MODELS[name].rule, MODELS[name].class_rule
        assert (rule.min_pixels, rule.max_pixels) == (kept.min_pixels, kept.max_pixels)


@pytest.mark.parametrize("name", MODELS)
def test_a_row_has_the_size_that_its_page_states(name):
    model = MODELS[name]
    assert model.params == pytest.approx(model.published, rel=0.003)
    assert model.source.startswith("https://") and len(model.date) == 7
    assert bool(model.bounds_source) == (model.rule.bounds != "fixed")


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_flops_are_those_of_transformers_class(name):
    model = MODELS[name]
    rows = [{k: v if k == "model" else int(v) for k, v in row.items()} for row in COUNTS]
    rows = [row for row in rows if row["model"] == name]
    assert len(rows) == 3
    for row in rows:
        slices, grid = row["slices"], (row["rows"], row["columns"])
        tokens = VideoTokens(slices * model.rule.temporal, slices, grid, row["visual_tokens"], 0)
        vision = model.encode_flops(tokens)
        cost = answer_cost(model.decoder, tokens.visual_tokens, *vision, prompt_tokens=PROMPT)
        assert model.params == row["params"]
        assert cost.vision_flops == pytest.approx(row["vision"], rel=1e-9)
        assert cost.lm_flops == pytest.approx(row["lm"], rel=1e-9)


def test_a_mixture_stores_more_than_a_token_meets():
    # a dense layer 3 * 8 * 16; two others with a router 8 * 4 and experts of 3 * 8 * 5
    attention = 3 * (2 * 8 * (2 + 1) * 4)
    assert MIXED.linear_params(4) == attention + 384 + 2 * (32 + 5 * 120)
    assert MIXED.linear_params(2) == attention + 384 + 2 * (32 + 3 * 120)
    assert MIXED.params - MIXED.active_params == 2 * 2 * 120


def test_a_pass_reads_the_experts_that_its_tokens_are_sent_to():
    expert = 2 * 120  # in both layers that have them
    assert MIXED.params_read(0) == MIXED.read_params - 4 * expert
    assert MIXED.params_read(1) == pytest.approx(MIXED.read_params - 2 * expert)
    assert MIXED.params_read(2) == pytest.approx(MIXED.read_params - 1 * expert)
    assert MIXED.params_read(1000) == pytest.approx(MIXED.read_params)


@given(st.integers(1, 40), st.integers(0, 40))
def test_windows_keep_the_pairs_that_a_mask_keeps(tokens, cached):
    query, key = np.arange(cached, cached + tokens)[:, None], np.arange(cached + tokens)
    full = key <= query
    kept = 2 * full.sum() + 10 * (full & (query - key < 10)).sum()
    assert WINDOWED.causal_pairs(tokens, cached) == kept
    # two layers keep every token, ten the last ten
    assert WINDOWED.cache_bytes(tokens) == 2 * (2 * 4) * (2 * tokens + 10 * min(tokens, 10))


def test_a_decoder_without_windows_is_priced_as_before():
    decoder = DECODERS["llama-3.1-8b"]
    assert decoder.causal_pairs(100, 7) == 32 * (100 * 7 + 100 * 101 / 2)
    assert decoder.active_params == decoder.params and decoder.params_read(1) == decoder.read_params


def test_windowed_blocks_by_hand():
    # grid 10 x 9, windows of 4: sides 4, 4, 2 and 4, 4, 1; squares 36 and 33
    tower = VideoTower(8, 3, 2, 16, 14, window=4, full_blocks=1)
    plain = VideoTower(8, 3, 2, 16, 14)
    pairs = (plain.flops_per_slice(10, 9) - tower.flops_per_slice(10, 9)) / (4 * 8)
    assert pairs == 2 * (90**2 - 36 * 33)


def test_an_unknown_model_lists_near_names():
    with pytest.raises(ValueError, match="'qwen3-vl-8c' is not catalogued; near it: qwen3-vl-8b"):
        get_model("qwen3-vl-8c")
    with pytest.raises(ValueError, match="families: .*gemma3.*smolvlm2"):
        get_model("zzz")
    assert get_model("Qwen/Qwen3-VL-8B-Instruct").name == "qwen3-vl-8b"


def test_every_family_file_is_installed_with_the_package():
    settings = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"cost/catalogue/*.yaml"' in settings
