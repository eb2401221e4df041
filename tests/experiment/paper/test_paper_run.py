"""A run at the paper's scale: the same class, loader and trainer, proved as far as a CPU can."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from math import ceil, cos, pi
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, SiglipVisionModel, TrainerCallback

from vvlm_utils.cost import training as tc
from vvlm_utils.cost.architectures import DECODERS, PAPER_TOWER
from vvlm_utils.experiment.data.video import read_frames, read_video
from vvlm_utils.experiment.mini.stages import make_split, split_questions
from vvlm_utils.experiment.model.batches import make_tokenizer, pack
from vvlm_utils.experiment.model.counting import count_training, decoder_config, tower_config
from vvlm_utils.experiment.model.instructions import (
    pack_turns,
    read_instructions,
    turn_ids,
)
from vvlm_utils.experiment.model.model import IGNORE, VideoVLM, VideoVLMConfig, make_config
from vvlm_utils.experiment.model.presets import MINI, PAPER
from vvlm_utils.experiment.paper import run as paper_run
from vvlm_utils.experiment.paper.plan import published_run
from vvlm_utils.experiment.train import finetune
from vvlm_utils.experiment.world.conversations import ClipError

ROOT = Path(__file__).parents[3]
SHALLOW = {
    name: replace(DECODERS[name], hidden=64, layers=2, heads=4, kv_heads=2, head_dim=16,
                  intermediate=128, vocabulary=500)
    for name in PAPER.decoders
}  # fmt: skip
SHALLOW_TOWER = replace(
    PAPER_TOWER, hidden=32, layers=2, heads=2, intermediate=64, pooling_head=False
)


def shallow(lm="llama-3.1-8b"):
    """The paper preset at reduced width and depth: its image, patches, head, tying and resize."""
    torch.manual_seed(0)
    text, vision = decoder_config(SHALLOW[lm]), tower_config(SHALLOW_TOWER)
    return VideoVLM(VideoVLMConfig(vision, text, antialias=PAPER.antialias, preset="paper", lm=lm))


class Examples(torch.utils.data.Dataset):
    """Random pixels, or cached features, with an answer of ``answer`` tokens behind a prompt."""

    def __init__(self, count, visual, tokens_per_frame=196, prompt=3, answer=5, words=500):
        self.count, self.visual, self.tokens = count, visual, tokens_per_frame
        self.ids = torch.arange(1, 1 + prompt + answer) % words
        self.labels = torch.where(torch.arange(prompt + answer) < prompt, IGNORE, self.ids)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {name: torch.randn(shape) for name, shape in self.visual.items()}

    def collate(self, items):
        rows = {"input_ids": self.ids, "labels": self.labels}
        batch = {name: ids.expand(len(items), -1) for name, ids in rows.items()}
        batch |= {name: torch.stack([item[name] for item in items]) for name in self.visual}
        return batch | {"tokens_per_frame": torch.tensor(self.tokens)}


PIXELS = {"pixel_values": (2, 3, 384, 384)}


@pytest.mark.parametrize("lm", PAPER.decoders)
def test_the_paper_preset_reads_32_frames_of_196_tokens_on_meta(lm):
    with torch.device("meta"):
        made = VideoVLM(make_config("paper", lm)).eval()
        ids = torch.zeros(1, 12, dtype=torch.long)
        output = made(ids, pixel_values=torch.empty(1, 32, 3, 384, 384), tokens_per_frame=196)
    assert output.logits.shape == (1, 12, 128_256)
    assert (output.frames, output.tokens_per_frame) == (32, 196)
    assert sum(p.numel() for p in made.parameters()) == tc.all_params(DECODERS[lm])


@pytest.mark.parametrize("lm", PAPER.decoders)
def test_both_stages_train_a_shallow_paper_model_in_bf16_with_checkpointing(lm, tmp_path):
    model, before = shallow(lm), shallow(lm).state_dict()
    machine = finetune.machine_of(PAPER, use_cpu=True)
    assert machine.bf16 and machine.checkpointing
    for name, moved in (("align", {"projector"}), ("finetune", {"projector", "tower", "decoder"})):
        stage = replace(getattr(PAPER, name), batch=2)
        report = finetune.train_stage(
            model, Examples(4, PIXELS), stage, tmp_path / name, 0, machine=machine
        )
        assert report["steps"] == 2 and np.isfinite(report["curve"][-1]["loss"])
        after = model.state_dict()
        changed = {key.split(".")[0] for key in after if not torch.equal(after[key], before[key])}
        assert changed == moved
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_checkpointing_reads_every_layer_twice_and_gives_the_same_gradients():
    data, counts = Examples(1, PIXELS), []
    batch, slopes = data.collate([data[0]]), []
    for recompute in (False, True):
        model, calls = shallow().train(), []
        if recompute:
            model.activation_checkpointing_enable()
        layers = [m for m in model.modules() if type(m).__name__ in VideoVLM._no_split_modules]
        for layer in layers:
            layer.self_attn.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        model(**batch).loss.backward()
        counts.append(len(calls) / len(layers))
        slopes.append([p.grad for p in model.parameters() if p.grad is not None])
    assert counts == [1, 2]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*slopes, strict=True))


@pytest.mark.parametrize("lm", PAPER.decoders)
def test_training_flops_agree_with_the_counter(lm):
    frames, tokens, text = 2, 49, tc.Text(3, 5)
    data = Examples(1, PIXELS, tokens, text.prompt_tokens, text.answer_tokens)
    counted = count_training(shallow(lm), data.collate([data[0]]))
    cost = tc.forward_cost(SHALLOW[lm], frames, tokens, text, SHALLOW_TOWER)
    # No gradient goes to the pixels, so the first product has one backward product and not two.
    embedding = 2 * frames * SHALLOW_TOWER.features * 3 * 14**2 * SHALLOW_TOWER.hidden
    assert tc.finetuning_flops(cost) - embedding == pytest.approx(counted, rel=0.001)


def test_alignment_flops_agree_with_the_counter():
    data, model = Examples(1, {"pixel_values": (1, 3, 384, 384)}, 49), shallow()
    finetune.parameter_groups(model, PAPER.align)
    counted = count_training(model, data.collate([data[0]]))
    cost = tc.forward_cost(SHALLOW["llama-3.1-8b"], 1, 49, tc.Text(3, 5), SHALLOW_TOWER)
    first = 2 * SHALLOW_TOWER.features * 32 * 64  # no gradient goes back into the frozen tower
    assert tc.alignment_flops(cost) - first == pytest.approx(counted, rel=0.001)


class ReadRates(TrainerCallback):
    def __init__(self):
        self.seen = []

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **kwargs):
        groups = getattr(optimizer, "optimizer", optimizer).param_groups
        self.seen.append({group["name"]: group["lr"] for group in groups})


TABLE_4 = {
    "align": (512, {"projector": 1e-3}),
    "finetune": (256, {"lm": 1e-5, "embedding": 1e-5, "projector": 1e-5, "tower": 2e-6}),
}


@pytest.mark.parametrize("name", TABLE_4)
def test_the_rates_of_every_step_are_those_of_table_4(name, tmp_path):
    batch, peaks = TABLE_4[name]
    steps, accumulate, rates = 40, 4, ReadRates()
    torch.manual_seed(0)
    model = VideoVLM(make_config("mini", "mini-7k"))
    data = Examples(steps * batch, {"features": (1, 64, 32)}, 1, 1, 1, words=50)
    machine = finetune.Machine(accumulate=accumulate)
    stage = getattr(PAPER, name)
    finetune.train_stage(model, data, stage, tmp_path, 0, machine=machine, callbacks=[rates])
    warm = ceil(0.03 * steps)
    shape = [s / warm if s < warm else (1 + cos(pi * (s - warm) / (steps - warm))) / 2
             for s in range(steps)]  # fmt: skip
    assert len(rates.seen) == steps
    for part, peak in peaks.items():
        np.testing.assert_allclose(
            [step[part] for step in rates.seen], peak * np.array(shape), rtol=1e-9
        )
    assert set(rates.seen[0]) == set(peaks)


# Instructions in LLaVA-Video's format.


@pytest.fixture(scope="module")
def folder(tiny):
    return make_split("train", tiny)


def test_turns_are_packed_as_the_mini_clips_are(tiny, folder):
    records = read_instructions(folder / "index.json", folder)
    rows = [pack_turns(record, make_tokenizer()) for record in records]
    assert rows == [pack(questions) for questions in split_questions("train", tiny)]


def test_an_image_is_a_video_of_one_frame(tmp_path, folder):
    import av

    picture = av.VideoFrame.from_ndarray(read_video(folder / "000000.mp4")[0], format="rgb24")
    with av.open(str(tmp_path / "a.png"), "w") as out:
        stream = out.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        for packet in (*stream.encode(picture), *stream.encode()):
            out.mux(packet)
    np.testing.assert_array_equal(read_frames(tmp_path / "a.png", 1, 64)[0], picture.to_ndarray())


def test_a_chat_template_is_used_and_the_answer_ends():
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{{ date_string }} {{ messages[0].content }} [answer]"
    tokenizer.eos_token = "colour0"
    asked, said = turn_ids(tokenizer, "small colour1", "colour2")
    assert len(asked) == 6 and tokenizer.decode(said) == "colour2 colour0"


def test_examples_are_nested_in_n(folder):
    few, many = (read_instructions(folder / "index.json", folder, n) for n in (5, 20))
    assert many[:5] == few


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not readable as JSON"),
        ("{}", "must be a list of records"),
        ('[{"video": "a.mp4"}]', "record 0: lacks 'conversations'"),
        ('[{"image": "a.png", "conversations": [{"from": "gpt"}]}]', "turns must alternate"),
        (
            '[{"image": "a.png", "conversations": [{"from": "human", "value": "What is it?"},'
            ' {"from": "gpt", "value": "A cat."}]}]',
            "video not there: 'a.png', below",
        ),
    ],
)
def test_data_that_cannot_be_used_is_refused_by_name(content, fault, tmp_path):
    index = tmp_path / "index.json"
    index.write_text(content)
    with pytest.raises(ClipError, match=fault):
        read_instructions(index, tmp_path)


# The entry point.


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """Random weights saved as published ones are: a folder for the tower, one for the decoder."""
    weights = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    tower = tower_config(replace(MINI.tower, pooling_head=True))  # as published ones have
    SiglipVisionModel(tower).save_pretrained(weights / "mini")
    LlamaForCausalLM(decoder_config(MINI.decoders["mini-7k"])).save_pretrained(weights / "mini-7k")
    make_tokenizer().save_pretrained(weights / "mini-7k")
    return weights


@pytest.fixture(scope="module")
def joined(pretrained):
    return paper_run.join("mini", "mini-7k", pretrained, pretrained / "joined")


def job(joined, folder, out, **changes):
    design = {"frames": 2, "tokens_per_frame": 4, "examples": 16}
    where = {"start": joined, "data": folder, "index": folder / "index.json", "out": out}
    base = paper_run.Job("finetune", "mini", "mini-7k", **design, **where, device="cpu")
    return replace(base, **changes)


def test_a_joined_model_holds_the_pretrained_weights(pretrained, joined):
    model = VideoVLM.from_pretrained(joined)
    for part, name, kind in (
        (model.tower, "mini", SiglipVisionModel),
        (model.decoder, "mini-7k", LlamaForCausalLM),
    ):
        kept = kind.from_pretrained(pretrained / name).state_dict()
        assert {key.split(".")[0] for key in set(kept) - set(part.state_dict())} <= {"head"}
        assert all(torch.equal(tensor, kept[key]) for key, tensor in part.state_dict().items())
    assert model.decoder.lm_head.weight is model.decoder.model.embed_tokens.weight
    assert all(torch.isfinite(p).all() for p in model.projector.parameters())


def test_a_run_goes_from_folders_to_a_model_and_a_record(joined, folder, tmp_path):
    aligned, out = tmp_path / "aligned", tmp_path / "run"
    paper_run.do(job(joined, folder, aligned, step="align", examples=None))
    paper_run.do(job(aligned, folder, out, workers=1))
    names = {path.name for path in out.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "record.json"} <= names
    assert not {Path(name).suffix for name in names} & {".bin", ".pt", ".pth", ".pkl"}
    record = json.loads((out / "record.json").read_text())
    assert record["status"] == "trained" and record["train_examples"] == 16
    assert record["stages"]["finetune"]["steps"] == 16 // MINI.finetune.batch
    first, last = (VideoVLM.from_pretrained(f).state_dict() for f in (aligned, out))
    assert any(not torch.equal(first[k], last[k]) for k in first if k.startswith("decoder."))
    written = (out / "record.json").stat().st_mtime_ns
    paper_run.do(job(aligned, folder, out))
    assert (out / "record.json").stat().st_mtime_ns == written  # a finished run is left alone


def test_what_is_missing_is_named_all_at_once_before_anything_loads(tmp_path):
    design = published_run("star-7.5B-32x196-n1M")
    where = {name: tmp_path / name[0] for name in ("start", "data", "index", "out")}
    bare = paper_run.Job("finetune", "paper", **design, **where)
    with pytest.raises(paper_run.NotReady) as refused:
        paper_run.check_ready(bare)
    said = str(refused.value)
    assert "\n" not in said and not (tmp_path / "o").exists()
    for reason in ("no config.json with .safetensors", "no data root", "no GPU is visible"):
        assert reason in said


def test_weights_that_are_missing_say_where_they_are_published(tmp_path):
    with pytest.raises(paper_run.NotReady, match="hf download google/siglip-so400m-patch14-384"):
        paper_run.join("paper", "llama-3.2-1b", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_of_another_configuration_is_refused(joined, folder, tmp_path):
    with pytest.raises(paper_run.NotReady, match="is not mini-90k: decoder width 16 instead of 48"):
        paper_run.check_ready(job(joined, folder, tmp_path, lm="mini-90k"))


def test_too_few_examples_are_refused(joined, folder, tmp_path):
    with pytest.raises(paper_run.NotReady, match="holds 32 records, 33 asked"):
        paper_run.check_ready(job(joined, folder, tmp_path, examples=33))


def test_memory_that_does_not_suffice_names_a_number_of_gpus_that_does(tmp_path):
    design = published_run("star-7.5B-32x196-n1M")
    here = dict.fromkeys(("start", "data", "index", "out"), tmp_path)
    wanted = paper_run.Job("finetune", "paper", **design, **here)
    refused = paper_run.memory_missing(wanted, 1, 80e9)
    assert refused.endswith("which have 72.0 GB to use: start 3 processes")
    assert paper_run.memory_missing(wanted, 3, 80e9) == ""
    with pytest.raises(ValueError, match="is not one of the paper's"):
        published_run("star-70B")


def test_a_refused_command_is_one_line_and_exit_code_two(tmp_path, monkeypatch, capsys):
    words = ["finetune", "--out", str(tmp_path / "out"), "--run", "star-7.5B-32x196-n1M"]
    monkeypatch.setattr(sys, "argv", ["paper_run", *words])
    with pytest.raises(SystemExit) as ended:
        paper_run.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "paper_run: finetune needs --start, --data, --index\n"


@pytest.mark.long
def test_the_launcher_and_its_configuration_start_two_processes_of_one_run(
    joined, folder, tmp_path
):
    words = "finetune --preset mini --lm mini-7k --frames 2 --tokens-per-frame 4 --device cpu"
    where = ["--start", joined, "--data", folder, "--index", folder / "index.json"]
    launch = ["-m", "accelerate.commands.launch", "--config_file", "profiles/accelerate/fsdp.yaml"]
    launch += ["--num_processes", "2", "--mixed_precision", "no"]
    both, one = tmp_path / "both", tmp_path / "one"
    command = [sys.executable, *launch, "-m", "vvlm_utils.experiment.paper.run", *words.split()]
    settings = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    ended = subprocess.run(
        [*command, *map(str, where), "--out", both], cwd=ROOT, env=os.environ | settings,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    paper_run.do(job(joined, folder, one, examples=None))
    stages = [json.loads((out / "record.json").read_text())["stages"] for out in (both, one)]
    curves = [[step["loss"] for step in stage["finetune"]["curve"]] for stage in stages]
    np.testing.assert_allclose(*curves, rtol=1e-4)
