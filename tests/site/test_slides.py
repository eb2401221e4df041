"""Slides: what they take from executed chapters, and the file in a browser."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output

from vvlm_utils.site.slides import LIST, first_slide, read_slides, write_slides

ROOT = Path(__file__).parents[2]
EXECUTED = ROOT / "_build" / "executed"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" viewBox="0 0 9 9"><g id="a"/></svg>'


def glued(name, value):
    shown = {"application/papermill.record/text/plain": repr(value)}
    return new_output("display_data", shown, metadata={"scrapbook": {"name": name}})


@pytest.fixture
def executed(tmp_path):
    figure = {"figure": {"name": "fig-a", "caption": "Of $x_T$ & 2 < 3."}, "image": {"alt": "Bars"}}
    cells = [new_code_cell("draw()", metadata={"mystnb": figure}), new_code_cell("glue()")]
    cells[0].outputs = [new_output("display_data", {"image/svg+xml": SVG})]
    cells[1].outputs = [glued("share", 0.481), glued("said", "one in two")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "03_a.ipynb")
    return tmp_path


def test_titles_and_sentences_take_their_numbers_from_the_chapter(executed):
    plan = [{"figure": "03_a::fig-a", "title": "It is {share:.0%}", "sentence": "{said}"}]
    (slide,) = read_slides(plan, executed)
    assert (slide.title, slide.sentence, slide.source) == ("It is 48%", "one in two", "chapter 3")
    page = write_slides([slide, slide], "A book")
    assert page.count("<section") == 2 and "<h2>It is 48%</h2>" in page and "One in two" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 2 and 'aria-label="Bars"' in page


def test_a_slide_without_a_sentence_has_the_caption_with_its_mathematics(executed):
    page = write_slides(read_slides([{"figure": "03_a::fig-a", "title": "T"}], executed), "A book")
    assert "<math" in page and "$" not in re.search(r"<p>.*</p>", page)[0]
    assert "&amp; 2 &lt; 3." in page


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"figure": "03_a::fig-a", "title": "{nothing}"}, "03_a::fig-a.*glues no 'nothing'"),
        ({"figure": "03_a::fig-b", "title": "T"}, "no figure named 'fig-b'"),
    ],
)
def test_what_a_chapter_does_not_have_is_named(executed, entry, words):
    with pytest.raises(ValueError, match=words):
        read_slides([entry], executed)


@pytest.fixture(scope="module")
def whole() -> str:
    if not EXECUTED.exists():
        pytest.skip("the whole book is not built: make book")
    plan = yaml.safe_load((ROOT / LIST).read_text())
    return write_slides([first_slide(ROOT, EXECUTED), *read_slides(plan, EXECUTED)], "A book")


@pytest.mark.book
@pytest.mark.browser
def test_the_book_s_slides_turn_by_keys_offline_and_fit_the_screen(whole, browser, tmp_path):
    (tmp_path / "slides.html").write_text(whole)
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    faults = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda r: faults.append(r.url) if r.url.startswith("http") else None)
    tab.goto((tmp_path / "slides.html").as_uri())
    count, titles = tab.locator("section").count(), set()
    for _ in range(count):
        assert tab.locator("section:visible").count() == 1
        for part in ("h2", "svg", "p"):
            box = tab.locator(f"section:visible > {part}:visible").bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= 720, (part, titles)
        titles.add(tab.locator("section:visible h2").inner_text())
        tab.keyboard.press("ArrowRight")
    assert len(titles) == count > 10 and faults == []
    tab.keyboard.press("Home")
    tab.set_viewport_size({"width": 390, "height": 844})
    assert "vvlm-phone" in tab.locator("section:visible > svg:visible").get_attribute("class")
    tab.keyboard.press("d")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    assert tab.locator("section:visible footer").inner_text().endswith(f"1 of {count}")
    tab.close()
