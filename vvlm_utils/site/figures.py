"""Figures that follow the page's theme: every SVG picture of a page is written into it.

A picture behind an ``img`` cannot know the theme that a reader chose; what stands in the page can.
The neutral and the coloured strokes of a figure become CSS variables that the light theme leaves as
drawn, and :func:`dark_sheet` gives their values for the dark one. White paper becomes the page's.
"""

from __future__ import annotations

import colorsys
import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from vvlm_utils.plots.phone import NESTED

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
PICTURE = re.compile(r'<img\b[^>]*\bsrc="([^"]+\.svg)"[^>]*>')
ATTRIBUTE = re.compile(r'\b(alt|class)="([^"]*)"')
CHART = re.compile(r'<script[^>]*class="vvlm-chart"[^>]*>(.*?)</script>', re.DOTALL)
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
POINTER = re.compile(r"url\(#([^)]+)\)")
PAPER = "#ffffff"
FIXED = "fixed"  # begins the gid of what is drawn on a colour of its own, in any theme
DARK_PAGE = 0.0065  # relative luminance of the dark theme's page
LEAST_CONTRAST = 4.0
NEUTRAL = 0.15  # a smaller saturation is a grey

ET.register_namespace("", SVG)
ET.register_namespace("xlink", XLINK[1:].split("}")[0])


def _luminance(rgb: Iterable[float]) -> float:
    """Relative luminance of sRGB in 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def dark_colour(colour: str) -> str:
    """A colour of the light theme as the dark theme shows it.

    Greys are turned over; a hue is made lighter until it stands out from the page.

    >>> dark_colour("#333333"), dark_colour("#e3e3e3"), dark_colour("#e69f00")
    ('#d1d1d1', '#333333', '#e69f00')
    """
    rgb = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    hue, light, saturation = colorsys.rgb_to_hls(*rgb)
    if saturation < NEUTRAL or max(rgb) - min(rgb) < 0.04:
        rgb = colorsys.hls_to_rgb(hue, 1 - 0.9 * light, saturation)
    else:
        while (_luminance(rgb) + 0.05) / (DARK_PAGE + 0.05) < LEAST_CONTRAST:
            rgb = [c + 0.02 * (1 - c) for c in rgb]
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)


def _variable(found: re.Match) -> str:
    colour = found[0].lower()
    if colour == PAPER:
        return f"var(--pst-color-background, {PAPER})"
    return f"var(--fig-{colour[1:]}, {colour})"


def theme(svg: str, name: str, label: str) -> tuple[str, set[str]]:
    """One picture as an element of the page, and the colours that follow the theme.

    A drawing that holds another for a phone becomes two elements, of which a page shows one.

    name : begins every id of the picture, so that two pictures of a page keep theirs apart
    label : what the picture shows, in words; a picture without is for the eye alone
    """
    root = ET.fromstring(svg)
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag == f"{{{SVG}}}metadata"]:
            parent.remove(child)
    colours: set[str] = set()
    nested = root.find(f"{{{SVG}}}g[@id='{NESTED}']")
    if nested is None:
        return _element(root, name, label, colours), colours
    root.remove(nested)
    faces = {"wide": root, "phone": nested[0]}
    every = [_element(f, f"{name}{k}", label, colours, k) for k, f in faces.items()]
    return "".join(every), colours


def _element(root: ET.Element, name: str, label: str, colours: set[str], face: str = "") -> str:
    """A drawing as an element that takes the width it was drawn for; its colours are added."""
    _follow(root, name, colours)
    root.attrib.pop("height", None)
    width = root.attrib.pop("width", "").removesuffix("pt")
    root.set("class", f"vvlm-figure vvlm-{face}" if face else "vvlm-figure")
    if width:
        root.set("style", f"width: {float(width):.0f}pt")
    root.set("role", "img" if label else "presentation")
    if label:
        root.set("aria-label", label)
    return ET.tostring(root, encoding="unicode")


def _follow(element: ET.Element, name: str, colours: set[str], fixed: bool = False) -> None:
    """Rename ids, and let colours follow the theme, in an element and all that it holds."""
    fixed = fixed or element.get("id", "").startswith(FIXED)
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    if element.get(XLINK, "").startswith("#"):
        element.set(XLINK, f"#{name}-{element.get(XLINK)[1:]}")
    for key in ("style", "fill", "stroke", "clip-path"):
        if (value := element.get(key)) is None:
            continue
        value = POINTER.sub(rf"url(#{name}-\1)", value)
        keeps = fixed or (element.tag == f"{{{SVG}}}text" and PAPER in value)
        if not keeps:
            colours |= {c.lower() for c in COLOUR.findall(value)} - {PAPER}
            value = COLOUR.sub(_variable, value)
        element.set(key, value)
    if fixed and element.tag == f"{{{SVG}}}text" and "fill" not in element.get("style", ""):
        element.set("style", f"fill: #000000; {element.get('style', '')}")
    for child in element:
        _follow(child, name, colours, fixed)


def inline_figures(page: str, folder: Path) -> tuple[str, set[str]]:
    """Write every SVG picture of a page in ``folder`` into it.

    Gives the page, and the colours of its pictures and of its charts.
    """
    colours: set[str] = set()
    count = 0

    def inlined(found: re.Match) -> str:
        nonlocal count
        file = folder / found[1]
        if not file.is_file():
            return found[0]
        count += 1
        label = html.unescape(dict(ATTRIBUTE.findall(found[0])).get("alt", ""))
        label = "" if label == found[1] else label
        svg, used = theme(file.read_text(encoding="utf-8"), f"figure{count}", label)
        colours.update(used)
        return svg

    for chart in CHART.findall(page):
        colours |= {c.lower() for c in COLOUR.findall(chart)} - {PAPER}
    return PICTURE.sub(inlined, page), colours


def dark_sheet(colours: Iterable[str]) -> str:
    """The style sheet that gives these colours their values in the dark theme.

    >>> print(dark_sheet({"#e69f00"}))
    html[data-theme="dark"] {
      --fig-e69f00: #e69f00;
    }
    <BLANKLINE>
    """
    rows = [f"  --fig-{c[1:]}: {dark_colour(c)};" for c in sorted(colours)]
    return "\n".join(['html[data-theme="dark"] {', *rows, "}", ""])
