"""From stripped notebooks to a site: what the Snakefile calls.

A chapter is executed to a temporary name and takes its own only when every cell ended well.
The site is compiled from a staged copy of the sources in which the executed notebooks stand at
their own paths, with warnings as errors, and replaces the old site only when it is complete.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from vvlm_utils.chapters.declaration import ParameterError
from vvlm_utils.chapters.glued import fill_figures, read_glued, set_marked
from vvlm_utils.chapters.notebook import find_cells, find_parameters, leave_out, read_notebook
from vvlm_utils.files import whole, whole_folder
from vvlm_utils.parsing import read_yaml
from vvlm_utils.plots.charts import copy_assets, embed_charts, gather_charts
from vvlm_utils.plots.phone import PHONE, nest
from vvlm_utils.progress import Lines
from vvlm_utils.site.claims_page import fill_page
from vvlm_utils.site.head import CARD, draw_card
from vvlm_utils.site.pages import finish_page
from vvlm_utils.site.verdicts import check_chapters

NOTEBOOKS = "notebooks"
PROSE = "book"
PACKAGE = Path(__file__).parents[1]
# The picture on the front page is a chapter's own figure: (chapter, figure, where it is shown).
FRONT = ("07_frontier", "fig-deploy", Path(PROSE) / "assets" / "frontier.png")
FRONT_PAGE = f"{PROSE}/intro"
CLAIMS = f"{PROSE}/claims"  # the page that is filled from the verdicts of the chapters
# The page that computes in the browser, and what it computes from, beside the executed chapters.
ALLOCATOR = (f"{PROSE}/allocator", Path("allocator") / "allocator_data.js")
# The page that offers the project's files, the folder of those that are made, and those that are.
CODE = (f"{PROSE}/get_the_code", Path("code"))
OFFERED = {
    "paper_runs.csv": PACKAGE / "data" / "sweeps" / "paper" / "runs.csv",
    "paper_by_task.csv": PACKAGE / "data" / "sweeps" / "paper" / "by_task.csv",
    "mini_runs.csv": PACKAGE / "data" / "sweeps" / "mini" / "runs.csv",
    "data.md": PACKAGE / "data" / "README.md",
    "CITATION.cff": PACKAGE.parent / "CITATION.cff",
}
# The page that offers the slides, and where they are made for it.
SLIDES = (f"{PROSE}/teaching", Path("assets") / "slides.html")
# Jupyter Book of this interpreter, wherever its script is; nothing of the reader's folder.
JUPYTER_BOOK = (sys.executable, "-P", "-c", "from jupyter_book.cli.main import main; main()")
# The page that fits in the browser, and the modules that it and the allocator compute with.
ENGINE = (f"{PROSE}/your_sweep", Path("assets") / "engine")


def list_pages(toc: Path) -> list[str]:
    """List the pages of a table of contents, in order, as it names them."""

    def pages(node: Any) -> list[str]:
        if isinstance(node, list):
            return [page for item in node for page in pages(item)]
        if not isinstance(node, dict):
            return []
        own = [node[key] for key in ("root", "file") if key in node]
        return own + [page for value in node.values() for page in pages(value)]

    return pages(yaml.safe_load(toc.read_text()))


def list_chapters(toc: Path) -> list[str]:
    """List the chapters of a table of contents: the names of its notebooks, in order."""
    return [Path(page).stem for page in list_pages(toc) if page.startswith(f"{NOTEBOOKS}/")]


def read_parameters(path: Path | None = None) -> dict[str, Any]:
    """The parameters of a variant, a mapping in YAML; none without a file."""
    hint = "it maps names of parameters to values"
    found = {} if path is None else read_yaml(path, ValueError, hint)
    if not isinstance(found, dict):
        raise ValueError(f"{path}: holds no mapping; {hint}")
    return found


class CellError(ValueError):
    """A cell of a notebook failed; ``reason`` is the error without the notebook's name."""

    def __init__(self, notebook: Path, reason: str) -> None:
        super().__init__(f"{notebook} failed: {reason}")
        self.reason = reason


