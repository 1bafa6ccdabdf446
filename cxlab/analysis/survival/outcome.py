"""Durations, events and entries: what they may hold, and what is wrong with those that do not.

`each` (rows,) says how many customers a row stands for, where the table was grouped in an engine; then there
is no place to name, and the rows are added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, is_yes_or_no, shown
from cxlab.errors import Message, Problem

Array = np.ndarray[Any, Any]


def _in_rows(
    rows: Array, column: str, each: Array | None, *, found: str, allowed: str, action: str
) -> list[Problem]:
    """Return the problem of `rows` (positions), if there are any; those of an engine have no place."""
    if not len(rows):
        return []
    row, count = (int(rows[0]) + 1, len(rows)) if each is None else (0, int(each[rows].sum()))
    return [Problem(found=found, allowed=allowed, action=action, column=column, row=row, count=count)]


def events(held: pd.Series[Any], column: str, each: Array | None) -> tuple[Array, list[Problem]]:
    """Return 0/1 as floats, or what is wrong."""
    allowed = Message("0 (still here) or 1 (left)")
    if is_yes_or_no(held):
        values = held.astype(object).where(held.notna(), np.nan).to_numpy(dtype=float)
    else:
        read = as_floats(held)
        if read is None:
            return np.full(len(held), np.nan), _text_event(held, column, each, allowed)
        values = read
    blank = _in_rows(
        np.flatnonzero(np.isnan(values)),
        column,
        each,
        found=Message("a blank"),
        allowed=allowed,
        action=Message("fill it, or exclude the row, in client.yaml: a blank is not a customer who stayed"),
    )
    known = values[~np.isnan(values)]
    codes = _in_rows(
        np.flatnonzero(~np.isnan(values) & (values != 0) & (values != 1)),
        column,
        each,
        found=Message("the codes {codes}", codes=shown(np.unique(known).tolist())),
        allowed=allowed,
        action=Message("recode it under values in client.yaml: say which code means that the customer left"),
    )
    return values, blank + codes


def _text_event(held: pd.Series[Any], column: str, each: Array | None, allowed: str) -> list[Problem]:
    text = held.astype(object).map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
    rows = np.flatnonzero(text if text.any() else held.notna())
    said = sorted({repr(str(value)) for value in held.iloc[rows]})
    return _in_rows(
        rows,
        column,
        each,
        found=Message("text ({values})", values=shown(said)),
        allowed=allowed,
        action=Message(
            "recode it under values in client.yaml, for instance Yes to 1 and No to 0; fill or exclude blanks"
        ),
    )


def times(
    held: pd.Series[Any], column: str, each: Array | None, *, missing: bool
) -> tuple[Array, list[Problem]]:
    """Return times as floats, blanks as NaN, or what is wrong; a blank is, unless `missing` is allowed."""
    values = as_floats(held)
    if values is None:
        rows = np.flatnonzero(held.notna())
        return np.full(len(held), np.nan), _in_rows(
            rows if len(rows) else np.arange(len(held)),
            column,
            each,
            found=Message("no numbers ({value!r})", value=str(held.iloc[rows[0]]) if len(rows) else ""),
            allowed=Message("a number of months (or another unit)"),
            action=Message("compute the time between the two dates first, or convert it in client.yaml"),
        )
    return values, _in_rows(
        np.flatnonzero(np.isinf(values) | (np.isnan(values) & (not missing))),
        column,
        each,
        found=Message("a blank or infinite time"),
        allowed=Message("a positive number"),
        action=Message("fill it, or exclude the row, in client.yaml"),
    )


def _told(rows: Array, each: Array | None, *values: Array) -> int:
    """Return which of `rows` is told: the first, or that of the least values: engines have no order."""
    if not len(rows) or each is None:
        return int(rows[0]) if len(rows) else 0
    return int(rows[np.lexsort([held[rows] for held in values[::-1]])[0]])


def not_positive(ends: Array, column: str, each: Array | None) -> list[Problem]:
    """Return what is wrong with durations that are zero or less."""
    negative, zero = np.flatnonzero(ends < 0), np.flatnonzero(ends == 0)
    allowed = Message("a positive number")
    return _in_rows(
        negative,
        column,
        each,
        found=Message(
            "a negative duration ({value:g})",
            value=float(ends[_told(negative, each, ends)]),
        ),
        allowed=allowed,
        action=Message("the end lies before the start: correct the dates, or exclude it in client.yaml"),
    ) + _in_rows(
        zero,
        column,
        each,
        found=Message("a duration of zero"),
        allowed=allowed,
        action=Message("exclude customers not yet observed in client.yaml, or count the first month as 1"),
    )


def not_before(starts: Array, ends: Array, column: str, duration: str, each: Array | None) -> list[Problem]:
    """Return what is wrong with entries below zero, or not before the end."""
    late = np.flatnonzero(starts >= ends)
    first = _told(late, each, starts, ends)
    return _in_rows(
        np.flatnonzero(starts < 0),
        column,
        each,
        found=Message("a negative entry"),
        allowed=Message("zero or more"),
        action=Message("nobody is observed before the start: correct the dates in client.yaml"),
    ) + _in_rows(
        late,
        column,
        each,
        found=Message(
            "an entry of {entry:g} and a {duration} of {end:g}",
            entry=float(starts[first]),
            duration=duration,
            end=float(ends[first]),
        ),
        allowed=Message("an entry before the end"),
        action=Message("the customer was never under observation: exclude the row in client.yaml"),
    )
