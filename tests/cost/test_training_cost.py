"""What finetuning costs, by hand arithmetic and against published sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.cost import training as tc
from vvlm_utils.cost.architectures import DECODERS, PAPER_TOWER, exact_cost
from vvlm_utils.cost.serving import get_accelerator
from vvlm_utils.runs.table import load_runs

A100 = get_accelerator("a100-80gb-sxm")
LARGE = DECODERS["llama-3.1-8b"]
ONE_B = DECODERS["llama-3.2-1b"]


def test_a_row_of_logits_is_counted_for_every_answered_token():
    text = tc.Text(prompt_tokens=10, answer_tokens=7)
    cost = tc.forward_cost(LARGE, 2, 4, text)
    alone = exact_cost(LARGE, 2, 4, prompt_tokens=17)
    assert cost.logits == 7 * 2 * 4096 * 128_256
    assert cost.total_flops - cost.logits == alone.total_flops - alone.logits


def test_finetuning_is_three_forward_passes_and_a_cached_tower_is_free():
    cost = tc.forward_cost(ONE_B, 4, 16)
    assert tc.finetuning_flops(cost) == 3 * cost.total_flops
    frozen = tc.finetuning_flops(cost, frozen_tower=True)
    assert tc.finetuning_flops(cost) - frozen == 3 * 4 * PAPER_TOWER.flops_per_frame


def test_alignment_costs_between_one_and_three_passes():
    cost = tc.forward_cost(ONE_B, 1, 196)
    ratio = tc.alignment_flops(cost) / cost.total_flops
    assert 1 < ratio < 2  # tower one, decoder two, and the small projector three


def test_gpu_hours_by_hand():
    # 312e12 FLOPs a second at half of it, for two hours: 1.1232e18 FLOPs
    assert tc.gpu_hours(1.1232e18, A100, 0.5) == pytest.approx(2.0)
    assert tc.implied_utilisation(1.1232e18, A100, 2.0) == pytest.approx(0.5)


@pytest.mark.parametrize("utilisation", [0, 1e-300, -0.1, 1.1])
def test_a_utilisation_that_cannot_be_is_refused(utilisation):
    with pytest.raises(ValueError, match="utilisation must lie between 1e-06 and 1"):
        tc.gpu_hours(1.0, A100, utilisation)


def test_states_are_sixteen_bytes_a_parameter_and_split_evenly():
    # 8.03e9 with embedding and head, 0.413e9 in the tower, 0.021e9 in the projector
    assert tc.all_params(LARGE) == pytest.approx(8.464e9, rel=1e-3)
    one, eight = (tc.training_memory(LARGE, 32, 196, gpus) for gpus in (1, 8))
    assert one.states == 16 * tc.all_params(LARGE) == 8 * eight.states
    assert one.gathered == 0 < eight.gathered
    assert one.total_bytes > 80e9 > eight.total_bytes  # one GPU does not hold it, eight do


@given(st.sampled_from(sorted(DECODERS)), st.integers(1, 64), st.integers(1, 27))
def test_memory_grows_with_frames_tokens_and_examples_and_falls_with_gpus(name, frames, side):
    def total(t=frames, v=side**2, gpus=2, examples=1):
        return tc.training_memory(DECODERS[name], t, v, gpus, examples=examples).total_bytes

    assert total(t=frames + 1) > total() < total(examples=2)
    assert total(v=(side + 1) ** 2) >= total()  # few tokens hide behind the tower's one layer
    assert total(gpus=4) < total()


@pytest.mark.parametrize("counts", [{"gpus": 0}, {"examples": 0}])
def test_counts_below_one_are_refused(counts):
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        tc.training_memory(LARGE, 4, 4, **counts)
    with pytest.raises(ValueError, match="answer_tokens must be at least 1"):
        tc.Text(answer_tokens=0)


def test_the_papers_sweep_has_87_rows_and_adds_up():
    runs = load_runs("paper")
    costs = tc.plan_costs(runs, A100, 0.4)
    assert len(costs) == 87
    whole = costs["example_flops"] * runs["train_examples"]
    np.testing.assert_allclose(costs["train_flops"], whole)
    groups = tc.runs_by_sweep(costs, runs)
    assert groups["runs"].sum() == 87
    assert groups["gpu_hours"].sum() == pytest.approx(costs["gpu_hours"].sum())
    # Eq. 1 times three and n is a floor: attention, text and projector come on top.
    eq1 = 3 * 2 * runs["frames"] * runs["tokens_per_frame"] * runs["lm_params"]
    assert (costs["example_flops"] > 0.95 * eq1).all()


def test_hours_do_not_depend_on_how_many_gpus_share_a_run():
    runs = load_runs("paper").head(3)
    few, many = (tc.plan_costs(runs, A100, 0.4, gpus) for gpus in (4, 32))
    assert few["gpu_hours"].equals(many["gpu_hours"])
    assert (few["memory_bytes"] > many["memory_bytes"]).all()
