"""Problems as records: how tables.json keeps a warning so that a report can say it in either language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cxlab.errors import Message, Problem

_TEXTS = ("found", "allowed", "action")
_PLACES = ("file", "column", "row", "count", "rule")


def as_record(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain data.

    Examples
    --------
    >>> said = Problem(Message("{n} twice", n=2), "once", "ask", file="a.csv", rule=1)
    >>> from_record(as_record(said)) == said
    True
    """
    texts = {name: plain(getattr(problem, name)) for name in _TEXTS}
    return texts | {name: getattr(problem, name) for name in _PLACES}


def from_record(record: Mapping[str, Any]) -> Problem:
    """Return the problem that `as_record` made a record of."""
    texts = {name: message(record[name]) for name in _TEXTS}
    return Problem(**texts, **{name: record[name] for name in _PLACES})


def plain(value: Any) -> Any:
    """Return a message as its template and fields, and any other value as JSON can hold it."""
    if isinstance(value, Message):
        return {
            "template": value.template,
            "fields": {name: plain(each) for name, each in value.fields.items()},
        }
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def message(value: Any) -> Any:
    """Return the message that `plain` made plain; any other value as it is."""
    if isinstance(value, Mapping):
        return Message(value["template"], **{name: message(each) for name, each in value["fields"].items()})
    return value
