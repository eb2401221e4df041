"""A cluster of one node on loopback: two jobs never write one output, and a name cancels them."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scancel")
missing = [name for name in NEEDED if not shutil.which(name)]
pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        bool(missing), reason=f"no {', '.join(missing)}: apt-get install slurmctld slurmd munge"
    ),
]
CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
StateSaveLocation={root}
SlurmdSpoolDir={root}
SlurmctldPidFile={root}/ctld.pid
SlurmdPidFile={root}/d.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=gpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
JOB = """#!/bin/sh
exec '{python}' -c '
import sys, time
from vvlm_utils.locks import OutputTaken, only_writer
try:
    with only_writer(sys.argv[1]):
        print("won", flush=True)
        time.sleep(600)
except OutputTaken as taken:
    sys.exit(str(taken))
' '{output}'
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what: str, seconds: float = 60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.3)
    raise AssertionError(f"{what} did not come in {seconds} s")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    root, host = tmp_path_factory.mktemp("slurm"), socket.gethostname().split(".")[0]
    (root / "key").write_bytes(os.urandom(128))
    (root / "key").chmod(0o400)
    conf = root / "slurm.conf"
    conf.write_text(
        CONF.format(
            user=getpass.getuser(), host=host, root=root, port=free_port(), node_port=free_port()
        )
    )
    version = subprocess.check_output(["slurmd", "-V"], text=True).split()[-1]
    if tuple(map(int, version.split(".")[:2])) >= (23, 11):  # before, there was no such word
        (root / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    env = os.environ | {"SLURM_CONF": str(conf), "PYTHONPATH": str(ROOT)}
    munge = ["munged", "--foreground", "--force", f"--key-file={root}/key"]
    munge += [f"--{name}={root}/munge.{name.split('-')[0]}" for name in
              ("socket", "pid-file", "log-file", "seed-file")]  # fmt: skip
    commands = (munge, ["slurmctld", "-D"], ["slurmd", "-D"])
    daemons = []
    with (root / "daemons.log").open("w") as log:
        for command in commands:
            daemons.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
            time.sleep(1)

        def run(*command, **settings):
            done = subprocess.run(command, env=env, capture_output=True, text=True, **settings)
            return done.stdout.strip()

        try:
            wait_for(lambda: "idle" in run("sinfo", "--noheader", "--format=%T"), "the node")
            yield root, run
        finally:
            run("scancel", "--me")
            for daemon in reversed(daemons):
                daemon.terminate()
                daemon.wait(30)


def submit(run, root: Path, name: str) -> tuple[str, Path]:
    script, said = root / f"{name}.sh", root / f"{name}.log"
    script.write_text(JOB.format(python=sys.executable, output=root / "run"))
    job = run("sbatch", "--parsable", "--job-name=vvlm_book", f"--output={said}", str(script))
    return job, said


def test_a_job_submitted_again_while_it_runs_is_refused_until_it_is_cancelled(cluster):
    root, run = cluster
    first, said = submit(run, root, "first")
    wait_for(lambda: said.exists() and "won" in said.read_text(), "the first job")
    second, refused = submit(run, root, "second")
    wait_for(lambda: not run("squeue", "--noheader", f"--jobs={second}"), "the second job's end")
    assert f"SLURM job {first}" in refused.read_text()
    run("make", "cancel", cwd=ROOT)
    wait_for(lambda: not run("squeue", "--noheader", "--me"), "the cancelling")
    _, third = submit(run, root, "third")
    wait_for(lambda: third.exists() and "won" in third.read_text(), "the third job")
