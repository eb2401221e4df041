"""What a reader takes along from the site: the source as an archive, the package as a wheel.

Both are made from the same files in the same order with one date, so that the same source gives
the same bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from vvlm_utils.files import scratch_folder, whole_folder

NAME = "vvlm-book"
DATE = (2026, 1, 1, 0, 0, 0)
SECONDS = "1767225600"  # the same date, for setuptools
MADE = {".git", ".snakemake", "_build", "__pycache__", ".pytest_cache", ".ruff_cache"}


def list_sources(root: Path) -> list[Path]:
    """The files of the project, relative to its folder: what git follows, or all that is there.

    Without git, as in an unpacked archive, hidden environments and what is made are left out.
    """
    git = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (root / ".git").exists():
        names = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split("\0")
        return sorted(Path(n) for n in names if n and (root / n).is_file())
    every = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(p for p in every if not MADE & {*p.parts} and not p.parts[0].startswith(".venv"))


def write_archive(root: Path, path: Path) -> Path:
    """Write the project's files into a zip, under one folder; gives ``path``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in list_sources(root):
            entry = zipfile.ZipInfo(f"{NAME}/{name.as_posix()}", DATE)
            runs = os.access(root / name, os.X_OK)
            entry.external_attr = (0o100755 if runs else 0o100644) << 16
            archive.writestr(entry, (root / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def write_wheel(archive: Path, folder: Path) -> Path:
    """Build the package's wheel from the archive into ``folder``; gives its path."""
    with scratch_folder("wheel") as work:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(work)
        pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "wheel"]
        alone = ["--no-deps", "--no-build-isolation", "--no-index"]
        environment = os.environ | {"SOURCE_DATE_EPOCH": SECONDS}
        made = subprocess.run(
            [*pip, *alone, "-w", str(folder), str(work / NAME)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"the wheel cannot be built:\n{made.stderr}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_downloads(root: Path, folder: Path) -> None:
    """Put archive and wheel into ``folder``, which appears when both are made."""
    with whole_folder(folder) as new:
        write_wheel(write_archive(root, new / f"{NAME}.zip"), new)


if __name__ == "__main__":
    make_downloads(Path("."), Path(sys.argv[1]))
