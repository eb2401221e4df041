"""Exercises that can be answered on the page: a box below each one whose answer is checked.

The box knows what ``data/answers.json`` holds, a slow hash, and ``book/assets/moves/answers.js``
hashes what a reader writes as ``vvlm_utils.site.exercises`` does; nothing leaves the page. Without
scripts and in print there is no box, and the exercise says how to check an answer in Python.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape

import yaml

from vvlm_utils.files import DATA_FOLDER
from vvlm_utils.site import exercises

LONGEST = 60  # letters of an answer
HINTS = DATA_FOLDER / "hints.yaml"
# An exercise as Sphinx writes it: its label, its number, and the end of what it asks.
EXERCISE = re.compile(
    r'<div class="exercise admonition" id="([\w-]+)">.*?</section>(?=\s*</div>)', re.DOTALL
)
NUMBER = re.compile(r'class="caption-number">\s*(Exercise[^<]*?)\s*<')


@cache
def read_hints() -> dict[str, dict]:
    """The hint of every checked exercise, and whether its answer is a text, by label."""
    found = yaml.safe_load(HINTS.read_text())
    return {
        label: hint if isinstance(hint, dict) else {"hint": hint, "text": False}
        for label, hint in found.items()
    }


def write_box(label: str, name: str, hashed: str) -> str:
    """The form of one exercise, hidden until its script has started.

    label : of the exercise, the salt of its hash
    name : what a reader calls it, as "Exercise 1.2"
    """
    known = {
        "exercise": label,
        "hash": hashed,
        "slow": exercises.SLOW,
        "digits": exercises.DIGITS,
        **read_hints()[label],
    }
    return (
        f'<form class="vvlm-answer" data-settings="{escape(json.dumps(known))}" hidden>\n'
        f'<label for="{label}-answer">Your answer<span class="vvlm-unseen"> to {escape(name)}'
        f'</span></label>\n<input id="{label}-answer" type="text" maxlength="{LONGEST}"'
        ' autocomplete="off" spellcheck="false">\n<button type="submit">Check</button>\n'
        '<output role="status" aria-live="polite"></output>\n</form>\n'
    )


def add_boxes(html: str) -> str:
    """A page with a box in every exercise whose answer is known."""
    kept = exercises.ANSWERS
    known = json.loads(kept.read_text()) if kept.exists() else {}

    def answered(found: re.Match) -> str:
        label = found[1]
        if label not in known:
            return found[0]
        number = NUMBER.search(found[0])
        box = write_box(label, number[1] if number else label, known[label])
        return found[0].removesuffix("</section>") + box + "</section>"

    return EXERCISE.sub(answered, html)
