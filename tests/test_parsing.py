import os
import resource

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vvlm_utils.files import read_json
from vvlm_utils.parsing import parse_yaml, read_yaml

LEVELS = "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 30))
LAUGHS = f'a0: &a0 ["lol"]\n{LEVELS}'  # 9^29 values in 2 kB
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(PLAIN)
def test_plain_yaml_is_read_as_by_the_safe_loader(content):
    text = yaml.safe_dump(content)
    assert parse_yaml(text) == yaml.safe_load(text)


def test_anchors_and_merges_of_a_sensible_size_are_read():
    text = "base: &b {frames: 8, sizes: [1, 2]}\nmine: {<<: *b, frames: 16}\nagain: *b\n"
    assert parse_yaml(text)["mine"] == {"frames": 16, "sizes": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "its aliases stand for more than 100,000 values"),
        ("&a [*a]", "its alias \\*a names nothing, or what it is part of"),
        ("x: *a", "names nothing"),
        ("[" * 20_000 + "]" * 20_000, "it nests more than 50 deep"),
        ("- " * 20_000 + "1", "it nests more than 50 deep"),
        ("{a: " * 20_000, "it nests more than 50 deep"),
        ("a: b: c", "line 1: mapping values are not allowed"),
        ("a: [1,\nb: }", "line 2: "),
        ("!!python/object:os.system x", "could not determine a constructor"),
        ("a: \x07", "control characters are not allowed"),
        ("- 1\n---\n- 2", "expected a single document|but found another document"),
    ],
)
def test_yaml_without_end_or_sense_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "mine.yml"
    path.write_text(text)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=message) as refusal:
        read_yaml(path, ValueError, "correct it")
    assert str(refusal.value).startswith(f"{path}: not readable as YAML (")
    assert "\n" not in str(refusal.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize("read", [read_json, read_yaml])
def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path, read):
    fifo, huge = tmp_path / "pipe", tmp_path / "huge"
    os.mkfifo(fifo)
    with huge.open("wb") as file:
        file.truncate(10**12)
    for path, message in (
        (fifo, "it is a device or a pipe"),
        ("/dev/zero", "it is a device or a pipe"),
        (tmp_path, "it is a folder"),
        (huge, "it holds 1,000,000,000,000 bytes, and at most"),
        (tmp_path / "none", "No such file"),
    ):
        with pytest.raises(ValueError, match=message):
            read(path, ValueError, "name another")
