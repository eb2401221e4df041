"""The benchmarks that a model is evaluated on: their names, lmms-eval's, and their scales.

``paper`` is Table 5 of ``wang2025``; ``mini`` is the mini experiment's eight families, as a task of
lmms-eval. Of each suite "avg" is the plain mean. Neither pandas nor lmms-eval is needed here.
"""

from __future__ import annotations

from dataclasses import dataclass

from vvlm_utils.cost import FACTORS

DESIGN = (*FACTORS, "train_examples", "seed")
JUDGE_SUFFIX = "_judge.json"  # what the launcher keeps of the judge, beside *_results.json


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: its name in the runs table, in words, and in lmms-eval.

    task : what ``--tasks`` takes, a task or a group of tasks
    scores : the (task, metric) pairs whose plain mean is its score
    top : the largest value of such a metric; scores are rescaled from (0, top) to (0, 100)
    judged : whether a language model judges the answers
    """

    short: str
    name: str
    kind: str
    task: str
    scores: tuple[tuple[str, str], ...]
    top: float
    judged: bool = False


def _one(short: str, name: str, kind: str, task: str, metric: str, top: float, judged=False):
    return Benchmark(short, name, kind, task, ((task, metric),), top, judged)


_VCG = {
    "videochatgpt_gen": ("correctness", "detailed_orientation", "context"),
    "videochatgpt_temporal": ("temporal",),
    "videochatgpt_consistency": ("consistency",),
}
_MVBENCH = (
    "action_antonym action_count action_localization action_prediction action_sequence "
    "character_order counterfactual_inference egocentric_navigation episodic_reasoning "
    "fine_grained_action fine_grained_pose moving_attribute moving_count moving_direction "
    "object_existence object_interaction object_shuffle scene_transition state_change "
    "unexpected_action"
).split()
_MINI_TASK = "vvlm_mini"
_MINI = ("brief", "flash", "small", "crowd", "word", "tongue", "fact", "sum")

PAPER = (  # Table 5
    _one("VDC", "Video Detailed Caption", "caption", "video_dc499", "gpt_eval_score", 5, True),
    _one("AQA", "ActivityNet-QA", "open", "activitynetqa", "gpt_eval_accuracy", 100, True),
    Benchmark(
        *("VCG", "VCGBench", "open", "videochatgpt"),
        tuple((task, f"gpt_eval_score_{what}") for task, of in _VCG.items() for what in of),
        *(5, True),
    ),
    _one("LVB", "LongVideoBench", "choice, long", "longvideobench_val_v", "lvb_acc", 1),
    _one("PT", "PerceptionTest", "choice", "perceptiontest_val_mc", "accuracy", 1),
    Benchmark(
        *("MV", "MVBench", "choice", "mvbench"),
        tuple((f"mvbench_{part}", "mvbench_accuracy") for part in _MVBENCH),
        100,
    ),
    _one("VMME", "Video-MME", "choice, long", "videomme", "videomme_perception_score", 100),
    _one("NQA", "Next-QA", "choice", "nextqa_mc_test", "exact_match", 1),
)
MINI = tuple(_one(family, family, "one word", _MINI_TASK, family, 1) for family in _MINI)
SUITES = {"paper": PAPER, "mini": MINI}  # of each, "avg" is the plain mean of all its benchmarks
