"""One writer for one output: a lock that a job or a driver takes before it writes.

The lock is a file that the kernel locks for the process, so however the process ends, a kill
included, its lock is free again and nothing has to be cleaned up. Its text names the owner. On a
cluster the folder must lie on a file system whose locks hold between nodes, as NFS 4, GPFS and
Lustre with ``flock`` do; one that knows no locks is refused. The package filelock does not say
who holds a lock, which is what the second of two needs to know.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

TAKEN = (errno.EAGAIN, errno.EACCES)


class OutputTaken(ValueError):
    """An output that somebody else is writing: names the owner and the fix."""


def _owner() -> str:
    job = os.environ.get("SLURM_JOB_ID")
    return f"process {os.getpid()} on {socket.gethostname()}" + (f", SLURM job {job}" * bool(job))


def _read_owner(file: TextIO) -> str:
    """The owner's name, which it writes right after it has the lock."""
    for _ in range(20):
        file.seek(0)
        if name := file.read():
            return name
        time.sleep(0.05)
    return "another process"


def take(output: Path) -> TextIO:
    """Take the lock of ``output``, a file or folder that may not exist yet; it holds until closed.

    Raises OutputTaken, naming the owner, when another process holds it, and OSError where the
    file system gives no locks.
    """
    path = Path(output).with_name(Path(output).name + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(os.open(path, os.O_RDWR | os.O_CREAT), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as refused:
        owner = _read_owner(file) if refused.errno in TAKEN else ""
        file.close()
        if not owner:
            reason = f"{path}: no locks here ({refused.strerror})"
            raise OSError(refused.errno, reason) from None
        raise OutputTaken(
            f"{output} is being written by {owner}; "
            "wait for it, or cancel it (make cancel, on SLURM) and start again"
        ) from None
    file.truncate(0)
    file.write(_owner())
    file.flush()
    return file


@contextmanager
def only_writer(output: Path) -> Iterator[Path]:
    """Hold the lock of ``output`` while it is written; raises as ``take`` does."""
    with take(output) as file:
        yield Path(output)
        file.truncate(0)
