"""Predictions made before the runs, and what came of them."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.laws import bag, get_law
from vvlm_utils.runs import load_runs
from vvlm_utils.studies import advance

RUNS = load_runs("paper")
DESIGNS = pd.DataFrame(
    {
        "run_id": ["near", "far"],
        "lm_params": [2.8e9, 14e9],
        "frames": [12, 48],
        "tokens_per_frame": [64, 144],
        "train_examples": [750_000, 1_500_000],
    }
)


@pytest.fixture(scope="module")
def predictions():
    model = bag(get_law("add"), RUNS, rng=np.random.default_rng(0), resamples=8, search="quick")
    return advance.predict_designs({"add": model}, DESIGNS)


def test_a_prediction_lies_in_its_interval_and_the_interval_holds_a_runs_noise(predictions):
    assert (predictions["low"] < predictions["error"]).all()
    assert (predictions["error"] < predictions["high"]).all()
    assert predictions["run_id"].tolist() == ["near", "far"]
    assert (predictions["level"] == advance.LEVEL).all()


def test_designs_that_were_run_are_no_longer_predicted():
    advance.check_unseen(RUNS, DESIGNS)
    seen = RUNS.iloc[[5]][["run_id", *advance.DESIGN]]
    with pytest.raises(ValueError, match=f"design {seen['run_id'].iloc[0]} stands in the runs"):
        advance.check_unseen(RUNS, pd.concat([DESIGNS, seen]))


def test_scores_are_those_of_hand_arithmetic():
    predictions = DESIGNS.assign(model="m", error=[44.0, 30.0], low=[39.0, 25.0], high=[45.0, 29.9])
    runs = DESIGNS.assign(error=[40.0, 40.0], metric_se=0.5)
    scored = advance.score_predictions(predictions, runs)
    assert scored["inside"].tolist() == [True, False]
    assert scored["relative"].tolist() == pytest.approx([10.0, -25.0])
    summary = advance.summarise_predictions(scored, sizes_seen=7.5e9)
    assert summary.loc[("m", "LM sizes seen"), ["designs", "e_pct", "inside"]].tolist() == [
        1,
        10,
        1,
    ]
    assert summary.loc[("m", "larger LM"), ["designs", "e_pct", "inside"]].tolist() == [1, 25, 0]


def test_designs_that_were_not_run_yet_are_left_out_of_the_score(predictions):
    runs = DESIGNS.iloc[:1].assign(error=40.0, metric_se=0.5)
    assert advance.score_predictions(predictions, runs)["run_id"].tolist() == ["near"]


def test_the_command_refuses_a_design_that_was_run_and_writes_nothing(
    tmp_path, monkeypatch, capsys
):
    path, out = tmp_path / "designs.csv", tmp_path / "predictions.csv"
    RUNS.iloc[[0]][["run_id", *advance.DESIGN]].to_csv(path, index=False)
    monkeypatch.setattr("sys.argv", ["advance", "paper", str(path), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        advance.main()
    assert ended.value.code == 2 and not out.exists()
    assert "leave it out" in capsys.readouterr().err


def test_what_is_written_finds_its_designs_again_at_any_size(tmp_path, monkeypatch):
    design = {"run_id": "new", "lm_params": 7_654_321_987.0, "frames": 8, "tokens_per_frame": 49}
    path, out = tmp_path / "designs.csv", tmp_path / "predictions.csv"
    pd.DataFrame([design | {"train_examples": 1_000_000}]).to_csv(path, index=False)
    monkeypatch.setattr("sys.argv", ["advance", "paper", str(path), "--out", str(out)])
    few = bag(get_law("add"), RUNS, rng=np.random.default_rng(0), resamples=2, search="quick")
    monkeypatch.setattr(advance, "fit_models", lambda runs, rng: {"add": few})
    advance.main()
    came = pd.read_csv(path).assign(error=40.0, metric_se=0.5)
    assert advance.score_predictions(pd.read_csv(out), came)["run_id"].tolist() == ["new"]