def run_notebook(
    notebook: Path, output: Path, parameters: dict[str, Any] | None = None, **settings: Any
) -> None:
    """Execute a notebook with papermill; ``output`` appears only when every cell ended well.

    Parameters that it does not take are refused before a kernel starts; for other runs than the
    paper's the cells about the paper alone are left out; captions get their values at the end.

    settings : further arguments of papermill
    Raises ValueError for a parameter, CellError for a cell that fails, and
    RuntimeError for a traceback that is left.
    """
    content, values = read_notebook(notebook), {}
    if parameters or find_cells(content):
        checked = find_parameters(notebook).settle(parameters or {})
        content["cells"] = leave_out(content["cells"], checked)
        values = checked.model_dump()

    import papermill

    with whole(output, ".ipynb") as part:
        # Braces of a path would be filled with parameters: two of them stand for one.
        place = str(part).replace("{", "{{").replace("}", "}}")
        try:
            papermill.execute_notebook(
                nbformat.reads(json.dumps(content), as_version=4),
                place,
                {name: values[name] for name in parameters or {}},
                start_timeout=300,  # seconds: on a busy machine a kernel needs more than a minute
                **settings,
            )
        except papermill.PapermillExecutionError as error:
            if error.ename == ParameterError.__name__:
                raise ParameterError(error.evalue) from None
            raise CellError(notebook, f"{error.ename}: {error.evalue}") from None
        executed = nbformat.read(part, as_version=4)
        # papermill wrote the whole notebook here, solutions and all
        executed.metadata["papermill"].update(input_path=str(notebook), output_path=str(output))
        outputs = [out for cell in executed.cells for out in cell.get("outputs", [])]
        if any(out.output_type == "error" for out in outputs):
            raise RuntimeError(f"{notebook} holds a traceback")
        fill_figures(executed.cells, values | read_glued(executed.cells))
        nbformat.write(executed, part)


def execute(
    notebook: Path,
    output: Path,
    parameters: dict[str, Any] | None = None,
    cwd: Path | None = None,
) -> None:
    """Execute a chapter of the book, with lines of progress for a log.

    cwd : the folder that it runs in, whose modules it would import before others [this one]
    """
    # The kernel is this interpreter's, whatever kernels and profiles the user's home holds.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    output.parent.mkdir(parents=True, exist_ok=True)
    progress = {
        "file": Lines(output.stem),
        "mininterval": 5,
        "delay": 1,
        "bar_format": "cell {n_fmt} of {total_fmt}, {elapsed}",
    }
    run_notebook(
        notebook,
        output,
        parameters,
        kernel_name="python3",
        progress_bar=progress,
        cwd=cwd,
        extra_arguments=["--log-level=ERROR"],
    )


def extract_figure(notebook: Path, name: str, kind: str = "image/png") -> bytes:
    """Take the picture out of the executed cell whose figure has this name."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        for output in cell.get("outputs", []) if figure.get("name") == name else []:
            if kind in output.get("data", {}):
                found = output.data[kind]
                drawn = kind.endswith(("svg+xml", "+svg"))  # text, where a picture is base64
                return found.encode() if drawn else base64.b64decode(found)
    raise ValueError(f"{notebook} shows no figure named {name!r}: name one that it draws")


def copy_front_figure(executed: Path, root: Path) -> None:
    """Put the picture of the executed chapter where the README shows it."""
    chapter, figure, place = FRONT
    with whole(root / place) as part:
        part.write_bytes(extract_figure(executed / f"{chapter}.ipynb", figure))


def draw_front_figure(executed: Path, target: Path) -> None:
    """Show the picture on the staged front page as a drawing, and make the site's card of it."""
    chapter, figure, place = FRONT
    drawing = target / place.with_suffix(".svg")
    notebook = executed / f"{chapter}.ipynb"
    wide = extract_figure(notebook, figure, "image/svg+xml").decode()
    try:
        wide = nest(wide, extract_figure(notebook, figure, PHONE).decode())
    except ValueError:  # a figure that stays wide on a phone
        pass
    drawing.write_text(wide)
    page = target / f"{FRONT_PAGE}.md"
    page.write_text(page.read_text().replace(place.name, drawing.name))
    title = yaml.safe_load((target / "_config.yml").read_text())["title"]
    picture = extract_figure(notebook, figure)
    draw_card(picture, title, target / place.parent / CARD)


