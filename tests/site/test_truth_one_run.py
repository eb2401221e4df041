"""Sentences of chapters 3 and 4 that their tables contradict are found."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import evaluate as answers
from vvlm_utils.advice.sentences import finetune as trained
from vvlm_utils.site.truth.recomputed import RECOMPUTED
from vvlm_utils.site.truth.tables import unless_rounded


def table(index, **columns) -> pd.DataFrame:
    return pd.DataFrame({k.replace("__", " "): v for k, v in columns.items()}, index=index)


GIVEN = {"preset": '"mini"', "lm": '"mini-40k"', "frames": "8", "tokens_per_frame": "25"}
GIVEN |= {"train_examples": "1024", "mode": '"replay"', "device": '"cpu"', "data": '""'}
PARAMETERS = table(list(GIVEN), value=list(GIVEN.values()), may__be="x")
MADE = {"transformers": "5.23.0", "commit": "abc", "device": "x86_64", "date": "2026-11-26"}
RATIOS = pd.Series({"fused AdamW": 1.0, "one thread": 0.72})
TRAINED = [
    PARAMETERS,
    table(list(MADE), value=list(MADE.values())),
    pd.DataFrame({"MFLOPs per video": [50.6, 75.68]}, index=["Equation 1", "full count"]),
    table(["clips per second", "training as a share of matrix products"], measured=["37.3", "16%"]),
    pd.DataFrame({"against": ["x", "y"], "ratio": RATIOS.to_numpy()}, index=RATIOS.index),
    pd.DataFrame({"share": ["75%", "25%"], "in this run": [768.0, 256.0]}, index=["a", "b"]),
]
TRAINED_SAID = {
    "run_said": "the decoder mini-40k on 1,024 clips, each seen as 8 frames of 25 tokens",
    "scale": trained.say_scale("mini"),
    "seen": trained.say_seen(8, 25, 16),
    "source": trained.say_source("replay", MADE),
    "stages": trained.say_stages(False),
    "counted_said": "50.6 MFLOPs by Equation 1 and 75.7 by a full count",
    "count": trained.say_count(75.68, 50.6),
    "pace": trained.say_pace(0.16, "cpu"),
    "speed": trained.say_speed(RATIOS),
    "threads": trained.say_threads(0.72),
    "drawn": "Every one of the 2 sets gives some; a gives the most, 768 or 75%.",
}
TRAINED_FALSE = {
    "run_said": ("8 frames", "4 frames"),
    "scale": ("a small world", "the world"),
    "seen": ("200", "100"),
    "source": ("is replayed from its record", "was trained now"),
    "stages": ("eight families", "nine families"),
    "counted_said": ("75.7", "85.7"),
    "count": ("more than", "less than"),
    "pace": ("16%", "61%"),
    "speed": ("slower with one thread", "faster with one thread"),
    "threads": ("less is", "as much is"),
    "drawn": ("Every one", "None"),
}
ERRORS = pd.Series({"brief": 15.0, "sum": 80.9, "average": 47.9})
RUNS = ["of the sweep"] * 3 + ["of this chapter"]
EVALUATED = [
    PARAMETERS,
    pd.DataFrame(
        {
            "error (points)": ERRORS,
            "standard error": [1.12, 0.92, 0.51],
            "standard errors below blind": [59.6, 0.8, 66.2],
        }
    ),
    pd.DataFrame(
        {
            "draw of the decoder": [0, 1, 2, 0],
            "seed of the finetuning": [0, 1, 2, 0],
            "error (points)": [47.9, 44.1, 49.2, 47.9],
            "standard error (points)": 0.51,
        },
        index=RUNS,
    ),
    pd.DataFrame(
        {
            "smallest": [52.0, 79.0],
            "largest": [0.0, 80.0],
            "standard error, smallest": [3.5, 2.9],
            "standard error, largest": [0.0, 2.8],
        },
        index=["brief", "sum"],
    ),
    pd.DataFrame({"kind": ["caption, judged", "multiple choice"], "up to": [5.0, 1.0]}),
]
OTHERS = pd.Series([44.1, 49.2])
EVALUATED_SAID = {
    "run_said": TRAINED_SAID["run_said"],
    "average": "averaged over the 2 families its error is 47.9 ± 0.51 points",
    "error": "47.9 ± 0.51 points",
    "near": answers.say_near(pd.Series({"brief": 59.6, "sum": 0.8})),
    "again": "The sweep's own run of this draw and seed has the same error.",
    "beside": answers.say_beside(47.9, OTHERS),
    "spread": answers.say_spread(OTHERS, 0.51),
    "difficulty": "Difficulty matters most in the family brief: the error is 52 points in the "
    "group at one end and 0 in the group at the other; in the family sum the two ends do not "
    "differ by more than two standard errors.",
    "judged": "a language model judges the answers of 1 of the 2 benchmarks",
}
EVALUATED_FALSE = {
    "run_said": ("1,024", "256"),
    "average": ("47.9", "37.9"),
    "error": ("0.51", "0.15"),
    "near": ("The family sum", "The family brief"),
    "again": ("has the same error", "differs by 1.0 points"),
    "beside": ("lies within them", "lies 1.0 points above all of them"),
    "spread": ("3.61", "1.61"),
    "difficulty": ("most in the family brief", "most in the family sum"),
    "judged": ("1 of the 2", "2 of the 2"),
}
CASES = {
    "finetune": (TRAINED, TRAINED_SAID, TRAINED_FALSE),
    "evaluate": (EVALUATED, EVALUATED_SAID, EVALUATED_FALSE),
}


@pytest.mark.parametrize("chapter", CASES)
def test_true_sentences_are_made_again(chapter):
    tables, glued, _ = CASES[chapter]
    assert RECOMPUTED[chapter](tables, glued) == glued


@pytest.mark.parametrize(
    ("chapter", "name"), [(chapter, name) for chapter in CASES for name in CASES[chapter][2]]
)
def test_a_false_sentence_is_not(chapter, name):
    tables, glued, false = CASES[chapter]
    wrong = glued | {name: glued[name].replace(*false[name])}
    assert wrong[name] != glued[name]
    assert RECOMPUTED[chapter](tables, wrong)[name] != wrong[name]


def test_a_family_without_errors_counts_as_far_from_the_blind_answer():
    tables = [t.copy() for t in EVALUATED]
    tables[1]["standard errors below blind"] = ["∞", "–", 66.2]
    found = RECOMPUTED["evaluate"](tables, EVALUATED_SAID)["near"]
    assert found.startswith("The family sum does not do better than")


def test_digits_alone_may_differ():
    assert unless_rounded("from 47.9 to 49.2", "from 47.8 to 49.2") == "from 47.9 to 49.2"
    assert unless_rounded("from 47.9 to 49.2", "from 40.0 to 49.2") == "from 40.0 to 49.2"
