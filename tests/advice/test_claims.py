"""Each claim's rule on tables made to hold and made not to; the words that are kept."""

import json

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice import claims
from vvlm_utils.advice.claims import kept as kept_words
from vvlm_utils.advice.claims.verdict import above, below, both, either
from vvlm_utils.cost import FACTORS, SOVIT_400M, deployment_ratio, encoder_share
from vvlm_utils.runs import load_runs, load_task_runs, trends

HOLDS, IN_PART, FAILS = "holds", "holds in part", "does not hold"
SLOPE_PARTS = ("lower half", "upper half", "ratio per doubling", "ratio per unit")


def intervals(rows: dict) -> pd.DataFrame:
    """Rows of (low, high), with their middle as the value."""
    table = pd.DataFrame(rows, index=["low", "high"]).T
    return table.assign(value=table.mean(axis=1))


def of(low: float, high: float, **further) -> dict:
    return {"value": (low + high) / 2, "low": low, "high": high, **further}


def state(verdict: claims.Verdict) -> list:
    return list(verdict.parts.values())


# The words


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ([True, True], HOLDS),
        ([True, None], IN_PART),
        ([True, False], IN_PART),
        ([False, None], FAILS),
        ([None, None], claims.UNDECIDED),
    ],
)
def test_the_word_follows_from_the_parts(parts, word):
    assert claims.grade(parts) == word


def test_a_claim_without_parts_is_refused():
    with pytest.raises(ValueError, match="at least one part"):
        claims.grade([])


def test_an_interval_that_holds_the_bound_leaves_its_part_open():
    assert [above(of(0.1, 2)), above(of(-1, 2)), above(of(-2, -1))] == [True, None, False]
    assert [below(of(0.1, 2)), below(of(-1, 2)), below(of(-2, -1))] == [False, None, True]
    assert above(of(np.nan, np.nan)) is None


def test_parts_join_by_the_logic_of_three_values():
    assert [both(True, True), both(True, None), both(None, False)] == [True, None, False]
    assert [either(False, False), either(False, None), either(None, True)] == [False, None, True]


def test_a_verdict_hands_its_texts_to_the_pages():
    verdict = claims.decide("C3", {"one": np.True_}, "ours", "theirs", "rule")
    assert verdict.parts["one"] is True
    assert verdict.texts() == {
        "c03_verdict": HOLDS,
        "c03_found": "Shown: one.",
        "c03_ours": "ours",
        "c03_theirs": "theirs",
        "c03_rule": "rule",
    }


def test_an_unknown_claim_is_refused():
    with pytest.raises(ValueError, match="C1 to C14, got 'C15'"):
        claims.decide("C15", {"one": True}, "", "", "")


# C1 to C4, and C14


def slopes(upper=(-2.0, -1.0), unit=(1.5, 3.0)) -> pd.DataFrame:
    ends = {"lower half": (-3, -2), "upper half": upper}
    ends |= {"ratio per doubling": (0.5, 2), "ratio per unit": unit}
    columns = {
        (part, name): dict.fromkeys((*FACTORS, "train_examples"), value)
        for part in SLOPE_PARTS
        for name, value in of(*ends[part]).items()
    }
    return pd.DataFrame(columns)


def test_c1_holds_where_every_error_falls_and_falls_ever_less():
    assert claims.c1_diminishing_returns(slopes()).word == HOLDS


def test_c1_fails_where_errors_rise_or_fall_ever_more():
    assert claims.c1_diminishing_returns(slopes(upper=(0.5, 1))).word == FAILS
    assert claims.c1_diminishing_returns(slopes(unit=(0.2, 0.8))).word == FAILS


def test_c1_holds_in_part_where_one_factor_is_open():
    table = slopes()
    table.loc["frames", ("upper half", "high")] = 0.5
    verdict = claims.c1_diminishing_returns(table)
    assert (verdict.word, verdict.parts["x_T helps less each time"]) == (IN_PART, None)
    assert verdict.ours.startswith("3 of 4 factors")


def test_c1_gives_no_ratio_where_no_error_is_sure_to_fall():
    assert claims.c1_diminishing_returns(slopes(upper=(-1, 1))).ours == (
        "0 of 4 factors; per doubling, 0 of 4"
    )


def bottleneck(bend, growth, change) -> claims.Verdict:
    sizes = {"1B": bend, "7.5B": bend}
    grown = {f"{size}, {name}": growth for size in sizes for name in ("frames", "tokens")}
    return claims.c2_bottleneck(intervals(sizes), intervals(grown), of(*change))


def test_c2_holds_where_extremes_lose_and_all_grow():
    assert bottleneck((0.1, 0.2), (1.5, 3), (0.5, 2)).word == HOLDS


