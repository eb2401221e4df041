"""The public names and the page of the book that is made from them."""

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path
from pydoc import locate

import pytest
from setuptools.config.expand import read_attr

import vvlm_utils

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book" / "api.md").read_text()
SHOWN = re.findall(r"^\.\. auto(?:function|class):: ([\w.]+)", PAGE, re.MULTILINE)
MEMBERS = [
    f"{name}.{member}"
    for name, members in re.findall(r"autoclass:: ([\w.]+).*\n   :members: (.+)", PAGE)
    for member in members.split(", ")
]


def test_the_page_shows_every_name_of_the_face():
    assert sorted(f"vvlm_utils.{name}" for name in vvlm_utils.__all__) == sorted(
        name for name in SHOWN if name.count(".") == 1
    )


@pytest.mark.parametrize("name", SHOWN + MEMBERS)
def test_what_the_page_shows_says_what_it_is(name):
    shown = locate(name)
    assert inspect.cleandoc(shown.__doc__ or "").split("\n")[0].endswith((".", ":")), name


@pytest.mark.parametrize("name", [name for name in SHOWN if inspect.isfunction(locate(name))])
def test_functions_document_each_argument_result_and_refusal(name):
    shown = locate(name)
    said = inspect.getdoc(shown)
    for section in ("Parameters", "Returns", "Notes", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in said, section
    arguments = said.split("Parameters\n----------\n")[1].split("\n\n")[0]
    named = re.findall(r"^\w.*$", arguments, re.MULTILINE)
    assert ", ".join(named).split(", ") == list(inspect.signature(shown).parameters)


@pytest.mark.parametrize("name", [name for name in SHOWN if inspect.isclass(locate(name))])
def test_classes_document_every_field(name):
    shown = locate(name)
    fields = getattr(shown, "__dataclass_fields__", {})
    said = inspect.getdoc(shown)
    named = ", ".join(re.findall(r"^(\w+(?:, \w+)*)$", said, re.MULTILINE)).split(", ")
    assert [field for field in fields if field not in named] == []


def test_the_face_imports_nothing_heavy():
    heavy = ("numpy", "pandas", "scipy", "matplotlib", "numba", "torch")
    code = "import sys, vvlm_utils; print(vvlm_utils.__version__, *sys.modules)"
    command = [sys.executable, "-c", code]
    version, *modules = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert version == vvlm_utils.__version__
    assert [name for name in heavy if name in modules] == []


def test_the_version_is_read_without_an_import(tmp_path):
    (tmp_path / "vvlm_utils").mkdir()
    face = Path(vvlm_utils.__file__).read_text().replace("import lazy_loader", "import not_there")
    (tmp_path / "vvlm_utils" / "__init__.py").write_text(face)
    assert read_attr("vvlm_utils.__version__", root_dir=tmp_path) == vvlm_utils.__version__


def test_the_readme_shows_the_example_that_the_page_shows_and_the_tests_run():
    (example,) = doctest.DocTestFinder(recurse=False).find(vvlm_utils)
    lines = "".join(part.source for part in example.examples)
    (shown,) = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown.replace("\n\n", "\n") == lines  # a formatter sets imports apart
    assert ".. automodule:: vvlm_utils\n" in PAGE


@pytest.mark.parametrize("room", ["cost", "runs", "laws", "frontier", "advice"])
def test_a_room_hands_on_what_is_there(room):
    face = locate(f"vvlm_utils.{room}")
    assert [name for name in face.__all__ if not hasattr(face, name)] == []
