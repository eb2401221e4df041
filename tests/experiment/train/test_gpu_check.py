"""The check that a GPU's owner runs first: refusal without one, and its path on the CPU."""

import pytest
import torch

from vvlm_utils.experiment.model.presets import MINI, PAPER
from vvlm_utils.experiment.train import gpu_check


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["gpu_check", *words])
    gpu_check.main()


def test_without_a_gpu_there_is_one_line_and_exit_code_two(monkeypatch, capsys):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch)
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == ""
    assert said.err.count("\n") == 1 and "no GPU is visible" in said.err


def test_the_path_runs_on_the_cpu_with_every_mini_decoder(monkeypatch, capsys):
    run(monkeypatch, "--device", "cpu", "--frames", "2", "--tokens-per-frame", "4")
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [said.split()[0] for said in lines] == list(MINI.decoders)
    for said in lines:
        share = int(said.split("TFLOP/s")[1].split("%")[0])
        assert 0 <= share <= 100 and float(said.split("examples/s")[0].split()[-1]) > 0


def test_a_decoder_that_does_not_fit_is_named_with_what_it_needs():
    small = gpu_check.Device("cuda", "a small one", 40e9, None)
    for lm in ("llama-3.2-3b", "llama-3.1-8b"):
        assert "does not fit: needs" in gpu_check.line(lm, small, "paper", 32, 196)


def test_a_preset_with_a_trained_tower_reads_pixels_and_a_frozen_one_features():
    assert gpu_check.visual_input(PAPER, 2) == ("pixel_values", (2, 3, 384, 384))
    assert gpu_check.visual_input(MINI, 2) == ("features", (2, 64, 32))


@pytest.mark.parametrize(
    ("name", "memory", "tflops"),
    [("NVIDIA H100 80GB HBM3", 85e9, 989.5), ("Tesla V100-SXM2-16GB", 17e9, None)],
)
def test_a_peak_is_that_of_the_catalogued_model_or_unknown(name, memory, tflops):
    peak = gpu_check.catalogued_peak(name, memory)
    assert (peak and peak / 1e12) == tflops


def test_the_paper_preset_is_not_tried_on_a_cpu(monkeypatch, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "--device", "cpu", "--preset", "paper")
    assert "mini preset alone" in capsys.readouterr().err
