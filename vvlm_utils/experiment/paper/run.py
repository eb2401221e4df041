"""One run at the paper's scale, in three steps that meet at folders.

    join      pretrained tower + pretrained decoder -> one model with a fresh projector
    align     the projector learns on images, all else frozen (Table 4, first column)
    finetune  everything learns on n video conversations at one x (Table 4, second column)

Model, loader and trainer are those of the mini experiment; the preset tells them apart. Nothing is
downloaded: weights and data are folders, and what is missing is named with the way to get it before
anything is loaded. On the GPUs of a node:

    accelerate launch --config_file profiles/accelerate/fsdp.yaml --num_processes 8 \
        -m vvlm_utils.experiment.paper.run finetune --run star-7.5B-32x196-n1M \
        --start models/llama-3.1-8b-aligned --data videos --index mixture.json --out runs/first

A step that was killed resumes from its last whole checkpoint when the same command is given again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import transformers
from accelerate import PartialState
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, SiglipVisionModel

from vvlm_utils.cost.training import training_memory
from vvlm_utils.experiment.mini.records import RunRecord, write_record
from vvlm_utils.experiment.model.counting import count_params
from vvlm_utils.experiment.model.instructions import InstructionDataset, read_instructions
from vvlm_utils.experiment.model.model import VideoVLM, VideoVLMConfig
from vvlm_utils.experiment.model.presets import PRECISIONS, PRESETS, Preset, Stage, get_preset
from vvlm_utils.experiment.paper.plan import published_run
from vvlm_utils.experiment.train import finetune
from vvlm_utils.files import whole_folder
from vvlm_utils.locks import only_writer

SOURCES = {  # where the paper's parts are published
    "siglip-so400m-14-384": "google/siglip-so400m-patch14-384",
    "llama-3.2-1b": "meta-llama/Llama-3.2-1B-Instruct",
    "llama-3.2-3b": "meta-llama/Llama-3.2-3B-Instruct",
    "llama-3.1-8b": "meta-llama/Llama-3.1-8B-Instruct",
    "smollm2-135m": "HuggingFaceTB/SmolLM2-135M-Instruct",
}
ALIGN_TOKENS = 196  # tokens of an image while the projector learns; the paper does not say
USABLE = 0.9  # of a GPU's memory; the rest is for buffers and fragments
CHECKPOINTS = 8  # a run
RECORD = "record.json"  # written last, so a folder that holds it is finished


class NotReady(ValueError):
    """A run that would fail: names everything that is missing, and how to get it."""


@dataclass(frozen=True)
class Job:
    """What one step of one run reads, does and writes."""

    step: str  # align or finetune
    preset: str
    lm: str
    frames: int
    tokens_per_frame: int
    examples: int | None  # None: all
    start: Path
    data: Path
    index: Path
    out: Path
    seed: int = 0
    device: str = "cuda"
    accumulate: int | None = None  # None: as many parts as the memory asks for
    workers: int = 0
    precision: str = ""  # the preset's own without it

    @property
    def stage(self) -> Stage:
        """Settings of Table 4, or of the mini preset."""
        chosen = PRESETS[self.preset]
        return chosen.align if self.step == "align" else chosen.finetune


def weights_missing(folder: Path, name: str) -> str:
    """Why a folder holds no weights that can be loaded, with the way to get them; "" if it does."""
    if (folder / "config.json").is_file() and list(folder.glob("*.safetensors")):
        return ""
    source = SOURCES.get(name)
    how = f"hf download {source} --local-dir {folder}" if source else "save the model there"
    return f"{folder} holds no config.json with .safetensors of {name}: {how}"


def shape_differs(config: VideoVLMConfig, preset: Preset, lm: str) -> str:
    """Why a model is not the one that was asked for; "" if it is."""
    decoder, tower = preset.decoders[lm], preset.tower
    text, vision = config.text_config, config.vision_config
    wanted = {
        "decoder width": (text.hidden_size, decoder.hidden),
        "decoder layers": (text.num_hidden_layers, decoder.layers),
        "vocabulary": (text.vocab_size, decoder.vocabulary),
        "tower width": (vision.hidden_size, tower.hidden),
        "tower layers": (vision.num_hidden_layers, tower.layers),
        "image size": (vision.image_size, tower.image),
    }
    wrong = [
        f"{name} {has} instead of {want}" for name, (has, want) in wanted.items() if has != want
    ]
    return ", ".join(wrong)


def memory_of(job: Job, gpus: int, examples: int = 1) -> float:
    """Bytes that each of ``gpus`` GPUs needs to read ``examples`` at a time."""
    preset, decoder = get_preset(job.preset, job.lm)
    shape = (decoder, job.frames, job.tokens_per_frame, gpus)
    return training_memory(*shape, tower=preset.tower, examples=examples).total_bytes


def memory_missing(job: Job, gpus: int, bytes_each: float) -> str:
    """Why the model in training does not fit on ``gpus`` GPUs, with a number that does."""
    usable, needs = USABLE * bytes_each, memory_of(job, gpus)
    if needs <= usable:
        return ""
    enough = next((k for k in range(gpus + 1, 513) if memory_of(job, k) <= usable), None)
    mend = f"start {enough} processes" if enough else "take GPUs with more memory, or fewer tokens"
    return (
        f"{job.lm} at {job.frames} x {job.tokens_per_frame} needs {needs / 1e9:.1f} GB on "
        f"each of {gpus} GPUs, which have {usable / 1e9:.1f} GB to use: {mend}"
    )


def parts_that_fit(job: Job, gpus: int, bytes_each: float) -> int:
    """The fewest parts in which a GPU can read its share of a step.

    >>> here = dict.fromkeys(("start", "data", "index", "out"), Path("."))
    >>> job = Job("finetune", "paper", "llama-3.1-8b", 32, 196, 1_000_000, **here)
    >>> parts_that_fit(job, 8, 80e9), 256 // 8 // parts_that_fit(job, 8, 80e9)
    (4, 8)
    """
    share = finetune.split_batch(job.stage.batch, gpus)
    fitting = [
        parts
        for parts in range(1, share + 1)
        if share % parts == 0 and memory_of(job, gpus, share // parts) <= USABLE * bytes_each
    ]
    return min(fitting, default=share)


def device_missing(job: Job, gpus: int) -> str:
    """Why the device cannot do the job; "" if it can."""
    if job.device == "cpu":
        return ""
    if not torch.cuda.is_available():
        return "no GPU is visible to torch: ask for one (make gpu-check), or --device cpu with mini"
    return memory_missing(job, gpus, torch.cuda.mem_get_info()[1])


def check_ready(job: Job, gpus: int = 1) -> list[dict]:
    """The records of a job that has everything it needs; looks at no weight and no video's inside.

    Raises NotReady, naming all that is missing in one line.
    """
    get_preset(job.preset, job.lm)
    missing = [weights_missing(job.start, f"{job.lm}, joined or aligned")]
    if not missing[0]:
        config = VideoVLMConfig.from_pretrained(job.start)
        differs = shape_differs(config, PRESETS[job.preset], job.lm)
        missing.append(f"{job.start} is not {job.lm}: {differs}" if differs else "")
    records: list[dict] = []
    if not job.data.is_dir():
        missing.append(f"there is no data root {job.data}: fetch the subsets (book/cluster.md)")
    else:
        try:
            records = read_instructions(job.index, job.data, job.examples)
        except ValueError as wrong:
            missing.append(str(wrong))
    missing.append(device_missing(job, gpus))
    if found := [reason for reason in missing if reason]:
        raise NotReady("; ".join(found))
    return records


def join(preset: str, lm: str, weights: Path, out: Path, seed: int = 0) -> Path:
    """Put a pretrained tower and decoder together with a fresh projector; returns the folder.

    weights : holds a folder for the preset's tower and one for ``lm``, each by its name
    Raises NotReady for weights that are missing or of another shape.
    """
    chosen, _ = get_preset(preset, lm)
    parts = {name: weights / name for name in (chosen.tower.name, lm)}
    if found := [why for name, folder in parts.items() if (why := weights_missing(folder, name))]:
        raise NotReady("; ".join(found))
    kept = getattr(torch, chosen.dtype)
    headless = {"vision_use_head": False}  # the features are taken before the pooling head
    tower = SiglipVisionModel.from_pretrained(parts[chosen.tower.name], dtype=kept, **headless)
    decoder = LlamaForCausalLM.from_pretrained(parts[lm], dtype=kept)
    own = {"antialias": chosen.antialias, "projector": chosen.projector}
    config = VideoVLMConfig(tower.config, decoder.config, **own, preset=preset, lm=lm)
    if differs := shape_differs(config, chosen, lm):
        raise NotReady(f"{weights} does not hold the {preset} preset's {lm}: {differs}")
    torch.manual_seed(seed)
    with torch.device("meta"):
        model = VideoVLM(config)
    model.tower, model.decoder = tower, decoder
    model.projector = model.projector.to_empty(device="cpu").to(kept)
    for layer in model.projector:
        if isinstance(layer, torch.nn.Linear):
            layer.reset_parameters()
    model.tie_weights()
    with whole_folder(out) as new:
        model.save_pretrained(new)
        PreTrainedTokenizerFast.from_pretrained(parts[lm]).save_pretrained(new)
    return out


def train(job: Job, records: list[dict]) -> RunRecord:
    """Do a checked job: leaves the model, its tokenizer and its record in ``out``.

    Raises TrainingFailed, and VideoError for a file that cannot be decoded.
    """
    preset, use_cpu = PRESETS[job.preset], job.device == "cpu"
    preset = replace(preset, dtype=job.precision or preset.dtype)
    parts = job.accumulate or 1
    if not (use_cpu or job.accumulate):
        parts = parts_that_fit(job, world_size(), torch.cuda.mem_get_info()[1])
    machine = finetune.machine_of(preset, use_cpu, parts, job.workers)
    model = VideoVLM.from_pretrained(job.start, dtype=torch.float32)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(job.start)
    design = (job.frames, job.tokens_per_frame, model.config.vision_config.image_size)
    data = InstructionDataset(records, job.data, tokenizer, *design)
    every = max(1, job.stage.epochs * len(data) // job.stage.batch // CHECKPOINTS)
    record = new_record(job, len(data), model)
    scratch = job.out / "trainer"
    report = finetune.train_stage(model, data, job.stage, scratch, job.seed, every, machine)
    finetune.save_whole(model, job.out)
    record.stages[job.step], record.status = report, "trained"
    if PartialState().is_main_process:
        tokenizer.save_pretrained(job.out)
        write_record(record, job.out / RECORD)
        shutil.rmtree(scratch, ignore_errors=True)
    return record


def new_record(job: Job, examples: int, model: VideoVLM) -> RunRecord:
    """The record of a job that begins."""
    settings = {"stage": asdict(job.stage), "start": str(job.start), "index": str(job.index)}
    return RunRecord(
        preset=job.preset,
        lm=job.lm,
        lm_params=PRESETS[job.preset].decoders[job.lm].params,
        frames=job.frames,
        tokens_per_frame=job.tokens_per_frame,
        train_examples=examples,
        seed=job.seed,
        draw=0,
        settings=settings,
        counts={"params": count_params(model)},
        provenance=finetune.provenance(job.device),
    )


def world_size() -> int:
    """Processes that the launcher started."""
    return int(os.environ.get("WORLD_SIZE", 1))


def do(job: Job) -> None:
    """Check a job, take its output's lock in one process, and train; a finished one is left."""
    if (job.out / RECORD).exists():
        return
    records = check_ready(job, world_size())
    finetune.split_batch(job.stage.batch, world_size(), job.accumulate or 1)
    if int(os.environ.get("RANK", 0)):
        train(job, records)
        return
    with only_writer(job.out):
        train(job, records)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["join", "align", "finetune"])
    parser.add_argument("--preset", choices=tuple(PRESETS), default="paper")
    parser.add_argument("--run", help="a run of the paper: sets LM, frames, tokens, examples")
    parser.add_argument("--lm", help="decoder, by its name in the preset")
    parser.add_argument("--frames", type=int, help="x_T (1 when aligning on images)")
    parser.add_argument("--tokens-per-frame", type=int, help="x_V, a perfect square")
    parser.add_argument("--examples", type=int, help="n, the first of the index; all without it")
    parser.add_argument("--weights", type=Path, help="join: folder of the tower and the decoders")
    parser.add_argument("--start", type=Path, help="the joined model to align, or the aligned one")
    parser.add_argument("--data", type=Path, help="root of the videos or images")
    parser.add_argument("--index", type=Path, help="JSON list of conversations about them")
    parser.add_argument("--out", type=Path, required=True, help="folder that the model goes to")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument(
        "--accumulate",
        type=int,
        help="parts of a process's share of a step; chosen by memory without it",
    )
    parser.add_argument("--workers", type=int, default=0, help="decoding processes a trainer")
    parser.add_argument("--precision", choices=PRECISIONS, default="", help="not the preset's")
    return parser.parse_args(arguments)


