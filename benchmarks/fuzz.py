"""Malformed input by the thousand: a short refusal, exit code 2, and nothing left behind.

``python -m benchmarks.fuzz`` draws fresh inputs of every kind in ``benchmarks/malformed.py`` and
gives each to the command line in this process. The seed is printed, and a fault names its case:
``python -m benchmarks.fuzz --seed SEED --case CASE`` does that one again.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import random
import resource
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from benchmarks.malformed import KINDS, Arguments, good_fit

LINES = 10  # of a refusal
SECONDS = 20.0  # of one case, of the processor
HANGS = 200.0  # seconds by the clock after which a case hangs
GIGABYTE = 1e6  # kilobytes, beyond what the process held before
BEFORE = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
ADDRESSES = 4 * 10**9  # bytes; compiled code reserves more than it holds


class TooSlow(BaseException):
    """A case that took longer than ``SECONDS``."""


@dataclass(frozen=True)
class Fault:
    """A case that was not refused as it must be, and why."""

    case: int
    kind: str
    arguments: Arguments
    why: str

    def __str__(self) -> str:
        shown = " ".join(str(a)[:80] for a in self.arguments)
        return f"case {self.case} ({self.kind}): vvlm {shown}\n    {self.why}"


def call(arguments: Arguments) -> tuple[object, str, str]:
    """Run the command line here: exit code or the end of a traceback, and what was written."""
    from vvlm_utils.cli import run

    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run([str(argument) for argument in arguments])
        except SystemExit as left:
            code = left.code
        except TooSlow:
            code = f"took more than {SECONDS:.0f} s, or hangs"
        except BaseException:
            code = " | ".join(traceback.format_exc().splitlines()[-3:])
    return code, out.getvalue(), err.getvalue()


def judge(arguments: Arguments, folder: Path) -> str | None:
    """Why the answer to malformed input is wrong, if it is."""
    before = sorted(folder.rglob("*"))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    code, out, err = call(arguments)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    lines = err.strip().splitlines()
    if code != 2:
        return f"exit code {code}; {(lines or out.splitlines() or ['nothing said'])[-1][:300]}"
    if len(lines) > LINES or not (lines or out):
        return f"{len(lines)} lines: {err[:300]!r}"
    if "Traceback" in err:
        return f"a traceback: {lines[-1]}"
    if left := [str(p.relative_to(folder)) for p in sorted(folder.rglob("*")) if p not in before]:
        return f"left behind: {', '.join(left)}"
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - BEFORE
    return f"the inputs took {used / 1e6:.2f} GB" if used > GIGABYTE else None


def _too_slow(*_: object) -> None:
    raise TooSlow


@contextlib.contextmanager
def prepared():
    """A good fit to ask, a parser that is built once, and an alarm for slow cases."""
    import typer.main

    built = typer.main.get_command
    handlers = {s: signal.signal(s, _too_slow) for s in (signal.SIGPROF, signal.SIGALRM)}
    typer.main.get_command = functools.cache(built)  # Typer builds its parser at every call
    with tempfile.TemporaryDirectory() as kept:
        path = Path(kept) / "fit.json"
        path.write_text(json.dumps(good_fit()))
        try:
            yield {"fit": path}
        finally:
            typer.main.get_command = built
            for number, handler in handlers.items():
                signal.signal(number, handler)


def fuzz(cases: range, seed: int, kinds: list[str] | None = None) -> tuple[list[Fault], dict]:
    """Try cases by their numbers; the faults, and seconds and inputs by kind."""
    names = kinds or list(KINDS)
    faults, spent = [], {name: [0.0, 0] for name in names}
    with prepared() as good, tempfile.TemporaryDirectory() as base, contextlib.chdir(base):
        for case in cases:
            kind = names[case % len(names)]
            folder = Path(base) / "it's a {folder} of inputs"
            folder.mkdir()
            start = time.process_time()
            arguments = KINDS[kind](random.Random(f"{seed}-{case}"), folder, good)
            why = judge(arguments, folder)
            if why:
                faults.append(Fault(case, kind, arguments, why))
            shutil.rmtree(folder)
            spent[kind][0] += time.process_time() - start
            spent[kind][1] += 1
    return faults, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="[a fresh one]")
    parser.add_argument("--case", type=int, help="do this one alone, and show its inputs")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="repeatable [all]")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    cases = range(given.inputs) if given.case is None else range(given.case, given.case + 1)
    start = time.monotonic()
    faults, spent = fuzz(cases, given.seed, given.kind)
    for kind, (seconds, inputs) in spent.items():
        print(f"{kind:12} {inputs:6} inputs in {seconds:5.0f} s")
    for fault in faults[:20]:
        print(fault)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{len(faults)} faults among {len(cases):,} inputs, {time.monotonic() - start:.0f} s, "
          f"{used:.2f} GB; again: --seed {given.seed} --case NUMBER")  # fmt: skip
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
