"""The e-book: what is taken out of chapters and pages, and the file that `make epub` writes."""

import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vvlm_utils.site.build import list_pages
from vvlm_utils.site.ebook import make_ebook, still_notebook, still_page

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "_build" / "vvlm-book.epub"

TOC = "format: jb-book\nroot: book/first\nchapters:\n  - file: notebooks/01_tiny\n"
FIRST = """# A page

A row of pixels $x_T^2$, and

$$
\\begin{aligned}
c(x) &= 2 x_T \\\\
     &\\le \\frac{1}{2}
\\end{aligned}
$$ (eq-tiny)

```{raw} html
<noscript><p>No script.</p>
<pre>vvlm cost --frames 4</pre></noscript>
<form id="x" hidden><input></form>
<script src="../_static/a.js"></script>
```

The files are in {download}`all.zip <code/all.zip>`, and {eq}`eq-tiny` is above.
"""


def test_a_page_that_computes_names_the_command_and_shows_a_picture():
    page = still_page(FIRST, "assets/a.svg")
    assert "<script" not in page and "<form" not in page
    assert "    vvlm cost --frames 4" in page and "assets/a.svg" in page
    assert "in `all.zip`" in page


def test_a_chapter_keeps_its_picture_and_loses_charts_and_folded_code():
    data = {"image/png": "AA==", "image/svg+xml": "<svg/>", "application/vnd.plotly.v1+json": {}}
    cell = new_code_cell("draw()", metadata={"tags": ["hide-input"]})
    cell.outputs = [new_output("display_data", data)]
    (still,) = still_notebook(new_notebook(cells=[cell])).cells
    assert set(still.outputs[0].data) == {"image/png"} and still.metadata.tags == ["remove-input"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """The e-book of a page and a chapter, with the book's own settings."""
    root = tmp_path_factory.mktemp("ebook")
    (root / "book" / "assets").mkdir(parents=True)
    (root / "executed").mkdir()
    (root / "_toc.yml").write_text(TOC)
    config = (ROOT / "_config.yml").read_text()
    (root / "_config.yml").write_text(config.replace("  favicon: book/assets/favicon.svg\n", ""))
    (root / "book" / "references.bib").touch()
    page = FIRST.replace("<noscript>", "<p>").replace("</noscript>", "</p>")  # no picture to show
    (root / "book" / "first.md").write_text(page)
    table = (
        '<style scoped>\n a > b {}\n</style><table class="dataframe"><tr><td>1</td></tr></table>'
    )
    cell = new_code_cell("table", metadata={"tags": ["hide-input"]})
    cell.outputs = [new_output("display_data", {"text/html": table, "text/plain": "1"})]
    cells = [new_markdown_cell("# A chapter\n\n{eq}`eq-tiny` again."), cell]
    nbformat.write(new_notebook(cells=cells), root / "executed" / "01_tiny.ipynb")
    make_ebook(root, root / "executed", root / "work", root / "a.epub")
    return root / "a.epub"


WHICH = ["tiny", pytest.param("whole", marks=pytest.mark.book)]


@pytest.fixture(params=WHICH)
def book(request, tiny):
    """An e-book, and the pages of the table of contents that it was made from."""
    if request.param == "whole" and not BOOK.exists():
        pytest.skip("the e-book is not made: make epub")
    path, toc = (tiny, tiny.parent) if request.param == "tiny" else (BOOK, ROOT)
    with zipfile.ZipFile(path) as opened:
        yield opened, list_pages(toc / "_toc.yml")


def documents(book: zipfile.ZipFile) -> dict[str, str]:
    return {n: book.read(n).decode() for n in book.namelist() if n.endswith(".xhtml")}


def test_the_file_is_a_valid_zip_with_its_type_first_and_in_the_clear(book):
    opened, _ = book
    first = opened.infolist()[0]
    assert opened.testzip() is None
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert opened.read("mimetype") == b"application/epub+zip"


def test_every_page_is_there_and_in_the_contents_and_is_xml(book):
    opened, pages = book
    names = {f"{page}.xhtml" for page in pages}
    assert names <= set(opened.namelist())
    listed = re.findall(r'href="([^"#]+)', opened.read("nav.xhtml").decode())
    assert {posixpath.normpath(address) for address in listed} >= names
    for name, text in documents(opened).items():
        assert ET.fromstring(text).tag.endswith("html"), name


def test_nothing_is_asked_of_a_network_and_every_address_is_in_the_file(book):
    opened, _ = book
    names = set(opened.namelist())
    for name, text in documents(opened).items():
        assert "<script" not in text and "<form" not in text, name
        loaded = re.findall(r'<(?:img|link|image)\b[^>]*\b(?:src|(?:xlink:)?href)="([^"]+)"', text)
        linked = re.findall(r'<a\b[^>]*\bhref="([^"#]+)', text)
        inside = [a for a in linked if not a.startswith(("http", "mailto"))]
        for address in [*loaded, *inside]:
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), address))
            assert place in names, f"{name}: {address}"


def test_mathematics_can_be_read_without_a_script(book):
    opened, _ = book
    text = "".join(documents(opened).values())
    assert "<math" in text and r"\(" not in text and r"\begin{" not in text
    unknown = re.findall(r"<mo />|<m[ion][^>]*>\\[^<]*", text)  # commands left as they are
    assert unknown == []
    assert re.search(r'class="eqno">\(\d', text)
