"""From lmms-eval's results to the runs table: scales, means, and what is refused."""

import copy
import json
import random

import numpy as np
import pandas as pd
import pytest
from command import vvlm

from vvlm_utils.runs import suites
from vvlm_utils.runs.from_lmms import read_results
from vvlm_utils.runs.lmms_design import ResultsError
from vvlm_utils.runs.suites import PAPER, SuiteError
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


def content(*scores, args=ARGS, **config):
    """What a file of results holds."""
    settings = {"model_args": args, "limit": None, "offset": 0} | config
    return {"results": {k: v for part in scores for k, v in part.items()}, "config": settings}


def write(folder, *scores, name="20260101_000000", **config):
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"{name}_results.json"
    path.write_text(json.dumps(content(*scores, **config)))
    return path


def read(folder, **options):
    """The metric by task, and the notes."""
    notes = []
    table = read_results(folder, say=notes.append, **options)
    return dict(zip(table["task"], table["metric"], strict=True)), notes


@pytest.fixture
def all_eight(tmp_path):
    shares = [0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75]
    half = [scores_of(b, s) for b, s in zip(PAPER, shares, strict=True)]
    write(tmp_path / "a", *half[:4])
    write(tmp_path / "a", *half[4:], name="20260102_000000")
    return tmp_path


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


def test_the_command_writes_a_complete_table_or_none(all_eight):
    out = all_eight / "my 'own' runs.csv"
    done = vvlm("convert", all_eight, "--out", out, "--json")
    assert json.loads(done.stdout) == {"rows": 9, "models": 1}
    pd.testing.assert_frame_equal(load_runs(out, task=None), read_results(all_eight))
    write(all_eight / "b", scores_of(PAPER[0], 0.5), args="pretrained=somewhere")
    assert vvlm("convert", all_eight, "--out", all_eight / "new.csv").returncode == 2
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


def test_models_are_told_apart_by_their_design(tmp_path):
    write(tmp_path / "a", scores_of(PAPER[7], 0.5))
    write(tmp_path / "b", scores_of(PAPER[7], 0.6), args=ARGS.replace("frames=32", "frames=16"))
    assert dict(read_results(tmp_path)[["frames", "metric"]].to_numpy()) == {32: 50, 16: 60}


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(ResultsError, match=r"no \*_results.json and no results.json; name"):
        read_results(tmp_path)


def refused(folder, words):
    with pytest.raises(ResultsError, match=words) as refusal:
        read_results(folder, say=[].append)
    assert "\n" not in str(refusal.value)


def test_a_part_of_a_benchmark_is_refused(tmp_path):
    scores = scores_of(PAPER[5], 0.5)
    del scores["mvbench_state_change"]
    write(tmp_path, scores)
    refused(tmp_path, "mvbench lacks mvbench_state_change; evaluate all of mvbench")


def test_a_trial_is_refused(tmp_path):
    write(tmp_path, scores_of(PAPER[7], 0.5), limit=8.0)
    refused(tmp_path, "a trial .limit 8.0, offset 0.; evaluate all questions")


def test_a_value_off_its_scale_is_refused(tmp_path):
    scores = scores_of(PAPER[7], 0.5)
    scores["nextqa_mc_test"]["exact_match,none"] = 55.0
    write(tmp_path, scores)
    refused(
        tmp_path, "nextqa_mc_test must lie on 0 to 1, got .55.0.; evaluate again, or give its scale"
    )


def test_answers_that_no_judge_has_read_are_refused(tmp_path):
    path = write(tmp_path, scores_of(PAPER[0], 0.5))
    judge = path.with_name("20260101_000000_judge.json")
    judge.write_text(json.dumps({"calls": 10, "failed": 0}))
    assert read_results(tmp_path)["metric"].tolist() == [50.0]
    judge.write_text(json.dumps({"calls": 10, "failed": 3}))
    refused(tmp_path, "the judge failed on 3 calls, which count as wrong; evaluate again")


