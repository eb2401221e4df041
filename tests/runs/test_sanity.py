import numpy as np
import pandas as pd
import pytest

from vvlm_utils.runs.sanity import larger_is_worse, suspicions
from vvlm_utils.runs.table import load_runs, validate_runs


def made(rng: np.random.Generator, noise: float, levels: int = 3) -> pd.DataFrame:
    """Runs of a law in which every factor but the tokens helps: error 20 to 60."""
    grid = np.meshgrid(
        [5e8, 1.5e9, 7e9][:levels], [4, 16, 32], [49, 196], [250_000, 1_000_000], indexing="ij"
    )
    names = ("lm_params", "frames", "tokens_per_frame", "train_examples")
    table = pd.DataFrame({n: g.ravel() for n, g in zip(names, grid, strict=True)})
    error = 15 * (table["lm_params"] / 1e9) ** -0.3 + 30 * table["frames"] ** -0.5
    error += 9 * (table["train_examples"] / 1e6) ** -0.3 + rng.normal(0, noise, len(table))
    return table.assign(metric=100 - error)


@pytest.mark.parametrize("task", ["avg", None])
@pytest.mark.parametrize("source", ["paper", "mini"])
def test_the_published_sweeps_raise_no_suspicion(source, task):
    assert suspicions(load_runs(source, task=task)) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_taken_for_a_score_is_pointed_out_through_noise(seed):
    rng = np.random.default_rng(seed)
    table = made(rng, noise=1.0)
    assert suspicions(validate_runs(table)) == []
    upside_down = table.assign(metric=100 - table["metric"])
    (said,) = suspicions(validate_runs(upside_down))
    assert said.startswith("The metric falls as the design grows: in ")
    assert "name the column `loss`" in said
    as_loss = table.drop(columns="metric").assign(loss=(100 - table["metric"]) / 12)
    assert suspicions(validate_runs(as_loss)) == []


def test_a_score_given_as_an_error_is_pointed_out():
    table = made(np.random.default_rng(0), noise=0.1)
    given = table.drop(columns="metric").assign(error=table["metric"])
    (said,) = suspicions(validate_runs(given))
    assert "name the column `metric`" in said


def test_a_table_without_comparable_runs_says_nothing():
    trade = pd.DataFrame(
        {"task": "avg", "frames": [4, 8], "lm_params": [2e9, 1e9], "error": [1, 2]}
    )
    assert larger_is_worse(trade, ["frames", "lm_params"]) == (0.5, 0)


def test_fractions_among_points_are_pointed_out():
    table = made(np.random.default_rng(0), noise=0.1)
    mixed = pd.concat(
        [table.assign(task="A"), table.assign(task="B", metric=table["metric"] / 100)]
    )
    (said,) = suspicions(validate_runs(mixed))
    assert said.startswith("Every metric of B is at most 1")
