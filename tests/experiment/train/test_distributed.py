"""Many processes: accelerate's launcher on the CPU, and a cluster's profile."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file

from vvlm_utils.experiment.mini.stages import clip_dataset, load_decoder
from vvlm_utils.experiment.model.model import VideoVLM, make_config
from vvlm_utils.experiment.model.presets import MINI
from vvlm_utils.experiment.paper import run as paper_run
from vvlm_utils.experiment.train import finetune

ROOT = Path(__file__).parents[3]
SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
import torch
from accelerate import PartialState
from accelerate.state import AcceleratorState
from vvlm_utils.experiment.train import finetune
from vvlm_utils.experiment.mini import stages
from vvlm_utils.experiment.mini.sweeps import SWEEPS
from vvlm_utils.experiment.model.presets import MINI

root, folder, counts = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(1)
sweep = replace(SWEEPS["tiny"], root=root, counts=counts)
model = stages.load_decoder("mini-7k", 0, sweep)
data = stages.clip_dataset("train", sweep, 2, 4)
report = finetune.train_stage(model, data, MINI.finetune, folder, 0)
if PartialState().is_main_process:
    report |= {"processes": PartialState().num_processes}
    report |= {"kind": str(AcceleratorState().distributed_type)}
    (folder / "report.json").write_text(json.dumps(report))
"""
LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no"]
LAUNCH += [
    "--multi_gpu"
]  # its launcher starts processes; ACCELERATE_USE_CPU gives them CPUs and gloo


