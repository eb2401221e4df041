"""What a sweep must survive: kills, a full disk, damaged files, a loss that is no number."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from vvlm_utils.experiment.data.clips import ClipError
from vvlm_utils.experiment.mini import design as plan
from vvlm_utils.experiment.mini import kept, records, run, stages, sweep, sweeps
from vvlm_utils.experiment.mini.stages import clip_dataset, load_decoder, make_split, split_features
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.train import checkpoints, finetune
from vvlm_utils.locks import OutputTaken, only_writer

ROOT = Path(__file__).parents[3]
RUN = plan.Run("mini-7k", frames=2, tokens_per_frame=4, train_examples=16)
SCORES = ["run_id", "task", "metric", "metric_se", "seed", "draw", "blind", "recipe"]


@pytest.fixture
def elsewhere(tiny, tmp_path):
    """The tiny sweep with its weights, clips and features, and with no run done."""
    for name in ("clips", "cache"):
        (tmp_path / name).symlink_to(tiny.root / name)
    return replace(tiny, root=tmp_path, weights=tiny.weights_folder, table=tmp_path / "runs.csv")


# The sweep "tiny" made smaller still in every process that starts in a folder, and of one run.
SMALLER = """
from dataclasses import replace
from vvlm_utils.experiment.mini import sweeps
from vvlm_utils.experiment.model.presets import Recipe
counts = {"train": 32, "validation": 12, "test": 16, "align": 16, "tower": 8}
recipe = Recipe(steps=10, scenes=4, texts=16, pool=16)
tiny = sweeps.SWEEPS["tiny"]
plan = lambda: tiny.plan().query("lm == 'mini-7k' and frames == 2 and train_examples == 32")
small = replace(tiny, plan=plan, counts=counts, tower_steps=10, recipe=recipe)
sweeps.SWEEPS["tiny"] = small
"""


def house(folder: Path, smaller: bool = False) -> Path:
    """The graph and the package, in a folder of their own."""
    folder.mkdir(exist_ok=True)
    for name in ("Snakefile", "rules", "_toc.yml", "notebooks", "params", "vvlm_utils", "Makefile"):
        (folder / name).symlink_to(ROOT / name)
    if smaller:
        (folder / "sitecustomize.py").write_text(SMALLER)
    return folder


def start_driver(folder: Path, target: str = "sweep") -> subprocess.Popen:
    """`snakemake sweep` of the tiny sweep, or of a part of it."""
    command = [sys.executable, "-m", "snakemake", target, "--config", "sweep=tiny"]
    command += ["--cores", "1", "--nolock", "--rerun-incomplete", "--keep-going", "--quiet", "all"]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "TMPDIR": str(folder)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "said.log").open("a"),
    )


STAGES = ("tower-0", "features-align-0", "decoder-mini-7k-0", "features-train-0")
STAGES += ("runs/test/mini-7k-0",)


def owner_of(output: Path) -> int | None:
    """The process that works on a stage's output, as its lock says."""
    lock = output.with_name(f"{output.name}.lock")
    found = re.match(r"process (\d+)", lock.read_text()) if lock.exists() else None
    return int(found[1]) if found else None


def kill(folder: Path, stages: set[str], victim: str, target: str = "sweep") -> int:
    """Start a driver and kill it, a stage that it started, or both, while the stage works.

    Which of the stages comes first is the graph's choice; what was killed leaves ``stages``. A
    driver whose stage was killed goes on, and so do the kills; a stage whose driver was killed
    alone runs on to its end. Returns how the driver ended.
    """
    outputs = {stage: folder / "_build" / "tiny" / stage for stage in stages}
    for output in outputs.values():  # a killed owner's name is still in it
        output.with_name(f"{output.name}.lock").unlink(missing_ok=True)
    driver, hit = start_driver(folder, target), ""
    while driver.poll() is None and not (hit and victim != "stage"):
        for stage in sorted(stages):
            if owner := owner_of(outputs[stage]):
                stages.remove(hit := stage)
                if victim == "both":
                    os.killpg(driver.pid, signal.SIGKILL)
                else:
                    os.kill(driver.pid if victim == "driver" else owner, signal.SIGKILL)
                break
        time.sleep(0.02)
    assert hit, (folder / "said.log").read_text()
    code = driver.wait()
    while victim == "driver":
        try:
            with only_writer(outputs[hit]):
                break
        except OutputTaken:
            time.sleep(0.05)
    return code


def finish(folder: Path) -> pd.DataFrame:
    """Let a driver end; returns the table. Nothing half written is left anywhere."""
    assert start_driver(folder).wait() == 0, (folder / "said.log").read_text()
    assert not list(folder.rglob(".*.part*"))
    return pd.read_csv(folder / "_build" / "tiny" / "runs.csv")


