"""The `sources:` of a client.yaml as text: items written, replaced or added, every other line left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from cxlab.errors import InputError
from cxlab.intake.declared.declaration import composed, read_yaml

WIDEST = 100
_PLAIN = re.compile(r"[A-Za-zÁÉÍÓÚÜÑáéíóúüñ_][\wÁÉÍÓÚÜÑáéíóúüñ ./()%+-]*")
# Words that another reader of YAML would take for something else.
_TAKEN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}


def with_sources(text: str, items: Sequence[tuple[int | None, Mapping[str, Any]]]) -> str:
    r"""Return a client.yaml with some sources replaced and others added.

    Parameters
    ----------
    text : str
        The file's content.
    items : sequence of (int or None, mapping)
        Place among the sources, from 0, or None for one to be added at the end; and the source's keys.

    Raises
    ------
    InputError
        If the text cannot be changed without changing anything else.

    Examples
    --------
    >>> print(with_sources("name: A\nsources: []  # none yet\n", [(None, {"file": "raw/a.csv"})]))
    name: A
    sources:  # none yet
      - file: raw/a.csv
    <BLANKLINE>
    """
    given = read_yaml(text, name="client.yaml")
    wanted = list(given.get("sources") or [])
    for place, item in items:
        if place is None:
            wanted.append(dict(item))
        else:
            wanted[place] = dict(item)
    changed = _changed(text, items, wanted)
    if _plain(read_yaml(changed, name="client.yaml")) != _plain({**given, "sources": wanted}):
        raise InputError(
            "client.yaml is written in a way that cannot be changed safely; write `sources:` as blocks"
        )
    return changed


def _plain(value: Any) -> Any:
    """Return a value as any reader of the declaration understands it: cells and dates as text."""
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (bool, float)) or value is None else str(value)


def _changed(text: str, items: Sequence[tuple[int | None, Mapping[str, Any]]], wanted: list[Any]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    root = composed(text.replace("\r\n", "\n"), name="client.yaml")
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next((value for key, value in pairs if key.value == "sources"), None)
    key = next((key for key, _ in pairs if key.value == "sources"), None)
    if found is None or key is None:
        body = "\n".join(lines).rstrip("\n")
        made = f"{body}\n\nsources:\n{_items(wanted, 2)}\n" if body else f"sources:\n{_items(wanted, 2)}\n"
    elif not isinstance(found, yaml.SequenceNode) or found.flow_style or not found.value:
        made = _whole(lines, key, found, wanted)
    else:
        made = _by_item(lines, found, items)
    return made.replace("\n", newline)


def _whole(lines: list[str], key: yaml.Node, found: yaml.Node, wanted: list[Any]) -> str:
    """Write all sources anew where there are none, or they are written in one line."""
    first, last = key.start_mark.line, found.end_mark.line
    rest = lines[last][found.end_mark.column :]
    if found.start_mark.index == found.end_mark.index:  # `sources:` with nothing after it
        last, rest = first, lines[first][key.end_mark.column + 1 :]
    head = lines[first][: key.end_mark.column] + ":" + rest.rstrip()
    return "\n".join([*lines[:first], head, *_items(wanted, 2).split("\n"), *lines[last + 1 :]])


def _by_item(
    lines: list[str], found: yaml.SequenceNode, items: Sequence[tuple[int | None, Mapping[str, Any]]]
) -> str:
    indent = found.start_mark.column
    spans = [(node.start_mark.line, _last_line(node)) for node in found.value]
    replaced = {place: item for place, item in items if place is not None}
    added = [item for place, item in items if place is None]
    result, at = [], 0
    for place, (first, last) in enumerate(spans):
        result += lines[at:first]
        result += _item(replaced[place], indent).split("\n") if place in replaced else lines[first : last + 1]
        at = last + 1
    result += [line for item in added for line in _item(item, indent).split("\n")]
    return "\n".join([*result, *lines[at:]])


def _last_line(node: yaml.Node) -> int:
    """Return the last line that a node's own text is on; comments after it are not its own."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        inner = node.value[-1]
        return _last_line(inner[1] if isinstance(inner, tuple) else inner)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return int(node.end_mark.line) - 1
    return int(node.end_mark.line)


def _items(items: Sequence[Mapping[str, Any]], indent: int) -> str:
    return "\n".join(_item(item, indent) for item in items)


def _item(item: Mapping[str, Any], indent: int) -> str:
    lines = [line for key, value in item.items() for line in _entry(str(key), value, indent + 2)]
    return "\n".join([" " * indent + "- " + lines[0].lstrip(), *lines[1:]])


def _entry(key: str, value: Any, indent: int) -> list[str]:
    """Return the lines of `key: value`, on one line if it is short."""
    space, name = " " * indent, _key(key)
    line = f"{space}{name}: {flow(value)}"
    if len(line) <= WIDEST or not isinstance(value, (Mapping, list, tuple)) or not value:
        return [line]
    if isinstance(value, Mapping):
        inner = [line for each, held in value.items() for line in _entry(str(each), held, indent + 2)]
        return [f"{space}{name}:", *inner]
    return [f"{space}{name}:", *(f"{space}  - {flow(each)}" for each in value)]


def flow(value: Any) -> str:
    """Return a value on one line of YAML.

    Examples
    --------
    >>> flow({"ease": [1, 7], "a: b": "No"})
    '{ease: [1, 7], "a: b": "No"}'
    """
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_key(key)}: {flow(each)}" for key, each in value.items()) + "}"
            if value
            else ""
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return scalar(value)


def _key(key: Any) -> str:
    """Return a key as YAML; `on`, the day of a confirmation, is text to the reader of declarations."""
    return "on" if key == "on" else scalar(str(key))


def scalar(value: Any) -> str:
    """Return one value as YAML: plain where no reader can mistake it, else between quotes.

    Examples
    --------
    >>> scalar("cp1252"), scalar("Sí: mucho"), scalar("99"), scalar("007"), scalar("No"), scalar(7)
    ('cp1252', '"Sí: mucho"', '99', '"007"', '"No"', '7')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    text = str(value)
    if re.fullmatch(r"-?(?:0|[1-9]\d{0,14})|\d{4}-\d{2}-\d{2}", text):
        return text
    plain = _PLAIN.fullmatch(text) and text == text.strip() and text.casefold() not in _TAKEN
    return text if plain else json.dumps(text, ensure_ascii=False)
