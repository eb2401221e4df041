"""What `make release-check` lets through and what it names."""

import datetime
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TODAY = datetime.date(2031, 5, 6)
spec = importlib.util.spec_from_file_location("release_check", ROOT / ".ci" / "release_check.py")
release = importlib.util.module_from_spec(spec)
spec.loader.exec_module(release)


@pytest.fixture
def tree(tmp_path) -> Path:
    """A small repository whose papers agree."""
    (tmp_path / "vvlm_utils" / "data").mkdir(parents=True)
    (tmp_path / "vvlm_utils" / "__init__.py").write_text('"""Doc."""\n\n__version__ = "2.0.1"\n')
    (tmp_path / "vvlm_utils" / "data" / "kept.csv").write_text("a\n1\n")
    (tmp_path / "CITATION.cff").write_text("version: 2.0.1\ndate-released: 2031-05-06\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## 2.0.1 (2031-05-06)\n\n- Words.\n")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for command in ("init -q", "add -A", "commit -q -m all"):
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *command.split()], cwd=tmp_path, check=True)
    return tmp_path


def problems(tree: Path) -> list[str]:
    return [*release.check_papers(tree, TODAY), *release.check_tree(tree)]


def test_a_tree_whose_papers_agree_is_ready(tree):
    assert problems(tree) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("CITATION.cff", "version: 2.0.1", "version: 2.0.0", "has version 2.0.0: make it 2.0.1"),
        ("CITATION.cff", "date-released: 2031-05-06", "", "date-released None: make it 2031-05-06"),
        ("CHANGELOG.md", "2.0.1 (2031-05-06)", "Unreleased", "make it '## 2.0.1 (2031-05-06)'"),
        ("CHANGELOG.md", "2031-05-06", "2031-05-07", "to come: today is 2031-05-06"),
    ],
)
def test_papers_that_disagree_are_named(tree, name, old, new, said):
    path = tree / name
    path.write_text(path.read_text().replace(old, new))
    assert any(name in line and said in line for line in problems(tree))
    assert any("files differ from the last commit" in line for line in problems(tree))


def test_a_tag_that_exists_is_named(tree):
    subprocess.run(["git", "tag", "v2.0.1"], cwd=tree, check=True)
    assert problems(tree) == ["the tag v2.0.1 exists: raise __version__ in vvlm_utils/__init__.py"]


def test_the_wheel_must_hold_the_data(tree):
    assert list(release.check_wheel(tree)) == []
    stray = tree / "vvlm_utils" / "data" / "kept.parquet"
    stray.write_text("1")
    for command in ("add -A", "commit -q -m more"):
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *command.split()], cwd=tree, check=True)
    assert list(release.check_wheel(tree)) == [
        "the wheel lacks vvlm_utils/data/kept.parquet: name them in pyproject.toml"
    ]
