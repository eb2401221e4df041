"""Which runs chapters 3 and 4 replay, and what is said of one that is not kept."""

import pytest

from vvlm_utils.chapters import evaluate, finetune
from vvlm_utils.chapters.declaration import ParameterError
from vvlm_utils.chapters.replayed import KEPT, RUN, distance, nearest

DEFAULT = {name: finetune.Parameters.model_fields[name].default for name in RUN}
each_chapter = pytest.mark.parametrize("chapter", [finetune, evaluate])


def refusal(chapter, **given) -> str:
    with pytest.raises(ParameterError) as refused:
        chapter.Parameters.settle(given)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@each_chapter
def test_every_kept_run_is_replayed(chapter):
    assert DEFAULT in KEPT and 10 <= len(KEPT)
    for run in KEPT:
        chapter.Parameters.settle(run)


@each_chapter
def test_the_nearest_kept_run_and_mode_train_are_the_ways_out(chapter):
    said = refusal(chapter, frames=3)
    near = "the nearest has lm mini-40k, frames 4, tokens_per_frame 25, train_examples 1024"
    assert near in said and said.endswith("; or mode train, which makes this run")
    assert "mode train" not in refusal(chapter, draw=1)
    assert "mode train" not in refusal(chapter, train_examples=4096)
    assert "lm mini-215k, frames 8" in refusal(chapter, lm="mini-480k")


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"train_examples": 100}, {"train_examples": 64}),
        ({"train_examples": 400}, {"train_examples": 256}),
        ({"frames": 14}, {"frames": 16}),
        ({"lm": "mini-480k"}, {"lm": "mini-215k"}),
        ({"lm": "llama-3.2-1b"}, {}),
        ({"seed": 7}, {}),
        ({"frames": 3, "tokens_per_frame": 16}, {"tokens_per_frame": 16}),
    ],
)
def test_the_nearest_differs_in_least_and_by_least(changed, kept):
    found = nearest(DEFAULT | changed)
    fewest = min(distance(DEFAULT | changed, other) for other in KEPT)
    assert distance(DEFAULT | changed, found) == fewest
    if changed.keys() & {"lm", "seed"} and not kept:
        assert len([name for name in RUN if found[name] != (DEFAULT | changed)[name]]) == 1
    else:
        assert found == DEFAULT | kept


@each_chapter
def test_a_device_that_the_small_world_does_not_use_is_refused(chapter):
    assert refusal(chapter, mode="train", device="cuda").startswith('device is "cuda"')
    assert refusal(chapter, precision="bfloat16").startswith('device is "cpu" and precision is')
    folders = {"data": "videos", "weights": "models"}
    chapter.Parameters.settle({"mode": "train", "device": "cuda", **folders})
    assert refusal(chapter, **folders).endswith(
        "the chapter takes data and weights only with mode train"
    )


@each_chapter
def test_what_cannot_be_trained_is_refused_with_what_can(chapter):
    for given in ({"lm": "mini-480k"}, {"draw": 1}, {"train_examples": 100}):
        said = refusal(chapter, mode="train", **given)
        assert "at most 1024 clips, in steps of 8, and draw 0 of mini-2k" in said


@each_chapter
def test_another_preset_is_asked_for_its_folders_first(chapter):
    for given in ({}, {"mode": "train"}, {"lm": "llama-3.2-1b", "mode": "train"}):
        said = refusal(chapter, preset="paper", **given)
        assert said.startswith('data is "" and weights is "" and preset is "paper"')
