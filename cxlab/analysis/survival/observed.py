"""Who was observed, from when to when, and whether they left, read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, check_rows, is_yes_or_no, shown
from cxlab.analysis.dropped import WEIGHT_ZERO, check_entered, entering, missing
from cxlab.analysis.estimates import check_columns, weights_of
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Customers under observation as a risk table: those who are alike in all that is asked are one cell.

    `labels` (cells, asked columns); `duration`, `entry` (cells,) the time they were seen last and first;
    `event` (cells,) whether they left; `count` (cells,) how many they are; `weight`, `squared` (cells,) the
    sums of their sampling weights and of their squares, or None where all weigh the same; `dropped` by
    reason; `rows` the places in the table of the customers used, None where the table is in an engine.
    """

    labels: pd.DataFrame
    duration: Array
    event: Array
    entry: Array
    count: Array
    weight: Array | None
    squared: Array | None
    dropped: Mapping[str, int]
    rows: Array | None = None

    @property
    def n(self) -> int:
        """How many customers are used."""
        return int(self.count.sum())

    @property
    def events(self) -> int:
        """How many of them left."""
        return int(self.count[self.event].sum())

    @property
    def amount(self) -> Array:
        """What each cell weighs: its sampling weights, or its customers where they weigh the same."""
        return self.count if self.weight is None else self.weight

    def n_eff(self, who: Array | slice = slice(None)) -> float:
        """Return the effective number of customers, of all or of the cells `who`."""
        if self.weight is None or self.squared is None:
            return float(self.count[who].sum())
        total = float(self.squared[who].sum())
        return float(self.weight[who].sum() ** 2 / total) if total else 0.0

    def part(self, who: Array) -> Observed:
        """Return the cells marked in the boolean array `who`."""
        weight = None if self.weight is None else self.weight[who]
        squared = None if self.squared is None else self.squared[who]
        labels = self.labels[who].reset_index(drop=True)
        own = self.duration[who], self.event[who], self.entry[who], self.count[who]
        return Observed(labels, *own, weight, squared, self.dropped)


def cells(
    labels: pd.DataFrame,
    duration: Array,
    event: Array,
    entry: Array,
    weights: Array | None = None,
    dropped: Mapping[str, int] | None = None,
    rows: Array | None = None,
) -> Observed:
    """Count customers who are alike in `labels`, duration, event and entry (all of n rows) as one cell each.

    Examples
    --------
    >>> plan = pd.DataFrame({"plan": ["a", "a", "b"]})
    >>> found = cells(plan, np.array([2.0, 2, 2]), np.array([True, True, True]), np.zeros(3))
    >>> found.labels["plan"].tolist(), found.count.tolist()
    (['a', 'b'], [2.0, 1.0])
    """
    key = np.zeros(len(duration), dtype=np.int64)
    for values in (*(labels[c] for c in labels), *map(pd.Series, (duration, event, entry))):
        codes, found = pd.factorize(values, sort=True, use_na_sentinel=False)
        size = max(len(found), 1)
        if int(key.max(initial=0)) > np.iinfo(np.int64).max // size - 1:
            key = pd.factorize(key, sort=True)[0]
        key = key * size + codes
    cell, keys = pd.factorize(key)
    place = np.empty(len(keys), dtype=np.int64)
    place[np.argsort(keys)] = np.arange(len(keys))  # the order of the rows decides nothing
    cell = place[cell]
    first = np.empty(len(keys), dtype=np.int64)
    first[cell[::-1]] = np.arange(len(key))[::-1]
    ones = np.bincount(cell, minlength=len(first)).astype(float)
    weight = squared = None
    if weights is not None:
        weight, squared = (np.bincount(cell, w, len(first)) for w in (weights, weights**2))
    labels = labels.iloc[first].reset_index(drop=True)
    return Observed(
        labels, duration[first], event[first], entry[first], ones, weight, squared, dropped or {}, rows
    )


def check_roles(roles: Mapping[str, Sequence[str | None]]) -> None:
    """Refuse a column that is asked to be two things; `roles` names the roles and their columns."""
    taken: dict[str, str] = {}
    for role, columns in roles.items():
        for column in dict.fromkeys(c for c in columns if c is not None):
            if column in taken:
                raise AnalysisError(
                    "column {column!r} is both {first} and {second}; give it one role",
                    column=column, first=taken[column], second=role,
                )  # fmt: skip
            taken[column] = role


