"""Tables and columns as an analysis may use them: the frame, its ids, its numbers.

Every room of the analysis reads through here, so that a column means the same to all of them. Checks of a
whole table raise; checks of a column give `Problem`s, so that one call can report all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

_SHOWN = 5
_MANY = 4000  # rows from which a shorter way to the same codes is looked for
_BLOCK = 1 << 15
_HEAD = 50_000  # rows in which all of the few are mostly met
# Names of id columns, in lower case and without separators.
_RESPONSE_IDS = ("responseid",)
_PERSON_IDS = ("customerid", "respondentid")
# Where every row is a person, as in tables of survival.
_OWN_ID = "id"


def shown(values: Iterable[Any]) -> str:
    """Write the first few of `values` for a message.

    Examples
    --------
    >>> shown([1, 2.0, 3, 4, 5.5, 6, 7])
    '1, 2, 3, 4, 5.5, ...'
    """
    listed = list(values)
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in listed[:_SHOWN]) + (
        ", ..." if len(listed) > _SHOWN else ""
    )


def in_rows(problem: Problem, off: Array, each: Array | None = None) -> Problem:
    """Say of a problem where it is first found and how often; of patterns of `each` rows only how often.

    Examples
    --------
    >>> off, problem = np.array([False, True, True]), Problem("11", "0 to 10", "correct it")
    >>> [(p.row, p.count) for p in (in_rows(problem, off), in_rows(problem, off, np.array([7, 2, 1])))]
    [(2, 2), (0, 3)]
    """
    if each is not None:
        return replace(problem, count=int(each[off].sum()))
    return replace(problem, row=int(np.flatnonzero(off)[0]) + 1, count=int(off.sum()))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of `table` as mappings from column to value."""
    names = [str(column) for column in table.columns]
    values = [held.tolist() for _, held in table.items()]
    rows = zip(*values, strict=True) if names else [()] * len(table)
    return [dict(zip(names, row, strict=True)) for row in rows]


def named(columns: str | Iterable[str]) -> list[str]:
    """Return one name or several as a list.

    Examples
    --------
    >>> named("region"), named(("region", "plan"))
    (['region'], ['region', 'plan'])
    """
    if columns is None:
        raise AnalysisError("{given!r} is no name of a column; give one name", given=columns)
    listed = [columns] if isinstance(columns, str) else list(columns)
    check_names(listed)
    return listed


def check_names(columns: Iterable[Any]) -> None:
    """Refuse what cannot name a column, such as a list where one name is asked for."""
    for column in columns:
        if not pd.api.types.is_hashable(column):
            raise AnalysisError("{given!r} is no name of a column; give one name", given=column)


def check_frame(table: Any) -> None:
    """Refuse what is not a pandas frame, columns named in several parts, and a name that stands twice."""
    if not isinstance(table, pd.DataFrame):
        raise AnalysisError("the table is a {kind}; give a pandas DataFrame", kind=type(table).__name__)
    several = [name for name in table.columns if isinstance(name, tuple)]
    if several:
        raise AnalysisError(
            "columns have names of several parts: {columns}; give each column one name",
            columns=shown(several),
        )
    check_named_once(table.columns)


def check_named_once(columns: Iterable[Any]) -> None:
    """Refuse a name that two columns have."""
    held = columns if isinstance(columns, pd.Index) else pd.Index(columns)
    if held.is_unique:  # which the columns of a frame remember
        return
    twice = held[held.duplicated()]
    if len(twice):
        raise AnalysisError(
            "the table has more than one column named {columns}; rename or drop one of them in client.yaml",
            columns=", ".join(dict.fromkeys(map(str, twice))),
        )


