"""What a row of a table tells: on which question, of which cells of people, and how many these are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.disclosure.margins import Cell
from cxlab.analysis.estimates import Result

Question = frozenset[tuple[str, str]]

MAIN = ""  # name of a result's own table among its tables
EVERYBODY: Cell = frozenset()
CLOCK = "time"  # rows at a time tell who is at risk then, beside how many began
# Keys that name a row without saying whom it asks, or what.
_BESIDE = frozenset({
    "hypothesis", "check", "reason", "withheld", "verdict", "state", "measure", "answer", "column", "cause",
    "bond", "segment", "other",
})  # fmt: skip
_NAMING = ("segment", "other")  # columns that name groups as claims do


@dataclass(frozen=True, slots=True)
class Told:
    """A base that a row tells: of which cell, on which question, and whether it is of too few people."""

    question: Question
    cell: Cell
    n: int
    small: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its question, the cells that it speaks of, those it names, and the bases it tells."""

    question: Question
    speaks: tuple[tuple[Question, Cell], ...]
    named: tuple[str, ...]
    bases: tuple[Told, ...]
    record: Mapping[Any, Any]


def rows_of(result: Result, name: str, table: pd.DataFrame) -> Iterator[Row]:
    """Say of each row of a table of a result what it tells."""
    held = set(table.columns)
    parts = [column for column in result.parts if column in held]
    divided = {*result.parts, *result.parts.values(), *_BESIDE}
    beside = [c for c in result.keys if c in held and c not in divided]
    alone = _asked(result, beside)
    naming = [c for c in _NAMING if c in held and c in result.keys and c not in parts]
    # A row that faces another group, or names two, tells a base that is the least of them.
    lesser = bool(naming) or any(c in held for c in result.against)
    columns = {} if name in result.apart else _columns(result, held, lesser=lesser)
    clock = CLOCK in result.keys
    for record in table.to_dict("records"):
        question = alone | {(c, str(record[c])) for c in beside if not missing(record[c])}
        asked = [question]
        if clock and CLOCK in held:
            asked.append(frozenset({*(p for p in question if p[0] != CLOCK), (CLOCK, "")}))
        elif clock:
            asked = [question | {(CLOCK, "")}]
        core, cells = _cells(result, record, parts)
        if "n_rest" in record:  # which with the base is the total
            cells = (*cells, EVERYBODY)
        bases = tuple(
            Told(
                asked[-1 if c == "n" else 0], _of(core, of), int(record[c]),
                *_few(result, record, c, own=not lesser and (len(columns) == 1 or (not of and c != "n"))),
            )
            for c, of in columns.items()
            if not missing(record[c]) and record[c]  # a base of nobody is nobody's secret
        )  # fmt: skip
        spoken = (*((q, cell) for q in asked for cell in cells), *((b.question, b.cell) for b in bases))
        named = tuple(str(record[c]) for c in naming if not missing(record[c]))
        yield Row(asked[0], spoken, named, bases, record)


def shown_bases(result: Result) -> dict[Question, dict[Cell, int]]:
    """Return the bases that a masked result shows, but who is at risk at each time.

    Examples
    --------
    >>> table = pd.DataFrame({"plan": ["a", "b"], "n": [40.0, None], "flag": ["ok", "suppressed"]})
    >>> found = shown_bases(Result(table=table, keys=("plan",), parts={"plan": "plan"}))
    >>> [(sorted(cell), n) for bases in found.values() for cell, n in bases.items()]
    [([('plan', 'a')], 40)]
    """
    found: dict[Question, dict[Cell, int]] = {}
    if result.parts:
        for name, table in {MAIN: result.table, **result.tables}.items():
            for told in (each for row in rows_of(result, name, table) for each in row.bases):
                if not told.hidden and not dict(told.question).get(CLOCK):
                    found.setdefault(told.question, {}).setdefault(told.cell, told.n)
    return found


def _asked(result: Result, beside: list[str]) -> Question:
    """Return what all rows of a result ask, and of whom, where not of all who answer."""
    metric = result.settings.get("metric")
    own = {("metric", metric)} if isinstance(metric, str) and "metric" not in beside else set()
    return frozenset(own | ({("asked", " / ".join(result.asked_of))} if result.asked_of else set()))


def _columns(result: Result, held: set[Any], *, lesser: bool) -> dict[str, Mapping[str, Any]]:
    """Return the columns of a table that hold bases, with what they are of besides."""
    found = {column: of for column, of in result.bases.items() if column in held}
    if "flag" not in held:
        return found
    if CLOCK in result.keys and {CLOCK, "at_risk"} <= held and not lesser:
        found = {"at_risk": {}, **found}
    if "n" in held and not lesser and set(found) <= {"at_risk"}:
        found = {**found, "n": {}}
    return found


def _few(result: Result, record: Mapping[Any, Any], column: str, *, own: bool) -> tuple[bool, bool]:
    """Say whether a base is of too few, and whether it is hidden: by the row's flag, where that is of it."""
    if not own or "flag" not in record:
        few = bool(record[column] < result.minimum)
        return few, few
    hidden = bool(record["flag"] == "suppressed")
    return hidden and not record.get("withheld"), hidden


def _cells(result: Result, record: Mapping[Any, Any], parts: list[str]) -> tuple[Cell, tuple[Cell, ...]]:
    """Return what a row is of in any case, and its cells: several, where it names or faces another group."""
    values: dict[str, list[str]] = {}
    facing: dict[str, Any] = {}
    for column in parts:
        if not missing(record[column]):
            own = result.parts[column]
            own = str(record[own]) if own != column and own in record else own
            values.setdefault(own, []).append(str(record[column]))
            facing |= {own: result.against[column]} if column in result.against else {}
    core = frozenset((c, v[0]) for c, v in values.items() if len(v) == 1 and c not in facing)
    cells = [frozenset({*core, *((c, v[0]) for c, v in values.items())})]
    for column, several in values.items():
        rest = frozenset(pair for pair in cells[0] if pair[0] != column)
        others = [*several[1:], *([str(facing[column])] if column in facing else [])]
        cells += [rest | {(column, value)} for value in others]
    return core, tuple(cells)


def _of(core: Cell, of: Mapping[str, Any]) -> Cell:
    """Return the cell of a base: a row's parts, less those taken away, with those that it does not name."""
    told = {column for column, _ in core}
    kept = {pair for pair in core if of.get(pair[0], "") is not None}
    return frozenset(kept | {(c, str(v)) for c, v in of.items() if c not in told and v is not None})


def missing(value: Any) -> bool:
    """Say whether a table holds nothing there."""
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)) or value == ""


def spoken_at(said: Mapping[Any, Any], asked: Question) -> bool:
    """Say whether a row or a claim speaks of the time of a question, which may have none."""
    time = dict(asked).get(CLOCK)
    if not time:
        return True
    if "start" in said and "end" in said:
        return bool(said["start"] <= float(time) <= said["end"])
    return CLOCK in said and float(said[CLOCK]) == float(time)
