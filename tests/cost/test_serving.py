"""Bytes and least seconds: by hand arithmetic, by the sum over passes, and what does not fit."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.cost import serving as acc
from vvlm_utils.cost.architectures import DECODERS, PAPER_TOWER

A100 = acc.get_accelerator("a100-80gb-sxm")
LLAMA = DECODERS["llama-3.1-8b"]
SMALL = DECODERS["llama-3.2-1b"]
TEXT = {"prompt_tokens": 50, "answer_tokens": 20}


def test_the_cache_of_one_token_by_hand():
    # keys and values, 32 layers, 8 heads of 128 numbers, two bytes each
    assert LLAMA.cache_bytes(1) == 2 * 32 * 8 * 128 * 2 == 131_072
    found = acc.serve(LLAMA, 32, 196, A100, **TEXT, batch=3)
    assert found.kv_bytes == 3 * (32 * 196 + 50 + 19) * 131_072  # the last token is not cached


def test_weights_are_two_bytes_a_parameter_without_the_pooling_head():
    projector = 1152 * 4096 + 4096 * 4096
    tower = PAPER_TOWER.params - PAPER_TOWER.head_params
    assert acc.weight_bytes(LLAMA) == 2 * (LLAMA.all_params + tower + projector)


@pytest.mark.parametrize("name", ["llama-3.2-1b", "llama-3.1-8b"])
def test_a_pass_reads_layers_and_head_but_no_embedding(name):
    decoder = DECODERS[name]
    layers = decoder.layers * (decoder.linear_params_per_layer + 2 * decoder.hidden)
    head_and_norm = decoder.hidden * decoder.vocabulary + decoder.hidden
    assert decoder.read_params == layers + head_and_norm


def test_a_data_sheet_names_its_source_and_no_sparse_rate():
    source = Path(acc.__file__).read_text()
    references = (Path(__file__).parents[2] / "book" / "references.bib").read_text()
    for name, (dense, _, _) in acc.SHEETS.items():
        key, printed = re.search(rf'"{name}": .*# (\w+): (.+)', source).groups()
        assert f"{{{key}," in references
        (sparse,) = [float(w[:-7].replace(",", "")) for w in re.findall(r"[\d,.]+ sparse", printed)]
        assert sparse / dense == pytest.approx(2, rel=0.02)


def test_reading_a_video_is_bound_by_the_peak_and_writing_by_the_bandwidth():
    work = acc.count_passes(LLAMA, 32, 196, **TEXT)
    assert work["encode"].intensity > A100.ridge and work["first"].intensity > A100.ridge
    assert work["decode"].intensity < 2 and work["again"].intensity < A100.ridge
    found = acc.serve(LLAMA, 32, 196, A100, **TEXT)
    assert found.first_token_seconds == pytest.approx(
        (work["encode"].flops + work["first"].flops) / 312e12
    )
    assert found.decode_seconds == pytest.approx(work["decode"].moved_bytes / 2039e9)


@settings(max_examples=40, deadline=None)
@given(
    decoder=st.sampled_from([LLAMA, SMALL, DECODERS["qwen2.5-7b"]]),
    device=st.sampled_from(sorted(acc.ACCELERATORS)),
    frames=st.integers(1, 40),
    answer=st.integers(1, 300),
    questions=st.integers(1, 6),
    batch=st.integers(1, 4),
)
def test_seconds_are_the_sum_over_passes_one_by_one(
    decoder, device, frames, answer, questions, batch
):
    """Token by token, each the longer of its two times."""
    hardware, visual, prompt = acc.get_accelerator(device, 2), frames * 49, 30
    text = {"prompt_tokens": prompt, "answer_tokens": answer}
    found = acc.serve(decoder, frames, 49, hardware, questions=questions, batch=batch, **text)
    cached = visual + prompt + np.arange(1, answer)
    layers = 2 * decoder.layers * decoder.linear_params_per_layer
    attention = 4 * cached * decoder.layers * decoder.heads * decoder.head_dim
    flops = batch * (layers + attention + decoder.logits_flops)
    moved = 2 * decoder.read_params + batch * decoder.cache_bytes(cached)
    step_by_step = hardware.seconds(flops, moved).sum()
    assert found.decode_seconds == pytest.approx(questions * step_by_step)


def test_a_second_question_is_cheaper_than_a_second_video():
    one, two = (acc.serve(LLAMA, 32, 196, A100, questions=k, **TEXT) for k in (1, 2))
    assert two.encode_seconds == one.encode_seconds
    assert one.seconds < two.seconds < 2 * one.seconds
    assert two.kv_bytes == one.kv_bytes and two.first_token_seconds == one.first_token_seconds


def test_a_batch_shares_the_reading_of_weights():
    alone, many = (acc.serve(LLAMA, 8, 49, A100, batch=k, **TEXT) for k in (1, 16))
    assert many.decode_seconds < 2 * alone.decode_seconds
    assert many.seconds / 16 < alone.seconds


def test_arrays_of_designs_are_priced_at_once():
    found = acc.serve(SMALL, np.array([[4], [32]]), [16, 196, 729], A100, **TEXT, questions=2)
    each = [[acc.serve(SMALL, t, v, A100, **TEXT, questions=2).seconds for v in (16, 196, 729)]
            for t in (4, 32)]  # fmt: skip
    np.testing.assert_allclose(found.seconds, each)


@given(st.integers(1, 8), st.floats(0.1, 1))
def test_devices_and_utilisation_scale_every_time(devices, share):
    base = acc.serve(SMALL, 8, 49, A100, **TEXT)
    more = acc.get_accelerator("a100-80gb-sxm", devices)
    scaled = acc.serve(SMALL, 8, 49, more, **TEXT, utilisation=share)
    assert scaled.seconds == pytest.approx(base.seconds / devices / share)


def test_what_does_not_fit_is_refused_with_what_does():
    l4 = acc.get_accelerator("l4")
    with pytest.raises(ValueError, match="needs 30.1 GB.*l4 has 24 GB.*several devices") as refusal:
        acc.serve(LLAMA, 128, 784, l4)
    (fit,) = re.findall(r"([\d,]+) tokens a video fit", str(refusal.value))
    fit = int(fit.replace(",", ""))
    assert acc.serve(LLAMA, 1, fit, l4).seconds > 0
    with pytest.raises(ValueError, match="tokens a video fit"):
        acc.serve(LLAMA, 1, fit + 1, l4)


def test_weights_that_do_not_fit_are_refused_until_devices_are_added():
    large = DECODERS["qwen2.5-72b"]
    with pytest.raises(ValueError, match="weights alone are too large; take a smaller lm"):
        acc.serve(large, 1, 1, A100)
    assert acc.serve(large, 1, 1, acc.get_accelerator("a100-80gb-sxm", 2)).weight_bytes < 160e9


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"utilisation": 0}, "utilisation must lie between 1e-06 and 1, got 0"),
        ({"utilisation": 1e-300}, "utilisation must lie between 1e-06 and 1, got 1e-300"),
        ({"utilisation": 1.5}, "utilisation must lie between 1e-06 and 1, got 1.5"),
        ({"questions": 0}, "questions must be at least 1, got 0"),
        ({"questions": 2}, "2 questions differ in their words: give prompt_tokens"),
        ({"answer_tokens": -1}, "answer_tokens must not be negative"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        acc.serve(SMALL, 4, 16, A100, **settings)


def test_unknown_or_no_devices_are_refused():
    with pytest.raises(ValueError, match="accelerator 'tpu' is not catalogued; .*mi300x"):
        acc.get_accelerator("tpu")
    with pytest.raises(ValueError, match="devices must be at least 1, got 0"):
        acc.get_accelerator("l4", 0)
    with pytest.raises(ValueError, match="price_per_hour must be a positive number"):
        acc.dollars_per_million_videos(1, -2)
