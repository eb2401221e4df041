"""What of the opt-in check on real weights needs no download: `make real-weights` does the rest."""

import pytest
import torch

from vvlm_utils.experiment.model import batches, presets
from vvlm_utils.experiment.model.model import IGNORE, VideoVLM, make_config
from vvlm_utils.experiment.train import real


def test_parts_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="make real-weights"):
        real.load(tmp_path)


def test_only_the_answer_is_learned(monkeypatch):
    monkeypatch.setattr(real, "QUESTION", "brief colour5")
    monkeypatch.setattr(real, "ANSWER", "texture5")
    tokenizer = batches.make_tokenizer()
    batch = real.example(tokenizer)
    assert (batch["labels"] == IGNORE).sum() == len(tokenizer("brief colour5").input_ids)
    assert tokenizer.decode(batch["labels"][batch["labels"] != IGNORE]) == "texture5"

    torch.manual_seed(0)
    model = VideoVLM(make_config("mini", "mini-15k"))
    before = model.decoder.model.norm.weight.clone()
    size = presets.MINI.tower.image
    losses = real.train(model, batch, torch.zeros(1, 2, 3, size, size), steps=2)
    assert losses[1] < losses[0]
    assert not torch.equal(before, model.decoder.model.norm.weight)
