"""Values of parameters: text as a person wrote it, read by the kind that the notebook declares.

`typed` turns plain text (a command line, an unquoted YAML scalar) into the declared kind, and leaves
what does not read as that kind untouched, for the declaration's model to refuse; `wanted` says in
words what a kind allows.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from datetime import date
from numbers import Integral
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from cxlab.errors import Message


class Plain(str):
    """Text whose kind is not settled: `007` is text or the number 7, as the declaration says."""

    __slots__ = ()


WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
TRUTH = {"true": True, "yes": True, "sí": True, "si": True, "false": False, "no": False}
NOTHING = ("null", "~", "")
ITEM = re.compile(
    r"""\s* (?: "(?P<double> (?:[^"\\]|\\.)* )"
           | '(?P<single> (?:[^']|'')* )'
           | (?P<bare> [^,"'\s][^,]*? ) )
        \s* (?:,|$)""",
    re.VERBOSE | re.DOTALL,
)


def typed(kind: Any, value: Any) -> Any:
    """Return `value` read as `kind`, or as it came (without `Plain`) when it does not read so.

    Examples
    --------
    >>> typed(float, Plain("0.9")), typed(str, Plain("0.9")), typed(list[str], Plain("region, 007"))
    (0.9, '0.9', ['region', '007'])
    """
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return typed(args[0], value)
    if origin in (Union, types.UnionType):
        return _one_of(args, value)
    if origin in (list, tuple):
        return _sequence(origin, args[0], value)
    if origin is dict:
        return (
            {_bare(k): typed(args[1], v) for k, v in value.items()}
            if isinstance(value, Mapping)
            else _bare(value)
        )
    if origin is Literal:
        return next(
            (option for option in args if isinstance(value, Plain) and str(option) == value), _bare(value)
        )
    return _scalar(kind, value)


def _scalar(kind: Any, value: Any) -> Any:
    if kind is date and isinstance(value, str):
        return _day(value)
    if not isinstance(value, Plain):
        return _bare(value)
    text = value.strip()
    if kind is Any:
        return _guess(text)
    if kind is bool:
        return TRUTH.get(text.lower(), str(value))
    if kind is int and WHOLE.fullmatch(text):
        return int(text)
    if kind is float and NUMBER.fullmatch(text):
        return float(text)
    return str(value)


def _day(text: str) -> Any:
    try:
        return (
            date.fromisoformat(text.strip()) if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()) else str(text)
        )
    except ValueError:
        return str(text)


def _guess(text: str) -> Any:
    """Read text of no declared kind as JSON would; what JSON would not read (007, 1_000, no) stays text."""
    if text in NOTHING:
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9][0-9]*)", text):
        return int(text)
    if NUMBER.fullmatch(text) and not re.match(r"[+-]?0[0-9]", text):
        return float(text)
    return text


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    if (
        isinstance(value, Plain)
        and type(None) in kinds
        and value.strip() in (NOTHING if str not in kinds else NOTHING[:2])
    ):
        return None
    if not isinstance(value, Plain):
        kinds = tuple(
            kind for kind in kinds if kind in (date,) or get_origin(kind) in (list, tuple, dict)
        ) or (Any,)
    if isinstance(value, Plain) and str in kinds:
        return str(value)
    read = [typed(kind, value) for kind in kinds if kind is not type(None)]
    return next((item for item in read if not isinstance(item, str)), read[0] if read else _bare(value))


def _sequence(origin: Any, element: Any, value: Any) -> Any:
    if isinstance(value, Plain):
        items = _items(value)
        if items is None:
            return str(value)
    elif isinstance(value, str):
        items = [value]
    elif isinstance(value, list | tuple):
        items = list(value)
    else:
        return value
    return origin(typed(element, item) for item in items)


def _items(text: str) -> list[str] | None:
    r"""Split `a, "b, c"` or `[a, 'b']`; None when quotes or commas are not where they should be.

    Examples
    --------
    >>> _items("[region, 'a, b', 'd''e']"), _items(""), _items("a,,b")
    (['region', 'a, b', "d'e"], [], None)
    """
    body = text.strip()
    if body.startswith("["):
        if not body.endswith("]"):
            return None
        body = body[1:-1]
    items: list[str] = []
    position = 0
    while body[position:].strip():
        match = ITEM.match(body, position)
        if match is None:
            return None
        items.append(_item(match))
        position = match.end()
    return items


def _item(match: re.Match[str]) -> str:
    double, single, bare = match["double"], match["single"], match["bare"]
    if bare is not None:
        return Plain(bare)
    if single is not None:
        return single.replace("''", "'")
    try:
        return str(json.loads(f'"{double}"', strict=False))
    except ValueError:
        return double.replace('\\"', '"').replace("\\\\", "\\")


def _bare(value: Any) -> Any:
    """Return `value` with its undeclared plain text read as JSON would inside, as text outside."""
    if isinstance(value, Mapping):
        return {_bare(k): _scalar(Any, v) if isinstance(v, Plain) else _bare(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_scalar(Any, v) if isinstance(v, Plain) else _bare(v) for v in value]
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)  # numpy's
    return str(value) if isinstance(value, Plain) else value


def shown(value: Any) -> str:
    """Return `value` as a message quotes it: text in quotes, on one line, at most 80 characters.

    Examples
    --------
    >>> shown("abc"), shown(0.5), shown(Plain("x = 1"))
    ('"abc"', '0.5', 'x = 1')
    """
    if isinstance(value, date):
        text = value.isoformat()
    elif isinstance(value, str):
        safe = (
            value.encode("utf-8", "backslashreplace")
            .decode("utf-8")
            .replace("\n", "\\n")
            .replace("\r", "\\r")
        )
        text = safe if isinstance(value, Plain) else f'"{safe}"'
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(shown(item) for item in value)}]"
    else:
        text = "null" if value is None else str(value).lower() if isinstance(value, bool) else _repr(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # more digits than Python prints
        return type(value).__name__


def wanted(kind: Any) -> str:
    """Return in words what a kind allows.

    Examples
    --------
    >>> str(wanted(Literal["es", "en"])), str(wanted(list[str]))
    ('es | en', 'a list of: text')
    """
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " | ".join(str(option) for option in args)
    if origin is Annotated:
        return Message("{kind}, {bounds}", kind=wanted(args[0]), bounds=_bounds(args[1:]))
    if origin in (Union, types.UnionType):
        first = wanted(args[0])
        for other in args[1:]:
            first = Message("{kind} or {other}", kind=first, other=wanted(other))
        return first
    if origin in (list, tuple):
        return Message("a list of: {kind}", kind=wanted(args[0]))
    return _named(kind if origin is None else origin)


def _named(kind: Any) -> str:
    names: dict[Any, Message] = {
        str: Message("text"),
        int: Message("a whole number"),
        float: Message("a number, with a point for decimals"),
        bool: Message("true or false"),
        date: Message("a date as 2025-12-31"),
        dict: Message("a mapping"),
    }
    return names.get(kind, "null" if kind in (None, type(None)) else Message("any literal"))


SIGNS = {
    "gt": "> {}",
    "ge": ">= {}",
    "lt": "< {}",
    "le": "<= {}",
    "multiple_of": "n x {}",
    "min_length": "length >= {}",
    "max_length": "length <= {}",
    "pattern": "~ {}",
}


def _bounds(fields: tuple[Any, ...]) -> str:
    rules = [rule for field in fields for rule in getattr(field, "metadata", ())]
    said = [
        sign.format(getattr(rule, name))
        for rule in rules
        for name, sign in SIGNS.items()
        if getattr(rule, name, None) is not None
    ]
    return ", ".join(said) or "-"
