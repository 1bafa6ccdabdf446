"""Strict YAML: what a person writes in client.yaml is read as written, and every slip has its line.

PyYAML's safe loader still reads `Yes` as true, `007` as seven, `12:30` as 750, lets a key be given
twice and expands aliases. Here only true and false are truth values, numbers are plain decimal
numbers, and aliases and repeated keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, NoReturn

import yaml

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.privacy.identifiers import identifier

# A client.yaml is written by hand; more than this is not one.
LARGEST = 2_000_000
DEEPEST = 20


class _Loader(yaml.SafeLoader):
    """Safe loader without aliases, with the few implicit types that cannot be mistaken."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML keeps them on the class

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases and anchors before anything is expanded."""
        event: Any = super().peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _stop(Message("anchor or alias"), event.start_mark)
        self._depth = getattr(self, "_depth", 0) + 1
        if self._depth > DEEPEST:
            _stop(Message("nesting too deep"), event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  PyYAML's own signature
        """Build a mapping whose keys are all different."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                _stop(Message("a key that is not text"), key_node.start_mark)
            if key in seen:
                safe = "…" if identifier(str(key)) else key
                _stop(Message("key {key!r} given twice", key=safe), key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _stop(what: Message, mark: Any) -> NoReturn:
    raise yaml.constructor.ConstructorError(None, None, what, mark)


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("bool", r"^(?:true|True|false|False)$", "tTfF")
_resolve("null", r"^(?:~|null|Null|)$", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])
_resolve("int", r"^-?(?:0|[1-9][0-9]{0,17})$", "-0123456789")
_resolve("float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-0123456789")
_resolve("timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "0123456789")


def read_yaml(text: str, *, name: str) -> dict[str, Any]:
    r"""Read one mapping.

    Parameters
    ----------
    text : str
        The file's content.
    name : str
        What the messages call it.

    Returns
    -------
    dict
        Empty if the file holds nothing but comments.

    Raises
    ------
    InputError
        With the line, if it is not YAML, not a mapping, holds an alias or a key given twice.

    Examples
    --------
    >>> read_yaml("a: Yes\nb: 007\nc: 2025-01-31\nd: [1, 2.5]", name="x.yaml")
    {'a': 'Yes', 'b': '007', 'c': datetime.date(2025, 1, 31), 'd': [1, 2.5]}
    """
    if len(text) > LARGEST:
        raise InputError(
            "{name} has more than {limit} characters: it is not a declaration", name=name, limit=LARGEST
        )
    try:
        content = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError("{name} cannot be read", name=name, problems=[_yaml_problem(error, name)]) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        found = Message("one value instead of `key: value` lines")
        raise InputError(
            "{name} cannot be read",
            name=name,
            problems=[
                Problem(
                    found,
                    Message("`key: value` lines"),
                    Message("start from a new client folder"),
                    file=name,
                    row=1,
                )
            ],
        )
    return content


def packaged(name: str) -> dict[Any, Any]:
    """Return one of this room's own YAML files, which needs none of the care that a client's does."""
    content = (files("cxlab.intake") / name).read_bytes()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # twenty times as fast, where it is there
    made: dict[Any, Any] = yaml.load(content, Loader=loader)
    return made


def composed(text: str, *, name: str) -> yaml.Node | None:
    """Return the nodes of a declaration with the places where they are written.

    Raises
    ------
    InputError
        As `read_yaml`.
    """
    read_yaml(text, name=name)
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return node


def _yaml_problem(error: Exception, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error)
    return Problem(
        found=what if isinstance(what, Message) else Message("{what}", what=what),
        allowed=Message("plain YAML: no tabs, anchors, aliases, tags or keys given twice"),
        # The field is for the braces: only a message with fields is formatted.
        action=Message(
            "correct the line; text with : # {{ }} [ ] , & * ? | - < > = ! % @ goes in quotes", file=name
        ),
        file=name,
        row=mark.line + 1 if mark else 0,
    )


def nearest(name: str, known: Any) -> str:
    """Return the known name most like `name`, or an empty text.

    Examples
    --------
    >>> nearest("recomend", ["recommend", "region"])
    'recommend'
    """
    names = [str(each) for each in known]
    folded = {each.casefold(): each for each in names}
    if name.casefold() in folded:
        return folded[name.casefold()]
    close = get_close_matches(name, names, n=1, cutoff=0.6) or get_close_matches(
        name.casefold(), list(folded), n=1, cutoff=0.6
    )
    return folded.get(close[0], close[0]) if close else ""