def test_c2_fails_where_curves_bend_down_and_nothing_grows():
    assert bottleneck((-0.2, -0.1), (0.2, 0.8), (-2, -0.5)).word == FAILS


def test_c2_is_undecided_where_every_interval_is_wide():
    assert bottleneck((-0.1, 0.1), (0.5, 2), (-1, 1)).word == claims.UNDECIDED


def doubling(lead, others) -> claims.Verdict:
    without = pd.DataFrame([of(*ends, sigma=0.5) for ends in others], index=list("ab"))
    return claims.c3_doubling(of(*lead, sigma=0.5), without, {1e9: 0.5, 7.5e9: 2.0})


def test_c3_holds_where_the_lead_is_above_zero_whichever_run_is_left_out():
    assert doubling((1.5, 3), [(1, 3), (0.5, 3)]).word == HOLDS


def test_c3_fails_where_much_is_excluded_whichever_run_is_left_out():
    assert doubling((-2, 0.5), [(-2, 0.5), (-2, 0.9)]).word == FAILS


@pytest.mark.parametrize("lead", [(1.5, 3.0), (-2.0, 0.5)])
def test_c3_is_undecided_where_one_run_decides(lead):
    assert doubling(lead, [lead, (-2, 1.2)]).word == claims.UNDECIDED


def test_c3_says_how_many_single_runs_undo_it():
    shown = doubling((-2.0, 0.5), [(-2, 0.5), (-2, 1.2)]).ours
    assert shown.endswith(
        "is excluded by all runs, and excluded without one of them in 1 of 2 cases"
    )


def exchanged(low: float, high: float, back: tuple | None = None) -> pd.DataFrame:
    """Losses of two tasks at two budgets; ``back`` are the other task's, where they differ."""
    sides = {("MV", "VMME"): (low, high), ("VMME", "MV"): back or (low, high)}
    rows = {(*pair, c): ends for pair, ends in sides.items() for c in (5.0, 30.0)}
    return intervals(rows).rename_axis(["task", "other", "budget_tflops"])


NOISE = pd.Series({"MV": 0.9, "VMME": 1.0})


def tasks(lvb: float, pt: float, se: float = 0.1, losses=None) -> claims.Verdict:
    gaps = pd.DataFrame({"value": {"LVB": lvb, "PT": pt, "AQA": 0.0}, "se": se})
    return claims.c4_tasks(gaps, exchanged(0.5, 2) if losses is None else losses, NOISE)


def test_c4_holds_where_lvb_and_pt_lie_on_their_sides_and_designs_differ():
    verdict = tasks(-2, 2)
    assert verdict.word == HOLDS
    assert "equal tasks p < 1e-6; two tasks both lose" in verdict.ours
    assert "in 2 of 2 cases" in verdict.ours and verdict.ours.endswith("is 0.9 and 1.0")


def test_c4_wants_both_tasks_to_lose_by_an_exchange():
    one_way = tasks(-2, 2, losses=exchanged(0.5, 2, back=(-0.1, 2)))
    assert one_way.parts["best designs differ"] is None and one_way.word == IN_PART
    assert "in 0 of 2 cases" in one_way.ours


def test_c4_is_contradicted_where_every_exchange_is_a_tie():
    assert tasks(-2, 2, losses=exchanged(-0.1, 0.8)).parts["best designs differ"] is False


def test_c4_fails_where_the_sides_are_swapped_and_is_undecided_in_noise():
    assert tasks(0.3, -0.3, se=0.15, losses=exchanged(-0.1, 0.8)).word == FAILS
    assert tasks(-0.1, 0.1, se=1.0, losses=exchanged(-1, 2)).word == claims.UNDECIDED


def test_equal_tasks_have_a_p_that_is_uniform():
    rng = np.random.default_rng(0)
    p = [
        claims.same_tasks(pd.DataFrame({"value": rng.normal(0, 0.3, 8), "se": 0.3}))
        for _ in range(2000)
    ]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.02)


def served(gap: float, spread: float, rise: float = 5.0) -> claims.Verdict:
    """Three draws, served at 16 frames after tuning at 2 and at 16."""
    draws = pd.MultiIndex.from_product([[2, 16], range(3)], names=["frames", "draw"])
    wobble = np.array([-spread, 0, spread])
    tuned = pd.Series(np.r_[np.full(3, 50.0), 50 + rise + wobble], draws)
    home = pd.Series(np.r_[np.full(3, 50.0), np.full(3, 50 + rise - gap)], draws)
    return claims.c14_tuned_where_served(tuned, home)


def test_c14_holds_where_every_draw_loses_alike_and_fails_where_none_does():
    assert served(gap=7, spread=0.1).word == HOLDS
    assert served(gap=-7, spread=0.1, rise=-5).word == FAILS