VMME, NQA = PAPER[6], PAPER[7]


# The files of every version


def test_a_file_of_the_old_layout_is_read(tmp_path):
    folder = tmp_path / "0823_1523_llava_vid_model_args_ab12"
    folder.mkdir()
    old = {"videomme": {"alias": "videomme", "videomme_percetion_score,none": 58.2}}
    made = content(old, args=ARGS.replace("frames", "max_frames_num"))
    made["model_configs"] = made.pop("config")  # as 0.1 called it
    (folder / "results.json").write_text(json.dumps(made))
    (folder / "videomme.json").write_text(json.dumps({"args": {}, "logs": []}))
    assert read(tmp_path) == ({"VMME": 58.2}, [])
    made["model_configs"]["model_args"] = "max_frames_num=32"
    (folder / "results.json").write_text(json.dumps(made))
    refused(tmp_path, r"results.json \(of an lmms-eval up to 0.2.3\): lm_params, .* not stated")


def test_another_programs_results_json_is_left_out_and_said(tmp_path):
    write(tmp_path, scores_of(NQA, 0.5))
    for number, other in enumerate(({"accuracy": 1}, {"results": [1], "config": {}})):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "results.json").write_text(json.dumps(other))
    metrics, notes = read(tmp_path)
    assert metrics == {"NQA": 50.0}
    assert [note.split(": ")[1] for note in notes] == ["no results of lmms-eval; left out"] * 2


def test_answers_kept_for_submission_are_no_results(tmp_path):
    write(tmp_path, scores_of(NQA, 0.5))
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "mvbench_results.json").write_text("[]")
    assert read(tmp_path) == ({"NQA": 50.0}, [])


def test_a_byte_order_mark_is_skipped(tmp_path):
    path = write(tmp_path, scores_of(NQA, 0.5), args="frames=8")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    design = {"lm_params": 1e9, "tokens_per_frame": 49, "train_examples": 1000}
    (tmp_path / "design.json").write_text("\ufeff" + json.dumps(design), encoding="utf-8")
    assert read(tmp_path) == ({"NQA": 50.0}, [])


@pytest.mark.parametrize("written", ["videomme_perception_score", "videomme_percetion_score"])
@pytest.mark.parametrize("key", ["{},none", "{}", "{},flexible-extract"])
def test_a_misspelt_metric_is_the_same_number(tmp_path, written, key):
    write(tmp_path, {"videomme": {key.format(written): 58.2}})
    assert read(tmp_path) == ({"VMME": 58.2}, [])


def test_the_errors_by_cluster_are_counted_on_a_questions_own_scale(tmp_path):
    beside = {"videomme_perception_score_stderr,none": "N/A"}
    beside |= {"videomme_perception_score_stderr_clt,none": 0.008}
    beside |= {"videomme_perception_score_stderr_clustered,none": 0.01}  # of questions on 0 to 1
    scores = {"videomme": {"videomme_perception_score,none": 60.0} | beside}
    scores["activitynetqa"] = {
        "gpt_eval_accuracy,none": 50.0,
        "gpt_eval_accuracy_stderr_clt,none": 1,
    }
    write(tmp_path, scores)
    found = read_results(tmp_path).set_index("task")["metric_se"]
    assert found["VMME"] == pytest.approx(1.0)  # 0.01 of 1 is 1 point of 100
    assert np.isnan(found["AQA"])  # its questions keep scores on 0 to 5, of another metric
    scores["videomme"]["videomme_perception_score_stderr_clustered,none"] = "N/A"
    write(tmp_path, scores)
    found = read_results(tmp_path).set_index("task")["metric_se"]
    assert found["VMME"] == pytest.approx(0.8)


