"""All tables of a result protected together, and with what the same report has shown before.

A base is one cell of people on one question. The same base may stand in several tables (a segment's score,
its test against the rest, a comparison with a peer), beside totals that are in another result of the report.
What is hidden in one of them is hidden in all, and what was shown once is known from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.disclosure.cover import protected
from cxlab.analysis.disclosure.margins import Cell
from cxlab.analysis.estimates import AnyResult, Claim, Result

Array = np.ndarray[Any, Any]
Question = frozenset[tuple[str, str]]

MAIN = ""  # name of a result's own table among its tables
_EVERYBODY: Cell = frozenset()
# Keys that name a row without saying whom it asks, or what.
_BESIDE = frozenset(
    {"hypothesis", "check", "reason", "withheld", "verdict", "state", "measure", "answer", "column"}
)
# Where a claim names a group.
_NAMED = ("segment", "cell", "peer", "focal", "unit_name", "category")


@dataclass(frozen=True, slots=True)
class Base:
    """How many people a cell has, whether they are few, and whether it was shown."""

    n: int
    small: bool
    hidden: bool


@dataclass
class Released:
    """What a report has shown so far: for each question the bases of its cells."""

    bases: dict[Question, dict[Cell, Base]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table: on which question, of which cells; its base, where it is that of the one cell."""

    question: Question
    cells: tuple[Cell, ...]
    n: int | None
    small: bool


def guarded(result: AnyResult, released: Released) -> AnyResult:
    """Mark what must be hidden with the small bases of a result, in all of its tables, and drop its claims.

    Parameters
    ----------
    result : Result
        Its `parts` say which columns divide people; without them nothing adds up and nothing is done.
    released : Released
        What the report has shown; what this result shows is added to it.

    Returns
    -------
    Result
        Rows hidden besides the small ones are flagged ``suppressed`` and ``withheld``.
    """
    if not result.parts:
        return result
    tables = {MAIN: result.table, **result.tables}
    rows = {name: list(_rows(result, table)) for name, table in tables.items()}
    found = _bases(row for each in rows.values() for row in each)
    again: set[tuple[Question, Cell]] = set()
    settled: dict[Question, dict[Cell, Base]] = {}
    hidden_cells: set[Cell] = set()
    for question, bases in found.items():
        settled[question] = _settled(result, bases, released.bases.get(question, {}), hidden_cells)
        hidden_cells |= {cell for cell, base in settled[question].items() if base.hidden}
        released.bases.setdefault(question, {}).update(settled[question])
        again |= {(question, cell) for cell, base in settled[question].items() if base.hidden}
    marked = {name: _marked(table, _closed(rows[name], again)) for name, table in tables.items()}
    main = marked.pop(MAIN)
    claims = _claims(result, main, marked, settled)
    return replace(result, table=main, tables=marked, claims=claims)


def _rows(result: Result, table: pd.DataFrame) -> Iterator[_Row]:
    """Say of each row of a table on which question it is and of which cells."""
    parts = [column for column in result.parts if column in table.columns]
    divided = {*result.parts, *result.parts.values(), *_BESIDE}
    beside = [c for c in result.keys if c in table.columns and c not in divided]
    asked = result.settings.get("metric")
    alone: Question = frozenset()
    if isinstance(asked, str) and "metric" not in beside:
        alone = frozenset({("metric", asked)})
    based = {"n", "flag"} <= set(table.columns)
    for record in table.to_dict("records"):
        question = alone | {(c, str(record[c])) for c in beside if not _missing(record[c])}
        own = {(_of(result, c, record), str(record[c])) for c in parts if not _missing(record[c])}
        facing = [c for c in parts if c in result.against and not _missing(record[c])]
        cells: tuple[Cell, ...] = (frozenset(own),)
        for column in facing:
            name = _of(result, column, record)
            rest = frozenset(pair for pair in own if pair[0] != name)
            cells = (frozenset(own), rest | {(name, str(result.against[column]))})
        if "n_rest" in record:  # which with the base is the total
            cells = (*cells, _EVERYBODY)
        n = record.get("n") if based and not facing else None
        small = based and record["flag"] == "suppressed"
        yield _Row(question, cells, None if n is None or _missing(n) else int(n), small)


def _of(result: Result, column: str, record: Mapping[Any, Any]) -> str:
    """Name the column of the data whose values a column of a table holds: another column may say so."""
    name = result.parts[column]
    return str(record[name]) if name != column and name in record else name


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)) or value == ""


