"""Sentences of chapter 7 that their tables contradict are found."""

import pandas as pd
import pytest

from vvlm_utils.site.truth import frontiers as truth
from vvlm_utils.site.truth.recomputed import RECOMPUTED


def table(index: list, name: str = "budget (TFLOPs)", **columns) -> pd.DataFrame:
    words = {key.replace("_", " "): values for key, values in columns.items()}
    return pd.DataFrame(words, index=pd.Index(index, name=name))


TABLES = [
    table(["0.8"], "parameter", value=["0.8"], may_be=["a number"]).set_axis(["level"]),
    pd.DataFrame(
        {
            "LM size": ["7.5B", "7.5B"],
            "frames": [2.0, 8.0],
            "tokens per frame": [16.0, 36.0],
            "score": ["45.4 (42.5 to 46.5)", "53.5 (53.1 to 53.9)"],
            "refits that choose it": ["99%", "100%"],
            "others about as good": [0.0, 7.0],
        },
        index=[2.0, 10.0],
    ),
    pd.DataFrame({"this book": ["a", "b"], "the paper's law": ["a", "c"]}),
    pd.DataFrame({"design": ["14B, 2 x 9"], "outside the runs": ["LM size, frames"]}),
    pd.DataFrame({"LM sizes that may be the best": ["14B, 32B", "14B"]}),
    pd.DataFrame({"designs about as good": [6.0], "high end of the regret (points)": [0.28]}),
    pd.DataFrame({"refits that call it a tie": ["65%"]}, index=["32B, 17 x 16"]),
    pd.DataFrame({"the paper's design": ["a", "b"], "ours at that cost": ["a", "c"]}),
    pd.DataFrame({"ratio": ["6.38 (2.24 to 13.91)"]}, index=["frames over LM size"]),
    pd.DataFrame(
        {
            "planned": ["7B, 35 x 4"],
            "true cost (TFLOPs)": [25.1],
            "best at that cost": ["32B, 11 x 25"],
        },
        index=[2.0],
    ),
    pd.DataFrame({"exact cost over Equation 1": [1.0, 1.07]}),
]
GLUED = {
    "example_said": "With 10 TFLOPs per video and 500k finetuning examples, take a language model "
    "of 7.5B parameters, 8 frames and 36 tokens for each frame.",
    "example_sure": "Its expected score is 53.5 points (80% band: 53.1 to 53.9), 100% of the "
    "refits choose a language model of this size, and 7 other designs are about as good.",
    "span": "From 2 to 10 TFLOPs LM size stays at 7.5B, frames rise from 2 to 8 and tokens per "
    "frame rise from 16 to 36.",
    "largest": "At both budgets the choice is 7.5B, the largest language model that has runs; "
    "whether a larger one would do better, no run shows.",
    "deploy_said": "the two agree at 1 of 2 budgets, and where they do not the loss is a tie at "
    "1 of 1",
    "firm": "the refits agree on the language model (at least 99% choose it), but at 1 of the 2 "
    "budgets other designs are about as good",
    "outside": "the best design lies outside the runs at the only one of the budgets, each time "
    "because of its LM size: there the answer is extrapolation.",
    "apart": "More than one size is left at 1 of the 2 budgets. 3B is ruled out at every budget.",
    "flat": "At most 6 of 17,920 designs tie at one budget; the high end of the regret is 0.28 "
    "points.",
    "near": "No other design ties with the best here.",
    "agreed": "At 1 of the 2 end points the bag makes the paper's choice.",
    "rates": "frames grow faster than LM size",
    "overspent": "At 2 TFLOPs the plan costs 12.5 times its budget and loses 2.6 points.",
    "planner": "Frames look free of charge to this planner: at the only one of the budgets the "
    "plan has more frames, and fewer tokens per frame, than the best design of its true cost.",
    "ratio": "The exact cost of these designs is 1.00 to 1.07 times that of Equation 1.",
}
FALSE = {
    "example_said": ("8 frames", "9 frames"),
    "example_sure": ("7 other", "6 other"),
    "span": ("stays at 7.5B", "rises from 1B to 7.5B"),
    "largest": ("At both", "At 1 of the 2"),
    "deploy_said": ("at 1 of 2", "at 2 of 2"),
    "firm": ("99%", "90%"),
    "outside": ("each time because", "and never because"),
    "apart": ("at 1 of the 2", "at both"),
    "flat": ("0.28", "0.18"),
    "near": ("No other design ties", "Another design ties"),
    "agreed": ("1 of the 2", "2 of the 2"),
    "rates": ("frames grow faster than LM size", "LM size grows faster than frames"),
    "overspent": ("12.5", "13.5"),
    "planner": ("the plan has more", "the plan has many more"),
    "ratio": ("1.07", "1.17"),
}


def test_true_sentences_are_made_again():
    assert RECOMPUTED["frontier"](TABLES, GLUED) == GLUED


@pytest.mark.parametrize("name", FALSE)
def test_a_false_sentence_is_not(name):
    wrong = GLUED | {name: GLUED[name].replace(*FALSE[name])}
    assert wrong[name] != GLUED[name]
    assert truth.frontier(TABLES, wrong)[name] != wrong[name]


def test_a_ratio_that_is_printed_as_one_decides_nothing():
    open_ = pd.DataFrame({"ratio": ["1.38 (1.00 to 1.91)"]}, index=["frames over LM size"])
    tables = [open_ if "ratio" in t.columns else t for t in TABLES]
    assert "rates" not in truth.frontier(tables, GLUED)


def test_a_design_that_the_table_of_somebodys_runs_lacks_is_found():
    own = [pd.DataFrame({"design": ["7B LM, 8 x 36"], "refits with this LM": ["90%"]})]
    said = "At 10 TFLOPs per video and 1M training examples, deploy 7B LM, 8 x 36: predicted 4."
    assert truth.frontier(own, {"own_answer": said}) == {"own_answer": said}
    wrong = {"own_answer": said.replace("8 x 36", "9 x 36")}
    assert truth.frontier(own, wrong) != wrong