@pytest.mark.parametrize("nothing", [None, "N/A", float("nan")])
def test_a_score_that_is_null_is_left_out_and_said(tmp_path, nothing):
    empty = {"videomme": {"videomme_perception_score,none": nothing}}
    write(tmp_path, scores_of(NQA, 0.5, stderr=None), empty)
    assert read(tmp_path) == (
        {"NQA": 50.0},
        [f"{tmp_path}: runs/a: videomme has no score (null); left out"],
    )


def test_two_filters_of_a_metric_need_a_choice(tmp_path):
    both = {"exact_match,strict": 0.4, "exact_match,flexible": 0.5}
    write(tmp_path, {"nextqa_mc_test": both})
    refused(tmp_path, "by several filters .exact_match,strict, exact_match,flexible.; choose one")
    taken = read(tmp_path, metrics=["nextqa_mc_test=exact_match,flexible/1"])[0]
    assert taken == {"nextqa_mc_test": 50.0}
    write(tmp_path, {"nextqa_mc_test": both | {"exact_match,none": 0.6}})
    assert read(tmp_path)[0] == {"NQA": 60.0}


@pytest.mark.parametrize(
    ("asked", "there", "words"),
    [(100, 2700, "a trial on 100 of 2700 questions of videomme"), (2700, 2700, None)],
)
def test_a_trial_is_known_by_its_questions_too(tmp_path, asked, there, words):
    made = content(scores_of(VMME, 0.5))
    made["n-samples"] = {"videomme": {"original": there, "effective": asked}}
    (tmp_path / "1_results.json").write_text(json.dumps(made))
    refused(tmp_path, words) if words else read(tmp_path)


# Which results are of which model, and which count


def test_results_in_one_folder_are_of_the_models_that_their_arguments_say(tmp_path):
    for frames, share in ((8, 0.5), (16, 0.6), (32, 0.7)):
        args = ARGS.replace("frames=32", f"max_frames_num={frames}")
        write(tmp_path, scores_of(NQA, share), args=args, name=f"202601{frames:02}_000000")
    table = read_results(tmp_path)
    assert dict(table[["frames", "metric"]].to_numpy()) == {8: 50, 16: 60, 32: 70}
    (tmp_path / "design.json").write_text('{"frames": 32}')
    refused(tmp_path, "max_frames_num=8 in its model_args contradicts frames=32 of .*design.json")


def test_one_design_whose_arguments_show_other_tokens_is_refused(tmp_path):
    design = {"lm_params": 1e9, "tokens_per_frame": 196, "train_examples": 1000}
    (tmp_path / "design.json").write_text(json.dumps(design))
    args = "pretrained=runs/a,max_frames_num=8,mm_spatial_pool_stride="
    write(tmp_path, scores_of(NQA, 0.5), args=args + "2", name="1")
    write(tmp_path, scores_of(VMME, 0.5), args="pretrained=runs/a,max_frames_num=8", name="2")
    assert read(tmp_path)[0] == {"NQA": 50.0, "VMME": 50.0}
    write(tmp_path, scores_of(PAPER[3], 0.4), args=args + "4", name="3")
    words = "one design, but mm_spatial_pool_stride is 2 and 4; give each folder's design.json its"
    refused(tmp_path, words)
    write(tmp_path, scores_of(PAPER[3], 0.4), args=f"{args}4,tokens_per_frame=196", name="3")
    assert len(read(tmp_path)[0]) == 3


def test_a_score_that_looks_like_a_fraction_is_pointed_out(tmp_path):
    write(tmp_path, scores_of(VMME, 0.006), scores_of(NQA, 0.5))
    metrics, notes = read(tmp_path)
    assert metrics == {"VMME": pytest.approx(0.6), "NQA": 50.0}
    fix = "--metric videomme=videomme_perception_score/1 reads it so"
    assert notes == [f"{tmp_path}: runs/a: videomme is 0.6 of 100; if it is a fraction, {fix}"]


