"""The second tower: its grid, its padding, its stored statistics and its file."""

import numpy as np
import pytest
import torch

from vvlm_utils.experiment.model.counting import count_params
from vvlm_utils.experiment.model.efficientnet import (
    EfficientNetLite,
    EfficientNetLiteConfig,
    SameConv,
    load_lite0,
    read_tensors,
)
from vvlm_utils.experiment.model.model import VideoVLM, VideoVLMConfig, make_config

TINY = {"stages": [(3, 1, 1, 8, 1), (5, 2, 2, 8, 2)], "stem": 8, "hidden_size": 16}


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    config = EfficientNetLiteConfig(**TINY, image_size=16)
    text = make_config("mini", "mini-7k").text_config
    return VideoVLM(VideoVLMConfig(config, text)).eval()


def test_it_stands_where_siglip_stands(tiny, tmp_path):
    pixels = torch.rand(2, 3, 3, 16, 16)
    word = torch.zeros(2, 1, dtype=torch.long)
    with torch.no_grad():
        features = tiny.encode(pixels)
        assert features.shape == (2, 3, 16, 16)  # two strides of 2: a grid of 4 x 4, 16 wide
        torch.testing.assert_close(features[1], tiny.encode(pixels[1:])[0])
        logits = tiny(word, 4, pixel_values=pixels).logits
        tiny.save_pretrained(tmp_path)
        back = VideoVLM.from_pretrained(tmp_path).eval()
        assert isinstance(back.tower, EfficientNetLite)
        torch.testing.assert_close(back(word, 4, pixel_values=pixels).logits, logits)


def test_training_leaves_the_stored_statistics(tiny):
    tower = tiny.train().tower
    before = {name: value.clone() for name, value in tower.named_buffers()}
    tower(pixel_values=torch.rand(2, 3, 16, 16))
    assert all(torch.equal(before[name], value) for name, value in tower.named_buffers())
    assert tower.training
    tiny.eval()


def test_an_odd_pixel_of_padding_goes_right_and_below():
    conv = SameConv(1, 1, 3, stride=2, bias=False)
    torch.nn.init.ones_(conv.weight)
    # 4 pixels, kernel 3, stride 2: one pixel to pad, so windows 0-2 and 2-4 of which 4 is empty.
    assert conv(torch.ones(1, 1, 4, 4))[0, 0].tolist() == [[9, 6], [6, 4]]


def test_lite0_has_its_published_size():
    with torch.device("meta"):
        params = count_params(EfficientNetLite(EfficientNetLiteConfig()))
    # 4,652,008 parameters with the classifier (1280 x 1000 weights and 1000 biases).
    assert params == 4_652_008 - 1_281_000


def test_a_file_of_the_old_layout_is_read_as_it_was_written(tmp_path):
    weight = torch.randn(4, 3, 2).permute(2, 0, 1)  # strides as a converted file has them
    state = torch.nn.BatchNorm1d(5).state_dict() | {"conv.weight": weight}
    state["num_batches_tracked"] += 7
    path = tmp_path / "old.pth"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    read = read_tensors(path)
    assert list(read) == list(state)
    for name, tensor in state.items():
        assert torch.equal(read[name], tensor) and read[name].stride() == tensor.stride()
    with pytest.raises(ValueError, match="fetch the file again"):
        load_lite0(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", np.arange(9).tobytes()])
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="old layout"):
        read_tensors(path)
