"""A YAML file read as its author wrote it: no tags, no aliases, no repeated keys, no guessed kinds.

Unquoted scalars come back as `Plain` text, so that `code: 007` can be text where text is declared and
a number where a number is; the line of every key is kept for messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cxlab.errors import Message, ParameterError, Problem
from cxlab.values import Plain

BYTES, DEPTH = 1_000_000, 20
Place = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """What a file says: its mapping, and the line of each key by its path (in a list, from 1)."""

    name: str
    content: Mapping[str, Any]
    lines: Mapping[Place, int] = field(default_factory=dict)

    def problem(self, place: Place, found: str, allowed: str, action: str) -> Problem:
        """Return a problem at a key of this file."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 0)
        return Problem(
            found=found, allowed=allowed, action=action, file=self.name, column=".".join(place), row=line
        )

    def placed(self, place: Place, problem: Problem) -> Problem:
        """Return a problem of what a key of this file says, with the key's place and line."""
        here = place if not problem.column or problem.column == place[-1] else (*place, problem.column)
        return self.problem(here, problem.found, problem.allowed, problem.action)


def document(path: Path) -> Document:
    """Read a YAML mapping.

    Raises
    ------
    ParameterError
        If the file cannot be read, is not one YAML mapping, is larger than 1 MB, or uses tags, aliases
        or a key twice; the line is named.
    """
    try:
        data = path.read_bytes()
        text = data[: BYTES + 1].decode("utf-8-sig")
    except OSError as error:
        raise ParameterError(
            "{file} cannot be read: {reason}", file=str(path), reason=error.strerror
        ) from error
    except UnicodeDecodeError as error:
        raise ParameterError("{file} is not UTF-8 text: save it as UTF-8", file=path.name) from error
    if len(data) > BYTES:
        raise ParameterError("{file} has more than {bytes} bytes; split it", file=path.name, bytes=BYTES)
    try:
        _check_events(text, path.name)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ParameterError(
            "{file} is not YAML: line {line}: {reason}",
            file=path.name,
            line=mark.line + 1 if mark else 1,
            reason=getattr(error, "problem", None) or str(error).splitlines()[0],
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise ParameterError("{file} does not hold `name: value` lines", file=path.name)
    lines: dict[Place, int] = {}
    repeated: list[Problem] = []
    content = _built(root, (), lines, repeated, path.name)
    if repeated:
        raise ParameterError("{file} says some things twice", file=path.name, problems=repeated)
    return Document(path.name, content, lines)


def _check_events(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise ParameterError(
                "{file}, line {line}: tags (!) and aliases (*) are not read", file=name, line=line
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise ParameterError(
                "{file}, line {line}: nested more than {depth} times", file=name, line=line, depth=DEPTH
            )


def _built(node: Any, place: Place, lines: dict[Place, int], repeated: list[Problem], name: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        lines.update(((*place, str(i)), item.start_mark.line + 1) for i, item in enumerate(node.value, 1))
        return [_built(item, (*place, str(i)), lines, repeated, name) for i, item in enumerate(node.value, 1)]
    if isinstance(node, yaml.ScalarNode):
        plain = node.style is None
        return (
            None
            if plain and node.value in ("", "~", "null")
            else Plain(node.value)
            if plain
            else str(node.value)
        )
    mapping: dict[str, Any] = {}
    for key, value in node.value:
        text = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        here, line = (*place, text), key.start_mark.line + 1
        if here in lines:
            repeated.append(
                Problem(
                    found=Message("{key} again (first at line {line})", key=text, line=lines[here]),
                    allowed=Message("each name once"),
                    action=Message("keep one of the two"),
                    file=name,
                    column=".".join(here),
                    row=line,
                )
            )
        lines[here] = line
        mapping[text] = _built(value, here, lines, repeated, name)
    return mapping
