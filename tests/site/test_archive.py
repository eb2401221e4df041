"""The archive and the wheel that the site offers."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vvlm_utils.site.archive import NAME, list_sources, make_downloads

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def downloads(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("downloads") / "code"
    make_downloads(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def unpacked(downloads, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(downloads / f"{NAME}.zip") as archive:
        archive.extractall(folder)
        for entry in archive.infolist():  # as unzip does
            (folder / entry.filename).chmod(entry.external_attr >> 16)
    return folder / NAME


def test_the_archive_holds_every_file_of_the_project_and_nothing_made(downloads):
    with zipfile.ZipFile(downloads / f"{NAME}.zip") as archive:
        names = {Path(n).relative_to(NAME) for n in archive.namelist()}
    assert names == set(list_sources(ROOT))
    assert {Path("Makefile"), Path("notebooks/07_frontier.ipynb")} < names
    assert not {"_build", "__pycache__"} & {part for name in names for part in name.parts}


def test_the_archive_of_an_unpacked_archive_is_the_same_to_the_byte(downloads, unpacked, tmp_path):
    make_downloads(unpacked, tmp_path / "again")
    files = sorted(p.name for p in downloads.iterdir())
    assert files == sorted(p.name for p in (tmp_path / "again").iterdir())
    for name in files:
        assert (tmp_path / "again" / name).read_bytes() == (downloads / name).read_bytes()


def test_make_explains_itself_in_the_unpacked_archive(unpacked):
    done = subprocess.run(["make", "help"], cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 0 and "make book" in done.stdout


def test_the_wheel_answers_by_itself(downloads, tmp_path):
    (wheel,) = downloads.glob("*.whl")
    code = f"import sys; sys.path.insert(0, {str(wheel)!r}); import vvlm_utils as v"
    code += "; print(v.__file__)"
    done = subprocess.run([sys.executable, "-P", "-I", "-c", code], cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    assert wheel.name in done.stdout


def test_the_page_names_the_files_that_are_made(downloads):
    page = (ROOT / "book" / "get_the_code.md").read_text()
    assert all(path.name in page for path in downloads.iterdir())
