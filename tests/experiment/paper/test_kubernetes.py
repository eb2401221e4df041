"""The kubernetes profile: its options, its Jobs, and one Job for one output.

There is no cluster here: a stand-in for kubectl keeps the Jobs as files and runs their commands.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROFILE = ROOT / "profiles" / "kubernetes"
# Options of snakemake-executor-plugin-cluster-generic 1.0.9 and of Snakemake 9 itself.
OPTIONS = {f"cluster-generic-{name}-cmd" for name in ("submit", "status", "cancel")}
OPTIONS |= {"executor", "jobs", "default-resources", "set-resources", "nolock", "keep-going"}
OPTIONS |= {"rerun-incomplete", "restart-times", "latency-wait"}
KUBECTL = f"""#!{sys.executable}
import json, os, pathlib, subprocess, sys
store, words = pathlib.Path(os.environ["STORE"]), sys.argv[1:]
if words[0] == "create":
    made = json.load(sys.stdin)
    path = store / made["metadata"]["name"]
    with path.open("x") as file:
        json.dump(made, file)
    [box] = made["spec"]["template"]["spec"]["containers"]
    subprocess.Popen(["sh", "-c", '"$@"; echo $? > ' + f"{{path}}.ended", "-", *box["command"]],
                     cwd=box["workingDir"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sys.exit()
path = store / words[2]
if not path.exists():
    sys.exit("Error from server (NotFound)")
ended = pathlib.Path(f"{{path}}.ended")
if words[0] == "delete":
    path.unlink()
    ended.unlink(missing_ok=True)
elif ended.exists():
    print(json.dumps({{"status": {{"failed" if int(ended.read_text()) else "succeeded": 1}}}}))
else:
    print(json.dumps({{"status": {{"active": 1}}}}))
"""


@pytest.fixture
def job(tmp_path):
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    (tmp_path / "store").mkdir()
    path = f"{kubectl.parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "STORE": str(tmp_path / "store")}

    def run(*words):
        command = [sys.executable, str(PROFILE / "job.py"), *map(str, words)]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)

    return run


def submit(job, script, name="paper_run-run=star-1B-32x196-n250k", gpus=8):
    where = ["--claim", "vvlm", "--mount", "/vvlm", "--image", "python:3.11"]
    return job("submit", "--name", name, *where, "--gpus", gpus, script)


def wait(job, name):
    for _ in range(100):
        if (said := job("status", name).stdout.strip()) != "running":
            return said
        time.sleep(0.1)
    raise AssertionError(f"{name} did not end")


def test_the_profile_parses_and_names_known_options():
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    assert set(profile) <= OPTIONS
    assert profile["set-resources"]["runs"] == {"gpu": 1}
    words = profile["cluster-generic-submit-cmd"].split()
    assert words[1] == "profiles/kubernetes/job.py" and (ROOT / words[1]).is_file()


def test_a_job_asks_for_its_gpus_and_mounts_the_shared_volume(job, tmp_path):
    script = tmp_path / "job.sh"
    script.write_text("exit 0")
    name = submit(job, script).stdout.strip()
    made = json.loads((tmp_path / "store" / name).read_text())
    pod = made["spec"]["template"]["spec"]
    [box] = pod["containers"]
    assert box["resources"]["limits"] == {"nvidia.com/gpu": "8"}
    assert box["command"] == ["bash", str(script)] and box["workingDir"] == str(tmp_path)
    assert {"name": "shared", "mountPath": "/vvlm"} in box["volumeMounts"]
    assert made["spec"]["backoffLimit"] == 0 and pod["restartPolicy"] == "Never"
    assert len(name) <= 63 and name.startswith("vvlm-paper-run-run-star-1b")
    assert wait(job, name) == "success"


def test_one_output_has_one_job_at_a_time(job, tmp_path):
    script, ready = tmp_path / "job.sh", tmp_path / "go"
    script.write_text(f"while [ ! -e {ready} ]; do sleep 0.1; done; exit 3")
    first, second = submit(job, script), submit(job, script)
    name = first.stdout.strip()
    assert second.returncode and f"{name} is running; wait for it" in second.stderr
    assert submit(job, script, name="another", gpus=0).returncode == 0
    ready.touch()
    assert wait(job, name) == "failed"
    again = submit(job, script)
    assert again.stdout.strip() == name and wait(job, name) == "failed"
    job("cancel", name)
    assert job("status", name).stdout.strip() == "failed"
