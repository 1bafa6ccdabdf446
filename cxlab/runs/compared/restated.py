"""Conclusions before and after: matched by their code and by what they speak of, told where they changed.

A claim whose number moved but whose verb, direction and reading did not is told among the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from cxlab.runs.compared.moved import BASES, Record, close

EVERYBODY = "*"  # what is hidden is everybody's: the bases of the whole result are close
How = Literal["new", "gone", "grade", "direction", "subject", "reading", "caveats"]


@dataclass(frozen=True)
class Restated:
    """A conclusion gained, lost or stated in another way; without its sentences where they are hidden."""

    code: str
    how: tuple[How, ...]
    before: str = ""
    after: str = ""
    grades: tuple[str, str] = ("", "")
    hidden: bool = False


def restated(before: Record, after: Record, *, veiled: set[str]) -> Iterator[Restated]:
    """Give what is concluded otherwise from a result.

    Parameters
    ----------
    before, after : mapping
        The bundles; either may be empty.
    veiled : set of str
        Categories whose numbers are hidden: sentences that speak of them are too.
    """
    one, other = _by_subject(before), _by_subject(after)
    if close(before.get("n_used"), after.get("n_used")):
        veiled = veiled | {EVERYBODY}
    for name in sorted(one.keys() & other.keys(), key=str):
        yield from _restated(one.pop(name), other.pop(name), (), veiled)
    for code in sorted({name[0] for name in one.keys() | other.keys()}):
        lost, won = ([side[name] for name in side if name[0] == code] for side in (one, other))
        if len(lost) == len(won) == 1:
            yield from _restated(lost[0], won[0], ("subject",), veiled)
            continue
        hidden = any(_close(gone.get("fields", {}), new.get("fields", {})) for gone in lost for new in won)
        for each in lost:
            found = Restated(code, ("gone",), before=_said(each), grades=(_grade(each), ""))
            yield replace(found, before="", hidden=True) if hidden else found
        for each in won:
            found = Restated(code, ("new",), after=_said(each), grades=("", _grade(each)))
            yield replace(found, after="", hidden=True) if hidden else found


def _restated(before: Record, after: Record, how: tuple[How, ...], veiled: set[str]) -> Iterator[Restated]:
    one, other = before.get("fields", {}), after.get("fields", {})
    ways: list[tuple[How, bool]] = [
        ("grade", _grade(before) != _grade(after)),
        ("direction", not how and _side(one) != _side(other)),
        ("reading", _reading(one) != _reading(other)),
        ("caveats", before.get("caveats", []) != after.get("caveats", [])),
    ]
    how = (*how, *(name for name, differs in ways if differs))
    if not how:
        return
    hidden = _close(one, other) or (one.get("n") is None and EVERYBODY in veiled)
    hidden = hidden or bool(veiled & {str(v) for v in (*one.values(), *other.values())})
    sentences = ("", "") if hidden else (_said(before), _said(after))
    yield Restated(
        str(before.get("code")), how, *sentences, grades=(_grade(before), _grade(after)), hidden=hidden
    )


def _close(one: Record, other: Record) -> bool:
    return any(close(one.get(base), other.get(base)) for base in (*BASES, "customers"))


def _by_subject(result: Record) -> dict[tuple[Any, ...], Record]:
    """Return the claims by code and by what they speak of; the second of two alike is told apart."""
    found: dict[tuple[Any, ...], Record] = {}
    for claim in result.get("claims", ()):
        fields = claim.get("fields", {})
        spoken = tuple(sorted((k, v) for k, v in fields.items() if isinstance(v, str) and k != "version"))
        name, place = (str(claim.get("code")), *spoken, fields.get("time")), 0
        while (*name, place) in found:
            place += 1
        found[(*name, place)] = claim
    return found


def _said(claim: Record) -> str:
    return str(claim.get("sentence", ""))


def _grade(claim: Record) -> str:
    return str(claim.get("grade", ""))


def _side(fields: Record) -> int:
    value, neutral = fields.get("estimate"), 1.0 if fields.get("unit") == "ratio" else 0.0
    return 0 if not isinstance(value, int | float) else int(math.copysign(1, value - neutral))


def _reading(fields: Record) -> dict[str, Any]:
    """Return what chooses among a claim's sentences besides its grade and sign: yes or no, and lists."""
    return {name: value for name, value in fields.items() if isinstance(value, bool | list)}
