"""Eight families of questions about a scene: five for one factor each, three for two together.

Every question names one square and asks for a texture. What is hard about it is graded:

brief : how long the square can be seen (more frames)
small : how large the square is (more tokens per frame)
word : an easy square by one of 1,000 new names, drawn by Zipf's law (more examples)
fact : an easy square through a table of facts, drawn by Zipf's law (a larger LM)
sum : an easy square through a sum modulo ten of one to five digits (a larger LM)
brief_small : a square that is brief and small (frames and tokens, each of use with the other)
brief_word : the brief square by a new name (frames and examples)
small_word : the small square by a new name (tokens and examples)

A question of two factors is answered when both were met, so its error is a + b - a b of the two
that it joins: what one factor gains grows as the other grows.

Words, facts and sums are answered in two words: the colour that they name, and then the texture;
a decoder of a few layers cannot do both at once. There is no end mark: the word that the answer
hangs on comes last, where a small decoder can look for it. New names occur in finetuning alone,
the same ones in three families; facts and sums are learned in pretraining, from text. The tables
are the world's own: their seed is fixed and apart from every clip's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from vvlm_utils.experiment.world.scenes import EASY, ROLES, WORLD, Scene, World

FACTORS_OF = {
    "brief": ("frames",),
    "small": ("tokens_per_frame",),
    "word": ("train_examples",),
    "fact": ("lm_params",),
    "sum": ("lm_params",),
    "brief_small": ("frames", "tokens_per_frame"),
    "brief_word": ("frames", "train_examples"),
    "small_word": ("tokens_per_frame", "train_examples"),
}
"""The factors that each family was made for."""
FAMILIES = tuple(FACTORS_OF)
JOINT = tuple(family for family, factors in FACTORS_OF.items() if len(factors) > 1)
FACTOR_OF = {family: " and ".join(factors) for family, factors in FACTORS_OF.items()}
SQUARE_OF = {
    **{"brief": "brief", "small": "small", "brief_small": "glint"},
    **{"brief_word": "brief", "small_word": "small"},
}
"""The role of the square that a family asks for; the others ask for an easy one."""
NAMED = ("word", "brief_word", "small_word")  # by a new name
WORDS, WORD_ZIPF = 1_000, 1.0
FACT_SIDE, FACT_ZIPF = 64, 0.75  # a table of 64 x 64
LONGEST_SUM = 5
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


def texture_word(texture: int) -> str:
    """The answer's word."""
    return f"texture{texture}"


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of the world, in the order of its token ids."""
    words = [*SPECIAL, *FAMILIES]
    words += [f"colour{c}" for c in range(WORLD.colours)]
    words += [texture_word(t) for t in range(WORLD.textures)]
    words += [f"digit{d}" for d in range(10)]
    words += [f"left{a}" for a in range(FACT_SIDE)] + [f"right{b}" for b in range(FACT_SIDE)]
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
    role = SQUARE_OF.get(family)
    square = ROLES.index(role) if role else int(rng.choice(EASY))
    colour, via = int(scene.colour[square]), ""
    named = (f"colour{colour}",)
    if family in NAMED:
        level = _of_colour("word", colour, WORDS, WORD_ZIPF, rng)
        named = (f"word{level}",)
    elif family == "fact":
        level = _of_colour("fact", colour, FACT_SIDE**2, FACT_ZIPF, rng)
        named = fact_words(level)
    elif family == "sum":
        level = int(rng.integers(1, LONGEST_SUM + 1))
        named = sum_words(colour, level, rng)
    elif family == "small":
        level = scene.side[square]
    else:
        level = scene.stop[square] - scene.start[square]
    if not role or family in NAMED:
        via = f"colour{colour}"
    answer = texture_word(int(scene.texture[square]))
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
