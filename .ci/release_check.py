"""Is the tree ready to be tagged as a release? `make release-check` asks this.

The version stands in ``vvlm_utils/__init__.py`` alone. CITATION.cff and the first heading of
CHANGELOG.md must agree with it and with each other, the tree must be clean, the tag must be free,
and a wheel made from the last commit must hold every file of data. Each thing that is amiss is
one line that says how to mend it.
"""

from __future__ import annotations

import ast
import datetime
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import yaml


def read_version(root: Path) -> str:
    """Read the version without importing the package."""
    tree = ast.parse((root / "vvlm_utils" / "__init__.py").read_text())
    return next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__version__"
    )


def check_papers(root: Path, today: datetime.date) -> Iterator[str]:
    """Yield what CITATION.cff and CHANGELOG.md lack for a release of this version."""
    version = read_version(root)
    cited = yaml.safe_load((root / "CITATION.cff").read_text())
    if str(cited.get("version")) != version:
        yield f"CITATION.cff has version {cited.get('version')}: make it {version}"
    first = re.search(r"^## (.+)$", (root / "CHANGELOG.md").read_text(), re.M)
    heading = re.fullmatch(rf"{re.escape(version)} \((\d{{4}}-\d\d-\d\d)\)", first[1])
    if not heading:
        yield f"CHANGELOG.md begins with {first[1]!r}: make it '## {version} ({today})'"
    elif str(cited.get("date-released")) != heading[1]:
        yield f"CITATION.cff has date-released {cited.get('date-released')}: make it {heading[1]}"
    if heading and heading[1] > str(today):
        yield f"CHANGELOG.md dates the release {heading[1]}, which is to come: today is {today}"


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def check_tree(root: Path) -> Iterator[str]:
    """Yield what stands between the last commit and its tag."""
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        yield f"{len(changed)} files differ from the last commit: commit or remove {changed[0][3:]}"
    tag = f"v{read_version(root)}"
    if git(root, "tag", "--list", tag):
        yield f"the tag {tag} exists: raise __version__ in vvlm_utils/__init__.py"


def check_wheel(root: Path) -> Iterator[str]:
    """Yield what a wheel of the last commit lacks; nothing is fetched, nothing is left behind."""
    with tempfile.TemporaryDirectory() as folder:
        archive, source = Path(folder) / "tree.tar", Path(folder) / "source"
        source.mkdir()
        git(root, "archive", "HEAD", "-o", str(archive))
        subprocess.run(["tar", "-xf", archive, "-C", source], check=True)
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
        done = subprocess.run([*command, ".", "-w", folder], cwd=source, capture_output=True)
        wheels = list(Path(folder).glob(f"vvlm_book-{read_version(root)}-*.whl"))
        if done.returncode or not wheels:
            yield f"no wheel could be made: {done.stderr.decode().strip()[-200:]}"
            return
        packed = set(zipfile.ZipFile(wheels[0]).namelist())
        files = git(root, "ls-files", "vvlm_utils").splitlines()
        lacking = [path for path in files if path not in packed]
        if lacking:
            yield f"the wheel lacks {', '.join(lacking[:3])}: name them in pyproject.toml"


def main(root: Path = Path(".")) -> None:
    problems = [*check_papers(root, datetime.date.today()), *check_tree(root), *check_wheel(root)]
    if problems:
        raise SystemExit("\n".join(["This is not ready to be released:", *problems]))
    tag = f"v{read_version(root)}"
    print(f"Ready. Next: git tag -a {tag} -m {tag} && git push origin {tag}")


if __name__ == "__main__":
    main()
