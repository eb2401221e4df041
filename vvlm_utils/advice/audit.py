"""What a table of runs can answer, before any law is believed: levels, confounding, parameters.

Two questions are kept apart. The *design* decides what could be found from runs without any noise:
the rank of a law's Jacobian tells which parameters stand in for one another at the levels that
were run. The *runs* decide how well the rest is found: a bag of refits tells which parameters end
at a bound of the box, or anywhere within a wide range. A prediction may be sure where both fail.

Everything comes back as data, sentences included; nothing is printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.laws.bagging import bag
from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import laws_over
from vvlm_utils.laws.identifiability import parameter_table
from vvlm_utils.laws.law import Law, log_design, log_values
from vvlm_utils.laws.options import FitError, FitOptions
from vvlm_utils.runs.merging import merge_repeats
from vvlm_utils.runs.prepared import Prepared
from vvlm_utils.runs.schema import COST
from vvlm_utils.text import say_levels, say_name

MOST_FITTED = 5_000  # designs that laws are looked at on
FOLDS = 5  # of the cross-validation that a law has to stand
CORRELATED = 0.7  # |r| of two log factors that is worth a sentence
WIDE = 10.0  # ends of a coefficient's interval this many times apart: not found
OFTEN = 0.1  # share of a bag at a bound: not found


@dataclass(frozen=True)
class LawSupport:
    """What the table decides of one law.

    Attributes
    ----------
    law
        Its name.
    parameters
        How many it has.
    status
        "yes"; "weakly", when parameters stand in for one another or too few runs are left for
        cross-validation; "no", when it cannot be fitted.
    why
        The reason in words.
    not_separate
        Parameters that the design alone cannot tell apart.
    """

    law: str
    parameters: int
    status: str
    why: str
    not_separate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """The audit of one table of runs, as data.

    Attributes
    ----------
    rows
        The number of runs.
    factors
        Every factor looked at, n among them.
    levels
        Rows at each level of each factor.
    sweeps
        Rows of each sweep.
    repeats
        Rows beyond the first of a design, n and sweep.
    repeat_sd
        Their standard deviation in points; None where nothing was repeated.
    confounded
        Pairs of factors, or a factor and the sweep, with kind and, for two factors, the
        correlation of their logarithms.
    laws
        What the table decides of each law.
    parameters
        Law, parameter, value, low, high, at_bound and verdict of the fitted laws.
    sentences
        The audit in words.
    """

    rows: int
    factors: tuple[str, ...]
    levels: dict[str, dict[float, int]]
    sweeps: dict[str, int]
    repeats: int
    repeat_sd: float | None
    confounded: list[dict]
    laws: list[LawSupport]
    parameters: list[dict] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    @property
    def varying(self) -> tuple[str, ...]:
        """The factors with at least two levels, n aside: those that a law can hold."""
        return tuple(f for f in self.factors if f != TRAIN_EXAMPLES and len(self.levels[f]) > 1)

    @property
    def data(self) -> str | None:
        """The column of n, or None where it never moved."""
        return TRAIN_EXAMPLES if len(self.levels[TRAIN_EXAMPLES]) > 1 else None

    def supported(self) -> dict[str, Law]:
        """The laws over the factors that move which leave runs to be held out.

        A law is judged by what it predicts: one whose parameters stand in for one another is
        compared all the same.
        """
        laws = laws_over(self.varying, self.data) if self.varying else {}
        names = [s.law for s in self.laws if s.status != "no" and "held out" not in s.why]
        return {name: laws[name] for name in names}

    def to_dict(self) -> dict:
        """Plain types for JSON."""
        plain = asdict(self)
        plain["levels"] = {
            f: {f"{k:.12g}": n for k, n in v.items()} for f, v in self.levels.items()
        }
        return plain


def audit_runs(
    runs: pd.DataFrame,
    rng: np.random.Generator,
    factors: Sequence[str] = (),
    resamples: int = 40,
) -> Audit:
    """Audit a checked table: what it can answer, before any law is believed.

    Parameters
    ----------
    runs
        A table as :func:`vvlm_utils.load_runs` gives it.
    rng
        The generator of resamples and starts.
    factors
        Columns declared as factors beyond x_N, x_T, x_V.
    resamples
        Members of each law's bag; 0 looks at the design alone.

    Returns
    -------
    Audit
        Levels, confounding, laws and parameters as data, and all of it in sentences.

    Notes
    -----
    Repeats of a design are merged before laws are looked at, and of more than ``MOST_FITTED``
    designs so many are drawn. What the design alone cannot tell apart is the rank of a law's
    Jacobian; what the runs leave wide is read off a bag of refits.

    Examples
    --------
    >>> from vvlm_utils import load_runs
    >>> audit = audit_runs(load_runs("paper"), np.random.default_rng(0), resamples=0)
    >>> audit.sentences[0]
    'The table holds 87 runs of 61 designs.'
    """
    every = (*FACTORS, *factors, TRAIN_EXAMPLES)
    levels = {f: runs[f].astype(float).value_counts().sort_index().to_dict() for f in every}
    varying = tuple(f for f in every if f != TRAIN_EXAMPLES and len(levels[f]) > 1)
    data = TRAIN_EXAMPLES if len(levels[TRAIN_EXAMPLES]) > 1 else None
    merged = merge_repeats(runs, factors)
    seen = merged
    if len(merged) > MOST_FITTED:
        drawn = rng.choice(len(merged), MOST_FITTED, replace=False)
        seen = merged.iloc[np.sort(drawn)].reset_index(drop=True)
    laws = laws_over(varying, data) if varying else {}
    known = [_support(law, seen, rng) for law in laws.values()]
    fitted = [s.law for s in known if s.status != "no"] if resamples else []
    parameters = [row for name in fitted for row in _parameters(laws[name], seen, rng, resamples)]
    repeats, spread = _repeats(runs, every)
    audit = Audit(
        rows=len(runs),
        factors=every,
        levels=levels,
        sweeps=runs["sweep"].value_counts().to_dict(),
        repeats=repeats,
        repeat_sd=spread,
        confounded=confounding(merged, every),
        laws=known,
        parameters=parameters,
    )
    audit.sentences.extend(_sentences(audit, runs))
    if len(seen) < len(merged):
        audit.sentences.append(
            f"Laws were looked at on {len(seen)} of the {len(merged)} designs, drawn at random."
        )
    return audit


def audit_table(prepared: Prepared, rng: np.random.Generator, resamples: int = 40) -> Audit:
    """Audit a prepared table, see :func:`audit_runs`."""
    return audit_runs(prepared.checked, rng, prepared.further, resamples)


def confounding(runs: pd.DataFrame, factors: Sequence[str]) -> list[dict]:
    """Pairs that do not move apart, strongest kind first.

    kind "together": each level of one has one level of the other; "follows": the first never
    moves while the second is held; "correlated": |r| of the logarithms is large; "by sweep": the
    sweeps share no level of the factor
    """
    moving = [f for f in factors if runs[f].nunique() > 1]
    logs = {f: np.log(runs[f].to_numpy(dtype=float)) for f in moving}
    found = []
    for a, b in combinations(moving, 2):
        r = float(np.corrcoef(logs[a], logs[b])[0, 1])
        a_follows = bool((runs.groupby(b)[a].nunique() == 1).all())
        b_follows = bool((runs.groupby(a)[b].nunique() == 1).all())
        if a_follows and b_follows:
            found.append(("together", a, b, r))
        elif a_follows or b_follows:
            found.append(("follows", *((a, b) if a_follows else (b, a)), r))
        elif abs(r) >= CORRELATED:
            found.append(("correlated", a, b, r))
    for f in moving:
        shared = runs.groupby(f)["sweep"].nunique().max() > 1
        if runs["sweep"].nunique() > 1 and not shared:
            found.append(("by sweep", f, "sweep", None))
    order = ("together", "follows", "by sweep", "correlated")
    found.sort(key=lambda row: order.index(row[0]))
    return [dict(zip(("kind", "first", "second", "r"), row, strict=True)) for row in found]


def not_separate(
    law: Law, runs: pd.DataFrame, rng: np.random.Generator, tries: int = 8
) -> tuple[str, ...]:
    """Parameters that runs of these designs cannot tell apart, however exact they are.

    The null space of d log f / d theta at generic parameters: what moves within it leaves every
    prediction at these designs as it is. Parameters are taken at random, ``tries`` times, and the
    smallest null space counts.
    """
    log_z = log_design(law, runs)
    log_z = np.unique(log_z - log_z.mean(axis=1, keepdims=True), axis=1)
    terms, size = len(law.terms), len(law.parameters)
    best: tuple[str, ...] | None = None
    for _ in range(tries):
        theta = np.r_[rng.uniform(5.0, 30.0, terms), rng.uniform(0.2, 1.0, size - terms)]
        jacobian = log_values(law, theta, log_z)[1]
        jacobian = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
        left, strength, _ = np.linalg.svd(jacobian)
        strength = np.r_[strength, np.zeros(size - len(strength))]
        null = left[:, strength < 1e-10 * strength[0]]
        free = np.linalg.norm(null, axis=1) > 1e-5
        names = tuple(np.array(law.parameters)[free].tolist())
        best = names if best is None or len(names) < len(best) else best
    return best or ()


def _support(law: Law, runs: pd.DataFrame, rng: np.random.Generator) -> LawSupport:
    """Whether a law over the factors that move can be fitted, found and tested."""
    name, size, rows = law.name, len(law.parameters), len(runs)
    if runs["error"].nunique() == 1:
        return LawSupport(name, size, "no", "every run has the same metric, so no factor matters")
    if rows < size:
        return LawSupport(name, size, "no", f"it has {size} parameters and there are {rows} runs")
    if not (runs["error"] > 0).all():
        return LawSupport(name, size, "no", "a run has error 0, which has no logarithm")
    loose = not_separate(law, runs, rng)
    if rows * (FOLDS - 1) // FOLDS < size:
        why = f"its {size} parameters leave too few of {rows} runs to be held out"
        return LawSupport(name, size, "weakly", why, loose)
    if loose:
        names = ", ".join(loose) if len(loose) < 7 else f"{len(loose)} of its {size} parameters"
        why = f"{names} stand in for one another at these levels"
        return LawSupport(name, size, "weakly", why, loose)
    return LawSupport(name, size, "yes", "the design decides all its parameters")


def _parameters(
    law: Law, runs: pd.DataFrame, rng: np.random.Generator, resamples: int
) -> list[dict]:
    """One row a parameter: what a fit and a bag of refits know of it."""
    options = FitOptions(starts=200)
    try:
        fitted = fit(law, runs, options, rng=rng)
        bagged = bag(law, runs, options, rng=rng, resamples=resamples, search="quick")
    except FitError:
        return []
    table = parameter_table(fitted, bagged)
    rows = []
    for name, row in table.iterrows():
        verdict = judge(row["bag_low"], row["bag_high"], row["at_bound"], name in law.exponents)
        rows.append(
            {
                "law": law.name,
                "parameter": name,
                "value": float(row["value"]),
                "low": float(row["bag_low"]),
                "high": float(row["bag_high"]),
                "at_bound": float(row["at_bound"]),
                "verdict": verdict,
            }
        )
    return rows


def judge(low: float, high: float, at_bound: float, is_exponent: bool) -> str:
    """Whether a bag's interval finds a parameter: "found", "at a bound", "sign open" or "wide".

    >>> judge(0.1, 0.4, 0.0, True), judge(0.0, 8.0, 0.3, False)
    ('found', 'at a bound')
    """
    if at_bound > OFTEN:
        return "at a bound"
    if is_exponent:
        return "sign open" if low < 0 < high else "found"
    return "wide" if low <= 0 or high / low > WIDE else "found"


def _repeats(runs: pd.DataFrame, factors: Sequence[str]) -> tuple[int, float | None]:
    """Rows beyond the first of a design, and the pooled SD of the error within designs."""
    groups = runs.groupby([*factors, "sweep"])["error"]
    extra = len(runs) - groups.ngroups
    if not extra:
        return 0, None
    within = runs["error"] - groups.transform("mean")
    return extra, float(np.sqrt((within**2).sum() / extra))


def _say_pair(pair: Mapping) -> str:
    a, b = say_name(pair["first"]), say_name(pair["second"])
    r = pair["r"]
    return {
        "together": f"{a} and {b} always move together: no run tells their effects apart.",
        "follows": f"{a} never moves while {b} is held: its effect leans on the law's form.",
        "by sweep": f"{a} and the sweep are confounded: the sweeps share no level of it, so a "
        f"difference between the sweeps may be its doing.",
        "correlated": f"{a} and {b} mostly move together (r = {r or 0:.2f} of the logs).",
    }[pair["kind"]]


def _sentences(audit: Audit, runs: pd.DataFrame) -> list[str]:
    """The audit in plain language, most basic first."""
    designs = len(runs[[f for f in audit.factors if f != TRAIN_EXAMPLES]].drop_duplicates())
    said = [f"The table holds {audit.rows} runs of {designs} designs."]
    said += [f"{say_name(f)}: {say_levels(list(v))}." for f, v in audit.levels.items()]
    for f, levels in audit.levels.items():
        if len(levels) == 1:
            said.append(
                f"{say_name(f)} never moves: nothing can be said about it, and laws leave it out."
                if f != TRAIN_EXAMPLES
                else "Training examples never move: laws leave n out, and how answers move with "
                "more data cannot be told."
            )
        elif len(levels) == 2:
            said.append(
                f"{say_name(f)} has two levels: they give a difference, not the shape of a curve; "
                "a third level would."
            )
    if audit.repeats:
        said.append(
            f"{audit.repeats} runs repeat a design; repeats differ by {audit.repeat_sd:.2f} points "
            "(SD), which is the noise a law cannot explain."
        )
    said += [_say_pair(pair) for pair in audit.confounded]
    if not {"star", "isoflop"} <= set(audit.sweeps):
        said.append(
            "Without runs marked star and isoflop, laws are compared by cross-validation alone."
        )
    if COST in runs:
        said.append("The column cost_flops prices the designs that were run.")
    if not audit.varying:
        said.append("No factor of the design moves: no law can be fitted; run other designs.")
    said += [_say_law(s, audit.parameters) for s in audit.laws]
    return [sentence[0].upper() + sentence[1:] for sentence in said]


def _say_law(support: LawSupport, parameters: Sequence[Mapping]) -> str:
    head = f"Law {support.law}: {support.status}, {support.why}."
    lost = [p for p in parameters if p["law"] == support.law and p["verdict"] != "found"]
    if not lost or support.status != "yes":
        return head
    names = ", ".join(f"{p['parameter']} ({p['verdict']})" for p in lost)
    return f"{head} Refits do not find {names}: trust its predictions, not these parameters."
