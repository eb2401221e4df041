"""The page of claims: its cards are made from what the executed chapters found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from vvlm_utils.advice.claims.verdict import FAILS, HOLDS, IN_PART, UNDECIDED, WORDS
from vvlm_utils.parsing import read_yaml
from vvlm_utils.site.verdicts import texts_of

PLACE = "<!-- cards -->"
BADGES = {HOLDS: "success", IN_PART: "warning", FAILS: "danger", UNDECIDED: "muted"}
COUNTED = {HOLDS: "hold", IN_PART: "hold in part", FAILS: "do not hold", UNDECIDED: "are undecided"}
SYMBOL = re.compile(r"\b([xe]_[NTV])\b|(?<![\w$-])(n)(?![\w$-])")
CARD = """:::{{container}} claim claim-{look}
{{bdg-{look}}}`{word}` **{claim}. {says}** ({source})

{found}

[The paper:]{{.claim-side}} {theirs}. [These runs:]{{.claim-side}} {ours}.
{{ref}}`How this was decided <{section}>`

```{{dropdown}} The rule
{rule}
```
:::
"""


def _typeset(text: str) -> str:
    """Symbols as mathematics: x_N in a text of a chapter becomes $x_N$."""
    return SYMBOL.sub(lambda found: f"${found[1] or found[2]}$", text)


def count_line(words: Iterable[str]) -> str:
    """How many claims have each verdict, in a sentence.

    >>> count_line(["holds", "holds", "does not hold"])
    'Of 3 claims 2 hold and 1 do not hold.'
    """
    words = list(words)
    counts = Counter(words)
    parts = [f"{counts[word]} {COUNTED[word]}" for word in WORDS if counts[word]]
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return f"Of {len(words)} claims {listed}."


def make_cards(claims: Iterable[Mapping[str, str]], texts: Mapping[str, str]) -> str:
    """The count and one card a claim; ``texts`` holds what the chapters glued, by name."""
    cards, words = [], []
    for claim in claims:
        key = f"c{int(claim['claim'][1:]):02d}"
        found = {n: texts[f"{key}_{n}"] for n in ("verdict", "found", "theirs", "ours", "rule")}
        word = found.pop("verdict")
        words.append(word)
        shown = {name: _typeset(text).rstrip(".") for name, text in found.items()}
        shown["found"] += "."
        cards.append(CARD.format(look=BADGES[word], word=word, **claim, **shown))
    return "\n".join([count_line(words), "", *cards])


def fill_page(page: Path, notebooks: Iterable[Path]) -> None:
    """Put the cards into the page, from the claims beside it (``.yml``) and executed chapters."""
    texts: dict[str, str] = {}
    for notebook in notebooks:
        texts |= texts_of(notebook)
    claims = read_yaml(page.with_suffix(".yml"), ValueError, "a list of claims")
    page.write_text(page.read_text().replace(PLACE, make_cards(claims, texts)))
