"""Columns of a table as the numbers an analysis may use, and what is wrong with those it may not.

Every check gives `Problem`s, so that one call can report all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

# Codes by which questionnaires say "no answer". They are refused where no scale is declared and the
# other answers are whole numbers up to 20: no rating scale jumps from there to 77.
_CODES = (77, 88, 96, 97, 98, 99, 777, 888, 996, 997, 998, 999, 7777, 8888, 9996, 9997, 9998, 9999)
_NEGATIVE_CODES = (-9, -77, -88, -97, -98, -99, -997, -998, -999, -9999)
_LARGEST_RATING = 20
_MOST_LEVELS = 20
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Coded:
    """A covariate as columns of numbers: `names` of the columns, `values` (n, columns), its `reference`."""

    column: str
    names: tuple[str, ...]
    values: Array
    reference: str | None


def shown(values: Iterable[Any]) -> str:
    """Write the first few of `values` for a message.

    Examples
    --------
    >>> shown([1, 2, 3, 4, 5, 6, 7])
    '1, 2, 3, 4, 5, ...'
    """
    listed = list(values)
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in listed[:_SHOWN]) + (
        ", ..." if len(listed) > _SHOWN else ""
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of `table` as mappings from column to value."""
    names = [str(column) for column in table.columns]
    values = [table.iloc[:, k].tolist() for k in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def check_single(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse columns whose name stands twice in the header."""
    twice = sorted({c for c in columns if (table.columns == c).sum() > 1})
    if twice:
        raise AnalysisError(
            "the table has more than one column named {columns}; rename or drop one of them in client.yaml",
            columns=", ".join(twice),
        )


def check_distinct_ids(table: pd.DataFrame, column: str) -> None:
    """Refuse a table in which an id of `column`, where there is one, stands in several rows."""
    if column not in table.columns:
        return
    ids = table[column]
    again = (ids.duplicated(keep=False) & ids.notna()).to_numpy()
    if again.any():
        raise AnalysisError(
            "column {column!r} has {ids} ids in more than one row ({rows} rows, first at row {row}); "
            "keep one row for each, or drop the column if a row is not a person",
            column=column,
            ids=int(ids[again].nunique()),
            rows=int(again.sum()),
            row=int(np.flatnonzero(again)[0]) + 1,
        )


def is_number(column: pd.Series[Any]) -> bool:
    """Tell whether a column holds numbers (also as objects), not text, categories, dates or booleans."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column):
        return False
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) in {
            "integer",
            "floating",
            "mixed-integer-float",
            "empty",
        }
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_complex_dtype(column)


def numbers(table: pd.DataFrame, column: str) -> tuple[Array, list[Problem]]:
    """Return a column as floats (missing as NaN, booleans as 0 and 1) and what is wrong with it.

    Text, categories, dates and infinite values are problems; so are values outside the scale declared in
    ``table.attrs["scales"]`` ({column: [low, high]}), and, without a declaration, a value such as 99 or
    -9 that only a code for "no answer" explains: all values whole, the others between 0 (for negative
    codes) and 20.
    """
    held = table[column]
    if not (is_number(held) or pd.api.types.is_bool_dtype(held)):
        return np.full(len(held), np.nan), [_text(held, column)]
    values = held.to_numpy(dtype=float, na_value=np.nan)
    endless = np.flatnonzero(np.isinf(values))
    if len(endless):
        problem = Problem(
            found=Message("an infinite value"), allowed=Message("a finite number"), column=column,
            action=Message("correct it or declare it as missing in client.yaml"),
            row=int(endless[0]) + 1, count=len(endless),
        )  # fmt: skip
        return values, [problem]
    return values, _off_scale(values, column, table.attrs.get("scales", {}).get(column))


def _text(held: pd.Series[Any], column: str) -> Problem:
    parsed = pd.to_numeric(held.astype(object), errors="coerce") if held.dtype == object else None
    wrong = held.notna() if parsed is None else held.notna() & parsed.isna()
    rows = np.flatnonzero(wrong if wrong.any() else held.notna())
    return Problem(
        found=Message("text or categories ({value!r})", value=str(held.iloc[rows[0]]) if len(rows) else ""),
        allowed=Message("numbers"),
        action=Message("recode it to numbers under values, or declare the code as missing, in client.yaml"),
        column=column,
        row=int(rows[0]) + 1 if len(rows) else 0,
        count=max(len(rows), 1),
    )


def _off_scale(values: Array, column: str, scale: Sequence[float] | None) -> list[Problem]:
    if scale is not None:
        low, high = float(scale[0]), float(scale[1])
        outside = np.flatnonzero((values < low) | (values > high))
        allowed = Message("{low:g} to {high:g}", low=low, high=high)
        action = Message(
            "declare the code as missing or not applicable, or correct the scale, in client.yaml"
        )
    else:
        outside = np.flatnonzero(np.isin(values, missing_codes(values)))
        allowed = Message("answers on one scale")
        action = Message(
            "it looks like a code for no answer: declare it as missing or not applicable, "
            "or declare the scale if it is a real value, in client.yaml"
        )
    if not len(outside):
        return []
    found = shown(np.unique(values[outside]).tolist())
    row = int(outside[0]) + 1
    return [Problem(found=found, allowed=allowed, action=action, column=column, row=row, count=len(outside))]


def missing_codes(values: Array) -> list[float]:
    """Return the values that only a code for "no answer" explains.

    Examples
    --------
    >>> missing_codes(np.array([1.0, 4, 7, 98, 99])), missing_codes(np.array([45.0, 71, 99]))
    ([98.0, 99.0], [])
    """
    distinct = np.unique(values[~np.isnan(values)])
    if distinct.size == 0 or (distinct != np.round(distinct)).any():
        return []
    high, low = np.isin(distinct, _CODES), np.isin(distinct, _NEGATIVE_CODES)
    rest = distinct[~(high | low)]
    if rest.size < 2 or rest[-1] > _LARGEST_RATING or (low.any() and rest[0] < 0):
        return []
    return [float(v) for v in distinct[high | low]]


def coded(table: pd.DataFrame, column: str) -> tuple[Coded, list[Problem]]:
    """Return a covariate as numbers: itself, or one 0/1 column for each level but the most frequent.

    Text, categories and booleans are levels; the columns are named "column: level". More than 20 levels
    are a problem: such a column names people or products, it does not describe them.
    """
    held = table[column]
    if is_number(held):
        values, problems = numbers(table, column)
        return Coded(column, (column,), values[:, None], None), problems
    levels = held.value_counts()
    levels = levels[levels > 0]
    if len(levels) > _MOST_LEVELS or pd.api.types.is_datetime64_any_dtype(held):
        problem = Problem(
            found=Message(
                "{levels} different values, e.g. {value!r}", levels=len(levels), value=str(levels.index[0])
            ),
            allowed=Message("numbers, or at most {most} categories", most=_MOST_LEVELS),
            action=Message("group the categories, convert the column to numbers, or leave it out"),
            column=column,
        )
        return Coded(column, (), np.empty((len(held), 0)), None), [problem]
    if not len(levels):
        return Coded(column, (column,), np.full((len(held), 1), np.nan), None), []
    order = sorted(levels.index, key=lambda level: (-levels[level], str(level)))
    gone = held.isna().to_numpy()
    columns = [
        np.where(gone, np.nan, (held == level).to_numpy(dtype=bool, na_value=False)) for level in order[1:]
    ]
    values = np.column_stack(columns) if columns else np.where(gone, np.nan, 0.0)[:, None]
    names = tuple(f"{column}: {level}" for level in order[1:]) or (column,)
    return Coded(column, names, values.astype(float), str(order[0])), []
