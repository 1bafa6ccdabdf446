"""Who was observed, from when to when, and whether they left, read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, check_rows, of_whom
from cxlab.analysis.covariates import numbers
from cxlab.analysis.dropped import WEIGHT_ZERO, check_entered, entering, missing
from cxlab.analysis.estimates import check_columns, weights_of
from cxlab.analysis.survival import outcome
from cxlab.analysis.survival.wanted import Wanted
from cxlab.errors import AnalysisError, Problem

Array = np.ndarray[Any, Any]

_CLOSE = 10_000  # whole numbers that lie so close are not numbered anew
Table: TypeAlias = Any  # a pandas frame, the path of Parquet, a DuckDB relation or a Spark frame


_DENSE = 4  # places for each row, up to which codes are counted and not sorted


@dataclass(frozen=True, eq=False)
class Observed:
    """Customers under observation as a risk table: those who are alike in all that is asked are one cell.

    `patterns` (patterns, asked columns) what they may be like, and `pattern` (cells,) which of these a cell
    is; `duration`, `entry` (cells,) the time they were seen last and first;
    `event` (cells,) whether they left; `count` (cells,) how many they are; `weight`, `squared` (cells,) the
    sums of their sampling weights and of their squares, or None where all weigh the same; `dropped` by
    reason; `rows` the places in the table of the customers used, None where the table is in an engine;
    `sums` (cells,) of the values of columns that are cut into bins, whose label is the number of the bin.
    """

    patterns: pd.DataFrame
    pattern: Array
    duration: Array
    event: Array
    entry: Array
    count: Array
    weight: Array | None
    squared: Array | None
    dropped: Mapping[str, int]
    rows: Array | None = None
    sums: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def labels(self) -> pd.DataFrame:
        """What the customers of each cell are like (cells, asked columns)."""
        return self.patterns.take(self.pattern).reset_index(drop=True)

    def by_pattern(self, amount: Array) -> Array:
        """Sum `amount` (cells,) over the cells of each pattern, (patterns,)."""
        return np.bincount(self.pattern, amount, len(self.patterns)).astype(float)

    @cached_property
    def n(self) -> int:
        """How many customers are used."""
        return int(self.count.sum())

    @cached_property
    def events(self) -> int:
        """How many of them left."""
        return round(float(self.count @ self.event))

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
        used, pattern = _places(self.pattern[who], len(self.patterns))
        patterns = self.patterns.take(used).reset_index(drop=True)
        own = self.duration[who], self.event[who], self.entry[who], self.count[who]
        sums = {column: held[who] for column, held in self.sums.items()}
        return Observed(patterns, pattern, *own, weight, squared, self.dropped, sums=sums)


def cells(
    labels: pd.DataFrame,
    duration: Array,
    event: Array,
    entry: Array,
    weights: Array | None = None,
    dropped: Mapping[str, int] | None = None,
    rows: Array | None = None,
    *,
    count: Array | None = None,
    squared: Array | None = None,
    values: Mapping[str, Array] | None = None,
) -> Observed:
    """Count customers who are alike in `labels`, duration, event and entry (all of n rows) as one cell each.

    Where a row stands for several customers, `count` (n,) says for how many, `weights` are the sums of
    theirs and `squared` (n,) of the squares of these. `values` are added up as `sums`.

    Examples
    --------
    >>> plan = pd.DataFrame({"plan": ["a", "a", "b"]})
    >>> found = cells(plan, np.array([2.0, 2, 2]), np.array([True, True, True]), np.zeros(3))
    >>> found.labels["plan"].tolist(), found.count.tolist()
    (['a', 'b'], [2.0, 1.0])
    """
    size = len(duration)
    used, pattern = _places(*_crossed([labels[c] for c in labels], size))
    patterns = labels.take(_first(pattern, len(used))).reset_index(drop=True)
    own = [pd.Series(pattern), *map(pd.Series, (duration, event, entry))]
    used, cell = _places(*_crossed(own, size))
    first = _first(cell, len(used))

    def summed(amount: Array | None) -> Array:
        return np.bincount(cell, amount, len(first)).astype(float)

    weight = None
    if weights is not None:
        weight, squared = summed(weights), summed(weights**2 if squared is None else squared)
    seen = pattern[first], duration[first], event[first], entry[first]
    sums = {column: summed(held) for column, held in (values or {}).items()}
    return Observed(patterns, *seen, summed(count), weight, squared, dropped or {}, rows, sums)


def _crossed(columns: Sequence[pd.Series[Any]], size: int) -> tuple[Array, int]:
    """Return a number for the values of each of `size` rows, in their order, and how many there may be."""
    key, most = np.zeros(size, dtype=np.int64), 1
    for held in columns:
        codes, different = _codes(held)
        if most > np.iinfo(np.int64).max // different:
            used, key = _places(key, most)
            most = len(used)
        key *= different
        key += codes
        most *= different
    return key, most


def _places(key: Array, most: int) -> tuple[Array, Array]:
    """Return which numbers under `most` occur, in their order, and the place among them of each in `key`."""
    if most > _DENSE * len(key):
        used, place = np.unique(key, return_inverse=True)
        return used, place
    there = np.zeros(most, dtype=bool)
    there[key] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[key]


def _first(place: Array, size: int) -> Array:
    """Return the first row of each place."""
    first = np.empty(size, dtype=np.int64)
    first[place[::-1]] = np.arange(len(place))[::-1]
    return first


def _codes(held: pd.Series[Any]) -> tuple[Array, int]:
    """Return the values of a column as numbers in their order, and how many numbers that takes.

    Whole numbers close together are their own codes, and so are categories: nothing is hashed for them.
    """
    if isinstance(held.dtype, pd.CategoricalDtype) and held.cat.categories.is_monotonic_increasing:
        return held.cat.codes.to_numpy().astype(np.int64) + 1, len(held.cat.categories) + 1
    values = held.to_numpy() if isinstance(held.dtype, np.dtype) else np.empty(0)
    if len(values) and values.dtype.kind in "biuf":
        low, high = float(values.min()), float(values.max())
        if high - low < _CLOSE and (values.dtype.kind != "f" or bool((values == np.floor(values)).all())):
            return values.astype(np.int64) - int(low), int(high - low) + 1
    codes, found = pd.factorize(held, sort=True, use_na_sentinel=False)
    return codes, max(len(found), 1)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """The columns of a table as they were found: a row for each of its own, or `each` (rows,) for so many.

    `low` and `high` (rows,) bound the weights that `weight` and `squared` add up.
    """

    roles: pd.DataFrame
    labels: pd.DataFrame
    each: Array | None
    weight: Array
    squared: Array
    low: Array
    high: Array
    values: Mapping[str, Array]
    problems: Sequence[Problem]


def observed(
    table: Table,
    duration: str,
    event: str,
    *,
    entry: str | None,
    weights: str | None,
    needed: Sequence[str] = (),
    carried: Sequence[str] = (),
    several: str | None = None,
    bins: Mapping[str, int] | None = None,
) -> Observed:
    """Read a table strictly, and count who is alike in duration, event, entry, `needed` and `carried`.

    The table is a pandas frame, the path of a Parquet file (or folder, or pattern), a DuckDB relation or a
    Spark frame; those that are not in memory are grouped where they are, by one reduction. Rows of weight
    zero, without entry or without a needed column are dropped and counted; a carried column may be missing,
    as the cause of who has not left is. `several` names the ids that may repeat. Columns in `bins` are cut
    into so many quantile bins of all their known values: the label is the number of the bin, from 0, and
    `sums` has the values of who is in a cell.

    Raises
    ------
    AnalysisError
        With a problem for each column that has blanks, text, codes other than 0 and 1, durations that are
        not positive, or entries not before the end; for repeated customer ids and unusable weights.
    """
    labels = list(dict.fromkeys([*needed, *carried]))
    asked = Wanted(duration, event, entry, weights, labels, several, bins or {})
    read = _in_memory(table, asked) if isinstance(table, pd.DataFrame) else _in_engine(table, asked)
    size = len(read.weight)
    problems, left, ends, starts = list(read.problems), *np.full((2, size), np.nan), np.zeros(size)
    if event in read.roles:
        left, wrong = outcome.events(read.roles[event], event, read.each)
        problems += wrong
    if duration in read.roles:
        ends, wrong = outcome.times(read.roles[duration], duration, read.each, missing=False)
        problems += wrong or outcome.not_positive(ends, duration, read.each)
    if entry and entry in read.roles:
        starts, wrong = outcome.times(read.roles[entry], entry, read.each, missing=True)
        problems += wrong or outcome.not_before(starts, ends, entry, duration, read.each)
    if problems:
        whose = [of_whom(table, problem) for problem in problems]
        raise AnalysisError("the survival columns cannot be used", problems=whose)
    reasons = [(WEIGHT_ZERO, read.high == 0), *([(missing(entry), np.isnan(starts))] if entry else [])]
    reasons += [(missing(column), read.labels[column].isna().to_numpy(dtype=bool)) for column in needed]
    kept, dropped = entering(size, reasons, read.each)
    check_entered(kept, dropped)
    return _cells(read, kept, (ends, left == 1, starts), dropped)


def _cells(
    read: _Read, kept: Array, seen: tuple[Array, Array, Array], dropped: Mapping[str, int]
) -> Observed:
    """Group what is kept; weights that are all the same are none."""
    low, high = float(read.low[kept].min()), float(read.high[kept].max())
    equal = high - low <= 1e-12 * high
    every = bool(kept.all())  # then nothing is copied
    labels = read.labels if every else read.labels.loc[kept]
    ends, left, starts = seen if every else (held[kept] for held in seen)
    return cells(
        labels, ends, left, starts, None if equal else read.weight[kept], dropped,
        np.flatnonzero(kept) if read.each is None else None,
        count=None if read.each is None else read.each[kept],
        squared=None if equal or read.each is None else read.squared[kept],
        values={column: held[kept] for column, held in read.values.items()},
    )  # fmt: skip


def _in_memory(table: pd.DataFrame, asked: Wanted) -> _Read:
    check_rows(table, persons=asked.several is None, cluster=asked.several)
    check_columns(table, [*asked.roles.values(), *asked.labels, *([asked.weights] if asked.weights else [])])
    check_categories(table, asked.labels)
    w = weights_of(table, asked.weights)
    labels, values, problems = table[asked.labels], {}, []
    for column, count in asked.bins.items():
        held, wrong = numbers(table, column)
        problems += wrong
        known = held[~np.isnan(held)]
        if wrong or not len(known):
            continue
        edges = np.quantile(known, np.arange(1, count) / count)
        place = np.searchsorted(edges, held, side="left").astype(float)
        labels = labels.assign(**{column: np.where(np.isnan(held), np.nan, place)})
        values[column] = held
    return _Read(table[[*asked.roles.values()]], labels, None, w, w, w, w, values, problems)


def _in_engine(table: Any, asked: Wanted) -> _Read:
    # Loaded by the first table that needs it: DuckDB and narwhals take a tenth of a second.
    from cxlab.analysis.survival.reduced import reduced

    held = reduced(table, asked)
    bounds = held.low, held.high
    return _Read(
        held.roles, held.labels, held.count, held.weight, held.squared, *bounds, held.sums, held.problems
    )
