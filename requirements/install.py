"""Bring an environment to the exact pins of one lock file.

    python3 requirements/install.py .venv analysis

What stands after the lock's name goes to pip as it is.
Standard library only. An environment that already holds every pin, complete, is left alone, so
this runs before every target. One that is incomplete (an install cut short, files lost, the folder
moved) is made afresh. A file of its own marks an environment that was made here; a folder without
that mark is refused, and nothing in it is touched.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "vvlm-book"
MARK = "made-by-vvlm-book.json"  # says which checkout made the environment, and where
STEP_SECONDS = 5.0  # between two lines of progress
# pip brings its own copy of `packaging`, which knows what a marker means in an environment.
EVALUATE = """
import json, sys
from pip._vendor.packaging.markers import Marker
print(json.dumps([Marker(marker).evaluate() for marker in sys.argv[1:]]))
"""


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(lock: Path) -> list[tuple[str, str, str]]:
    """Read ``name==version ; marker`` lines, following ``-r``: (name, version, marker or '')."""
    pins = []
    for line in lock.read_text().splitlines():
        if line.startswith("-r "):
            pins += read_lock(lock.parent / line[3:].strip())
        elif line and not line.startswith("#"):
            pin, _, marker = line.partition(" ; ")
            name, version = pin.split("==")
            pins.append((normalised(name), version, marker))
    return pins


def read_pins(lock: Path, holds: Callable[[str], bool] = bool) -> dict[str, str]:
    """Map each name to its version, of the pins without a marker and those whose marker holds."""
    return {name: pin for name, pin, marker in read_lock(lock) if not marker or holds(marker)}


def markers_in(env: Path, lock: Path) -> dict[str, bool]:
    """Say of each marker in a lock whether it holds in an environment."""
    markers = sorted({marker for _, _, marker in read_lock(lock) if marker})
    command = [env / "bin" / "python", "-c", EVALUATE, *markers]
    return dict(zip(markers, json.loads(subprocess.check_output(command)), strict=True))


def site_packages(env: Path) -> Path:
    found = sorted((env / "lib").glob("python3.*/site-packages"))
    return found[0] if found else env / "lib" / "python3" / "site-packages"


def is_complete(info: Path) -> bool:
    """Say whether every file of an installed distribution is on disk (pip writes RECORD last)."""
    record = info / "RECORD"
    if not record.is_file():
        return False
    names = (line.rsplit(",", 2)[0].strip('"') for line in record.read_text().splitlines())
    return all((info.parent / name).exists() for name in names if not name.endswith(".pyc"))


def installed(env: Path) -> dict[str, Path]:
    """Map each installed distribution to its dist-info folder."""
    infos = site_packages(env).glob("*.dist-info")
    return {normalised(info.name.split("-")[0]): info for info in infos}


def public_version(info: Path) -> str:
    """Read the version of a dist-info folder; a build's own suffix, 2.13.0+cpu, does not count."""
    return info.stem.split("-")[1].split("+")[0]


def comes_from_here(info: Path) -> bool:
    url = info / "direct_url.json"
    return url.is_file() and json.loads(url.read_text())["url"] == ROOT.as_uri()


def needs_making(env: Path, found: dict[str, Path]) -> bool:
    moved = PROJECT in found and not comes_from_here(found[PROJECT])
    python = env / "bin" / "python"
    return moved or not python.exists() or not all(map(is_complete, found.values()))


def check_ours(env: Path) -> None:
    """Refuse, in one line, a folder that this program did not make for this checkout."""
    is_free = not env.exists() and not env.is_symlink()
    if is_free or (env.is_dir() and not any(env.iterdir())):
        return
    way_out = "name another folder, as in ENV=.venv-book, or remove this one yourself"
    mark = env / MARK
    if not mark.is_file():
        sys.exit(f"{env} was not made by this Makefile, so nothing in it is changed: {way_out}")
    made = json.loads(mark.read_text())
    root, place = Path(made["checkout"]), Path(made["environment"])
    if root != ROOT and root.exists() and place == env.resolve():
        sys.exit(f"{env} belongs to {root}, so nothing in it is changed: {way_out}")


def make_env(env: Path) -> None:
    """Make an empty environment, in place of an incomplete one of ours."""
    print(f"Making {env}", flush=True)
    env.mkdir(parents=True, exist_ok=True)
    # The mark comes first and goes last: an interrupted start can be taken up again.
    made = {"checkout": str(ROOT), "environment": str(env.resolve())}
    (env / MARK).write_text(json.dumps(made) + "\n")
    for path in env.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
    made = subprocess.run([sys.executable, "-m", "venv", env], stdout=subprocess.PIPE, text=True)
    if made.returncode:
        sys.exit(f"{sys.executable} -m venv failed: {' '.join(made.stdout.split())}")


def pip_install(env: Path, arguments: list[str], label: str, total: int) -> None:
    """Run pip, print a line of progress every few seconds, keep its own words in a log."""
    log, collected = env / "install.log", 0
    command = [env / "bin" / "python", "-u", "-m", "pip", "install", "--no-compile"]
    command += ["--progress-bar", "off", *arguments]
    with log.open("a") as sink:
        pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def listen() -> None:
            nonlocal collected
            for line in pip.stdout:
                sink.write(line)
                collected += line.startswith(("Collecting ", "Processing "))

        listener = Thread(target=listen)
        listener.start()
        while listener.is_alive():
            listener.join(STEP_SECONDS)
            done = sum((i / "RECORD").exists() for i in site_packages(env).glob("*.dist-info"))
            if listener.is_alive() and total:
                print(f"  {collected} of {total} found, {done} installed", flush=True)
    if pip.wait():
        lines = log.read_text().splitlines()
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-5:]
        sys.exit("\n".join([f"{label}: pip failed (all of it in {log})", *errors[-5:]]))


def main(env: Path, lock_name: str, *options: str) -> None:
    lock = ROOT / "requirements" / f"{lock_name}.txt"
    start = time.monotonic()
    check_ours(env)
    if needs_making(env, installed(env)):
        make_env(env)
    found = installed(env)
    versions = {name: public_version(info) for name, info in found.items()}
    pins = read_pins(lock, markers_in(env, lock).get)
    missing = [name for name, pin in pins.items() if versions.get(name) != pin]
    if missing:
        print(f"Installing {len(missing)} packages from {lock.relative_to(ROOT)}", flush=True)
        pip_install(env, [*options, "-r", str(lock)], lock.name, len(missing))
    pyproject = (ROOT / "pyproject.toml").stat().st_mtime
    if PROJECT not in found or (found[PROJECT] / "RECORD").stat().st_mtime < pyproject:
        here = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
        pip_install(env, here, PROJECT, 0)
        missing.append(PROJECT)
    if missing:
        print(f"{env} is ready ({time.monotonic() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
