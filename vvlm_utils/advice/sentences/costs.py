"""What the chapters on cost say of their tables: chapters 1, 12 and 13."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.sentences.words import say_list, say_more, say_number, say_part
from vvlm_utils.text import short_count

ALIKE = 1.1  # amounts within this ratio of one another are called nearly the same
SMALL_SHARE = 0.1  # a part below this share is called small


def say_half(share: float) -> str:
    """Which of the two parts of a price is the larger, from the encoder's share.

    >>> say_half(0.7), say_half(0.5), say_half(0.1)
    ('the larger part', 'half', 'the smaller part')
    """
    return (
        "half" if round(share, 2) == 0.5 else f"the {'larger' if share > 0.5 else 'smaller'} part"
    )


def say_overspent(accepted: int, overspent: int, worst: float) -> str:
    """What a count of the LM alone accepts at a budget, and how far that overspends.

    accepted, overspent : designs that it accepts, and those of them above the budget
    worst : the largest true cost among them, over the budget
    """
    if accepted == 0:
        return "The LM-only count accepts no design at this budget."
    if overspent == 0:
        return f"Of the {accepted:,} designs that the LM-only count accepts, none overspends."
    share = overspent / accepted
    part = f"{share:.0%}" if share >= 0.005 else "less than 1%"
    return (
        f"Of the {accepted:,} designs that the LM-only count accepts at this budget, "
        f"{part} overspend it, the worst {worst:.1f} times."
    )


def say_afforded(
    budget_tflops: float, lm_params: float, tokens: float, true: float, believed: float
) -> str:
    """How many frames a budget buys, and how many it seems to buy when the encoder is forgotten.

    tokens : per frame
    true, believed : FLOPs of one frame, with the encoder and without
    """
    frames, seeming = (int(budget_tflops * 1e12 // cost) for cost in (true, believed))
    size = short_count(float(f"{lm_params:.3g}"))
    first = f"For {budget_tflops:g} TFLOPs per video, a model of {size}"
    if seeming == 0:
        return f"{first} cannot read a single frame of {tokens:g} tokens."
    read = f"reads at most {frames:,}" if frames else "cannot encode and read even one"
    kind = "frames" if frames > 1 else "frame"
    seem = f"{seeming:,} would seem possible without the encoder in the count"
    if frames == seeming:
        seem = "the encoder does not change that number"
    return f"{first} {read} {kind} of {tokens:g} tokens; {seem}."


def say_bills(by_size: pd.DataFrame) -> str:
    """Whether the largest costs depend on the LM, and what they are spent on.

    by_size : a row per LM with "largest true cost, TFLOPs" and "of it the encoder"
    """
    bills, encoder = by_size["largest true cost, TFLOPs"], by_size["of it the encoder"]
    if bills.min() <= 0:
        return "At this budget the count accepts no design of some LM size."
    alike = bills.max() / bills.min() <= ALIKE
    share = float((encoder / bills).min())
    first = "The largest costs are nearly the same for every LM size"
    if not alike:
        ends = f"The largest cost, with {bills.idxmax()}, is {bills.max() / bills.min():.1f} times"
        first = f"{ends} that with {bills.idxmin()}"
    if share > 0.5:
        return f"{first}, and most of each is spent on encoding frames."
    most = int((encoder / bills > 0.5).sum())
    part = say_part(most, len(bills), "LM sizes")
    return f"{first}; encoding frames takes most of it for {part}."


def say_worst(worst: float) -> str:
    """How expensive a design a count without the encoder accepts; ``worst`` over the budget.

    >>> say_worst(7.2), say_worst(1.0)
    ('accepts designs that cost up to 7.2 times the budget', 'accepts none above the budget here')
    """
    if worst <= 1:
        return "accepts none above the budget here"
    return f"accepts designs that cost up to {worst:.1f} times the budget"


def say_deployment(ratio: float, even_days: float, days: float) -> str:
    """Inference compute over finetuning compute, and when the two are equal."""
    when = f"{24 * even_days:.1f} hours" if even_days < 2 else f"{say_number(even_days)} days"
    first = f"the ratio is {say_number(ratio)}"
    if even_days <= days:
        return f"{first}: inference has caught up with finetuning after {when}"
    lasts = f"and the service lasts {say_number(days)}"
    return f"{first}: inference would catch up with finetuning after {when}, {lasts}"


def say_curves_above(ratios: pd.DataFrame) -> str:
    """When the lines of :func:`plot_deployment` cross one; a description for who cannot see it.

    ratios : columns days, train_examples, ratio
    """
    first = ratios[ratios["ratio"] >= 1].groupby("train_examples")["days"].min()
    every = ratios["train_examples"].unique()
    lines = f"{len(every)} parallel rising lines on logarithmic axes"
    if first.empty:
        return f"{lines}, all below one throughout."
    ends = f"from {say_number(first.min())} to {say_number(first.max())} days"
    if len(first) < len(every):
        return f"{lines}; {say_part(len(first), len(every), 'lines')} cross one, {ends}."
    return f"{lines}; all cross one, {ends} after the start."


def say_decoder(name: str, params: float, lm_params: float, near: float) -> str:
    """Which catalogued decoder stands for an LM size.

    near : the relative distance up to which it is taken for that size itself
    """
    if abs(params / lm_params - 1) <= near:
        return f"{name}, the catalogued decoder of that size,"
    return (
        f"{name} of {short_count(float(f'{params:.3g}'))} parameters, the nearest in the catalogue "
        f"to {short_count(float(f'{lm_params:.3g}'))},"
    )


def say_exact(exact_tflops: float, equation_tflops: float, attention: float) -> str:
    """The full count of a design beside Equation 1; ``attention`` is its share of the former."""
    return (
        f"{say_number(exact_tflops)} TFLOPs, {say_more(exact_tflops / equation_tflops)} Equation 1 "
        f"says; attention alone is {attention:.0%} of it"
    )


def say_answer(share: float) -> str:
    """What a hundred tokens of answer are of the FLOPs."""
    said = f"A hundred tokens of answer are {share:.1%} of the FLOPs"
    if share < SMALL_SHARE:
        return f"{said}: for answers of this length the prefill is most of the cost."
    return f"{said}: for this design the answer is a considerable part of the cost."


def say_further(further: float, first: float, of_half: float) -> str:
    """What a further question costs, and how much of that half the frames would leave.

    further, first : TFLOPs of a further question and of the first
    of_half : the price of a further question with half the frames, over ``further``
    """
    count = int(np.ceil(first / further))
    if of_half > 1 - SMALL_SHARE:
        whose = "it depends on the LM and on the text, hardly on the video"
    else:
        whose = "attention to the video is a part of the cost"
    cost = f"A further question costs {say_number(further)} TFLOPs, {further / first:.1%}"
    return (
        f"{cost} of the first; {count:,} of them cost as much as the first. "
        f"With half the frames it still costs {of_half:.0%} of that: {whose}."
    )


BUSY = {
    "encode": "encoding",
    "read video": "reading the video",
    "read question": "reading a question",
}


def say_passes(points: pd.DataFrame, ridge: float) -> str:
    """Which passes keep the arithmetic of a device busy, and what writing leaves idle.

    points : columns work, videos, intensity (FLOPs per byte, NaN where nothing is done); one and
        more videos side by side
    ridge : FLOPs per byte above which the arithmetic binds
    """
    points = points.dropna(subset="intensity")
    alone = points[points["videos"] == 1].set_index("work")["intensity"]
    busy = [said for work, said in BUSY.items() if alone.get(work, 0) >= ridge]
    idle = [said for work, said in BUSY.items() if 0 < alone.get(work, 0) < ridge]
    said = []
    if busy:
        said.append(f"For one video the arithmetic binds in {say_list(busy)}: seconds follow FLOPs")
    if idle:
        said.append(f"the memory's bandwidth binds in {say_list(idle)}")
    text = "; ".join(said) + "." if said else ""
    many = points["videos"].max()
    write = points[points["work"] == "write"].set_index("videos")["intensity"]
    if write.empty:
        return text
    text += (
        f" Writing does {say_number(write[1])} FLOPs for each byte, where the device could do "
        f"{ridge:.0f}: the weights are read again for every token of every answer."
    )
    end = "still leaves the arithmetic idle" if write[many] < ridge else "keeps the arithmetic busy"
    return (
        f"{text} {many} videos side by side share that reading and do "
        f"{say_number(write[many])} FLOPs for each byte, which {end}."
    ).strip()


def say_writing(flops: float, seconds: float) -> str:
    """What writing the answers is of the FLOPs and of the seconds, two shares."""
    if flops == seconds == 0:
        return "nothing, since no answer is written here"
    if seconds > 2 * flops:
        end = "a budget in FLOPs misses most of the time that an answer takes"
    else:
        end = "for this service FLOPs predict the time of writing about as well as that of reading"
    return f"{flops:.1%} of the FLOPs and {seconds:.0%} of the seconds: {end}"


def say_worth(dollars: Mapping[str, float], own: str) -> str:
    """What an hour of other devices is worth in hours of the chosen one, for one service.

    dollars : price of a million videos by device, for each dollar that an hour costs
    """
    worth = (dollars[own] / pd.Series(dollars)).drop(own)
    low, high = worth.idxmin(), worth.idxmax()
    return (
        f"an hour of {low} does the work of {worth[low]:.2f} hours of {own}, and an hour of {high} "
        f"that of {worth[high]:.2f}; a device is the better choice where its price per hour, "
        f"over that of {own}, is below this number"
    )


def say_budget(
    budget_tflops: float, device: str, utilisation: float, seconds: float, devices: float
) -> str:
    """What a budget per video means for a service of a billion videos a month.

    seconds : that one device needs for the budget
    devices : that a billion videos in thirty days keep busy
    """
    hours = 1e9 * seconds / 3600
    return (
        f"At {utilisation:.0%} of its peak, one {device} spends {say_number(seconds)} s on "
        f"{say_number(budget_tflops)} TFLOPs; a billion videos a month keep "
        f"{int(np.ceil(devices)):,} of them busy, for {say_number(hours)} device-hours"
    )


def say_hours(hours: pd.Series, gpu: str) -> str:
    """The cheapest and the most expensive run, in hours of a GPU."""
    low, high = hours.min(), hours.max()
    return f"from {say_number(low)} to {say_number(high)} hours of {gpu}"


def say_implied(implied: float, at_40: float) -> str:
    """What the stated hours mean as a utilisation, and what they would be at 40% of the peak.

    implied : utilisation if the counted runs had filled the stated hours
    at_40 : the counted runs' hours at 40%, over the stated ones
    """
    said = f"At 40% of the peak the published runs would take {at_40:.0%} of the stated hours"
    if implied > 1:
        return f"No GPU works at {implied:.0%} of its peak: for these texts the count is too high."
    if implied >= 0.3:
        return f"{implied:.1%} is a usual value for a training run. {said}."
    return f"{implied:.1%} is low for a training run. {said}."


def say_fits(fits: Mapping[str, int], decoders: Sequence[str], counts: Sequence[int]) -> str:
    """How many GPUs each decoder needs before a run fits.

    fits : the smallest number that holds a decoder, for those that some number holds
    counts : the numbers of GPUs that were tried
    """
    said = [
        f"{name} needs {fits[name]}" if name in fits else f"{name} more than {max(counts)}"
        for name in decoders
    ]
    if all(fits.get(name) == min(counts) for name in decoders):
        return f"every decoder fits {'one' if min(counts) == 1 else min(counts)} of these GPUs"
    return f"{say_list(said)} of these GPUs"
