"""What a declaration refuses, and what it says of a parameter."""

import pytest

from vvlm_utils.chapters.declaration import Chapter, ParameterError, allowed, declare, increasing


class Example(Chapter):
    frames: int = declare(8, "frames per video", least=1, most=64)
    share: float = declare(0.5, "share of the peak", above=0, most=1)
    grid: int = declare(16, "tokens", least=1, most=64, square=True)
    sizes: list[float] = declare([1e9, 7e9], "LM sizes", "parameters", least=1e3, least_items=1)
    device: str = declare("l4", "device", choices=["l4", "a100"])
    low: float = declare(1.0, "lowest")
    high: float = declare(2.0, "highest")
    rules = (increasing("low", "high"),)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("frames", "16", 16),
        ("frames", 16.0, 16),
        ("share", "1", 1.0),
        ("share", 1, 1.0),
        ("sizes", "[1e9, 2e9]", [1e9, 2e9]),
        ("sizes", [3_000_000], [3e6]),
        ("device", "a100", "a100"),
    ],
)
def test_a_value_gets_its_declared_type(name, given, value):
    found = getattr(Example.settle({name: given}), name)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("frames", "x", "frames is 'x', and takes a whole number at least 1 and at most 64"),
        ("frames", 0, "frames is 0, and"),
        ("frames", 65, "frames is 65, and"),
        ("frames", "1.5", "frames is '1.5', and"),
        ("frames", True, "frames is True, and"),
        ("frames", "True", "frames is 'True', and"),
        ("frames", None, "frames is None, and"),
        ("share", "nan", "share is 'nan', and"),
        ("share", float("nan"), "share is nan, and takes a number above 0 and at most 1"),
        ("share", float("inf"), "share is inf, and"),
        ("share", "9" * 400, "share is '9999"),
        ("share", 0, "share is 0, and"),
        ("grid", 15, "grid is 15, and takes a whole number that is a perfect square"),
        ("sizes", "[]", "sizes is '[]', and takes a list of 1 or more items"),
        ("sizes", [1.0], "sizes is [1.0], and"),
        ("sizes", ["a"], "sizes is"),
        ("sizes", "[" * 90_000, "sizes is"),
        ("device", "a1000", "device is 'a1000', and takes one of l4, a100 (device)"),
        ("device", 5, "device is 5, and takes one of l4, a100"),
        ("low", 2.0, "low is 2.0 and high is 2.0; the chapter takes low below high"),
        ("speed", 1, "unknown parameter 'speed'; the chapter takes frames: int, share: float"),
    ],
)
def test_a_refusal_is_one_line_with_name_value_and_way_out(name, given, said):
    with pytest.raises(ParameterError) as refusal:
        Example.settle({name: given})
    text = str(refusal.value)
    assert text.startswith(said) and "\n" not in text and len(text) < 300


def test_a_notebook_shows_a_refusal_without_a_traceback():
    with pytest.raises(ParameterError) as refusal:
        Example.settle({"frames": -1})
    assert refusal.value._render_traceback_() == [f"ParameterError: {refusal.value}"]


def test_check_puts_typed_values_back_and_shows_them():
    namespace = {name: field.default for name, field in Example.model_fields.items()}
    namespace |= {"sizes": "[2e9]", "other": 1}
    table = Example.check(namespace)
    assert namespace["sizes"] == [2e9] and namespace["other"] == 1
    assert Example.changed(namespace) == {"sizes": [2e9]}
    rows = {name: rest for name, *rest in table.rows()}
    assert rows["sizes"] == [
        "[2e9]",
        "LM sizes, parameters",
        allowed(Example.model_fields["sizes"]),
    ]
    assert "low below high" in table._repr_html_()


def test_the_cell_and_the_help_name_every_parameter():
    lines = Example.lines().splitlines()
    assert lines[0] == "frames: int = 8  # frames per video"
    assert lines[3] == "sizes: list[float] = [1e9, 7e9]  # LM sizes, parameters"
    said = Example.explain()
    assert all(f"  {name} [" in said for name in Example.model_fields)
    assert said.endswith("Together it takes:\n  low below high")
