"""The pins, the files that repeat them, and the commands that use them."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import vvlm_utils

ROOT = Path(__file__).parents[1]
LOCKS = {
    name: ROOT / "requirements" / f"{name}.txt"
    for name in ("analysis", "experiment", "tests", "dev")
}


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "requirements" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


install, locking = load("install"), load("lock")


def direct(name: str) -> set[str]:
    """Names in a ``.in`` file."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    names = (re.split(r"[\[=]", line)[0] for line in lines if line and line[0] not in "#-")
    return {install.normalised(name) for name in names}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_holds_exact_pins_only(name):
    lines = [x for x in LOCKS[name].read_text().splitlines() if not x.startswith(("#", "-r "))]
    pin = r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+( ; .+)?"
    assert [x for x in lines if not re.fullmatch(pin, x)] == []


def test_a_lock_repeats_nothing_of_the_locks_it_includes():
    for name, includes in locking.INCLUDES.items():
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert re.findall(r"^-r (\w+)\.txt$", text, re.M) == list(includes)
        pins = locking.pins_of(name)
        lower = {pin for include in includes for pin in locking.pins_of(include)}
        own = [pin for pin in pins if pin not in lower]
        assert own == [x for x in text.splitlines() if "==" in x]


def test_no_package_has_two_versions():
    pins = install.read_lock(LOCKS["dev"])
    assert len({name for name, _, _ in pins}) == len({(name, pin) for name, pin, _ in pins})


def test_a_marker_stays_where_platforms_differ():
    assert locking.simplify("a==1 ; python_full_version < '3.15'") == "a==1"
    assert locking.simplify("a==1 ; sys_platform == 'win32'") is None
    assert locking.simplify("a==1 ; implementation_name == 'pypy'") is None
    for marker in ("sys_platform == 'darwin'", "python_full_version < '3.12'"):
        assert locking.simplify(f"a==1 ; {marker}") == f"a==1 ; {marker}"


def test_an_environment_gets_the_pins_whose_marker_holds(tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1\nb==2 ; sys_platform == 'no'\nc==3 ; python_version >= '3.11'\n")
    holds = install.markers_in(Path(sys.prefix), lock)
    assert install.read_pins(lock, holds.get) == {"a": "1", "c": "3"}


def test_no_lock_chooses_an_accelerator():
    pins = LOCKS["experiment"].read_text().splitlines()
    assert [pin for pin in pins if pin.startswith(("nvidia-", "cuda-", "triton="))] == []
    assert "torch==2.13.0" in pins  # a +cpu suffix would be found on one index only


def test_a_build_of_the_pinned_version_satisfies_the_pin():
    assert install.public_version(Path("torch-2.13.0+cpu.dist-info")) == "2.13.0"
    assert install.public_version(Path("torch-2.13.0.dist-info")) == "2.13.0"


def test_lmms_eval_reads_checkpoints_with_the_experiments_own_versions():
    lock = ROOT / "requirements" / "lmms-eval.txt"
    pins, ours = install.read_pins(lock), install.read_pins(LOCKS["experiment"])
    assert pins["lmms-eval"].startswith("0.7.") and direct("lmms") <= set(pins)
    for name in ("torch", "transformers", "tokenizers", "safetensors", "av", "numpy", "pandas"):
        assert pins[name] == ours[name]
    assert {"nltk", "pywsd", "wandb"}.isdisjoint(pins)  # with the first two, NExT-QA downloads
    assert not any(name.startswith(("nvidia-", "cuda-")) for name in pins)


@pytest.mark.parametrize("name", LOCKS)
def test_every_direct_dependency_is_locked(name):
    assert direct(name) <= set(install.read_pins(LOCKS[name]))


def test_what_the_package_imports_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {install.normalised(item.split("[")[0]) for item in project["dependencies"]}
    assert names <= direct("analysis")
    extra = project["optional-dependencies"]["experiment"]
    assert {install.normalised(item) for item in extra} == direct("experiment")
    book = project["optional-dependencies"]["book"]
    assert {install.normalised(re.split("[<\\[]", item)[0]) for item in book} <= direct("analysis")


def test_conda_installs_the_same_lock():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert {"pip": ["-r requirements/dev.txt", "-e ."]} in conda
    assert "python>=3.11,<3.14" in conda


def test_contributing_says_why_each_dependency():
    table = (ROOT / "CONTRIBUTING.md").read_text().split("## Why each dependency")[1]
    named = {n.strip() for row in re.findall(r"^\| (.+?) \|", table, re.M) for n in row.split(",")}
    assert set().union(*map(direct, locking.INCLUDES)) | {"lmms-eval"} <= named


def test_version_is_cited():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    assert str(cited) == vvlm_utils.__version__


def fake_dist(env: Path, *written: str) -> Path:
    site = install.site_packages(env)
    info = site / "thing-1.0.dist-info"
    info.mkdir(parents=True)
    (env / "bin").mkdir()
    (env / "bin" / "python").touch()
    (info / "RECORD").write_text(
        "thing.py,,\n__pycache__/thing.pyc,,\nthing-1.0.dist-info/RECORD,,\n"
    )
    for name in written:
        (site / name).touch()
    return info


def test_complete_environment_is_left_alone(tmp_path):
    fake_dist(tmp_path, "thing.py")
    assert not install.needs_making(tmp_path, install.installed(tmp_path))


def test_environment_that_lost_a_file_is_made_again(tmp_path):
    fake_dist(tmp_path)
    assert install.needs_making(tmp_path, install.installed(tmp_path))


def test_environment_whose_install_was_cut_short_is_made_again(tmp_path):
    (fake_dist(tmp_path, "thing.py") / "RECORD").unlink()
    assert install.needs_making(tmp_path, install.installed(tmp_path))


def in_folder(folder: Path) -> dict[str, bytes]:
    return {str(x.relative_to(folder)): x.read_bytes() for x in folder.rglob("*") if x.is_file()}


def mark(env: Path, checkout: Path, environment: Path) -> None:
    made = {"checkout": str(checkout), "environment": str(environment)}
    (env / install.MARK).write_text(json.dumps(made))


@pytest.fixture
def others(tmp_path):
    """An environment of somebody else's: incomplete, so that only its missing mark protects it."""
    env = tmp_path / "env"
    env.mkdir()
    fake_dist(env)
    (env / "pyvenv.cfg").touch()
    return env


def test_somebody_elses_environment_is_refused_and_stays_as_it_was(others):
    before = in_folder(others)
    done = make("env", f"ENV={others}")
    assert done.returncode == 2 and in_folder(others) == before
    assert done.stderr.splitlines()[0].startswith(f"{others} was not made by this Makefile")
    assert "ENV=.venv-book" in done.stderr


def test_an_environment_that_another_checkout_uses_is_refused(others, tmp_path):
    mark(others, checkout=tmp_path, environment=others)
    linked = tmp_path / "linked"
    linked.symlink_to(others)
    before = in_folder(others)
    for env in (others, linked):
        with pytest.raises(SystemExit, match=f"belongs to {tmp_path}, so nothing in it is changed"):
            install.check_ours(env)
    assert in_folder(others) == before


@pytest.mark.parametrize("made", ["here", "at its old place", "by a checkout that is gone"])
def test_an_environment_of_ours_may_be_made_again(others, tmp_path, made):
    checkout = {"here": install.ROOT, "at its old place": tmp_path}.get(made, tmp_path / "gone")
    mark(others, checkout, tmp_path / "old" if made == "at its old place" else others)
    install.check_ours(others)


def test_a_file_or_a_broken_link_in_the_environments_place_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(SystemExit, match="was not made by this Makefile"):
            install.check_ours(tmp_path / name)


def test_making_an_environment_again_removes_what_was_there_and_keeps_links_targets(tmp_path):
    env, kept = tmp_path / "env", tmp_path / "kept"
    (env / "lib" / "old").mkdir(parents=True)
    kept.mkdir()
    (kept / "precious").touch()
    (env / "link").symlink_to(kept)
    install.make_env(env)
    assert (env / "bin" / "python").exists() and not (env / "lib" / "old").exists()
    assert not (env / "link").exists() and (kept / "precious").exists()
    install.check_ours(env)


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(
    ("reason", "code"), [("chromium is not installed", 1), ("this machine has a GPU", 0)]
)
def test_in_ci_a_skip_that_is_not_allowed_is_a_failure(tmp_path, reason, code, workers):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(
        f"import pytest\n\n\ndef test_a():\n    pass\n\n\n"
        f"def test_b():\n    pytest.skip({reason!r})\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", workers, tmp_path]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"CI": "true"}, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert ("test_b: Skipped: chromium is not installed" in done.stdout) == bool(code)


def make(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("target", ["book", "test"])
def test_missing_python_is_one_clear_line(target):
    done = make(target, "PYTHON=no-such-python")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and 'needed and "no-such-python" is not one' in done.stderr


def test_a_python_that_fits_is_found_by_any_of_its_names(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    (tmp_path / "old" / "python3").write_text("#!/bin/sh\nexit 1\n")  # as 3.10 would answer
    (tmp_path / "new" / "python3.12").symlink_to(sys.executable)
    for path in tmp_path.glob("*/python*"):
        path.chmod(0o755)
    done = subprocess.run(
        [shutil.which("make"), "-n", "env"], cwd=ROOT, capture_output=True, text=True,
        env={"PATH": f"{tmp_path}/old:{tmp_path}/new"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1].startswith("python3.12 "), done.stderr


def test_help_explains_every_target():
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M).group(1).split()
    explained = make("help").stdout
    missing = [name for name in phony if f"make {name} " not in explained]
    assert missing == ["env", "dev", "test-env", "torch"]  # the four that the others call


WITHOUT_TORCH = """
import sys
sys.modules |= dict.fromkeys(("torch", "transformers", "av", "sklearn"))
from vvlm_utils.experiment.mini import design as plan, records, replays, scores
from vvlm_utils.experiment.model import presets
from vvlm_utils.experiment.world import questions, sampling, scenes
from vvlm_utils.plots import experiment
record, answers = replays.read_kept(plan.Run("mini-40k", 8, 25, 1024))
print(record.status, len(scores.summarise(answers)))
"""


def test_a_kept_run_is_replayed_without_torch():
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.stdout.split() == ["evaluated", "9"], ended.stderr
