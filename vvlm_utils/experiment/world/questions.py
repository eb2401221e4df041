"""Eight families of questions about a scene, two for each factor of the experiment.

Every question names one square and asks for a texture. What is hard about it is graded:

brief, flash : how long the thing asked for can be seen (more frames)
small, crowd : how fine the picture must be (more tokens per frame)
word : an easy square by one of 3,000 names, drawn by Zipf's law (more examples)
tongue : the answer in one of 40 languages, drawn by Zipf's law (more examples)
fact : an easy square through a table of 16,384 facts, drawn by Zipf's law (a larger LM)
sum : an easy square through a sum modulo ten of one to six digits (a larger LM)

Words, facts and sums are answered in two words: the colour that they name, and then the texture;
a decoder of a few layers cannot do both at once. There is no end mark: the word that the answer
hangs on comes last, where a small decoder can look for it. Words and tongues occur in finetuning
alone; facts and sums are learned in pretraining, from text. The tables are the world's own: their
seed is fixed and apart from every clip's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from vvlm_utils.experiment.world.scenes import EASY, ROLES, WORLD, Scene, World

FAMILIES = ("brief", "flash", "small", "crowd", "word", "tongue", "fact", "sum")
FACTOR_OF = {
    **dict.fromkeys(("brief", "flash"), "frames"),
    **dict.fromkeys(("small", "crowd"), "tokens_per_frame"),
    **dict.fromkeys(("word", "tongue"), "train_examples"),
    **dict.fromkeys(("fact", "sum"), "lm_params"),
}
WORDS, WORD_ZIPF = 3_000, 1.25
TONGUES, TONGUE_ZIPF = 40, 1.0
FACT_SIDE, FACT_ZIPF = 128, 1.0  # a table of 128 x 128
LONGEST_SUM = 6
TABLE_SEED = 20_260  # of the words' and facts' meanings
SPECIAL = ("<pad>", "<video>")
CHANCE_ERROR = 100 * (1 - 1 / WORLD.textures)


@dataclass(frozen=True)
class Question:
    """One question: its last word is what the answer hangs on.

    level : its difficulty; via : the colour to be said before the answer, where one is named
    """

    family: str
    words: tuple[str, ...]
    answer: str
    level: float
    via: str = ""


def texture_word(texture: int, tongue: int | None = None) -> str:
    """The answer's word, in the common language or in one of the tongues."""
    return f"texture{texture}" if tongue is None else f"tongue{tongue}_{texture}"


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of the world, in the order of its token ids."""
    words = [*SPECIAL, *FAMILIES]
    words += [f"colour{c}" for c in range(WORLD.colours)]
    words += [texture_word(t) for t in range(WORLD.textures)]
    words += [f"digit{d}" for d in range(10)]
    words += [f"left{a}" for a in range(FACT_SIDE)] + [f"right{b}" for b in range(FACT_SIDE)]
    words += [f"in{k}" for k in range(TONGUES)]
    words += [texture_word(t, k) for k in range(TONGUES) for t in range(WORLD.textures)]
    return (*words, *(f"word{w}" for w in range(WORDS)))


@cache
def token_ids() -> dict[str, int]:
    """Token id of every word."""
    return {word: i for i, word in enumerate(vocabulary())}


@cache
def meanings() -> dict[str, np.ndarray]:
    """Colour of every word and of every pair of the fact table, and the facts' order of rank."""
    rng = np.random.default_rng(TABLE_SEED)
    facts = FACT_SIDE**2
    return {
        "word": rng.integers(0, WORLD.colours, WORDS),
        "fact": rng.integers(0, WORLD.colours, facts),
        "fact_rank": rng.permutation(facts),
    }


@lru_cache
def _zipf_cdf(count: int, exponent: float) -> np.ndarray:
    weight = np.arange(1, count + 1, dtype=float) ** -exponent
    return np.cumsum(weight) / weight.sum()


def draw_rank(count: int, exponent: float, rng: np.random.Generator, size=None) -> np.ndarray:
    """Ranks from 0 by Zipf's law: rank r has weight (r + 1) ** -exponent."""
    return np.searchsorted(_zipf_cdf(count, exponent), rng.random(size))


