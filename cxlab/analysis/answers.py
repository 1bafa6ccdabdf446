"""From a table to one contribution per respondent: columns found, ids and answers checked, formula applied.

Every metric becomes a pair of numbers per row, a numerator in the unit of the index (points or percent) and a
denominator (one per respondent; the trials of a rate), so that errors, weights, segments and comparisons are
written once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.definitions import Metric
from cxlab.analysis.estimates import check_columns
from cxlab.analysis.scales import check_scale
from cxlab.errors import AnalysisError, Message, Problem

Columns = str | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What the rows of a table say for one metric.

    Attributes
    ----------
    numerator, denominator : ndarray, shape (n_rows,)
        NaN where the row cannot be scored.
    dropped : Mapping[str, int]
        Rows that cannot be scored, by reason.
    """

    numerator: np.ndarray[Any, Any]
    denominator: np.ndarray[Any, Any]
    dropped: Mapping[str, int]


def columns_of(entry: Metric, columns: Columns, slots: Sequence[str]) -> dict[str, str]:
    """Say which column answers each slot of `entry`.

    Parameters
    ----------
    entry : Metric
        The metric.
    columns : str, Mapping or None
        One name (metrics of one slot), ``{slot: column}``, or None for columns named as the slots; a slot
        that the mapping leaves out is looked for under its own name.
    slots : sequence of str
        Slots that the mapping may name: those of all metrics asked for together.

    Raises
    ------
    AnalysisError
        If one name is given for several slots, or the mapping names a slot that does not exist.
    """
    if isinstance(columns, str):
        if len(entry.slots) > 1:
            raise AnalysisError(
                "{metric} needs {count} columns, and columns gives one; give {{slot: column}} for {slots}",
                metric=entry.id,
                count=len(entry.slots),
                slots=", ".join(entry.slots),
            )
        return {entry.slots[0]: columns}
    named = dict(columns or {})
    unknown = [slot for slot in named if slot not in slots]
    if unknown:
        raise AnalysisError(
            "columns names {unknown}, which {metric} does not ask for; its slots are {slots}",
            unknown=", ".join(map(str, unknown)),
            metric=entry.id,
            slots=", ".join(slots),
        )
    return {slot: named.get(slot, slot) for slot in entry.slots}


def check_rows(table: pd.DataFrame, *, cluster: str | None = None) -> None:
    """Refuse an empty table, repeated response ids, and rows that are whole copies of another.

    ``response_id`` must be unique. ``respondent_id`` and ``customer_id`` may repeat (several answers of one
    person), but two rows equal in every column are taken for one row read twice, unless `cluster` declares
    that persons repeat.
    """
    if not len(table):
        raise AnalysisError("the table has no rows; nothing can be estimated")
    repeated_names = table.columns[table.columns.duplicated()]
    if len(repeated_names):
        raise AnalysisError(
            "the table has two columns called {column!r}; rename one of them", column=str(repeated_names[0])
        )
    if "response_id" in table.columns:
        ids = table["response_id"]
        repeated = (ids.duplicated(keep=False) & ids.notna()).to_numpy()
        _refuse_repeated(table, "response_id", repeated)
        return
    for column in ("respondent_id", "customer_id"):
        if column in table.columns and column != cluster:
            repeated = (table[column].duplicated(keep=False) & table[column].notna()).to_numpy()
            if repeated.any():
                copies = np.zeros(len(table), dtype=bool)
                copies[repeated] = table.loc[repeated].astype(str).duplicated(keep=False).to_numpy()
                _refuse_repeated(table, column, copies)


def _refuse_repeated(table: pd.DataFrame, column: str, repeated: np.ndarray[Any, Any]) -> None:
    if not repeated.any():
        return
    first = [str(value) for value in table.loc[repeated, column].unique()[:3]]
    raise AnalysisError(
        "the table has duplicate rows",
        problems=[
            Problem(
                found=Message("{column} repeated: {ids}", column=column, ids=", ".join(first)),
                allowed=Message("each answer once"),
                action=Message(
                    "keep one row of each (exclude in client.yaml); "
                    "different answers of one person need their own response_id"
                ),
                column=column,
                row=int(np.flatnonzero(repeated)[0]) + 1,
                count=int(repeated.sum()),
            )
        ],
    )


def numbers(table: pd.DataFrame, columns: Sequence[str]) -> list[np.ndarray[Any, Any]]:
    """Return `columns` as float arrays, NaN where missing; refuse text, blanks, booleans, dates."""
    check_columns(table, columns)
    read = [_read(table[column]) for column in columns]
    problems = [
        _not_numbers(table[column], column)
        for column, values in zip(columns, read, strict=True)
        if values is None or np.isinf(values).any()
    ]
    if problems:
        raise AnalysisError("some answers are not numbers", problems=problems)
    return [values for values in read if values is not None]


def _read(column: pd.Series[Any]) -> np.ndarray[Any, Any] | None:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        column = (
            column.astype(kind.categories.dtype)
            if pd.api.types.is_numeric_dtype(kind.categories)
            else column.astype(object)
        )
    if pd.api.types.is_bool_dtype(column) or isinstance(kind, (pd.DatetimeTZDtype, pd.PeriodDtype)):
        return None
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    if column.isna().all():
        return np.full(len(column), np.nan)
    if not pd.api.types.is_object_dtype(column):
        return None
    return column.astype(float).to_numpy() if not _strange(column).any() else None


