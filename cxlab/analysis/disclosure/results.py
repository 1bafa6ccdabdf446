"""All tables of a result protected together, and with what the same report has shown before.

A base is one cell of people on one question. The same base may stand in several tables (a segment's score,
its test against the rest, a comparison with a peer), beside totals that are in another result of the report.
What is hidden in one of them is hidden in all, and what was shown once is known from then on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.disclosure.cover import PROTECTION, protected
from cxlab.analysis.disclosure.margins import Cell
from cxlab.analysis.disclosure.spoken import (
    CLOCK,
    EVERYBODY,
    MAIN,
    Question,
    Row,
    Told,
    rows_of,
    shown_bases,
    spoken_at,
)
from cxlab.analysis.estimates import AnyResult, Claim, Result

Array = np.ndarray[Any, Any]

# Where a claim names a group.
_NAMED = ("segment", "other", "cell", "peer", "focal", "unit_name", "category", "lowest", "highest")


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
    _told: dict[Question, set[Cell]] = field(default_factory=dict)

    def newly_told(self, shown: Result) -> list[dict[str, Any]]:
        """Return the bases that a masked result shows and none before it, as pages are compared by.

        Returns
        -------
        list of dict
            ``asked`` (pairs of names and values) and ``bases`` (pairs of a group and its people).
        """
        told = []
        for question, bases in shown_bases(shown).items():
            before = self._told.setdefault(question, set())
            new = [[sorted(cell), n] for cell, n in bases.items() if cell not in before]
            before.update(bases)
            if new:
                told.append({"asked": sorted(question), "bases": sorted(new)})
        return told


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
    rows = {name: list(rows_of(result, name, table)) for name, table in tables.items()}
    found = _bases(base for each in rows.values() for row in each for base in row.bases)
    _complete(found, released)
    settled: dict[Question, dict[Cell, Base]] = {}
    elsewhere: set[Cell] = set()
    for question, bases in found.items():
        settled[question] = _settled(result, question, bases, released.bases.get(question, {}), elsewhere)
        elsewhere |= {cell for cell, base in settled[question].items() if base.hidden}
    _hide_tails(settled)
    for question, bases in settled.items():
        released.bases.setdefault(question, {}).update(bases)
    # What an earlier result hid of the same is hidden in the rows of this one that tell no base of it.
    spoken = {question for each in rows.values() for row in each for question, _ in row.speaks}
    hidden: dict[Cell, list[Question]] = {}
    for question in sorted(spoken | set(settled), key=sorted):
        for cell, base in released.bases.get(question, {}).items():
            if base.hidden:
                hidden.setdefault(cell, []).append(question)
    called = {_called(result, cell): asked for cell, asked in hidden.items() if cell}
    marked = {
        name: _marked(table, np.array([_closed(row, hidden, called) for row in rows[name]], dtype=bool))
        for name, table in tables.items()
    }
    main = marked.pop(MAIN)
    claims = _claims(result, (main, *marked.values()), settled, called)
    return replace(result, table=main, tables=marked, claims=claims)


def _bases(told: Iterable[Told]) -> dict[Question, dict[Cell, Base]]:
    """Collect the base of each cell on each question, as the first row tells it."""
    found: dict[Question, dict[Cell, Base]] = {}
    for each in told:
        base = Base(each.n, each.small, each.hidden)
        found.setdefault(each.question, {}).setdefault(each.cell, base)
    return found


def _curves(book: Mapping[Question, Mapping[Cell, Base]]) -> dict[tuple[Question, Cell], dict[float, Base]]:
    """Return who is at risk at each time, of every cell and question that is told over time.

    A curve that rises, as late entry makes it, is left out: what it is between two times is not known.
    """
    found: dict[tuple[Question, Cell], dict[float, Base]] = {}
    for question, bases in book.items():
        if time := dict(question).get(CLOCK):
            for cell, base in bases.items():
                found.setdefault((question - {(CLOCK, time)}, cell), {})[float(time)] = base
    falling = {}
    for named, steps in found.items():
        held = [steps[time].n for time in sorted(steps)]
        if all(later <= earlier for earlier, later in itertools.pairwise(held)):
            falling[named] = {time: steps[time] for time in sorted(steps)}
    return falling


def _complete(found: dict[Question, dict[Cell, Base]], released: Released) -> None:
    """Add who is at risk at times for which a curve has no row: as many as at its next one.

    Of everybody only some times are told, between which who is at risk is not known.
    """
    curves = {id(book): _curves(book) for book in (found, released.bases)}
    times: dict[Question, set[float]] = {}
    for each in curves.values():
        for (asked, _), steps in each.items():
            times.setdefault(asked, set()).update(steps)
    for book in (found, released.bases):
        for (asked, cell), steps in curves[id(book)].items():
            if cell == EVERYBODY:
                continue
            own = np.array([*steps])
            for time in (t for t in times[asked] if t not in steps and t < own[-1]):
                later = steps[float(own[np.searchsorted(own, time)])]
                book.setdefault(asked | {(CLOCK, str(time))}, {})[cell] = later


def _hide_tails(settled: dict[Question, dict[Cell, Base]]) -> None:
    """Hide a curve from where it was hidden for another's sake, and a little before.

    Who is at risk grows fewer: the curve just before and after would tell the base to within a person or two.
    """
    for (asked, cell), steps in _curves(settled).items():
        first = next((base.n for base in steps.values() if base.hidden and not base.small), -PROTECTION)
        for time, base in steps.items():
            if base.n < first + PROTECTION:
                settled[asked | {(CLOCK, str(time))}][cell] = replace(base, hidden=True)


def _settled(
    result: Result, question: Question, bases: Mapping[Cell, Base], before: Mapping[Cell, Base],
    elsewhere: set[Cell],
) -> dict[Cell, Base]:  # fmt: skip
    """Decide which cells of one question to hide, given what was shown of it before."""
    if all(c in before and before[c].hidden >= base.hidden for c, base in bases.items()):
        return {cell: before[cell] for cell in bases}  # nothing is told anew
    told = {**bases, **before}
    kinds = {frozenset(column for column, _ in cell) for cell in told}
    if dict(question).get(CLOCK) and len(kinds) == 1:  # what is told of no total adds up to nothing
        return dict(bases)
    cells = list(told)
    n = [told[cell].n for cell in cells]
    fixed = np.array([cell in before for cell in cells])
    unseen = np.zeros(len(cells), dtype=bool)
    if EVERYBODY not in told:
        # How many answered stands under every table; how many are at risk at each time does not, and
        # is hidden where a group is: what it changes by would tell what the group does.
        whole = max(sum(told[c].n for c in cells if {column for column, _ in c} == kind) for kind in kinds)
        cells, n, fixed = [*cells, EVERYBODY], [*n, whole], np.append(fixed, True)
        unseen = np.append(unseen, bool(dict(question).get(CLOCK)))
    small = np.array([told[c].small for c in told] + [k < result.minimum for k in n[len(told) :]])
    people = np.where(small, np.minimum(n, result.minimum - 1), np.maximum(n, result.minimum))
    gone = unseen | np.array([c in told and told[c].hidden for c in cells])
    hidden = protected(
        cells, n, people, minimum=result.minimum, rest=True,
        hidden_elsewhere=[cell in elsewhere for cell in cells],
        shown=fixed & ~gone & ~small, hidden=gone,
    )  # fmt: skip
    return {
        cell: Base(told[cell].n, told[cell].small, bool(closed))
        for cell, closed in zip(cells, hidden, strict=True)
        if cell in bases
    }


def _closed(
    row: Row, hidden: Mapping[Cell, Sequence[Question]], called: Mapping[str, Sequence[Question]]
) -> bool:
    """Say whether a row speaks of a hidden cell, on its question or one that says no less."""
    return any(
        _same(question, asked) for question, cell in row.speaks for asked in hidden.get(cell, ())
    ) or any(
        spoken_at(row.record, asked) and _same(row.question, asked, but=CLOCK)
        for name in row.named
        for asked in called.get(name, ())
    )


def _same(one: Question, other: Question, *, but: str = "") -> bool:
    """Whether two questions agree in all that both say."""
    second = dict(other)
    return all(second.get(column, value) == value for column, value in one if column != but)


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
    tables: Iterable[pd.DataFrame],
    settled: Mapping[Question, Mapping[Cell, Base]],
    called: Mapping[str, Sequence[Question]],
) -> tuple[Claim, ...]:
    """Drop the claims on hidden rows; a base that is told of several groups is that of those shown."""
    gone = {
        str(value)
        for table in tables
        if {"hypothesis", "flag"} <= set(table.columns)
        for value in table.loc[table["flag"] == "suppressed", "hypothesis"]
    }
    every = [base for bases in settled.values() for base in bases.values()]
    closed, shown = {b.n for b in every if b.hidden}, sorted({b.n for b in every if not b.hidden})
    kept = []
    for claim in result.claims:
        of = {None, claim.fields.get("metric")}
        said = [str(claim.fields[name]) for name in _NAMED if name in claim.fields]
        if str(claim.fields.get("hypothesis")) in gone or any(
            dict(asked).get("metric") in of and spoken_at(claim.fields, asked)
            for name in said
            for asked in called.get(name, ())
        ):
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
    place = {column: k for k, column in enumerate(dict.fromkeys(result.parts.values()))}
    return " x ".join(value for _, value in sorted(cell, key=lambda p: (place.get(p[0], len(place)), p[0])))
