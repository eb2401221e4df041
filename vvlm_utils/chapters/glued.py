"""What an executed chapter glues: its values, its sentences with them, its captions and alt texts.

A caption or an alt text may hold ``{key}`` or ``{key:.1f}``: a parameter, or a value that the
chapter glues. They are filled in when it has run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

PLAIN = "application/papermill.record/text/plain"  # where glue keeps a value
ROLE = re.compile(r"\{glue:text\}`([\w-]+)(?::([^`]+))?`")
MARKS = re.compile(r"\*\w|`|\$")  # of a text that is Markdown itself


def read_glued(cells: Iterable[Mapping]) -> dict[str, Any]:
    """The values that the cells of an executed notebook glue, by name; numbers and texts."""
    found = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            text = output.get("data", {}).get(PLAIN)
            if not name or text is None:
                continue
            text = text if isinstance(text, str) else "".join(text)
            try:
                found[name] = ast.literal_eval(text)
            except (ValueError, SyntaxError):  # nan, inf and what is no literal
                found[name] = float(text) if text in ("nan", "inf", "-inf") else text
    return found


def say(source: str, values: Mapping[str, Any]) -> str:
    """A text with its glued values in place.

    >>> say("It costs {glue:text}`total:.1f` TFLOPs.", {"total": 3.14159})
    'It costs 3.1 TFLOPs.'
    """
    return ROLE.sub(lambda m: format(values[m[1]], m[2] or ""), source)


def set_marked(cells: Iterable[dict]) -> None:
    """Put glued texts that are Markdown themselves into the prose, in place.

    A role would show their stars and backticks as they are.
    """
    cells = list(cells)
    values = read_glued(cells)
    marked = {k for k, text in values.items() if isinstance(text, str) and MARKS.search(text)}
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = ROLE.sub(
                lambda m: values[m[1]] if m[1] in marked else m[0], cell["source"]
            )


def fill_figures(cells: Iterable[dict], values: Mapping[str, Any]) -> None:
    """Put values into captions and alt texts, in place; KeyError for one that nobody glues.

    An alt text is plain: it keeps the words of code and not its backticks.
    """
    for cell in cells:
        shown = cell.get("metadata", {}).get("mystnb", {})
        for part, key in (("figure", "caption"), ("image", "alt")):
            text = shown.get(part, {}).get(key, "")
            if "{" in text:
                filled = text.format_map(values)
                shown[part][key] = filled.replace("`", "") if key == "alt" else filled
