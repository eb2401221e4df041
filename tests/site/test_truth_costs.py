"""What the chapter on exact costs says is made again from its tables."""

import pandas as pd
import pytest

from vvlm_utils.site.truth.recomputed import RECOMPUTED

PARAMETERS = pd.DataFrame(
    {"value": ['"l4"', 10.0, 0.4], "may be": ["a device", "positive", "at most 1"]},
    index=["accelerator", "budget_tflops", "utilisation"],
)
MONTH = pd.DataFrame(
    [[0.2, 18000.0, 78.0, 55.6], [0.02, 180000.0, 8.0, 5.6]],
    columns=["seconds per video", "videos per hour",
             "devices for a billion videos in 30 days", "dollars per million videos"],
    index=pd.Index(["l4", "h100"], name="device"),
)  # fmt: skip
SAID = (
    "At 40% of its peak, one l4 spends 0.2 s on 10 TFLOPs; a billion videos a month keep 78 of "
    "them busy, for 55,600 device-hours"
)


def test_the_price_of_a_budget_is_that_of_its_row():
    assert RECOMPUTED["exact_cost"]([PARAMETERS, MONTH], {}) == {"budget": SAID}


@pytest.mark.parametrize(("column", "value"), [(1, 9000.0), (2, 79.0)])
def test_another_table_says_something_else(column, value):
    table = MONTH.copy()
    table.iloc[0, column] = value
    assert RECOMPUTED["exact_cost"]([PARAMETERS, table], {}) != {"budget": SAID}
