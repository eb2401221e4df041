import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.cost.equation import (
    COSTS,
    FACTORS,
    LIMIT,
    SOVIT_400M,
    VisionTower,
    deployment_ratio,
    encoder_overhead,
    encoder_share,
    inference_cost,
    lm_only_flops,
    paper_flops,
    training_flops,
)

positive = st.floats(min_value=1e-3, max_value=1e12)
CENTRE = (7.5e9, 32, 196)


def test_centre_of_the_star_costs_what_eq_1_says():
    # 2 * 32 * (0.43e9 * 768 + 7.5e9 * 196) = 64 * (330.24e9 + 1470e9) = 115.21536e12
    assert paper_flops(*CENTRE) == pytest.approx(2 * 32 * (0.43e9 * 768 + 7.5e9 * 196), rel=1e-15)
    assert paper_flops(*CENTRE) == pytest.approx(115.21536e12, rel=1e-12)


def test_cost_splits_into_encoder_and_lm():
    cost = inference_cost(*CENTRE)
    assert cost.vision_flops == pytest.approx(64 * 330.24e9)
    assert cost.lm_flops == pytest.approx(64 * 1470e9) == lm_only_flops(*CENTRE)
    assert cost.total_flops == cost.vision_flops + cost.lm_flops


def test_encoder_is_half_the_cost_at_7b_and_47_tokens():
    # x_M x_W / x_N = 330.24e9 / 7e9 = 47.18 tokens make the two parts equal
    assert encoder_share(7e9, 47) == pytest.approx(0.5, abs=0.01)
    assert encoder_share(7e9, 0.43e9 * 768 / 7e9) == pytest.approx(0.5, rel=1e-12)


def test_deployment_example_gives_340():
    # 34e6 * 30 / (3 * 1e6) = 340
    assert deployment_ratio(34e6, 30, 1e6) == pytest.approx(340, rel=1e-15)


def test_deployment_ratio_is_the_quotient_of_the_two_costs():
    n, tokens, examples, videos = 7.5e9, 32 * 196, 1e6, 34e6 * 30
    inference = lm_only_flops(n, 32, 196) * videos
    assert inference / training_flops(n, tokens * examples) == pytest.approx(340)


def test_training_costs_six_per_parameter_and_token():
    assert training_flops(2.0, 5.0) == 60.0


@given(positive, positive, positive, st.floats(min_value=0.1, max_value=10))
def test_cost_is_linear_in_frames(n, t, v, scale):
    assert paper_flops(n, t * scale, v) == pytest.approx(scale * paper_flops(n, t, v))


@given(positive, positive, positive, st.sampled_from(range(3)))
def test_cost_never_falls_when_a_factor_grows(n, t, v, which):
    x = [n, t, v]
    more = list(x)
    more[which] *= 1.5
    assert all(cost(*more) >= cost(*x) for cost in COSTS.values())


@given(positive, positive, positive)
def test_share_and_overhead_agree_and_ignore_frames(n, t, v):
    cost = inference_cost(n, t, v)
    assert encoder_share(n, v) == pytest.approx(cost.vision_flops / cost.total_flops)
    overhead = encoder_overhead(n, v)
    assert encoder_share(n, v) * overhead == pytest.approx(overhead - 1, rel=1e-6, abs=1e-9)
    assert encoder_overhead(n, v) == pytest.approx(1 + 0.43e9 * 768 / (n * v))


def test_a_share_near_one_is_finite():
    assert encoder_share(1e-3, 1e-3) == pytest.approx(1.0)


def test_cost_of_arrays_is_the_array_of_costs():
    n, t, v = np.array([1e9, 7.5e9]), np.array([[3], [32]]), 49
    costs = paper_flops(n, t, v)
    assert costs.shape == (2, 2)
    assert costs[1, 0] == paper_flops(1e9, 32, 49)


def test_tower_is_a_parameter():
    small = VisionTower(0.1e9, 256)
    assert inference_cost(*CENTRE, tower=small).vision_flops == 2 * 32 * 0.1e9 * 256
    assert SOVIT_400M.flops_per_frame == 2 * 0.43e9 * 768


def test_a_cost_takes_any_positive_number():
    assert paper_flops(1e9, 2.5, 17) > 0


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("field", FACTORS)
def test_cost_refuses_what_is_not_positive_naming_field_and_value(field, value):
    x = dict(zip(FACTORS, CENTRE, strict=True)) | {field: value}
    with pytest.raises(ValueError, match=f"^{field} must be a positive number, got {value:g}$"):
        paper_flops(**x)


@pytest.mark.parametrize("field", FACTORS)
def test_a_count_is_below_the_limit_and_every_price_there_is_finite(field):
    most = dict.fromkeys(FACTORS, np.nextafter(LIMIT, 0))
    assert np.isfinite(paper_flops(**most))
    with pytest.raises(ValueError, match=rf"^{field} must be below 1e\+18, got 1e\+308$"):
        paper_flops(**dict(zip(FACTORS, CENTRE, strict=True)) | {field: [1, 1e308]})


def test_array_refusal_names_the_first_bad_value():
    with pytest.raises(ValueError, match="frames must be a positive number, got -4"):
        paper_flops(1e9, [1, -4, -5], 49)


@pytest.mark.parametrize("field", ["videos_per_day", "days", "train_examples"])
def test_ratio_refuses_zero(field):
    x = {"videos_per_day": 1, "days": 1, "train_examples": 1} | {field: 0}
    with pytest.raises(ValueError, match=field):
        deployment_ratio(**x)


def test_tower_refuses_no_parameters():
    with pytest.raises(ValueError, match="params must be a positive number, got 0"):
        VisionTower(0, 768)
