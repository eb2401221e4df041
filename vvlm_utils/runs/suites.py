"""The benchmarks that a model is evaluated on: their names, lmms-eval's, and their scales.

``paper`` is Table 5 of ``wang2025``; ``mini`` is the mini experiment's eight families, as a task of
lmms-eval. Of each suite "avg" is the plain mean. Neither pandas nor lmms-eval is needed here.
"""

from __future__ import annotations

from dataclasses import dataclass

from vvlm_utils.cost.equation import FACTORS

DESIGN = (*FACTORS, "train_examples", "seed")
JUDGE_SUFFIX = "_judge.json"  # what the launcher keeps of the judge, beside *_results.json
JUDGED = ("caption", "open-ended")  # kinds whose answers a language model reads


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: its name in the runs table, in words, and in lmms-eval.

    task : what ``--tasks`` takes, a task or a group of tasks
    scores : the (task, metric) pairs whose plain mean is its score
    top : the largest value of such a metric; scores are rescaled from (0, top) to (0, 100)
    folder : where its videos are, under ``HF_HOME``; empty where its task file says
    """

    short: str
    name: str
    kind: str
    task: str
    scores: tuple[tuple[str, str], ...]
    top: float
    folder: str = ""

    @property
    def judged(self) -> bool:
        """Whether a language model judges the answers."""
        return self.kind in JUDGED


def _parts(names: str, task: str, metric: str) -> tuple[tuple[str, str], ...]:
    """One metric of each of several tasks, {} in a pattern being the part's name."""
    return tuple((task.format(name), metric.format(name)) for name in names.split())


_VCG = (
    *_parts("correctness detailed_orientation context", "videochatgpt_gen", "gpt_eval_score_{}"),
    *_parts("temporal consistency", "videochatgpt_{}", "gpt_eval_score_{}"),
)
_MVBENCH = _parts(
    "action_antonym action_count action_localization action_prediction action_sequence "
    "character_order counterfactual_inference egocentric_navigation episodic_reasoning "
    "fine_grained_action fine_grained_pose moving_attribute moving_count moving_direction "
    "object_existence object_interaction object_shuffle scene_transition state_change "
    "unexpected_action",
    "mvbench_{}",
    "mvbench_accuracy",
)
_FAMILIES = ("brief", "flash", "small", "crowd", "word", "tongue", "fact", "sum")


def _one(short: str, name: str, kind: str, task: str, metric: str, top: float, folder: str = ""):
    return Benchmark(short, name, kind, task, ((task, metric),), top, folder)


PAPER = (  # Table 5
    _one(
        *("VDC", "Video Detailed Caption", "caption"),
        *("video_dc499", "gpt_eval_score", 5, "videochatgpt"),
    ),
    _one(
        *("AQA", "ActivityNet-QA", "open-ended"),
        *("activitynetqa", "gpt_eval_accuracy", 100, "activitynetqa"),
    ),
    Benchmark("VCG", "VCGBench", "open-ended", "videochatgpt", _VCG, 5, "videochatgpt"),
    _one(
        *("LVB", "LongVideoBench", "multiple choice, long"),
        *("longvideobench_val_v", "lvb_acc", 1, "datasets/longvideobench"),
    ),
    _one(
        *("PT", "PerceptionTest", "multiple choice"),
        *("perceptiontest_val_mc", "accuracy", 1, "perceptiontest_val"),
    ),
    Benchmark("MV", "MVBench", "multiple choice", "mvbench", _MVBENCH, 100, "mvbench_video"),
    _one(
        *("VMME", "Video-MME", "multiple choice, long"),
        *("videomme", "videomme_perception_score", 100, "videomme"),
    ),
    _one(
        *("NQA", "Next-QA", "multiple choice"),
        *("nextqa_mc_test", "exact_match", 1, "nextqa"),
    ),
)
MINI = tuple(_one(family, family, "one word", "vvlm_mini", family, 1) for family in _FAMILIES)
SUITES = {"paper": PAPER, "mini": MINI}
