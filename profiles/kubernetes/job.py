"""One job of the graph as a kubernetes Job; the profile beside this file calls it.

    job.py submit --name N --claim C --mount M --image I --gpus G --mem-mb B --cpus C SCRIPT
    job.py status ID
    job.py cancel ID...

The pod runs Snakemake's script in this folder, on a volume that driver and pods share. A Job has
the name of what it makes: one that is still running is never doubled, one that ended is replaced.
All of them carry the label app=vvlm.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

LONGEST = 52  # characters of a name that leave room for a pod's suffix


def job_name(text: str) -> str:
    """A name that kubernetes takes, and that differs where the text does.

    >>> job_name("runs-lm=mini-7k,draw=0")[:20]
    'vvlm-runs-lm-mini-7k'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"vvlm-{plain}"[: LONGEST - 9] + "-" + hashlib.sha256(text.encode()).hexdigest()[:8]


def manifest(a: argparse.Namespace) -> dict:
    """The Job, as kubectl takes it."""
    wanted = {"memory": f"{a.mem_mb}M", "cpu": str(a.cpus)}
    gpus = {"nvidia.com/gpu": str(a.gpus)} if a.gpus else {}
    mount = {"name": "shared", "mountPath": a.mount}
    # Shared memory hands batches from the decoding processes to the trainer.
    own = {"name": "shm", "mountPath": "/dev/shm"}
    container = {
        "name": "job",
        "image": a.image,
        "command": ["bash", str(Path(a.script).resolve())],
        "workingDir": str(Path.cwd()),
        "resources": {"requests": wanted | gpus, "limits": gpus},
        "volumeMounts": [mount, own],
    }
    volumes = [
        {"name": "shared", "persistentVolumeClaim": {"claimName": a.claim}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
    ]
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    labels = {"app": "vvlm"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job_name(a.name), "labels": labels},
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def kubectl(*words: str, text: str | None = None) -> subprocess.CompletedProcess:
    """Call kubectl."""
    return subprocess.run(["kubectl", *words], input=text, capture_output=True, text=True)


def status(name: str) -> str:
    """Say "running", "success" or "failed"; a Job that is not there has failed."""
    found = kubectl("get", "job", name, "-o", "json")
    if found.returncode:
        return "failed" if "NotFound" in found.stderr else "running"  # else the server was away
    ended = json.loads(found.stdout).get("status", {})
    return "success" if ended.get("succeeded") else "failed" if ended.get("failed") else "running"


def submit(a: argparse.Namespace) -> str:
    """Create the Job, in the place of one that ended; returns its name."""
    name = job_name(a.name)
    known = kubectl("get", "job", name).returncode == 0
    if known and status(name) == "running":
        sys.exit(f"{name} is running; wait for it, or: kubectl delete job {name}")
    if known:
        kubectl("delete", "job", name, "--wait=true")
    made = kubectl("create", "-f", "-", text=json.dumps(manifest(a)))
    if made.returncode:
        sys.exit(made.stderr.strip())
    return name


def main() -> None:
    """Submit, ask or cancel."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    new = steps.add_parser("submit")
    for option in ("name", "claim", "mount", "image"):
        new.add_argument(f"--{option}", required=True)
    for option, default in (("gpus", 0), ("mem-mb", 4000), ("cpus", 1)):
        new.add_argument(f"--{option}", type=int, default=default)
    new.add_argument("script")
    steps.add_parser("status").add_argument("job")
    steps.add_parser("cancel").add_argument("jobs", nargs="+")
    a = parser.parse_args()
    if a.step == "submit":
        print(submit(a))
    elif a.step == "status":
        print(status(a.job))
    else:
        kubectl("delete", "job", *a.jobs)


if __name__ == "__main__":
    main()