def _strange(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Which values of a column of objects are neither numbers nor missing."""
    fine = column.map(lambda v: isinstance(v, (int, float, np.number)) and not isinstance(v, bool)).to_numpy(
        dtype=bool
    )
    return ~fine & column.notna().to_numpy()


def _not_numbers(column: pd.Series[Any], name: str) -> Problem:
    values = column.astype(object)
    off = _strange(values) | values.isin([np.inf, -np.inf]).to_numpy()
    found = values[off].map(lambda v: repr(v) if isinstance(v, str) else str(v)).unique()
    return Problem(
        found=", ".join(found[:5]) + (", ..." if len(found) > 5 else ""),
        allowed=Message("numbers, or nothing where there is no answer"),
        action=Message("recode it in client.yaml: values or leading_number for text, missing for blanks"),
        column=name,
        row=int(np.flatnonzero(off)[0]) + 1,
        count=int(off.sum()),
    )


def answers(table: pd.DataFrame, entry: Metric, columns: Mapping[str, str]) -> Answers:
    """Score every row of `table` on one metric.

    Parameters
    ----------
    table : DataFrame
        One row per respondent (per counted unit for a rate).
    entry : Metric
        The metric.
    columns : Mapping
        Column of each slot, from `columns_of`.

    Returns
    -------
    Answers
        Numerators in the unit of the index.

    Raises
    ------
    AnalysisError
        If a column is missing, is not numeric or is not on the scale of the metric, or nothing is answered.
    """
    names = list(columns.values())
    values = numbers(table, names)
    if entry.family == "rate":
        numerator, denominator = _rate(names, values)
    else:
        whole = entry.family in ("net", "share")
        check_scale(table, names, values, metric=entry.id, scale=entry.scale, whole=whole)
        numerator = _contribution(entry, values)
        denominator = np.where(np.isnan(numerator), np.nan, 1.0)
    dropped = _missing(names, values)
    without_trials = int((np.isnan(numerator) & ~np.isnan(np.sum(values, axis=0))).sum())
    if without_trials:
        dropped["no trials"] = without_trials
    if np.isnan(numerator).all():
        raise AnalysisError(
            "no row answers all of {columns}, which {metric} needs", columns=", ".join(names), metric=entry.id
        )
    return Answers(numerator, denominator, dropped)


def _missing(names: Sequence[str], values: Sequence[np.ndarray[Any, Any]]) -> dict[str, int]:
    """Count rows by the first of the columns that they leave empty."""
    counted = {}
    before = np.zeros(len(values[0]), dtype=bool)
    for name, column in zip(names, values, strict=True):
        empty = np.isnan(column) & ~before
        if empty.any():
            counted[f"missing {name}"] = int(empty.sum())
        before |= empty
    return counted


def _contribution(entry: Metric, values: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    if entry.family == "mean":
        return values[0].copy()
    if entry.scale is None:
        raise AnalysisError("metric {metric} has no scale in the registry", metric=entry.id)
    low, high = entry.scale
    if entry.family == "rescaled":
        rescaled = [100 * (column - low) / (high - low) for column in values]
        return np.asarray(np.tensordot(entry.slot_weights, rescaled, axes=1))
    points = np.zeros(high - low + 2)  # the last place is for missing answers
    points[np.array(entry.positive) - low] = 100.0
    points[np.array(entry.negative, dtype=int) - low] = -100.0
    points[-1] = np.nan
    total = np.zeros(len(values[0]))
    for column in values:
        total += points[np.where(np.isnan(column), high + 1, column).astype(int) - low]
    return total / len(values)


def _rate(
    names: Sequence[str], values: Sequence[np.ndarray[Any, Any]]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    successes, trials = values
    with np.errstate(invalid="ignore"):
        not_counts = [(c < 0) | ((c != np.floor(c)) & ~np.isnan(c)) for c in values]
        too_many = successes > trials
    problems = [
        _rate_problem(name, column, off, Message("whole counts, zero or more"))
        for name, column, off in zip(names, values, not_counts, strict=True)
        if off.any()
    ]
    if too_many.any():
        problems.append(
            _rate_problem(
                names[0], successes, too_many, Message("at most {trials} of the row", trials=names[1])
            )
        )
    if problems:
        raise AnalysisError("a rate needs counts of successes and of trials", problems=problems)
    usable = (trials > 0) & ~np.isnan(successes)
    return np.where(usable, 100 * successes, np.nan), np.where(usable, trials, np.nan)


def _rate_problem(
    name: str, column: np.ndarray[Any, Any], off: np.ndarray[Any, Any], allowed: Message
) -> Problem:
    return Problem(
        found=", ".join(f"{value:g}" for value in np.unique(column[off])[:5]),
        allowed=allowed,
        action=Message(
            "give counts, not shares or weighted totals; correct or exclude the row in client.yaml"
        ),
        column=name,
        row=int(np.flatnonzero(off)[0]) + 1,
        count=int(off.sum()),
    )
