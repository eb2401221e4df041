"""Suites are data: what the package's own hold, and which files of a user's own are refused."""

import pytest

from vvlm_utils.experiment.world.questions import FAMILIES
from vvlm_utils.runs.suites import MINI, PAPER, SuiteError, list_suites, load_suite
from vvlm_utils.runs.table import TASKS

GOOD = """
name: long
benchmarks:
  - short: MLVU
    scores: {mlvu_dev: mlvu_perception_score}
    top: 100
  - {short: TEMP, scores: {tc_caption: [fluency, match], tc_yesno: acc}, top: 1, judged: true}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


def test_the_benchmarks_are_the_papers_and_the_mini_families():
    assert {"mini", "paper"} <= set(list_suites())
    assert tuple(b.short for b in PAPER) == TASKS and tuple(b.short for b in MINI) == FAMILIES
    assert [b.task for b in PAPER] == [
        *("video_dc499", "activitynetqa", "videochatgpt", "longvideobench_val_v"),
        *("perceptiontest_val_mc", "mvbench", "videomme", "nextqa_mc_test"),
    ]
    assert [b.top for b in PAPER] == [5, 100, 5, 1, 1, 100, 100, 1]
    assert [b.short for b in PAPER if b.judged] == ["VDC", "AQA", "VCG"]
    assert [len(b.scores) for b in PAPER] == [1, 1, 5, 1, 1, 20, 1, 1]


def test_a_suite_of_ones_own_needs_three_fields_a_benchmark(write):
    plain, mean = load_suite(write(GOOD))
    assert (plain.task, plain.name, plain.judged) == ("mlvu_dev", "MLVU", False)
    assert plain.question_top == plain.top == 100
    assert mean.scores == (("tc_caption", "fluency"), ("tc_caption", "match"), ("tc_yesno", "acc"))
    assert mean.judged


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: long", "title: long", "must give name and benchmarks, and nothing else"),
        (GOOD, "just text", "must give name and benchmarks"),
        (GOOD, "a: [", "not readable as YAML"),
        (GOOD, "{" * 900, "not readable as YAML"),
        ("  - short: MLVU\n", "  - name: MLVU\n", "benchmark 1 lacks short"),
        ("    top: 100\n", "", "benchmark 1 lacks top; its fields are short, scores, top"),
        ("    top: 100\n", "    top: 100\n    maximum: 1\n", "has an unknown 'maximum'"),
        ("top: 100", "top: 0", "benchmark 1: top must be a positive number, got 0"),
        ("top: 100", "top: .nan", "top must be a positive number, got nan"),
        ("top: 100", "top: true", "top must be a positive number, got True"),
        ("top: 100", f"top: 1{'0' * 400}", "top must be a positive number, got 1000"),
        ("top: 100", "top: [1]", "top must be a positive number, got a list"),
        ("top: 100", "top: 100\n    question_top: -1", "question_top must be a positive number"),
        ("top: 100", "top: 100\n    folder: 3", "folder must be text, got 3"),
        ("judged: true", "judged: 1", "benchmark 2: judged must be true or false, got 1"),
        ("short: MLVU", "short: avg", "short must be a name other than 'avg'"),
        ("short: MLVU", "short: TEMP", "short 'TEMP' stands there twice"),
        ("{mlvu_dev: mlvu_perception_score}", "mlvu_dev", "scores must map tasks to metrics"),
        ("{mlvu_dev: mlvu_perception_score}", "{}", "scores must map tasks .*got a mapping"),
        ("{mlvu_dev: mlvu_perception_score}", "{mlvu_dev: 3}", "got 'mlvu_dev': 3"),
        ("  - {short: TEMP", "  - x\n  - {short: TEMP", "benchmark 2 must be a mapping, got 'x'"),
    ],
)
def test_a_suite_with_an_impossible_field_is_refused(write, old, new, words):
    path = write(GOOD.replace(old, new))
    with pytest.raises(SuiteError, match=words) as refusal:
        load_suite(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_suite_that_is_not_there_is_refused_with_the_names(tmp_path):
    with pytest.raises(SuiteError, match="no such file.*or one of mini, paper"):
        load_suite("papers")
    with pytest.raises(SuiteError, match="no such file"):
        load_suite(tmp_path)
    (tmp_path / "large.yaml").write_text("#" * 300_000)
    with pytest.raises(SuiteError, match="at most 256,000 are read"):
        load_suite(tmp_path / "large.yaml")
