"""Two-stage finetuning: what trains, what resumes, what repeats."""

from dataclasses import replace

import pytest
import torch
from transformers import TrainerCallback

from vvlm_utils.experiment.mini.stages import clip_dataset, load_decoder
from vvlm_utils.experiment.model.model import VideoVLM
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.train import finetune


@pytest.fixture
def model(tiny):
    return load_decoder("mini-7k", 0, tiny)


@pytest.fixture(scope="module")
def clips(tiny):
    return clip_dataset("train", tiny, frames=2, tokens_per_frame=4)


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def same(first, second):
    return {name for name in first if torch.equal(first[name], second[name])}


def test_every_parameter_has_one_group_and_rate_zero_freezes(model):
    stage = replace(MINI.finetune, tower_rate=1e-4)
    groups = finetune.parameter_groups(model, stage)
    grouped = [id(p) for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    by_name = {group["name"]: group["lr"] for group in groups}
    assert by_name == finetune.rates(stage)
    finetune.parameter_groups(model, MINI.finetune)
    assert not any(p.requires_grad for p in model.tower.parameters())
    assert all(p.requires_grad for p in model.projector.parameters())


def test_a_stage_that_trains_nothing_is_refused(model):
    with pytest.raises(ValueError, match="rate"):
        finetune.parameter_groups(model, replace(MINI.align, projector_rate=0.0))


def test_alignment_moves_the_projector_alone(model, clips, tmp_path):
    before = weights(model)
    finetune.train_stage(model, clips, MINI.align, tmp_path, seed=0)
    moved = set(before) - same(before, weights(model))
    assert moved == {name for name in before if name.startswith("projector.")}


def test_finetuning_leaves_the_frozen_tower_as_it_is(model, clips, tmp_path):
    before = weights(model)
    report = finetune.train_stage(model, clips, MINI.finetune, tmp_path, seed=0)
    kept = same(before, weights(model))
    assert {name for name in before if name.startswith("tower.")} <= kept
    assert len(kept) < len(before)
    assert report["steps"] == len(clips) // MINI.finetune.batch


def test_a_seed_fixes_the_weights(tiny, clips, tmp_path):
    def train(seed, folder):
        model = load_decoder("mini-7k", 0, tiny)
        finetune.train_stage(model, clips, MINI.finetune, tmp_path / folder, seed)
        return weights(model)

    first, again, other = train(0, "a"), train(0, "b"), train(1, "c")
    assert same(first, again) == set(first)
    assert same(first, other) != set(first)


class Killed(Exception):
    pass


class KillAfter(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise Killed


def test_a_killed_run_resumes_to_the_same_weights(tiny, clips, tmp_path):
    def train(model, folder, callbacks=()):
        stage, where = MINI.finetune, tmp_path / folder
        return finetune.train_stage(model, clips, stage, where, 0, 1, callbacks=callbacks)

    whole, broken, resumed = (load_decoder("mini-7k", 0, tiny) for _ in range(3))
    train(whole, "whole")
    with pytest.raises(Killed):
        train(broken, "cut", [KillAfter(3)])
    assert train(resumed, "cut")["steps"] == len(clips) // MINI.finetune.batch
    assert same(weights(whole), weights(resumed)) == set(weights(whole))


def test_a_loss_that_is_not_finite_stops_with_its_step(model, clips, tmp_path):
    with torch.no_grad():
        model.projector[0].weight.fill_(float("nan"))
    with pytest.raises(finetune.TrainingFailed, match="nan at step 0"):
        finetune.train_stage(model, clips, MINI.finetune, tmp_path, seed=0)


def test_a_saved_model_is_safetensors_and_answers_alike(model, clips, tmp_path):
    model.save_pretrained(tmp_path / "model")
    names = {path.suffix for path in (tmp_path / "model").iterdir()}
    assert ".safetensors" in names and not names & {".bin", ".pt", ".pth"}
    batch = clips.collate([clips[0], clips[1]])
    back = VideoVLM.from_pretrained(tmp_path / "model").eval()
    with torch.no_grad():
        torch.testing.assert_close(back(**batch).logits, model.eval()(**batch).logits)
