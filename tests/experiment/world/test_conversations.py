"""The reading of annotations: what the standards allow is read, the rest is named in one line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.experiment.world import conversations as conv
from vvlm_utils.experiment.world.media import fault_of_file, pictures_in

VIDEO = b"\x1a\x45\xdf\xa3" + bytes(range(256))  # begins as Matroska does
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def box(name, body=b""):
    return (8 + len(body)).to_bytes(4, "big") + name + body


def moov(handler):
    return box(b"moov", box(b"trak", box(b"hdlr", bytes(8) + handler)))


def turns(*texts):
    return [
        {"from": ("human", "gpt")[number % 2], "value": text} for number, text in enumerate(texts)
    ]


GOOD = {"id": "a", "video": "a.mkv", "conversations": turns("<video>\nWhat is it?", "A cat.")}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "a.mkv").write_bytes(VIDEO)
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "c01_0001.jpeg").write_bytes(PNG)
    return tmp_path


# Files of records.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_every_encoding_of_json_is_read(tmp_path, encoding, ending):
    path, records = tmp_path / f"index{ending}", [GOOD, GOOD | {"id": "é"}]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    text = lines if ending == ".jsonl" else json.dumps(records, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    assert conv.load_records(path) == records


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("between", ["", " \t"])
@pytest.mark.parametrize("name", ["index.jsonl", "INDEX.JSONL", "index.ndjson"])
def test_json_lines_may_hold_blank_lines_and_any_separator_within_a_text(
    tmp_path, end, between, name
):
    odd = "one\u2028two\u2029three\x85four\x7f"  # line ends elsewhere, no line ends in JSON
    records = [GOOD | {"id": odd}, GOOD]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    (tmp_path / name).write_bytes((f"{end}{between}{end}".join(lines) + 2 * end).encode())
    assert conv.load_records(tmp_path / name) == records


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b'{"id": 1}\n\n{"id": \n', "line 3: Expecting value"),
        ("a.json", b"[" * 100_000, "not readable as JSON"),
        ("a.json", b'{"id": 1}', "must be a list of records"),
        ("a.json", b"[" + b"9" * 5000 + b"]", "not readable as JSON"),
        ("a.json", b'["\xff"]', "not readable as JSON"),
        ("a.json", b"", "not readable as JSON"),
    ],
)
def test_a_file_that_is_no_index_is_refused_in_one_line(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(conv.ClipError, match=words) as refused:
        conv.load_records(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.json", "/dev/zero"):
        with pytest.raises(conv.ClipError, match="no such index"):
            conv.load_records(path)


# Records.


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"video": "frames"},
        {"video": None, "image": "a.png"},
        {"image": None},
        {"conversations": turns("What is it?", "A cat.")},
        {"conversations": turns("<video><image>\n<video>Which?", "That.", "<image> And?", "This.")},
        {"conversations": turns("<video>", "A caption.")},
        {"video": "frames/../a.mkv"},
        {"more": {"nested": [1, None]}, "id": 7},
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_records_that_can_be_used_are_read(root, changes):
    assert conv.check_records([GOOD | changes], root, progress=False) == [None]


def test_an_absolute_path_within_the_root_is_read(root):
    record = GOOD | {"video": str(root / "a.mkv")}
    assert conv.check_records([record], root, progress=False) == [None]


def test_marks_leave_the_question_alone_wherever_they_stand():
    assert conv.without_marks("<video>\n<image>Which one is <it>?\n<video>") == "Which one is <it>?"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"video": None}, "lacks 'video'"),
        ({"image": "a.png"}, "names a video and an image; leave one out"),
        ({"video": ["a.mkv"]}, "video is a list; name one file"),
        ({"video": 7}, "video is no name; name one file"),
        ({"video": ""}, "video is no name; name one file"),
        ({"video": {"path": "a.mkv"}}, "video is no name; name one file"),
        ({"video": "."}, "video lies outside the root"),
        ({"video": "/data/a.mkv"}, "video lies outside the root"),
        ({"video": "../a.mkv"}, "video lies outside the root"),
        ({"video": "b.mkv"}, "video not there"),
        ({"video": "a\0.mkv"}, "video not there"),
        ({"video": "\ud800.mkv"}, "video not"),
        ({"video": "x" * 9999}, "video not readable"),
        ({"conversations": None}, "lacks 'conversations'"),
        ({"conversations": "text"}, "conversations must be a list of turns"),
        ({"conversations": ["text"]}, "conversations must be a list of turns"),
        ({"conversations": []}, "turns must alternate human, gpt"),
        ({"conversations": turns("one", "two", "three")}, "turns must alternate human, gpt"),
        ({"conversations": turns("one", "two")[::-1]}, "turns must alternate human, gpt"),
        ({"conversations": [{"value": "a"}, {"value": "b"}]}, "turns must alternate human, gpt"),
        ({"conversations": turns("What?", None)}, "a turn without a text"),
        ({"conversations": turns(["What?"], "That.")}, "a turn without a text"),
        ({"conversations": turns("What?", "")}, "an empty answer"),
        ({"conversations": [{"from": "human"}, {"from": "gpt"}]}, "a turn without a text"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_records_that_cannot_be_used_are_named(root, changes, kind):
    (fault,) = conv.check_records([GOOD | changes], root, progress=False)
    assert fault.kind.startswith(kind)
    (root / "index.json").write_text(json.dumps([GOOD, GOOD | changes]))
    with pytest.raises(conv.ClipError, match=r"record 1 \(id 'a'\): ") as refused:
        conv.read_index(root / "index.json", progress=False)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600
    assert str(refused.value).isascii()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def damaged(draw):
    """A good record of which one part, at any depth, is anything that JSON can hold."""
    record = json.loads(json.dumps(GOOD))
    turn = record["conversations"][draw(st.integers(0, 1))]
    place, key = draw(
        st.sampled_from(
            [(record, key) for key in (*record, "image", "families", "levels")]
            + [(turn, key) for key in turn]
        )
    )
    place[key] = draw(ANY)
    return draw(st.sampled_from([record, [record], draw(ANY)]))


@settings(max_examples=300, deadline=None)
@given(record=damaged())
def test_a_wrong_type_anywhere_is_read_or_named(tmp_path_factory, record):
    folder = tmp_path_factory.getbasetemp()
    fault = conv.fault_of(record, folder)
    if fault is None:
        assert conv.media_of(record)
        try:
            assert conv.questions_of(record)
        except conv.ClipError as named:
            assert "per question" in str(named)
    else:
        assert "\n" not in str(fault) and conv.name_of(record, 3).startswith("record 3")


# Files that are no videos.


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>Not found</html>", "a web page"),
        (b"  <html>Video unavailable</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a git-lfs pointer"),
        (b'{"error": "quota"}', "a text"),
        ("Zugriff verweigert: für".encode(), "a text"),
        (bytes(2000), "zeros alone"),
        (b"PK\x03\x04" + bytes(99), "an archive"),
        (b"ID3\x04" + bytes(99), "a sound file"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(99), "a sound file"),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(99)), "an mp4 without its index"),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(99))[:50], "an mp4 without its index"),
        (box(b"ftyp", b"isom") + moov(b"soun"), "sound and no video"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_video_is_told_by_its_first_bytes(tmp_path, content, fault):
    for path in (tmp_path / "a.mp4", tmp_path / "frames" / "1.jpg"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert fault_of_file(tmp_path / "a.mp4").startswith(fault)
    if content[4:8] != b"ftyp":
        named = fault_of_file(tmp_path / "frames")
        assert named.startswith(f"a folder with a frame that is {fault}")


@pytest.mark.parametrize(
    "content",
    [
        VIDEO,
        PNG,
        b"GIF89a\x40\0\x30\0" + bytes(9),
        box(b"ftyp", b"isom") + moov(b"vide") + box(b"mdat", bytes(99)),
        box(b"ftyp", b"isom") + box(b"mdat", bytes(99)) + moov(b"vide"),
        box(b"ftyp", b"heic") + box(b"meta", bytes(9)),
        b"\0\0\0\x01mdat" + (40).to_bytes(8, "big") + bytes(24) + moov(b"vide"),  # a long length
    ],
)
def test_what_may_be_a_video_passes(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert fault_of_file(tmp_path / "a") is None


def test_a_pipe_is_not_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "a.mp4")
    assert fault_of_file(tmp_path / "a.mp4") == "video not there"


def test_a_folder_is_a_video_if_it_holds_pictures(root):
    assert fault_of_file(root / "frames") is None
    (root / "none").mkdir()
    assert fault_of_file(root / "none") == "a folder without .jpg, .jpeg or .png frames"
    for name in ("c10.png", "c9.jpg", ".c1.png", "c1.txt"):
        (root / "none" / name).write_bytes(PNG)
    assert [path.name for path in pictures_in(root / "none")] == ["c9.jpg", "c10.png"]