def test_c14_reads_three_draws_by_students_t():
    # a mean of 3 standard errors: beyond two, yet inside t's 4.3
    spread = 2.0
    verdict = served(gap=3 * spread / np.sqrt(3), spread=spread, rise=0)
    assert state(verdict) == [None, None]


# C5 to C8

PAIRS = (("mult", "add"), ("add", "add-interact-s"), ("add-interact-s", "add-interact"))


def forms(low: float, high: float, last=(-1.0, 1.0)) -> claims.Verdict:
    rows = {(*pair, test): (low, high) for pair in PAIRS for test in ("cv", "extrapolation")}
    rows |= {(*PAIRS[2], "cv"): last}
    gaps = intervals(rows).rename(columns={"value": "mse_difference"})
    return claims.c5_forms(gaps, pd.Series({"mult": 0.88, "add": 0.94}))


def test_c5_holds_where_each_better_form_has_the_smaller_error():
    assert forms(0.1, 0.5).word == HOLDS
    assert forms(-0.5, -0.1, last=(0.1, 0.5)).word == FAILS
    assert len(forms(0.1, 0.5).parts) == 4  # the last pair is not asked


def choices(rows: dict) -> claims.Verdict:
    return claims.c6_choices(intervals(rows))


def test_c6_asks_one_test_of_every_choice():
    helps, harms, opens = (0.1, 0.5), (-0.5, -0.1), (-0.1, 0.1)
    cases = {"cv": helps, "extrapolation": opens}
    assert choices({("huber", test): ends for test, ends in cases.items()}).word == HOLDS
    assert choices({("huber", "cv"): harms, ("huber", "extrapolation"): harms}).word == FAILS
    part = choices({("huber", "cv"): opens, ("raw-space", "cv"): helps})
    assert part.word == IN_PART and part.ours.endswith("raw-space")


def bags(full, half, one, mean) -> claims.Verdict:
    rows = {("median", 100): full, ("median", 50): half, ("median", 1): one, ("mean", 100): mean}
    drawn = [
        {"repeat": i, "aggregate": kind, "size": size, "mse": mse}
        for (kind, size), mse in rows.items()
        for i in range(20)
    ]
    return claims.c7_bagging(pd.DataFrame(drawn))


def test_c7_holds_where_the_full_median_wins_and_fails_where_it_loses():
    assert bags(1.0, 1.1, 1.5, 4.0).word == HOLDS
    assert bags(2.0, 1.1, 1.5, 1.0).word == FAILS
    assert bags(1.0, 1.1, 1.5, 0.5).word == IN_PART


def extrapolated(average, worst) -> claims.Verdict:
    rows = {"Avg": average, "LVB": worst, "NQA": worst, "VDC": (3, 5)}
    rows |= {f"other {i}": (1, 3) for i in range(5)}
    return claims.c8_extrapolation(intervals(rows))


def test_c8_holds_where_the_average_is_small_and_both_tasks_are_not():
    assert extrapolated((1.0, 1.5), (4, 6)).word == HOLDS
    assert extrapolated((2.5, 3.0), (0.5, 1)).word == FAILS
    assert extrapolated((1.5, 2.5), (1, 6)).word == claims.UNDECIDED


# C9, C10 and C13


def frontier(growth, ratio, falls) -> claims.Verdict:
    grown = intervals(dict.fromkeys(FACTORS, growth))
    ratios = intervals(dict.fromkeys(("T/N", "T/V", "V/N"), ratio))
    return claims.c9_growth(grown, ratios, falls, pd.Series([10.7, 14.7, 6.2]))


def test_c9_holds_where_all_grow_apart_and_not_steadily():
    assert frontier((2, 4), (0.2, 0.8), 0.9).word == HOLDS
    assert frontier((0.2, 0.8), (0.5, 2), 0.1).word == FAILS
    assert frontier((0.5, 2), (0.5, 2), 0.5).word == claims.UNDECIDED


def elasticities(*signs: int) -> pd.DataFrame:
    """Whole intervals of these signs; 0 for one that holds zero."""
    return intervals({f: (s - 0.5, s + 0.5) for f, s in zip(FACTORS, signs, strict=True)})


def more_data(*tables: pd.DataFrame) -> claims.Verdict:
    found = {f"computation {i}": table for i, table in enumerate(tables)}
    return claims.c10_more_data(found, tables[0], dict.fromkeys(FACTORS, 0.5), "the mix")


def test_c10_holds_with_the_papers_signs_and_fails_with_the_posters():
    assert more_data(elasticities(-1, 1, 1), elasticities(-1, 1, 1)).word == HOLDS
    assert more_data(elasticities(1, -1, -1), elasticities(1, -1, -1)).word == FAILS