def check_rows(table: pd.DataFrame, *, persons: bool = False, cluster: str | None = None) -> None:
    """Refuse what is not a frame, an empty table, and a table in which somebody stands twice.

    A response id must be unique. A customer or respondent id must be so where every row is a person
    (`persons`); otherwise it may repeat (several answers of one person), but rows equal in every column
    are taken for one row read twice, unless `cluster` declares that persons repeat. Id columns are known
    by their names: ``response_id``, ``customer_id``, ``respondent_id``, however written (``customerID``),
    and of persons ``id``.
    """
    check_frame(table)
    if not len(table):
        raise AnalysisError("the table has no rows; nothing can be estimated")
    responses, people = id_columns(table.columns, persons=persons)
    for column in [*responses, *(people if persons else ())]:
        _refuse_repeated(table, column, _repeated(table[column]), persons=column in people)
    if responses or persons:
        return
    for column in people:
        again = _repeated(table[column])
        if column != cluster and again.any():
            copies = np.zeros(len(table), dtype=bool)
            copies[again] = table.loc[again].astype(str).duplicated(keep=False).to_numpy()
            _refuse_repeated(table, column, copies, persons=False)


def id_columns(columns: Iterable[Any], *, persons: bool = False) -> tuple[list[Any], list[Any]]:
    """Return the columns that name answers, and those that name people, however written.

    Where every row is a person (`persons`), ``id`` names them too.

    Examples
    --------
    >>> id_columns(["plan", "customerID", "response_id"])
    (['response_id'], ['customerID'])
    """
    written = {"".join(c for c in str(name).lower() if c.isalnum()): name for name in columns}
    responses = [written[name] for name in _RESPONSE_IDS if name in written]
    own = (*_PERSON_IDS, *((_OWN_ID,) if persons else ()))
    return responses, [written[name] for name in own if name in written]


def of_whom(table: Any, problem: Problem) -> Problem:
    """Return the problem with the id of the customer in whose row it is first found, if there is one.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["a", "b"], "months": [3, -1]})
    >>> of_whom(table, Problem("-1", "zero or more", "correct it", row=2)).found
    '-1 (customer_id b)'
    """
    known = isinstance(table, pd.DataFrame) and problem.row
    people = id_columns(table.columns, persons=True)[1] if known else []
    if not people:
        return problem
    who = str(table[people[0]].iloc[problem.row - 1])
    found = Message("{found} ({column} {who})", found=problem.found, column=people[0], who=who)
    return replace(problem, found=found)


def blocks(rows: int) -> list[slice]:
    """Cut rows into pieces, one at least, whose columns stay in the processor's cache.

    Arithmetic on millions of rows at once takes most of its time to ask for fresh memory.

    Examples
    --------
    >>> [(piece.start, piece.stop) for piece in blocks(40_000)], len(blocks(0))
    ([(0, 32768), (32768, 65536)], 1)
    """
    return [slice(start, start + _BLOCK) for start in range(0, max(rows, 1), _BLOCK)]


def coded(held: pd.Series[Any]) -> tuple[Array, Any]:
    """Place of each value of a column among its different ones, -1 where missing, and these, sorted.

    Text that was read from a file is mostly the same few objects in many rows: they are told apart by where
    they are in memory, and only the few are compared, a fifth of the time of comparing all.

    Examples
    --------
    >>> codes, values = coded(pd.Series(["b", None, "a", "b"]))
    >>> codes.tolist(), list(values)
    ([1, -1, 0, 1], ['a', 'b'])
    """
    values = held.to_numpy() if isinstance(held.dtype, np.dtype) else np.empty(0)
    if len(values) < _MANY or not (held.dtype == object or values.dtype.kind in "iu"):
        return pd.factorize(held, sort=True)
    if values.dtype != object:
        low, high = int(values.min()), int(values.max())
        if high - low >= len(values) or high > np.iinfo(np.int64).max:
            return pd.factorize(held, sort=True)
        shifted = values.astype(np.int64, copy=False) - low
        present = np.flatnonzero(np.bincount(shifted))
        place = np.zeros(high - low + 1, dtype=np.int64)
        place[present] = np.arange(len(present))
        return place[shifted], pd.Index((present + low).astype(values.dtype))
    where = np.asarray(_Addresses(values))
    if len(np.unique(where[:_MANY])) > _MANY // 4:
        return pd.factorize(held, sort=True)
    objects, found = pd.factorize(where)
    head, first = np.unique(objects[:_HEAD], return_index=True)
    if len(head) < len(found):
        first = np.flatnonzero(np.diff(np.maximum.accumulate(objects), prepend=-1))
    own, few = pd.factorize(held.iloc[first], sort=True)
    return own[objects], few


