"""Give the book its public home: `.ci/give_home.py https://github.com/NAME/REPOSITORY`.

Run once, from the folder of the repository, and commit what it changes. The settings get the
address, that of GitHub's pages where it is on GitHub, the edit, source and issue buttons, and the
launch buttons of Colab and Binder; the citation gets it too; and every chapter gets a first cell,
not shown on its page, that installs the package where it is missing. Colab opens a notebook of the
repository alone, so this cell has to stand in the source; Binder builds `.binder`, the book's
environment without torch, and the package.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

ADDRESS = re.compile(r"https://[\w.-]+(/[\w.-]+)+")
PAGES = re.compile(r"https://github\.com/([\w-]+)/([\w.-]+)")
CELL = "install"  # the id of the cell
INSTALL = """import subprocess
import sys
from importlib.util import find_spec

if find_spec("vvlm_utils") is None:  # opened alone, as on Colab
    package = ["git+{url}", "{myst_nb}"]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *package], check=True)"""
SETTINGS = """
repository:
  url: {url}
  path_to_book: ""
  branch: main

launch_buttons:
  notebook_interface: jupyterlab
  binderhub_url: https://mybinder.org
  colab_url: https://colab.research.google.com
"""


def settings_at(config: str, url: str) -> str:
    """The settings with the address and every button turned on."""
    config = re.sub(r"# The book has no public home yet\..*?(?=html:)", "", config, flags=re.DOTALL)
    if site := PAGES.fullmatch(url):  # what search engines and cards call a page
        config = config.replace(
            "html:\n", f"html:\n  baseurl: https://{site[1]}.github.io/{site[2]}\n"
        )
    for name in ("edit_page", "repository", "issues"):
        config = config.replace(f"use_{name}_button: false", f"use_{name}_button: true")
    return config + SETTINGS.format(url=url)


def add_install_cell(path: Path, url: str, myst_nb: str) -> None:
    """Put the cell first in a chapter, for people who open it away from its repository."""
    notebook = nbformat.read(path, as_version=4)
    source, hidden = INSTALL.format(url=url, myst_nb=myst_nb), {"tags": ["remove-cell"]}
    others = [cell for cell in notebook.cells if cell.id != CELL]
    notebook.cells = [new_code_cell(source, id=CELL, metadata=hidden), *others]
    path.write_text(nbformat.writes(notebook, indent=1) + "\n")


def give_home(root: Path, url: str) -> None:
    """Change the sources at ``root``. Raises ValueError for what is no address, or a second one."""
    if not ADDRESS.fullmatch(url):
        raise ValueError(f"{url!r} is no address: give one like https://github.com/NAME/REPOSITORY")
    config, citation = root / "_config.yml", root / "CITATION.cff"
    if re.search("^repository:", config.read_text(), re.M):
        raise ValueError("_config.yml names a repository already: change it by hand")
    pins = (root / "requirements" / "analysis.txt").read_text()
    myst_nb = re.search(r"^myst-nb==\S+$", pins, re.M)[0]
    config.write_text(settings_at(config.read_text(), url))
    citation.write_text(f"{citation.read_text().rstrip()}\nrepository-code: {url}\n")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        add_install_cell(path, url, myst_nb)


if __name__ == "__main__":
    try:
        give_home(Path("."), *sys.argv[1:2])
    except ValueError as error:
        raise SystemExit(str(error)) from None
