"""The allocator's script answers in a real browser as ``solve`` does in Python."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vvlm_utils.advice.answer import fit_model
from vvlm_utils.cost.architectures import ALL_COSTS
from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.cost.serving import ACCELERATORS, dollars_per_million_videos
from vvlm_utils.frontier.marginal import marginal_gains
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.runs.prepared import prepare
from vvlm_utils.runs.space import Space
from vvlm_utils.runs.table import AVERAGE, load_runs
from vvlm_utils.site import allocator
from vvlm_utils.site.engine import join_modules
from vvlm_utils.site.served import export_served

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "book" / "assets" / "allocator.js"
ASK = """({question, budget}) => {
  const found = vvlmAllocator.answer(window.VVLM_ALLOCATOR, question, budget);
  return {...found, near: found.near?.slice(0, 50)};
}"""


@pytest.fixture(scope="module")
def bags():
    tasks = {AVERAGE: 40, "LVB": 20}
    return {task: allocator.fit_task(task, resamples) for task, resamples in tasks.items()}


@pytest.fixture(scope="module")
def tab(bags, browser, tmp_path_factory):
    path = tmp_path_factory.mktemp("allocator") / "allocator_data.js"
    allocator.write_script(allocator.export(bags), path)
    page = browser.new_page()
    page.add_script_tag(content=join_modules(SCRIPT.parent / "engine"))
    for script in (path, SCRIPT):
        page.add_script_tag(path=script)
    yield page
    page.close()


def draw_question(rng) -> tuple[dict, float]:
    count = rng.integers(1, len(allocator.LM_SIZES) + 1)
    question = {
        "task": str(rng.choice([AVERAGE, AVERAGE, "LVB"])),
        "cost": str(rng.choice(list(ALL_COSTS))),
        "sizes": rng.choice(allocator.LM_SIZES, count, replace=False).tolist(),
        "examples": float(np.exp(rng.uniform(np.log(1e5), np.log(2e7)))),
        "level": float(rng.choice([0.5, 0.8, 0.95])),
        "epsilon": float(rng.choice([0.0, 0.1, 0.5])),
    }
    return question, float(np.exp(rng.uniform(np.log(1e12), np.log(2e14))))


def in_python(bags, question, budgets):
    """The answer of the package to a question of the page."""
    space = Space(lm_params=tuple(question["sizes"]))
    asked = Question(budgets, question["examples"], space, ALL_COSTS[question["cost"]])
    return solve(bags[question["task"]], asked)


def differences(bags, question, budget, found) -> list[str]:
    """What the script says otherwise than Python; ties of error are no difference."""
    try:
        answer = in_python(bags, question, budget)
        row = answer.table(question["level"], question["epsilon"]).iloc[0]
    except ValueError as refusal:
        return [] if "refused" in found else [str(refusal)]
    best = found["best"]
    design = {f: best[f] for f in FACTORS}
    table = row.to_frame().T[list(FACTORS)].assign(**design, train_examples=question["examples"])
    same = {"error": abs(bags[question["task"]].predict(table)[0] - row["error"]) < 1e-9}
    same["cost"] = best["cost_flops"] == pytest.approx(float(ALL_COSTS[question["cost"]](**design)))
    for name in ("error", "error_low", "error_high", "probability", "regret", "regret_high"):
        near = best[name] == pytest.approx(row[name], rel=1e-9, abs=1e-9)
        same[name] = near and same.get(name, True)
    for name in ("lm_params", "frames", "tokens"):
        same[name] = best[f"{name}_range"] == [row[f"{name}_low"], row[f"{name}_high"]]
    same["within_epsilon"] = best["within_epsilon"] == row["within_epsilon"]
    same["outside"] = ", ".join(best["outside"]) == row["outside"]
    return [name for name, holds in same.items() if not holds]


@pytest.mark.browser
def test_two_hundred_random_answers_are_pythons(bags, tab):
    rng = np.random.default_rng(0)
    wrong = []
    for _ in range(200):
        question, budget = draw_question(rng)
        found = tab.evaluate(ASK, {"question": question, "budget": budget})
        if missed := differences(bags, question, budget, found):
            wrong.append((question, budget, missed))
    assert wrong == []


@pytest.mark.browser
def test_ties_votes_and_gains_are_pythons(bags, tab):
    rng = np.random.default_rng(1)
    for _ in range(12):
        question, budget = draw_question(rng)
        budget += 1e14
        answer = in_python(bags, question, budget)
        found = tab.evaluate(ASK, {"question": question, "budget": budget})
        near = answer.near(question["epsilon"]).head(50)
        assert len(near) == len(found["near"])
        for name in ("error", "cost_flops", "votes"):
            ours = [design[name] for design in found["near"]]
            np.testing.assert_allclose(ours, near[name], rtol=1e-9, atol=1e-9)
        gains = marginal_gains(
            answer.model, near.head(1), question["examples"], cost=answer.question.cost,
            level=question["level"],
        ).set_index("change")  # fmt: skip
        for gain in found["gains"]:
            tflops = gain["added_flops"] / 1e12
            ours = [gain[name] / tflops for name in ("value", "low", "high")]
            theirs = gains.loc[gain["change"], ["value", "low", "high"]].astype(float)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.browser
def test_a_curve_of_budgets_is_a_row_each(bags, tab):
    rng = np.random.default_rng(2)
    question, _ = draw_question(rng)
    question |= {"sizes": [1e9, 3e9, 7.5e9], "task": AVERAGE}
    budgets = np.geomspace(1e12, 1e14, 9).tolist()
    ask = "([q, budgets]) => vvlmAllocator.curve(window.VVLM_ALLOCATOR, q, budgets)"
    curve = tab.evaluate(ask, [question, [3e13, 1e9, *budgets]])
    wanted = sorted([3e13, *budgets])
    table = in_python(bags, question, wanted).table()
    assert [row["budget_flops"] for row in curve] == wanted  # 1 GFLOP buys nothing
    np.testing.assert_allclose([row["error"] for row in curve], table["error"], atol=1e-9)


@pytest.mark.browser
@pytest.mark.parametrize("name", ACCELERATORS)
def test_seconds_and_dollars_become_flops_by_the_peak(tab, name):
    terms = {"device": name, "utilisation": 0.4, "price": 2.5, "devices": 1}
    ask = "terms => vvlmAllocator.budgetFlops(window.VVLM_ALLOCATOR, terms)"
    flops = tab.evaluate(ask, terms | {"unit": "seconds", "amount": 0.3})
    assert ACCELERATORS[name].seconds(flops, 0) / 0.4 == pytest.approx(0.3)
    flops = tab.evaluate(ask, terms | {"unit": "dollars", "amount": 150})
    seconds = ACCELERATORS[name].seconds(flops, 0) / 0.4
    assert dollars_per_million_videos(seconds, 2.5) == pytest.approx(150)
    assert tab.evaluate(ask, terms | {"unit": "tflops", "amount": 12}) == 12e12
    # two devices halve the seconds and cost as much
    pair = terms | {"devices": 2}
    assert tab.evaluate(ask, pair | {"unit": "seconds", "amount": 0.15}) == pytest.approx(
        tab.evaluate(ask, terms | {"unit": "seconds", "amount": 0.3})
    )
    assert tab.evaluate(ask, pair | {"unit": "dollars", "amount": 150}) == pytest.approx(flops)


USUAL = {
    "family": "", "budget": "10", "unit": "tflops", "device": "l4", "devices": "1",
    "utilisation": "40", "price": "2", "cores": "8", "examples": "500k", "lm": "1", "models": "",
    "duration": "10", "resolution": "1280x720", "prompt": "50", "answer": "100", "task": "avg",
    "cost": "paper", "epsilon": "0.1", "level": "80",
}  # fmt: skip
SERVED = {"family": "qwen3-vl", "models": "qwen3-vl-8b", "unit": "dollars", "budget": "500"}
SENSELESS = [
    ({"budget": "1e300"}, "budget", "Do you mean 10^300? The budget can be at most 10^18"),
    ({"budget": "1e400"}, "budget", "Do you mean more than 10^308? The budget can be at most"),
    ({"budget": "1e-320"}, "budget", "The budget must be at least 10^-9"),
    ({"budget": "2000000"}, "budget", "Do you mean 2,000,000 TFLOPs per video? It must come to"),
    ({"budget": "1e300", "unit": "dollars"}, "budget", "Do you mean 10^300?"),
    ({"budget": "1", "unit": "seconds", "utilisation": "1e-300"}, "utilisation", "at least 0.0001"),
    ({"unit": "dollars", "price": "1e308"}, "price", "Do you mean 10^308? The price of an hour"),
    ({"examples": "1e-320"}, "examples", "the field counts single examples"),
    ({"examples": "0.5"}, "examples", "Do you mean 0.5 million? Write 0.5M"),
    ({"examples": "1e300"}, "examples", "can be at most 1,000,000,000,000"),
    ({"examples": "-1"}, "examples", "must be a number above 0"),
    ({"examples": "0,5"}, "examples", "A comma parts thousands: write 0.5, not 0,5"),
    ({"epsilon": "1e300"}, "epsilon", "at most 100"),
    ({"budget": "many"}, "budget", "must be a number, as in 10"),
    ({"budget": ""}, "budget", "must be a number, as in 10"),
    ({"lm": ""}, "lm", "Allow at least one LM size"),
    ({**SERVED, "budget": "1e300"}, "budget", "Do you mean 10^300?"),
    ({**SERVED, "duration": "0"}, "duration", "must be a number above 0"),
    ({**SERVED, "duration": "1e9"}, "duration", "can be at most 86,400"),
    ({**SERVED, "resolution": "720p"}, "resolution", "must be width x height, as in 1280x720"),
    ({**SERVED, "resolution": "10x10"}, "resolution", "must have 28 to 16,384 pixels"),
    ({**SERVED, "resolution": "16000x40"}, "resolution", "more than 200 times the other"),
    ({**SERVED, "devices": "1.5"}, "devices", "must be a whole number"),
    ({**SERVED, "models": ""}, "models", "Allow at least one model"),
    ({}, None, ""),
    ({"budget": "2", "unit": "seconds"}, None, ""),
    ({"price": "1e308", "duration": "0"}, None, ""),  # fields that are not asked for
    ({**SERVED, "prompt": "0", "answer": "0", "examples": "500,000"}, None, ""),
]
NUMBERS = {
    "500k": 5e5, "0.5M": 5e5, "500,000": 5e5, "500 000": 5e5, "5e5": 5e5, " 12 ": 12, "1.5 million":
    1.5e6, "2b": 2e9, ".5": 0.5, "-3": -3, "0,5": None, "1,00": None, "abc": None, "": None,
    "e5": None, "5x": None, "1e-320": 1e-320,
}  # fmt: skip


def in_node(expression: str):
    """Evaluate an expression beside the form's scripts, outside a page."""
    names = ("", "_form")
    scripts = join_modules(SCRIPT.parent / "engine")
    scripts += "".join((SCRIPT.parent / f"allocator{n}.js").read_text() for n in names)
    script = f"{scripts}\nconsole.log(JSON.stringify({expression}));"
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_form_refuses_numbers_beyond_sense():
    data = {"lm_sizes": [1e9], "accelerators": {"l4": 1e15}, "served": export_served()}
    states = [USUAL | change for change, _, _ in SENSELESS]
    ask = f"(data => {json.dumps(states)}.map(s => vvlmForm.faults(data, s)))({json.dumps(data)})"
    for found, (change, field, message) in zip(in_node(ask), SENSELESS, strict=True):
        assert list(found) == ([] if field is None else [field]), change
        assert message in found.get(field, ""), found


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_form_reads_numbers_as_people_write_them():
    found = in_node(f"{json.dumps(list(NUMBERS))}.map(vvlmForm.readNumber)")  # NaN becomes null
    assert dict(zip(NUMBERS, found, strict=True)) == NUMBERS


