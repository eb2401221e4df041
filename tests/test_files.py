"""A file is whole or not there, whoever writes it; JSON that cannot be read is one line."""

import pytest

from vvlm_utils.files import read_json, read_mapping, whole


class Refused(ValueError):
    """What a reader of these tests raises."""


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "a table.csv"
    with whole(path) as part:
        part.write_text("new")
        assert not path.exists() and part.parent == tmp_path
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_what_failed_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "kept"
    path.write_text("old")
    with pytest.raises(OSError, match="no room"), whole(path) as part:
        part.write_text("half")
        raise OSError("no room")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "one"
    with whole(path) as later:
        later.write_text("later")
        with whole(path) as sooner:
            sooner.write_text("sooner")
        assert path.read_text() == "sooner"
    assert path.read_text() == "later" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"{", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused_with_the_mend(tmp_path, content):
    path = tmp_path / "notes.json"
    path.write_bytes(content)
    with pytest.raises(Refused, match=r"notes.json: not readable as JSON \(.*\); write it again$"):
        read_json(path, Refused, "write it again")
    with pytest.raises(Refused, match="not readable"):
        read_json(tmp_path, Refused, "write it again")


def test_a_mapping_is_asked_for(tmp_path):
    path = tmp_path / "notes.json"
    path.write_text('["a"]')
    assert read_json(path, Refused, "write it again") == ["a"]
    with pytest.raises(Refused, match="holds no mapping; write it again"):
        read_mapping(path, Refused, "write it again")
