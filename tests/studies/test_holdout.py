"""Runs are held out as each test says, and a way is scored on them alone."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.laws.bootstrap import design_names
from vvlm_utils.laws.recommendation import PRIOR, RECOMMENDED
from vvlm_utils.runs.table import load_runs
from vvlm_utils.studies import holdout

RUNS = load_runs("paper")
TWO = ("add, penalised", "add-decay, penalised")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def parts():
    return [(test, part, len(runs), held) for test, part, runs, held in holdout.held_out(RUNS, 0)]


def test_folds_hold_every_run_once_and_no_design_twice(parts):
    folds = [held for test, _, _, held in parts if test == "CV by designs"]
    assert (np.sum(folds, axis=0) == 1).all()
    names = design_names(RUNS)
    assert all(not set(names[held]) & set(names[~held]) for held in folds)


def test_each_level_is_held_out_alone(parts):
    sizes = {part: held for test, part, _, held in parts if test == "LM size out"}
    assert set(sizes) == {"1B", "2.8B", "7.5B"}
    assert (RUNS["lm_params"][sizes["7.5B"]] == 7.5e9).all()
    budgets = {part for test, part, *_ in parts if test == "budget out"}
    assert budgets == {"2 TFLOPs", "5 TFLOPs", "15 TFLOPs", "30 TFLOPs"}
    (most,) = [held for test, _, _, held in parts if test == "largest n out"]
    assert (RUNS["train_examples"][most] == 2e6).all()


def test_an_unknown_test_is_refused():
    with pytest.raises(ValueError, match="tests must be among .*got 'luck'"):
        list(holdout.held_out(RUNS, 0, ["luck"]))


def test_a_mix_pools_the_members_of_its_bags(monkeypatch):
    monkeypatch.setitem(holdout.WAYS, "both", TWO)
    held = (RUNS["lm_params"] == 1e9).to_numpy()
    found = holdout.predict_held(RUNS, held, 0, 5, ways=(*TWO, "both"))
    assert (found.groupby("way").size() == held.sum()).all()
    assert (found["observed"] == np.tile(RUNS["error"][held], 3)).all()
    assert not (found["in50"] & ~found["in80"]).any()
    assert (found["log_score"] >= holdout.LEAST_SCORE).all()


def test_the_log_score_is_that_of_the_normal_with_members_and_noise():
    members, observed = np.exp([[3.9], [4.1]]), np.exp([4.0])
    found = holdout._judge(observed, [(members, 0.1)])
    # mean 4.0, variance 0.01 of the members and 0.01 of the noise: -log(sqrt(2 pi 0.02))
    assert found["log_score"] == pytest.approx(-0.5 * np.log(2 * np.pi * 0.02))


def test_scores_and_paired_differences_are_those_of_the_predictions():
    base = pd.DataFrame({"design": ["a", "a", "b"], "run_id": ["1", "2", "3"], "observed": 50.0})
    base = base.assign(test="t", part="all", seed=0, in50=True, in80=[True, True, False])
    base["log_score"] = 1.0
    rows = pd.concat(
        [base.assign(way=holdout.BASELINE, predicted=52.0), base.assign(way="x", predicted=51.0)]
    )
    table = holdout.summarise(rows).query("part == 'all'").set_index("way")
    assert table.loc["x", "mse"] == 1 and table.loc["x", "e_pct"] == pytest.approx(2)
    assert table.loc["x", "cover80"] == pytest.approx(2 / 3)
    (gap,) = holdout.paired(rows, rng()).to_dict("records")
    assert gap["mse_difference"] == gap["difference_low"] == gap["difference_high"] == -3  # 1 - 4


def test_simulated_tables_have_the_designs_and_a_law_of_their_own():
    tables = holdout.simulated(0)
    assert len(tables) == 1 + len(holdout.PENALISED_LAWS)
    for table in tables.values():
        assert (table["error"] > 0).all() and table["error"].nunique() > 60
        assert (table["frames"] == RUNS["frames"]).all()


def test_a_study_goes_on_where_it_was(tmp_path, monkeypatch):
    asked = {"tests": ["largest n out"], "ways": TWO[:1], "progress": False}
    first = holdout.run_table("paper", RUNS, tmp_path, 1, 3, **asked)
    monkeypatch.delattr(holdout, "predict_held")
    again = holdout.run_table("paper", RUNS, tmp_path, 1, 3, **asked)
    pd.testing.assert_frame_equal(first, again)


def test_the_default_is_what_the_rule_picks_and_what_the_package_recommends():
    assert holdout.pick(holdout.load_choice()) == holdout.DEFAULT
    laws = tuple(holdout.BAGS[name][0] for name in holdout.WAYS[holdout.DEFAULT])
    assert laws == RECOMMENDED
    for name in holdout.WAYS[holdout.DEFAULT]:
        assert holdout.BAGS[name][1]["options"].prior == PRIOR


def test_the_rule_prefers_the_larger_mix_among_ways_that_are_near():
    table = pd.DataFrame({"way": ["mix of three, penalised", "mix of four, penalised",
                                  "add, penalised"], "group": "all"})  # fmt: skip
    assert holdout.pick(table.assign(log_score=[2.0, 1.96, 2.01])) == "mix of four, penalised"
    assert holdout.pick(table.assign(log_score=[2.0, 1.94, 2.01])) == "mix of three, penalised"
    assert holdout.pick(table.assign(log_score=[1.0, 1.0, 2.0])) == "add, penalised"


def test_the_kept_study_holds_every_way_and_what_the_default_reaches():
    kept = holdout.load_holdout()
    whole = kept[kept["part"] == "all"].set_index(["test", "way"])
    assert set(whole.index) == {(test, way) for test in holdout.TESTS for way in holdout.WAYS}
    assert whole.loc[("LM size out", holdout.DEFAULT), "worst_e_pct"] <= 1.4
    assert whole.loc[("star to isoFLOP", holdout.DEFAULT), "mse"] <= 0.95


def test_a_place_that_cannot_be_written_is_refused_before_the_study(tmp_path, monkeypatch, capsys):
    monkeypatch.delattr(holdout, "run_table")  # a study that starts would miss it
    with pytest.raises(SystemExit) as ended:
        holdout.main(["--out", str(tmp_path / "none" / "holdout.csv")])
    assert ended.value.code == 2 and "there is no folder" in capsys.readouterr().err
