"""From lmms-eval's results to the runs table: scales, means, and what is refused."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.experiment.world.questions import FAMILIES
from vvlm_utils.runs.from_lmms import ResultsError, parse_model_args, read_results
from vvlm_utils.runs.suites import MINI, PAPER
from vvlm_utils.runs.table import TASKS, load_runs

ARGS = "pretrained=runs/a,lm_params=7.5e9,frames=32,tokens_per_frame=196,train_examples=1000000"


def scores_of(benchmark, share, stderr="N/A"):
    """What the harness writes when every question of a benchmark scores ``share`` of the most."""
    found = {}
    for task, metric in benchmark.scores:
        found.setdefault(task, {"alias": task})
        found[task][f"{metric},none"] = share * benchmark.top
        found[task][f"{metric}_stderr,none"] = stderr
    return found


def write(folder, *scores, args=ARGS, name="20260101_000000", **config):
    folder.mkdir(exist_ok=True, parents=True)
    content = {"results": {}, "config": {"model_args": args, "limit": None, "offset": 0} | config}
    for part in scores:
        content["results"] |= part
    path = folder / f"{name}_results.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def all_eight(tmp_path):
    shares = [0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75]
    half = [scores_of(b, s) for b, s in zip(PAPER, shares, strict=True)]
    write(tmp_path / "a", *half[:4])
    write(tmp_path / "a", *half[4:], name="20260102_000000")
    return tmp_path


def test_the_benchmarks_are_the_papers_and_the_mini_families():
    assert tuple(b.short for b in PAPER) == TASKS and tuple(b.short for b in MINI) == FAMILIES
    assert [b.task for b in PAPER] == [
        *("video_dc499", "activitynetqa", "videochatgpt", "longvideobench_val_v"),
        *("perceptiontest_val_mc", "mvbench", "videomme", "nextqa_mc_test"),
    ]
    assert [b.short for b in PAPER if b.judged] == ["VDC", "AQA", "VCG"]
    assert len(PAPER[5].scores) == 20


def test_every_scale_becomes_0_to_100_and_avg_is_the_plain_mean(all_eight):
    table = read_results(all_eight).set_index("task")
    expected = dict(zip(TASKS, range(40, 80, 5), strict=True))
    assert table["metric"].drop("avg").to_dict() == pytest.approx(expected)
    assert table.loc["avg", "metric"] == pytest.approx(57.5)  # (40 + 45 + ... + 75) / 8
    assert set(table["lm_params"]) == {7.5e9} and set(table["train_examples"]) == {1_000_000}
    assert table["metric_se"].isna().all()


def test_the_rows_are_a_runs_table(all_eight, tmp_path):
    path = tmp_path / "runs.csv"
    read_results(all_eight).to_csv(path, index=False)
    assert load_runs(path)["metric"].tolist() == pytest.approx([57.5])


def test_the_command_writes_the_table_whole_or_not_at_all(all_eight):
    out = all_eight / "my 'own' runs.csv"
    command = [sys.executable, "-m", "vvlm_utils.cli", "convert"]
    done = subprocess.run([*command, all_eight, "--out", out, "--json"], capture_output=True)
    assert json.loads(done.stdout) == {"rows": 9, "models": 1}
    pd.testing.assert_frame_equal(load_runs(out, task=None), read_results(all_eight))
    write(all_eight / "b", scores_of(PAPER[0], 0.5), args="pretrained=somewhere")
    done = subprocess.run(
        [*command, all_eight, "--out", all_eight / "new.csv"], capture_output=True
    )
    assert done.returncode == 2 and b"Traceback" not in done.stderr
    assert {path.name for path in all_eight.iterdir()} == {"a", "b", out.name}


def test_an_error_is_rescaled_with_its_metric(tmp_path):
    write(tmp_path, scores_of(PAPER[7], 0.5, stderr=0.02), scores_of(PAPER[0], 0.5, stderr=0.1))
    found = read_results(tmp_path).set_index("task")["metric_se"]
    assert found["NQA"] == pytest.approx(2.0) and found["VDC"] == pytest.approx(2.0)


def test_a_mean_of_parts_has_the_error_of_a_mean(tmp_path):
    write(tmp_path, scores_of(PAPER[5], 0.5, stderr=2.0))  # twenty errors of 2: 2 / sqrt(20)
    found = read_results(tmp_path)
    assert found["metric_se"].tolist() == pytest.approx([2 / np.sqrt(20)])
    assert found["task"].tolist() == ["MV"]  # and no avg of one


def test_the_newest_result_of_a_task_counts(tmp_path):
    write(tmp_path / "b", scores_of(PAPER[7], 0.9), name="20260103_000000")
    write(tmp_path / "a", scores_of(PAPER[7], 0.1), name="20260102_000000")
    assert read_results(tmp_path)["metric"].tolist() == [90.0]


def test_models_are_told_apart_by_their_design(tmp_path):
    write(tmp_path / "a", scores_of(PAPER[7], 0.5))
    write(tmp_path / "b", scores_of(PAPER[7], 0.6), args=ARGS.replace("frames=32", "frames=16"))
    assert dict(read_results(tmp_path)[["frames", "metric"]].to_numpy()) == {32: 50, 16: 60}


def test_the_design_may_stand_beside_the_results_or_with_the_checkpoint(tmp_path):
    design = {"lm_params": 1e9, "frames": 8, "tokens_per_frame": 49, "train_examples": 250_000}
    checkpoint = tmp_path / "run" / "model"
    checkpoint.mkdir(parents=True)
    (tmp_path / "run" / "record.json").write_text(json.dumps(design | {"seed": 3, "lm": "x"}))
    args = f"pretrained={checkpoint},frames=16"
    write(tmp_path / "a", scores_of(PAPER[7], 0.5), args=args)
    row = read_results(tmp_path).iloc[0]
    assert (row["frames"], row["tokens_per_frame"], row["seed"]) == (16, 49, 3)  # as served
    (tmp_path / "a" / "design.json").write_text(json.dumps(design | {"tokens_per_frame": 36}))
    assert read_results(tmp_path).iloc[0]["tokens_per_frame"] == 36


def test_model_args_may_hold_an_equals_sign():
    assert parse_model_args("pretrained=a=b,frames=2") == {"pretrained": "a=b", "frames": "2"}


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(ResultsError, match=r"no \*_results.json; name the folder of --output_path"):
        read_results(tmp_path)


def refused(folder, words):
    with pytest.raises(ResultsError, match=words) as refusal:
        read_results(folder)
    assert "\n" not in str(refusal.value)


def test_a_model_of_unknown_design_is_refused(tmp_path):
    write(tmp_path, scores_of(PAPER[7], 0.5), args="pretrained=somewhere,frames=8")
    refused(tmp_path, "lm_params, tokens_per_frame, train_examples not stated.*design.json")


def test_a_design_in_words_is_refused(tmp_path):
    write(tmp_path, scores_of(PAPER[7], 0.5), args=ARGS.replace("7.5e9", "8B"))
    refused(tmp_path, "must be plain numbers, got .*'8B'")


def test_a_part_of_a_benchmark_is_refused(tmp_path):
    scores = scores_of(PAPER[5], 0.5)
    del scores["mvbench_state_change"]
    write(tmp_path, scores)
    refused(tmp_path, "mvbench lacks mvbench_state_change; evaluate mvbench whole")


def test_a_trial_is_refused(tmp_path):
    write(tmp_path, scores_of(PAPER[7], 0.5), limit=8.0)
    refused(tmp_path, "a trial .limit 8.0, offset 0.; evaluate all questions")


def test_a_value_off_its_scale_is_refused(tmp_path):
    scores = scores_of(PAPER[7], 0.5)
    scores["nextqa_mc_test"]["exact_match,none"] = 55.0
    write(tmp_path, scores)
    refused(tmp_path, "nextqa_mc_test must lie on 0 to 1, got .55.0.")


def test_answers_that_no_judge_has_read_are_refused(tmp_path):
    path = write(tmp_path, scores_of(PAPER[0], 0.5))
    judge = path.with_name("20260101_000000_judge.json")
    judge.write_text(json.dumps({"calls": 10, "failed": 0}))
    assert read_results(tmp_path)["metric"].tolist() == [50.0]
    judge.write_text(json.dumps({"calls": 10, "failed": 3}))
    refused(tmp_path, "the judge failed on 3 calls, which count as wrong; evaluate again")


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not readable as JSON"), ("[]", "holds no mapping"), ('{"results": {}}', "not stated")],
)
def test_a_broken_file_is_refused(tmp_path, text, words):
    (tmp_path / "1_results.json").write_text(text)
    refused(tmp_path, words)


def test_unknown_tasks_alone_are_refused_naming_the_known(tmp_path):
    write(tmp_path, {"mlvu": {"acc,none": 0.5}})
    refused(tmp_path, "none of the known tasks was evaluated: video_dc499.*vvlm_mini")


def test_a_metric_that_the_harness_renamed_is_refused(tmp_path):
    write(tmp_path, {"nextqa_mc_test": {"acc,none": 0.5}})
    refused(tmp_path, "nextqa_mc_test has no exact_match")
