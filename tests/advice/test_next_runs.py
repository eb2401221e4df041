"""Planned runs are those that a Gaussian says would teach most for their price."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.advice import next_runs as nr
from vvlm_utils.cost.equation import (
    FACTORS,
    SOVIT_400M,
    TRAIN_EXAMPLES,
    paper_flops,
    training_flops,
)
from vvlm_utils.frontier.solver import Question
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.runs.table import RunsError, load_runs
from vvlm_utils.studies.coverage import TRAINED

RUNS = load_runs("paper")
QUESTION = Question((2e12, 10e12, 30e12), 2e6, TRAINED)
NOISE = 0.01


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def star_bag(**options):
    star = RUNS[RUNS["sweep"] == "star"]
    settings = {"resamples": 15, "search": "quick"} | options
    return bag(LAWS["add-interact"], star, rng=rng(), **settings)


@pytest.fixture(scope="module")
def bagged():
    return star_bag()


@pytest.fixture(scope="module")
def pool():
    return nr.candidate_designs(QUESTION, (250_000, 2_000_000), values=5)


@pytest.fixture(scope="module")
def plan(bagged, pool):
    return nr.plan_runs(bagged, pool, QUESTION, 2e20)


def conditional(covariance, seen, noise):
    """Covariance of a Gaussian once some of its variables were measured: the full formula."""
    k = covariance[:, seen]
    return covariance - k @ np.linalg.solve(k[seen] + noise**2 * np.eye(len(seen)), k.T)


def test_training_is_three_passes_encoder_included():
    table = RUNS.head(3)
    lm = training_flops(table["lm_params"], table["frames"] * table["tokens_per_frame"])
    tower = training_flops(SOVIT_400M.params, table["frames"] * SOVIT_400M.features_per_frame)
    np.testing.assert_allclose(nr.training_price(table), (lm + tower) * table[TRAIN_EXAMPLES])


@given(seed=st.integers(0, 2**32 - 1), runs=st.lists(st.integers(0, 5), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_rank_one_updates_are_the_gaussian_conditional(seed, runs):
    root = rng(seed).normal(size=(8, 6))
    after = root
    for run in runs:  # a run seen twice is a replicate
        after = nr.observe(after, after[:, run], noise=0.7)
    np.testing.assert_allclose(after.T @ after, conditional(root.T @ root, runs, 0.7), atol=1e-9)


def test_a_run_known_exactly_leaves_no_variance_and_a_certain_one_teaches_nothing():
    root = rng().normal(size=(8, 6))
    exact = nr.observe(root, root[:, 2], noise=1e-12)
    assert abs(exact[:, 2]).max() < 1e-9
    assert nr.observe(exact, np.zeros(8), noise=0.1) is exact


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_gain_is_the_variance_that_the_full_formula_removes(seed):
    targets, seen = rng(seed).normal(size=(7, 3)), rng(seed + 1).normal(size=(7, 5))
    both = np.hstack([targets, seen])
    before = both.T @ both
    removed = [
        np.trace((before - conditional(before, [3 + c], 0.4))[:3, :3]) for c in range(seen.shape[1])
    ]
    gain = nr.gain_of(targets, seen, 0.4)
    np.testing.assert_allclose(gain, removed, atol=1e-9)
    assert (gain >= 0).all()


def test_the_plan_is_that_of_brute_force(bagged, pool):
    """Every step tries every affordable candidate by the full conditional covariance."""
    few = pool.iloc[::9].reset_index(drop=True)
    price, budget = nr.training_price(few), 6e19
    targets = nr.target_root(bagged, QUESTION)
    seen = nr.deviations(np.log(bagged.predict_members(few)))
    both, t = np.hstack([targets, seen]), targets.shape[1]
    covariance, picked = both.T @ both, []

    def left(order):
        return np.trace(conditional(covariance, [t + c for c in order], NOISE)[:t, :t])

    while True:
        spent = price[picked].sum()
        can = [c for c in range(len(few)) if c not in picked and spent + price[c] <= budget]
        if not can:
            break
        now = left(picked) if picked else np.trace(covariance[:t, :t])
        picked.append(max(can, key=lambda c: (now - left([*picked, c])) / price[c]))
    plan = nr.plan_runs(bagged, few, QUESTION, budget, noise=NOISE)
    pd.testing.assert_frame_equal(plan[nr.RUN_COLUMNS], few.iloc[picked].reset_index(drop=True))
    assert plan["left"].iloc[-1] == pytest.approx(left(picked) / np.trace(covariance[:t, :t]))


def test_a_plan_stays_within_its_budget_and_every_run_gains(plan, pool):
    assert plan["cumulative_flops"].iloc[-1] <= 2e20
    np.testing.assert_allclose(plan["cumulative_flops"], plan["train_flops"].cumsum())
    np.testing.assert_allclose(plan["train_flops"], 3 * plan["cost_flops"] * plan[TRAIN_EXAMPLES])
    assert (plan["gain"] > 0).all() and (plan["left"] >= 0).all()
    assert not plan.duplicated(nr.RUN_COLUMNS).any()
    assert (paper_flops(*(pool[f] for f in FACTORS)) <= 30e12).all()


def test_candidates_start_at_the_least_that_is_asked():
    table = nr.candidate_designs(QUESTION, [250e3, 2e6], least={"frames": 4, TRAIN_EXAMPLES: 1e6})
    assert table["frames"].min() >= 4 and table[TRAIN_EXAMPLES].unique().tolist() == [2e6]


def test_a_design_outside_the_runs_says_in_what(plan):
    """The star's n end at 1M, its frames at 4 from below."""
    at_2m = plan[TRAIN_EXAMPLES] == 2_000_000
    assert plan["outside"].str.contains(TRAIN_EXAMPLES).eq(at_2m).all()
    assert (
        plan["outside"]
        .str.contains("frames")
        .eq(plan["frames"].lt(4) | plan["frames"].gt(32))
        .all()
    )


