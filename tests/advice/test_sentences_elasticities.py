"""What chapter 8 says of its tables, branch by branch."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.sentences import elasticities as said


def ends(*rows):
    return pd.DataFrame(rows, columns=["low", "high"])


def test_intervals_that_contain_zero():
    assert said.say_zeros(ends((-1, 1), (0.1, 1))) == "1 of the 2 intervals contains zero"
    assert said.say_zeros(ends((-1, 1), (-1, 1))) == "both intervals contain zero"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((2, 1, 2, 1), "in the paper and here"),
        ((1, 2, 2, 1), "in the paper, and not here"),
        ((2, 1, 1, 2), "here, and not in the paper"),
        ((1, 1, 1, 2), "neither here nor in the paper"),
    ],
)
def test_short_steps(numbers, words):
    assert words in said.say_short_steps(*numbers)


def test_reach():
    runs = pd.DataFrame({"train_examples": [250_000, 2_000_000], "lm_params": [1e9, 7.5e9]})
    assert said.say_reach((1e6, 1e7), 1e6, runs) == (
        "The average above reaches from 1M to 11M examples, the runs from 250k to 2M, and their "
        "LMs stop at 7.5B."
    )


def test_signs():
    table = pd.DataFrame({"x": [None, None], "y": [None, None]}, dtype=object)
    assert said.say_signs(table).startswith("all 4 signs are open: neither")
    table.loc[0, "x"], table.loc[1, "y"] = True, False
    assert said.say_signs(table) == (
        "2 of the 4 signs are open; of the others 1 as in the paper's table and 1 as in the "
        "poster's arrows"
    )


def gains(a, b):
    rows = [("a", k, v) for k, v in enumerate(a)] + [("b", k, v) for k, v in enumerate(b)]
    return pd.DataFrame(rows, columns=["kind", "budget_tflops", "value"])


def test_lines():
    assert said.say_lines(gains([2, 2], [1, 1]), "a", "b") == "a lies above b at every budget"
    assert said.say_lines(gains([1, 1], [1, 2]), "a", "b") == "a lies above b at no budget"
    assert said.say_lines(gains([2, 1], [1, 2]), "a", "b") == (
        "a lies above b at 0 TFLOPs and below at the others"
    )


def test_wishes():
    def table(*rows):
        return pd.DataFrame(rows, index=[2, 30, 100][: len(rows)], columns=["low", "high"])

    assert said.say_wish(table((-1, 1))).endswith("gains more is open at every budget.")
    assert said.say_wish(table((1, 2), (-1, 1), (-2, -1))) == (
        "A cheaper encoder gains more at 2 TFLOPs, and a cheaper LM at 100 (whole intervals); "
        "1 of the 3 budgets is open."
    )
    assert said.say_wish(table((-2, -1))) == (
        "A cheaper LM gains more at 2 TFLOPs (whole intervals)."
    )


def test_discounts():
    assert said.say_discount({0.5: 0.1, 0.01: 0.2}, 0.3).startswith("No discount suffices")
    assert said.say_discount({0.5: 0.1, 0.01: 0.3}, 0.3).startswith("An encoder at 0.01 of its")


def test_printed_values_beside_intervals():
    table, printed = ends((-1, 1), (0, 1), (0, 1)), pd.Series([0.5, 2, 3])
    assert said.say_held(table, printed) == "1 of the 3 intervals contains its printed value"
    assert said.say_held(table, printed - 9) == "none of the 3 intervals contains its printed value"
    assert said.say_held(table, 0 * printed) == "all 3 intervals contain their printed values"


def test_an_example_moves_stays_or_costs_more_than_noise():
    stays = said.say_example("7.5B LM, 8 x 36", "7.5B LM, 8 x 36", 0.0, 0.4)
    assert stays == (
        "The best design is 7.5B LM, 8 x 36, and it stays the best with four times the examples."
    )
    assert "would lose 0.01 points, less than the noise of a run (0.44)" in said.say_example(
        "7.5B LM, 8 x 36", "7.5B LM, 11 x 16", 0.01, 0.44
    )
    assert "1.00 points, more than the noise" in said.say_example("a", "b", 1.0, 0.4)
    assert "would lose 0.00 points" in said.say_example("a", "b", -0.1, 0.4)


def test_a_printed_value_is_told_only_where_a_band_is_known_to_hold():
    bands = pd.DataFrame(
        {"level": [0.95, 0.9, np.nan], "low": [-1, 0, np.nan], "high": [0, 1, np.nan]},
        index=["lm_params", "frames", "tokens_per_frame"],
    )
    printed = {"lm_params": -0.5, "frames": 2.0, "tokens_per_frame": 9.0}
    parts = said.say_printed(printed, bands).split("; ")
    assert parts[0].startswith("the −0.50 for LM size lies inside its 95% band")
    assert parts[1].startswith("the 2.00 for frames lies outside its 90% band")
    assert parts[2] == "for tokens per frame no band is known to hold"
    edge = said.say_printed(printed | {"lm_params": 0.004}, bands)
    assert edge.startswith("the 0.00 for LM size lies on the edge of its 95% band")


def test_intervals_that_leave_zero_beside_chance():
    assert said.say_clear(0, 27, 0.8).startswith("none of the 27 intervals leave zero; if every")
    assert said.say_clear(1, 27, 0.9).startswith("1 of the 27 intervals leaves zero")
    assert said.say_clear(27, 27, 0.9).endswith("about 3 would by chance")


def test_a_frame_ahead_under_two_laws():
    sure, open_ = ends((1, 2), (1, 2)), ends((1, 2), (-1, 2))
    assert said.say_pays(sure, open_) == (
        "per TFLOP a frame is ahead with its whole interval at both budgets under the mix, and at "
        "1 of the 2 budgets under the paper's law"
    )
    assert said.say_pays(open_, open_).endswith("at 1 of the 2 budgets under either law")


def test_a_finer_list_of_sizes():
    open_ = pd.Series({"value": -0.03, "low": -0.3, "high": 0.1})
    assert said.say_finer(open_, open_ + 0.01) == (
        "With the finer list the elasticity of LM size moves from −0.03 to −0.02, and its interval "
        "still contains zero: the coarse list alone does not leave the sign open."
    )
    assert said.say_finer(open_, open_ - 1).endswith("leaves zero out.")
    assert said.say_finer(open_ - 1, open_).endswith("only the coarse list gave it a sign.")
