"""What explains: ratings and other covariates as numbers, and what is wrong with those that are not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, is_yes_or_no, not_numbers
from cxlab.analysis.scales import declared_scale, unlikely
from cxlab.errors import Message, Problem

Array = np.ndarray[Any, Any]

_MOST_LEVELS = 20
# People from which on numbers that are all different may be ids, and words that name one.
_FEWEST = 25
_IDS = {"id", "code", "codigo", "number", "numero", "nro", "folio", "rut", "account", "cuenta"}


@dataclass(frozen=True, slots=True)
class Coded:
    """A covariate as columns of numbers: `names` of the columns, `values` (n, columns), its `reference`."""

    column: str
    names: tuple[str, ...]
    values: Array
    reference: str | None


def numbers(table: pd.DataFrame, column: str) -> tuple[Array, list[Problem]]:
    """Return a column as floats (missing as NaN, booleans as 0 and 1) and what is wrong with it.

    Text, categories of text, dates and infinite values are problems; so are values outside the scale declared
    in ``table.attrs["scales"]`` ({column: [low, high]}) and, without a declaration, codes such as 99
    (`cxlab.analysis.scales.missing_codes`).
    """
    held = table[column]
    if is_yes_or_no(held):
        return held.astype("boolean").to_numpy(dtype=float, na_value=np.nan), []
    values = as_floats(held)
    if values is None:
        return np.full(len(held), np.nan), [_text(held, column)]
    endless = np.flatnonzero(np.isinf(values))
    if len(endless):
        problem = Problem(
            found=Message("an infinite value"), allowed=Message("a finite number"), column=column,
            action=Message("correct it or declare it as missing in client.yaml"),
            row=int(endless[0]) + 1, count=len(endless),
        )  # fmt: skip
        return values, [problem]
    return values, unlikely(column, values, declared_scale(table, column))


def _text(held: pd.Series[Any], column: str) -> Problem:
    rows = np.flatnonzero(not_numbers(held.astype(object)))
    return Problem(
        found=Message("text or categories ({value!r})", value=str(held.iloc[rows[0]]) if len(rows) else ""),
        allowed=Message("numbers"),
        action=Message("recode it to numbers under values, or declare the code as missing, in client.yaml"),
        column=column,
        row=int(rows[0]) + 1 if len(rows) else 0,
        count=max(len(rows), 1),
    )


def coded(table: pd.DataFrame, column: str, count: Array | None = None) -> tuple[Coded, list[Problem]]:
    """Return a covariate as numbers: itself, or one 0/1 column for each level but the most frequent.

    Text, categories and booleans are levels; the columns are named "column: level". More than 20 levels
    are a problem: such a column names people or products, it does not describe them. `count` (n,) says how
    many each row stands for.
    """
    held = table[column]
    if not isinstance(held.dtype, pd.CategoricalDtype) and as_floats(held) is not None:
        values, problems = numbers(table, column)
        return Coded(column, (column,), values[:, None], None), problems
    codes, levels = _levels(held, count)
    if levels is None or len(levels) > _MOST_LEVELS:
        example = str(held[held.notna()].iloc[0])
        different = held.astype(str).nunique() if levels is None else len(levels)
        problem = Problem(
            found=Message("{levels} different values, e.g. {value!r}", levels=different, value=example),
            allowed=Message("numbers, or at most {most} categories", most=_MOST_LEVELS),
            action=Message("group the categories, convert the column to numbers, or leave it out"),
            column=column,
        )
        return Coded(column, (), np.empty((len(held), 0)), None), [problem]
    if not len(levels):
        return Coded(column, (column,), np.full((len(held), 1), np.nan), None), []
    order = sorted(levels, key=lambda level: (-levels[level], str(level)))
    gone, place = codes < 0, {level: code for code, level in enumerate(levels)}
    columns = [np.where(gone, np.nan, codes == place[level]) for level in order[1:]]
    values = np.column_stack(columns) if columns else np.where(gone, np.nan, 0.0)[:, None]
    names = tuple(f"{column}: {level}" for level in order[1:]) or (column,)
    return Coded(column, names, values.astype(float), str(order[0])), []


def identifying(column: str, values: Array, people: int) -> Problem | None:
    """Return the problem of a number that is another one for each of so many people, as an id is.

    A whole number for each, without gaps or under the name of an id: its effect would be that of the order
    in which people were entered.
    """
    if not _FEWEST <= people <= len(values) or (values != values.round()).any():
        return None
    if len(np.unique(values)) < people:
        return None
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", column)}
    in_order = people >= 2 * _FEWEST and np.ptp(values) < 2 * people
    if not in_order and not words & _IDS:
        return None
    return Problem(
        found=Message("a different whole number for each customer, as an id has"),
        allowed=Message("numbers that say how much, or categories"),
        action=Message("leave it out: it says who a customer is, not what they are like"),
        column=column,
        count=people,
    )


def _levels(held: pd.Series[Any], count: Array | None) -> tuple[Array, dict[Any, int] | None]:
    """Return each row's category by place, and their counts; None where there are none (dates, lists)."""
    try:
        codes, levels = pd.factorize(held)
    except TypeError:
        return np.empty(0), None
    if pd.api.types.is_datetime64_any_dtype(held):
        return codes, None
    known = codes >= 0
    found = np.bincount(codes[known], None if count is None else count[known], len(levels))
    return codes, {level: int(number) for level, number in zip(levels, found, strict=True)}
