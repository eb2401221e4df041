"""Sentences of chapter 5 that their tables contradict are found."""

import pandas as pd
import pytest

from vvlm_utils.site.truth import runs as truth

SHARE = "lower over upper half, per doubling"
GAINS = pd.Index(["best run", "best run", "curve", "curve"], name="reading")
TABLES = [
    pd.DataFrame(
        {
            "LM size": ["2.8B", "7.5B"],
            "frames": [5.0, 15.0],
            "tokens per frame": [64.0, 25.0],
            "finetuning examples": ["2M", "2M"],
            "best score": [53.31, 57.85],
            "worst score": [49.41, 51.15],
        },
        index=[5.0, 15.0],
    ),
    pd.DataFrame({"residual SD (points)": [0.3, 0.48]}, index=["star, frames", "isoFLOP"]),
    pd.DataFrame(
        {"steps": [6.0, 18.0], "rises": [0.0, 2.0], "largest rise (points)": ["–", 0.63]},
        index=["frames", "tokens per frame"],
    ),
    pd.DataFrame(
        {
            "lower half": ["-1.99 (-2.30 to -1.69)", "-1.64 (-1.98 to -1.29)"],
            "upper half": ["-1.32 (-1.63 to -1.01)", "-1.65 (-2.00 to 0.31)"],
            SHARE: ["1.51 (1.11 to 2.14)", "0.99 (0.68 to 1.43)"],
        },
        index=["frames", "training examples"],
    ),
    pd.DataFrame({"value": [0.1, 0.3], "low": [-0.1, 0.1], "high": 1.0}, index=["1B", "7.5B"]),
    pd.DataFrame(
        {"of": ["frames", "tokens"], "factor (median)": [4.5, 2.3], "low": [1.4, 0.4], "high": 9.0},
        index=["1B", "1B"],
    ),
    pd.DataFrame(
        {
            "1B, best score": [50.3, 52.7],
            "7.5B, best score": [53.2, 57.9],
            "loss of 1B (median)": [3.6, 5.3],
            "low": [2.6, 4.3],
            "high": [4.6, 6.2],
        },
        index=[5.0, 15.0],
    ),
    pd.DataFrame(
        {"LM size": ["1B", "7.5B"] * 2, "gain": [1.5, 0.9, 1.0, 0.5], "pairs of runs": 1.0},
        index=GAINS,
    ),
]
WORDS = {f"c0{k}_verdict": "holds" for k in (1, 2, 3)}
TRUE = {
    "rises": "2 of 24 steps raise the error, all of them in tokens per frame, by at most 0.6 "
    "points.",
    "slopes": "every slope but that of training examples has its whole interval below zero",
    "doublings": "Per doubling, returns diminish for frames; for training examples the interval "
    "leaves it open.",
    "bends": "The curvature is positive with its whole interval for 1 of the 2 LMs.",
    "held_back": "At every budget 1B loses points",
    "readings": "Under every reading the *small* LM, 1B, gains more.",
    "verdicts": "C1 *holds*, C2 *holds* and C3 *holds*",
}


def said(tables=TABLES) -> dict:
    return truth.published_runs(tables, {"slopes": "", **WORDS})


@pytest.mark.parametrize("name", TRUE)
def test_a_sentence_follows_from_its_table(name):
    assert said()[name] == TRUE[name]


def test_other_tables_say_other_things():
    steps = TABLES[2].assign(rises=[1.0, 2.0])
    assert said([steps, *TABLES])["rises"].startswith("3 of 24 steps")
    decisive = pd.DataFrame({"lead": [0.1], '"much"': [0.9]}, index=["7.5B"])
    assert said([*TABLES, decisive])["left_out"].startswith("With this run left out")
    assert said()["left_out"].startswith("Whichever run is left out")


def test_the_chapter_says_nothing_of_the_paper_for_other_runs():
    assert truth.published_runs([], {"own_held": "The table holds 3 runs."}) == {}
