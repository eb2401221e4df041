"""The browser's engine finds what the package finds: draws, fits, members, designs and refusals."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.answer import (
    ask,
    check_question,
    fit_model,
    laws_of,
    move_with_data,
    records,
)
from vvlm_utils.advice.audit import audit_table
from vvlm_utils.advice.fit_file import load_fit
from vvlm_utils.advice.next_runs import candidates_for, plan_runs
from vvlm_utils.advice.sentences import say_elasticity, say_model
from vvlm_utils.cost.price import Price
from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import laws_over
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior, kinds_of
from vvlm_utils.runs.prepared import prepare, price_options
from vvlm_utils.runs.schema import RunsError
from vvlm_utils.runs.sources import find_table
from vvlm_utils.site import engine

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "book" / "assets" / "engine"
sys.path.append(str(ROOT / "benchmarks"))
MEMBERS, SEED = 30, 0
# With seed 0 one of the 30 members of the mini table has two optima, the engine's 0.3% lower: two
# descents that differ in their last digit may part. Of 90 members of seed 1 none does.
SEEDS = {"mini": 1}

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def in_node(body: str, folder: Path, **given):
    """What a function body makes of ``given`` and the engine E with its data, by node."""
    script = (
        f"{engine.join_modules(MODULES)}const E = {engine.NAME}();"
        f"const data = {json.dumps(engine.export())};"
        f"const given = {json.dumps(given)}, fs = require('fs');"
        f"const read = (path) => new Uint8Array(fs.readFileSync(path));"
        f"const answer = (() => {{ {body} }})();"
        "fs.writeFileSync('answer.json', JSON.stringify(answer));"
    )
    (folder / "ask.js").write_text(script)
    done = subprocess.run(["node", "ask.js"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "answer.json").read_text())


# ---- six tables ---------------------------------------------------------------------------------


def _table(name: str) -> tuple[pd.DataFrame, list[str], dict]:
    """A table, its further factors, and the levels at which it is asked."""
    runs = pd.read_csv(find_table("paper"))
    plain = ["lm_params", "frames", "tokens_per_frame", "train_examples", "sweep", "metric"]
    plain += ["target_tflops"]
    if name == "mini":
        return pd.read_csv(find_table("mini")), [], {}
    if name == "one n":
        return runs[runs["sweep"] == "isoflop"][plain], [], {}
    if name == "fixed tokens":
        runs = runs[plain].assign(tokens_per_frame=182, sweep="other", target_tflops=np.nan)
        keys = ["lm_params", "frames", "train_examples"]
        return runs.assign(seed=runs.groupby(keys).cumcount()), [], {}
    if name == "own cost":
        cost = 1e9 + 3e0 * runs["lm_params"] * runs["frames"] * runs["tokens_per_frame"] ** 0.9
        return runs[plain].assign(cost_flops=cost), [], {}
    if name == "a further factor":
        small = runs[plain].assign(tower_params=1e8, metric=0.97 * runs["metric"])
        both = pd.concat([runs[plain].assign(tower_params=4e8), small.iloc[::2]])
        return both, ["tower_params"], {"tower_params": 4e8}
    return runs, [], {}


TABLES = ("paper", "mini", "one n", "fixed tokens", "own cost", "a further factor")
LOSS, PREDICTION = 1e-10, 1e-6  # relative
WORK = """
const prepared = E.prepare(read("runs.csv"), "runs.csv", {factors: given.factors}, data);
const laws = Object.values(E.lawsOver(data, prepared.factors, prepared.data));
const random = () => new E.Random(given.seed);
const singles = laws.map((law) => E.fitLaw(law, prepared.runs, data.options, random()));
const mix = E.recommended(data, prepared, random(), given.members);
const asked = {budgets: given.budgets, examples: given.examples, at: given.at, curve: false};
const answer = E.ask(mix, prepared, asked);
const several = E.ask(mix, prepared, {...asked, budgets: given.six});
fs.writeFileSync("fit.json", JSON.stringify(E.fitRecord(mix, prepared, data)));
return {
  notes: prepared.notes, factors: prepared.factors, data: prepared.data, space: prepared.space,
  runs: prepared.runs.length, audit: E.audit(prepared, data, random()).sentences,
  losses: singles.map(({loss}) => loss), noise: mix.parts.map(({noise}) => noise),
  members: E.predictMembers(mix, prepared.runs).map((values) => Array.from(values)),
  rows: answer.rows, epsilon: answer.epsilon, six: several.rows, near: several.near,
  next: planned(prepared, mix), moved: moved(prepared, mix),
};"""
PLAN = """
function planned(prepared, model) {
  const {model: held, space} = E.atLevels(model, prepared, given.at);
  const asked = {budgets: given.six, examples: given.examples, at: given.at,
                 train_flops: E.trainingFlops(prepared) / 5, most: 6};
  return {train_flops: asked.train_flops,
          rows: E.nextRuns(held, space, prepared, asked, data.next_runs)};
}
function moved(prepared, model) {
  const {model: held, space} = E.atLevels(model, prepared, given.at);
  return E.moveWithData(held, space, prepared, 0.8, data.rules.factor_names);
}
"""


@pytest.fixture(scope="module", params=TABLES)
def both(request, tmp_path_factory):
    """What the package and the engine make of one table."""
    folder, seed = tmp_path_factory.mktemp("engine"), SEEDS.get(request.param, SEED)
    table, factors, at = _table(request.param)
    table.to_csv(folder / "runs.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        prepared = prepare("runs.csv", factors=factors)
    flops = prepared.cost_flops
    examples = float(prepared.runs["train_examples"].max())
    budgets = np.geomspace(flops.min() * 1.05, flops.max(), 60).tolist()
    found = in_node(
        WORK + PLAN, folder, factors=factors, seed=seed, members=MEMBERS, budgets=budgets, at=at,
        six=budgets[::12], examples=examples,
    )  # fmt: skip
    model = fit_model(prepared, resamples=MEMBERS, seed=seed)
    return prepared, model, found, {"budgets": budgets, "examples": examples, "at": at}, folder


def test_a_table_is_prepared_and_described_in_the_same_words(both):
    prepared, _, found, _, _ = both
    assert found["notes"] == list(prepared.notes)
    assert found["factors"] == list(prepared.factors) and found["data"] == prepared.data
    assert found["runs"] == len(prepared.runs)
    if prepared.price is not None:
        for name, values in found["space"].items():
            np.testing.assert_allclose(values, getattr(prepared.space, name), rtol=1e-14)
    audit = audit_table(prepared, np.random.default_rng(SEED), resamples=0)
    assert found["audit"] == audit.sentences


def test_single_fits_have_the_losses_of_the_package(both):
    prepared, _, found, _, _ = both
    options = FitOptions(prior=Prior())
    losses = [
        fit(law, prepared.runs, options, rng=np.random.default_rng(SEED)).loss
        for law in laws_over(prepared.factors, prepared.data).values()
    ]
    np.testing.assert_allclose(found["losses"], losses, rtol=LOSS)


def test_members_are_those_of_the_package(both):
    prepared, model, found, _, _ = both
    np.testing.assert_allclose(
        found["members"], model.predict_members(prepared.runs), rtol=PREDICTION
    )
    parts = getattr(model, "parts", (model,))
    np.testing.assert_allclose(found["noise"], [part.noise for part in parts], rtol=PREDICTION)


def test_designs_bands_votes_and_ties_are_those_of_the_package(both):
    prepared, model, found, asked, _ = both
    solution = ask(model, prepared, asked["budgets"], asked["examples"], asked["at"])
    rows = records(solution, epsilon=found["epsilon"], most=prepared.most_error)
    assert len(rows) == len(found["rows"]) == 60
    names = ("lm_params", "frames", "tokens_per_frame")
    same = [all(a[n] == b[n] for n in names) for a, b in zip(rows, found["rows"], strict=True)]
    assert np.mean(same) >= 0.99
    for name in ("error", "error_low", "error_high"):
        ours = [row[name] for row in found["rows"]]
        np.testing.assert_allclose(ours, [row[name] for row in rows], rtol=PREDICTION)
    for ours, theirs in zip(found["rows"], rows, strict=True):
        assert ours["probability"] == pytest.approx(theirs["probability"], abs=1.01 / MEMBERS)
        assert ", ".join(ours["outside"]) == theirs["outside"]
    near = solution.near(found["epsilon"], budget=12)
    assert len(found["near"][1]) == pytest.approx(min(12, len(near)), abs=1)


def _same_plan(found, model, prepared, asked):
    answer = ask(model, prepared, asked["budgets"][::12], asked["examples"], asked["at"])
    runs = prepared.runs
    here = np.ones(len(runs), dtype=bool)
    for factor, level in asked["at"].items():
        here &= runs[factor] == level
    wanted = plan_runs(
        answer.model, candidates_for(prepared, answer.question), answer.question,
        float(found["train_flops"]), done=runs[here], most=6,
    )  # fmt: skip
    names = ["lm_params", "frames", "tokens_per_frame", "train_examples", "cost_flops"]
    ours = pd.DataFrame(found["rows"])
    assert len(ours) == len(wanted) > 1
    for name in [*names, "train_flops", "gain", "cumulative_flops", "left"]:
        np.testing.assert_allclose(
            ours[name].astype(float), wanted[name].astype(float), rtol=PREDICTION
        )
    assert ours["outside"].str.join(", ").tolist() == wanted["outside"].tolist()


def test_the_next_runs_are_those_of_the_package(both):
    prepared, model, found, asked, _ = both
    _same_plan(found["next"], model, prepared, asked)


def _same_moves(found, model, prepared, at):
    if prepared.data is None:
        assert found == {"rows": [], "sentence": "The training examples never moved."}
        return
    wanted, asked = move_with_data(model, prepared, at, as_paper=False)
    ours = pd.DataFrame(found["rows"]).set_index("factor")
    np.testing.assert_allclose(ours, wanted.loc[ours.index, list(ours)], atol=1e-9)
    assert found["asked"] == asked
    said = say_elasticity(wanted, prepared.at(at).space, laws_of(model))
    assert found["sentence"] == said


def test_the_best_design_moves_with_more_data_as_it_does_for_the_package(both):
    prepared, model, found, asked, _ = both
    _same_moves(found["moved"], model, prepared, asked["at"])


BY_LAW = (
    """
