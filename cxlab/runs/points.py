"""The points of an entry: a list of parameter sets, a grid of values, or the product of both.

Every point has an id that can be read and that depends on its values only, not on how they were written.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cxlab.errors import Message, Problem
from cxlab.parameters import Declaration
from cxlab.runs.document import Document
from cxlab.values import shown, typed

MOST = 10_000
Point = dict[str, Any]


def points_of(
    said: Document,
    place: tuple[str, ...],
    declared: Declaration,
    entry: Mapping[str, Any],
    base: Mapping[str, Any],
    fixed: Iterable[str],
) -> tuple[list[Point], list[Problem]]:
    """Return the points of an entry (one, empty, without list and grid), and what is wrong with them.

    Parameters
    ----------
    said : Document
    place : tuple of str
        Of the entry in the file.
    declared : Declaration
        What its notebook takes.
    entry : mapping
        With `points`, a list of mappings, or `grid`, a mapping to lists, or both.
    base : mapping
        What every point is given.
    fixed : iterable of str
        Names that no point may give, because the entry or the command line does.
    """
    listed, grid = entry.get("points"), entry.get("grid") or {}
    problems = _grid_problems(said, (*place, "grid"), declared, grid, fixed)
    if listed is None:
        listed = [{}]
    else:
        problems += _list_problems(said, (*place, "points"), declared, listed, base, {*fixed, *grid})
    if problems:
        return [], problems
    size = len(listed)
    for values in grid.values():
        size *= len(values)
    if size > MOST:
        found = said.problem((*place, "grid"), str(size), f"<= {MOST}", Message("split the grid"))
        return [], [found]
    order = list(dict.fromkeys(key for point in listed for key in point))
    sets = [{key: point[key] for key in order if key in point} for point in listed]
    combined = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return [{**one, **other} for one in sets for other in combined], []


def _grid_problems(
    said: Document,
    place: tuple[str, ...],
    declared: Declaration,
    grid: Mapping[str, Any],
    fixed: Iterable[str],
) -> list[Problem]:
    problems = []
    for key, values in grid.items():
        here = (*place, key)
        if not isinstance(values, list) or not values:
            action = Message("write the values as [a, b, c]")
            problems.append(said.problem(here, shown(values), Message("a list of values"), action))
            continue
        if key in fixed:
            problems.append(_twice(said, here, key))
        if len({canonical(_read_as(declared, key, value)) for value in values}) < len(values):
            problems.append(
                said.problem(
                    here,
                    Message("a value twice"),
                    Message("each value once"),
                    Message("take out the repetition"),
                )
            )
        problems += [said.placed(here, p) for value in values for p in declared.problems({key: value})]
    return problems


def _list_problems(
    said: Document,
    place: tuple[str, ...],
    declared: Declaration,
    listed: Any,
    base: Mapping[str, Any],
    fixed: Iterable[str],
) -> list[Problem]:
    if not isinstance(listed, list) or not listed:
        action = Message("write each after a dash, as `name: value`")
        return [said.problem(place, shown(listed), Message("a list of points"), action)]
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for number, point in enumerate(listed, 1):
        here = (*place, str(number))
        if not isinstance(point, dict):
            allowed, action = (
                Message("a mapping from names to values"),
                Message("write one `name: value` per line"),
            )
            problems.append(said.problem(here, shown(point), allowed, action))
            continue
        problems += [_twice(said, (*here, key), key) for key in point if key in fixed]
        found = [said.placed(here, p) for p in declared.problems(point)]
        if not found and not declared.problems(base):
            first = seen.setdefault(canonical(declared.validate({**base, **point})), number)
            if first != number:
                told = Message("the same values as point {number}", number=first)
                once, action = Message("each point once"), Message("take out the repetition")
                found = [said.problem(here, told, once, action)]
        problems += found
    return problems


def _twice(said: Document, place: tuple[str, ...], key: str) -> Problem:
    found = Message("{key}, which the entry gives as well", key=shown(key))
    action = Message("keep it in one place")
    return said.problem(place, found, Message("one or the other"), action)


def _read_as(declared: Declaration, name: str, value: Any) -> Any:
    return next((typed(p.kind, value) for p in declared.parameters if p.name == name), value)


def point_id(name: str, values: Mapping[str, Any]) -> str:
    """Return a readable id for `name` with `values`; the same values always give the same id.

    Examples
    --------
    >>> point_id("sensitivity", {"outcome": "pxi", "level": 0.9})
    'sensitivity-outcome-pxi-level-0.9'
    """
    if not values:
        return name
    said = [f"{key}-{readable(value)}" for key, value in values.items()]
    words = [slug(word, also=".") for word in said]
    text = "-".join([name, *words])
    if words == said and len(text) <= 100:
        return text
    return f"{text[:90]}-{hashlib.sha256(canonical(dict(values)).encode()).hexdigest()[:6]}"


def slug(text: str, *, also: str = "") -> str:
    """Return `text` in lower-case ASCII letters, digits, - and _ (and the characters of `also`)."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(rf"[^a-z0-9_{re.escape(also)}]+", "-", ascii_text).strip("-.")[:60] or "x"


def readable(value: Any) -> str:
    """Return a parameter's value as a person would write it.

    Examples
    --------
    >>> readable("nps"), readable(0.9), readable(True), readable([2, 4.0]), readable(""), readable([])
    ('nps', '0.9', 'true', '2, 4', '', '')
    """
    if isinstance(value, list | tuple):
        return ", ".join(readable(item) for item in value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return canonical(value)


def canonical(value: Any) -> str:
    """Return `value` as one text: equal values give the same, whatever the order of their names."""
    return json.dumps(
        value,
        ensure_ascii=False,
        sort_keys=True,
        default=lambda v: v.isoformat() if isinstance(v, date) else str(v),
    )