def test_c10_asks_every_computation():
    assert more_data(elasticities(-1, 1, 1), elasticities(-1, 0, 1)).word == IN_PART
    assert more_data(elasticities(-1, 1, 1), elasticities(0, -1, 0)).word == claims.UNDECIDED


def wishes(frame, encoder) -> claims.Verdict:
    budgets = (2, 100)
    return claims.c13_frame_or_tokens(
        intervals(dict.fromkeys(budgets, frame)),
        intervals(dict.fromkeys(budgets, encoder)),
        "the mix",
    )


def test_c10_and_c13_name_the_model_behind_their_numbers():
    assert more_data(elasticities(-1, 1, 1)).ours.endswith("median of the members of the mix")
    assert wishes((0.1, 0.2), (0.5, 1)).ours.startswith("under the mix a frame pays more")


def test_c13_asks_both_halves_at_every_budget():
    assert wishes((0.1, 0.2), (0.5, 1)).word == HOLDS
    assert wishes((0.1, 0.2), (-1, -0.5)).word == IN_PART
    assert wishes((-0.2, -0.1), (-1, -0.5)).word == FAILS
    assert len(wishes((0.1, 0.2), (0.5, 1)).parts) == 4


# C11 and C12


def test_c11_wants_a_half_that_grows_below():
    assert claims.c11_encoder_share(pd.Series({50: 0.48, 49: 0.49, 4: 0.9}), 47).word == HOLDS
    assert claims.c11_encoder_share(pd.Series({50: 0.2, 49: 0.1, 4: 0.1}), 9).word == FAILS


def test_c12_wants_340_within_a_hundredth():
    assert claims.c12_deployment(341.0).word == HOLDS
    assert claims.c12_deployment(300.0).word == FAILS


# The kept words, and the tables that can decide


def test_the_kept_words_are_those_of_quick_claims_on_the_papers_runs():
    kept, runs = kept_words.load_verdicts(), load_runs("paper")
    every = trends.arm_slopes(runs, (*FACTORS, "train_examples"), np.random.default_rng(0))
    tokens = [50, 49, 36, 25, 16, 9, 4, 1]
    share = pd.Series(encoder_share(7e9, tokens), tokens)
    half_at = SOVIT_400M.params * SOVIT_400M.features_per_frame / 7e9
    found = [
        claims.c1_diminishing_returns(every),
        claims.c11_encoder_share(share, half_at),
        claims.c12_deployment(deployment_ratio(34e6, 30, 1e6)),
    ]
    assert {v.claim: v.word for v in found} == {v.claim: kept[v.claim] for v in found}


def test_c3_hangs_on_the_odd_run_at_5_tflops():
    runs, rng = load_runs("paper"), np.random.default_rng(0)
    leads = trends.gain_leads(runs, rng, draws=5000)
    assert set(leads.index) < set(runs["run_id"])
    odd = leads.loc["isoflop5-7.5B-2x121-n2M"]
    assert odd["high"] > 2 * odd["sigma"]
    assert (leads["high"] < 2 * leads["sigma"]).mean() > 0.8


def test_a_change_of_a_word_fails_until_the_file_has_it(tmp_path):
    kept = kept_words.load_verdicts()
    kept_words.check_words(kept)
    with pytest.raises(
        kept_words.VerdictError, match="C1: .*'does not hold'.*keeps 'holds'.*CHANGELOG"
    ):
        kept_words.check_words({"C1": FAILS, "C2": kept["C2"]})
    changed = tmp_path / "verdicts.json"
    changed.write_text(json.dumps(kept | {"C1": FAILS}))
    kept_words.check_words({"C1": FAILS}, changed)


@pytest.mark.parametrize("moved", [{"C1": "maybe"}, {"C15": HOLDS}])
def test_a_file_of_verdicts_has_fourteen_known_words(moved, tmp_path):
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps(kept_words.load_verdicts() | moved))
    with pytest.raises(kept_words.VerdictError, match="must map C1 to C14"):
        kept_words.load_verdicts(path)


def test_a_table_says_which_claims_it_can_decide():
    runs = load_runs("paper")
    assert {"C1", "C2", "C5", "C10"} < set(claims.decidable(runs))
    assert not {"C4", "C11", "C12", "C14"} & set(claims.decidable(runs))
    assert {"C4", "C8"} < set(claims.decidable(load_task_runs("paper")))


def test_a_table_lacks_what_it_lacks():
    star = load_runs("paper").query("sweep == 'star'")
    assert claims.lacking(star)["C2"] == "it needs isoFLOP runs of two budgets and two LM sizes"
    assert claims.lacking(star)["C5"] == "it needs runs marked star and isoflop"
    one_n = star[star["train_examples"] == 1e6]
    assert claims.lacking(one_n)["C10"] == "it needs runs that move train_examples"
    assert claims.decidable(star[star["frames"] == 32]) == ()
