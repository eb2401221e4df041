"""A bag reaches the optimum of every resample, aggregates as it says, and comes back from disk."""

import json

import numpy as np
import pytest

from vvlm_utils.laws.bag_io import load_bag, save_bag
from vvlm_utils.laws.bagging import bag, resample_weights
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.problem import make_problem
from vvlm_utils.laws.search import cold_search, warm_search
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")
STAR = RUNS[RUNS["sweep"] == "star"]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def bagged():
    return bag(LAWS["add"], RUNS, rng=rng(), resamples=20)


@pytest.mark.parametrize("runs", [RUNS, STAR], ids=["all runs", "star"])
@pytest.mark.parametrize("form", ["add", "add-interact-s", "add-interact"])
def test_a_warm_search_reaches_the_optimum_of_500_cold_starts(form, runs):
    law, options = LAWS[form], FitOptions()
    problem, centre = make_problem(law, runs, options)
    weights = resample_weights(runs, 100, "rows", rng(11))
    warm = warm_search(problem, weights, rng(12))[1]
    sample = rng(13).choice(100, size=6, replace=False)
    cold = cold_search(problem, centre, options, weights[sample], rng(14))[1]
    gap = warm[sample] - cold
    assert (gap <= np.maximum(1e-4 * cold, 1e-8)).all(), gap / cold


def test_a_quick_search_ends_at_most_optima_and_near_the_others():
    law = LAWS["add-interact"]
    problem, _ = make_problem(law, STAR, FitOptions())
    weights = resample_weights(STAR, 40, "rows", rng(11))
    warm, quick = (warm_search(problem, weights, rng(12), quick=q)[1] for q in (False, True))
    gap = quick / warm - 1
    assert np.median(gap) < 1e-6 and (gap < 1e-3).mean() > 0.8 and gap.max() < 0.1


def test_median_and_mean_are_what_they_say(bagged):
    members = bagged.predict_members(RUNS)
    np.testing.assert_array_equal(bagged.predict(RUNS), np.median(members, axis=0))
    mean = bagged.with_aggregate("mean", members=5)
    np.testing.assert_array_equal(mean.predict(RUNS), members[:5].mean(axis=0))
    low, high = bagged.interval(RUNS, level=0.5)
    assert ((low <= bagged.predict(RUNS)) & (bagged.predict(RUNS) <= high)).all()


def test_an_expanded_interval_is_the_percentile_interval_of_its_level(bagged):
    wide = bagged.interval(RUNS, 0.8, band="expanded")
    level = bagged.expanded_level(0.8)
    assert 0.8 < level < 1
    np.testing.assert_array_equal(wide, bagged.interval(RUNS, level))
    with pytest.raises(ValueError, match="band must be one of"):
        bagged.interval(RUNS, 0.8, band="basic")


def test_the_same_seed_gives_the_same_bag(bagged):
    again = bag(LAWS["add"], RUNS, rng=rng(), resamples=20)
    np.testing.assert_array_equal(again.members, bagged.members)


def test_walls_are_counted(bagged):
    assert set(bagged.at_bounds) == set(LAWS["add"].parameters)
    assert all(0 <= share <= 1 for share in bagged.at_bounds.values())


def test_a_bag_comes_back_from_disk_as_it_was(bagged, tmp_path):
    save_bag(bagged, tmp_path / "fit.json")
    read = load_bag(tmp_path / "fit.json")
    np.testing.assert_array_equal(read.members, bagged.members)
    assert (read.law, read.options, read.ranges) == (bagged.law, bagged.options, bagged.ranges)
    assert read.lm_sizes == bagged.lm_sizes == tuple(sorted(set(RUNS["lm_params"])))
    assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda r: r.update(format="other"), "is not a fit"),
        (lambda r: r.update(version=99), "version 99"),
        (lambda r: r.pop("members"), "damaged"),
        (lambda r: r.update(members=[[1.0, 2.0]]), "9 columns"),
        (lambda r: r["law"].update(terms=[]), "damaged"),
        (lambda r: r["options"].update(optimiser="adam"), "damaged"),
        (lambda r: r["members"][0].__setitem__(0, float("nan")), "finite"),
        (lambda r: r.update(lm_sizes=[7e9, -1]), "lm_sizes must be positive"),
    ],
)
def test_a_damaged_fit_is_refused(bagged, tmp_path, damage, message):
    path = tmp_path / "fit.json"
    save_bag(bagged, path)
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=message):
        load_bag(path)


def test_a_missing_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no fit at"):
        load_bag(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resamples": 0}, "resamples must be at least 1, got 0"),
        ({"resampling": "jackknife"}, "resampling must be one of"),
        ({"aggregate": "mode"}, "aggregate must be one of"),
        ({"search": "tepid"}, "search must be one of"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        bag(LAWS["add"], RUNS, rng=rng(), **arguments)