def contents(folder: Path) -> dict[str, bytes]:
    """Weights, features, clips and answers of a sweep; what holds a duration is left out."""
    kinds = ("*.safetensors", "*.npy", "*.mp4", "index.json", "*.csv.gz")
    files = [path for kind in kinds for path in (folder / "_build").rglob(kind)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
def test_a_stage_whose_driver_was_killed_alone_runs_on_and_is_not_made_again(tmp_path):
    folder, target = house(tmp_path / "house", smaller=True), "_build/tiny/stages/tower.done"
    assert kill(folder, {"tower-0"}, "driver", target) == -signal.SIGKILL
    weights = folder / "_build/tiny/weights/tower/model.safetensors"
    made = weights.stat().st_mtime_ns
    assert start_driver(folder, target).wait() == 0, (folder / "said.log").read_text()
    assert weights.stat().st_mtime_ns == made
    assert (folder / target).exists() and not list(folder.rglob(".*.part*"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> tuple[pd.DataFrame, dict[str, bytes], float]:
    """An undisturbed sweep: its scores, its bytes, and how many seconds it took."""
    folder = house(tmp_path_factory.mktemp("calm") / "house", smaller=True)
    start = time.monotonic()
    scores = finish(folder)[SCORES]
    return scores, contents(folder), time.monotonic() - start


def assert_undisturbed(folder: Path, calm: tuple) -> None:
    """A sweep, brought to its end, has the scores and the bytes of an undisturbed one."""
    pd.testing.assert_frame_equal(finish(folder)[SCORES], calm[0])
    assert contents(folder) == calm[1]


@pytest.mark.long
@pytest.mark.parametrize("victim", ["stage", "both", "driver"])
def test_kills_at_every_stage_leave_the_bytes_of_an_undisturbed_sweep(tmp_path, calm, victim):
    folder = house(tmp_path / "house", smaller=True)
    left = set(STAGES)
    while left:
        kill(folder, left, victim)
    assert_undisturbed(folder, calm)


@pytest.mark.long
def test_twenty_kills_at_random_moments_leave_the_bytes_of_an_undisturbed_sweep(tmp_path, calm):
    folder, seed, kills = house(tmp_path / "house", smaller=True), time.time_ns(), 0
    print(f"seed {seed}")
    rng = random.Random(seed)
    while kills < 20:
        driver = start_driver(folder)
        try:
            assert driver.wait(rng.uniform(1, calm[2] / 3)) == 0
        except subprocess.TimeoutExpired:
            os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()
            kills += 1
        else:  # the sweep is at its end before the last kill: the next one starts from nothing
            assert_undisturbed(folder, calm)
            shutil.rmtree(folder / "_build")
    assert_undisturbed(folder, calm)


def make_sweep(folder: Path, *settings: str) -> subprocess.CompletedProcess:
    """`make sweep` of the tiny sweep, its environment taken as it is."""
    environment = Path(sys.executable).parent.parent
    command = ["make", "-o", "torch", "sweep", "SWEEP=tiny", f"ENV={environment}", *settings]
    env = os.environ | {"PYTHONPATH": str(folder), "TMPDIR": str(folder)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)


def test_the_second_of_two_drivers_says_one_line_and_leaves_the_table_alone(tmp_path):
    folder = house(tmp_path / "house")
    table = folder / "_build" / "tiny" / "runs.csv"
    with only_writer(folder / "_build" / "tiny" / "driver"):
        table.write_text(",".join(kept.COLUMNS) + "\n")
        done = make_sweep(folder)
    assert done.returncode == 2 and done.stdout == ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1 and f"is being written by process {os.getpid()}" in said[0]
    assert table.read_text() == ",".join(kept.COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("no/folder/t.csv", "there is no folder .*; make it first"),
        (".", r"\. is a folder; name a file"),
        ("/dev/null", "is no file; name the table of a sweep, or a new file"),
        ("mine.csv", "mine.csv: no column source, sweep, .*recipe; name the table of a sweep"),
        ("empty.csv", "no table of runs .*; name the table of a sweep, or a new file"),
        ("words.csv", "no table of runs .*; name the table of a sweep, or a new file"),
        ("bytes.csv", "no table of runs .*; name the table of a sweep, or a new file"),
    ],
)
def test_a_table_that_cannot_be_added_to_is_refused_in_one_line(
    tmp_path, monkeypatch, capsys, table, reason
):
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("run_id,metric\na,1\n")
    Path("empty.csv").touch()
    Path("words.csv").write_text("one\ntwo,three\n")
    Path("bytes.csv").write_bytes(b"\xff\x00")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(sys, "argv", ["design", "--sweep", "tiny", "--table", table])
    with pytest.raises(SystemExit) as ended:
        sweeps.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1 and re.search(reason, said), said
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_make_refuses_a_table_before_any_work(tmp_path):
    folder = house(tmp_path / "house")
    done = make_sweep(folder, "TABLE=no/folder/t.csv")
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert (done.returncode, done.stdout, len(said)) == (2, "", 1) and "make it first" in said[0]
    assert not (folder / "_build").exists()


def test_rows_of_other_sweeps_and_recipes_stay_in_a_table(elsewhere):
    lines = (sweeps.PUBLISHED / "mini" / "runs.csv").read_text().splitlines()[:30]
    others = [f"{line},{'note' if i == 0 else 'kept'}" for i, line in enumerate(lines)]
    recipe = lines[1].rpartition(",")[2]
    others.append(others[1].replace(recipe, elsewhere.recipe_hash()))  # a run of no plan
    elsewhere.table.write_text("\n".join(others) + "\n")
    planned = elsewhere.plan()
    chosen = planned[(planned["lm"] == "mini-7k") & (planned["train_examples"] == 32)].head(1)
    sweep.run_group(chosen, elsewhere)
    for _ in range(2):
        sweep.keep(sweep.gather(planned, elsewhere), elsewhere)
        written = elsewhere.table.read_text().splitlines()
        assert written[: len(others)] == others and len(written) == len(others) + 9
    assert len(kept.missing_runs(elsewhere)) == len(planned) - 1


def test_a_loss_that_is_no_number_fails_one_run_alone(elsewhere, monkeypatch):
    planned = elsewhere.plan()
    two = planned[planned["lm"] == "mini-7k"].iloc[[0, 2]].assign(train_examples=[8, 16])
    two["run_id"] = ["first", "second"]
    other, real = replace(elsewhere, plan=lambda: two), finetune.train_stage

    def poisoned(model, data, *rest):
        if len(data) == 8:
            with torch.no_grad():
                model.projector[0].weight.fill_(float("nan"))
        return real(model, data, *rest)

    monkeypatch.setattr(finetune, "train_stage", poisoned)
    made = sweep.run_group(two, other)
    assert [record.status for record in made] == ["failed", "evaluated"]
    assert "loss is nan at step 0" in made[0].reason
    assert list(sweep.gather(two, other)["run_id"].unique()) == ["second"]
    monkeypatch.undo()
    assert [record.status for record in sweep.run_group(two, other)] == ["evaluated"]
    assert list(sweep.gather(two, other)["run_id"].unique()) == ["first", "second"]


# One process, since each would load torch anew: the stages under a limit on the size of a file,
# which fails as a full disk does, then again without it.
LIMITED = """
import resource, sys
from vvlm_utils.experiment.mini import stages, sweep
def call(module, *words, limit=-1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, -1))
    sys.argv = ["x", *words, "--sweep", "tiny"]
    try:
        module.main()
        said = "ended well"
    except SystemExit as ended:
        said = ended.code or "ended well"
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    print(*words, "|", said)
for limit in (1_000, 10_000, -1):
    call(stages, "tower", limit=limit)
for limit in (20_000, -1):
    call(stages, "features", "align", limit=limit)
    call(stages, "decoder", "mini-7k", limit=limit)
for limit in (100, -1):
    call(sweep, "run", "mini-7k", "0", limit=limit)
    call(sweep, "table", limit=limit)
"""


@pytest.mark.slow
def test_a_full_disk_ends_a_stage_in_one_line_and_loses_nothing(tmp_path):
    folder = house(tmp_path / "house", smaller=True)
    env = os.environ | {"PYTHONPATH": str(folder), "TMPDIR": str(folder)}
    python = [sys.executable, "-c", LIMITED]
    done = subprocess.run(python, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    said = [line.split(" | ") for line in done.stdout.splitlines() if " | " in line]
    ends = [(words, reason == "ended well") for words, reason in said]
    assert ends == [
        ("tower", False), ("tower", False), ("tower", True),
        ("features align", False), ("decoder mini-7k", False),
        ("features align", True), ("decoder mini-7k", True),
        ("run mini-7k 0", False), ("table", False), ("run mini-7k 0", True), ("table", True),
    ], done.stdout  # fmt: skip
    assert len(pd.read_csv(folder / "_build" / "tiny" / "runs.csv")) == 9
    assert not list(folder.rglob("*.part*"))


FULL_DISK = """
import resource
from dataclasses import replace
from pathlib import Path
from vvlm_utils.experiment.train import finetune
from vvlm_utils.experiment.mini import stages
from vvlm_utils.experiment.mini.sweeps import SWEEPS
from vvlm_utils.experiment.model.model import VideoVLM, make_config
from vvlm_utils.experiment.model.presets import MINI, Recipe
sweep = replace(SWEEPS["tiny"], root=Path({root!r}), counts={counts!r})
model = VideoVLM(make_config("mini", "mini-90k"))
data = stages.clip_dataset("train", sweep, 2, 4)
for limit in {limits!r}:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, -1))
    try:
        finetune.train_stage(model, data, MINI.finetune, Path({folder!r}) / str(limit), 0, 1)
    except finetune.TrainingFailed as failure:
        print("refused:", failure)
"""


def test_a_full_disk_under_a_checkpoint_says_what_to_do(tiny, tmp_path):
    limits = (50_000, 900_000)  # under the weights, under the optimizer's state
    script = FULL_DISK.format(
        root=str(tiny.root), counts=tiny.counts, folder=str(tmp_path), limits=limits
    )
    python = [sys.executable, "-c", script]
    ended = subprocess.run(python, capture_output=True, text=True, cwd=ROOT)
    refused = ended.stdout.count("refused: a checkpoint could not be written")
    assert refused == len(limits), ended.stderr[-2000:]
    for limit in limits:
        folder = tmp_path / str(limit)
        assert checkpoints.last_whole(folder) is None and not list(folder.glob("checkpoint-*"))


def test_a_damaged_checkpoint_is_left_out(tiny, tmp_path, capsys):
    data = clip_dataset("train", tiny, frames=2, tokens_per_frame=4)
    finetune.train_stage(load_decoder("mini-7k", 0, tiny), data, MINI.finetune, tmp_path, 0, 1)
    early, late = sorted(tmp_path.glob("checkpoint-*"))
    weights = late / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert checkpoints.last_whole(tmp_path) == early
    assert f"{late} is damaged" in capsys.readouterr().out and not late.exists()
    (early / checkpoints.MARK).unlink()
    assert checkpoints.last_whole(tmp_path) is None


def test_damaged_weights_are_named(tiny, tmp_path):
    other = replace(tiny, weights=tmp_path)
    folder = shutil.copytree(tiny.weights_folder / "tower", tmp_path / "tower")
    (folder / "config.json").write_text("{")
    with pytest.raises(stages.WeightsError, match="tower: damaged weights .*remove the folder"):
        stages.load_tower(other)
    shutil.rmtree(folder)
    other = replace(tiny, weights=tmp_path)
    folder = shutil.copytree(tiny.weights_folder / "mini-7k-0", tmp_path / "mini-7k-0")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(stages.WeightsError, match="mini-7k-0: damaged weights .*remove the folder"):
        load_decoder("mini-7k", 0, other)


def test_a_damaged_clip_fails_its_run_until_it_is_repaired(elsewhere):
    (elsewhere.root / "clips").unlink(), (elsewhere.root / "cache").unlink()
    clip = make_split("test", elsewhere) / "000003.mp4"
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ClipError, match=r"000003\.mp4.*; replace what is named"):
        split_features("test", elsewhere)
    record = sweep.do_run(RUN, elsewhere)
    assert record.status == "failed" and "000003" in record.reason
    assert sweep.find_record(RUN, elsewhere).reason == record.reason
    clip.write_bytes(whole)
    assert sweep.do_run(RUN, elsewhere).status == "evaluated"


def test_damaged_notes_and_features_are_refused_by_name(elsewhere):
    for name in ("clips", "cache"):
        (elsewhere.root / name).unlink()
    assert len(split_features("test", elsewhere)) == elsewhere.counts["test"]
    clips, note = elsewhere.root / "clips/test/recipe.json", elsewhere.root / "cache/test.json"
    features = elsewhere.root / "cache/test.npy"
    for path, damaged, reason in (
        (clips, b"{", "recipe.json: not readable as JSON .*remove the folder"),
        (note, b"", "test.json: not readable as JSON .*remove it"),
        (features, features.read_bytes()[:-100], "test.npy: damaged features .*remove it"),
    ):
        kept = path.read_bytes()
        path.write_bytes(damaged)
        split_features.cache_clear()
        with pytest.raises(ValueError, match=reason):
            split_features("test", elsewhere)
        assert path.read_bytes() == damaged
        path.write_bytes(kept)


def test_a_damaged_record_is_refused_by_name(tiny, tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(records.RecordError, match="no such record"):
        records.read_record(path)
    for text, problem in (('{"preset": "mini"', "as JSON"), ("[]", "is no record")):
        path.write_text(text)
        with pytest.raises(records.RecordError, match=problem):
            records.read_record(path)
    path.write_text(json.dumps({"preset": "mini"}))
    with pytest.raises(records.RecordError, match="is incomplete"):
        records.read_record(path)
    record = run.new_record(RUN, tiny)
    records.write_record(record, path)
    assert asdict(records.read_record(path)) == json.loads(json.dumps(asdict(record)))
