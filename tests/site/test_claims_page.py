"""The page of claims, filled from the verdicts of the chapters."""

from pathlib import Path

import pytest

from vvlm_utils.advice.claims.verdict import CLAIMS, decide
from vvlm_utils.parsing import read_yaml
from vvlm_utils.site.claims_page import BADGES, PLACE, count_line, make_cards

BOOK = Path(__file__).parents[2] / "book"


@pytest.fixture(scope="module")
def claims():
    return read_yaml(BOOK / "claims.yml", ValueError, "a list")


@pytest.fixture
def texts():
    """Verdicts of three kinds in turn, as chapters glue them."""
    answers = [{"a": True}, {"a": True, "b": None}, {"a": None}, {"a": False}]
    found = {}
    for k, claim in enumerate(CLAIMS):
        verdict = decide(claim, answers[k % 4], f"x_T rises in {k}", "e_N falls", "The rule.")
        found |= verdict.texts()
    return found


def test_every_claim_of_the_paper_has_a_statement_and_a_section(claims):
    assert [c["claim"] for c in claims] == list(CLAIMS)
    assert all(c["says"].endswith(".") and c["source"] and c["section"] for c in claims)


def test_a_card_shows_the_verdict_what_was_found_and_both_sides(claims, texts):
    cards = make_cards(claims, texts)
    first, second = (cards.split(":::{container}")[k] for k in (1, 2))
    assert "{bdg-success}`holds`" in first and "Shown: a." in first and "The rule" in first
    assert "$x_T$ rises in 0." in first and "$e_N$ falls." in first
    assert "{bdg-warning}`holds in part`" in second and "Open: b." in second
    assert cards.count("<sec-c") == len(CLAIMS)


def test_the_page_counts_its_verdicts(claims, texts):
    words = [texts[f"c{k:02d}_verdict"] for k in range(1, 15)]
    assert count_line(words) in make_cards(claims, texts)
    for word, verb in zip(BADGES, ("hold", "hold in part", "do not hold", "are undecided"),
                          strict=True):  # fmt: skip
        assert f"{words.count(word)} {verb}" in count_line(words)


def test_the_page_has_one_place_for_the_cards():
    assert (BOOK / "claims.md").read_text().count(PLACE) == 1
