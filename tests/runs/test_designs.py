import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.cost.equation import FACTORS, lm_only_flops, paper_flops
from vvlm_utils.runs.designs import (
    budget_gap,
    is_perfect_square,
    isoflop_designs,
    name_runs,
    square_tokens,
    star_designs,
    well_spaced,
)
from vvlm_utils.runs.table import load_runs
from vvlm_utils.text import short_count

X = [*FACTORS, "train_examples"]


def designs_of(table: pd.DataFrame, columns=X) -> set[tuple]:
    return set(table[columns].itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    runs = load_runs("paper")
    return runs[runs["sweep"] == "isoflop"]


def test_star_defaults_are_the_papers_39_runs_exactly():
    runs = load_runs("paper")
    star = star_designs()
    assert len(star) == 39
    assert designs_of(star) == designs_of(runs[runs["sweep"] == "star"])
    assert set(star["run_id"]) == set(runs.loc[runs["sweep"] == "star", "run_id"])


def test_star_moves_one_factor_at_a_time():
    star = star_designs()
    moved = (
        star[list(FACTORS)]
        != pd.Series({"lm_params": 7.5e9, "frames": 32, "tokens_per_frame": 196})
    ).sum(axis=1)
    assert moved.max() == 1


def test_star_adds_its_centre_once():
    star = star_designs(
        {"lm_params": 1e9, "frames": 8, "tokens_per_frame": 16}, {"frames": [4, 16]}, [1000]
    )
    assert star["frames"].tolist() == [4, 8, 16]


def test_star_refuses_an_unknown_factor():
    with pytest.raises(ValueError, match="levels names 'layers'; use one of lm_params"):
        star_designs(levels={"layers": [1]})


def test_every_published_point_is_found_at_the_tolerance_it_needs(published):
    needed = budget_gap(published).abs().max()
    assert needed == pytest.approx(0.0525, abs=1e-4)
    columns = ["target_tflops", *X]
    found = isoflop_designs(tolerance=needed + 1e-9)
    assert designs_of(published, columns) <= designs_of(found, columns)
    assert set(published["run_id"]) <= set(found["run_id"])
    assert not designs_of(published, columns) <= designs_of(
        isoflop_designs(tolerance=needed - 1e-4), columns
    )


def test_seven_published_points_need_more_than_three_percent(published):
    assert (budget_gap(published).abs() > 0.03).sum() == 7


@settings(max_examples=30, deadline=None)
@given(st.floats(1e12, 5e13), st.floats(0.0, 0.2))
def test_enumeration_is_exactly_the_designs_within_tolerance(budget, tolerance):
    sizes, frames, tokens = [1e9, 7e9], range(1, 20), [1, 4, 16, 64, 144]
    found = isoflop_designs(budget, tolerance, sizes, frames, tokens)
    brute = {
        (n, t, v)
        for n in sizes
        for t in frames
        for v in tokens
        if abs(paper_flops(n, t, v) / budget - 1) <= tolerance
    }
    assert designs_of(found, list(FACTORS)) == brute
    assert len(found) == len(brute)


def test_the_cost_is_a_parameter():
    cheap = isoflop_designs(5e12, lm_params=[7.5e9], cost=lm_only_flops)
    assert (np.abs(lm_only_flops(*(cheap[f] for f in FACTORS)) / 5e12 - 1) <= 0.03).all()
    assert (paper_flops(*(cheap[f] for f in FACTORS)) > 5e12).all()


def test_a_budget_nothing_meets_gives_an_empty_table():
    empty = isoflop_designs(1e6)
    assert empty.empty
    assert "run_id" in empty


@pytest.mark.parametrize("budget", [0, -1e12, float("nan"), [2e12, 0]])
def test_enumeration_refuses_a_budget_that_is_not_positive(budget):
    with pytest.raises(ValueError, match="budget_flops must be positive"):
        isoflop_designs(budget)


def test_enumeration_refuses_tokens_that_make_no_square():
    with pytest.raises(ValueError, match="tokens_per_frame must be perfect squares, got 17"):
        isoflop_designs(tokens_per_frame=[16, 17])


def test_enumeration_refuses_a_tolerance_of_three_hundred_percent():
    with pytest.raises(ValueError, match="tolerance must lie between 0 and 1, got 3"):
        isoflop_designs(tolerance=3)


def test_well_spaced_is_a_subset_with_at_most_the_asked_number_per_curve():
    designs = isoflop_designs(tolerance=0.06)
    kept = well_spaced(designs, 4)
    assert designs_of(kept) <= designs_of(designs)
    assert kept.groupby(["target_tflops", "lm_params"]).size().max() == 4
    sizes = designs.groupby(["target_tflops", "lm_params"]).size()
    assert set(kept.groupby(["target_tflops", "lm_params"]).groups) == set(sizes.index)


def test_well_spaced_keeps_both_ends_of_every_curve():
    designs = isoflop_designs()
    for points in (2, 5):
        kept = well_spaced(designs, points)
        by = ["target_tflops", "lm_params"]
        for end in ("min", "max"):
            pd.testing.assert_series_equal(
                kept.groupby(by)["tokens_per_frame"].agg(end),
                designs.groupby(by)["tokens_per_frame"].agg(end),
            )


def test_well_spaced_beats_the_first_points_of_the_curve_in_its_smallest_gap():
    curve = isoflop_designs(30e12, lm_params=[7.5e9])
    kept = well_spaced(curve, 5)

    def smallest_gap(table):
        logs = np.log(table[["frames", "tokens_per_frame"]].to_numpy(float))
        gaps = np.linalg.norm(logs[:, None] - logs[None], axis=2)
        return gaps[np.triu_indices(len(logs), 1)].min()

    assert smallest_gap(kept) > smallest_gap(curve.head(5))


def test_well_spaced_does_not_depend_on_the_order_of_the_rows():
    designs = isoflop_designs()
    shuffled = designs.sample(frac=1, random_state=0)
    assert designs_of(well_spaced(designs, 4)) == designs_of(well_spaced(shuffled, 4))


def test_well_spaced_keeps_a_short_curve_whole():
    one = isoflop_designs(2e12, lm_params=[7.5e9])
    assert len(well_spaced(one, 5)) == len(one) == 1


def test_well_spaced_refuses_one_point():
    with pytest.raises(ValueError, match="points_per_lm must be at least 2"):
        well_spaced(isoflop_designs(2e12), 1)


@given(st.integers(1, 10_000))
def test_squares_are_perfect_squares_and_their_successors_are_not(side):
    assert is_perfect_square(side**2)
    assert not is_perfect_square(side**2 + 1)


def test_what_is_no_count_is_no_square():
    assert not is_perfect_square([0, -4, 2.25, float("nan")]).any()


def test_tokens_of_the_search_space_are_squares_up_to_28():
    assert square_tokens().tolist()[::27] == [1, 784]


def test_run_names_tell_sweep_budget_lm_design_and_data():
    row = {
        "sweep": "isoflop",
        "target_tflops": 30.0,
        "lm_params": 2.8e9,
        "frames": 27,
        "tokens_per_frame": 81,
        "train_examples": 2_000_000,
    }
    assert name_runs(pd.DataFrame([row])).tolist() == ["isoflop30-2.8B-27x81-n2M"]
    assert short_count(0.25e6) == "250k"
