"""Fits to copies of a table, and best designs exchanged between tasks."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils import ask, fit_model, prepare
from vvlm_utils.advice import exchange_losses, fit_copies

BUDGETS = [5e12, 30e12]


@pytest.fixture(scope="module")
def prepared():
    return prepare("paper", task="PT")


def test_copies_differ_by_their_reading_error_alone(prepared):
    model = fit_copies(prepared, "add", copies=2, members=4, resampling="wild")
    assert [len(part.members) for part in model.parts] == [2, 2]
    exact = prepare(prepared.checked.assign(metric_se=0.0))
    spread = {
        name: fit_copies(table, "add", copies=8, members=8).predict_members(prepared.runs).std(0)
        for name, table in {"read": prepared, "exact": exact}.items()
    }
    assert spread["read"].mean() > spread["exact"].mean()


def test_one_copy_without_reading_error_is_the_plain_fit(prepared):
    exact = prepare(prepared.checked.assign(metric_se=0.0))
    found = fit_copies(exact, "add", copies=1, members=3, method="paper", seed=5)
    rng = np.random.default_rng(5)
    rng.normal(size=len(exact.runs))  # what the copy draws first
    plain = fit_model(exact, "add", method="paper", resamples=3, seed=rng)
    assert np.array_equal(found.predict_members(exact.runs), plain.predict_members(exact.runs))


def test_copies_need_members_and_a_reading_error(prepared):
    with pytest.raises(ValueError, match="between 1 and the 4 members, got 5"):
        fit_copies(prepared, copies=5, members=4)
    unknown = prepare(prepared.checked.assign(metric_se=np.nan))
    with pytest.raises(ValueError, match="metric_se is missing"):
        fit_copies(unknown, "add", copies=1, members=3)


def test_tasks_that_agree_lose_nothing_and_others_lose_both_ways(prepared):
    models = {name: fit_model(prepare("paper", task=name), "add", resamples=4)
              for name in ("PT", "VMME")}  # fmt: skip
    solutions = {name: ask(model, prepared, BUDGETS, 1e6) for name, model in models.items()}
    same = exchange_losses({"one": solutions["PT"], "two": solutions["PT"]})
    assert len(same) == 4 and (same == 0).all(axis=None)
    losses = exchange_losses(solutions)
    assert (losses["low"] <= losses["value"]).all() and (losses["value"] <= losses["high"]).all()
    # The aggregate of the members likes its own design best, whatever single members say.
    pt, foreign = solutions["PT"], solutions["VMME"].table()
    here = pd.DataFrame(foreign[["lm_params", "frames", "tokens_per_frame"]])
    errors = pt.model.predict(here.assign(train_examples=1e6))
    assert (errors >= pt.errors()[0] - 1e-9).all()


def test_an_exchange_needs_two_tasks_at_the_same_budgets(prepared):
    model = fit_model(prepared, "add", resamples=2)
    one, other = (ask(model, prepared, [budget], 1e6) for budget in BUDGETS)
    with pytest.raises(ValueError, match="at least two tasks, all asked at the same budgets"):
        exchange_losses({"one": one, "other": other})
    with pytest.raises(ValueError, match="at least two tasks"):
        exchange_losses({"one": one})
