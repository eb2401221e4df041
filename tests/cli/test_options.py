"""Groups of options: one description, whichever command takes them."""

import inspect
from dataclasses import fields

import pytest

from vvlm_utils.cli import analyse, next_runs, sweep
from vvlm_utils.cli.options import (
    FitMethod,
    FittingOptions,
    Resampling,
    SpaceOptions,
    TableOptions,
    with_groups,
)

ANSWERING = [analyse.frontier, analyse.elasticity, next_runs.next_runs, sweep.report]


@pytest.mark.parametrize("command", ANSWERING, ids=lambda c: c.__name__)
@pytest.mark.parametrize("group", [TableOptions, SpaceOptions, FittingOptions])
def test_commands_that_answer_take_every_option_of_a_group(command, group):
    shown = inspect.signature(command).parameters
    assert {f.name: f.default for f in fields(group)}.items() <= {
        name: parameter.default for name, parameter in shown.items()
    }.items()


def test_a_command_is_handed_its_group():
    heard = []

    @with_groups
    def say(runs: str, *, fitting: FittingOptions, as_json: bool = False) -> None:
        heard.append((runs, fitting, as_json))

    given = {"law": "add", "method": FitMethod.paper, "resamples": None, "prior": None}
    say(runs="mini", as_json=True, resampling=Resampling.rows, seed=3, **given)
    assert heard == [
        ("mini", FittingOptions("add", FitMethod.paper, None, Resampling.rows, None, 3), True)
    ]
    assert heard[0][1].given == {"law": "add", "method": "paper", "resampling": "rows"}
