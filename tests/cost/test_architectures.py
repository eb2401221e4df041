"""Closed forms of parameters and FLOPs: by hand and beside Eq. 1.

``tests/experiment/test_counting.py`` holds them to torch's own counter.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.cost import architectures as arch
from vvlm_utils.cost.equation import paper_flops

PUBLISHED = {"llama-3.2-1b": 0.973e9, "llama-3.2-3b": 2.819e9, "llama-3.1-8b": 7.505e9}


@pytest.mark.parametrize("name", PUBLISHED)
def test_decoders_have_the_papers_sizes_without_the_input_embedding(name):
    assert arch.DECODERS[name].params == pytest.approx(PUBLISHED[name], rel=1e-3)


def test_the_tower_has_the_papers_size_with_its_pooling_head():
    assert arch.PAPER_TOWER.params == pytest.approx(0.428e9, rel=1e-3)
    assert arch.PAPER_TOWER.params - arch.PAPER_TOWER.head_params == pytest.approx(
        0.413e9, rel=1e-3
    )
    assert arch.PAPER_TOWER.features == 729


@pytest.mark.parametrize("size", [1e9, 2.8e9, 7.5e9, 3e9, 7e9, 14e9, 32e9, 72e9])
def test_every_lm_size_of_the_book_has_a_decoder(size):
    assert arch.get_decoder(size).params == pytest.approx(size, rel=arch.NEAREST)


def test_a_size_that_no_decoder_has_is_refused_with_the_catalogue():
    with pytest.raises(ValueError, match=r"no decoder within 8% of lm_params 1.9e\+10; .*14b"):
        arch.get_decoder(19e9)


def test_an_unknown_name_is_refused_with_the_catalogue():
    with pytest.raises(ValueError, match="lm 'llama-9' is not catalogued; .*llama-3.1-8b"):
        arch.get_decoder("llama-9")


def test_linear_flops_are_twice_the_weights_for_every_token():
    decoder = arch.DECODERS["llama-3.2-1b"]
    linear, _ = decoder.prefill_flops(100)
    norms = (2 * decoder.layers + 1) * decoder.hidden
    assert linear == 2 * 100 * (decoder.params - norms)


def test_a_causal_mask_keeps_half_of_the_pairs_and_the_diagonal():
    _, full = arch.DECODERS["llama-3.1-8b"].prefill_flops(1000)
    _, causal = arch.DECODERS["llama-3.1-8b"].prefill_flops(1000, causal=True)
    assert causal / full == pytest.approx(0.5 * (1 + 1 / 1000))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(arch.DECODERS)), st.integers(1, 4000), st.integers(0, 50))
def test_reading_and_then_decoding_costs_one_causal_pass(name, context, answer):
    """A cache saves nothing but the repeated reading: token by token is the causal prefill."""
    decoder = arch.DECODERS[name]
    apart = sum(decoder.prefill_flops(context, causal=True))
    apart += decoder.decode_flops(context, answer) - answer * decoder.logits_flops
    assert apart == pytest.approx(sum(decoder.prefill_flops(context + answer, causal=True)))


def test_eq_1_is_right_for_few_tokens_and_short_for_many():
    def above(frames, tokens):
        cost = arch.exact_cost(arch.DECODERS["llama-3.2-3b"], frames, tokens)
        return cost.total_flops / paper_flops(2.8e9, frames, tokens) - 1

    assert 0 < above(3, 4) < 0.05
    assert 0.2 < above(32, 196) < 0.3
    assert above(128, 196) > 0.9


def test_parts_add_up_and_arrays_broadcast():
    cost = arch.exact_cost(arch.DECODERS["qwen2.5-7b"], [[4], [8]], [16, 49, 196], answer_tokens=5)
    parts = cost.tower + cost.projector + cost.linear + cost.attention + cost.logits
    np.testing.assert_allclose(cost.total_flops, parts + cost.decoding)
    assert cost.total_flops.shape == (2, 3)
    assert arch.exact_flops([3e9, 7e9], 8, 49).shape == (2,)


@pytest.mark.parametrize(("name", "nominal", "low", "high"), [
    ("llama-3.2-1b", 1e9, 0.14, 0.16),
    ("llama-3.2-3b", 2.8e9, 0.24, 0.26),
    ("llama-3.1-8b", 7.5e9, 0.13, 0.14),
])  # fmt: skip
def test_the_stars_centre_costs_more_than_eq_1_says(name, nominal, low, high):
    cost = arch.exact_cost(arch.DECODERS[name], 32, 196)
    assert low < cost.total_flops / paper_flops(nominal, 32, 196) - 1 < high


@given(st.integers(1, 300), st.integers(0, 5000), st.booleans())
def test_questions_read_one_by_one_cost_what_several_do(prompt, answer, causal):
    decoder, text = arch.DECODERS["llama-3.2-3b"], {"prompt_tokens": prompt, "causal": causal}
    one, three = (
        arch.exact_cost(decoder, 8, 49, answer_tokens=answer, questions=k, **text) for k in (1, 3)
    )
    again = sum(decoder.prefill_flops(prompt, causal, cached=8 * 49)) + decoder.logits_flops
    assert three.vision_flops == one.vision_flops
    assert three.lm_flops == pytest.approx(one.lm_flops + 2 * (again + one.decoding))


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_cache_splits_the_causal_pass_anywhere(first, second):
    decoder = arch.DECODERS["qwen2.5-7b"]
    apart = [decoder.prefill_flops(first, causal=True)]
    apart += [decoder.prefill_flops(second, causal=True, cached=first)]
    whole = decoder.prefill_flops(first + second, causal=True)
    np.testing.assert_allclose(np.sum(apart, axis=0), whole)


def test_several_questions_without_words_are_refused():
    with pytest.raises(ValueError, match="2 questions differ in their words: give prompt_tokens"):
        arch.exact_cost(arch.DECODERS["llama-3.2-1b"], 4, 16, questions=2)


@pytest.mark.parametrize("field", ["prompt_tokens", "answer_tokens"])
def test_negative_text_is_refused(field):
    with pytest.raises(ValueError, match=f"{field} must not be negative, got -1"):
        arch.exact_cost(arch.DECODERS["llama-3.2-1b"], 4, 16, **{field: -1})
