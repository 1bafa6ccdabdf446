"""What a kernel said in English, told again as a message that can be translated.

A cell's error reaches us as plain text. The catalogue knows the templates of our own errors: the one
that fits the text gives back the template and its fields. What no template fits stays as it is.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from string import Formatter

from cxlab.errors import Message

LEAST = 10  # letters of its own that a template needs to be told from another
DEEPEST = 4
NAMED = re.compile(r"(\w+Error): (.+)", re.DOTALL)  # an exception and what it says


def retold(text: str) -> str:
    """Return `text` as the message it was, or as it is.

    Examples
    --------
    >>> said = retold("the table has no column regionn; it has region")
    >>> said == "the table has no column regionn; it has region", isinstance(said, Message)
    (True, True)
    >>> retold("division by zero")
    'division by zero'
    """
    return _told(text, 0)


def _told(text: str, depth: int) -> str:
    line, newline, rest = text.partition("\n")
    message = _of_line(line, depth) if depth < DEEPEST else None
    if message is None or not rest:
        return text if message is None else message
    return Message("{message}{rest}", message=message, rest=newline + rest)


def _of_line(line: str, depth: int) -> Message | None:
    named = NAMED.fullmatch(line)
    if named:
        return Message("{name}: {value}", name=named[1], value=_told(named[2], depth + 1))
    for template, pattern, quoted in _templates():
        match = pattern.fullmatch(line)
        if match is None:
            continue
        fields = {
            name: _unquoted(value) if name in quoted else _told(value, depth + 1)
            for name, value in match.groupdict().items()
        }
        said = Message(template, **fields)
        if str(said) == line:
            return said
    return None


def _unquoted(value: str) -> object:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


@cache
def _templates() -> tuple[tuple[str, re.Pattern[str], frozenset[str]], ...]:
    """Return the templates of messages, the most telling first: text, pattern, fields written with !r."""
    from cxlab.catalogues import catalogue

    known = [each for each in vars(catalogue("es"))["_catalog"] if isinstance(each, str) and each]
    found = []
    for template in known:
        made = _pattern(template)
        if made is not None:
            found.append((made[0], (template, re.compile(made[1], re.DOTALL), frozenset(made[2]))))
    return tuple(each for _, each in sorted(found, key=lambda one: -one[0]))


def _pattern(template: str) -> tuple[int, str, set[str]] | None:
    """Return how many letters a template has of its own, its pattern, and its fields written with !r."""
    pattern, own, quoted, names = "", 0, set(), set()
    try:
        pieces = list(Formatter().parse(template))
    except ValueError:
        return None
    for literal, name, form, conversion in pieces:
        own += sum(each.isalpha() for each in literal)
        pattern += re.escape(literal)
        if name is None:
            continue
        if not name.isidentifier() or form:
            return None
        quoted |= {name} if conversion == "r" else set()
        pattern += f"(?P={name})" if name in names else f"(?P<{name}>.*?)"
        names.add(name)
    return (own, pattern, quoted) if own >= LEAST else None
