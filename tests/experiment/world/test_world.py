"""The world: scenes, labels and questions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.experiment.world import questions as ask
from vvlm_utils.experiment.world import scenes
from vvlm_utils.experiment.world.scenes import ROLES, WORLD

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
    assert len({*scene.colour, scene.flash_colour}) == len(ROLES) + 1


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_soft_labels_hold_the_area_of_every_visible_square(seed):
    scene, frames = draw(seed), np.arange(WORLD.frames)
    labels = scenes.soft_labels(scene, frames)
    pixels = labels.sum(axis=(1, 2)) * WORLD.patch**2
    shown = scene.visible(frames)
    for t in frames:
        area = np.bincount(scene.colours_at(frames)[t], shown[t] * scene.side**2, WORLD.colours)
        np.testing.assert_allclose(pixels[t, : WORLD.colours], area, rtol=1e-5)
    np.testing.assert_allclose(  # every colour has one texture
        labels[..., : WORLD.colours].sum(-1), labels[..., WORLD.colours :].sum(-1), rtol=1e-5
    )


def test_the_same_seed_draws_the_same_scene_and_questions():
    first, again = (np.random.default_rng(5) for _ in range(2))
    a, b = scenes.sample_scene(first), scenes.sample_scene(again)
    assert all(np.array_equal(x, y) for x, y in zip(vars(a).values(), vars(b).values()))  # noqa: B905
    assert ask.ask_all(a, first) == ask.ask_all(b, again)


@pytest.mark.parametrize("role", ["brief", "flash"])
def test_twice_the_frames_miss_a_falling_share(role):
    """The oracle's error falls smoothly with frames, as a power law does, and never jumps."""
    square = ROLES.index(role)
    drawn = [draw(seed) for seed in range(3_000)]
    missed = []
    for count in (1, 2, 4, 8, 16):
        at = ((np.arange(count) + 0.5) * WORLD.frames / count).astype(int)
        on = [s.visible(at) if role == "brief" else s.flashing(at) for s in drawn]
        missed.append(1 - np.mean([m[:, square].any() for m in on]))
    ratios = np.divide(missed[1:], missed[:-1])
    assert 0.4 < missed[0] < 0.6 and 0.02 < missed[-1] < 0.1
    assert ((ratios > 0.3) & (ratios < 0.9)).all()


def test_answers_are_balanced_and_blind_guessing_is_near_chance():
    rng = np.random.default_rng(1)
    asked = [ask.ask_all(scenes.sample_scene(rng), rng) for _ in range(4_000)]
    for k, family in enumerate(ask.FAMILIES):
        answers = [row[k].answer for row in asked]
        expected = ask.CHANCE_ERROR if family != "tongue" else 100 * (1 - 0.234 / 6)
        assert ask.blind_error(answers) == pytest.approx(expected, abs=2.5)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_every_question_names_a_square_and_its_texture(seed):
    rng = np.random.default_rng(seed)
    scene = scenes.sample_scene(rng)
    texture = dict(zip(scene.colour, scene.texture, strict=True))
    texture[scene.flash_colour] = scene.flash_texture[ROLES.index("flash")]
    tables = ask.meanings()
    for q in ask.ask_all(scene, rng):
        words = [w.removeprefix("colour") for w in q.words if w.startswith("colour")]
        if q.family == "word":
            named = tables["word"][int(q.level)]
        elif q.family == "fact":
            named = tables["fact"][tables["fact_rank"][int(q.level)]]
        elif q.family == "sum":
            named = sum(int(w.removeprefix("digit")) for w in q.words[1:]) % 10
        else:
            named = int(words[0])
        assert q.answer.endswith(str(texture[named]))
        assert all(w in ask.token_ids() for w in (*q.words, q.answer))


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="family must be one of brief, .*, got 'colour'"):
        ask.ask(draw(0), "colour", np.random.default_rng(0))