def _of_colour(kind: str, colour: int, count: int, exponent: float, rng) -> int:
    """A rank by Zipf's law among those that mean ``colour``; never empty, so drawn by retry."""
    table = meanings()[kind]
    while True:
        rank = int(draw_rank(count, exponent, rng))
        entry = rank if kind == "word" else int(meanings()["fact_rank"][rank])
        if table[entry] == colour:
            return rank


def sum_words(colour: int, terms: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Random digits whose sum modulo ten is ``colour``."""
    digits = rng.integers(0, 10, terms)
    digits[-1] = (colour - digits[:-1].sum()) % 10
    return tuple(f"digit{d}" for d in digits)


def fact_words(rank: int) -> tuple[str, str]:
    """The two words of the fact of a rank."""
    entry = int(meanings()["fact_rank"][rank])
    return f"left{entry // FACT_SIDE}", f"right{entry % FACT_SIDE}"


def ask(scene: Scene, family: str, rng: np.random.Generator, world: World = WORLD) -> Question:
    """Ask one question of a family about a scene.

    Raises ValueError for an unknown family.
    """
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {family!r}")
    by_name = family in ("word", "tongue", "fact", "sum")
    square = int(rng.choice(EASY)) if by_name else ROLES.index(family)
    colour, texture = int(scene.colour[square]), int(scene.texture[square])
    named, answer, via = (f"colour{colour}",), texture_word(texture), ""
    if family == "brief":
        level = scene.stop[square] - scene.start[square]
    elif family == "flash":
        level = scene.flash_stop[square] - scene.flash_start[square]
        named = (f"colour{scene.flash_colour}",)
        answer = texture_word(int(scene.flash_texture[square]))
    elif family == "small":
        level = scene.side[square]
    elif family == "crowd":
        other = ROLES.index("neighbour")
        apart = [scene.left[square] - scene.left[other], scene.top[square] - scene.top[other]]
        axis = int(np.abs(apart).argmax())
        first, second = (square, other) if apart[axis] < 0 else (other, square)
        corner = scene.left if axis == 0 else scene.top
        level = corner[second] - corner[first] - scene.side[first]
    elif family == "word":
        level = _of_colour("word", colour, WORDS, WORD_ZIPF, rng)
        named, via = (f"word{level}",), f"colour{colour}"
    elif family == "tongue":
        level = int(draw_rank(TONGUES, TONGUE_ZIPF, rng))
        named, answer = (f"in{level}", *named), texture_word(texture, level)
    elif family == "fact":
        level = _of_colour("fact", colour, FACT_SIDE**2, FACT_ZIPF, rng)
        named, via = fact_words(level), f"colour{colour}"
    else:
        level = int(rng.integers(1, LONGEST_SUM + 1))
        named, via = sum_words(colour, level, rng), f"colour{colour}"
    return Question(family, (family, *named), answer, float(level), via)


def ask_all(scene: Scene, rng: np.random.Generator) -> list[Question]:
    """One question of every family, in the order of ``FAMILIES``."""
    return [ask(scene, family, rng) for family in FAMILIES]


def text_question(family: str, rng: np.random.Generator) -> Question:
    """A question of text alone, for pretraining: which colour does a fact or a sum name?"""
    if family == "fact":
        rank = int(draw_rank(FACT_SIDE**2, FACT_ZIPF, rng))
        colour = int(meanings()["fact"][meanings()["fact_rank"][rank]])
        words, level = fact_words(rank), rank
    else:
        colour, level = int(rng.integers(0, 10)), int(rng.integers(1, LONGEST_SUM + 1))
        words = sum_words(colour, level, rng)
    return Question(family, (family, *words), f"colour{colour}", float(level))


def blind_error(answers: list[str]) -> float:
    """Error in percent of the best constant answer: the baseline that no video is needed for."""
    _, counts = np.unique(answers, return_counts=True)
    return 100.0 * (1 - counts.max() / len(answers))
