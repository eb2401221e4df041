"""How a parameter is declared, checked, explained and refused.

A chapter's parameters are the fields of a class, each with a default, a meaning and what it may
be; rules say what goes together. pydantic reads the types; what is said of a value is ours.
Nothing here needs numpy, so that a refusal comes at once.
"""

from __future__ import annotations

import ast
import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

LONGEST = 60  # characters of a value that are repeated in a refusal
TYPE_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "True or False",
}


class ParameterError(ValueError):
    """A parameter that a chapter cannot be run with: its name, its value and what it may be.

    In a notebook it is shown as its one line, without a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Rule:
    """What several parameters must satisfy together.

    names : the parameters, the one to change first
    text : the rule in words, completing "it takes ..."
    holds : the rule itself, of a checked set of parameters
    hint : what else to say of parameters that break it, after the rule
    """

    names: Sequence[str]
    text: str
    holds: Callable[[Any], bool]
    hint: Callable[[Any], str] = lambda p: ""


def increasing(low: str, high: str) -> Rule:
    """The rule that one parameter lies below another."""
    return Rule((low, high), f"{low} below {high}", lambda p: getattr(p, low) < getattr(p, high))


def declare(
    default: Any,
    meaning: str,
    unit: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[Any] = (),
    least_items: int | None = None,
    square: bool = False,
) -> Any:
    """Declare one parameter: the value of a field of a chapter's class.

    Parameters
    ----------
    default
        What the chapter of the book runs with.
    meaning, unit
        What it is, as the parameters cell and the page say it.
    least, most, above, below
        Bounds of a number, or of every item of a list: the first two included, the others not.
    choices
        All values that it may have; empty for any within the bounds.
    least_items
        The fewest items of a list.
    square
        Whether a number must be a perfect square.
    """
    own = {
        "unit": unit,
        "least": least,
        "most": most,
        "above": above,
        "below": below,
        "choices": list(choices),
        "least_items": least_items,
        "square": square,
    }
    return Field(default, description=meaning, json_schema_extra=own)


def show(value: Any) -> str:
    """A value as one would type it into a cell.

    >>> show(7.5e9), show(34e6), show(4e20), show(1_000_000), show([1e6, 4e6]), show("l4")
    ('7.5e9', '34e6', '4e20', '1_000_000', '[1e6, 4e6]', '"l4"')
    """
    if isinstance(value, float) and 1e4 <= abs(value) < 1e300:
        power = int(f"{value:e}".partition("e")[2])
        power -= power % 3 if power < 15 else 0
        short = f"{float(f'{value / 10.0**power:.12g}'):.12g}e{power}"
        return short if float(short) == value else repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    return repr(value)


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else show(value)
    text = " ".join(text.split())
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
    return repr(text) if isinstance(value, str) else text


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e4 else show(float(value))


def allowed(field: Any) -> str:
    """What a parameter may be, in words."""
    own, kind = field.json_schema_extra or {}, field.annotation
    items = get_args(kind)[0] if get_origin(kind) is list else None
    if own.get("choices"):
        shown = [v if isinstance(v, str) else _number(v) for v in own["choices"]]
        each = f"one of {', '.join(shown)}" if len(shown) > 1 else f"{shown[0]}"
        return f"a list of {each.removeprefix('one of ')}" if items else each
    words = [TYPE_WORDS.get(getattr(items or kind, "__name__", ""), str(items or kind))]
    words += ["that is a perfect square"] if own.get("square") else []
    limits = {"least": "at least", "above": "above", "most": "at most", "below": "below"}
    said = [f"{w} {_number(own[k])}" for k, w in limits.items() if own.get(k) is not None]
    text = " ".join(words + [" and ".join(said)] * bool(said))
    if items:
        few = own.get("least_items") or 0
        return f"a list of {f'{few} or more items' if few else 'any length'}, each {text}"
    return text


class Chapter(BaseModel):
    """The parameters of a chapter; a subclass declares them, see :func:`declare`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)
    rules: ClassVar[tuple[Rule, ...]] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _read_text(cls, value: Any, info: Any) -> Any:
        """Take a text for what it spells, as papermill and a shell hand over lists and numbers."""
        kind = cls.model_fields[info.field_name].annotation
        if isinstance(value, str) and kind is not str:
            try:
                value = ast.literal_eval(value)
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                raise ValueError("no literal") from None
        if isinstance(value, bool) and kind is not bool:
            raise ValueError("a truth value")
        return value

    @field_validator("*")
    @classmethod
    def _keep_bounds(cls, value: Any, info: Any) -> Any:
        own = cls.model_fields[info.field_name].json_schema_extra or {}
        if isinstance(value, list) and len(value) < (own.get("least_items") or 0):
            raise ValueError("too few items")
        for item in value if isinstance(value, list) else [value]:
            outside = (
                (own.get("choices") and item not in own["choices"])
                or (own.get("least") is not None and item < own["least"])
                or (own.get("most") is not None and item > own["most"])
                or (own.get("above") is not None and item <= own["above"])
                or (own.get("below") is not None and item >= own["below"])
                or (own.get("square") and round(item**0.5) ** 2 != item)
            )
            if outside:
                raise ValueError("outside")
        return value

    @classmethod
    def settle(cls, values: Mapping[str, Any]) -> Self:
        """The parameters of a run: what is given, checked, and the defaults for the rest.

        Raises
        ------
        ParameterError
            For an unknown name, a value that it may not have, or values that do not go together:
            one line with name, value and what may be given.
        """
        unknown = [name for name in values if name not in cls.model_fields]
        if unknown:
            takes = ", ".join(f"{n}: {kind_of(f)}" for n, f in cls.model_fields.items())
            raise ParameterError(f"unknown parameter {unknown[0]!r}; the chapter takes {takes}")
        try:
            found = cls(**values)
        except ValidationError as error:
            name = error.errors()[0]["loc"][0]
            field = cls.model_fields[name]
            meaning = f" ({say_meaning(field)})" if field.description else ""
            given = f"{name} is {_shorten(values[name])}"
            raise ParameterError(f"{given}, and takes {allowed(field)}{meaning}") from None
        for rule in cls.rules:
            if not rule.holds(found):
                given = " and ".join(f"{n} is {show(getattr(found, n))}" for n in rule.names)
                raise ParameterError(f"{given}; the chapter takes {rule.text}{rule.hint(found)}")
        return found

    @classmethod
    def check(cls, namespace: dict[str, Any]) -> Table:
        """Check the parameters of a notebook and put them back with their types.

        Parameters
        ----------
        namespace
            ``globals()`` of the notebook: lists given as text become lists here.

        Returns
        -------
        Table
            Every parameter with its value, what it may be and what it means, for the page.
        """
        found = cls.settle({name: namespace[name] for name in cls.model_fields})
        namespace.update(found.model_dump())
        return Table(cls, found)

    @classmethod
    def changed(cls, namespace: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a notebook that are not what is declared: what its reader chose."""
        return {
            name: namespace[name]
            for name, field in cls.model_fields.items()
            if namespace[name] != field.default
        }

    @classmethod
    def lines(cls) -> str:
        """The parameters cell: one ``name: type = default  # meaning, unit`` a line."""
        return "\n".join(
            f"{name}: {kind_of(field)} = {show(field.default)}  # {say_meaning(field)}"
            for name, field in cls.model_fields.items()
        )

    @classmethod
    def explain(cls) -> str:
        """What ``vvlm run --help NOTEBOOK`` prints."""
        said = []
        for name, field in cls.model_fields.items():
            default = "" if field.default is None else f" [{show(field.default)}]"
            said += [f"  {name}{default}: {allowed(field)}"]
            said += [f"      {say_meaning(field)}"] if field.description else []
        together = [f"  {rule.text}" for rule in cls.rules]
        said += ["", "Together it takes:", *together] if together else []
        return "\n".join(said)


def kind_of(field: Any) -> str:
    """The type of a parameter as a cell writes it."""
    kind = field.annotation
    return str(kind) if get_args(kind) else kind.__name__


def say_meaning(field: Any) -> str:
    """Meaning and unit of a parameter."""
    unit = (field.json_schema_extra or {}).get("unit", "")
    return f"{field.description or ''}{f', {unit}' if unit else ''}"


@dataclass(frozen=True)
class Table:
    """The parameters of a run, as a page shows them."""

    chapter: type[Chapter]
    values: Chapter

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Name, value, meaning, and what it may be, of every parameter."""
        return [
            (name, show(getattr(self.values, name)), say_meaning(field), allowed(field))
            for name, field in self.chapter.model_fields.items()
        ]

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {value}" for name, value, *_ in self.rows())

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{text}</th>" for text in ("parameter", "value", "meaning", "may be"))
        body = "".join(
            f"<tr><th>{html.escape(name)}</th>"
            + "".join(f"<td>{html.escape(text)}</td>" for text in rest)
            + "</tr>"
            for name, *rest in self.rows()
        )
        together = "; ".join(rule.text for rule in self.chapter.rules)
        below = f"<p>Together: {html.escape(together)}.</p>" if together else ""
        table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return (
            "<details><summary>What each parameter means and may be</summary>"
            f'<table border="1" class="dataframe vvlm-words">{table}</table>{below}</details>'
        )
