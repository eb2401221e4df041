"""Parts that move and boxes for answers: in a browser, from a disk, they say what Python says."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import numpy as np
import pytest

from vvlm_utils.cost.equation import inference_cost
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.fitting import fit
from vvlm_utils.laws.forms import LAWS
from vvlm_utils.laws.law import values as law_values
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.laws.priors import Prior
from vvlm_utils.runs.designs import PAPER_CENTRE, PAPER_LM_PARAMS, isoflop_designs
from vvlm_utils.runs.space import Space
from vvlm_utils.runs.table import AVERAGE, load_runs
from vvlm_utils.site import allocator, answer_boxes, exercises, moves
from vvlm_utils.site.engine import join_modules

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "book" / "assets"
EXERCISE = """<div class="exercise admonition" id="{}">
<p class="admonition-title"><span class="caption-number">Exercise 1.2 </span> (standard)</p>
<section id="exercise-content"><p>How many?</p></section>
</div>
"""
COST = moves.move_cost(7.5e9, 32, 196, 10)
ISOFLOP = moves.move_isoflop(30, 0.03)
ANSWERED = "ex-pays-back"


@pytest.fixture(scope="module")
def mix():
    return allocator.fit_task(AVERAGE, 40)


@pytest.fixture(scope="module")
def law():
    """The part on a law, fitted with a prior from few starts."""
    options = FitOptions(prior=Prior(), starts=20)
    fitted = fit(LAWS["add-interact"], load_runs("paper"), options, rng=np.random.default_rng(0))
    return fitted, moves.move_law(fitted, PAPER_CENTRE, 1e6)


@pytest.fixture(scope="module")
def site(mix, law, tmp_path_factory):
    """A folder as the site has it: static files, and a page with all that answers or moves."""
    folder = tmp_path_factory.mktemp("site")
    static = folder / "_static"
    static.mkdir()
    (folder / "notebooks").mkdir()
    (static / "engine.js").write_text(join_modules(ASSETS / "engine"))
    for name in ("frontier_chart.js", "allocator.js"):
        shutil.copy2(ASSETS / name, static)
    allocator.write_script(allocator.export({AVERAGE: mix}), static / "allocator_data.js")
    shutil.copytree(ASSETS / "moves", static / "moves")
    body = f"<main><h1>A chapter</h1>{COST._repr_html_()}{EXERCISE.format(ANSWERED)}"
    data = moves.move_data(mix, 10, 5e5, PAPER_LM_PARAMS, 0.8)
    body += ISOFLOP._repr_html_() + law[1]._repr_html_() + data._repr_html_()
    body += EXERCISE.format("ex-tokens-by-task") + EXERCISE.format("ex-not-checked") + "</main>"
    head = '<meta charset="utf-8"><title>A chapter</title>'
    page = f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'
    page = moves.add_scripts(answer_boxes.add_boxes(page))
    (folder / "notebooks" / "chapter.html").write_text(page)
    return folder / "notebooks" / "chapter.html"


@pytest.fixture
def tab(browser, site):
    """The page, which may ask for nothing but files and may not fail."""
    page = browser.new_page()
    faults = []
    page.on("request", lambda r: None if r.url.startswith("file:") else faults.append(r.url))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(site.as_uri())
    yield page
    page.close()
    assert faults == []


def numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"\d+(?:\.\d+)?(?:e\d+)?", text.replace(",", ""))]


def move(tab, name: str, label: str, index: int) -> None:
    """Put a slider of a part on one of its places."""
    slider = tab.locator(f'[data-move="{name}"] input[type=range]').and_(
        tab.get_by_label(label, exact=True)
    )
    slider.evaluate("(s, i) => { s.value = i; s.dispatchEvent(new Event('input')); }", index)


def says(tab, name: str) -> str:
    return tab.locator(f'[data-move="{name}"] .vvlm-move-says').inner_text()


# ---- scrypt and spelling -------------------------------------------------------------------------


def in_node(expression: str):
    scripts = [join_modules(ASSETS / "engine")]
    scripts += [(ASSETS / "moves" / f"{name}.js").read_text() for name in ("scrypt", "answers")]
    scripts.append(f"console.log(JSON.stringify({expression}));")
    run = {"capture_output": True, "text": True, "check": True}
    return json.loads(subprocess.run(["node", "-"], input="\n".join(scripts), **run).stdout)


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@needs_node
@pytest.mark.parametrize(
    ("text", "salt", "settings"),
    [
        ("", "", {"n": 16, "r": 1, "p": 1, "dklen": 64}),  # RFC 7914's first example
        ("pleaseletmein", "SodiumChloride", {"n": 1024, "r": 8, "p": 1, "dklen": 64}),
        ("é" * 70, "ex-a", {"n": 16, "r": 2, "p": 3, "dklen": 40}),
        ("2.57e+06", ANSWERED, exercises.SLOW),
    ],
)
def test_the_hash_is_pythons(text, salt, settings):
    wanted = hashlib.scrypt(text.encode(), salt=salt.encode(), **settings).hex()
    assert (
        in_node(f"vvlmScrypt({json.dumps(text)}, {json.dumps(salt)}, {json.dumps(settings)})")
        == wanted
    )


@needs_node
def test_numbers_are_spelt_as_python_spells_them():
    values = [
        0,
        1,
        -1,
        14,
        0.5,
        999.9,
        9.995,
        2571428.6,
        1e-9,
        1.234e150,
        -0.012345,
        1000,
        0.1 + 0.2,
    ]
    found = in_node(
        f"{json.dumps(values)}.map((v) => vvlmAnswers.spellings(v, {exercises.DIGITS}))"
    )
    assert list(map(set, found)) == [set(exercises._spellings(v)) for v in values]


@needs_node
def test_answers_are_read_as_people_write_them():
    texts = ["2.57M", "2,570,000", "2.57e6", " 12 ", "−3", "45 %", "12.5%", "0,5", "many"]
    wanted = [2.57e6, 2.57e6, 2.57e6, 12, -3, 0.45, 0.125, None, None]
    assert in_node(f"{json.dumps(texts)}.map(vvlmAnswers.numberOf)") == wanted


# ---- boxes for answers ---------------------------------------------------------------------------


def test_every_checked_exercise_has_a_hint_and_a_box():
    known = json.loads(exercises.ANSWERS.read_text())
    hints = answer_boxes.read_hints()
    assert set(hints) == set(known)
    asked = {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            found = re.findall(r'check\("(ex-[\w-]+)", (?:your_answer|("\.\.\."))\)', cell.source)
            asked |= {label: bool(text) for label, text in found}
    assert asked == {label: hint["text"] for label, hint in hints.items()}


def test_a_page_gets_boxes_for_what_can_be_checked_alone():
    page = answer_boxes.add_boxes(EXERCISE.format(ANSWERED) + EXERCISE.format("ex-not-checked"))
    assert page.count("<form") == 1 and "to Exercise 1.2<" in page
    assert answer_boxes.add_boxes("<p>nothing</p>") == "<p>nothing</p>"


def answer(tab, exercise: str, text: str) -> str:
    """Write an answer by keyboard alone, and wait for what the box says."""
    box = tab.locator(f"form:has(#{exercise}-answer)")
    box.locator("input").focus()
    tab.keyboard.press("Control+A")
    tab.keyboard.type(text)
    tab.keyboard.press("Enter")
    box.locator("xpath=self::*[@data-found and not(@data-found='busy')]").wait_for()
    return box.locator("output").inner_text()


@pytest.mark.browser
def test_a_box_knows_the_right_answer_and_helps_with_a_wrong_one(tab):
    hint = answer_boxes.read_hints()[ANSWERED]["hint"]
    assert answer(tab, ANSWERED, "2.57M") == "Right."
    assert answer(tab, ANSWERED, "2571428.6") == "Right."
    assert answer(tab, ANSWERED, "857k") == f"Not yet. Hint: {hint}"
    assert "check the unit" in answer(tab, ANSWERED, "2.57")
    assert "the sign is not" in answer(tab, ANSWERED, "-2.57e6")
    assert "is no number" in answer(tab, ANSWERED, "0,5")
    assert answer(tab, "ex-tokens-by-task", "XYZ").startswith("Not yet. Hint: Fit")
    assert tab.locator("#ex-not-checked form").count() == 0


@pytest.mark.browser
def test_what_a_box_says_is_announced_and_named(tab):
    box = tab.get_by_label("Your answer to Exercise 1.2").first
    assert box.is_visible()
    said = tab.locator("form output").first
    assert said.get_attribute("aria-live") == "polite"


# ---- parts that move -----------------------------------------------------------------------------


def test_a_page_without_parts_loads_no_script():
    page = "<html><head></head><body></body></html>"
    assert moves.add_scripts(page) == page


def test_scripts_come_once_and_in_order(site):
    names = re.findall(r'<script src="\.\./_static/([^"]+)"', site.read_text())
    assert len(names) == len(set(names)) and names.index("engine.js") < names.index("moves/cost.js")
    assert (
        names.index("frontier_chart.js")
        < names.index("moves/parts.js")
        < names.index("moves/cost.js")
    )
    for scripts in moves.SCRIPTS.values():
        made_by_the_build = {"engine.js", "allocator_data.js"}
        assert all(name in made_by_the_build or (ASSETS / name).is_file() for name in scripts)


@pytest.mark.browser
def test_without_scripts_and_in_print_the_table_stands_there(browser, site, tab):
    tab.emulate_media(media="print")
    assert tab.locator('[data-move="cost"] table').is_visible()
    assert not tab.locator(".vvlm-move-live, form.vvlm-answer").first.is_visible()
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(site.as_uri())
    assert plain.locator('[data-move="cost"] table').is_visible()
    assert plain.locator("form.vvlm-answer:visible, input:visible").count() == 0
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("places", [(0, 0, 0), (4, 31, 13), (7, 127, 27), (1, 9, 4)])
def test_the_cost_is_equation_1(tab, places):
    labels = ("LM size", "frames", "tokens per frame")
    for label, place in zip(labels, places, strict=True):
        move(tab, "cost", label, place)
    values = COST.settings["values"].values()
    design = [v[place] for v, place in zip(values, places, strict=True)]
    cost = inference_cost(*design)
    head, parts = says(tab, "cost").split(" The encoder takes ")
    assert numbers(head)[3] == pytest.approx(cost.total_flops / 1e12, rel=6e-4)
    vision, share, lm, rest = numbers(parts)
    assert [vision, lm] == pytest.approx([cost.vision_flops / 1e12, cost.lm_flops / 1e12], rel=6e-4)
    assert share == pytest.approx(100 * cost.vision_flops / cost.total_flops, rel=0.06)
    assert share + rest == pytest.approx(100, abs=1)


@pytest.mark.browser
@pytest.mark.parametrize("place", [0, 20, -1])
def test_the_designs_of_a_budget_are_pythons(tab, place):
    budgets = ISOFLOP.settings["budgets"]
    move(tab, "isoflop", "budget per video", place % len(budgets))
    near = isoflop_designs(budgets[place], 0.03)
    counts = [int((near["lm_params"] == size).sum()) for size in PAPER_LM_PARAMS]
    said = says(tab, "isoflop").split(": ", 1)[1].split("; ")
    assert [0 if s.startswith("no ") else int(s.split()[0]) for s in said] == counts
    assert tab.locator('[data-move="isoflop"] circle').count() == sum(counts)
    most = near[near["lm_params"] == 1e9].sort_values(["frames", "tokens_per_frame"])
    if len(most):
        assert f"{most['frames'].iloc[-1]} x " in said[0]


@pytest.mark.browser
@pytest.mark.parametrize("factor", ["frames", "LM size"])
def test_a_moved_law_is_pythons(tab, law, factor):
    fitted, part = law
    tab.locator('[data-move="law"]').get_by_label(factor).first.check()
    name = {"frames": "frames", "LM size": "lm_params"}[factor]
    values, examples = part.settings["values"][name], part.settings["examples"]
    move(tab, "law", factor, 2)
    move(tab, "law", "finetuning examples", 1)
    move(tab, "law", "exponent a of the factor", 0)
    here = part.settings["design"] | {name: values[2], "train_examples": examples[1]}
    theta = np.array(part.settings["theta"])
    own = next(
        t.powers[0].exponent for t in fitted.law.terms if [p.factor for p in t.powers] == [name]
    )
    theta[fitted.law.parameters.index(own)] = 0
    level = [here[f] / part.settings["design"][f] for f in fitted.law.factors]
    wanted = law_values(fitted.law, theta, np.log(level)[:, None])[0, 0]
    error = float(re.search(r"error of ([\d.]+) points", says(tab, "law"))[1])
    assert error == pytest.approx(wanted, rel=6e-3)


def test_a_laws_parts_add_up_to_its_prediction(law):
    fitted, part = law
    design = load_runs("paper").head(1).assign(**PAPER_CENTRE, train_examples=1e6)
    assert part.still["error"].sum() == pytest.approx(fitted.predict(design)[0])


@pytest.mark.browser
@pytest.mark.parametrize(("budget", "place"), [("10", 2), ("30", 4)])
def test_the_best_design_at_more_data_is_pythons(tab, mix, budget, place):
    box = tab.locator('[data-move="data"]')
    box.scroll_into_view_if_needed()
    box.locator(".vvlm-panels svg").first.wait_for()
    box.get_by_label(budget, exact=True).check()
    move(tab, "data", "finetuning examples", place)
    n = moves.EXAMPLES[place]
    asked = Question([float(budget) * 1e12], n, Space(lm_params=PAPER_LM_PARAMS))
    best = solve(mix, asked).table().iloc[0]
    said = says(tab, "data")
    assert f"{best['frames']:g} frames of {best['tokens_per_frame']:g} tokens" in said
    assert f"{best['lm_params'] / 1e9:g}B LM" in said
    error = float(re.search(r"error of ([\d.]+) points", said)[1])
    assert error == pytest.approx(best["error"], rel=6e-4)


@pytest.mark.browser
def test_a_slider_moves_by_keyboard_and_says_its_value(tab):
    slider = tab.locator('[data-move="cost"]').get_by_label("frames", exact=True)
    slider.focus()
    tab.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "33"
    assert "33 frames" in says(tab, "cost")
    tab.keyboard.press("Home")
    assert "1 frames" in says(tab, "cost")
    tab.locator('[data-move="cost"] [role=status]', has_text=", 1 frames").wait_for(
        state="attached"
    )


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_serious_for_axe_and_nothing_too_small_to_read(tab, width):
    from axe_playwright_python.sync_playwright import Axe

    tab.set_viewport_size({"width": width, "height": 900})
    found = (
        Axe()
        .run(tab, options={"resultTypes": ["violations"], "preload": False})
        .response["violations"]
    )
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    sizes = tab.eval_on_selector_all(
        ".vvlm-move svg text",
        """all => all.map(text => {
          const { clientWidth, viewBox } = text.ownerSVGElement;
          const shown = clientWidth / viewBox.baseVal.width;
          return parseFloat(getComputedStyle(text).fontSize) * shown;
        })""",
    )
    assert sizes and min(sizes) >= 9
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
