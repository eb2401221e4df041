"""Gains of one step more, and of cheaper parts, on laws small enough to work by hand."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.cost.equation import FACTORS, encoder_share, paper_flops
from vvlm_utils.frontier.marginal import discount_gains, marginal_gains, next_square, scaled_cost
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.space import PAPER_SPACE
from vvlm_utils.runs.table import load_runs

BAG = bag(
    LAWS["add-interact"], load_runs("paper"), rng=np.random.default_rng(0), resamples=10
)  # fmt: skip
DESIGNS = pd.DataFrame(
    {"lm_params": [7.5e9, 2.8e9], "frames": [8, 16], "tokens_per_frame": [25, 4]}
)


def test_next_square_of_a_square():
    assert next_square(np.array([1, 4, 9, 196])).tolist() == [4, 9, 16, 225]


def test_a_further_frame_is_priced_by_the_cost():
    found = marginal_gains(BAG, DESIGNS, 1e6).query("change == 'frames'")
    base = DESIGNS.assign(train_examples=1e6)
    more = base.assign(frames=base["frames"] + 1)
    added = paper_flops(*(more[f] for f in FACTORS)) - paper_flops(*(base[f] for f in FACTORS))
    gain = (BAG.predict(base) - BAG.predict(more)) / (added / 1e12)
    np.testing.assert_allclose(found["value"], gain)


def test_the_difference_is_frames_less_tokens():
    found = marginal_gains(BAG, DESIGNS, 1e6, step="double").set_index("change")["value"]
    expected = found["frames"].to_numpy() - found["tokens_per_frame"].to_numpy()
    np.testing.assert_allclose(found["difference"], expected)


def test_cheaper_parts_never_hurt_and_half_of_all_is_twice_the_budget():
    budgets = np.array([5e12, 4e13])
    found = discount_gains(BAG, budgets, 1e6).set_index("part")
    assert (found.loc[["vision", "lm"], ["value", "low"]] >= 0).all(axis=None)
    half = solve(BAG, Question(budgets, 1e6, PAPER_SPACE, scaled_cost(0.5, 0.5))).errors()
    np.testing.assert_allclose(half, solve(BAG, Question(2 * budgets, 1e6)).errors())


def test_the_dearer_part_is_the_one_worth_cheapening():
    """A small discount saves in proportion to a part's share of the cost."""
    budgets = np.array([3e12, 1e14])
    design = solve(BAG, Question(budgets, 1e6)).table()
    share = encoder_share(design["lm_params"], design["tokens_per_frame"])
    found = discount_gains(BAG, budgets, 1e6).query("part == 'difference'")["value"]
    assert share[0] > 0.5 > share[1]
    assert found.iloc[0] > 0 > found.iloc[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: marginal_gains(BAG, DESIGNS, 1e6, step="triple"), "step must be"),
        (lambda: discount_gains(BAG, [1e13], 1e6, factor=0), "vision must be a positive number"),
        (lambda: scaled_cost(lm=np.nan), "lm must be a positive number, got nan"),
    ],
)
def test_refusals_name_the_field_and_the_value(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
