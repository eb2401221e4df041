"""What a chapter glues, put into its prose."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from vvlm_utils.chapters.glued import PLAIN, fill_figures, set_marked


def glued(name, text):
    kept = new_output("display_data", {PLAIN: repr(text)}, metadata={"scrapbook": {"name": name}})
    return new_code_cell(outputs=[kept])


def test_a_text_that_is_markdown_is_set_into_the_prose_and_others_stay_roles():
    said = "{glue:text}`verdict` {glue:text}`law` {glue:text}`plain` {glue:text}`number:.1f`"
    prose = new_markdown_cell(said)
    values = {"verdict": "it *holds*", "law": "`add` is best", "plain": "2 * 3", "number": 2.5}
    set_marked([*(glued(*item) for item in values.items()), prose])
    assert prose.source == ("it *holds* `add` is best {glue:text}`plain` {glue:text}`number:.1f`")


def test_captions_and_alt_texts_are_filled_and_an_alt_text_is_plain():
    figure = {"figure": {"caption": "{what} at {level:.0%}"}, "image": {"alt": "{what} at {level}"}}
    cell = new_code_cell("", metadata={"mystnb": figure})
    fill_figures([cell], {"what": "`add`", "level": 0.5})
    shown = cell.metadata["mystnb"]
    assert shown["figure"]["caption"] == "`add` at 50%" and shown["image"]["alt"] == "add at 0.5"
