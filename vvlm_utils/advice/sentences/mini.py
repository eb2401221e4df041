"""What the chapter on the mini experiment says of its tables: chapter 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vvlm_utils.advice.claims.verdict import FAILS
from vvlm_utils.advice.sentences.words import say_list, say_part
from vvlm_utils.text import say_design, say_level, say_name, show_interval

CAUSES = {
    "draw": "the draw of the centre's decoder",
    "level": "the grid of tokens that cuts across the board",
    "joint gain": "what two factors gain together",
}


def say_draws(centre: int, others: int, planned: tuple[int, int]) -> str:
    """How many pretrained decoders there are; planned: of the centre's size, and of the others.

    >>> say_draws(7, 4, (7, 4))
    '7 draws of the decoder at the centre and 4 of every other size'
    >>> say_draws(4, 3, (7, 4)).partition(", ")[2]
    'where the plan has 7 and 4'
    """
    said = f"{centre} draws of the decoder at the centre and {others} of every other size"
    if (centre, others) == tuple(planned):
        return said
    return f"{said}, where the plan has {planned[0]} and {planned[1]}"


def say_noise(sd: Mapping[str, float]) -> str:
    """Which sources of noise are largest; standard deviations by name.

    >>> say_noise({"seed": 0.5, "draw": 1.0})
    'The largest source of noise is the draw (1.0 points), then the seed (0.5)'
    """
    (name, most), *rest = sorted(sd.items(), key=lambda item: -item[1])
    then = "".join(f", then the {other} ({value:.1f})" for other, value in rest)
    return f"The largest source of noise is the {name} ({most:.1f} points){then}"


def say_worth(worth: pd.DataFrame, made_for: Mapping[str, Sequence[str]]) -> str:
    """Whether the families gain most from what they were made for.

    worth : points of error, a row per family and a column per factor
    made_for : family -> one factor, or two
    """
    best = {f: list(worth.loc[f].nlargest(len(own)).index) for f, own in made_for.items()}
    other = {f: names for f, names in best.items() if set(names) != set(made_for[f])}
    count = len(best) - len(other)
    said = f"What a family was made for is what it gains most from in {count} of {len(best)}"
    but = [f"`{f}` gains most from {say_list([say_name(n) for n in o])}" for f, o in other.items()]
    return f"{said}{f'; {say_list(but)}' if but else ''}."


def say_blind(below: pd.Series) -> str:
    """Whether every family errs less than an answer without the clip; standard errors by family."""
    if below.min() > 2:
        return f"Yes: each by {below.min():.0f} standard errors or more in its best design"
    left = say_list([f"`{name}`" for name in below.index[below <= 2]])
    return f"Not all: of {left} no design is two standard errors better"


def say_step(step: Mapping) -> str:
    """A step along an arm of a star, a row of ``runs.arm_steps``."""
    said = f"{say_name(step['factor'])} {say_level(step['below'])} to {say_level(step['up_to'])}"
    at = f" (n = {step['train_examples']:,.0f})"
    return said + ("" if step["factor"] == "train_examples" else at)


def _expected(steps: pd.DataFrame, expected: tuple[str, float]) -> pd.Series:
    return (steps["factor"] == expected[0]) & (steps["up_to"] == expected[1])


def say_rises(steps: pd.DataFrame, expected: tuple[str, float]) -> str:
    """Which steps raise the error, of those that ``runs.arm_steps`` gives.

    expected : the factor and the level of the step that the plan expected to
    """
    sure, foreseen = steps["low"] > 0, _expected(steps, expected)
    said = f"Error rises in {say_part(int((steps['value'] > 0).sum()), len(steps), 'steps')}"
    groups = {"expected": steps[sure & foreseen], "not expected": steps[sure & ~foreseen]}
    found = [
        f"{name}: {say_list([say_step(row) for _, row in rows.iterrows()])}"
        for name, rows in groups.items()
        if len(rows)
    ]
    if not found:
        return f"{said}, and in none with its whole interval."
    return f"{said}, and in {int(sure.sum())} with its whole interval ({'; '.join(found)})."


def judge_c1(word: str, steps: pd.DataFrame, expected: tuple[str, float]) -> str:
    """The word for C1 in this world: any rise but the expected one refutes it.

    word : the verdict by the slopes of the arms
    """
    return FAILS if ((steps["low"] > 0) & ~_expected(steps, expected)).any() else word


def say_c1(word: str, steps: pd.DataFrame, expected: tuple[str, float]) -> str:
    """C1 in this world in a sentence: its word, and the largest rise that nobody expected."""
    said = f"Does every step help (C1)? In this world the claim **{word}**"
    other = steps[(steps["low"] > 0) & ~_expected(steps, expected)]
    if other.empty:
        return f"{said}."
    worst = other.loc[other["value"].idxmax()]
    return f"{said}: the step {say_step(worst)} raises the error by {worst['value']:.1f} points."


def say_doubled(change: pd.Series) -> str:
    """Which families lose and which gain by a step, points by family."""
    worst, best = change.idxmax(), change.idxmin()
    if change[worst] <= 0:
        return "With the fewest examples no family errs more behind the longer prompt."
    said = f"With the fewest examples `{worst}` loses most ({change[worst]:+.0f} points)"
    second = change.drop(worst)
    said += f", then `{second.idxmax()}` ({second.max():+.0f})" if second.max() > 0 else ""
    return f"{said}; `{best}` changes by {change[best]:+.0f}."


def say_long_prompts(steps: pd.DataFrame, centre: Mapping, longest: int) -> str:
    """How many rises of the mean end at more visual tokens than any text of pretraining had."""
    rises = steps[(steps["value"] > 0) & steps["factor"].isin(["frames", "tokens_per_frame"])]
    if rises.empty:
        return "No step in frames or tokens raises the mean error"
    other = rises["factor"].map({"frames": "tokens_per_frame", "tokens_per_frame": "frames"})
    longer = rises["up_to"] * other.map(centre) > longest
    return (
        f"{say_part(int(longer.sum()), len(rises), 'rises').capitalize()} end at more than "
        f"{longest} visual tokens, the most that a text of pretraining held"
    )


def say_sizes(steps: pd.DataFrame, aim: float = 3.0) -> str:
    """How large the steps in LM size are beside their standard errors.

    steps : as ``runs.arm_steps`` gives them, those of LM size
    """
    gains = -steps["in_se"]
    word = "reaches" if gains.mean() >= aim else "misses"
    small = int((gains < aim).sum())
    return (
        f"A step in LM size is worth {gains.mean():.1f} standard errors on average (median "
        f"{gains.median():.1f}), which {word} the aim of {aim:g}; {small} of {len(gains)} steps "
        "lie below it"
    )


def say_joint(gains: Mapping[str, Mapping | None]) -> str:
    """Which factors are worth more with another; per pair value, low and high, or None if not run.

    >>> say_joint({"frames with n": {"value": 4.0, "low": 2.0, "high": 6.0}, "both": None})
    'frames with n: shown, 4.0 points (2.0 to 6.0); both: not run yet'
    """
    said = []
    for name, row in gains.items():
        if row is None:
            said.append(f"{name}: not run yet")
            continue
        word = "shown" if row["low"] > 0 else "contradicted" if row["high"] < 0 else "open"
        interval = show_interval(row["value"], row["low"], row["high"]).replace(" ", " points ", 1)
        said.append(f"{name}: {word}, {interval}")
    return "; ".join(said)


def say_star_moves(gains: Mapping[str, Mapping | None]) -> str:
    """C10 without a law: whether frames and tokens both gain more with more data, as expected.

    gains : as for ``say_joint``; the pairs "frames with n" and "tokens with n" are read
    """
    rows = {f: gains[f"{f} with n"] for f in ("frames", "tokens")}
    yes = [f for f, row in rows.items() if row["low"] > 0]
    no = [f for f, row in rows.items() if row["high"] < 0]
    if len(yes) == 2:
        return "frames and tokens both gain more with more data, as expected."
    said = [f"{say_list(yes)} gain more with more data, as expected"] * bool(yes)
    said += [f"{say_list(no)} gain less, against what was expected"] * bool(no)
    left = [f for f in rows if f not in yes + no]
    said += [f"for {say_list(left)} it is open"] * bool(left)
    return f"{'; '.join(said)}."


def say_opposite(signs: pd.DataFrame) -> str:
    """Whether a computation has the opposite of a sign that was built in; True, False, None."""
    wrong = [
        f"{say_name(factor)} by {name}"
        for name, row in signs.iterrows()
        for factor, sign in row.items()
        if sign is False
    ]
    if not wrong:
        return "No law says the opposite with its whole band."
    return f"The opposite, and so wrong here, is what is said of {say_list(wrong)}."


def say_better(first: str, second: str, r2: pd.Series) -> str:
    """Whether one law predicts better than another in cross-validation, by R²."""
    lead = r2[first] - r2[second]
    word = "better than" if lead > 0.005 else "worse than" if lead < -0.005 else "about as well as"
    return f"`{first}` predicts {word} `{second}` (R² {r2[first]:.3f} and {r2[second]:.3f})"


def say_lost(lost: pd.Series) -> str:
    """What picks lose against the best of those that were measured; points per curve."""
    right = int((lost == 0).sum())
    said = f"The law's pick is the best measured on {say_part(right, len(lost), 'curves')}"
    return f"{said}, and it loses {lost.mean():.1f} points on average and {lost.max():.1f} at most"


def say_words(words: Mapping[float, str]) -> str:
    """One claim's word at several n.

    >>> say_words({4096: "holds", 1024: "holds", 256: "does not hold"})
    'holds at n = 4,096 and 1,024, does not hold at n = 256'
    """
    said = [
        f"{word} at n = {say_list([f'{n:,}' for n, found in words.items() if found == word])}"
        for word in dict.fromkeys(words.values())
    ]
    return ", ".join(said)


def say_gaps(gaps: pd.DataFrame, tuned_at: int) -> str:
    """From which number of frames served the gap lies above zero; columns gap and low.

    tuned_at : frames of the finetuning, where there is no gap
    """
    further = gaps[gaps.index > tuned_at]
    sure = further[further["low"] > 0]
    if sure.empty:
        return "At no number of frames does the whole interval of the gap lie above zero."
    first, last = sure.iloc[0], further.iloc[-1]
    at = say_list([f"{frames:g}" for frames in sure.index])
    return (
        f"The whole interval of the gap lies above zero at {at} "
        f"frames; it is {first['gap']:.1f} points at {sure.index[0]:g} and {last['gap']:.1f} at "
        f"{further.index[-1]:g}."
    )


def say_miss(e_pct: pd.Series, aim: float) -> str:
    """How far laws of the star miss the isoFLOP curves; E% by law, beside the aim."""
    best, worst = e_pct.idxmin(), e_pct.idxmax()
    where = "within" if e_pct[best] <= aim else "beyond"
    return (
        f"E% from the star to the isoFLOP curves is {e_pct[best]:.1f} at best ({best}), {where} "
        f"the aim of {aim:g}, and {e_pct[worst]:.1f} at worst ({worst})"
    )


def say_causes(causes: Mapping[str, pd.DataFrame]) -> str:
    """Which suspected causes a miss has; by law, as ``studies.star_gap.find_causes`` gives them."""
    named = {law: [CAUSES[c] for c in table.index[table["cause"]]] for law, table in causes.items()}
    if len({tuple(names) for names in named.values()}) == 1:
        names = next(iter(named.values()))
        law = "both laws" if len(named) == 2 else "every law"
        return f"By the rule of the plan, for {law}: {say_list(names, 'none of the three')}."
    each = [f"for {law} {say_list(names, 'none of the three')}" for law, names in named.items()]
    return f"By the rule of the plan: {'; '.join(each)}."


def say_afterwards(before: Mapping[str, float], after: Mapping[str, float], share: float) -> str:
    """Whether a variant tried afterwards lowers E%; E% by law.

    share : of itself that E% must lose for what was left out to be called a cause

    >>> say_afterwards({"add": 8.0}, {"add": 5.0}, 0.25)
    'E% falls from 8.0 to 5.0 (add): a cause by the measure used for the board'
    """
    said = [
        f"{'falls' if after[law] < e else 'rises'} from {e:.1f} to {after[law]:.1f} ({law})"
        for law, e in before.items()
    ]
    enough = [law for law, e in before.items() if after[law] <= (1 - share) * e]
    measure = "by the measure used for the board"
    if len(enough) == len(before):
        end = f"a cause {measure}"
    else:
        end = f"a cause {measure} for {say_list(enough)} alone" if enough else f"no cause {measure}"
    return f"E% {say_list(said)}: {end}"


def say_best(design: Mapping) -> str:
    """A best design with its error, in words.

    >>> say_best({"lm_params": 90192.0, "frames": 5, "tokens_per_frame": 16, "error": 15.52})
    'a decoder of 90.2k parameters, 5 frames and 16 tokens per frame, and an expected error of 15.5'
    """
    return (
        f"a decoder of {say_level(design['lm_params'])} parameters, {design['frames']:g} frames "
        f"and {design['tokens_per_frame']:g} tokens per frame, and an expected error of "
        f"{design['error']:.1f}"
    )


def say_predicted(scored: pd.DataFrame, largest: float, needed: int) -> str:
    """What came of predictions, for each model.

    Parameters
    ----------
    scored : as ``studies.advance.score_predictions`` gives them
    largest : the largest LM among the runs that the models were fitted to
    needed : how many designs the intervals must hold to hold up
    """
    said = []
    for model, part in scored.groupby("model", sort=False):
        inside, larger = int(part["inside"].sum()), part["lm_params"] > largest
        miss = part["relative"].abs().groupby(np.where(larger, "larger", "seen")).mean()
        word = "holds up" if inside >= needed else "does not hold up"
        text = f"{model}: {inside} of {len(part)} designs inside, so it {word}"
        text += f"; E% {miss['seen']:.1f} where the LM size was seen" if "seen" in miss else ""
        if "larger" in miss:
            mean = part.loc[larger, "relative"].mean()
            way = "over" if mean > 0 else "under"
            text += f" and {miss['larger']:.1f} for the larger decoder, {way}estimated on average"
        said.append(text)
    return f"{'. '.join(said)}."


def say_held_short(outcome: pd.DataFrame, model: str, level: float) -> str:
    """How many of the designs that were predicted lie in one model's intervals, in one sentence.

    outcome : as ``studies.advance.score_predictions`` gives it, or empty
    """
    if outcome.empty:
        return "The laws' predictions of designs that nobody has run are written, and wait."
    part = outcome[outcome["model"] == model]
    return (
        f"Of {len(part)} designs that were run after the laws' predictions had been kept, "
        f"{int(part['inside'].sum())} lie inside the {level:.0%} intervals of the {model} mix."
    )


def say_no_predictions(predicted: bool) -> str:
    """What is still missing of the held-out question."""
    if predicted:
        return "The predictions stand, and none of these designs has been run yet."
    return "The predictions are not written yet, and none of these designs has been run."


def held_out_table(predictions: pd.DataFrame, outcome: pd.DataFrame) -> pd.DataFrame:
    """One row per design held out: what each model says, and what came where it was run.

    predictions : as ``studies.advance.predict_designs`` gives them, or empty
    outcome : as ``studies.advance.score_predictions`` gives them, or empty
    """
    if predictions.empty:
        return pd.DataFrame()
    designs = predictions.drop_duplicates("run_id").set_index("run_id")
    table = pd.DataFrame({"design": [say_design(row) for _, row in designs.iterrows()]})
    table = table.set_index(designs.index)
    table["finetuning examples"] = designs["train_examples"]
    for model, part in predictions.groupby("model", sort=False):
        ends = part.set_index("run_id")[["error", "low", "high"]]
        table[model] = pd.Series({k: show_interval(*row) for k, row in ends.iterrows()})
    if len(outcome):
        table["measured"] = outcome.drop_duplicates("run_id").set_index("run_id")["observed"]
    return table.reset_index(drop=True)
