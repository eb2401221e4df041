"""Bring an environment to the exact pins of one lock file.

    python3.11 requirements/install.py .venv analysis

What stands after the lock's name goes to pip as it is.
Standard library only. An environment that already holds every pin, whole, is left alone, so
this runs before every target. One that was torn (an install cut short, files lost, the folder
moved) is made afresh.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "vvlm-book"
STEP_SECONDS = 5.0  # between two lines of progress


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(lock: Path) -> dict[str, str]:
    """Read ``name==version`` lines, following ``-r``."""
    pins: dict[str, str] = {}
    for line in lock.read_text().splitlines():
        if line.startswith("-r "):
            pins |= read_pins(lock.parent / line[3:].strip())
        elif line and not line.startswith("#"):
            name, version = line.split("==")
            pins[normalised(name)] = version
    return pins


def site_packages(env: Path) -> Path:
    return env / "lib" / "python3.11" / "site-packages"


def is_whole(info: Path) -> bool:
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


def is_torn(env: Path, found: dict[str, Path]) -> bool:
    moved = PROJECT in found and not comes_from_here(found[PROJECT])
    return moved or not (env / "bin" / "python").exists() or not all(map(is_whole, found.values()))


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


def make_env(env: Path) -> None:
    if env.exists() and any(env.iterdir()) and not (env / "pyvenv.cfg").exists():
        sys.exit(f"{env} is broken and is no virtual environment: mend or remove it by hand")
    print(f"Making {env}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", env], check=True)


def main(env: Path, lock_name: str, *options: str) -> None:
    lock = ROOT / "requirements" / f"{lock_name}.txt"
    start = time.monotonic()
    if is_torn(env, installed(env)):
        make_env(env)
    found = installed(env)
    versions = {name: public_version(info) for name, info in found.items()}
    missing = [name for name, pin in read_pins(lock).items() if versions.get(name) != pin]
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
