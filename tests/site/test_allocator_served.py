"""The allocator's served models are those of Python: designs, prices, lines to paste, answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vvlm_utils.cost.catalogue import families, get_model
from vvlm_utils.cost.clips import Clip
from vvlm_utils.cost.flags import transformers_lines, vllm_line
from vvlm_utils.cost.served import Server
from vvlm_utils.cost.serving import ACCELERATORS, get_accelerator
from vvlm_utils.frontier.families import UNITS, as_factors, family_designs, family_models
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.frontier.space import Candidates
from vvlm_utils.runs.table import AVERAGE
from vvlm_utils.site import allocator
from vvlm_utils.site.engine import join_modules

pytestmark = pytest.mark.browser

ASSETS = Path(__file__).parents[2] / "book" / "assets"
QUESTIONS = 200
DESIGNS = """(asked) => {
  const data = window.VVLM_ALLOCATOR;
  const { found, short } = vvlmServed.designs(data, asked);
  const { clip, family, server, text } = asked;
  return { short: Boolean(short), found: found.map((d) => ({
    model: d.model.name, lm_params: d.lm_params, frames: d.frames,
    tokens_per_frame: d.tokens_per_frame, tflops: d.tflops, seconds: d.seconds,
    videos_per_hour: d.price.perHour, dollars_per_million: d.dollars, context: d.price.context +
    text.answer, notes: d.notes,
    vllm: vvlmServed.vllmLine(data.served, family, d, clip, server.devices, text.answer),
    transformers: vvlmServed.transformersLines(data.served, family, d, clip),
  })) };
}"""
ANSWER = """([asked, unit, question, budget]) => {
  const data = window.VVLM_ALLOCATOR;
  const { found } = vvlmServed.designs(data, asked);
  const candidates = found.map((d) => ({ ...d, cost_flops: d[unit] }));
  const { best, near } = vvlmAllocator.answer(data, { ...question, candidates }, budget);
  return { ...best, model: best.model.name, near: near.length };
}"""
NUMBERS = ("lm_params", "frames", "tokens_per_frame", "tflops", "seconds", "videos_per_hour",
           "dollars_per_million", "context")  # fmt: skip
PAGE_UNITS = {"dollars_per_million": "dollars", "seconds": "seconds", "tflops": "tflops"}


@pytest.fixture(scope="module")
def mix():
    return allocator.fit_task(AVERAGE, 40)


@pytest.fixture(scope="module")
def tab(mix, browser, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "allocator_data.js"
    allocator.write_script(allocator.export({AVERAGE: mix}), path)
    page = browser.new_page()
    page.add_script_tag(content=join_modules(ASSETS / "engine"))
    for script in (path, ASSETS / "allocator.js", ASSETS / "allocator_served.js"):
        page.add_script_tag(path=script)
    yield page
    page.close()


def draw_asked(rng) -> dict:
    """A question as the page asks it: any family, some of its models, any clip and server."""
    family = str(rng.choice(list(families())))
    models = [model.name for model in families()[family]]
    sizes = [(1280, 720), (640, 360), (1920, 1080), (320, 240), (480, 854), (64, 48), (2000, 100)]
    width, height = sizes[rng.integers(len(sizes))]
    if rng.random() < 0.3:
        width, height = (int(side) for side in rng.integers(120, 2000, 2))
    return {
        "family": family,
        "models": sorted({str(name) for name in rng.choice(models, 2)}),
        "clip": {
            "duration": round(float(np.exp(rng.uniform(np.log(0.05), np.log(2000)))), 2),
            "width": width,
            "height": height,
            "fps": 30,
        },
        "server": {
            "device": str(rng.choice(list(ACCELERATORS))),
            "devices": int(rng.choice([1, 1, 2, 8])),
            "price": float(rng.choice([0.8, 2.5])),
            "utilisation": float(rng.choice([1, 0.4])),
            "cores": int(rng.choice([2, 8, 64])),
        },
        "text": {"prompt": int(rng.choice([0, 50, 400])), "answer": int(rng.choice([0, 1, 100]))},
    }


def in_python(asked) -> pd.DataFrame | None:
    """The package's designs with their lines to paste; None where the server holds none."""
    server, text = asked["server"], asked["text"]
    clip = Clip(*(asked["clip"][name] for name in ("duration", "width", "height", "fps")))
    device = get_accelerator(server["device"], server["devices"])
    terms = (server[name] for name in ("devices", "price", "utilisation", "cores"))
    models = family_models(asked["family"], asked["models"])
    try:
        designs = family_designs(models, clip, Server(device, *terms), *text.values())
    except ValueError:
        return None
    shown = [(get_model(row["model"]), row) for row in designs.to_dict("records")]
    return designs.assign(
        vllm=[vllm_line(m, r["flags"], server["devices"], r["context"], clip) for m, r in shown],
        transformers=[transformers_lines(m, r["flags"], clip) for m, r in shown],
    )


def test_two_hundred_random_questions_have_the_packages_designs_and_lines(tab):
    rng, counts = np.random.default_rng(0), []
    for _ in range(QUESTIONS):
        asked = draw_asked(rng)
        ours, theirs = tab.evaluate(DESIGNS, asked)["found"], in_python(asked)
        if theirs is None:
            assert ours == [], asked
            continue
        assert [d["model"] for d in ours] == theirs["model"].tolist(), asked
        for name in NUMBERS:
            found = [design[name] for design in ours]
            np.testing.assert_allclose(found, theirs[name].astype(float), rtol=1e-9, err_msg=asked)
        for name in ("vllm", "transformers", "notes"):
            assert [list(d[name]) for d in ours] == [list(x) for x in theirs[name]], asked
        counts.append(len(ours))
    assert len(counts) > 0.6 * QUESTIONS and max(counts) > 40


def test_what_the_page_chooses_is_what_the_package_chooses(mix, tab):
    rng, asked_of = np.random.default_rng(1), set()
    while len(asked_of) < 24:
        asked, unit = draw_asked(rng), str(rng.choice(list(UNITS)))
        designs = in_python(asked)
        if designs is None:
            continue
        budget = float(np.exp(rng.uniform(0, 1)) * designs[unit].quantile(rng.uniform(0, 0.9)))
        n = float(np.exp(rng.uniform(np.log(1e5), np.log(2e7))))
        question = {"task": AVERAGE, "examples": n, "level": 0.8, "epsilon": 0.1}
        best = tab.evaluate(ANSWER, [asked, PAGE_UNITS[unit], question, budget])
        space = Candidates(as_factors(designs), designs[unit].to_numpy())
        solution = solve(mix, Question((budget,), n, space))
        row = solution.table().iloc[0]
        for name in ("lm_params", "frames", "tokens_per_frame", "error", "probability", "regret",
                     "error_low", "error_high", "within_epsilon"):  # fmt: skip
            assert best[name] == pytest.approx(row[name], rel=1e-9, abs=1e-9), (name, asked)
        assert (
            best["cost_flops"] == pytest.approx(row["cost_flops"]) and best["cost_flops"] <= budget
        )
        assert best["near"] == len(solution.near(0.1))
        asked_of.add((asked["family"], unit))
