"""What a clip costs on a served model, and the flags that say so to the server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated

import typer

from vvlm_utils.cli.common import app
from vvlm_utils.cli.options import Json

MANY = 10**7  # of tokens or devices: more is a slip
LIST = "list"


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="A model by name, or 'list' for all of them.")],
    duration: Annotated[float, typer.Option(help="Seconds of the clip.")] = 10.0,
    resolution: Annotated[str, typer.Option(help="Pixels of the clip.")] = "1280x720",
    source_fps: Annotated[float, typer.Option(help="Frames per second of the file.")] = 30.0,
    fps: Annotated[float | None, typer.Option(help="Frames read per second.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames read in all, x_T.")] = None,
    tokens_per_frame: Annotated[
        float | None, typer.Option(help="With --frames: find the flags that give this x_V.")
    ] = None,
    min_pixels: Annotated[int | None, typer.Option(help="The processor's shortest_edge.")] = None,
    max_pixels: Annotated[int | None, typer.Option(help="The processor's longest_edge.")] = None,
    pruning_rate: Annotated[float, typer.Option(help="vLLM's --video-pruning-rate.")] = 0.0,
    cap_pixels: Annotated[
        bool, typer.Option("--cap-pixels", help="transformers' cap_pixels_per_frame=True.")
    ] = False,
    prompt_tokens: Annotated[int, typer.Option(min=0, max=MANY, help="Of the question.")] = 50,
    answer_tokens: Annotated[int, typer.Option(min=0, max=MANY, help="Of the answer.")] = 100,
    accelerator: Annotated[str, typer.Option(help="A device by name.")] = "h100-sxm",
    devices: Annotated[int, typer.Option(min=1, max=MANY, help="Number that share a model.")] = 1,
    price: Annotated[float | None, typer.Option(help="Dollars for one device and hour.")] = None,
    utilisation: Annotated[float, typer.Option(help="Share of both peaks reached.")] = 1.0,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores that decode video.")] = 8,
    decode_rate: Annotated[
        float | None, typer.Option(help="Pixels a core decodes per second: `make decode-rate`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tokens, memory, least seconds and dollars of a clip on a served model, and its flags.

    Times are least ones: a roofline at the share of both peaks that --utilisation says.

    Example: vvlm serve qwen3-vl-8b --duration 10 --accelerator l4 --price 0.8

    Example: vvlm serve qwen3-vl-8b --duration 90 --frames 32 --tokens-per-frame 100

    Example: vvlm serve list
    """
    if model == LIST:
        return show_list(as_json)

    from vvlm_utils.cost.catalogue import get_model
    from vvlm_utils.cost.clips import Clip, Flags, read_resolution
    from vvlm_utils.cost.flags import find_flags
    from vvlm_utils.cost.served import DECODE_RATE, Server, price_clip
    from vvlm_utils.cost.serving import get_accelerator

    chosen = get_model(model)
    clip = Clip(duration, *read_resolution(resolution), source_fps)
    bounds = {"min_pixels": min_pixels, "max_pixels": max_pixels}
    flags, notes = Flags(fps, frames, **bounds, pruning=pruning_rate, cap=cap_pixels or None), ()
    if tokens_per_frame is not None:
        if frames is None or any([fps, *bounds.values(), pruning_rate, cap_pixels]):
            raise ValueError(
                "--tokens-per-frame finds the other flags: give it with --frames alone"
            )
        found = find_flags(chosen, clip, frames, tokens_per_frame)
        flags, notes = found.flags, found.notes
    hardware = get_accelerator(accelerator, devices)
    rate = DECODE_RATE if decode_rate is None else decode_rate
    server = Server(hardware, devices, price, utilisation, cores, rate)
    answer = price_clip(chosen, clip, flags, server, prompt_tokens, answer_tokens)
    if answer.tokens.frames_read > clip.total_frames + 1:
        read, there = answer.tokens.frames_read, clip.total_frames
        notes = (*notes, f"{read:,} frames are read of a clip that has {there:,}: many twice")
    if chosen.rule.cap_tokens and tokens_per_frame is None:
        notes = (*notes, other_default(chosen, clip, flags, answer.tokens))
    if chosen.bounds_source.startswith("the defaults of"):
        notes = (*notes, f"the bounds of pixels are {chosen.bounds_source}")
    if as_json:
        print(json.dumps(as_record(answer), indent=1))
        return None
    print(describe(chosen, clip, flags, server, answer, prompt_tokens, answer_tokens))
    for text in notes:
        print(f"note: {text}")
    return None


