"""The pins, the files that repeat them, and the commands that use them."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import vvlm_utils

ROOT = Path(__file__).parents[1]
LOCKS = {name: ROOT / "requirements" / f"{name}.txt" for name in ("analysis", "experiment", "dev")}

spec = importlib.util.spec_from_file_location("install", ROOT / "requirements" / "install.py")
install = importlib.util.module_from_spec(spec)
spec.loader.exec_module(install)


def direct(name: str) -> set[str]:
    """Names in a ``.in`` file."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    names = (re.split(r"[\[=]", line)[0] for line in lines if line and line[0] not in "#-")
    return {install.normalised(name) for name in names}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_holds_exact_pins_only(name):
    lines = [x for x in LOCKS[name].read_text().splitlines() if not x.startswith(("#", "-r "))]
    assert [x for x in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", x)] == []


def test_each_lock_adds_to_the_one_before_and_repeats_nothing():
    analysis, experiment, dev = (path.read_text().splitlines() for path in LOCKS.values())
    assert "-r analysis.txt" in experiment and "-r experiment.txt" in dev
    pins = [line for line in analysis + experiment + dev if "==" in line]
    names = [install.normalised(pin.split("==")[0]) for pin in pins]
    assert len(names) == len(set(names))


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


def test_conda_installs_the_same_lock():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert {"pip": ["-r requirements/dev.txt", "-e ."]} in conda
    assert "python=3.11" in conda
    assert "PYTHON ?= python3.11" in (ROOT / "Makefile").read_text()


def test_contributing_says_why_each_dependency():
    table = (ROOT / "CONTRIBUTING.md").read_text().split("## Why each dependency")[1]
    named = {n.strip() for row in re.findall(r"^\| (.+?) \|", table, re.M) for n in row.split(",")}
    assert direct("analysis") | direct("dev") | direct("lmms") | {"lmms-eval"} <= named


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


def test_whole_environment_is_left_alone(tmp_path):
    fake_dist(tmp_path, "thing.py")
    assert not install.is_torn(tmp_path, install.installed(tmp_path))


def test_lost_file_tears_the_environment(tmp_path):
    fake_dist(tmp_path)
    assert install.is_torn(tmp_path, install.installed(tmp_path))


def test_install_cut_short_tears_the_environment(tmp_path):
    (fake_dist(tmp_path, "thing.py") / "RECORD").unlink()
    assert install.is_torn(tmp_path, install.installed(tmp_path))


def test_somebody_elses_folder_is_never_cleared(tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(SystemExit, match="by hand"):
        install.make_env(tmp_path)
    assert (tmp_path / "precious").exists()


def make(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("target", ["book", "test"])
def test_missing_python_is_one_clear_line(target):
    done = make(target, "PYTHON=no-such-python")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and 'needed and "no-such-python" is not it' in done.stderr


def test_help_explains_every_target():
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M).group(1).split()
    explained = make("help").stdout
    missing = [name for name in phony if f"make {name} " not in explained]
    assert missing == ["env", "dev", "torch"]  # the three that the others call


WITHOUT_TORCH = """
import sys
sys.modules |= dict.fromkeys(("torch", "transformers", "av", "sklearn"))
from vvlm_utils.experiment.mini import design as plan, records, scores
from vvlm_utils.experiment.model import presets
from vvlm_utils.experiment.world import questions, sampling, scenes
from vvlm_utils.plots import experiment
record = records.read_record(records.KEPT)
print(record.status, len(scores.summarise(records.read_answers(records.KEPT))))
"""


def test_a_kept_run_is_replayed_without_torch():
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.stdout.split() == ["evaluated", "9"], ended.stderr
