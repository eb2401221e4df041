"""The book as an e-book: the same executed chapters, to read where there is no network.

``make epub`` compiles them by Sphinx's own builder to ``_build/vvlm-book.epub``. Charts are their
still pictures, mathematics is MathML, code that a page folds is left out, and what asks a browser
to compute is replaced by the command that answers the same. This module is also the extension of
Sphinx that writes the mathematics and the numbers of tables.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from vvlm_utils import __version__
from vvlm_utils.files import whole
from vvlm_utils.site.build import FRONT, JUPYTER_BOOK, NOTEBOOKS, PROSE, read_executed, stage
from vvlm_utils.site.head import CARD
from vvlm_utils.site.pages import number_tables

RAW = re.compile(r"^```\{raw\} html\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
STYLED = re.compile(r"<style scoped>.*?</style>", re.DOTALL)
SHEETS = ("pygments.css", "epub.css", "ebook.css")
COMMANDS = re.compile(r"<noscript>.*?<pre>(.*?)</pre>", re.DOTALL)
DOWNLOAD = re.compile(r"\{download\}`([^<`]+?) <[^>]+>`")
INSTEAD = """```{{note}}
On the site this page computes in the reader's browser; an e-book runs no scripts.
The command line answers the same:

    {commands}
```

```{{figure}} {picture}
:alt: The best setting at each inference budget, as the site's page shows it for one question.

What the page shows, for one question: the best setting at each inference budget.
```
"""
STYLE = """
table { border-collapse: collapse; font-size: 0.85em; margin: 0.8em 0; }
th, td {
  border-bottom: 1px solid #bbbbbb; overflow-wrap: anywhere; padding: 0.2em 0.4em;
  text-align: left;
}
td.number { text-align: right; }
caption { caption-side: top; font-style: italic; text-align: left; }
img { height: auto; max-width: 100%; }
figcaption { font-size: 0.9em; margin-bottom: 1em; }
div.math { margin: 0.8em 0; text-align: center; }
.eqno { float: right; }
pre { font-size: 0.8em; white-space: pre-wrap; }
.admonition, .exercise, .solution {
  border-left: 3px solid #888888; margin: 1em 0; padding-left: 0.8em;
}
a.headerlink { display: none; }
"""
FOLDED = {"hide-input": "remove-input", "hide-cell": "remove-cell"}


def still_notebook(notebook: NotebookNode) -> NotebookNode:
    """A chapter without what needs a browser: pictures as PNG, no charts, no folded code."""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata["tags"] = [FOLDED.get(tag, tag) for tag in tags]
        if cell.cell_type == "markdown":
            cell.source = RAW.sub("", cell.source)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                output["data"] = {k: v for k, v in data.items() if k in ("image/png", "text/plain")}
            if "text/html" in data:  # pandas' own style, which is no XML
                data["text/html"] = STYLED.sub("", data["text/html"])
    return notebook


def still_page(text: str, picture: str) -> str:
    """A page of prose without scripts and downloads: commands and a still picture instead."""

    def instead(raw: re.Match) -> str:
        found = COMMANDS.search(raw[1])
        commands = found[1].strip().replace("\n", "\n    ") if found else ""
        return INSTEAD.format(commands=commands, picture=picture) if found else ""

    return DOWNLOAD.sub(r"`\1`", RAW.sub(instead, text))


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """The book's settings with those of an e-book."""
    sphinx = config["sphinx"]["config"] | {
        "project": config["title"],
        "epub_title": config["title"],
        "epub_basename": "vvlm-book",
        "epub_tocscope": "includehidden",
        "epub_tocdepth": 2,
        "epub_author": config["author"],
        "epub_contributor": config["author"],
        "epub_publisher": config["author"],
        "epub_description": config["title"],
        "epub_copyright": f"{config['copyright']}, {config['author']}",
        "epub_identifier": "vvlm-book",
        "epub_uid": "vvlm-book",
        "epub_css_files": ["ebook.css"],
        "epub_exclude_files": ["search.html"],
        "epub_show_urls": "no",
        "epub_use_index": False,
        "html_copy_source": False,
        "html_css_files": [],
        "html_js_files": [],
        "html_math_renderer": "mathml",
        "html_static_path": ["ebook"],
        "suppress_warnings": ["epub.unknown_project_files"],
        "version": __version__,
    }
    extensions = [*config["sphinx"]["extra_extensions"], "vvlm_utils.site.ebook"]
    return config | {
        "sphinx": config["sphinx"] | {"extra_extensions": extensions, "config": sphinx}
    }


