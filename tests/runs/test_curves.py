"""Fitted isoFLOP curves: where they are lowest, and what is read off them."""

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.cost import paper_flops
from vvlm_utils.runs import curves, trends


@pytest.fixture(scope="module")
def parabolas():
    """Curves with their minimum at known tokens: 16 at 5 TFLOPs and 64 at 30, for two LMs."""
    rows = []
    for budget, best, least in ((5.0, 16, 50.0), (30.0, 64, 45.0)):
        for size, extra in ((1e9, 4.0), (7.5e9, 0.0)):
            for tokens in (4, 16, 64, 256):
                bend = 0.2 * (np.log2(tokens) - np.log2(best)) ** 2
                frames = budget * 1e12 / paper_flops(size, 1, tokens)
                rows.append((budget, size, frames, tokens, least + extra + bend))
    names = ["target_tflops", "lm_params", "frames", "tokens_per_frame", "error"]
    table = pd.DataFrame(rows, columns=names).assign(sweep="isoflop", train_examples=2e6)
    noise = 1e-6 * np.random.default_rng(0).standard_normal(len(table))
    table["error"] += noise
    return table.assign(metric=100 - table["error"], run_id=table.index.astype(str))


@pytest.fixture(scope="module")
def minima(parabolas):
    fit = trends.isoflop_fit(parabolas)
    return curves.find_minima(fit, fit.draws(50, np.random.default_rng(0)))


def test_minima_of_known_parabolas(minima):
    path = curves.optimum_path(minima)
    expected = pd.Series([16.0, 16.0, 64.0, 64.0])
    assert np.allclose(path.sort_values("target_tflops")["tokens"], expected, rtol=1e-3)
    assert np.allclose(path["error"], [54, 50, 49, 45], rtol=1e-3)
    assert (curves.no_minimum(minima) == 0).all()


def test_growth_losses_and_gains_of_known_parabolas(parabolas, minima):
    growth = curves.optimum_growth(minima, (5.0, 30.0))
    assert np.allclose(growth.xs("tokens", level=1)["value"], 4, rtol=1e-3)
    losses, change = curves.size_losses(minima, (1e9, 7.5e9), (5.0, 30.0))
    assert np.allclose(losses["value"], 4, atol=1e-3) and abs(change[0]) < 1e-3
    fit = trends.isoflop_fit(parabolas)
    gains = curves.gain_readings(parabolas, fit, minima, (5.0, 30.0), (1e9, 7.5e9))
    by_reading = gains.set_index(["reading", "lm_params"])
    assert np.allclose(by_reading.loc[["curve", "best run"], "value"], 5, atol=1e-3)
    # every curve has the same four tokens, so the pairs give the difference of the means
    same = parabolas.groupby(["target_tflops", "lm_params"])["metric"].mean().unstack()
    assert np.allclose(by_reading.loc["same tokens", "value"], same.loc[30.0] - same.loc[5.0])
    assert set(by_reading.loc["same tokens", "pairs"]) == {4}


def test_lines_and_residuals_follow_the_runs(parabolas):
    fit = trends.isoflop_fit(parabolas)
    assert curves.curve_residuals(parabolas, fit).abs().max() < 1e-5
    lines = curves.curve_points(parabolas, fit, points=5)
    assert len(lines) == 4 * 5
    assert lines.groupby("target_tflops")["error"].min().to_dict() == pytest.approx(
        {5.0: 50.0, 30.0: 45.0}, abs=0.1
    )


def test_best_and_worst_run_of_a_budget(parabolas):
    best = curves.best_runs(parabolas)
    assert best["lm_params"].tolist() == [7.5e9, 7.5e9]
    assert best["tokens_per_frame"].tolist() == [16, 64]
    assert (best["worst"] < best["best"]).all()


def test_runs_without_which_a_lead_could_be_much(parabolas):
    leads = pd.DataFrame(
        {"value": 0.0, "low": -1.0, "high": [0.5, 1.5], "sigma": 0.5}, index=["0", "3"]
    )
    found = curves.decisive_runs(parabolas, leads)
    assert found[["tokens_per_frame", "much"]].to_numpy().tolist() == [[256, 1.0]]
