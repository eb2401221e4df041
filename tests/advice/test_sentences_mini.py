"""What chapter 10 says of its tables: every branch."""

import pandas as pd
import pytest

from vvlm_utils.advice.sentences import mini as said

CENTRE = {"lm_params": 4e4, "frames": 8, "tokens_per_frame": 25}
BOARD = ("tokens_per_frame", 16)


def steps(*rows):
    """Steps as (factor, n, below, up_to, low, high)."""
    names = ["factor", "train_examples", "below", "up_to", "low", "high"]
    table = pd.DataFrame(rows, columns=names)
    value = (table["low"] + table["high"]) / 2
    return table.assign(value=value, in_se=value / 0.5)


FALL = ("frames", 256, 1, 2, -2.0, -1.0)
OPEN = ("frames", 256, 2, 4, -1.0, 1.5)
ACROSS = ("tokens_per_frame", 256, 9, 16, 0.5, 1.5)
RISE = ("frames", 256, 8, 12, 1.0, 3.0)


def test_noise_in_order_and_draws_that_are_missing():
    assert "then the clips (0.5), then the seed (0.4)" in said.say_noise(
        {"seed": 0.4, "draw": 1.2, "clips": 0.5}
    )
    assert "where the plan" not in said.say_draws(7, 4, (7, 4))
    assert said.say_draws(3, 2, (7, 4)).endswith("where the plan has 7 and 4")


def test_families_that_gain_most_from_another_factor_are_named():
    worth = pd.DataFrame({"frames": [9.0, 5.0], "lm_params": [1.0, 4.0]}, index=["brief", "both"])
    made = {"brief": ("frames",), "both": ("frames", "lm_params")}
    assert said.say_worth(worth, made).endswith("most from in 2 of 2.")
    assert said.say_worth(worth, made | {"brief": ("lm_params",)}).endswith(
        "in 1 of 2; `brief` gains most from frames."
    )


def test_families_that_know_no_better_than_blind_are_named():
    assert said.say_blind(pd.Series({"a": 5.2, "b": 9.0})).startswith("Yes: each by 5 ")
    assert "of `a` no design" in said.say_blind(pd.Series({"a": 1.2, "b": 9.0}))


@pytest.mark.parametrize(
    ("rows", "text", "word"),
    [
        ([FALL], "none of the steps, and in none with its whole interval.", "holds"),
        ([FALL, OPEN], "1 of the 2 steps, and in none with its whole interval.", "holds"),
        ([FALL, ACROSS], "expected: tokens per frame 9 to 16 (n = 256)).", "holds"),
        ([RISE, FALL], "interval (not expected: frames 8 to 12 (n = 256)).", "does not hold"),
        ([RISE, ACROSS], "expected: tokens per frame 9 to 16 (n = 256); not exp", "does not hold"),
        ([("train_examples", 1024, 256, 1024, 1, 2)], "examples 256 to 1024).", "does not hold"),
    ],
)
def test_rises_are_told_and_only_the_expected_one_is_forgiven(rows, text, word):
    assert text in said.say_rises(steps(*rows), BOARD)
    assert said.judge_c1("holds", steps(*rows), BOARD) == word


def test_c1_names_the_worst_rise_that_nobody_expected():
    assert said.say_c1("holds", steps(FALL, ACROSS), BOARD).endswith("the claim **holds**.")
    assert said.say_c1("does not hold", steps(RISE, ACROSS), BOARD).endswith(
        "**does not hold**: the step frames 8 to 12 (n = 256) raises the error by 2.0 points."
    )


def test_families_that_lose_by_more_frames_are_named():
    change = pd.Series({"sum": 40.2, "fact": 22.0, "small": -0.2})
    assert said.say_doubled(change) == (
        "With the fewest examples `sum` loses most (+40 points), then `fact` (+22); `small` "
        "changes by -0."
    )
    assert "then" not in said.say_doubled(pd.Series({"sum": 40.2, "small": -2.0}))
    assert "no family errs more" in said.say_doubled(pd.Series({"sum": -1.0, "small": -2.0}))


