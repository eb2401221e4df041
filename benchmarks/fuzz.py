"""Malformed input by the thousand: a short refusal, exit code 2, and nothing left behind.

``python -m benchmarks.fuzz`` draws fresh inputs of every kind in ``benchmarks/malformed/`` and
gives each to the command line, within a few processes that start once. The seed is printed, and a
fault names its case: ``python -m benchmarks.fuzz --seed SEED --case CASE`` does that one again.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import multiprocessing
import os
import random
import resource
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.malformed import KINDS
from benchmarks.malformed.fits import good_fit
from benchmarks.malformed.values import Arguments
from vvlm_utils.progress import bar

CHUNK = 250  # cases that a process takes at once
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


Spent = tuple[Counter, Counter]  # of every kind: seconds of the processor, and inputs


def fuzz(
    cases: range, seed: int, kinds: tuple[str, ...] = tuple(KINDS)
) -> tuple[list[Fault], Spent]:
    """Try cases by their numbers, in this process; the faults, and what each kind took."""
    faults, seconds, inputs = [], Counter(), Counter()
    with prepared() as good, tempfile.TemporaryDirectory() as base, contextlib.chdir(base):
        for case in cases:
            kind = kinds[case % len(kinds)]
            folder = Path(base) / "it's a {folder} of inputs"
            folder.mkdir()
            start = time.process_time()
            arguments = KINDS[kind](random.Random(f"{seed}-{case}"), folder, good)
            why = judge(arguments, folder)
            if why:
                faults.append(Fault(case, kind, arguments, why))
            shutil.rmtree(folder)
            seconds[kind] += time.process_time() - start
            inputs[kind] += 1
    return faults, (seconds, inputs)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))


def fuzz_all(
    cases: range, seed: int, kinds: tuple[str, ...], workers: int
) -> tuple[list[Fault], Spent]:
    """``fuzz`` in several processes, with a bar."""
    starts = range(cases.start, cases.stop, CHUNK)
    chunks = [range(start, min(start + CHUNK, cases.stop)) for start in starts]
    faults, seconds, inputs = [], Counter(), Counter()
    good_fit()  # what is compiled for it is compiled once, and kept on the disk
    spawn = multiprocessing.get_context("spawn")  # compiled code may run threads
    with ProcessPoolExecutor(workers, spawn, _limit_memory) as pool:
        found = pool.map(functools.partial(fuzz, seed=seed, kinds=kinds), chunks)
        for new, spent in bar(found, "fuzz", total=len(chunks)):
            faults += new
            seconds += spent[0]
            inputs += spent[1]
            for fault in new:
                print(fault, flush=True)
    return faults, (seconds, inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="[a fresh one]")
    parser.add_argument("--case", type=int, help="do this one alone")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="repeatable [all]")
    parser.add_argument("--workers", type=int, default=2, help="processes [2]")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}  # a core for each process
    cases = range(given.inputs) if given.case is None else range(given.case, given.case + 1)
    start = time.monotonic()
    kinds = tuple(given.kind or KINDS)
    faults, (seconds, inputs) = fuzz_all(cases, given.seed, kinds, min(given.workers, len(cases)))
    for kind in kinds:
        print(f"{kind:12} {inputs[kind]:6} inputs in {seconds[kind]:5.0f} s")
    print(f"{len(faults)} faults among {len(cases):,} inputs, "
          f"{(time.monotonic() - start) / 60:.1f} minutes; "
          f"again: --seed {given.seed} --case NUMBER")  # fmt: skip
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