def test_the_newest_result_of_a_task_counts_and_is_said(tmp_path):
    new = write(tmp_path / "b", scores_of(NQA, 0.9), name="20260103_000000")
    old = write(tmp_path / "a", scores_of(NQA, 0.1), scores_of(VMME, 0.5), name="20260102_000000")
    said = f"{new}: counts for nextqa_mc_test; the same model's older {old} does not"
    assert read(tmp_path) == ({"VMME": 50.0, "NQA": 90.0}, [said])


def test_the_date_inside_counts_before_the_files_name(tmp_path):
    path = write(tmp_path, scores_of(NQA, 0.9), name="20250101_000000")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"date": "20260901_120000"}))
    write(tmp_path, scores_of(NQA, 0.1), name="20260102_000000")
    (tmp_path / "0823_1523_x").mkdir()  # older than any that says its year
    (tmp_path / "0823_1523_x" / "results.json").write_text(json.dumps(content(scores_of(NQA, 0.2))))
    metrics, notes = read(tmp_path)
    assert metrics == {"NQA": 90.0} and len(notes) == 2


def test_two_results_of_unknown_age_are_refused_unless_they_agree(tmp_path):
    write(tmp_path / "a", scores_of(NQA, 0.5))
    write(tmp_path / "b", scores_of(NQA, 0.5))
    assert read(tmp_path) == ({"NQA": 50.0}, [])
    write(tmp_path / "b", scores_of(NQA, 0.6))
    refused(tmp_path, "two results of nextqa_mc_test of one model, and which is newer is not known")


def test_two_models_of_one_design_are_not_mixed(tmp_path):
    other = ARGS.replace("runs/a", "runs/b")
    write(tmp_path / "a", *[scores_of(b, 0.5) for b in PAPER[:4]])
    write(tmp_path / "b", *[scores_of(b, 0.5) for b in PAPER[4:]], args=other)
    metrics, notes = read(tmp_path)
    assert "avg" not in metrics and len(metrics) == 8
    assert len(notes) == 1 and "runs/a and runs/b share one design (lm_params=7.5e+09" in notes[0]
    write(tmp_path / "b", scores_of(PAPER[0], 0.6), args=other)
    refused(tmp_path, "share one design .* and both have VDC; give each its seed in a design.json")
    (tmp_path / "b" / "design.json").write_text('{"seed": 1}')
    assert sorted(read_results(tmp_path).query("task == 'VDC'")["seed"]) == [0, 1]


# Tasks of no suite, and suites that a user gives


def test_tasks_of_no_suite_are_named_with_their_values(tmp_path):
    other = {"mlvu_dev": {"alias": "mlvu_dev", "mlvu_percetion_score,none": 61.25, "samples": 9}}
    other["mlvu_dev"]["mlvu_percetion_score_stderr_clt,none"] = 0.1
    other["group"] = {"alias": "group", " ": " "}  # a heading over tasks
    write(tmp_path, scores_of(NQA, 0.5), other)
    metrics, notes = read(tmp_path)
    assert metrics == {"NQA": 50.0}
    said = "mlvu_dev is in no suite (mlvu_percetion_score 61.25); "
    assert notes == [said + "--metric mlvu_dev=mlvu_percetion_score takes it"]
    many = {f"task{i}": {"acc,none": 0.5} for i in range(30)}
    write(tmp_path, scores_of(NQA, 0.5), many)
    notes = read(tmp_path)[1]
    assert len(notes) == 21 and notes[-1].endswith("task27, task28, task29")


def test_unknown_tasks_alone_are_refused_with_their_values(tmp_path):
    write(tmp_path, {"mlvu": {"acc,none": 0.5}})
    words = "none of the known tasks was evaluated .*vvlm_mini.*mlvu is in no suite .acc 0.5."
    refused(tmp_path, words)


