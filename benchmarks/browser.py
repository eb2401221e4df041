"""How long the page `your_sweep` takes in this machine's Chromium, beside the package.

The recommended mix of 300 members for the paper's 87 runs, in one worker: the first answer, all of
it, and Python's `fit_model` in the same run, compiled beforehand. Then a table of 5,000 runs with
its memory. Seconds are those of the clock, which other work stretches; those of the processor stand
beside them. Prints JSON.

    python -P benchmarks/browser.py [MEMBERS]
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from vvlm_utils.advice.answer import fit_model
from vvlm_utils.laws.recommendation import MEMBERS
from vvlm_utils.runs.prepared import prepare
from vvlm_utils.runs.sources import find_table
from vvlm_utils.site.engine import write_scripts

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LARGE = 5_000
# What the page does, in a worker as it starts it; every message with its time and its memory.
RUN = """({csv, members}) => new Promise((done) => {
  const text = `(${vvlmEngine})().serve(self, ${JSON.stringify(window.VVLM_ENGINE)});`;
  const worker = new Worker(URL.createObjectURL(new Blob([text])));
  const [start, found] = [performance.now(), {}];
  worker.onmessage = ({ data }) => {
    if (data.step === "progress") return;
    found[data.step] = (performance.now() - start) / 1000;
    if (data.step === "refused") found.message = data.message;
    if (["done", "refused"].includes(data.step)) done(found);
  };
  worker.postMessage({bytes: new TextEncoder().encode(csv), name: "runs.csv", choices: {members}});
})"""


def large_table(rows: int, rng: np.random.Generator) -> str:
    """A table of as many runs that follow the paper's, with the noise of a run."""
    runs = pd.read_csv(find_table("paper"))
    kept = ["lm_params", "frames", "tokens_per_frame", "train_examples", "metric"]
    table = runs[kept].sample(rows, replace=True, random_state=1).reset_index(drop=True)
    table["frames"] = rng.integers(1, 129, rows)
    table["tokens_per_frame"] = rng.integers(1, 29, rows) ** 2
    decay = table["frames"] ** -0.4 + table["tokens_per_frame"] ** -0.3
    error = (30 + 20 * decay) * np.exp(rng.normal(0, 0.01, rows))
    return table.assign(metric=100 - error, seed=range(rows)).to_csv(index=False)


def processor_seconds(pids: set[int]) -> float:
    """User and system time of processes, seconds."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def descendants(pid: int) -> set[int]:
    """A process and all that it started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, queue = set(), [pid]
    while queue:
        found.add(at := queue.pop())
        queue += children.get(at, [])
    return found


def renderer_megabytes(pids: set[int]) -> float:
    """The largest peak of resident memory among these processes that are renderers."""
    peaks = [0.0]
    for pid in pids:
        try:
            if "--type=renderer" not in Path(f"/proc/{pid}/cmdline").read_text():
                continue
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        peaks += [int(x.split()[1]) / 1e3 for x in status.splitlines() if x.startswith("VmHWM")]
    return max(peaks)


def in_browser(page, csv: str, members: int) -> dict:
    """Seconds to each message of the worker, by the clock and by the processor."""
    before = processor_seconds(descendants(os.getpid()))
    found = page.evaluate(RUN, {"csv": csv, "members": members})
    pids = descendants(os.getpid())
    return found | {
        "processor": processor_seconds(pids) - before,
        "renderer_mb": renderer_megabytes(pids),
    }


def main(members: int = MEMBERS) -> None:
    """Time both and print them."""
    prepared = prepare("paper")
    fit_model(prepared, resamples=3)  # compiles
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_scripts(ROOT / "book" / "assets" / "engine", Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        answer = {}
        for name, csv in {
            "paper": find_table("paper").read_text(),
            f"{LARGE} runs": large_table(LARGE, np.random.default_rng(0)),
        }.items():
            page = browser.new_page()
            for script in Path(folder).glob("*.js"):
                page.add_script_tag(path=script)
            answer[name] = in_browser(page, csv, members if name == "paper" else 3)
            page.close()
        browser.close()
    clock, processor = time.perf_counter(), time.process_time()
    fit_model(prepared, resamples=members)
    python = {"seconds": time.perf_counter() - clock, "processor": time.process_time() - processor}
    ratio = answer["paper"]["processor"] / python["processor"]
    print(json.dumps(answer | {"members": members, "python": python, "ratio": ratio}, indent=1))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
