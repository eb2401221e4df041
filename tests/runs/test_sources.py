"""Published sweeps are folders: found by listing, loaded by name, each with its source."""

import json

import pandas as pd
import pytest
from command import vvlm

from vvlm_utils.runs import sources
from vvlm_utils.runs.sources import SourceError, find_table, list_sources, read_source
from vvlm_utils.runs.table import TASKS, RunsError, load_runs, load_task_runs

SOURCE = "title: T\nauthors: A\nyear: 2026\nurl: ''\nlicence: CC0\nmeasured: by hand\n"
ROW = {"lm_params": 1e9, "frames": 8, "tokens_per_frame": 49, "train_examples": 1000}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of sweeps with one more: its average, and the tasks that it is the mean of."""
    monkeypatch.setattr(sources, "FOLDER", tmp_path)
    folder = tmp_path / "theirs"
    folder.mkdir()
    pd.DataFrame([ROW | {"metric": 50.0}]).to_csv(folder / "runs.csv", index=False)
    tasks = [ROW | {"task": "A", "metric": 40.0}, ROW | {"task": "B", "metric": 60.0}]
    pd.DataFrame(tasks).to_csv(folder / "by_task.csv", index=False)
    (folder / "source.yaml").write_text(SOURCE)
    return folder


def test_the_papers_sweep_and_the_mini_one_are_there_with_their_sources():
    assert {"mini", "paper"} <= set(list_sources())
    assert read_source("paper").url == "https://arxiv.org/abs/2505.18855"
    assert read_source("mini").year >= 2026
    assert len(load_runs("paper")) == 87 and len(load_task_runs("paper")) == 87 * len(TASKS)


def test_a_folder_that_is_put_there_is_loaded_by_its_name(shelf):
    assert list_sources() == ("theirs",)
    assert load_runs("theirs")["metric"].tolist() == [50.0]
    assert load_runs("theirs", task="B")["metric"].tolist() == [60.0]
    assert load_task_runs("theirs")["task"].tolist() == ["A", "B"]
    assert read_source("theirs").licence == "CC0"


def test_the_command_lists_names_and_whose_numbers_they_are(shelf):
    (listed,) = json.loads(vvlm("sources", "--json").stdout)
    assert listed["name"] == "theirs" and listed["licence"] == "CC0"
    assert vvlm("sources").stdout.splitlines()[1].split()[:3] == ["theirs", "T", "A"]
    (shelf / "source.yaml").unlink()
    done = vvlm("sources")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_single_tasks_may_stand_in_the_one_table(shelf):
    (shelf / "by_task.csv").unlink()
    tasks = [ROW | {"task": task, "metric": 40.0} for task in ("A", "avg")]
    pd.DataFrame(tasks).to_csv(shelf / "runs.csv", index=False)
    assert find_table("theirs", by_task=True) == shelf / "runs.csv"
    assert load_task_runs("theirs")["task"].tolist() == ["A"]


def test_a_refusal_lists_the_names_that_are_there(shelf):
    with pytest.raises(RunsError, match="no such file; give the path of a CSV, or one of theirs"):
        load_runs("paper")
    with pytest.raises(RunsError, match="no runs of task 'C'; choose one of A, B"):
        load_runs("theirs", task="C")
    with pytest.raises(SourceError, match="no sweep 'paper'; choose one of theirs"):
        read_source("paper")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [", "not readable as YAML"),
        ("- title", "must give title, authors, year"),
        (SOURCE + "more: 1\n", "and nothing else"),
        (SOURCE.replace("licence: CC0\n", ""), "must give .*licence"),
        (None, "not readable as YAML .*No such file"),
    ],
)
def test_a_source_that_does_not_say_whose_numbers_they_are_is_refused(shelf, text, words):
    path = shelf / "source.yaml"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(SourceError, match=words) as refusal:
        read_source("theirs")
    assert "\n" not in str(refusal.value)
