"""The world: scenes, labels and questions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.experiment.world import questions as ask
from vvlm_utils.experiment.world import scenes
from vvlm_utils.experiment.world.scenes import ROLES, SMALL, WORLD

SEEDS = st.integers(0, 2**32 - 1)


def draw(seed):
    return scenes.sample_scene(np.random.default_rng(seed))


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_squares_stand_inside_the_picture_and_never_overlap(seed):
    scene = draw(seed)
    board = np.zeros((WORLD.size, WORLD.size), dtype=int)
    for left, top, side in zip(scene.left, scene.top, scene.side, strict=True):
        assert min(left, top) >= 0 and max(left, top) + side <= WORLD.size
        board[top : top + side, left : left + side] += 1
    assert board.max() == 1
    assert len(set(scene.colour)) == len(ROLES)
    assert set(scene.side[list(SMALL)]) <= set(range(WORLD.smallest, WORLD.largest + 1))


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_soft_labels_hold_the_area_of_every_visible_square(seed):
    scene, frames = draw(seed), np.arange(WORLD.frames)
    labels = scenes.soft_labels(scene, frames)
    pixels = labels.sum(axis=(1, 2)) * WORLD.patch**2
    shown = scene.visible(frames)
    for t in frames:
        area = np.bincount(scene.colour, shown[t] * scene.side**2, WORLD.colours)
        np.testing.assert_allclose(pixels[t, : WORLD.colours], area, rtol=1e-5)
    np.testing.assert_allclose(  # every colour has one texture
        labels[..., : WORLD.colours].sum(-1), labels[..., WORLD.colours :].sum(-1), rtol=1e-5
    )


def test_the_same_seed_draws_the_same_scene_and_questions():
    first, again = (np.random.default_rng(5) for _ in range(2))
    a, b = scenes.sample_scene(first), scenes.sample_scene(again)
    assert all(np.array_equal(x, y) for x, y in zip(vars(a).values(), vars(b).values()))  # noqa: B905
    assert ask.ask_all(a, first) == ask.ask_all(b, again)


def oracle_misses(count, smallest_seen):
    """Share of scenes whose brief, small and glint square no frame or no token shows well enough.

    An ideal reader catches what lies in one of ``count`` frames and is ``smallest_seen`` wide.
    """
    at = ((np.arange(count) + 0.5) * WORLD.frames / count).astype(int)
    drawn = [draw(seed) for seed in range(3_000)]
    caught = np.array([scene.visible(at).any(axis=0) for scene in drawn])
    wide = np.array([scene.side >= smallest_seen for scene in drawn])
    return 1 - (caught & wide)[:, [ROLES.index(role) for role in ("brief", "small", "glint")]].mean(
        0
    )


def test_twice_the_frames_miss_a_falling_share_of_the_brief():
    """The oracle's error falls smoothly with frames, as a power law does, and never jumps."""
    missed = [oracle_misses(count, 0)[0] for count in (1, 2, 4, 8, 16)]
    ratios = np.divide(missed[1:], missed[:-1])
    assert 0.4 < missed[0] < 0.6 and 0.02 < missed[-1] < 0.1
    assert ((ratios > 0.3) & (ratios < 0.9)).all()


@pytest.mark.parametrize(("count", "side"), [(2, 7), (8, 11)])
def test_a_square_of_two_factors_is_missed_by_a_plus_b_less_a_b(count, side):
    brief, small, both = oracle_misses(count, side)
    assert both == pytest.approx(brief + small - brief * small, abs=0.03)


def test_every_factor_has_families_of_its_own_and_families_that_share_it():
    alone = {factors[0] for family, factors in ask.FACTORS_OF.items() if family not in ask.JOINT}
    assert alone == {"frames", "tokens_per_frame", "train_examples", "lm_params"}
    assert {f for family in ask.JOINT for f in ask.FACTORS_OF[family]} == alone - {"lm_params"}


def test_answers_are_balanced_and_blind_guessing_is_near_chance():
    rng = np.random.default_rng(1)
    asked = [ask.ask_all(scenes.sample_scene(rng), rng) for _ in range(4_000)]
    for k, family in enumerate(ask.FAMILIES):
        answers = [row[k].answer for row in asked]
        assert ask.blind_error(answers) == pytest.approx(ask.CHANCE_ERROR, abs=2.5), family


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_every_question_names_a_square_and_its_texture(seed):
    rng = np.random.default_rng(seed)
    scene = scenes.sample_scene(rng)
    texture = dict(zip(scene.colour, scene.texture, strict=True))
    tables = ask.meanings()
    for q in ask.ask_all(scene, rng):
        words = [w.removeprefix("colour") for w in q.words if w.startswith("colour")]
        if q.family in ask.NAMED:
            named = tables["word"][int(q.level)]
        elif q.family == "fact":
            named = tables["fact"][tables["fact_rank"][int(q.level)]]
        elif q.family == "sum":
            named = sum(int(w.removeprefix("digit")) for w in q.words[1:]) % 10
        else:
            named = int(words[0])
        assert q.answer == ask.texture_word(texture[named])
        assert q.via in ("", f"colour{named}") and bool(q.via) == (not words)
        assert all(w in ask.token_ids() for w in (*q.words, q.answer))


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="family must be one of brief, .*, got 'colour'"):
        ask.ask(draw(0), "colour", np.random.default_rng(0))