def test_a_metric_given_takes_a_task_and_its_scale_is_said(tmp_path):
    write(
        tmp_path, {"egoschema_subset": {"score,none": 0.625, "score_stderr_clustered,none": 0.02}}
    )
    metrics, notes = read(tmp_path, metrics=["egoschema_subset=score"])
    assert metrics == {"egoschema_subset": 62.5}
    assert len(notes) == 1 and "read on 0 to 1, as its values are" in notes[0]
    assert read(tmp_path, metrics=["egoschema_subset=score/5"]) == ({"egoschema_subset": 12.5}, [])
    said = {"mlvu_dev": {"mlvu_percetion_score,none": 61.0}}
    write(tmp_path, said)
    assert read(tmp_path, metrics=["mlvu_dev=mlvu_perception_score"])[0] == {"mlvu_dev": 61.0}


def test_a_metric_given_for_a_suites_task_stands_in_its_place_and_no_avg_is_made(all_eight):
    path = write(all_eight / "a", {"videomme": {"acc_score,none": 0.6}}, name="20260103_000000")
    refused(path.parent, "videomme has no videomme_perception_score, but acc_score,none 0.6; take")
    metrics = read(all_eight, metrics=["videomme=acc_score/1"])[0]
    assert metrics["videomme"] == 60.0 and not {"VMME", "avg"} & set(metrics)
    assert len(metrics) == 8


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("mlvu_dev", SuiteError, "--metric takes TASK=KEY or TASK=KEY/TOP"),
        ("=acc", SuiteError, "--metric takes TASK=KEY"),
        ("a=", SuiteError, "--metric takes TASK=KEY"),
        ("a=acc/0", SuiteError, "a top above 0"),
        ("mlvu=acc", ResultsError, "no results of mlvu; name a task that has"),
        ("nextqa_mc_test=acc", ResultsError, "has no acc, but exact_match,none 0.5"),
    ],
)
def test_a_metric_that_is_not_there_is_refused(tmp_path, given, error, words):
    write(tmp_path, scores_of(NQA, 0.5))
    with pytest.raises(error, match=words):
        read(tmp_path, metrics=[given])


def test_a_suite_of_ones_own_is_read_alone_and_averaged(tmp_path):
    suite = tmp_path / "long.yaml"
    suite.write_text(
        "name: long\nbenchmarks:\n"
        "  - {short: MLVU, scores: {mlvu_dev: mlvu_perception_score}, top: 100, question_top: 1}\n"
        "  - {short: EGO, scores: {egoschema_subset: score}, top: 1}\n"
    )
    mlvu = {"mlvu_percetion_score,none": 60.0, "mlvu_percetion_score_stderr_clustered,none": 0.03}
    ego = {"score,none": 0.7, "score_stderr,none": 0.04}
    write(tmp_path, {"mlvu_dev": mlvu, "egoschema_subset": ego}, scores_of(NQA, 0.5))
    metrics, notes = read(tmp_path, suite=suite)
    assert metrics == pytest.approx({"MLVU": 60.0, "EGO": 70.0, "avg": 65.0})
    assert notes == [
        "nextqa_mc_test is in no suite (exact_match 0.5); "
        "--metric nextqa_mc_test=exact_match takes it"
    ]
    table = read_results(tmp_path, suite, say=notes.append).set_index("task")
    assert table.loc["avg", "metric_se"] == pytest.approx(2.5)  # sqrt(3^2 + 4^2) / 2


def test_a_suite_joins_by_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(suites, "FOLDER", tmp_path / "suites")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "long.yaml").write_text(
        "name: long\nbenchmarks:\n"
        "  - {short: MLVU, scores: {mlvu_dev: mlvu_perception_score}, top: 100}\n"
    )
    write(tmp_path, {"mlvu_dev": {"mlvu_percetion_score,none": 61.0}})
    assert read(tmp_path) == read(tmp_path, suite="long") == ({"MLVU": 61.0}, [])
    with pytest.raises(SuiteError, match="or one of long"):
        read(tmp_path, suite="paper")


