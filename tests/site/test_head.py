"""What a page tells search engines and those who share it."""

import io

import matplotlib.pyplot as plt
import pytest

from vvlm_utils.site.head import CARD, CARD_SIZE, add_head, describe, draw_card, shorten

PAGE = """<html data-content_root="../"><head><title>A page &#8212; the book</title>{link}</head>
<body><p>menu</p><article class="bd-article"><h1>A page?</h1>{body}</article></body></html>"""
SHORT = '<div class="admonition important"><p class="admonition-title">In short</p>{}</div>'
PLAIN = "<p>First <em>words</em>.</p><p>More.</p>"


def page(body=PLAIN, link=""):
    return PAGE.format(body=body, link=link)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (PLAIN, "First words."),
        (SHORT.format("<ul><li>It costs 9.6 TFLOPs.</li><li>No.</li></ul>") + PLAIN,
         "It costs 9.6 TFLOPs."),
        (SHORT.format("<p>One paragraph.</p>") + PLAIN, "One paragraph."),
        (r'<p>Frames <span class="math">\(x_T\)</span>.</p>', "Frames x_T."),
        ("", ""),
    ],
)  # fmt: skip
def test_a_page_is_described_by_its_own_first_answer(body, said):
    assert describe(page(body)) == said


def test_a_long_description_ends_with_a_sentence_or_a_word():
    text = "A first sentence of 1.5 words. " + "word " * 100
    assert shorten(text) == "A first sentence of 1.5 words."
    assert len(shorten("word " * 100)) <= 200 and shorten("word " * 100).endswith("word …")


def test_the_head_quotes_and_names_the_card_that_the_site_has(tmp_path):
    folder = tmp_path / "book"
    body = '<p>A "quoted" &lt;b&gt;.</p>'
    bare = add_head(page(body), folder)
    assert '<meta name="description" content="A &quot;quoted&quot; &lt;b&gt;.">' in bare
    assert 'property="og:title" content="A page"' in bare and "og:image" not in bare
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / CARD).touch()
    folder.mkdir()
    assert f'property="og:image" content="../_static/{CARD}"' in add_head(page(body), folder)
    link = '<link rel="canonical" href="https://example.org/b/book/a.html" />'
    assert f'content="https://example.org/b/_static/{CARD}"' in add_head(page(body, link), folder)


def test_the_card_has_the_size_that_is_asked_for_and_the_same_bytes(tmp_path):
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    drawn = io.BytesIO()
    figure.savefig(drawn)
    plt.close(figure)
    for name in "ab":
        draw_card(drawn.getvalue(), "A book", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert plt.imread(tmp_path / "a", format="png").shape[1::-1] == CARD_SIZE


def test_a_name_or_a_link_that_is_a_question_ends_no_sentence():
    text = f"It follows Wang et al. [2025] and Which law is best? closely. Then {'more ' * 40}"
    assert shorten(text) == "It follows Wang et al. [2025] and Which law is best? closely."
