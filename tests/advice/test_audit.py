"""What a design can decide is a fact of its levels; what moves together is said by name."""

import json

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.audit import audit_runs, confounding, not_separate
from vvlm_utils.cost.equation import TRAIN_EXAMPLES
from vvlm_utils.laws.forms import LAWS, make_law
from vvlm_utils.runs.table import load_runs, validate_runs

THREE = {"lm_params": (1e9, 3e9, 8e9), "frames": (4, 8, 16), "tokens_per_frame": (16, 64, 196)}


def grid(train_examples=(1e5, 2e5, 4e5), **levels) -> pd.DataFrame:
    """Runs of every combination, their error an additive law of the factors."""
    values = THREE | levels | {TRAIN_EXAMPLES: train_examples}
    mesh = np.meshgrid(*values.values(), indexing="ij")
    table = pd.DataFrame({name: axis.ravel() for name, axis in zip(values, mesh, strict=True)})
    error = 10 + 50 * table["frames"] ** -0.5 + 90 * table["train_examples"] ** -0.2
    error += 40 * table["tokens_per_frame"] ** -0.3 + 900 * table["lm_params"] ** -0.3
    return validate_runs(table.assign(metric=100 - error), factors=[*levels.keys() - THREE.keys()])


def audit(table, factors=(), resamples=0):
    return audit_runs(table, np.random.default_rng(0), factors, resamples)


def law_names(table, law):
    return set(not_separate(law, table, np.random.default_rng(0)))


def test_three_levels_of_everything_decide_every_parameter():
    assert {s.status for s in audit(grid()).laws} == {"yes"}


def test_the_published_design_decides_every_parameter():
    runs = load_runs("paper")
    assert all(law_names(runs, law) == set() for law in LAWS.values())


def test_two_levels_leave_a_power_and_the_floor_to_each_other():
    """alpha x^-a + eps at two values of x: one difference for three numbers."""
    law = make_law("add")
    assert law_names(grid(frames=(4, 16)), law) == {"alpha_T", "a_T", "eps"}
    assert law_names(grid(train_examples=(1e5, 4e5)), law) == {"xi", "d", "eps"}


def test_what_is_not_separate_can_change_without_a_trace():
    """Another coefficient, exponent and floor with the same values at both levels."""
    low, high, a, other = 4.0, 16.0, 0.5, 0.9
    drop = 50 * (low**-a - high**-a)
    alpha = drop / (low**-other - high**-other)
    floor = 50 * low**-a - alpha * low**-other
    for x in (low, high):
        assert alpha * x**-other + floor == pytest.approx(50 * x**-a)


def test_factors_that_move_together_are_named():
    table = grid()
    table["tokens_per_frame"] = table["frames"] ** 2
    (pair,) = confounding(table, [*THREE, TRAIN_EXAMPLES])
    assert (pair["kind"], pair["r"]) == ("together", pytest.approx(1.0))
    assert {pair["first"], pair["second"]} == {"frames", "tokens_per_frame"}
    assert {"a_T", "a_V"} <= law_names(table, make_law("add", ["frames", "tokens_per_frame"]))


def test_a_factor_that_follows_another_is_told_from_one_that_is_crossed():
    assert confounding(grid(), [*THREE, TRAIN_EXAMPLES]) == []
    table = grid()
    table[TRAIN_EXAMPLES] = np.where(table["frames"] > 4, 400_000, 100_000)
    (pair,) = confounding(table, [*THREE, TRAIN_EXAMPLES])
    assert (pair["kind"], pair["first"], pair["second"]) == ("follows", TRAIN_EXAMPLES, "frames")


def test_the_published_sweeps_share_no_number_of_examples():
    found = audit(load_runs("paper"))
    by_sweep = [p["first"] for p in found.confounded if p["kind"] == "by sweep"]
    assert by_sweep == [TRAIN_EXAMPLES]
    assert any("confounded" in sentence for sentence in found.sentences)


def test_a_factor_with_one_level_is_left_out_of_the_laws():
    found = audit(grid(frames=(8,)))
    assert found.varying == ("lm_params", "tokens_per_frame")
    assert all("frames" not in law.factors for law in found.supported().values())
    assert "Frames never moves: nothing can be said about it, and laws leave it out." in (
        found.sentences
    )


def test_one_number_of_examples_leaves_n_out_of_the_laws():
    found = audit(grid(train_examples=(1e5,)))
    assert found.data is None and found.supported()
    assert all(TRAIN_EXAMPLES not in law.factors for law in found.supported().values())


def test_a_law_whose_parameters_stand_in_for_one_another_is_compared_all_the_same():
    found = audit(grid(train_examples=(1e5, 4e5)))
    assert {s.law: s.status for s in found.laws}["add"] == "weakly"
    assert "add" in found.supported()


def test_too_few_runs_for_a_law_are_counted():
    few = grid().sample(11, random_state=0)
    status = {s.law: (s.status, s.why) for s in audit(few).laws}
    assert status["add-interact"] == ("no", "it has 15 parameters and there are 11 runs")


def test_repeats_give_the_noise():
    table = grid()
    again = table.assign(seed=1, metric=table["metric"] + 1.0, error=table["error"] - 1.0)
    found = audit(validate_runs(pd.concat([table, again], ignore_index=True)))
    assert found.repeats == len(table)
    assert found.repeat_sd == pytest.approx(np.sqrt(0.5))


def test_an_audit_is_json():
    found = audit(grid(tower_params=(1e8, 4e8)), ["tower_params"], resamples=0).to_dict()
    assert json.loads(json.dumps(found))["levels"]["tower_params"] == {
        "100000000": 81,
        "400000000": 81,
    }


def test_a_bag_finds_what_exact_runs_decide():
    found = audit(grid(), resamples=4).parameters
    mine = {p["parameter"]: p for p in found if p["law"] == "add"}
    assert mine["a_T"]["verdict"] == "found" and mine["a_T"]["value"] == pytest.approx(
        0.5, abs=0.01
    )