def test_rises_at_long_prompts_are_counted():
    # 12 frames of 25 tokens are 300; 16 tokens of 8 frames are 128
    assert said.say_long_prompts(steps(RISE, ACROSS, FALL), CENTRE, 160) == (
        "1 of the 2 rises end at more than 160 visual tokens, the most that a text of pretraining "
        "held"
    )
    assert said.say_long_prompts(steps(RISE), CENTRE, 160).startswith("The only one of the rises")
    assert said.say_long_prompts(steps(FALL), CENTRE, 160).startswith("No step")


def test_steps_in_size_reach_the_aim_or_miss_it():
    large = steps(("lm_params", 256, 1, 2, -3.0, -2.0), ("lm_params", 256, 2, 4, -1.0, 0.0))
    assert said.say_sizes(large) == (
        "A step in LM size is worth 3.0 standard errors on average (median 3.0), which reaches the "
        "aim of 3; 1 of 2 steps lie below it"
    )
    assert "which misses the aim of 4; 1 of 2" in said.say_sizes(large, 4.0)


def test_joint_gains_are_shown_open_contradicted_or_not_run():
    rows = {
        name: {"value": (low + high) / 2, "low": low, "high": high}
        for name, low, high in (("a", 1, 3), ("b", -1, 1), ("c", -3, -1))
    }
    assert said.say_joint(rows | {"d": None}) == (
        "a: shown, 2.0 points (1.0 to 3.0); b: open, 0.0 points (−1.0 to 1.0); "
        "c: contradicted, −2.0 points (−3.0 to −1.0); d: not run yet"
    )


def test_a_miss_lies_within_the_aim_or_beyond():
    e_pct = pd.Series({"add": 6.0, "mult": 9.0})
    assert "6.0 at best (add), beyond the aim of 5, and 9.0 at worst (mult)" in said.say_miss(
        e_pct, 5
    )
    assert "within the aim of 7" in said.say_miss(e_pct, 7)


def causes(*true):
    return pd.DataFrame({"cause": [name in true for name in said.CAUSES]}, index=list(said.CAUSES))


def test_causes_are_named_for_every_law():
    assert said.say_causes({"a": causes("draw"), "b": causes("draw")}) == (
        "By the rule of the plan, for both laws: the draw of the centre's decoder."
    )
    assert "for both laws: none of the three" in said.say_causes({"a": causes(), "b": causes()})
    assert said.say_causes({"a": causes("joint gain"), "b": causes()}) == (
        "By the rule of the plan: for a what two factors gain together; for b none of the three."
    )


def scored(inside, relative, sizes):
    return pd.DataFrame(
        {"model": "paper", "inside": inside, "relative": relative, "lm_params": sizes}
    )


def test_predictions_hold_up_or_not_and_the_larger_decoder_is_told_apart():
    found = said.say_predicted(
        scored([True, True, False], [2.0, -4.0, 9.0], [1e3, 1e4, 5e5]), 2e5, 2
    )
    assert found == (
        "paper: 2 of 3 designs inside, so it holds up; E% 3.0 where the LM size was seen and 9.0 "
        "for the larger decoder, overestimated on average."
    )
    below = said.say_predicted(scored([False], [-9.0], [5e5]), 2e5, 1)
    assert "does not hold up and 9.0" in below and "underestimated" in below
    assert "larger" not in said.say_predicted(scored([True], [1.0], [1e3]), 2e5, 1)


def test_what_is_missing_of_the_held_out_question():
    assert said.say_no_predictions(True).startswith("The predictions stand")
    assert "not written yet" in said.say_no_predictions(False)


def test_a_cause_tried_afterwards_needs_the_share_that_the_board_needed():
    before = {"add": 8.0, "rich": 10.0}
    assert said.say_afterwards(before, {"add": 6.0, "rich": 7.0}, 0.25) == (
        "E% falls from 8.0 to 6.0 (add) and falls from 10.0 to 7.0 (rich): a cause by the measure "
        "used for the board"
    )
    assert said.say_afterwards(before, {"add": 7.0, "rich": 7.0}, 0.25).endswith(
        "a cause by the measure used for the board for rich alone"
    )
    none = said.say_afterwards(before, {"add": 9.0, "rich": 9.0}, 0.25)
    assert "rises from 8.0 to 9.0" in none and none.endswith(
        ": no cause by the measure used for the board"
    )