def test_the_command_takes_suites_and_metrics_and_says_what_it_left_out(tmp_path):
    write(tmp_path / "results", scores_of(NQA, 0.5), {"mlvu_dev": {"acc,none": 0.5}})
    out = tmp_path / "runs.csv"
    command = ["convert", tmp_path / "results", "--out", out]
    done = vvlm(*command, "--suite", "paper", "--metric", "mlvu_dev=acc/1")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(pd.read_csv(out)["task"]) == ["NQA", "mlvu_dev"]
    assert vvlm(*command).stderr.startswith("vvlm: mlvu_dev is in no suite (acc 0.5); --metric")
    out.unlink()
    done = vvlm(*command, "--suite", "mini")
    assert done.returncode == 2 and not out.exists()
    assert done.stderr.startswith("vvlm: ") and len(done.stderr.splitlines()) == 1


# What is broken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not readable as JSON"),
        ("[" * 5000, "not readable as JSON"),
        ('{"results": 1' + "0" * 5000 + "}", "not readable as JSON"),
        ("[]", "holds no mapping"),
        ('{"results": {}}', "not stated"),
        ('{"results": [], "config": {"model_args": "GOOD"}}', "results must be a mapping, got"),
        (
            '{"results": {"a": 1}, "config": {"model_args": "GOOD"}}',
            "results of a must map metrics",
        ),
        ('{"results": {}, "config": "x"}', "config must be a mapping, got 'x'"),
        ('{"config": {"model_args": [1]}}', "model_args must be text or a mapping, got .1."),
    ],
)
def test_a_broken_file_is_refused(tmp_path, text, words):
    (tmp_path / "1_results.json").write_text(text.replace("GOOD", ARGS))
    refused(tmp_path, words)


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, "58.2"])
def test_a_score_that_is_no_number_is_refused(tmp_path, value):
    write(tmp_path, {"videomme": {"videomme_perception_score,none": value}})
    refused(tmp_path, "videomme videomme_perception_score,none must be a number, got")


def places(value, place=()):
    """Every place inside a JSON value."""
    yield place
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*place, key))


def changed(value, place, junk):
    """The value with something else at a place; without it where that is Ellipsis."""
    if not place:
        return {} if junk is ... else junk
    value = inner = copy.deepcopy(value)
    for key in place[:-1]:
        inner = inner[key]
    if junk is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = junk
    return value


def test_any_wrong_type_ends_in_one_line(tmp_path):
    rng = random.Random(0)
    junk = [..., None, True, 0, -1, 2.5, 10**400, float("nan"), "", "x", "N/A", "a" * 3000, "\x00"]
    junk += ["\n", [], [1], {}, {"a": 1}, {"": []}, {"\n": "\n"}]
    good = content(scores_of(PAPER[0], 0.5), scores_of(VMME, 0.5, 1.0), scores_of(NQA, 0.5))
    good |= {"date": "20260101_000000", "n-samples": {"videomme": {"original": 9, "effective": 9}}}
    good["config"]["model_args"] = {"pretrained": "lab/m", "max_frames_num": 8, "fps": None}
    files = {"1_results.json": good, "1_judge.json": {"calls": 1, "failed": 0}}
    files["design.json"] = {"lm_params": 1e9, "tokens_per_frame": 49, "train_examples": 1000}
    tried = 0
    for name, value in files.items():
        for place in places(value):
            for bad in rng.sample(junk, 4):
                for other, whole in files.items():
                    (tmp_path / other).write_text(json.dumps(whole))
                (tmp_path / name).write_text(json.dumps(changed(value, place, bad)))
                notes, tried = [], tried + 1
                try:
                    read_results(tmp_path, say=notes.append)
                except ValueError as refusal:  # of any other error, the test fails
                    notes.append(str(refusal))
                assert all("\n" not in note and len(note) < 2000 for note in notes), notes
    assert tried > 100