def stage_still(root: Path, executed: Path, source: Path) -> None:
    """Stage the book as the site does, then take out what an e-book cannot show."""
    stage(root, executed, source)
    for path in (source / NOTEBOOKS).glob("*.ipynb"):
        nbformat.write(still_notebook(read_executed(executed / path.name)), path)
    picture = FRONT[2].with_suffix(".svg").relative_to(PROSE).as_posix()
    for path in (source / PROSE).glob("*.md"):
        path.write_text(still_page(path.read_text(), picture))
    static = source / "ebook"
    static.mkdir()
    (static / "ebook.css").write_text(STYLE)
    if (card := source / FRONT[2].parent / CARD).exists():
        shutil.copy2(card, static)
    config = source / "_config.yml"
    config.write_text(yaml.safe_dump(settings(yaml.safe_load(config.read_text()))))


def make_ebook(root: Path, executed: Path, work: Path, book: Path) -> None:
    """Compile the e-book of the book at ``root`` to ``book``, with warnings as errors."""
    source, built = work / "source", work / "built"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    stage_still(root, executed, source)
    command = [*JUPYTER_BOOK, "build", source, "--path-output", built, "--builder", "custom"]
    command += ["--custom-builder", "epub", "-W", "--all", "-n", "--keep-going"]
    done = subprocess.run(command, capture_output=True, text=True)
    log = work / "book.log"
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        wrong = [line for line in log.read_text().splitlines() if re.search("WARN|rror", line)]
        raise RuntimeError("\n".join([f"the e-book does not compile; all of it: {log}", *wrong]))
    (made,) = (built / "_build" / "epub").glob("*.epub")
    with whole(book) as part:
        shutil.copy2(made, part)


def _write_math(translator: Any, node: Any, display: str, number: str = "") -> None:
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    # a line of an `aligned` is one of an `align*`, which alone the library knows
    formula = convert(node.astext().replace("{aligned}", "{align*}"), display=display)
    if display == "inline":
        translator.body.append(formula)
    else:
        translator.body.append(translator.starttag(node, "div", CLASS="math"))
        translator.body.append(f'<span class="eqno">({number})</span>' if number else "")
        translator.body.append(f"{formula}</div>\n")
    raise SkipNode


def _write_inline(translator: Any, node: Any) -> None:
    _write_math(translator, node, "inline")


def _write_block(translator: Any, node: Any) -> None:
    from sphinx.util.math import get_node_equation_number

    number = get_node_equation_number(translator, node) if node["number"] else ""
    _write_math(translator, node, "block", number)


def _finish_page(app: Any, page: str, template: str, context: dict[str, Any], *_: Any) -> None:
    if app.builder.name != "epub":
        return
    context["script_files"] = []
    sheets = context.get("css_files", [])
    context["css_files"] = [s for s in sheets if Path(getattr(s, "filename", s)).name in SHEETS]
    if "body" in context:
        body = SCRIPT.sub("", context["body"])
        context["body"] = number_tables(body, page.rsplit("/", 1)[-1])


def _set_cover(app: Any, config: Any) -> None:
    if (Path(app.srcdir) / "ebook" / CARD).exists():
        config.epub_cover = (f"_static/{CARD}", "epub-cover.html")  # YAML has no tuple


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx of the mathematics and the tables of an e-book."""
    app.add_html_math_renderer("mathml", (_write_inline, None), (_write_block, None))
    app.connect("config-inited", _set_cover)
    app.connect("html-page-context", _finish_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main(paths: Iterable[str]) -> None:
    """Make the e-book: the executed chapters, a folder to work in, the file."""
    make_ebook(Path("."), *map(Path, paths))


if __name__ == "__main__":
    main(sys.argv[1:])