class _Addresses:
    """Where the objects of an array are in memory, as an array of whole numbers (which keeps them alive)."""

    def __init__(self, held: Array) -> None:
        self.held = held
        self.__array_interface__ = {**held.__array_interface__, "typestr": np.dtype(np.intp).str}
        del self.__array_interface__["descr"]


def _repeated(ids: pd.Series[Any]) -> Array:
    if isinstance(ids.dtype, np.dtype) and ids.dtype.kind in "iu":
        numbers = ids.to_numpy()
        if (numbers[1:] > numbers[:-1]).all():  # numbered in order: nothing to look for
            return np.zeros(len(ids), dtype=bool)
    return np.asarray((ids.duplicated(keep=False) & ids.notna()).to_numpy(dtype=bool))


def _refuse_repeated(table: pd.DataFrame, column: str, repeated: Array, *, persons: bool) -> None:
    if repeated.any():
        ids = [str(value) for value in table.loc[repeated, column].unique()]
        first = int(np.flatnonzero(repeated)[0]) + 1
        raise of_repeated(column, ids, int(repeated.sum()), persons=persons, row=first)


def of_repeated(column: str, ids: list[str], count: int, *, persons: bool, row: int = 0) -> AnalysisError:
    """Return the error of `ids` that stand in several of `count` rows, where each is asked once."""
    once = Message("each answer once")
    action = Message(
        "keep one row of each (exclude in client.yaml); "
        "different answers of one person need their own response_id"
    )
    if persons:
        once = Message("one row for each customer")
        action = Message("keep one row for each, or drop the column if a row is not a person")
    found = Message("{column} repeated: {ids}", column=column, ids=shown(ids))
    problem = Problem(found=found, allowed=once, action=action, column=column, row=row, count=count)
    return AnalysisError("the table has duplicate rows", problems=[problem])


def as_floats(held: pd.Series[Any]) -> Array | None:
    """Return a column of numbers as floats, missing as NaN; None if it does not hold numbers only.

    Numbers are integers and floats of any kind, also as objects and as categories; booleans, text, dates
    and durations are not.

    Examples
    --------
    >>> as_floats(pd.Series([1, None, 3], dtype="Int64")), as_floats(pd.Series(["1", "2"]))
    (array([ 1., nan,  3.]), None)
    """
    kind = held.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return as_floats(held.astype(object)) if as_floats(pd.Series(kind.categories)) is not None else None
    if pd.api.types.is_bool_dtype(held) or pd.api.types.is_complex_dtype(held):
        return None
    if pd.api.types.is_numeric_dtype(held):
        return held.to_numpy(dtype=float, na_value=np.nan)
    if pd.api.types.infer_dtype(held, skipna=True) == "string":  # known in one pass, without a loop of ours
        return None
    known = held.notna().to_numpy()
    if not known.any():
        return np.full(len(held), np.nan)
    if not pd.api.types.is_object_dtype(held) or not_numbers(held).any():
        return None
    return held.where(known, np.nan).to_numpy(dtype=float)


def not_numbers(held: pd.Series[Any]) -> Array:
    """Say which values of a column of objects are neither numbers nor missing."""
    number = [isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in held]
    return ~np.array(number, dtype=bool) & held.notna().to_numpy()


def is_yes_or_no(held: pd.Series[Any]) -> bool:
    """Tell whether a column holds booleans (also as objects) and nothing else but missing values."""
    return bool(pd.api.types.is_bool_dtype(held) or pd.api.types.infer_dtype(held, skipna=True) == "boolean")


def check_categories(table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse columns of lists and the like, which cannot name groups."""
    for column in columns:
        if not holds_categories(table[column]):
            raise AnalysisError(
                "column {column!r} holds lists or mappings, which cannot name groups; give one value a row",
                column=column,
            )


def holds_categories(held: pd.Series[Any]) -> bool:
    """Tell whether the values of a column can be told apart and counted."""
    try:
        held.nunique()
    except TypeError:
        return False
    return True