def test_runs_that_exist_are_planned_again_only_if_asked(bagged, pool, plan):
    done = plan.head(3)
    fresh = nr.plan_runs(bagged, pool, QUESTION, 2e20, done=done)
    assert not fresh[nr.RUN_COLUMNS].merge(done[nr.RUN_COLUMNS]).size
    again = nr.plan_runs(bagged, pool, QUESTION, 2e20, done=done, replicate=True, noise=0.05)
    assert again.duplicated(nr.RUN_COLUMNS).any()


def test_the_order_of_the_members_does_not_matter(bagged, pool, plan):
    order = rng(3).permutation(len(bagged.members))
    shuffled = replace(bagged, members=bagged.members[order], losses=bagged.losses[order])
    other = nr.plan_runs(shuffled, pool, QUESTION, 2e20)
    pd.testing.assert_frame_equal(other, plan)


def test_a_shift_shared_by_all_designs_is_no_target_of_the_choice(bagged):
    """Two members whose errors differ by a constant factor choose alike: nothing is open."""
    member = bagged.members[0]
    coefficients = len(bagged.law.terms)
    shifted = np.r_[member[:coefficients] * 1.1, member[coefficients:]]
    two = replace(bagged, members=np.array([member, shifted]))
    with pytest.raises(ValueError, match="agree on every best design.*aim 'level'"):
        nr.target_root(two, QUESTION)
    assert nr.target_root(two, QUESTION, "level").std() > 0


def test_one_wild_member_does_not_rule_the_variance():
    values = rng().normal(size=(101, 1))
    wild = values.copy()
    wild[7] = 1e6
    plain = (nr.deviations(values) ** 2).sum()
    assert (nr.deviations(wild) ** 2).sum() < 1.3 * plain


def test_the_noise_is_recovered_from_a_bag_of_simulated_runs():
    """Known noise of 2% of error; 87 runs tell it to about 1/sqrt(2 * 78), 8%."""
    truth = bag(LAWS["add"], RUNS, rng=rng(), resamples=1, search="quick")
    found = []
    for seed in range(6):
        error = truth.predict(RUNS) * np.exp(rng(seed).normal(0, 0.02, len(RUNS)))
        again = bag(LAWS["add"], RUNS.assign(error=error), rng=rng(seed), resamples=15)
        found.append(nr.residual_noise(again))
    assert np.mean(found) == pytest.approx(0.02, rel=0.1)


def test_candidates_from_a_file_are_held_to_the_rules_of_runs(tmp_path, bagged):
    good = "lm_params,frames,tokens_per_frame,train_examples\n1e9,4,16,1000000\n"
    (tmp_path / "a.csv").write_text(good)
    table = nr.read_candidates(tmp_path / "a.csv")
    assert len(nr.plan_runs(bagged, table, QUESTION, 1e20)) == 1
    (tmp_path / "b.csv").write_text(good + "1e9,4,0,1000000\n")
    with pytest.raises(RunsError, match="tokens_per_frame must be a positive number.*line 3"):
        nr.read_candidates(tmp_path / "b.csv")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_flops": 1e10}, "buy none of the candidates: the cheapest costs"),
        ({"train_flops": np.nan}, "train_flops must be a positive number, got nan"),
        ({"noise": 0.0}, "noise must be a positive number, got 0"),
        ({"candidates": RUNS[["lm_params"]]}, "lack the column frames, tokens_per_frame"),
        ({"candidates": RUNS[nr.RUN_COLUMNS].head(0)}, "there are no candidates"),
        ({"candidates": RUNS[nr.RUN_COLUMNS].assign(train_examples=0)}, "must be positive, got 0"),
        ({"aim": "best"}, "aim must be one of .*'best'"),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused(bagged, pool, changes, words):
    arguments = {"candidates": pool, "train_flops": 1e20} | changes
    with pytest.raises(ValueError, match=words):
        nr.plan_runs(bagged, question=QUESTION, **arguments)


def test_all_done_is_said(bagged, pool):
    with pytest.raises(ValueError, match="all are done"):
        nr.plan_runs(bagged, pool, QUESTION, 1e20, done=pool)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Question((), 1e6), "at least one budget"),
        (lambda: Question((1e12,), 0), "train_examples must be a number from 1 to 1e\\+12, got 0"),
        (lambda: nr.candidate_designs(QUESTION, []), "train_examples is empty"),
        (lambda: nr.candidate_designs(QUESTION, [1e6], values=1), "values must be at least 2"),
        (lambda: nr.candidate_designs(Question((1e9,), 1e6), [1e6]), "buys no design"),
        (
            lambda: nr.candidate_designs(QUESTION, [1e6], least={"frames": 900}),
            "no candidate has frames >= 900",
        ),
        (lambda: nr.deviations(np.zeros((1, 3))), "at least 2 members, got 1"),
        (lambda: nr.residual_noise(star_bag(options=FitOptions(space="raw"))), "space 'raw'"),
    ],
)
def test_other_refusals_name_the_mend(make, words):
    with pytest.raises(ValueError, match=words):
        make()