def _bases(rows: Iterable[_Row]) -> dict[Question, dict[Cell, Base]]:
    """Collect the base of each cell on each question, from the first row that is of it alone."""
    found: dict[Question, dict[Cell, Base]] = {}
    for row in rows:
        if row.n is not None:
            found.setdefault(row.question, {}).setdefault(row.cells[0], Base(row.n, row.small, row.small))
    return found


def _settled(
    result: Result, bases: Mapping[Cell, Base], before: Mapping[Cell, Base], elsewhere: set[Cell]
) -> dict[Cell, Base]:
    """Decide which cells of one question to hide, given what was shown of it before."""
    told = {**bases, **before}
    cells = list(told)
    n = [told[cell].n for cell in cells]
    fixed = np.array([cell in before for cell in cells])
    if _EVERYBODY not in told:
        # How many answered stands under every table.
        whole: dict[frozenset[str], int] = {}
        for cell in cells:
            kind = frozenset(column for column, _ in cell)
            whole[kind] = whole.get(kind, 0) + told[cell].n
        cells, n, fixed = [*cells, _EVERYBODY], [*n, max(whole.values())], np.append(fixed, True)
    small = np.array([told[c].small for c in told] + [k < result.minimum for k in n[len(told) :]])
    people = np.where(small, np.minimum(n, result.minimum - 1), np.maximum(n, result.minimum))
    shown = fixed & ~np.array([c in before and before[c].hidden for c in cells]) & ~small
    hidden = protected(
        cells, n, people, minimum=result.minimum, rest=True,
        hidden_elsewhere=[cell in elsewhere for cell in cells],
        shown=shown, hidden=[c in before and before[c].hidden for c in cells],
    )  # fmt: skip
    return {
        cell: Base(told[cell].n, told[cell].small, bool(closed))
        for cell, closed in zip(cells, hidden, strict=True)
        if cell in bases
    }


def _closed(rows: Iterable[_Row], hidden: set[tuple[Question, Cell]]) -> Array:
    """Say which rows speak of a hidden cell, on its question or one that says no less."""
    by_cell: dict[Cell, list[Question]] = {}
    for question, cell in hidden:
        by_cell.setdefault(cell, []).append(question)
    return np.array(
        [
            any(_same(row.question, question) for cell in row.cells for question in by_cell.get(cell, ()))
            for row in rows
        ],
        dtype=bool,
    )


def _same(one: Question, other: Question) -> bool:
    """Whether two questions agree in all that both say."""
    first, second = dict(one), dict(other)
    return all(second.get(column, value) == value for column, value in first.items())


def _marked(table: pd.DataFrame, closed: Array) -> pd.DataFrame:
    """Flag the rows that are hidden besides the small ones."""
    if not closed.any():
        return table
    flag = table["flag"] if "flag" in table else pd.Series("ok", table.index, dtype=object)
    more = closed & (flag != "suppressed").to_numpy()
    if not more.any():
        return table
    withheld = more | (table["withheld"].to_numpy(dtype=bool) if "withheld" in table else False)
    return table.assign(flag=flag.astype(object).mask(more, "suppressed"), withheld=withheld)


def _claims(
    result: Result,
    main: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    settled: Mapping[Question, Mapping[Cell, Base]],
) -> tuple[Claim, ...]:
    """Drop the claims on hidden rows; a base that is told of several groups is that of those shown."""
    gone = {
        str(value)
        for table in (main, *tables.values())
        if {"hypothesis", "flag"} <= set(table.columns)
        for value in table.loc[table["flag"] == "suppressed", "hypothesis"]
    }
    every = [base for bases in settled.values() for base in bases.values()]
    closed, shown = {b.n for b in every if b.hidden}, sorted({b.n for b in every if not b.hidden})
    names = {
        (dict(question).get("metric"), _called(result, cell))
        for question, bases in settled.items()
        for cell, base in bases.items()
        if base.hidden and cell
    }
    kept = []
    for claim in result.claims:
        of = {None, claim.fields.get("metric")}
        said = {(m, str(claim.fields[name])) for m in of for name in _NAMED if name in claim.fields}
        if str(claim.fields.get("hypothesis")) in gone or said & names:
            continue
        n = claim.fields.get("n")
        if n in closed and n not in shown:
            above = [base for base in shown if base > n]
            if not above:
                continue
            claim = replace(claim, fields={**claim.fields, "n": above[0]})
        kept.append(claim)
    return tuple(kept)


def _called(result: Result, cell: Cell) -> str:
    """Name a cell as claims do: its values in the order of the columns."""
    order = list(dict.fromkeys(result.parts.values()))
    return " x ".join(value for _, value in sorted(cell, key=lambda pair: order.index(pair[0])))