def read_executed(chapter: Path) -> NotebookNode:
    """An executed chapter as a reader sees its prose: glued Markdown set in."""
    notebook = nbformat.read(chapter, as_version=4)
    set_marked(notebook.cells)
    return notebook


def stage(root: Path, executed: Path, target: Path) -> None:
    """Copy prose, settings and executed chapters to ``target``, each at its own path."""
    chapters = list_chapters(root / "_toc.yml")
    check_chapters(executed / f"{chapter}.ipynb" for chapter in chapters)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root / PROSE, target / PROSE)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy2(root / name, target / name)
    (target / NOTEBOOKS).mkdir()
    for chapter in chapters:
        notebook = read_executed(executed / f"{chapter}.ipynb")
        nbformat.write(embed_charts(notebook), target / NOTEBOOKS / f"{chapter}.ipynb")
    if CLAIMS in list_pages(root / "_toc.yml"):
        fill_page(target / f"{CLAIMS}.md", (executed / f"{c}.ipynb" for c in chapters))
    copy_assets(target / PROSE / "assets")
    if FRONT[0] in chapters:
        draw_front_figure(executed, target)
    pages = list_pages(root / "_toc.yml")
    page, data = ALLOCATOR
    if page in pages:
        shutil.copy2(executed.parent / data, target / PROSE / "assets")
    page, made = CODE
    if page in pages:
        shutil.copytree(executed.parent / made, target / PROSE / made)
        for name, source in OFFERED.items():
            shutil.copy2(source, target / PROSE / made / name)
    page, deck = SLIDES
    if page in pages:
        from vvlm_utils.site.slides import make_slides

        make_slides(root, executed, target / PROSE / deck)
    page, modules = ENGINE
    if {page, ALLOCATOR[0]} & set(pages):
        from vvlm_utils.site.engine import write_scripts

        write_scripts(root / PROSE / modules, target / PROSE / "assets")


def compile_site(source: Path, site: Path) -> None:
    """Compile a staged book with warnings as errors; only a complete one replaces ``site``."""
    work = site.parent / "sphinx"
    shutil.rmtree(work, ignore_errors=True)
    command = [*JUPYTER_BOOK, "build", source, "--path-output", work]
    command += ["-W", "--all", "-n", "--keep-going"]
    log, last = site.parent / "book.log", time.monotonic()
    with log.open("w") as sink:
        build = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for coloured in build.stdout:
            line = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
            sink.write(line)
            bad = any(word in line for word in ("WARNING", "ERROR", "rror:", "xception"))
            if bad or ("%]" in line and time.monotonic() - last > 3):
                print(f"  {line.rstrip()}", flush=True)
                last = time.monotonic()
    if build.wait():
        raise RuntimeError(f"the book does not compile: see the warnings above, or all of {log}")
    built = work / "_build" / "html"
    for page in built.rglob("*.html"):
        page.write_text(finish_page(page.read_text(), page))
    for taken in (built / "_sources").rglob("*.ipynb"):  # what a page offers to download
        nbformat.write(gather_charts(nbformat.read(taken, as_version=4)), taken)
    with whole_folder(site) as new:
        shutil.copytree(built, new, dirs_exist_ok=True)


def _timed(label: str, work: Callable[[], None]) -> None:
    start = time.monotonic()
    print(f"{label}: started", flush=True)
    try:
        work()
    except Exception as error:  # one report, whatever a chapter raises
        raise SystemExit(f"{label}: failed\n{error}") from None
    print(f"{label}: done in {time.monotonic() - start:.0f} s", flush=True)


def main(command: str, *paths: str) -> None:
    """Do one step of the graph, from the folder of the repository.

    execute NOTEBOOK OUTPUT [PARAMETERS.yml]
    site EXECUTED SOURCE SITE
    figure EXECUTED
    """
    first, *rest = map(Path, paths)
    if command == "execute":
        output, *variant = rest
        _timed(output.stem, lambda: execute(first, output, read_parameters(*variant)))
    elif command == "site":
        source, site = rest
        stage(Path("."), first, source)
        _timed("site", lambda: compile_site(source, site))
    else:
        copy_front_figure(first, Path("."))


if __name__ == "__main__":
    main(*sys.argv[1:])
