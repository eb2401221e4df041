"""Every closed form against torch's own counter, on models without weights.

The catalogued models, and small ones that hypothesis chooses; decoding is counted step by step
with a real key-value cache.
"""

from functools import cache

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DynamicCache

from vvlm_utils.cost import architectures as arch
from vvlm_utils.experiment.model import counting
from vvlm_utils.experiment.model.model import VideoVLM, VideoVLMConfig, make_config

WITHIN = 0.005


@st.composite
def decoders(draw, biases=None):
    """Small decoders of every kind of shape."""
    kv_heads, group, head_dim = (
        draw(st.integers(1, 3)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from([8, 16, 64])),
    )
    return arch.Decoder(
        name="small",
        hidden=kv_heads * group * draw(st.sampled_from([8, 24, 64])),
        layers=draw(st.integers(1, 4)),
        heads=kv_heads * group,
        kv_heads=kv_heads,
        head_dim=head_dim,
        intermediate=draw(st.integers(8, 500)),
        vocabulary=draw(st.integers(10, 3000)),
        tied=draw(st.booleans()),
        biases=draw(st.booleans()) if biases is None else biases,
    )


@st.composite
def towers(draw, pooling_head=None):
    """Small towers of every kind of shape."""
    heads, patch = draw(st.integers(1, 4)), draw(st.sampled_from([4, 7, 14]))
    return arch.Tower(
        name="small",
        hidden=heads * draw(st.sampled_from([8, 16, 32])),
        layers=draw(st.integers(1, 3)),
        heads=heads,
        intermediate=draw(st.integers(8, 300)),
        patch=patch,
        image=patch * draw(st.integers(2, 9)) + draw(st.integers(0, patch - 1)),
        pooling_head=draw(st.booleans()) if pooling_head is None else pooling_head,
    )


@cache
def meta(name):
    if name in arch.TOWERS:
        return counting.meta_tower(arch.TOWERS[name])
    return counting.meta_decoder(arch.DECODERS[name])


@pytest.mark.parametrize("name", [*arch.DECODERS, *arch.TOWERS])
def test_catalogued_parameters_equal_the_counters(name):
    counted = counting.count_params(meta(name))
    if name in arch.TOWERS:
        assert counted == arch.TOWERS[name].params
    else:
        assert counted == arch.DECODERS[name].all_params


@pytest.mark.parametrize("name", arch.TOWERS)
def test_a_frame_costs_what_the_counter_counts(name):
    tower = arch.TOWERS[name]
    counted = sum(counting.count_frame(meta(name)).values())
    assert tower.flops_per_frame + tower.head_flops_per_frame == pytest.approx(counted, rel=WITHIN)


def holds(decoder, model, tokens, cached):
    """One read, by the closed form and by the counter."""
    counted = counting.count_prefill(model, tokens, cached)
    linear, attention = decoder.prefill_flops(tokens, cached=cached)
    assert attention == pytest.approx(counted["attention"], rel=WITHIN)
    assert linear + decoder.logits_flops == pytest.approx(counted["rest"], rel=WITHIN)


@pytest.mark.parametrize("name", arch.DECODERS)
def test_a_catalogued_decoder_reads_for_what_the_counter_counts(name):
    holds(arch.DECODERS[name], meta(name), 6272, 0)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(arch.DECODERS)), st.integers(1, 30_000), st.integers(0, 30_000))
def test_any_length_behind_any_cache_costs_what_the_counter_counts(name, tokens, cached):
    holds(arch.DECODERS[name], meta(name), tokens, cached)


@settings(max_examples=30, deadline=None)
@given(decoders(), st.integers(1, 500), st.integers(0, 500), st.integers(1, 5))
def test_small_decoders_cost_what_the_counter_counts(decoder, tokens, cached, answer):
    model = counting.meta_decoder(decoder)
    assert counting.count_params(model) == decoder.all_params
    holds(decoder, model, tokens, cached)
    counted = sum(counting.count_decode(model, tokens, answer).values())
    assert decoder.decode_flops(tokens, answer) == pytest.approx(counted, rel=WITHIN)


@settings(max_examples=20, deadline=None)
@given(towers())
def test_small_towers_cost_what_the_counter_counts(tower):
    model = counting.meta_tower(tower)
    assert counting.count_params(model) == tower.params
    head = tower.head_flops_per_frame if tower.pooling_head else 0
    counted = sum(counting.count_frame(model).values())
    assert tower.flops_per_frame + head == pytest.approx(counted, rel=WITHIN)


@settings(max_examples=15, deadline=None)
@given(towers(pooling_head=False), decoders(biases=False), st.integers(1, 6), st.data())
def test_a_whole_video_costs_what_the_counter_counts(tower, decoder, frames, data):
    """Tower, projector, resize and decoder of the model class that is trained."""
    side = tower.image // tower.patch
    tokens = data.draw(st.integers(1, side)) ** 2
    config = VideoVLMConfig(counting.tower_config(tower), counting.decoder_config(decoder))
    with torch.device("meta"):
        model = VideoVLM(config).eval()
    counted = counting.count_video(model, frames, tokens)
    cost = arch.exact_cost(decoder, frames, tokens, tower, prompt_tokens=1)
    assert cost.total_flops == pytest.approx(counted, rel=WITHIN)


@pytest.mark.parametrize("lm", ["llama-3.2-1b", "llama-3.1-8b"])
def test_the_papers_model_costs_what_the_counter_counts_at_the_stars_centre(lm):
    """Its tower class runs the pooling head as well, whose output nobody reads."""
    with torch.device("meta"):
        model = VideoVLM(make_config("paper", lm)).eval()
    counted = counting.count_video(model, 32, 196)
    cost = arch.exact_cost(arch.DECODERS[lm], 32, 196, prompt_tokens=1)
    unread = 32 * arch.PAPER_TOWER.head_flops_per_frame
    assert cost.total_flops + unread == pytest.approx(counted, rel=WITHIN)


def test_the_cache_holds_the_bytes_of_the_closed_form():
    decoder, memory = arch.DECODERS["qwen2.5-0.5b"], DynamicCache()
    with torch.no_grad():
        counting._read(meta("qwen2.5-0.5b"), 300, memory)
    numbers = sum(layer.keys.numel() + layer.values.numel() for layer in memory.layers)
    assert decoder.cache_bytes(300) == 2 * numbers


def test_the_kept_table_is_what_the_counter_counts():
    kept = pd.read_csv(counting.TABLE)
    assert set(kept["model"]) == {*arch.TOWERS, *arch.DECODERS}
    for row in kept[kept["model"] == "llama-3.2-1b"].itertuples():
        counted = counting.count_prefill(meta(row.model), row.tokens, row.cached)
        assert counted == {"attention": row.attention, "rest": row.rest}