def test_every_cost_is_a_polynomial_of_frames_and_tokens():
    rng = np.random.default_rng(0)
    assert set(allocator.COST_TERMS) == set(ALL_COSTS)
    for name, cost in ALL_COSTS.items():
        for size in allocator.LM_SIZES:
            frames, tokens = rng.integers(1, 129, 50), rng.integers(1, 29, 50) ** 2.0
            fixed, per_frame, per_token, per_pair = allocator.COST_TERMS[name](size)
            s = frames * tokens
            ours = fixed + per_frame * frames + per_token * s + per_pair * s**2
            np.testing.assert_allclose(ours, cost(size, frames, tokens), rtol=1e-12)


def test_the_averages_mix_is_that_of_the_command_line(bags):
    plain = fit_model(prepare("paper"), resamples=40)
    table = load_runs("paper")
    ours, theirs = (model.predict_members(table) for model in (bags[AVERAGE], plain))
    np.testing.assert_array_equal(ours, theirs)


def test_a_tasks_mix_holds_refits_to_several_copies(bags):
    members = bags["LVB"].predict_members(load_runs("paper"))
    assert len(np.unique(members, axis=0)) == len(members) >= 20


def test_rounding_moves_no_prediction_by_a_billionth(bags):
    data = allocator.export(bags)
    table = Space(lm_params=allocator.LM_SIZES).designs.assign(train_examples=3e6)
    for task, mixed in bags.items():
        rounded = [np.array(part["members"]) for part in data["bags"][task]["parts"]]
        parts = [
            replace(part, members=members)
            for part, members in zip(mixed.parts, rounded, strict=True)
        ]
        moved = replace(mixed, parts=tuple(parts))
        np.testing.assert_allclose(moved.predict(table), mixed.predict(table), atol=1e-9)


def test_the_script_assigns_plain_json(bags, tmp_path):
    path = tmp_path / "new" / "data.js"
    allocator.write_script(allocator.export(bags), path)
    text = path.read_text()
    assert text.startswith(f"window.{allocator.GLOBAL} = ")
    assert set(json.loads(text.split("=", 1)[1].rstrip(";\n"))["bags"]) == set(bags)
    assert list(path.parent.iterdir()) == [path]


def test_what_the_page_cannot_evaluate_is_refused(bags):
    with pytest.raises(ValueError, match="'mult' multiplies factors in the term 'alpha'"):
        allocator.describe_law(LAWS["mult"])
    other = {"mean": "median", "median": "mean"}[bags["LVB"].aggregate]
    with pytest.raises(ValueError, match="must share one aggregate"):
        allocator.export(bags | {"LVB": bags["LVB"].with_aggregate(other)})
