"""What chapter 3 says of its run, branch by branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import finetune as said


def test_a_run_in_words():
    assert (
        said.say_run("a", 64, 1, 1) == "the decoder a on 64 clips, each seen as 1 frame of 1 token"
    )
    assert said.say_run("a", 1024, 8, 25).endswith(
        "1,024 clips, each seen as 8 frames of 25 tokens"
    )


def test_where_the_run_comes_from():
    made = {"date": "2026-11-26", "device": "x86_64", "commit": "abc"}
    text = said.say_source("replay", made)
    assert text.startswith("This run is replayed from its record") and "2026-11-26" in text
    assert said.say_source("train", {}).startswith("This run was trained now: made on unknown")


def test_what_a_preset_stands_for():
    assert "small world" in said.say_scale("mini")
    assert "preset paper" in said.say_scale("paper") and "small" not in said.say_scale("paper")


@pytest.mark.parametrize(
    ("frames", "tokens", "text"),
    [
        (8, 25, "Of the 16 frames of this clip the run sees 8, each as a grid of 5 x 5: 200 "),
        (1, 1, "Of the 16 frames of this clip the run sees 1, as a grid of 1 x 1: one visual "),
        (16, 4, "The run sees all 16 frames of this clip, each as a grid of 2 x 2: 64 visual "),
        (32, 49, "The run sees 32 frames, so it sees some of this clip's 16 again, each as"),
    ],
)
def test_what_of_a_clip_is_seen(frames, tokens, text):
    assert said.say_seen(frames, tokens, 16).startswith(text)


def test_losses_of_the_stages():
    assert said.say_losses([0.9, 0.5], [1.3, 0.6]) == (
        "The loss falls from 0.90 to 0.50 in the projector stage; in finetuning it falls from 1.30 "
        "to 0.60."
    )
    assert "rises from 0.50 to 0.90" in said.say_losses([0.5, 0.9], [0.7, 0.7])
    assert "ends where it began, at 0.70" in said.say_losses([0.5, 0.9], [0.7, 0.7])
    assert said.say_losses([], [0.7]) == (
        "The loss is not logged in the projector stage; in finetuning it is 0.70, logged once."
    )
    assert said.say_start([0.9, 0.5], [1.3]).startswith("Finetuning begins higher than")
    assert said.say_start([0.5, 0.9], [0.7]).startswith("Finetuning begins no higher than")
    assert said.say_start([], [0.7]) == "The two stages cannot be compared."


def test_what_the_stages_learn_from():
    assert "eight families" in said.say_stages(False)
    assert "same conversations" in said.say_stages(True)


def test_a_full_count_beside_equation_1():
    more = said.say_count(136.0, 100.0)
    assert more.startswith("The full count is 36% more than that of Equation 1, which leaves out")
    assert "as large as" in said.say_count(100.1, 100.0)
    less = said.say_count(90.0, 100.0)
    assert less.startswith("The full count is 10% less than that of Equation 1, in which")
    assert "2.5 times as much as that of Equation 1" in said.say_count(250.0, 100.0)
    assert said.say_counted(2.5e12, 2e12) == "2.0 TFLOPs by Equation 1 and 2.5 by a full count"


def test_pace_of_training():
    core = said.say_pace(0.16, "cpu")
    assert core.startswith("Training reaches 16% of the rate at which one core multiplies")
    assert "Python" in core and "GPU" not in core
    assert "the GPU" in said.say_pace(0.4, "cuda")
    assert "busy with something else" in said.say_pace(1.2, "cpu")


def test_choices_that_make_training_faster():
    ratios = pd.Series({"features from the cache": 210.3, "fused AdamW": 0.997, "one thread": 0.72})
    assert said.say_speed(ratios) == (
        "The work is faster with features of the tower kept in a cache (210 times); "
        "as fast with fused AdamW; slower with one thread in place of two (1.4 times as long)."
    )
    assert said.say_speed(pd.Series({"x": 1.0})) == (
        "The work is not faster with any of the choices; as fast with x."
    )


def test_threads():
    assert said.say_threads(0.72).endswith("less is gained than by a second process.")
    assert said.say_threads(0.5).endswith("as much is gained as by a second process.")


def test_what_each_set_gives():
    every = said.say_drawn(pd.Series({"a": 30, "b": 10}))
    assert every == "Every one of the 2 sets gives some; a gives the most, 30 or 75%."
    some = said.say_drawn(pd.Series({"a": 4, "b": 0, "c": 0}))
    assert some.startswith("Of the 3 sets b and c would give none; a gives the most")


def test_answers_of_the_exercises():
    assert said.say_missed({8: 0, 4: 11}, 15) == (
        "Missed with 8 frames: in none of 15 places; with 4 frames: in 11 of 15 places."
    )
    assert said.say_steps(3906.25, 8) == "The paper takes 3,906 steps, this run 8."
    assert said.say_longer(300.0, 1200.0) == (
        "It would take 300 years here, and 1,200 hours on eight A100s."
    )
    assert "37 days here" in said.say_longer(0.1, 1.0)
