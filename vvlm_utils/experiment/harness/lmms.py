"""The model as lmms-eval knows it: ``--model vvlm``, found by the entry point of pyproject.toml.

Only this module imports lmms-eval; it lives in an environment of its own (``make lmms-env``).
"""

from __future__ import annotations

from pathlib import Path

from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms
from lmms_eval.models.registry_v2 import ModelManifest
from tqdm import tqdm

from vvlm_utils.experiment.harness.checks import check_key, choose_design
from vvlm_utils.experiment.harness.reply import Replier

MANIFEST = ModelManifest(
    model_id="vvlm", simple_class_path="vvlm_utils.experiment.harness.lmms.VVLM"
)
LONGEST = 64  # words of an answer, where a task does not say


class VVLM(lmms):
    """A checkpoint of this project at one design.

    pretrained : its folder
    frames, tokens_per_frame, train_examples, seed : the design, where its record does not say
    lm_params : taken for the results' sake and held to the checkpoint's own
    """

    def __init__(
        self,
        pretrained: str,
        frames: int | None = None,
        tokens_per_frame: int | None = None,
        train_examples: int | None = None,
        seed: int | None = None,
        lm_params: float | None = None,
        device: str | None = None,
        batch_size: int | str = 1,
        max_batch_size: int | None = None,
    ):
        super().__init__()
        given = {"frames": frames, "tokens_per_frame": tokens_per_frame}
        design = choose_design(
            Path(pretrained), given | {"train_examples": train_examples, "seed": seed}
        )
        if lm_params is not None and int(float(lm_params)) != design["lm_params"]:
            raise ValueError(
                f"lm_params is {design['lm_params']} here, got {lm_params}; leave it out"
            )
        self.replier = Replier(
            Path(pretrained), design["frames"], design["tokens_per_frame"], device or "cpu"
        )

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """Answer every request greedily, one by one, in order.

        Raises TaskError for a judged task without the judge's key, before anything is answered.
        """
        for task in {request.args[4] for request in requests}:
            check_key(task)
        answers = []
        for request in tqdm(requests, desc="answers"):
            prompt, settings, doc_to_visual, number, task, split = request.args
            video = doc_to_visual(self.task_dict[task][split][number])
            until = settings.get("until") or []
            answer = self.replier.reply(
                video if isinstance(video, list) else [video],
                prompt,
                int(settings.get("max_new_tokens", LONGEST)),
                [until] if isinstance(until, str) else until,
            )
            answers.append(answer)
            self.cache_hook.add_partial("generate_until", (prompt, settings), answer)
        return answers

    def loglikelihood(self, requests: list[Instance]):
        """No benchmark of Table 5 asks for it."""
        raise NotImplementedError("vvlm answers in words: choose a task of type generate_until")

    def generate_until_multi_round(self, requests: list[Instance]):
        """No benchmark of Table 5 asks for it."""
        raise NotImplementedError("vvlm answers one turn: choose a task of type generate_until")
