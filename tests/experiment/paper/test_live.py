"""Chapters 3 and 4 with any preset: a tiny twin of each goes through the same cells on a CPU."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
import torch
import yaml
from transformers import LlamaForCausalLM, SiglipVisionModel

from vvlm_utils.experiment.data.clips import write_clips
from vvlm_utils.experiment.mini.design import Run
from vvlm_utils.experiment.model.batches import make_tokenizer
from vvlm_utils.experiment.model.counting import decoder_config, tower_config
from vvlm_utils.experiment.model.presets import MINI, PRESETS
from vvlm_utils.experiment.paper import live
from vvlm_utils.experiment.paper.run import NotReady
from vvlm_utils.experiment.place import Place

ROOT = Path(__file__).parents[3]
CLIPS = 6
SMALL = MINI.decoders["mini-7k"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Random weights by the presets' names, and clips to train on and to answer."""
    root = tmp_path_factory.mktemp("scale")
    torch.manual_seed(0)
    for name in {preset.tower.name for preset in PRESETS.values()}:
        tower = tower_config(replace(MINI.tower, pooling_head=True))
        SiglipVisionModel(tower).save_pretrained(root / "models" / name)
    for lm in ("smollm2-135m", "llama-3.2-1b"):
        LlamaForCausalLM(decoder_config(SMALL)).save_pretrained(root / "models" / lm)
        make_tokenizer().save_pretrained(root / "models" / lm)
    write_clips(root / "videos", "validation", CLIPS, progress=False)
    shutil.copy(root / "videos" / "index.json", root / "videos" / "test.json")
    return root


@pytest.fixture
def twin(folders, tmp_path, monkeypatch):
    """Presets of the same names and stages with a tower and decoders of a few thousand weights."""
    monkeypatch.chdir(tmp_path)
    for name in ("models", "videos"):
        (tmp_path / name).symlink_to(folders / name)
    for name in ("one-gpu", "paper"):
        preset = PRESETS[name]
        tower = replace(MINI.tower, name=preset.tower.name)
        decoders = {lm: replace(SMALL, name=lm) for lm in preset.decoders}
        stages = {part: replace(getattr(preset, part), batch=2) for part in ("align", "finetune")}
        small = replace(preset, tower=tower, decoders=decoders, **stages)
        monkeypatch.setitem(PRESETS, name, small)


def run_cells(chapter, **changes):
    """Run a chapter's code cells, its parameters changed as papermill changes them."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)
    names: dict = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        exec(compile(cell.source, chapter, "exec"), names)
        if "parameters" in cell.metadata.get("tags", []):
            unknown = set(changes) - set(names)
            assert not unknown
            names |= changes
    plt.close("all")
    return names


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["one_gpu", "paper"])
def test_a_tiny_twin_of_each_preset_goes_through_the_chapters(twin, variant):
    changes = {"train_examples": 4, "tokens_per_frame": 4, "device": "cpu", "precision": "float32"}
    for chapter in ("03_finetune", "04_evaluate"):
        given = yaml.safe_load((ROOT / "params" / f"{chapter}.{variant}.yml").read_text())
        names = run_cells(chapter, **given | changes)
        record = names["record"]
        assert record.preset == given["preset"] and record.lm == given["lm"]
        assert {"align", "finetune"} <= set(record.stages)
    assert len(names["answers"]) == 8 * CLIPS and record.status == "evaluated"


def test_everything_that_is_missing_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run("smollm2-135m", 8, 49, 100)
    place = Place("one-gpu", "cuda", weights=tmp_path / "models", data=tmp_path / "videos")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NotReady) as refused:
        live.train_here(run, place)
    said = str(refused.value)
    assert "\n" not in said and not list(tmp_path.iterdir())
    for part in ("siglip-so400m-14-384", "SmolLM2-135M-Instruct", "no data folder", "no GPU"):
        assert part in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"preset": "huge"}, "preset must be one of mini, one-gpu, paper, got 'huge'"),
        ({"device": "tpu"}, "device must be one of cpu, cuda, got 'tpu'"),
        ({"precision": "int4"}, "precision must be one of , float32, bfloat16, got 'int4'"),
        ({"preset": "paper"}, "preset 'paper' draws no clips: give data"),
    ],
)
def test_a_place_that_is_none_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Place(**given)


def test_a_record_of_a_gpu_names_it(monkeypatch):
    from vvlm_utils.experiment.train import finetune

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    assert finetune.provenance("cuda")["device"] == "NVIDIA H100 80GB HBM3"
    assert finetune.provenance()["device"] == json.loads(json.dumps(finetune.device_name()))
