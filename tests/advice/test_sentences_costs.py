"""What chapters 1, 2, 12 and 13 say of their tables, branch by branch."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.sentences import costs, designs


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0, 0, 0.0), "accepts no design at this budget"),
        ((10, 0, 0.9), "Of the 10 designs that the LM-only count accepts, none overspends."),
        ((1200, 300, 7.24), "Of the 1,200 designs .* 25% overspend it, the worst 7.2 times."),
        ((1200, 2, 1.1), "less than 1% overspend it"),
    ],
)
def test_overspending(numbers, said):
    assert pd.Series([costs.say_overspent(*numbers)]).str.contains(said).all()


@pytest.mark.parametrize(
    ("one_frame", "said"),
    [
        ((1.4e12, 0.7e12), "reads at most 7 frames of 49 tokens; 14 would seem possible"),
        ((9e12, 4e12), "reads at most 1 frame of 49 tokens; 2 would"),
        ((11e12, 9e12), "cannot encode and read even one frame of 49 tokens; 1 would"),
        ((30e12, 20e12), "a model of 7.5B cannot read a single frame of 49 tokens."),
        ((4.1e12, 4e12), "2 frames of 49 tokens; the encoder does not change that number."),
    ],
)
def test_frames_that_a_budget_buys(one_frame, said):
    assert said in costs.say_afforded(10, 7.5e9, 49, *one_frame)


def bills(largest, encoder):
    table = {"largest true cost, TFLOPs": largest, "of it the encoder": encoder}
    return pd.DataFrame(table, index=["1B", "7.5B"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            bills([80.0, 82.0], [79.0, 70.0]),
            "nearly the same for every LM size, and most of each is",
        ),
        (bills([80.0, 82.0], [79.0, 10.0]), "takes most of it for 1 of the 2 LM sizes."),
        (
            bills([80.0, 160.0], [70.0, 150.0]),
            "The largest cost, with 7.5B, is 2.0 times that with 1B",
        ),
        (bills([80.0, 160.0], [7.0, 15.0]), "with 1B; encoding frames takes most of it for none"),
        (bills([0.0, 160.0], [0.0, 15.0]), "accepts no design of some LM size"),
    ],
)
def test_bills(table, said):
    assert said in costs.say_bills(table)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((340.0, 0.088, 30), "the ratio is 340: inference has caught up with finetuning after 2.1"),
        ((1.0, 30, 30), "has caught up with finetuning after 30 days"),
        (
            (0.0033, 300, 1),
            "0.0033: inference would catch up .* 300 days, and the service lasts 1$",
        ),
    ],
)
def test_deployment(numbers, said):
    assert pd.Series([costs.say_deployment(*numbers)]).str.contains(said).all()


def lines(*ratios):
    rows = [(d, n, r * d) for n, r in enumerate(ratios) for d in (0.1, 1.0, 10.0)]
    return pd.DataFrame(rows, columns=["days", "train_examples", "ratio"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (lines(0.001, 0.002), "2 parallel rising lines on logarithmic axes, all below one"),
        (lines(0.001, 1.0), "1 of the 2 lines cross one, from 1 to 1 days."),
        (lines(10.0, 0.1), "all cross one, from 0.1 to 10 days after the start."),
    ],
)
def test_curves(table, said):
    assert said in costs.say_curves_above(table)


def test_a_decoder_stands_for_its_own_size_or_for_the_nearest():
    assert "the catalogued decoder of that size" in costs.say_decoder("a", 7.5e9, 7.2e9, 0.08)
    assert "of 358M parameters, the nearest in the catalogue to 500M" in costs.say_decoder(
        "a", 0.358e9, 0.5e9, 0.08
    )


@pytest.mark.parametrize(
    ("exact", "said"), [(115.0, "15% more than"), (100.1, "as much as"), (90.0, "10% less than")]
)
def test_the_exact_count(exact, said):
    assert f"TFLOPs, {said} Equation 1 says" in costs.say_exact(exact, 100.0, 0.1)


def test_answers_and_further_questions():
    assert costs.say_answer(0.01).endswith("the prefill is most of the cost.")
    assert costs.say_answer(0.2).endswith("a considerable part of the cost.")
    said = costs.say_further(2.0, 99.0, 0.98)
    assert "2.0% of the first; 50 of them" in said and "hardly on the video" in said
    assert said.startswith("A further question costs 2 TFLOPs, ")
    assert "attention to the video is a part of" in costs.say_further(2.0, 99.0, 0.6)


def passes(encode, read, write_one, write_many):
    rows = [("encode", 1, encode), ("read video", 1, read)]
    rows += [("write", 1, write_one), ("write", 16, write_many)]
    return pd.DataFrame(rows, columns=["work", "videos", "intensity"])


def test_which_passes_keep_a_device_busy():
    said = costs.say_passes(passes(500, 400, 1, 15), 153)
    assert said.startswith("For one video the arithmetic binds in encoding and reading the video")
    assert "1 FLOPs for each byte, where the device could do 153" in said
    assert "share that reading and do 15 FLOPs for each byte, which still leaves the" in said
    mixed = costs.say_passes(passes(500, 20, 1, 200), 153)
    assert "binds in encoding: seconds" in mixed and "bandwidth binds in reading the video" in mixed
    assert "200 FLOPs for each byte, which keeps the arithmetic busy." in mixed
    without = passes(500, 400, 1, 15).query("work != 'write'")
    for unwritten in (without, passes(500, 400, np.nan, np.nan)):
        assert costs.say_passes(unwritten, 153).endswith("seconds follow FLOPs.")


def test_writing():
    assert costs.say_writing(0, 0).startswith("nothing, since no answer")
    assert costs.say_writing(0.01, 0.5).startswith(
        "1.0% of the FLOPs and 50% of the seconds: a bud"
    )
    assert "about as well" in costs.say_writing(0.3, 0.4)


def test_what_an_hour_is_worth_never_compares_a_device_with_itself():
    dollars = {"l4": 10.0, "a100": 4.0, "h100": 2.0}
    assert costs.say_worth(dollars, "a100").startswith(
        "an hour of l4 does the work of 0.40 hours of a100, and an hour of h100 that of 2.00"
    )
    assert costs.say_worth(dollars, "l4").startswith(
        "an hour of a100 does the work of 2.50 hours of l4"
    )


def counts(*rows):
    return pd.DataFrame(rows, index=[2.0, 30.0], columns=["1B", "7.5B"])


def test_choices_of_a_tolerance():
    assert (
        designs.say_choices(counts([5, 5], [5, 5]))
        == "Every budget leaves 5 designs for every LM size."
    )
    said = designs.say_choices(counts([5, 0], [78, 40]))
    assert said == "There is no design with 7.5B at 2 TFLOPs; the most are 78 with 1B at 30 TFLOPs."
    assert "The fewest are 1 with 7.5B at 2 TFLOPs, where" in designs.say_choices(
        counts([5, 1], [78, 40])
    )


def curve(*tokens):
    return pd.DataFrame({"lm_params": 1e9, "tokens_per_frame": tokens})


def test_the_papers_own_designs_at_a_budget():
    assert designs.say_ran(curve(4, 9), 30, [2, 30]) == "red rings: the 2 that the paper ran"
    assert designs.say_ran(curve(), 20.0, [2, 30]) == (
        "the paper ran none at 20 TFLOPs (it ran at 2 and 30)"
    )
    assert "no designs to compare" in designs.say_spread(curve(), curve(1, 100))
    assert "nothing to spread" in designs.say_spread(curve(1), curve(1))
    assert "span 50% of their curves, in log tokens: they were" in designs.say_spread(
        curve(1, 10), curve(1, 100)
    )
    assert designs.say_spread(curve(1, 100), curve(1, 100)).endswith("from end to end.")


def test_what_a_budget_is_for_a_service():
    said = costs.say_budget(10.0, "a100", 0.4, 0.0801, 30.9)
    assert said == (
        "At 40% of its peak, one a100 spends 0.0801 s on 10 TFLOPs; a billion videos a month "
        "keep 31 of them busy, for 22,200 device-hours"
    )


def test_hours_utilisation_and_the_gpus_that_a_run_needs():
    hours = pd.Series([31.4, 912.0])
    assert costs.say_hours(hours, "l4") == "from 31.4 to 912 hours of l4"
    assert costs.say_implied(0.07, 0.17).startswith("7.0% is low for a training run. At 40% of the")
    assert costs.say_implied(0.35, 0.9).startswith("35.0% is a usual value")
    assert costs.say_implied(1.4, 3.0).startswith("No GPU works at 140% of its peak")
    names, counts = ["small", "large"], [1, 2, 4]
    assert costs.say_fits({"small": 1, "large": 1}, names, counts) == (
        "every decoder fits one of these GPUs"
    )
    assert costs.say_fits({"small": 1, "large": 4}, names, counts) == (
        "small needs 1 and large needs 4 of these GPUs"
    )
    assert "large more than 4" in costs.say_fits({"small": 2}, names, counts)
