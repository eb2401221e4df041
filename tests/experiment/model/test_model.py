"""One model class for both presets, and the packing of questions."""

import numpy as np
import pytest
import torch

from vvlm_utils.experiment.model import batches, model, presets
from vvlm_utils.experiment.world.questions import ask_all, vocabulary
from vvlm_utils.experiment.world.scenes import sample_scene


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return model.VideoVLM(model.make_config("mini", "mini-40k")).eval()


@pytest.fixture(scope="module")
def asked():
    rng = np.random.default_rng(0)
    return [ask_all(sample_scene(rng), rng) for _ in range(3)]


def features(clips=3, frames=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(clips, frames, 64, 32, generator=generator)


def test_packed_questions_get_the_logits_they_get_alone(mini, asked):
    row = batches.pad([batches.pack(asked[0])])
    with torch.no_grad():
        together = mini(**row, features=features(1), tokens_per_frame=9).logits
        alone = torch.cat(
            [
                mini(
                    **batches.pad([batches.pack([q])]), features=features(1), tokens_per_frame=9
                ).logits
                for q in asked[0]
            ]
        )
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing(mini, asked):
    rows = batches.pad([batches.pack(asked[0]), batches.pack(asked[0][:2])])
    with torch.no_grad():
        both = mini(**rows, features=features(2), tokens_per_frame=4).logits
        short = mini(
            **batches.pad([batches.pack(asked[0][:2])]),
            features=features(2)[1:],
            tokens_per_frame=4,
        ).logits
    torch.testing.assert_close(both[-2:], short, rtol=1e-4, atol=1e-5)


def test_an_answer_depends_on_the_video_and_on_no_later_word(mini, asked):
    row = batches.pad([batches.pack(asked[0][:1])])
    changed = {**row, "input_ids": row["input_ids"].clone()}
    changed["input_ids"][0, -1] = 7  # the answer itself, which must not leak
    with torch.no_grad():
        logits = [
            mini(**r, features=features(1, seed=s), tokens_per_frame=4).logits
            for r, s in ((row, 0), (changed, 0), (row, 1))
        ]
    torch.testing.assert_close(logits[0], logits[1])
    assert not torch.allclose(logits[0], logits[2])


def test_pixels_and_their_cached_features_give_the_same_answer(mini, asked):
    row = batches.pad([batches.pack(asked[0])])
    pixels = torch.randn(1, 2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        seen = mini(**row, pixel_values=pixels, tokens_per_frame=16)
        cached = mini(**row, features=mini.encode(pixels), tokens_per_frame=16)
    torch.testing.assert_close(seen.logits, cached.logits)
    assert (seen.frames, seen.tokens_per_frame) == (2, 16)


@pytest.mark.parametrize("tokens", [0, 2, 17, 81])
def test_tokens_that_no_square_grid_holds_are_refused(mini, asked, tokens):
    row = batches.pad([batches.pack(asked[0])])
    with pytest.raises(ValueError, match=f"perfect square of at most 64, got {tokens}"):
        mini(**row, features=features(1), tokens_per_frame=tokens)


def test_a_resize_keeps_the_mean_of_a_flat_grid():
    flat = torch.full((1, 2, 64, 3), 0.7)
    for tokens in (1, 4, 9, 16, 25, 64):
        torch.testing.assert_close(
            model.resize(flat, tokens, True), torch.full((1, 2 * tokens, 3), 0.7)
        )


def test_antialiasing_reads_every_feature_and_its_absence_does_not():
    grid = torch.rand(1, 1, 64, 1, requires_grad=True)
    for antialias, read in ((True, 64), (False, 16)):
        (slope,) = torch.autograd.grad(model.resize(grid, 4, antialias).sum(), grid)
        assert int((slope != 0).sum()) == read


def test_a_checkpoint_comes_back_bit_by_bit(mini, asked, tmp_path):
    mini.save_pretrained(tmp_path)
    batches.make_tokenizer().save_pretrained(tmp_path)
    back = model.VideoVLM.from_pretrained(tmp_path).eval()
    assert (tmp_path / "model.safetensors").exists()
    assert all(torch.equal(v, back.state_dict()[k]) for k, v in mini.state_dict().items())
    row = batches.pad([batches.pack(asked[0])])
    with torch.no_grad():
        pair = [m(**row, features=features(1), tokens_per_frame=9).logits for m in (mini, back)]
    assert torch.equal(*pair)


def test_the_tokenizer_and_the_packing_agree(asked, tmp_path):
    tokenizer = batches.make_tokenizer()
    for question in asked[0]:
        text = " ".join((*question.words, question.via, question.answer))
        assert tokenizer(text)["input_ids"] == batches.pack([question])["input_ids"]
    assert len(tokenizer) == len(vocabulary())


@pytest.mark.parametrize("lm", presets.MINI.decoders)
def test_a_mini_decoder_has_the_parameters_that_its_shape_says(lm):
    made = model.VideoVLM(model.make_config("mini", lm))
    decoder, tower = presets.MINI.decoders[lm], presets.MINI.tower
    embedding = len(vocabulary()) * decoder.hidden
    assert sum(p.numel() for p in made.decoder.parameters()) == decoder.params + embedding
    assert sum(p.numel() for p in made.tower.parameters()) == tower.params


def test_mini_decoders_span_a_factor_of_twenty():
    sizes = [d.params for d in presets.MINI.decoders.values()]
    assert sizes == sorted(sizes) and sizes[-1] / sizes[0] > 20


@pytest.mark.parametrize("lm", presets.PAPER.decoders)
def test_the_paper_preset_runs_through_the_same_class_without_weights(lm):
    with torch.device("meta"):
        made = model.VideoVLM(model.make_config("paper", lm)).eval()
        pixels = torch.empty(1, 2, 3, 384, 384)
        ids = torch.zeros(1, 12, dtype=torch.long)
        output = made(ids, pixel_values=pixels, tokens_per_frame=196)
    assert output.logits.shape == (1, 12, 128_256)
    assert (output.frames, output.tokens_per_frame) == (2, 196)


def test_an_unknown_preset_or_lm_is_refused():
    with pytest.raises(ValueError, match="preset must be one of mini, one-gpu, paper, got 'huge'"):
        model.make_config("huge", "mini-40k")
    with pytest.raises(ValueError, match="lm must be one of mini-2k, .*, got 'gpt'"):
        model.make_config("mini", "gpt")