def as_job(a: argparse.Namespace) -> Job:
    """The job of a command line.

    Raises ValueError naming the options that are missing.
    """
    given = {n: getattr(a, n) for n in ("lm", "frames", "tokens_per_frame", "examples")}
    if a.step == "align":
        given |= {"frames": a.frames or 1, "tokens_per_frame": a.tokens_per_frame or ALIGN_TOKENS}
    if a.run:
        given = published_run(a.run)
    given |= {name: getattr(a, name) for name in ("start", "data", "index", "out")}
    missing = [name for name, value in given.items() if value is None and name != "examples"]
    if missing:
        named = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise ValueError(f"{a.step} needs {named}" + (" (or --run)" if "lm" in missing else ""))
    rest = ("step", "preset", "seed", "device", "accumulate", "workers", "precision")
    return Job(**given, **{name: getattr(a, name) for name in rest})


def main() -> None:
    """Do one step; a refused one is one line and exit code 2."""
    a = parse()
    transformers.utils.logging.disable_progress_bar()
    try:
        if a.step != "join":
            do(as_job(a))
        elif not (a.lm and a.weights):
            raise ValueError("join needs --lm and --weights")
        else:
            with only_writer(a.out):
                join(a.preset, a.lm, a.weights, a.out, a.seed)
    except (ValueError, finetune.TrainingFailed, OSError, json.JSONDecodeError) as refused:
        print(f"paper_run: {refused}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
