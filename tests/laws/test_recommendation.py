"""The recommended model mixes the laws of its list over whatever factors move."""

import numpy as np
import pytest

from vvlm_utils.laws.bag_io import load_bag, save_bag
from vvlm_utils.laws.recommendation import RECOMMENDED, recommended
from vvlm_utils.runs.table import load_runs

RUNS = load_runs("paper")


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_members_are_shared_by_the_laws_and_come_back_from_disk(tmp_path):
    model = recommended(RUNS, rng=rng(), members=2 * len(RECOMMENDED))
    assert model.names == RECOMMENDED
    assert len(model.member_noise) == 2 * len(RECOMMENDED)
    save_bag(model, tmp_path / "fit.json")
    again = load_bag(tmp_path / "fit.json")
    np.testing.assert_array_equal(again.predict(RUNS), model.predict(RUNS))


def test_without_a_data_size_add_stands_for_the_laws_that_would_be_add():
    one_n = RUNS[RUNS["train_examples"] == 1e6]
    model = recommended(one_n, data=None, rng=rng(), members=4)
    assert all("train_examples" not in part.law.factors for part in model.parts)
    assert model.names == ("add", "pnorm-decay")


def test_a_generator_must_be_given():
    with pytest.raises(ValueError, match="give a generator"):
        recommended(RUNS, members=3)


def test_too_few_members_are_refused():
    with pytest.raises(ValueError, match="members must be at least"):
        recommended(RUNS, rng=rng(), members=1)
