"""A page about somebody's own sweep: one notebook with parameters, executed and compiled.

The notebook, its settings and its style are part of the package, so an installed package builds
the page too; only Jupyter Book has to be there. ``answers`` holds what the notebook computes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import nbformat

from vvlm_utils.files import STDOUT, scratch_folder, whole_folder
from vvlm_utils.plots.charts import copy_assets, embed_charts
from vvlm_utils.site import build as book

HERE = Path(__file__).parent
NOTEBOOK = HERE / "report.ipynb"
MARK = "report.ipynb"  # the executed page, which stands in every report's folder
LIST = ".files"  # the names of a report's files, beside which nothing else is replaced
ANSWERS = "answers.json"  # the frontier's records, beside it


def answers(out: Path) -> dict:
    """The answers of a report: n, the held factors and the frontier's records."""
    return json.loads((out / ANSWERS).read_text())


def check_folder(out: Path) -> None:
    """Refuse a place that holds something other than a report, or lies in no folder."""
    if str(out) == STDOUT:
        raise ValueError("a report is a folder and cannot be printed; name one as --out")
    if not out.parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.parent}; make it first")
    if out.is_symlink() and not out.exists():
        raise ValueError(f"--out {out} is a link to nothing; name a folder")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; name a folder")
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise ValueError(f"--out {out} holds files that are no report; name an empty folder")
    if Path.cwd().is_relative_to(out.resolve()):
        raise ValueError(f"--out {out} is the folder that you are in; name one inside it")
    if foreign := sorted(_files(out) - _own_files(out)):
        raise ValueError(f"--out {out} holds {foreign[0]}, which no report wrote; move it first")


def _files(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if not path.is_dir()}


def _own_files(out: Path) -> set[str]:
    """The files that a report wrote, by its list; all that are there, of one that has no list."""
    listed = out / LIST
    return set(listed.read_text().splitlines()) if listed.exists() else _files(out)


def check_compiler() -> None:
    """Refuse when Jupyter Book, or the mathematics it shows, is not installed."""
    missing = [name for name in ("jupyter_book", "sphinx-mathjax-offline") if not find_spec(name)]
    if missing:
        raise ValueError(
            f"a report needs {', '.join(missing)}: pip install 'vvlm-book[book]', or `make env`"
        )


def build(parameters: Mapping[str, object], out: Path) -> Path:
    """Execute the notebook with ``parameters`` and put its site at ``out``; gives its first page.

    ``out`` is replaced only by a whole site. Raises ValueError with the reason when the page
    cannot be computed.
    """
    check_folder(out)
    check_compiler()
    with scratch_folder("report") as folder:
        source = folder / "source"
        shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        copy_assets(source / "assets")
        executed = folder / MARK
        try:
            book.execute(NOTEBOOK, executed, dict(parameters), cwd=source)
        except book.CellError as error:
            raise ValueError(f"no report could be made: {error.reason}") from None
        nbformat.write(embed_charts(nbformat.read(executed, as_version=4)), source / NOTEBOOK.name)
        site = folder / "html"
        book.compile_site(source, site)
        shutil.copy2(executed, site / MARK)
        shutil.copy2(source / ANSWERS, site / ANSWERS)
        (site / LIST).write_text("\n".join(sorted({LIST, *_files(site)})))
        with whole_folder(out) as new:
            shutil.copytree(site, new, dirs_exist_ok=True)
    return out / "index.html"
