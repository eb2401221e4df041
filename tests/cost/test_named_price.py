"""The price of a design, by name."""

import numpy as np
import pytest

from vvlm_utils.cli.options import CostName
from vvlm_utils.cost.architectures import ALL_COSTS
from vvlm_utils.cost.price import Price


def test_one_entry_adds_a_cost(monkeypatch):
    monkeypatch.setitem(ALL_COSTS, "frames_only", lambda n, t, v: 1e9 * np.asarray(t))
    price = Price("frames_only")
    assert price(7e9, [8, 16], 196).tolist() == [8e9, 16e9]
    assert Price.from_dict(price.to_dict()) == price


def test_an_unknown_cost_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="unknown cost 'frames_only'; the costs are paper"):
        Price("frames_only")


def test_the_command_line_lists_every_cost():
    assert [cost.value for cost in CostName] == ["table", *ALL_COSTS]
