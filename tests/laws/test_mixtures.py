"""A mix pools the members of its laws; its intervals are of three kinds."""

import numpy as np
import pytest

from vvlm_utils.laws.bag_io import load_bag, save_bag
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.bootstrap import design_names, resample_weights
from vvlm_utils.laws.forms import get_law
from vvlm_utils.laws.mixtures import mix
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior
from vvlm_utils.laws.protocols import Model
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def parts():
    options = FitOptions(prior=Prior())
    arguments = dict(resamples=12, resampling="designs", rng=rng())
    return [bag(get_law(name), RUNS, options, **arguments) for name in ("add", "pnorm-decay")]


def test_equal_weights_pool_every_member(parts):
    pooled = mix(parts)
    assert isinstance(pooled, Model)
    expected = np.vstack([part.predict_members(RUNS) for part in parts])
    np.testing.assert_array_equal(pooled.predict_members(RUNS), expected)
    np.testing.assert_allclose(pooled.predict(RUNS), np.median(expected, axis=0))
    mean = pooled.with_aggregate("mean")
    np.testing.assert_allclose(mean.predict(RUNS), expected.mean(axis=0))
    assert pooled.member_laws().tolist() == ["add"] * 12 + ["pnorm-decay"] * 12


def test_weights_are_shares_of_the_members(parts):
    pooled = mix(parts, [1, 3])
    assert [len(part.members) for part in pooled.parts] == [4, 12]
    alone = mix(parts, [0, 1])
    assert alone.names == ("pnorm-decay",)


def test_a_mix_comes_back_from_disk(parts, tmp_path):
    pooled = mix(parts, [1, 2], aggregate="mean")
    save_bag(pooled, tmp_path / "fit.json")
    again = load_bag(tmp_path / "fit.json")
    assert again.weights == pooled.weights and again.aggregate == "mean"
    np.testing.assert_array_equal(again.predict_members(RUNS), pooled.predict_members(RUNS))
    np.testing.assert_array_equal(
        again.interval(RUNS, kind="run"), pooled.interval(RUNS, kind="run")
    )


def test_intervals_widen_from_law_to_run_to_family(parts):
    for model in (parts[0], mix(parts)):
        law, run, family = (np.ptp(model.interval(RUNS, kind=k), axis=0)
                            for k in ("law", "run", "family"))  # fmt: skip
        assert (law < run).all() and (run < family).all()
    wide = np.ptp(model.interval(RUNS, kind="family", effect=0.05), axis=0)
    assert (wide > family).all()


def test_an_interval_of_a_run_about_one_member_is_that_of_a_normal(parts):
    one = parts[0].with_aggregate("median", members=1)
    low, high = one.interval(RUNS.head(1), 0.8, kind="run")
    # log normal: the central 80% reach 1.2816 SD either way
    assert np.log(high / low).item() == pytest.approx(2 * 1.2816 * one.noise, rel=0.05)


def test_run_intervals_hold_about_their_share_of_the_runs(parts):
    low, high = mix(parts).interval(RUNS, 0.8, kind="run")
    assert 0.65 < RUNS["error"].between(low, high).mean() < 0.97


def test_runs_of_a_design_are_resampled_together():
    weights = resample_weights(RUNS, 50, "designs", rng())
    names = design_names(RUNS)
    for name in np.unique(names):
        assert (np.ptp(weights[:, names == name], axis=1) == 0).all()
    first = np.unique(names, return_index=True)[1]
    assert (weights[:, first].sum(axis=1) == len(first)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "at least one bag"),
        (("parts", [1]), "2 bags need a weight each, got 1"),
        (("parts", [1, -1]), "weights must not be negative"),
        (("parts", None, "mode"), "aggregate must be one of"),
    ],
)
def test_refusals_name_the_field_and_the_value(parts, arguments, message):
    with pytest.raises(ValueError, match=message):
        mix(*(parts if a == "parts" else a for a in arguments))


def test_a_kind_of_interval_that_does_not_exist_is_refused(parts):
    with pytest.raises(ValueError, match="kind must be one of .*'law'.*got 'sure'"):
        parts[0].interval(RUNS, kind="sure")
