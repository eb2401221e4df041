"""What a compiled page still lacks: its figures and their colours, numbers of tables, versions."""

import re
import zlib
from itertools import count
from pathlib import Path

from vvlm_utils.site.answer_boxes import add_boxes
from vvlm_utils.site.figures import dark_sheet, inline_figures
from vvlm_utils.site.head import add_head
from vvlm_utils.site.moves import add_scripts

# Of what the theme writes into every page, these serve a live kernel that the book does not offer
# (from a server elsewhere, and declared twice) and web fonts in a form refused on pages from disk;
# and a bibliography is called a list whose entries are no list items.
UNWANTED = re.compile(
    r'<script type="text/x-thebe-config">.*?</script>|<script>const THEBE_JS_URL.*?</script>'
    r"|<script [^>]*sphinx-thebe[^>]*></script>|<link [^>]*sphinx-thebe[^>]*>"
    r'|<link rel="preload" as="font"[^>]*>| role="list"(?= class="citation-list")',
    re.DOTALL,
)
# A script or style of the site whose address carries no version, as in a page's own HTML.
UNVERSIONED = re.compile(r'<(?:script|link)\b[^>]*\s(?:src|href)="([^"?:]+\.(?:js|css))(?=")')
CAPTION = re.compile(r'(<table class="dataframe vvlm-table">\s*<caption>)')
CHAPTER = re.compile(r"(\d\d)_\w+")


def version_assets(html: str, folder: Path) -> str:
    """Append its checksum to the address of every local script and style in a page of ``folder``.

    A cache then never pairs the files of two releases. Sphinx does so for what is declared to it;
    this does so for the rest.
    """

    def versioned(found: re.Match) -> str:
        file = folder / found[1]
        return f"{found[0]}?v={zlib.crc32(file.read_bytes()):08x}" if file.is_file() else found[0]

    return UNVERSIONED.sub(versioned, html)


def number_tables(html: str, name: str) -> str:
    """Number the captions of a page's tables: of chapter 6 "Table 6.1", of other pages "Table 1".

    name : of the page, as 06_laws
    """
    chapter = CHAPTER.fullmatch(name)
    first = f"{int(chapter[1])}." if chapter else ""
    numbers = count(1)

    def numbered(found: re.Match) -> str:
        return f'{found[0]}<span class="caption-number">Table {first}{next(numbers)}. </span>'

    return CAPTION.sub(numbered, html)


def finish_page(html: str, page: Path) -> str:
    """A page as the site shows it, from what Sphinx wrote at ``page``."""
    html, colours = inline_figures(add_head(UNWANTED.sub("", html), page.parent), page.parent)
    html = html.replace("</head>", f"<style>\n{dark_sheet(colours)}</style>\n</head>", 1)
    html = add_scripts(add_boxes(number_tables(html, page.stem)))
    return version_assets(html, page.parent)
