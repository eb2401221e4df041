"""The command line in this process: what it prints and how it ends, without a start of Python."""

import io
import subprocess
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from vvlm_utils.cli import run


def vvlm(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``vvlm ARGUMENTS`` as its script does; a fault that it does not expect is raised here."""
    command = ["vvlm", *map(str, arguments)]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err), chdir(cwd or "."):
            run(command[1:])
    except SystemExit as end:
        if isinstance(end.code, str):
            err.write(end.code + "\n")
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    said, complained = (stream.buffer.getvalue().decode() for stream in (out, err))
    return subprocess.CompletedProcess(command, code, said, complained)