def observed(
    table: pd.DataFrame,
    duration: str,
    event: str,
    *,
    entry: str | None,
    weights: str | None,
    needed: Sequence[str] = (),
    carried: Sequence[str] = (),
    several: str | None = None,
) -> Observed:
    """Read a table strictly, and count who is alike in duration, event, entry, `needed` and `carried`.

    Rows of weight zero, without entry or without a needed column are dropped and counted; a carried column
    may be missing, as the cause of who has not left is. `several` names the ids that may repeat.

    Raises
    ------
    AnalysisError
        With a problem for each column that has blanks, text, codes other than 0 and 1, durations that are
        not positive, or entries not before the end; for repeated customer ids and unusable weights.
    """
    used = [duration, event, *([entry] if entry else []), *needed, *carried, *([weights] if weights else [])]
    check_rows(table, persons=several is None, cluster=several)
    check_columns(table, used)
    w = weights_of(table, weights)
    left, problems = _events(table[event], event)
    ends, wrong = _times(table[duration], duration, missing=False)
    problems += wrong or _not_positive(ends, duration)
    starts = np.zeros(len(table))
    if entry:
        starts, wrong = _times(table[entry], entry, missing=True)
        problems += wrong or _not_before(starts, ends, entry, duration)
    if problems:
        raise AnalysisError("the survival columns cannot be used", problems=problems)
    reasons = [(WEIGHT_ZERO, w == 0), *([(missing(entry), np.isnan(starts))] if entry else [])]
    reasons += [(missing(column), table[column].isna().to_numpy(dtype=bool)) for column in needed]
    kept, dropped = entering(len(table), reasons)
    check_entered(kept, dropped)
    own = w[kept]
    equal = bool(np.ptp(own) <= 1e-12 * own.max())
    labels = table.loc[kept, list(dict.fromkeys([*needed, *carried]))]
    seen = ends[kept], left[kept] == 1, starts[kept]
    return cells(labels, *seen, None if equal else own, dropped, np.flatnonzero(kept))


def _in_rows(rows: Array, column: str, *, found: str, allowed: str, action: str) -> list[Problem]:
    """Return the problem of `rows` (positions), if there are any."""
    if not len(rows):
        return []
    row = int(rows[0]) + 1
    return [Problem(found=found, allowed=allowed, action=action, column=column, row=row, count=len(rows))]


def _events(held: pd.Series[Any], column: str) -> tuple[Array, list[Problem]]:
    """Return 0/1 as floats, or what is wrong."""
    allowed = Message("0 (still here) or 1 (left)")
    if is_yes_or_no(held):
        values = held.astype(object).where(held.notna(), np.nan).to_numpy(dtype=float)
    else:
        read = as_floats(held)
        if read is None:
            return np.full(len(held), np.nan), _text_event(held, column, allowed)
        values = read
    blank = _in_rows(
        np.flatnonzero(np.isnan(values)),
        column,
        found=Message("a blank"),
        allowed=allowed,
        action=Message("fill it, or exclude the row, in client.yaml: a blank is not a customer who stayed"),
    )
    known = values[~np.isnan(values)]
    codes = _in_rows(
        np.flatnonzero(~np.isnan(values) & ~np.isin(values, (0, 1))),
        column,
        found=Message("the codes {codes}", codes=shown(np.unique(known).tolist())),
        allowed=allowed,
        action=Message("recode it under values in client.yaml: say which code means that the customer left"),
    )
    return values, blank + codes


def _text_event(held: pd.Series[Any], column: str, allowed: str) -> list[Problem]:
    text = held.astype(object).map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
    rows = np.flatnonzero(text if text.any() else held.notna())
    said = sorted({repr(str(value)) for value in held.iloc[rows]})
    return _in_rows(
        rows,
        column,
        found=Message("text ({values})", values=shown(said)),
        allowed=allowed,
        action=Message(
            "recode it under values in client.yaml, for instance Yes to 1 and No to 0; fill or exclude blanks"
        ),
    )


def _times(held: pd.Series[Any], column: str, *, missing: bool) -> tuple[Array, list[Problem]]:
    values = as_floats(held)
    if values is None:
        rows = np.flatnonzero(held.notna())
        return np.full(len(held), np.nan), _in_rows(
            rows if len(rows) else np.arange(len(held)),
            column,
            found=Message("no numbers ({value!r})", value=str(held.iloc[rows[0]]) if len(rows) else ""),
            allowed=Message("a number of months (or another unit)"),
            action=Message("compute the time between the two dates first, or convert it in client.yaml"),
        )
    return values, _in_rows(
        np.flatnonzero(np.isinf(values) | (np.isnan(values) & (not missing))),
        column,
        found=Message("a blank or infinite time"),
        allowed=Message("a positive number"),
        action=Message("fill it, or exclude the row, in client.yaml"),
    )


def _not_positive(ends: Array, column: str) -> list[Problem]:
    negative, zero = np.flatnonzero(ends < 0), np.flatnonzero(ends == 0)
    allowed = Message("a positive number")
    return _in_rows(
        negative,
        column,
        found=Message(
            "a negative duration ({value:g})", value=float(ends[negative[0]]) if len(negative) else 0
        ),
        allowed=allowed,
        action=Message("the end lies before the start: correct the dates, or exclude it in client.yaml"),
    ) + _in_rows(
        zero,
        column,
        found=Message("a duration of zero"),
        allowed=allowed,
        action=Message("exclude customers not yet observed in client.yaml, or count the first month as 1"),
    )


def _not_before(starts: Array, ends: Array, column: str, duration: str) -> list[Problem]:
    late = np.flatnonzero(starts >= ends)
    first = late[0] if len(late) else 0
    return _in_rows(
        np.flatnonzero(starts < 0),
        column,
        found=Message("a negative entry"),
        allowed=Message("zero or more"),
        action=Message("nobody is observed before the start: correct the dates in client.yaml"),
    ) + _in_rows(
        late,
        column,
        found=Message(
            "an entry of {entry:g} and a {duration} of {end:g}",
            entry=float(starts[first]),
            duration=duration,
            end=float(ends[first]),
        ),
        allowed=Message("an entry before the end"),
        action=Message("the customer was never under observation: exclude the row in client.yaml"),
    )
