"""One road for a table: the choices that every answer rests on, and the words for them."""

import json

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.cost.equation import FACTORS, VisionTower, inference_cost, lm_only_flops
from vvlm_utils.cost.price import Price
from vvlm_utils.runs.prepared import prepare, price_options, restore
from vvlm_utils.runs.space import Candidates, Space, space_within
from vvlm_utils.runs.table import RunsError, load_runs


def sweep(**levels) -> pd.DataFrame:
    """A full grid of designs whose error falls with every factor."""
    values = {
        "lm_params": (1e9, 3e9, 8e9),
        "frames": (4, 8, 16),
        "tokens_per_frame": (16, 64, 196),
        "train_examples": (1e5, 4e5),
    } | levels
    mesh = np.meshgrid(*values.values(), indexing="ij")
    table = pd.DataFrame({n: axis.ravel() for n, axis in zip(values, mesh, strict=True)})
    error = 10 + 50 * table["frames"] ** -0.5 + 90 * table["train_examples"] ** -0.2
    error += 40 * table["tokens_per_frame"] ** -0.3 + 900 * table["lm_params"] ** -0.3
    return table.assign(metric=100 - error)


def test_repeats_of_a_design_count_once_by_their_mean():
    table = sweep()
    again = table.assign(seed=1, metric=table["metric"] - 2)
    prepared = prepare(pd.concat([table.assign(seed=0), again], ignore_index=True))
    assert len(prepared.runs) == len(table) and len(prepared.checked) == 2 * len(table)
    np.testing.assert_allclose(prepared.runs["metric"], table["metric"] - 1)
    assert any("108 runs are of 54 designs" in note for note in prepared.notes)


@pytest.mark.parametrize("factor", [*FACTORS, "train_examples"])
def test_a_factor_that_never_moved_is_held_and_said(factor):
    level = sweep()[factor].iloc[0]
    prepared = prepare(sweep(**{factor: (level,)}))
    assert prepared.held == {factor: level}
    assert factor not in prepared.factors and (prepared.data is None) == (factor not in FACTORS)
    words = "laws leave n out" if factor == "train_examples" else "never moves: laws leave it out"
    assert any(words in note for note in prepared.notes)
    if factor in FACTORS:
        assert set(prepared.space.designs[factor]) == {level}


def test_the_only_task_is_the_default_and_several_are_averaged_where_all_have_them():
    one = prepare(sweep().assign(task="VMME"))
    assert one.task == "VMME" and "one task, VMME" in one.notes[0]
    both = pd.concat([sweep().assign(task="A"), sweep().assign(task="B")], ignore_index=True)
    both.loc[both["task"] == "B", "metric"] -= 10
    mean = prepare(both)
    np.testing.assert_allclose(mean.runs["metric"], sweep()["metric"] - 5)
    assert mean.task == "avg" and "mean of the table's 2 tasks: A, B" in mean.notes[0]
    assert prepare(both, task="B").task == "B"
    with pytest.raises(RunsError, match="1 of 54 runs lack some of the tasks A, B"):
        prepare(both.iloc[1:])
    with pytest.raises(RunsError, match="no runs of task 'C'; choose one of A, B"):
        prepare(both, task="C")


def test_own_costs_are_used_unless_another_cost_is_named():
    table = sweep()
    own = 7 * table["lm_params"] * table["frames"]
    prepared = prepare(table.assign(cost_flops=own))
    assert prepared.price is None and isinstance(prepared.space, Candidates)
    np.testing.assert_allclose(prepared.cost_flops, own)
    assert prepared.space.price(1e9, 4, 16) == 7 * 1e9 * 4
    with pytest.raises(ValueError, match="no cost is known for the design"):
        prepared.space.price(1e9, 5, 16)
    named = prepare(table.assign(cost_flops=own), price=Price("lm_only"))
    np.testing.assert_allclose(
        named.cost_flops, lm_only_flops(*(table[f] for f in FACTORS)), rtol=1e-12
    )
    with pytest.raises(RunsError, match="its own costs are known for its own designs alone"):
        prepare(table.assign(cost_flops=own), max_frames=64)