const prepared = E.prepare(read("runs.csv"), "runs.csv", {}, data);
const model = E.fitModel(data, prepared, {law: given.law, members: 12}, new E.Random(0));
const answer = E.ask(model, prepared, {budgets: given.budgets, examples: given.examples});
return {members: E.predictMembers(model, prepared.runs).map((m) => Array.from(m)),
  rows: answer.rows, next: planned(prepared, model), said: E.sayModel(model),
  moved: moved(prepared, model),
  epsilon: answer.epsilon};"""
    + PLAN
)


@pytest.mark.parametrize("law", ["mult", "add-decay"])
def test_a_named_law_answers_as_it_does_for_the_package(law, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_table("paper"), "runs.csv")
    prepared = prepare("runs.csv")
    budgets = np.geomspace(2e12, 30e12, 61).tolist()
    asked = {"budgets": budgets, "examples": 2e6, "at": {}}
    found = in_node(BY_LAW, tmp_path, law=law, **asked, six=budgets[::12])
    model = fit_model(prepared, law, resamples=12)
    predicted = model.predict_members(prepared.runs)
    np.testing.assert_allclose(found["members"], predicted, rtol=PREDICTION)
    rows = records(ask(model, prepared, budgets, 2e6), epsilon=found["epsilon"])
    for name in ("frames", "tokens_per_frame", "error", "error_high"):
        np.testing.assert_allclose(
            [r[name] for r in found["rows"]], [r[name] for r in rows], rtol=PREDICTION
        )
    assert found["said"] == say_model([model.law])
    _same_moves(found["moved"], model, prepared, {})
    _same_plan(found["next"], model, prepared, asked)


def test_a_law_without_its_data_size_is_refused_in_the_same_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _table("one n")[0].to_csv("runs.csv", index=False)
    body = """const prepared = E.prepare(read("runs.csv"), "runs.csv", {}, data);
    try { E.fitModel(data, prepared, {law: "add-decay"}, new E.Random(0)); }
    catch (fault) { return fault.message; }"""
    with pytest.raises(ValueError) as refusal:
        fit_model(prepare("runs.csv"), "add-decay")
    assert in_node(body, tmp_path) == str(refusal.value)


def test_other_designs_are_refused_where_costs_are_the_tables_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _table("own cost")[0].to_csv("runs.csv", index=False)
    body = """try { E.prepare(read("runs.csv"), "runs.csv", given.space, data); }
    catch (fault) { return fault.message; }"""
    for space in ({"lm_params": [1e9]}, {"max_frames": 64}, {"max_tokens": 900}):
        with pytest.raises(RunsError) as refusal:
            prepare("runs.csv", **space)
        assert in_node(body, tmp_path, space=space) == str(refusal.value)


COST = """
const prepared = E.prepare(read("runs.csv"), "runs.csv", {cost: given.cost, source: "mini"}, data);
const model = E.fitModel(data, prepared, {law: "add", members: 5}, new E.Random(0));
const answer = E.ask(model, prepared, {budgets: given.budgets, examples: 2e6, curve: false});
fs.writeFileSync("fit.json", JSON.stringify(E.fitRecord(model, prepared, data)));
return {notes: prepared.notes.slice(-2), costs: E.runCosts(prepared), rows: answer.rows};"""


@pytest.mark.parametrize("cost", ["exact", "lm_only"])
def test_other_costs_price_and_choose_as_they_do_for_the_package(cost, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_table("paper"), "runs.csv")
    prepared = prepare("runs.csv", price=Price(cost))
    budgets = np.geomspace(2e12, 30e12, 20).tolist()
    found = in_node(COST.replace(', source: "mini"', ""), tmp_path, cost=cost, budgets=budgets)
    np.testing.assert_allclose(found["costs"], prepared.cost_flops, rtol=1e-12)
    assert found["notes"] == list(prepared.notes[-2:])
    model = fit_model(prepared, "add", resamples=5)
    for ours, theirs in zip(
        found["rows"], records(ask(model, prepared, budgets, 2e6)), strict=True
    ):
        same = [f for f in ("lm_params", "frames", "tokens_per_frame") if ours[f] == theirs[f]]
        assert len(same) == 3 and ours["cost_flops"] == pytest.approx(theirs["cost_flops"])
    assert load_fit(tmp_path / "fit.json")[1].price == prepared.price


def test_other_costs_of_a_published_sweep_read_no_encoder_of_its_own(tmp_path):
    shutil.copy(find_table("mini"), tmp_path / "runs.csv")
    in_node(COST, tmp_path, cost="lm_only", budgets=[1e12])
    assert load_fit(tmp_path / "fit.json")[1].price == Price("lm_only")


@pytest.mark.parametrize(
    ("space", "encoder"), [({"lm_params": [19e9]}, {}), ({}, {"tower_params": 1e8})]
)
def test_the_exact_cost_is_refused_in_the_same_words(space, encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_table("paper"), "runs.csv")
    body = """try { E.prepare(read("runs.csv"), "runs.csv", {...given, cost: "exact"}, data); }
    catch (fault) { return fault.message; }"""
    with pytest.raises(ValueError) as refusal:
        check_question(prepare("runs.csv", **price_options("exact", **encoder), **space), [])
    tower = {"params": 1e8, "features_per_frame": 768} if encoder else None
    assert in_node(body, tmp_path, tower=tower, **space) == str(refusal.value)


def test_the_fit_is_a_file_that_the_command_line_reads(both):
    prepared, model, _, asked, folder = both
    loaded, kept = load_fit(folder / "fit.json")
    assert kept.notes == prepared.notes and kept.factors == prepared.factors
    predicted = model.predict_members(prepared.runs)
    np.testing.assert_allclose(loaded.predict_members(prepared.runs), predicted, rtol=PREDICTION)
    again = ask(loaded, kept, asked["budgets"][-1:], asked["examples"], asked["at"])
    first = ask(model, prepared, asked["budgets"][-1:], asked["examples"], asked["at"])
    np.testing.assert_allclose(again.errors(), first.errors(), rtol=PREDICTION)


# ---- the pieces ---------------------------------------------------------------------------------


def test_a_seed_gives_numpys_draws(tmp_path):
    body = """
    const rng = new E.Random(given.seed), draw = (count, of) => Array.from({length: count}, of);
    return {uniform: draw(5, () => rng.uniform()),
      counts: draw(3, () => Array.from(rng.evenCounts(61))),
      normal: draw(20000, () => rng.normal(1, 2)), last: rng.uniform()};"""
    for seed in (0, 7, 2**32 - 1):
        rng, found = np.random.default_rng(seed), in_node(body, tmp_path, seed=seed)
        assert found["uniform"] == rng.random(5).tolist()
        assert found["counts"] == rng.multinomial(61, np.full(61, 1 / 61), size=3).tolist()
        np.testing.assert_allclose(
            found["normal"], rng.normal(1, 2, 20_000), rtol=1e-13, atol=1e-13
        )
        assert found["last"] == rng.random()


@pytest.mark.parametrize("factors", [["frames"], ["lm_params", "frames", "tower_params"]])
@pytest.mark.parametrize("data", ["train_examples", None])
def test_laws_are_spelt_out_as_the_package_builds_them(factors, data, tmp_path):
    body = """return Object.values(E.lawsOver(data, given.factors, given.data)).map(
      ({name, factors, terms, norm, parameters, kinds}) =>
      ({name, factors, terms, norm, parameters, kinds}));"""
    found = in_node(body, tmp_path, factors=factors, data=data)
    for ours, law in zip(found, laws_over(factors, data).values(), strict=True):
        wanted = {"name": law.name, "factors": list(law.factors), "norm": law.norm}
        assert {name: ours[name] for name in wanted} == wanted
        assert ours["parameters"] == list(law.parameters)
        assert ours["kinds"] == kinds_of(law)
        powers = [[[p.factor, p.exponent, p.sign] for p in t.powers] for t in law.terms]
        assert [[list(p.values()) for p in t["powers"]] for t in ours["terms"]] == powers


REFUSE = """return given.names.map((name) => {
  try { E.prepare(read(name), name, {}, data); return null; }
  catch (fault) { if (!(fault instanceof E.RunsError)) throw fault; return fault.message; }
});"""


def _refusals(seeds: range, folder: Path, monkeypatch) -> tuple[list, list]:
    """What the engine and the package say of malformed tables, each after its seed."""
    import malformed

    names, wanted = [f"{k}.csv" for k in seeds], []
    monkeypatch.chdir(folder)
    for k, name in zip(seeds, names, strict=True):
        malformed.tables(random.Random(k), folder, {})
        (folder / "runs.csv").rename(name)
        try:
            wanted.append(prepare(name) and None)
        except RunsError as refusal:
            wanted.append(str(refusal))
    found = in_node(REFUSE, folder, names=names)
    return list(zip(seeds, found, strict=True)), list(zip(seeds, wanted, strict=True))


def test_malformed_tables_are_refused_in_the_same_words(tmp_path, monkeypatch):
    found, wanted = _refusals(range(120), tmp_path, monkeypatch)
    assert found == wanted


@pytest.fixture
def first_seed() -> int:
    """The first seed of a long test; it is printed, and VVLM_SEED names it again."""
    seed = int(os.environ.get("VVLM_SEED", random.SystemRandom().randrange(2**31)))
    print(f"VVLM_SEED={seed}")
    return seed


@pytest.mark.long
def test_five_hundred_malformed_tables_are_refused_in_the_same_words(
    tmp_path, monkeypatch, first_seed
):
    seeds = range(first_seed, first_seed + 500)
    found, wanted = _refusals(seeds, tmp_path, monkeypatch)
    assert found == wanted


TAKE = """return given.names.map((name) => {
  try {
    const prepared = E.prepare(read(name), name, {}, data);
    if (!prepared.factors.length) return {notes: prepared.notes, factors: []};
    const law = E.lawsOver(data, prepared.factors, prepared.data).add;
    const answer = {notes: prepared.notes, factors: prepared.factors, costs: E.runCosts(prepared),
      errors: prepared.runs.map((row) => row.error)};
    try {
      const fitted = E.fitLaw(law, prepared.runs, data.options, new E.Random(0));
      const model = E.asMix(data, prepared, fitted);
      const asked = {examples: Math.max(...prepared.runs.map((row) => row.train_examples)),
        budgets: [Math.max(...answer.costs)], curve: false};
      const {rows: [row]} = E.ask(model, prepared, asked);
      const design = [row.lm_params, row.frames, row.tokens_per_frame];
      return {...answer, loss: fitted.loss, design, error: row.error};
    } catch (fault) {
      if (!(fault instanceof E.FitError || fault instanceof E.RunsError)) throw fault;
      return {...answer, refused: fault.message};
    }
  } catch (fault) { if (!(fault instanceof E.RunsError)) throw fault; return fault.message; }
});"""


def _taken(name: str) -> dict | str:
    """What the package makes of a table, in the form of ``TAKE``."""
    try:
        prepared = prepare(name)
    except RunsError as refusal:
        return str(refusal)
    found = {"notes": list(prepared.notes), "factors": list(prepared.factors)}
    if not prepared.factors:
        return found
    costs, runs = prepared.cost_flops, prepared.runs
    found |= {"costs": costs.tolist(), "errors": runs["error"].tolist()}
    law = laws_over(prepared.factors, prepared.data)["add"]
    try:
        fitted = fit(law, runs, FitOptions(prior=Prior()), rng=np.random.default_rng(0))
        answer = ask(fitted, prepared, [costs.max()], runs["train_examples"].max())
    except ValueError as refusal:  # a fit that cannot be, or a budget beyond all bounds
        return found | {"refused": str(refusal)}
    row = answer.table().iloc[0]
    design = [float(row[f]) for f in ("lm_params", "frames", "tokens_per_frame")]
    error = min(float(row["error"]), prepared.most_error)
    return found | {"loss": fitted.loss, "design": design, "error": error}


def _agree(found, wanted) -> bool:
    if isinstance(found, str) or isinstance(wanted, str):
        return found == wanted
    words = ("notes", "factors", "refused")
    if found.keys() != wanted.keys() or any(found.get(key) != wanted.get(key) for key in words):
        return False
    numbers = [key for key in wanted if key not in words]
    return all(np.allclose(found[key], wanted[key], rtol=1e-7, atol=1e-12) for key in numbers)


def _nearly_valid(seeds: range, folder: Path, monkeypatch) -> list:
    """Where the engine and the package part over nearly valid tables; each with its seed."""
    from malformed.nearly import nearly_valid

    names = [f"{k}.csv" for k in seeds]
    monkeypatch.chdir(folder)
    for k, name in zip(seeds, names, strict=True):
        Path(name).write_bytes(nearly_valid(random.Random(k)))
    found, wanted = in_node(TAKE, folder, names=names), [_taken(name) for name in names]
    pairs = list(zip(seeds, found, wanted, strict=True))
    assert sum(not isinstance(each, str) for each in wanted) > len(seeds) / 6  # many are taken
    return [each for each in pairs if not _agree(*each[1:])]


def test_nearly_valid_tables_are_taken_or_refused_alike(tmp_path, monkeypatch):
    assert _nearly_valid(range(40), tmp_path, monkeypatch) == []


@pytest.mark.long
def test_three_hundred_nearly_valid_tables_are_taken_or_refused_alike(
    tmp_path, monkeypatch, first_seed
):
    seeds = range(first_seed, first_seed + 300)
    assert _nearly_valid(seeds, tmp_path, monkeypatch) == []


HEAD = "lm_params,frames,tokens_per_frame,train_examples,metric"


def _four(lms=("1e9", "3e9"), tokens=16, n="250000", metrics=(50, 51, 52, 53)) -> str:
    designs = [f"{lm},{frames},{tokens},{n}" for lm in lms for frames in (4, 8)]
    return "\n".join([HEAD, *(f"{d},{m}" for d, m in zip(designs, metrics, strict=True))])


UNANSWERED = {  # how the refusal begins: runs that no law can be fitted to, or no budget asked of
    "every run has the same metric": _four(metrics=[50] * 4),
    "error must be positive": _four(metrics=(50, 51, 52, 100)),
    "a budget must be below 1e+18 FLOPs": _four(("1e17", "3e17"), tokens=1000),
    "train_examples must be a number from 1 to 1e+12": _four(n="9e15"),
}


def test_good_tables_without_an_answer_are_refused_in_the_same_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"{k}.csv" for k in range(len(UNANSWERED))]
    for name, text in zip(names, UNANSWERED.values(), strict=True):
        Path(name).write_text(text)
    found = in_node(TAKE, tmp_path, names=names)
    for name, ours, begins in zip(names, found, UNANSWERED, strict=True):
        assert _agree(ours, _taken(name)) and ours["refused"].startswith(begins)


ONE, TWO = "1e9,4,16,250000,50", "3e9,8,16,500000,51"
ODD = {
    "accepted": f"{HEAD}\n{ONE}\n{TWO}\n",
    "a mark and a comment": f"\ufeff# made by hand\nsep=,\n{HEAD}\n{ONE}\n\n3e9,8,16,500000,x\n",
    "quotes": f'{HEAD},note\n{ONE},"a, ""b""\nc"\n3e9,8,16,500000,many,\n',
    "a comma at every end": f"{HEAD}\n{ONE},\n{TWO},\n1e9,8,16,500000,101,\n",
    "a wide row": f"{HEAD}\n{ONE}\n{TWO},7\n",
    "a word": f"{HEAD}\n1e9,4,16,250000,fifty\n{TWO}\n1e9,9,16,250000,<b>x</b>\n",
    "isoflop without a budget": f"{HEAD},sweep\n{ONE},isoflop\n{TWO},Star\n",
    "all tasks": f"{HEAD},task\n{ONE},a\n{TWO},a\n{ONE},b\n",
    "upside down": f"{HEAD}\n{ONE}\n3e9,8,16,500000,41\n3e9,8,25,500000,31\n8e9,9,36,500000,21\n",
    "truths": f"{HEAD}\nTrue,4,16,250000,50\nFalse,8,16,500000,51\n",
    "two outcomes": f"{HEAD},loss\n{ONE},1\n{TWO},2\n",
    "an error of its own": f"{HEAD},error\n{ONE},50\n{TWO},49\n",
    "a cost": f"{HEAD},cost_flops\n{ONE},inf\n{TWO},0\n",
    "a comment among the rows": f"{HEAD}\n{ONE}\n# from here on by hand\n{TWO}\n",
    "spaces and truths": f"{HEAD},sweep,task\n{ONE}, star ,true\n{ONE},star,true\n",
    "marks alone": f"\ufeff\ufeff\n{HEAD}\n{ONE}\n{TWO}\n",
    "old line ends": f"\r{HEAD}\r{ONE}\r{TWO}\r".replace("16", "\xa016"),
    "minus nothing": f"{HEAD},seed\n1e9,-0,16,250000,50,0\n",
    "repeats at two isoFLOP budgets": f"{HEAD},sweep,target_tflops,seed\n{ONE},isoflop,10,0\n"
    f"{ONE},isoflop,20,1\n{ONE},isoflop,20,2\n{TWO},isoflop,20,0\n",
    "latin": f"{HEAD},n\n{ONE},\xe9\n",
    "no text": "y\xbc\x0eM\x18\x1d\xa9s\x1ea\x1fb\n",
    "no text, with semicolons": "y\xbc;a;b;c\n",
    "a mark for a lost letter": f"{HEAD},n\ufffd\n{ONE},1\n",
    "one column": f"lm\x1fparams\x1fof\x1fall\n{ONE}\n",
    "separators of records around names": f"{HEAD}\x1f\n{ONE}\n{TWO}\n",
    "odd spaces": f"{HEAD},sweep,task\n{ONE},\x1cstar\x85,\ufeffa\n{ONE},star,\ufeffa\n",
    "odd numbers": f"{HEAD}\n1e9,8\x1f,16,７\x1fk,½½½\n１2\x85%,\ufeff8,ınf,2５0,５\n",
    "a number beyond 64 bits and an empty line": f"{HEAD}\n1{20 * '0'},4,16,250000,50\n{TWO}\n\n",
    "a number beyond 63 bits, no answer": f"{HEAD},run_id\n{ONE},9999999999999999999\n{TWO},NA\n",
    "a number beyond 64 bits among names": f"{HEAD},run_id\n{ONE},{30 * '9'}\n{TWO},x\n",
}


BYTES = ("latin", "no text", "no text, with semicolons")  # those that are no UTF-8


def test_odd_tables_are_taken_or_refused_in_the_same_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = []
    for k, (kind, text) in enumerate(ODD.items()):
        Path(f"{k}.csv").write_bytes(text.encode("latin-1" if kind in BYTES else "utf-8"))
        try:
            wanted.append(list(prepare(f"{k}.csv").notes))
        except RunsError as refusal:
            wanted.append(str(refusal))
    body = REFUSE.replace("E.prepare(read(name), name, {}, data); return null;",
                          "return E.prepare(read(name), name, {}, data).notes;")  # fmt: skip
    assert in_node(body, tmp_path, names=[f"{k}.csv" for k in range(len(ODD))]) == wanted


def test_modules_that_import_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nexport const a = 1;\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport const b = 1;\n')
    with pytest.raises(ValueError, match="import one another"):
        engine.join_modules(tmp_path)


def test_the_scripts_end_no_element_of_a_page(tmp_path):
    engine.write_scripts(MODULES, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["engine.js", "your_sweep_data.js"]
    for path in tmp_path.iterdir():
        assert "</script" not in path.read_text() and "\nimport" not in path.read_text()
