"""From a table to one contribution per respondent: columns found, answers checked, formula applied.

Every metric becomes a pair of numbers per row, a numerator in the unit of the index (points or percent) and a
denominator (one per respondent; the trials of a rate), so that errors, weights, segments and comparisons are
written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, blocks, in_rows, not_numbers, shown
from cxlab.analysis.definitions import Metric
from cxlab.analysis.dropped import NO_TRIALS, missing
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
    reasons : tuple of (Message, ndarray of bool)
        Which rows cannot be scored, and why.
    """

    numerator: np.ndarray[Any, Any]
    denominator: np.ndarray[Any, Any]
    reasons: tuple[tuple[Message, np.ndarray[Any, Any]], ...]


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
    if columns is not None and not isinstance(columns, Mapping):
        raise AnalysisError(
            "columns is a {kind}; give {{slot: column}} for {slots}, or one name for a metric of one slot",
            kind=type(columns).__name__,
            slots=", ".join(entry.slots),
        )
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


def check_answers(columns: Mapping[str, str], others: Iterable[str | None]) -> None:
    """Refuse a column that is an answer of the metric and also among `others` (weights, units)."""
    both = sorted({*columns.values()} & {other for other in others if other is not None})
    if both:
        raise AnalysisError(
            "columns with two roles: {both}; a column is an answer, the weights or the unit, not two of them",
            both=", ".join(both),
        )


def numbers(
    table: pd.DataFrame, columns: Sequence[str], each: np.ndarray[Any, Any] | None = None
) -> list[np.ndarray[Any, Any]]:
    """Return `columns` as float arrays, NaN where missing; refuse text, blanks, booleans, dates."""
    check_columns(table, columns)
    read = [as_floats(table[column]) for column in columns]
    problems = [
        _not_numbers(table[column], column, each)
        for column, values in zip(columns, read, strict=True)
        if values is None or np.isinf(values).any()
    ]
    if problems:
        raise AnalysisError("some answers are not numbers", problems=problems)
    return [values for values in read if values is not None]


def _not_numbers(column: pd.Series[Any], name: str, each: np.ndarray[Any, Any] | None) -> Problem:
    values = column.astype(object)
    off = not_numbers(values) | values.isin([np.inf, -np.inf]).to_numpy()
    found = values[off].map(lambda v: repr(v) if isinstance(v, str) else str(v)).unique()
    return in_rows(
        Problem(
            found=shown(found),
            allowed=Message("numbers, or nothing where there is no answer"),
            action=Message("recode it in client.yaml: values or leading_number for text, missing for blanks"),
            column=name,
        ),
        off,
        each,
    )


def answers(
    table: pd.DataFrame,
    entry: Metric,
    columns: Mapping[str, str],
    each: np.ndarray[Any, Any] | None = None,
) -> Answers:
    """Score every row of `table` on one metric.

    Parameters
    ----------
    table : DataFrame
        One row per respondent (per counted unit for a rate).
    entry : Metric
        The metric.
    columns : Mapping
        Column of each slot, from `columns_of`.
    each : ndarray of int or None
        How many rows of a larger table each row stands for; one without it.

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
    values = numbers(table, names, each)
    if entry.family == "rate":
        numerator, denominator = _rate(names, values, each)
    else:
        whole = entry.family in ("net", "share")
        check_scale(table, names, values, metric=entry.id, scale=entry.scale, whole=whole, each=each)
        numerator = _contribution(entry, values)
        denominator = np.where(np.isnan(numerator), np.nan, 1.0)
    empty = [(missing(name), np.isnan(column)) for name, column in zip(names, values, strict=True)]
    if np.isnan(numerator).all():
        raise AnalysisError(
            "no row answers all of {columns}, which {metric} needs", columns=", ".join(names), metric=entry.id
        )
    return Answers(numerator, denominator, (*empty, (NO_TRIALS, np.isnan(numerator))))


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
    for piece in blocks(len(total)):
        for column in values:
            total[piece] += points[
                np.where(np.isnan(column[piece]), high + 1, column[piece]).astype(int) - low
            ]
    return total / len(values) if len(values) > 1 else total


def _rate(
    names: Sequence[str], values: Sequence[np.ndarray[Any, Any]], each: np.ndarray[Any, Any] | None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    successes, trials = values
    with np.errstate(invalid="ignore"):
        not_counts = [(c < 0) | ((c != np.floor(c)) & ~np.isnan(c)) for c in values]
        too_many = successes > trials
    problems = [
        _rate_problem(name, column, off, Message("whole counts, zero or more"), each)
        for name, column, off in zip(names, values, not_counts, strict=True)
        if off.any()
    ]
    if too_many.any():
        problems.append(
            _rate_problem(
                names[0], successes, too_many, Message("at most {trials} of the row", trials=names[1]), each
            )
        )
    if problems:
        raise AnalysisError("a rate needs counts of successes and of trials", problems=problems)
    usable = (trials > 0) & ~np.isnan(successes)
    return np.where(usable, 100 * successes, np.nan), np.where(usable, trials, np.nan)


def _rate_problem(
    name: str,
    column: np.ndarray[Any, Any],
    off: np.ndarray[Any, Any],
    allowed: Message,
    each: np.ndarray[Any, Any] | None,
) -> Problem:
    return in_rows(
        Problem(
            found=shown(np.unique(column[off]).tolist()),
            allowed=allowed,
            action=Message(
                "give counts, not shares or weighted totals; correct or exclude the row in client.yaml"
            ),
            column=name,
        ),
        off,
        each,
    )