def test_a_price_is_named_once_and_reads_its_tower():
    tower = VisionTower(1e8, 100)
    price = price_options(None, 1e8, 100)["price"]
    assert price == Price("paper", tower) and Price.from_dict(price.to_dict()) == price
    assert price(1e9, 8, 64) == inference_cost(1e9, 8, 64, tower).total_flops
    with pytest.raises(ValueError, match="'exact' does not read the encoder's size"):
        price_options("exact", 1e8)
    with pytest.raises(ValueError, match="'table' reads no encoder"):
        price_options("table", 1e8)
    with pytest.raises(ValueError, match="unknown cost 'eq1'; the costs are paper"):
        Price("eq1")


@pytest.mark.parametrize("source", ["paper", "mini"])
def test_a_space_from_runs_extrapolates_in_no_factor(source):
    runs = load_runs(source)
    space = space_within(runs)
    for name in FACTORS:
        values = getattr(space, name)
        assert (values[0], values[-1]) == (runs[name].min(), runs[name].max())
    assert len(space.designs) <= 20_000


def test_new_designs_step_in_squares_but_a_held_one_may_not():
    table = sweep(tokens_per_frame=(52, 182, 210))
    tokens = prepare(table).space.tokens_per_frame
    assert tokens[0] == 64 and tokens[-1] == 196
    held = prepare(sweep(tokens_per_frame=(182,)))
    assert held.space.tokens_per_frame == (182,)
    with pytest.raises(ValueError, match="tokens_per_frame must be positive perfect squares"):
        Space(tokens_per_frame=(16, 182))


def test_a_space_can_be_extended():
    prepared = prepare(sweep(), max_frames=40, max_tokens=400, lm_params=[3e9])
    space = prepared.space
    assert space.frames[-1] == 40 and space.tokens_per_frame[-1] == 400
    assert space.lm_params == (3e9,)


@pytest.mark.parametrize("own", [False, True])
def test_a_prepared_table_comes_back_from_its_record(own):
    table = sweep(tower_params=(1e8, 4e8))
    table = table.assign(cost_flops=2.0 * table["lm_params"]) if own else table
    prepared = prepare(table, factors=["tower_params"], max_frames=None if own else 32)
    again = restore(prepared.to_dict())
    assert again.further == ("tower_params",) and again.held == prepared.held
    pd.testing.assert_frame_equal(again.space.designs, prepared.space.designs)
    np.testing.assert_allclose(again.cost_flops, prepared.cost_flops)
    if own:
        at = again.at({"tower_params": 1e8}).space
        assert set(at.designs["tower_params"]) == {1e8}
        with pytest.raises(RunsError, match="no run has tower_params = 2e\\+08"):
            again.at({"tower_params": 2e8})


def test_a_design_at_two_isoflop_budgets_stays_two_runs_in_its_record():
    table = sweep().assign(sweep="isoflop", target_tflops=10.0, seed=0)
    again = table.iloc[:3].assign(target_tflops=20.0, seed=1)
    prepared = prepare(pd.concat([table, again], ignore_index=True))
    restored = restore(json.loads(json.dumps(prepared.to_dict(), allow_nan=False)))
    assert len(restored.runs) == len(prepared.runs) == len(table) + 3
    assert sorted(restored.runs["target_tflops"]) == sorted(prepared.runs["target_tflops"])
    old = prepare(sweep()).to_dict()
    del old["runs"]["target_tflops"]
    assert restore(old).runs["target_tflops"].isna().all()


def test_an_encoder_that_takes_nearly_all_of_the_price_is_pointed_out():
    small = sweep().assign(lm_params=lambda t: t["lm_params"] / 1e5)
    assert any("is it yours?" in note for note in prepare(small).notes)
    assert not any("is it yours?" in note for note in prepare(sweep()).notes)


@pytest.mark.parametrize("name", ["tower_params", "features_per_frame"])
def test_less_than_one_parameter_or_feature_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is a count and must be at least 1, got 0.5"):
        price_options(**{name: 0.5})
