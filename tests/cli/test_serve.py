"""`vvlm serve` as a user meets it: keys, arithmetic, refusals, and how soon it answers."""

import json
import subprocess
import sys

import pytest
from command import vvlm

KEYS = (
    "frames_read frames_encoded tokens_per_frame visual_tokens prompt_tokens vision_flops lm_flops "
    "total_flops weight_bytes kv_bytes seconds videos_per_hour dollars_per_million"
).split()
CLIP = ["--duration", 10, "--resolution", "1280x720", "--accelerator", "l4"]


def answer(*arguments):
    done = vvlm("serve", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_answer_has_its_keys_and_they_agree():
    found = answer("qwen3-vl-8b", *CLIP, "--prompt-tokens", 50, "--answer-tokens", 100,
                   "--price", 0.8)  # fmt: skip
    assert list(found) == KEYS
    # 2 fps of 10 s; 720 and 1280 pixels are 22 and 40 cells of 32: 880 a slice of two frames
    assert (found["frames_read"], found["frames_encoded"], found["visual_tokens"]) == (20, 10, 8800)
    assert found["tokens_per_frame"] == 440
    assert found["total_flops"] == pytest.approx(found["vision_flops"] + found["lm_flops"])
    assert found["weight_bytes"] == 2 * 8_767_123_696
    # keys and values of 36 layers, 8 heads of 128, two bytes; the last answer token is not cached
    assert found["kv_bytes"] == (found["prompt_tokens"] + 99) * 36 * 2 * 8 * 128 * 2
    hours = 1e6 / found["videos_per_hour"]
    assert found["dollars_per_million"] == pytest.approx(0.8 * hours)


def test_two_devices_halve_the_time_of_one_video():
    one, two = (answer("qwen3-vl-8b", *CLIP, "--devices", n)["seconds"] for n in (1, 2))
    assert two == pytest.approx(one / 2)


def test_a_slow_cpu_binds():
    done = vvlm("serve", "smolvlm2-256m", *CLIP, "--cores", 1)
    assert "bound by the CPU" in done.stdout
    found = answer("smolvlm2-256m", *CLIP, "--cores", 1, "--decode-rate", 1280 * 720 * 300)
    assert found["videos_per_hour"] == pytest.approx(3600)  # the file has 300 frames
    assert found["dollars_per_million"] is None


def test_words_name_both_answers_and_lines_to_paste():
    text = vvlm("serve", "qwen3-vl-8b", *CLIP).stdout
    assert "vllm serve Qwen/Qwen3-VL-8B-Instruct" in text
    assert "AutoProcessor.from_pretrained" in text
    assert "with cap_pixels_per_frame=True transformers gives" in text


def test_wanted_frames_and_tokens_become_flags():
    found = answer("qwen3-vl-8b", *CLIP, "--frames", 16, "--tokens-per-frame", 100)
    assert found["frames_read"] == 16 and found["tokens_per_frame"] == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["qwen3-vl-8c"], "near it: qwen3-vl-8b"),
        (["qwen3-vl-8b", "--duration", 0], "duration must lie above 0"),
        (["qwen3-vl-8b", "--resolution", "10x10"], "each side must have 28"),
        (["qwen3-vl-8b", "--resolution", "720p"], "must be WIDTHxHEIGHT, as in 1280x720"),
        (["qwen3-vl-8b", "--max-pixels", 100], "below one cell of the grid, 1024; raise it"),
        (["qwen3-vl-8b", "--price", -1], "price must be a positive number"),
        (["qwen3-vl-8b", "--fps", 1, "--frames", 8], "give one of the two"),
        (["qwen3-vl-8b", "--tokens-per-frame", 64], "give it with --frames alone"),
        (["qwen3-vl-32b", "--accelerator", "l4"], "take --devices 4, or qwen3-vl-8b"),
        (["qwen3-vl-8b", "--accelerator", "tpu"], "accelerator 'tpu' is not catalogued"),
        (["qwen3-vl-8b", "--utilisation", 2], "utilisation must lie between"),
    ],
)
def test_refusals_are_one_line_with_the_way_out(arguments, words):
    done = vvlm("serve", *arguments)
    assert done.returncode == 2 and not done.stdout
    assert words in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_list_names_every_row():
    models = json.loads(vvlm("serve", "list", "--json").stdout)
    assert len(models) >= 20 and {"name", "source", "date"} <= set(models[0])


def test_an_answer_imports_no_table_and_no_compiler():
    code = (
        "import atexit, sys; from vvlm_utils.cli import run; "
        "atexit.register(lambda: print([m for m in "
        "('pandas', 'numba', 'scipy', 'matplotlib') if m in sys.modules])); "
        "run(['serve', 'qwen3-vl-8b'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
