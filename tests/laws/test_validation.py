"""Held-out scores: what is held out, what is paired, and what the numbers say."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.laws import validation
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.table import load_reference, load_runs, load_task_runs

RUNS = load_runs("paper")
STAR = RUNS[RUNS["sweep"] == "star"]
FEW = {"resamples": 3, "search": "quick"}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def held():
    return validation.compare_laws(RUNS, rng(), [LAWS["mult"], LAWS["add"]], splits=2, **FEW)


def test_metrics_by_hand():
    found = validation.metrics([50.0, 40.0, 30.0], [49.0, 40.0, 33.0])
    assert found["mse"] == pytest.approx((1 + 0 + 9) / 3)
    assert found["e_pct"] == pytest.approx((2 + 0 + 10) / 3)  # 1/50, 0, 3/30
    assert found["r2"] == pytest.approx(1 - 10 / 200)  # 100 + 0 + 100 about the mean of 40


@pytest.mark.parametrize("by", ["rows", "designs"])
def test_folds_hold_every_run_once(by):
    masks = validation.fold_masks(RUNS, 5, by, rng())
    assert (np.sum(masks, axis=0) == 1).all()


def test_folds_by_designs_keep_a_design_whole_and_folds_by_rows_do_not():
    names = validation.design_names(STAR)

    def shared(by):
        masks = validation.fold_masks(STAR, 5, by, rng())
        return [set(names[mask]) & set(names[~mask]) for mask in masks]

    assert not any(shared("designs"))
    assert any(shared("rows"))


@pytest.mark.parametrize(
    ("folds", "by", "message"), [(1, "rows", "got 1"), (88, "rows", "got 88"), (5, "task", "task")]
)
def test_wrong_folds_are_refused(folds, by, message):
    with pytest.raises(ValueError, match=message):
        validation.fold_masks(RUNS, folds, by, rng())


def test_each_split_predicts_every_run_once_and_extrapolation_the_isoflop_runs(held):
    counts = held.groupby(["law", "test", "split"])["run_id"].agg(["size", "nunique"])
    assert (counts["size"] == counts["nunique"]).all()
    assert set(counts.xs("cv", level="test")["size"]) == {87}
    assert set(counts.xs("extrapolation", level="test")["size"]) == {48}


def test_a_law_is_scored_alike_in_company_and_alone(held):
    alone = validation.compare_laws(RUNS, rng(), [LAWS["add"]], splits=2, **FEW)
    company = held[held["law"] == "add"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, company)


def test_ablations_share_the_folds_and_resamples_of_the_comparison(held):
    same = validation.ablate(LAWS["add"], RUNS, rng(), {"chosen": {}}, splits=2, **FEW)
    company = held[held["law"] == "add"].reset_index(drop=True)
    np.testing.assert_array_equal(same["predicted"], company["predicted"])


def test_every_row_of_table_8_is_a_configuration_of_the_paper():
    printed = load_reference().query("table == 'table8'")["row"].unique()
    assert set(printed) == set(validation.TABLE_8)


def test_resamples_can_be_given_test_by_test():
    one = validation.compare_laws(
        RUNS, rng(), [LAWS["mult"]], resamples={"cv": 2, "extrapolation": 3}, search="quick"
    )
    two = validation.compare_laws(RUNS, rng(), [LAWS["mult"]], resamples=3, search="quick")
    equal = (one["predicted"] == two["predicted"]).groupby(one["test"]).all()
    assert equal.to_dict() == {"cv": False, "extrapolation": True}


def test_an_unknown_test_is_refused():
    with pytest.raises(ValueError, match="got 'bootstrap'"):
        validation.compare_laws(RUNS, rng(), tests=["bootstrap"], **FEW)


def test_extrapolation_needs_both_sweeps_and_is_left_out_of_a_comparison_otherwise():
    with pytest.raises(ValueError, match="star"):
        validation.extrapolate(LAWS["mult"], STAR, rng(), **FEW)
    table = validation.compare_laws(STAR, rng(), [LAWS["mult"]], **FEW)
    assert set(table["test"]) == {"cv"}


def test_a_level_left_out_is_predicted_by_the_others_alone():
    left = validation.leave_level_out(LAWS["mult"], STAR, "train_examples", rng(), **FEW)
    sizes = STAR.groupby("train_examples").size()
    assert left.groupby("level").size().to_dict() == sizes.to_dict()
    two = STAR[STAR["lm_params"] > 1e9]
    with pytest.raises(ValueError, match="2 levels"):
        validation.leave_level_out(LAWS["mult"], two, "lm_params", rng(), **FEW)


def test_beside_paper_prints_both_numbers(held):
    table = validation.beside_paper(
        validation.score(held), load_reference().query("table == 'table2'")
    )
    assert table.loc[("cv", "add"), ("mse", "paper")] == 0.56
    scores = validation.score(held).query("law == 'add' and test == 'cv'")["mse"]
    assert table.loc[("cv", "add"), ("mse", "ours")] == pytest.approx(scores.mean())
    assert table.loc[("cv", "add"), ("mse", "SD")] == pytest.approx(scores.std())


def make_predictions(gaps: dict[str, list[float]]) -> pd.DataFrame:
    """Two laws whose squared errors differ by the given gaps, design by design."""
    rows = []
    for design, values in gaps.items():
        for i, gap in enumerate(values):
            run = {"test": "cv", "design": design, "run_id": f"{design}-{i}", "observed": 0.0}
            rows.append(run | {"law": "bad", "predicted": np.sqrt(1 + gap)})
            rows.append(run | {"law": "good", "predicted": 1.0})
    return pd.DataFrame(rows)


def test_a_paired_difference_is_the_mean_gap_and_its_sign_changes_with_the_order():
    table = make_predictions({"a": [1.0, 2.0], "b": [3.0]})
    forth = validation.paired_difference(table, "bad", "good", rng()).iloc[0]
    back = validation.paired_difference(table, "good", "bad", rng()).iloc[0]
    assert forth["mse_difference"] == pytest.approx(2.0)
    assert back["mse_difference"] == pytest.approx(-2.0)
    assert forth["low"] <= 2.0 <= forth["high"]


def test_runs_of_one_design_are_drawn_together():
    gaps = rng().normal(size=30)
    single = make_predictions({f"{i}": [3.0 + g] for i, g in enumerate(gaps)})
    triple = make_predictions({f"{i}": [3.0 + g] * 3 for i, g in enumerate(gaps)})

    def width(table):
        row = validation.paired_difference(table, "bad", "good", rng()).iloc[0]
        return row["high"] - row["low"]

    assert width(triple) == pytest.approx(width(single))  # three copies tell nothing new


def test_a_bag_of_all_members_has_no_spread_and_a_bag_of_one_no_aggregate():
    predictions, observed = rng().normal(size=(9, 4)), np.zeros(4)
    table = validation.bags_of_bags(predictions, observed, [1, 9], rng(), repeats=5)
    whole = table[table["size"] == 9].groupby("aggregate")["mse"]
    assert whole.std().max() == pytest.approx(0)
    assert whole.mean()["mean"] == pytest.approx((predictions.mean(axis=0) ** 2).mean())
    one = table[table["size"] == 1].pivot(index="repeat", columns="aggregate", values="mse")
    np.testing.assert_array_equal(one["mean"], one["median"])


def test_measurement_noise_moves_metric_and_error_against_each_other():
    tasks = load_task_runs().query("task == 'NQA'")
    noisy = validation.with_measurement_noise(tasks, rng())
    np.testing.assert_allclose(noisy["metric"] + noisy["error"], 100)
    moved = (noisy["metric"] - tasks["metric"]) / tasks["metric_se"]
    assert moved.std() == pytest.approx(1, abs=0.25)
    with pytest.raises(ValueError, match="metric_se is missing"):
        validation.with_measurement_noise(tasks.assign(metric_se=np.nan), rng())


def test_every_task_is_extrapolated_once_a_copy():
    tasks = load_task_runs().query("task in ('VDC', 'NQA')")
    found = validation.extrapolate_tasks(tasks, LAWS["mult"], 2, rng(), **FEW)
    assert found.groupby("task").size().to_dict() == {"NQA": 2, "VDC": 2}
    assert (found["e_pct"] > 0).all() and found["e_pct"].nunique() == 4
