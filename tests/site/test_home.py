"""A book that was given an address: links, launch buttons, chapters that install what they need."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from test_build import make_tiny, snakemake

ROOT = Path(__file__).parents[2]
URL = "https://github.com/someone/a-book"
spec = importlib.util.spec_from_file_location("give_home", ROOT / ".ci" / "give_home.py")
home = importlib.util.module_from_spec(spec)
spec.loader.exec_module(home)


@pytest.fixture(scope="module")
def housed(tmp_path_factory) -> Path:
    root = make_tiny(tmp_path_factory.mktemp("housed"))
    shutil.copy(ROOT / "CITATION.cff", root)
    home.give_home(root, URL)
    return root


def test_the_settings_are_still_yaml_and_hold_the_address(housed):
    config = yaml.safe_load((housed / "_config.yml").read_text())
    assert config["repository"] == {"url": URL, "path_to_book": "", "branch": "main"}
    assert [config["html"][f"use_{x}_button"] for x in ("edit_page", "repository", "issues")] == [
        True,
        True,
        True,
    ]
    assert yaml.safe_load((housed / "CITATION.cff").read_text())["repository-code"] == URL
    assert config["html"]["baseurl"] == "https://someone.github.io/a-book"
    assert "no public home" not in (housed / "_config.yml").read_text()


def test_every_chapter_begins_with_the_cell_and_keeps_its_own(tmp_path):
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        copy = tmp_path / path.name
        shutil.copy(path, copy)
        for _ in range(2):  # the second time renews the cell
            home.add_install_cell(copy, URL, "myst-nb==1.0")
        first, *rest = nbformat.read(copy, as_version=4).cells
        assert first.metadata.tags == ["remove-cell"] and URL in first.source
        assert rest == nbformat.read(path, as_version=4).cells


@pytest.mark.long
def test_pages_have_launch_and_edit_links_and_do_not_show_the_cell(housed):
    done = snakemake(housed)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (housed / "_build/html/notebooks/01_tiny.html").read_text()
    name = "someone/a-book/blob/main/notebooks/01_tiny.ipynb"
    assert f"https://colab.research.google.com/github/{name}" in page
    assert "https://mybinder.org/v2/gh/someone/a-book/main?" in page
    assert f"{URL}/edit/main/notebooks/01_tiny.ipynb" in page
    assert "find_spec" not in page and "<h1>Does a tiny chapter build?" in page


def test_the_cell_installs_the_package_where_it_is_missing(tmp_path):
    source = tmp_path / "source"
    (source / "vvlm_utils").mkdir(parents=True)
    (source / "vvlm_utils" / "__init__.py").write_text('__version__ = "3.1"\n')
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for command in ("init -q", "add -A", "-c user.name=A -c user.email=a@b.c commit -q -m all"):
        subprocess.run(["git", *command.split()], cwd=source, check=True)
    # From a folder, without what a package index would have to give: dependencies and myst-nb.
    cell = home.INSTALL.format(url=source.as_uri(), myst_nb="").replace(', ""]', "]")
    settings = {"PIP_NO_DEPS": "1", "PIP_TARGET": str(tmp_path / "site"), "PIP_NO_INDEX": "1"}
    settings |= {"PIP_NO_BUILD_ISOLATION": "0"}  # pip reads this one the other way round
    bare = [sys.executable, "-I", "-S", "-c", cell]  # an interpreter that finds no package
    subprocess.run(bare, env=os.environ | settings, check=True, timeout=120)
    assert '"3.1"' in (tmp_path / "site" / "vvlm_utils" / "__init__.py").read_text()


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "https://x/a b", 'https://x/a"b', "file:///a"]
)
def test_what_is_no_address_is_refused_and_nothing_is_changed(tmp_path, url):
    with pytest.raises(ValueError, match="is no address"):
        home.give_home(tmp_path, url)


def test_a_second_home_is_refused(housed):
    with pytest.raises(ValueError, match="names a repository already"):
        home.give_home(housed, URL)


def test_binder_builds_what_make_book_has_and_no_torch():
    binder = ROOT / ".binder"
    (line,) = (binder / "requirements.txt").read_text().split("\n")[:-1]
    lock = (binder / line.removeprefix("-r ")).resolve()
    assert lock == ROOT / "requirements" / "analysis.txt" and "torch==" not in lock.read_text()
    assert (binder / "runtime.txt").read_text() == "python-3.11\n"
    assert os.access(binder / "postBuild", os.X_OK)
