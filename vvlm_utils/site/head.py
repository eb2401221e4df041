"""What a page says about itself to search engines and to who shares it: a description, a card.

The description is the page's own first answer, so that no number in it can differ from the page.
The card is the figure of the front page, drawn by the build.
"""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from urllib.parse import urljoin

CARD = "card.png"  # among the site's static files
CARD_SIZE = (1200, 630)  # pixels, what those who show cards ask for
LENGTH = 200  # letters of a description: what a search engine shows
CONTENT = re.compile(r'<article class="bd-article".*?</article>', re.DOTALL)
FIRST = (".admonition.important li", ".admonition.important p:not(.admonition-title)", "p")


def shorten(text: str, length: int = LENGTH) -> str:
    """The sentences of a text that fit into a length, or as many words of the first.

    >>> shorten("One is short. Two is much longer.", 20), shorten("A long sentence here.", 12)
    ('One is short.', 'A long …')
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    ends = [m.end() for m in re.finditer(r"(?<!et al)\.(?= )", text[: length + 1])]
    return text[: ends[-1]] if ends else f"{text[: length - 1].rsplit(' ', 1)[0]} …"


def describe(page: str) -> str:
    """The description of a compiled page: its first "In short", or its first paragraph; or nothing.

    Mathematics reads as it was written, without its signs.
    """
    if not (content := CONTENT.search(page)):
        return ""
    from bs4 import BeautifulSoup

    article = BeautifulSoup(content[0], "html.parser")
    found = (article.select_one(place) for place in FIRST)
    text = next((f.get_text() for f in found if f and f.get_text(strip=True)), "")
    return shorten(re.sub(r"\\[()]|\\,", "", text))


def add_head(page: str, folder: Path) -> str:
    """A compiled page of ``folder`` with its description, and its card where the site has one.

    A card's address must be absolute; it is where the settings give the site an address
    (``html_baseurl``), and relative to the page where they do not.
    """
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    root = re.search(r'data-content_root="([^"]*)"', page)
    if not (title and root):
        return page
    home = re.search(r'<link rel="canonical" href="([^"]+)"', page)
    said = html.escape(describe(page))
    tags = {
        "og:type": "article",
        "og:title": title[1].split(" &#8212; ")[0],
        "og:description": said,
        "og:url": home[1] if home else "",
    }
    if (folder / root[1] / "_static" / CARD).is_file():
        tags |= {
            "og:image": urljoin(home[1] if home else "", f"{root[1]}_static/{CARD}"),
            "og:image:width": CARD_SIZE[0],
            "og:image:height": CARD_SIZE[1],
            "twitter:card": "summary_large_image",
        }
    lines = [f'<meta name="description" content="{said}">'] if said else []
    lines += [f'<meta property="{k}" content="{v}">' for k, v in tags.items() if v != ""]
    return page.replace("</head>", "\n".join([*lines, "</head>"]), 1)


def draw_card(picture: bytes, title: str, path: Path) -> None:
    """Draw the card that stands for the book: its title above a picture, a PNG, on white."""
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    dpi = 100
    card = Figure(figsize=[side / dpi for side in CARD_SIZE], dpi=dpi, facecolor="white")
    size = min(30, 1350 / len(title))
    card.text(0.05, 0.88, title, fontsize=size, fontweight="bold", color="#222222", va="center")
    ax = card.add_axes((0.03, 0.03, 0.94, 0.76))
    ax.imshow(imread(io.BytesIO(picture)), interpolation="lanczos")
    ax.axis("off")
    card.savefig(path, dpi=dpi, format="png", metadata={"Software": None})