def launch(tiny, folder: Path) -> dict:
    script = folder / "train.py"
    script.write_text(SCRIPT)
    arguments = [str(script), str(tiny.root), str(folder), json.dumps(tiny.counts)]
    ended = subprocess.run(
        [*LAUNCH, "--num_processes", "2", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads((folder / "report.json").read_text())


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(tiny, tmp_path):
    data = clip_dataset("train", tiny, frames=2, tokens_per_frame=4)
    model = load_decoder("mini-7k", 0, tiny)
    alone = finetune.train_stage(model, data, MINI.finetune, tmp_path / "one", 0)
    together = launch(tiny, tmp_path)
    assert together["processes"] == 2 and together["steps"] == alone["steps"]
    assert together["kind"].endswith("MULTI_CPU")  # accelerate shards on accelerators only
    for one, two in zip(alone["curve"], together["curve"], strict=True):
        assert two["step"] == one["step"]
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)


FSDP = ROOT / "profiles" / "accelerate" / "fsdp.yaml"
SHARDED = """
import json, sys
from types import SimpleNamespace
import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_apply_ac, fsdp2_prepare_model
from torch.distributed.fsdp import FSDPModule
from vvlm_utils.experiment.train import finetune
from vvlm_utils.experiment.model.model import VideoVLM, make_config

accelerator = Accelerator(cpu=True, mixed_precision="no")
plugin, main = FullyShardedDataParallelPlugin(), accelerator.is_main_process
torch.manual_seed(0)
whole = VideoVLM(make_config("mini", "mini-40k"))
sharded = VideoVLM(whole.config)
sharded.load_state_dict(whole.state_dict())
# accelerate shards on accelerators only; here its own functions are called with what they read.
as_if = SimpleNamespace(state=SimpleNamespace(fsdp_plugin=plugin), mixed_precision="no",
                        is_main_process=main, device=torch.device("cpu"),
                        process_index=accelerator.process_index)
plugin.set_auto_wrap_policy(sharded)
sharded = fsdp2_prepare_model(as_if, fsdp2_apply_ac(as_if, sharded))
ids = torch.arange(1, 7)[None]
pixels = torch.randn(1, 2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
losses = []
for model in (whole, sharded):
    output = model(ids, labels=ids, pixel_values=pixels, tokens_per_frame=4)
    output.loss.backward()
    losses.append(float(output.loss.detach()))
plain = {name: p.grad for name, p in whole.named_parameters()}
found = {n.replace("_checkpoint_wrapped_module.", ""): p for n, p in sharded.named_parameters()}
gaps = [float((p.grad.full_tensor() - plain[n]).abs().max()) for n, p in found.items()]
finetune.save_whole(sharded, sys.argv[1] + "/saved")
local = sum(p.to_local().numel() for p in found.values())
if main:
    back = VideoVLM.from_pretrained(sys.argv[1] + "/saved").state_dict()
    kept = all(torch.equal(back[n], t) for n, t in whole.state_dict().items())
    units = [type(m).__name__ for m in sharded.modules() if isinstance(m, FSDPModule)]
    report = {"losses": losses, "gap": max(gaps), "local": local, "kept": kept, "units": units,
              "all": sum(p.numel() for p in whole.parameters()), "same": set(found) == set(plain)}
    open(sys.argv[1] + "/report.json", "w").write(json.dumps(report))
"""


def test_accelerate_reads_the_configuration_for_sharding():
    config = load_config_from_file(str(FSDP))
    assert (config.distributed_type.value, config.mixed_precision) == ("FSDP", "bf16")
    settings = config.fsdp_config
    assert settings["fsdp_version"] == 2 and settings["fsdp_activation_checkpointing"]
    wrapped = settings["fsdp_transformer_layer_cls_to_wrap"].split(",")
    assert wrapped == VideoVLM._no_split_modules
    made = VideoVLM(make_config("mini", "mini-7k"))
    assert set(wrapped) <= {type(module).__name__ for module in made.modules()}


@pytest.mark.slow
def test_two_sharded_processes_have_the_gradients_of_one_and_save_its_weights(tmp_path):
    script = tmp_path / "sharded.py"
    script.write_text(SHARDED)
    command = [*LAUNCH[:3], "--config_file", str(FSDP), "--num_processes", "2"]
    command += ["--mixed_precision", "no", str(script), str(tmp_path)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    report = json.loads((tmp_path / "report.json").read_text())
    one, two = report["losses"]
    assert two == pytest.approx(one, rel=1e-6) and report["gap"] < 1e-6
    assert report["local"] == pytest.approx(report["all"] / 2, rel=0.01)
    assert report["same"] and report["kept"]
    wraps = report["units"].count("FSDPCheckpointWrapper")  # each is checkpointed, and a unit
    assert wraps == report["units"].count("FSDPLlamaDecoderLayer") + 2 == 5


@pytest.mark.parametrize(("processes", "accumulate"), [(3, 1), (16, 1), (2, 8)])
def test_a_batch_that_does_not_divide_is_refused(processes, accumulate):
    with pytest.raises(ValueError, match=f"batch 8 does not divide into {processes} processes"):
        finetune.split_batch(8, processes, accumulate)


def plan_on_slurm(tmp_path, target: str, *config: str) -> str:
    for name in ("Snakefile", "rules", "_toc.yml", "notebooks", "params", "vvlm_utils", "profiles"):
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "snakemake", target, "--profile", "profiles/slurm"]
    command += ["--dry-run", "--printshellcmds", "--config", *config]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout + ended.stderr


def test_the_slurm_profile_plans_the_whole_sweep_with_gpus(tmp_path):
    said = plan_on_slurm(tmp_path, "sweep", "sweep=mini", "table=mine.csv")
    counts = dict(re.findall(r"^(tower|features|decoder|runs)\s+(\d+)$", said, re.M))
    assert counts == {"tower": "1", "features": "3", "decoder": "27", "runs": "27"}
    assert said.count("gpu=1") == 1 + 3 + 27 + 27
    assert "slurm_partition=gpu" in said


def test_the_graph_holds_the_papers_87_runs_each_launched_on_its_gpus(tmp_path):
    said = plan_on_slurm(tmp_path, "paper", "videos=v", "images=i", "weights=w", "gpus=4")
    counts = dict(re.findall(r"^(paper_join|paper_align|paper_run)\s+(\d+)$", said, re.M))
    assert counts == {"paper_join": "3", "paper_align": "3", "paper_run": "87"}
    assert said.count("gpu=4") == 3 + 87
    commands = [line for line in said.splitlines() if "paper.run finetune" in line]
    assert len(commands) == 87
    for words in map(shlex.split, commands):
        own = words[words.index("vvlm_utils.experiment.paper.run") + 1 :]
        assert words[words.index("--num_processes") + 1] == "4"
        job = paper_run.as_job(paper_run.parse(own))
        assert (str(job.data), job.index.name) == ("v", "mixture.json")