def other_default(model, clip, flags, tokens) -> str:
    """What transformers counts under the other value of ``cap_pixels_per_frame``."""
    from vvlm_utils.cost.tokens import count_tokens

    other = count_tokens(model.rule, clip, replace(flags, cap=not flags.cap, pruning=0.0))
    return (
        f"with cap_pixels_per_frame={not flags.cap} transformers gives {other.visual_tokens:,} "
        f"visual tokens, here {tokens.visual_tokens:,}; 5.23 does not cap, and says that a later "
        "version will"
    )


def as_record(answer) -> dict:
    """The answer as JSON has it."""
    tokens, cost = answer.tokens, answer.cost
    return {
        "frames_read": tokens.frames_read,
        "frames_encoded": tokens.frames_encoded,
        "tokens_per_frame": tokens.tokens_per_frame,
        "visual_tokens": tokens.visual_tokens,
        "prompt_tokens": answer.prompt_tokens,
        "vision_flops": float(cost.vision_flops),
        "lm_flops": float(cost.lm_flops),
        "total_flops": float(cost.total_flops),
        "weight_bytes": answer.weight_bytes,
        "kv_bytes": answer.kv_bytes,
        "seconds": answer.seconds,
        "videos_per_hour": answer.videos_per_hour,
        "dollars_per_million": answer.dollars_per_million,
    }


def describe(model, clip, flags, server, answer, prompt_tokens, answer_tokens) -> str:
    """The answer in lines, with those to paste."""
    from vvlm_utils.cost.flags import transformers_lines, vllm_line
    from vvlm_utils.cost.served import MEMORY_SHARE

    tokens, cost, hardware = answer.tokens, answer.cost, server.accelerator
    share = cost.vision_flops / cost.total_flops
    device = f"{MEMORY_SHARE:.0%} of {hardware.name}'s {hardware.memory_bytes / 1e9:g} GB"
    context = answer.prompt_tokens + answer_tokens
    rows = {
        "model": f"{model.name}, {model.params / 1e9:.2f}B parameters "
        f"({model.decoder.active_params / 1e9:.2f}B of the LM met by a token)",
        "clip": f"{clip.duration:g} s of {clip.width}x{clip.height}: {tokens.frames_read} frames "
        f"read, {tokens.frames_encoded} slices of {tokens.grid[0]}x{tokens.grid[1]} patches seen",
        "tokens": f"{tokens.tokens_per_frame:g} per frame, {tokens.visual_tokens:,} visual, about "
        f"{tokens.marker_tokens} around them, {prompt_tokens} of the question: "
        f"{answer.prompt_tokens:,} read",
        "TFLOPs": f"{cost.total_flops / 1e12:.4g}: {cost.vision_flops / 1e12:.4g} to encode "
        f"({share:.0%}), {cost.lm_flops / 1e12:.4g} of the LM",
        "memory": f"{answer.weight_bytes / 1e9:.1f} GB of weights, {answer.kv_bytes / 1e9:.3g} GB "
        f"of cache per video: {answer.batch} at once in {device}",
        "seconds": f"{answer.first_token_seconds:.3g} to the first token, {answer.seconds:.3g} for "
        f"one video, {answer.batch_seconds:.3g} for {answer.batch} at once; "
        f"{answer.decode_seconds:.3g} of one CPU core to decode the file",
        "per hour": f"{answer.videos_per_hour:,.0f} videos, bound by the {answer.limit}",
    }
    if answer.dollars_per_million is not None:
        rows["dollars"] = f"{answer.dollars_per_million:,.0f} per million videos"
    lines = [f"{name:9} {text}" for name, text in rows.items()]
    pasted = transformers_lines(model, flags, clip).splitlines()
    lines += ["", vllm_line(model, flags, server.devices, context, clip), "", *pasted, ""]
    return "\n".join(lines)


def show_list(as_json: bool) -> None:
    """Every model, family by family."""
    from vvlm_utils.cost.catalogue import families

    models = [model for family in families().values() for model in family]
    if as_json:
        keys = ("name", "family", "checkpoint", "params", "date", "source", "bounds_source")
        print(json.dumps([{key: getattr(m, key) for key in keys} for m in models], indent=1))
        return
    for m in models:
        sizes = f"{m.params / 1e9:7.2f}B stored {m.decoder.active_params / 1e9:6.2f}B met"
        print(f"{m.name:22}{sizes}  {m.date}  {m.checkpoint}")