def test_c10_without_a_law_is_shown_open_or_contradicted():
    up, down, open_ = ({"low": low, "high": high} for low, high in ((1, 2), (-2, -1), (-1, 1)))

    def say(frames, tokens):
        return said.say_star_moves({"frames with n": frames, "tokens with n": tokens})

    assert say(up, up) == "frames and tokens both gain more with more data, as expected."
    assert say(up, down) == (
        "frames gain more with more data, as expected; tokens gain less, against what was expected."
    )
    assert say(up, open_).endswith("as expected; for tokens it is open.")
    assert say(open_, open_) == "for frames and tokens it is open."


def test_what_lies_against_the_world_is_named_with_its_law():
    columns = ["lm_params", "frames", "tokens_per_frame"]
    signs = pd.DataFrame([[True, None, False], [None, None, None]], ["a", "b"], columns)
    assert said.say_opposite(signs).endswith("is what is said of tokens per frame by a.")
    assert said.say_opposite(signs.loc[["b"]]) == "No law says the opposite with its whole band."


def test_laws_are_better_worse_or_as_good():
    r2 = pd.Series({"a": 0.9, "b": 0.8, "c": 0.897})
    assert "`a` predicts better than `b` (R² 0.900 and 0.800)" in said.say_better("a", "b", r2)
    assert "worse than" in said.say_better("b", "a", r2)
    assert "about as well as" in said.say_better("a", "c", r2)


def test_picks_and_what_they_lose():
    assert said.say_lost(pd.Series([0.0, 1.0, 2.0])) == (
        "The law's pick is the best measured on 1 of the 3 curves, and it loses 1.0 points on "
        "average and 2.0 at most"
    )


def test_gaps_name_the_frames_where_they_are_sure():
    gaps = pd.DataFrame({"gap": [0.0, 0.4, 13.6, 35.1], "low": [-1.0, -1.0, 12.8, 34.0]},
                        index=[2, 4, 8, 16])  # fmt: skip
    assert said.say_gaps(gaps, 2) == (
        "The whole interval of the gap lies above zero at 8 and 16 frames; it is 13.6 points at 8 "
        "and 35.1 at 16."
    )
    assert said.say_gaps(gaps.loc[[2, 4]], 2).startswith("At no number of frames")


def test_designs_held_out_stand_beside_what_came():
    rows = [
        {"run_id": run, "lm_params": 4e4, "frames": 1, "tokens_per_frame": 9, "error": e,
         "train_examples": 1024, "model": m, "low": e - 1, "high": e + 1}
        for m, e in (("recommended", 30.0), ("paper", 40.0)) for run in ("a", "b")
    ]  # fmt: skip
    predictions = pd.DataFrame(rows)
    table = said.held_out_table(predictions, pd.DataFrame())
    assert table.columns.tolist() == ["design", "finetuning examples", "recommended", "paper"]
    assert table["paper"].tolist() == ["40.0 (39.0 to 41.0)"] * 2
    outcome = pd.DataFrame({"run_id": ["b"], "observed": [33.0]})
    assert said.held_out_table(predictions, outcome)["measured"].tolist()[1] == 33.0
    assert said.held_out_table(pd.DataFrame(), outcome).empty


def test_the_short_sentence_counts_the_designs_inside_one_models_intervals():
    outcome = pd.DataFrame({"model": ["recommended"] * 3 + ["paper"], "inside": [1, 1, 0, 1]})
    assert said.say_held_short(outcome.astype({"inside": bool}), "recommended", 0.8) == (
        "Of 3 designs that were run after the laws' predictions had been kept, 2 lie inside the "
        "80% intervals of the recommended mix."
    )
    assert "wait" in said.say_held_short(pd.DataFrame(), "recommended", 0.8)
