import pytest

from vvlm_utils.cli.chapters import typed_value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("8", "int", 8),
        ("8", "float", 8.0),
        ("[1, 2.5]", "list[float]", [1, 2.5]),
        ("{'a': 1}", "dict[str, float]", {"a": 1}),
        ("many words", "str", "many words"),
        ("None", "float | None", None),
    ],
)
def test_a_value_of_the_parameters_type_is_taken(text, kind, value):
    found = typed_value("x", text, kind)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1.5", "int"),
        ("True", "int"),
        ("9" * 400, "float"),
        ("['a']", "list[float]"),
        ("[[1.0]]", "list[float]"),
        ("{1: 2}", "dict[str, float]"),
        ("{[]: 1}", "dict[str, float]"),
        ("[" * 90_000, "list[float]"),
        ("-" * 9_000 + "1", "float"),
        ("yes", "bool"),
    ],
)
def test_a_value_of_another_type_is_refused_in_one_line(text, kind):
    with pytest.raises(ValueError, match=r"x must be of type .*, got ") as refusal:
        typed_value("x", text, kind)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 150
