"""What chapter 13 says of its tables, branch by branch."""

from dataclasses import replace

import pandas as pd
import pytest

from vvlm_utils import cost
from vvlm_utils.advice.sentences import served


def test_lengths():
    assert served.say_lengths(pd.Series({"a": 5, "b": 5})).endswith("5 tokens in every family.")
    said = served.say_lengths(pd.Series({"a": 5_000, "b": 100}))
    assert said == "Ten minutes cost from 100 tokens (b) to 5,000 (a)."


def curves(**families):
    rows = [(f, d, v) for f, row in families.items() for d, v in enumerate(row)]
    return pd.DataFrame(rows, columns=["family", "duration", "visual_tokens"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (curves(a=[1, 1], b=[2, 2]), "Tokens stay the same at every length in a and b."),
        (curves(a=[1, 2], b=[2, 3]), "Tokens grow with length in a and b."),
        (
            curves(a=[1, 1], b=[2, 3], c=[2, 3]),
            "Tokens stay the same at every length in a; they grow with length in b and c; "
            "b and c share a line.",
        ),
    ],
)
def test_curves(table, said):
    assert served.say_curves(table) == said


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (
            [100, 80, 50],
            "the fewest, 50, come with c. The classes of transformers give two answers, 100 and 80",
        ),
        (
            [100, 100, 100],
            "the clip into 100 tokens. A limit on the pixels of a frame changes",
        ),
        ([100, None, 100], "the clip into 100 tokens. Its processor has no limit"),
    ],
)
def test_flags(tokens, said):
    assert said in served.say_flags(pd.Series(tokens, list("abc"), dtype=object), "m")


def test_floor():
    fixed = next(m for m in cost.load_catalogue().values() if m.rule.bounds == "fixed")
    assert "whatever the flags" in served.say_floor(fixed, 256)
    pruned, other = cost.get_model("qwen3-vl-8b"), cost.get_model("qwen2-vl-7b")
    assert "only pruning, which vLLM offers" in served.say_floor(pruned, 64)
    assert served.say_floor(pruned, 64).endswith("its lower part is out of reach.")
    assert served.say_floor(pruned, 300).endswith("1 to 196; all of it is out of reach.")
    assert served.say_floor(pruned, 1).endswith("1 to 196; all of it can be reached.")
    assert ("no flag" in served.say_floor(other, 64)) == (not other.rule.prunes)


def test_falls_of_errors_beside_the_law():
    fall = pd.DataFrame({"a": [10.0, 20, 8], "b": [12.0, 22, 8]}, index=["the law", "m", "l"])
    said = served.say_falls(fall)
    assert "the law predicts that the error falls by 11%" in said
    assert said.endswith("8% for l and 21% for m: by more than predicted for 1 of the 2 models.")


def test_shares_and_ratios():
    rows = [("a1", "a", 1, 60.0, 1.1), ("a2", "a", 2, 30.0, 1.3)]
    rows += [("b1", "b", 1, 20.0, 1.2), ("b2", "b", 2, 25.0, 0.9), ("c", "c", 1, 10.0, 1.2)]
    priced = pd.DataFrame(rows, columns=["model", "family", "params", "share", "ratio"])
    assert served.say_shares(priced) == (
        "The share runs from 10% (c) to 60% (a1); with size it falls steadily in 1 of the 2 "
        "families of several models."
    )
    assert served.say_ratios(priced) == (
        "The middle model costs 20% more than Equation 1 says; the ratio runs from 0.90 (b2) to "
        "1.30 (a2)."
    )


def test_the_nearest_to_a_design():
    model, clip = cost.get_model("qwen3-vl-8b"), cost.Clip(10.0, 1280, 720)
    server = cost.Server(cost.get_accelerator("l4"), price_per_hour=0.8)
    found = cost.find_flags(model, clip, 8, 36)
    price = cost.price_clip(model, clip, found.flags, server)
    said = served.say_nearest(price, "qwen3-vl-8b", (8, 36))
    assert said.startswith("The flags of qwen3-vl-8b come to it with 8 frames of 36 tokens: ")
    assert said.endswith("the CPU cores, which decode the video files, set the pace.")
    many = cost.price_clip(model, clip, found.flags, replace(server, cores=64))
    assert served.say_nearest(many, "qwen3-vl-8b", (8, 36)).endswith("; the device sets the pace.")
    assert "come nearest to it" in served.say_nearest(price, "qwen3-vl-8b", (8, 16))


def test_bills_and_rankings():
    bill = pd.DataFrame({"dollars per million": [10.0, 50.0]}, index=[4, 32])
    assert "10 dollars with 4 frames and 50 with 32." in served.say_bill(bill, "m", "l4")
    assert "about 10 dollars with 4 frames as with 32." in served.say_bill(bill * 0 + 10, "m", "l4")
    assert "No model" in served.say_ranking([], [])
    assert served.say_ranking(list("abcd"), [2, 1, 3, 9]).endswith("are the smallest.")
    assert served.say_ranking(list("abcd"), [2, 9, 3, 1]).endswith("are not the smallest.")
