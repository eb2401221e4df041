"""A law is its description: values, gradient and units follow from it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.laws.evaluation import evaluate
from vvlm_utils.laws.forms import BUILDERS, FORMS, LAWS, chinchilla, get_law, laws_over, make_law
from vvlm_utils.laws.law import Law, Power, Term, log_design, values

DESIGN = pd.DataFrame(
    {
        "lm_params": [1.0, 7.5, 2.8],
        "frames": [32, 4, 16],
        "tokens_per_frame": [196, 49, 1],
        "train_examples": [0.25, 1.0, 2.0],
    }
)


def named(law: Law, **params: float) -> np.ndarray:
    return np.array([params[name] for name in law.parameters])


def random_theta(law: Law, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    terms = len(law.terms)
    return np.r_[rng.uniform(0, 30, terms), rng.uniform(-1, 1, len(law.parameters) - terms)]


def test_add_interact_is_equation_3():
    law, z = LAWS["add-interact"], DESIGN.iloc[1]
    p = dict(alpha_N=3, alpha_T=5, alpha_V=7, beta_N=2, beta_T=1, beta_V=4, xi=6, eps=11)
    p |= dict(a_N=0.5, a_T=0.3, a_V=0.2, b_N=0.1, b_T=-0.2, b_V=0.4, d=0.6)
    x = z["lm_params"], z["frames"], z["tokens_per_frame"]
    by_hand = 11 + 6 * z["train_examples"] ** -0.6
    for k, size in zip("NTV", x, strict=True):
        by_hand += p[f"alpha_{k}"] * size ** -p[f"a_{k}"]
        by_hand += p[f"beta_{k}"] * size ** p[f"b_{k}"] * z["train_examples"] ** -0.6
    assert values(law, named(law, **p), log_design(law, DESIGN))[0, 1] == pytest.approx(by_hand)


def test_mult_is_one_product_and_a_floor():
    law = LAWS["mult"]
    theta = named(law, alpha=50, eps=10, a_N=0.1, a_T=0.2, a_V=0.3, d=0.4)
    product = 50 * 1.0**-0.1 * 32**-0.2 * 196**-0.3 * 0.25**-0.4
    assert values(law, theta, log_design(law, DESIGN))[0, 0] == pytest.approx(10 + product)


def test_chinchilla_is_its_published_form():
    law = chinchilla()
    theta = named(law, A=406.4, B=410.7, E=1.69, alpha=0.34, beta=0.28)
    z = {"lm_params": np.array([70e9]), "train_examples": np.array([1.4e12])}
    by_hand = 1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28
    assert values(law, theta, log_design(law, z))[0, 0] == pytest.approx(by_hand)


@pytest.mark.parametrize("form", FORMS)
def test_one_factor_form_equals_the_full_form_with_the_other_terms_off(form):
    full, single = LAWS[form], make_law(form, ["frames"])
    theta = dict(zip(single.parameters, random_theta(single, 3), strict=True))
    wide = np.array([theta.get(name, 0.0) for name in full.parameters])
    np.testing.assert_allclose(
        values(full, wide, log_design(full, DESIGN)),
        values(single, named(single, **theta), log_design(single, DESIGN)),
    )


@pytest.mark.parametrize("name", LAWS)
@given(seed=st.integers(0, 10_000))
def test_gradient_equals_central_differences(name, seed):
    law = LAWS[name]
    theta, log_z = random_theta(law, seed), np.ascontiguousarray(log_design(law, DESIGN))
    f, gradient = np.empty(3), np.empty((theta.size, 3))
    evaluate(theta, log_z, law.entries, law.joined, f, gradient)
    for p, step in enumerate(1e-6 * np.eye(theta.size)):
        above, below = (np.log(values(law, theta + s * step, log_z)[0]) for s in (1, -1))
        np.testing.assert_allclose(gradient[p], (above - below) / 2e-6, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("name", LAWS)
@given(seed=st.integers(0, 10_000), log_unit=st.floats(-20, 20))
def test_a_change_of_units_changes_no_value(name, seed, log_unit):
    law = LAWS[name]
    theta, log_z = random_theta(law, seed), log_design(law, DESIGN)
    log_ratio = np.linspace(log_unit, -log_unit / 2, len(law.factors))
    moved = law.change_units(theta, log_ratio)
    np.testing.assert_allclose(
        values(law, moved, log_z - log_ratio[:, None]), values(law, theta, log_z), rtol=1e-9
    )


def test_extra_factors_need_no_new_code():
    law = make_law("add-interact", ["lm_params", "frames", "tower_params", "bits"])
    assert {"alpha_bits", "beta_tower_params"} <= set(law.parameters)
    assert len(law.parameters) == 4 * 4 + 3


def test_a_norm_of_one_is_the_sum_and_a_large_one_the_largest_term():
    add, norm = LAWS["add-decay"], LAWS["pnorm-decay"]
    theta, log_z = random_theta(add, 1), log_design(add, DESIGN)
    summed = values(add, theta, log_z)
    np.testing.assert_allclose(values(norm, np.r_[theta, 0.0], log_z), summed)
    eps = theta[add.parameters.index("eps")]
    large = values(norm, np.r_[theta, np.log(500.0)], log_z) - eps
    alone = []
    for k in (k for k, t in enumerate(add.terms) if t.powers):
        only = theta.copy()
        only[: len(add.terms)] = 0.0
        only[k] = theta[k]
        alone.append(values(add, only, log_z))
    np.testing.assert_allclose(large, np.max(alone, axis=0), rtol=0.01)


def test_decay_with_rates_of_zero_is_add():
    add, decay = LAWS["add"], LAWS["add-decay"]
    p = dict(zip(add.parameters, random_theta(add, 2), strict=True))
    theta = named(decay, **p | {"d_N": 0, "d_T": 0, "d_V": 0})
    log_z = log_design(add, DESIGN)
    np.testing.assert_allclose(
        values(decay, theta, log_z), values(add, random_theta(add, 2), log_z)
    )


def test_without_a_data_size_no_term_reads_n():
    found = laws_over(data=None)
    assert list(found) == ["mult", "add", "pnorm-decay"]
    assert all("train_examples" not in law.factors for law in found.values())
    assert all(name not in found["add"].parameters for name in ("xi", "d"))


def test_one_builder_adds_a_law(monkeypatch):
    def build(factors, data):
        powers = tuple(Power(f, "a", -1) for f in factors)
        return Law("one-rate", (*factors, data), (Term("c", powers), Term("eps")))

    monkeypatch.setitem(BUILDERS, "one-rate", build)
    assert "one-rate" in laws_over(["frames"])
    assert get_law("one-rate", ["frames"]).parameters == ("c", "eps", "a")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: get_law("cubic"), "unknown law 'cubic'.*add-interact"),
        (lambda: make_law("cubic"), "unknown law 'cubic'"),
        (lambda: get_law("add-decay", data=None), "without a data size is 'add'"),
        (lambda: make_law("add", ["frames", "frames"]), "factors must be distinct"),
        (lambda: make_law("add", []), "factors must be distinct"),
        (lambda: Law("twice", (), (Term("c"), Term("c"))), "'twice'.*occurs twice"),
        (lambda: log_design(LAWS["add"], DESIGN.drop(columns="frames")), "no \\['frames'\\]"),
        (lambda: log_design(LAWS["add"], DESIGN.assign(frames=-4)), "frames must be positive"),
    ],
)
def test_refusals_name_the_field_and_the_value(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
