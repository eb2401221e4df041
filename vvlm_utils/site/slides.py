"""Slides of the main figures: one HTML file that works offline, for a teacher to project.

``book/slides.yml`` names the figures; titles and sentences take their numbers from the executed
chapters, so that no slide can differ from the book. Arrow keys turn the pages, ``d`` the dark
theme; without scripts, and in print, the slides stand below one another.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

from vvlm_utils.chapters.glued import read_glued
from vvlm_utils.files import whole
from vvlm_utils.site.build import PROSE, extract_figure
from vvlm_utils.site.figures import dark_sheet, theme
from vvlm_utils.site.head import shorten

LIST = Path(PROSE) / "slides.yml"
SYSTEM = Path(PROSE) / "assets" / "system.svg"  # the picture of the first slide
FIRST = ("07_frontier", "example_said")  # its sentence: the book's running example
LONGEST = 260  # letters below a figure
PAGE = """<!doctype html>
<html lang="en" data-theme="light">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: slides</title>
<style>
html {{ --pst-color-background: #ffffff; --pst-color-text-base: #222222; }}
html[data-theme="dark"] {{ --pst-color-background: #121212; --pst-color-text-base: #e6e6e6; }}
body {{ background: var(--pst-color-background); color: var(--pst-color-text-base);
  font-family: system-ui, sans-serif; margin: 0; }}
section {{ align-items: center; box-sizing: border-box; display: flex; flex-direction: column;
  gap: 1.5vh; height: 100vh; padding: 3vh 4vw; }}
.turning section:not(.shown) {{ display: none; }}
h2 {{ font-size: clamp(1.1rem, 3.4vmin, 2.6rem); margin: 0; text-align: center; }}
p {{ font-size: clamp(0.9rem, 2.3vmin, 1.7rem); margin: 0; max-width: 62em; text-align: center; }}
section > svg {{ flex: 1; max-width: 100%; min-height: 0; width: 100% !important; }}
svg text {{ fill: var(--pst-color-text-base); }}
svg text, svg tspan {{ font-family: system-ui, sans-serif !important; }}
footer {{ font-size: 0.8rem; opacity: 0.75; }}
.vvlm-phone {{ display: none; }}
@media (max-width: 640px) {{ .vvlm-wide {{ display: none; }} .vvlm-phone {{ display: block; }} }}
@media print {{ .turning section {{ display: flex !important; }} section {{ break-after: page; }} }}
{dark}</style>
{slides}
<script>
"use strict";
const slides = [...document.querySelectorAll("section")];
let at = Math.min(Math.max(parseInt(location.hash.slice(1)) || 1, 1), slides.length) - 1;
function show(to) {{
  at = Math.min(Math.max(to, 0), slides.length - 1);
  slides.forEach((slide, k) => slide.classList.toggle("shown", k === at));
  history.replaceState(null, "", `#${{at + 1}}`);
}}
const turns = {{ ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
  ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -Infinity, End: Infinity }};
addEventListener("keydown", (event) => {{
  const theme = document.documentElement.dataset;
  if (event.key === "d") theme.theme = theme.theme === "dark" ? "light" : "dark";
  if (!(event.key in turns)) return;
  event.preventDefault();
  show(at + turns[event.key]);
}});
addEventListener("click", (event) => show(at + (event.clientX < innerWidth / 3 ? -1 : 1)));
document.body.classList.add("turning");
show(at);
</script>
</html>
"""
SLIDE = """<section aria-label="{number} of {count}">
<h2>{title}</h2>
{picture}
<p>{sentence}</p>
<footer>{source} &middot; {number} of {count}</footer>
</section>"""


@dataclass(frozen=True)
class Slide:
    """One slide: title and sentence as text with TeX, a picture as SVG, words for it, a source."""

    title: str
    picture: str
    words: str
    sentence: str
    source: str


def _read_figure(chapter: Path, name: str) -> tuple[str, str, str]:
    """The drawing of a figure of an executed chapter, its caption and its words."""
    svg = extract_figure(chapter, name, "image/svg+xml").decode()
    for cell in nbformat.read(chapter, as_version=4).cells:
        shown = cell.metadata.get("mystnb", {})
        if shown.get("figure", {}).get("name") == name:
            return svg, shown["figure"].get("caption", ""), shown.get("image", {}).get("alt", "")
    raise ValueError(f"{chapter} shows no figure named {name!r}")


def read_slides(plan: list[Mapping[str, str]], executed: Path) -> list[Slide]:
    """Fill a list of slides from the executed chapters.

    Raises ValueError, naming the slide, for a figure or a value that a chapter does not have.
    """
    found = []
    for entry in plan:
        chapter, name = entry["figure"].split("::")
        path = executed / f"{chapter}.ipynb"
        svg, caption, words = _read_figure(path, name)
        glued = read_glued(nbformat.read(path, as_version=4).cells)
        try:
            title, said = (entry.get(k, "").format_map(glued) for k in ("title", "sentence"))
        except KeyError as missing:
            raise ValueError(f"slide {entry['figure']}: the chapter glues no {missing}") from None
        source = f"chapter {int(chapter[:2])}"
        found.append(Slide(title, svg, words, said or shorten(caption, LONGEST), source))
    return found


def first_slide(root: Path, executed: Path) -> Slide:
    """The book's question, its picture, and the answer of its running example."""
    chapter, key = FIRST
    glued = read_glued(nbformat.read(executed / f"{chapter}.ipynb", as_version=4).cells)
    title = (root / PROSE / "intro.md").read_text().split("\n# ", 1)[1].split("\n", 1)[0]
    words = "The parts of a video model and its three dials: frames, tokens per frame, LM size."
    return Slide(title, (root / SYSTEM).read_text(), words, glued[key], "the front page")


def _as_html(text: str) -> str:
    """A sentence with TeX between dollars, as HTML with MathML."""
    from latex2mathml.converter import convert

    parts = re.split(r"\$(.+?)\$", " ".join(text.split()))
    parts[::2] = map(html.escape, parts[::2])
    parts[1::2] = map(convert, parts[1::2])
    return "".join(parts)


def write_slides(slides: list[Slide], title: str) -> str:
    """The file of slides."""
    written, colours = [], set()
    for number, slide in enumerate(slides, 1):
        picture, used = theme(slide.picture, f"slide{number}", slide.words)
        colours |= used
        written.append(
            SLIDE.format(
                number=number,
                count=len(slides),
                title=_as_html(slide.title),
                picture=picture,
                sentence=_as_html(slide.sentence[:1].upper() + slide.sentence[1:]),
                source=slide.source,
            )
        )
    return PAGE.format(
        title=html.escape(title), dark=dark_sheet(colours), slides="\n".join(written)
    )


def make_slides(root: Path, executed: Path, path: Path) -> None:
    """Write the slides of the book at ``root`` from its executed chapters."""
    title = yaml.safe_load((root / "_config.yml").read_text())["title"]
    plan = yaml.safe_load((root / LIST).read_text())
    slides = [first_slide(root, executed), *read_slides(plan, executed)]
    with whole(path) as part:
        part.write_text(write_slides(slides, title))


if __name__ == "__main__":
    make_slides(Path("."), *map(Path, sys.argv[1:]))
