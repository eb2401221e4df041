"""The page `your_sweep` in a real browser: a table dropped on it is answered, and stays there."""

import functools
import http.server
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from vvlm_utils.advice.answer import fit_model, laws_of, move_with_data
from vvlm_utils.advice.fit_file import load_fit
from vvlm_utils.advice.sentences import say_elasticity
from vvlm_utils.runs.prepared import prepare
from vvlm_utils.runs.schema import RunsError
from vvlm_utils.runs.sources import find_table
from vvlm_utils.site import engine

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
MEMBERS = 12
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The page's own HTML, without the book's frame, beside its scripts and style."""
    root = tmp_path_factory.mktemp("page")
    (root / "book").mkdir()
    static = root / "_static"
    static.mkdir()
    raw = re.search(r"```\{raw\} html\n(.*?)```", (BOOK / "your_sweep.md").read_text(), re.DOTALL)
    (root / "book" / "your_sweep.html").write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Your sweep</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="../_static/book.css"></head>'
        f"<body><main><h1>What does your own sweep say?</h1>{raw[1]}</main></body></html>"
    )
    for name in ("your_sweep.js", "frontier_chart.js", "book.css"):
        (static / name).write_text((BOOK / "assets" / name).read_text())
    engine.write_scripts(BOOK / "assets" / "engine", static)
    return root


@pytest.fixture
def tab(browser, folder):
    """The page from a disk; what it asks of a network, and what goes wrong in it, is a failure."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page, faults = context.new_page(), []
    page.on("request", lambda r: faults.append(r.url) if r.url.startswith("http") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.goto((folder / "book" / "your_sweep.html").as_uri())
    yield page
    context.close()
    assert faults == []


def few_refits(tab, members: int = MEMBERS) -> None:
    tab.get_by_text("Budgets, prices and designs").click()
    tab.get_by_label("Refits", exact=True).fill(str(members))


def choose(tab, name: str, content: str) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    tab.set_input_files("input[name=file]", file)


def wait_for_all(tab) -> None:
    tab.wait_for_selector("#sweep-keep", timeout=120_000)
    tab.wait_for_selector("#sweep-working", state="hidden")


def status(tab) -> str:
    return tab.locator("#sweep-status").inner_text()


PAPER = find_table("paper").read_text()


def test_a_chosen_table_is_answered_as_the_command_line_answers_it(tab, tmp_path):
    few_refits(tab)
    choose(tab, "my runs.csv", PAPER)
    tab.wait_for_selector("#sweep-frontier")
    wait_for_all(tab)
    assert "TFLOPs per video and 2M training examples, deploy" in status(tab)
    with tab.expect_download() as waiting:
        tab.get_by_text("Download the fit").click()
    assert waiting.value.suggested_filename == "my runs.fit.json"
    waiting.value.save_as(tmp_path / "fit.json")
    (tmp_path / "runs.csv").write_text(PAPER)
    prepared = prepare(tmp_path / "runs.csv")
    ours, theirs = load_fit(tmp_path / "fit.json")[0], fit_model(prepared, resamples=MEMBERS)
    runs = prepared.runs
    np.testing.assert_allclose(ours.predict_members(runs), theirs.predict_members(runs), rtol=1e-5)
    moves, _ = move_with_data(theirs, prepared)
    sentence = say_elasticity(moves, prepared.space, laws_of(theirs))
    assert tab.locator("#sweep-moves > p").first.inner_text() == sentence
    shown = tab.locator("#sweep-moves td:nth-child(2)").all_inner_texts()
    assert [float(x.replace("\N{MINUS SIGN}", "-")) for x in shown] == pytest.approx(
        moves["value"].tolist(), abs=0.0051
    )
    command = tab.locator("#sweep-keep pre").inner_text()
    assert command.startswith(f"vvlm frontier 'my runs.csv' --resamples {MEMBERS} --tflops 5 ")
    assert tab.locator("#sweep-result svg").count() == 4
    assert tab.locator("#sweep-audit li", has_text="87 runs of 61 designs").count() == 1
    assert "vvlm next-runs 'my runs.csv'" in command and "--most 6" in command
    planned = tab.locator("#sweep-next tbody tr")
    assert 1 <= planned.count() <= 6 and "%" in planned.first.inner_text()


def test_the_first_answer_of_a_single_fit_comes_before_the_refits(tab):
    tab.get_by_role("button", name="the paper’s runs").click()
    tab.wait_for_function("document.querySelector('#sweep-status').innerText.startsWith('A first')")
    assert tab.locator("#sweep-frontier").is_visible() and tab.locator("#sweep-cancel").is_visible()
    assert tab.locator("#sweep-keep").count() == 0
    tab.get_by_role("button", name="Cancel").press("Enter")
    assert status(tab).startswith("Cancelled") and not tab.locator("#sweep-working").is_visible()
    assert tab.evaluate("document.activeElement.id") == "sweep-status"


def test_the_page_answers_others_while_it_fits(tab):
    """No task of the page's own thread takes as long as a fit would."""
    tab.evaluate("""() => {
      window.longest = 0;
      new PerformanceObserver((list) => {
        window.longest = Math.max(window.longest, ...list.getEntries().map((e) => e.duration));
      }).observe({ entryTypes: ["longtask"] });
    }""")
    few_refits(tab, 60)
    tab.get_by_role("button", name="the paper’s runs").click()
    tab.wait_for_selector("#sweep-frontier")
    tab.get_by_label("Seed").fill("1")
    wait_for_all(tab)
    assert tab.evaluate("window.longest") < 2000


MARKUP = "<img src=x onerror=alert(1)>"


def test_markup_in_names_and_cells_stays_text(tab):
    header = "lm_params,frames,tokens_per_frame,train_examples,metric,task"
    choose(tab, f"{MARKUP}.csv", f'{header}\n1e9,4,16,250000,"{MARKUP}","{MARKUP}"\n')
    tab.wait_for_selector(".sweep-refused")
    assert status(tab).startswith(f"{MARKUP}.csv: metric must be a plain number")
    few_refits(tab, 3)
    rows = [line.split(",") for line in PAPER.splitlines()[1:]]
    names = PAPER.splitlines()[0].split(",")
    kept = [",".join(row[names.index(n)] for n in header.split(",")[:5]) for row in rows]
    choose(tab, f"{MARKUP}.csv", "\n".join([header, *(f'{row},"{MARKUP}"' for row in kept)]))
    wait_for_all(tab)
    assert f"one task, {MARKUP}." in tab.locator("#sweep-audit").inner_text()
    assert f"'{MARKUP}.csv'" in tab.locator("#sweep-keep pre").inner_text()
    assert tab.locator("main img").count() == 0


BROKEN = "lm_params,frames,tokens_per_frame,train_examples,metric\n7.5,4,16,0.25,0.5\n"


def test_a_broken_table_is_refused_in_the_words_of_the_command(tab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs.csv").write_text(BROKEN)
    with pytest.raises(RunsError) as refusal:
        prepare("runs.csv")
    choose(tab, "runs.csv", BROKEN)
    tab.wait_for_selector(".sweep-refused")
    assert tab.locator("#sweep-status").text_content() == str(refusal.value)
    assert tab.locator("#sweep-result *").count() == 0
    few_refits(tab, 3)
    tab.get_by_role("button", name="the paper’s runs").click()
    wait_for_all(tab)
    assert tab.locator(".sweep-refused").count() == 0


DROP = """(text) => {
  const files = new DataTransfer();
  files.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
  const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.getElementById("sweep-drop").dispatchEvent(event);
}"""


def test_a_table_is_dropped_or_pasted(tab):
    tab.evaluate(DROP, BROKEN)
    tab.wait_for_selector(".sweep-refused")
    assert status(tab).startswith("dropped.csv: ")
    tab.get_by_text("Paste a table instead").click()
    tab.get_by_label("Lines of a CSV").fill(BROKEN)
    tab.get_by_role("button", name="Use what is pasted").click()
    tab.wait_for_function("document.querySelector('#sweep-status').innerText.startsWith('pasted')")


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [
        ("Budgets", "10, many", "budgets must be a number from"),
        ("Refits", "2.5", "refits must be a whole number from 3 to 3000"),
        ("Finetuning examples", "-1", "examples must be a number from 1"),
        ("Hold them at", "tower_params=x", "NAME=VALUE with a number above 0"),
        ("Budgets", "0.0001", "the cheapest costs"),
        ("Further columns", "tower", "missing column tower"),
        ("Task", "VDC", "no runs of task 'VDC'; choose one of avg"),
    ],
)
def test_a_question_without_sense_is_refused_and_recovers(tab, label, value, words):
    few_refits(tab, 3)
    tab.get_by_label(label).first.fill(value)
    tab.get_by_role("button", name="the paper’s runs").click()
    tab.wait_for_selector(".sweep-refused")
    assert words in status(tab) and tab.locator("#sweep-working").is_hidden()
    tab.get_by_label(label).first.fill("")
    tab.get_by_role("button", name="Answer again").click()
    wait_for_all(tab)


def test_it_is_used_by_keyboard_alone_and_breaks_no_rule_of_accessibility(tab):
    from axe_playwright_python.sync_playwright import Axe

    few_refits(tab, 3)
    button = tab.get_by_role("button", name="the paper’s runs")
    tab.locator("input[name=file]").focus()
    tab.keyboard.press("Tab")
    assert button.evaluate("button => button === document.activeElement")
    tab.keyboard.press("Enter")
    wait_for_all(tab)
    for _ in range(40):
        if tab.evaluate("document.activeElement.matches('#sweep-charts svg')"):
            break
        tab.keyboard.press("Tab")
    reading = tab.locator("#sweep-charts [aria-live=polite]")
    said = []
    for key in ("Home", "ArrowRight", "ArrowRight", "End", "ArrowRight"):
        tab.keyboard.press(key)
        said.append(reading.inner_text())
    assert re.match(r"At [\d.]+ TFLOPs per video: [\d.]+B, \d+ × \d+; error [\d.]+ \(", said[0])
    assert len(set(said)) == 4 and said[3] == said[4]  # the last is the end
    assert all(
        float(x) > 0
        for x in tab.locator("#sweep-charts .point").evaluate_all(
            "points => points.map((point) => point.getAttribute('cx'))"
        )
    )
    found = Axe().run(tab, options={"preload": False}).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []


def test_a_law_is_chosen_in_place_of_the_mix(tab):
    few_refits(tab, 3)
    tab.locator("select[name=law]").select_option("mult")
    tab.get_by_label("Cost of a design").select_option("exact")
    tab.get_by_label("Training budget").fill("1e12")
    tab.get_by_role("button", name="the paper’s runs").click()
    wait_for_all(tab)
    assert "The law is mult, as asked" in tab.locator("#sweep-result").inner_text()
    assert "--cost exact" in tab.locator("#sweep-keep pre").inner_text()
    assert "--law mult" in tab.locator("#sweep-keep pre").inner_text()
    assert "Costs count every matrix product." in tab.locator("#sweep-audit").inner_text()
    assert "only because law mult has no term" in tab.locator("#sweep-moves").inner_text()
    refused = tab.locator("#sweep-next").inner_text()
    assert "1e+12 training FLOPs buy none of the candidates: the cheapest costs" in refused


def test_from_a_server_nothing_is_asked_of_it_after_the_page(browser, folder):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page, asked = browser.new_page(), []
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/book/your_sweep.html")
        page.wait_for_load_state("networkidle")
        page.on("request", lambda r: asked.append(r.url) if r.url.startswith("http") else None)
        page.context.set_offline(True)
        few_refits(page, 3)
        page.get_by_role("button", name="the mini experiment").click()
        wait_for_all(page)
    finally:
        page.close()
        server.shutdown()
        server.server_close()
    assert asked == []


def test_the_data_of_the_engine_are_plain_json():
    assert json.loads(json.dumps(engine.export(), allow_nan=False))["members"] == 300
