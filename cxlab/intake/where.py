"""The filter of a report: a safe expression over canonical columns, and what it may leave or remove."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.errors import ParameterError
from cxlab.intake.declared.canonical import tables
from cxlab.intake.tables.expressions import Mask, matches

# Below this many customers, what is left or what was taken away could be told by subtraction.
FEWEST_CUSTOMERS = 10
# The same of those who work for the client.
FEWEST_EMPLOYEES = 8
# A table of results, not of people, until its bases say how many stand behind them.
_COUNTED = ("benchmark_scores",)


def mask(frame: pd.DataFrame, expression: str) -> Mask:
    """Return which rows of `frame` match.

    Parameters
    ----------
    frame : DataFrame
        A canonical table.
    expression : str
        For example ``"region != 'RM' and recommend >= 9"``; empty matches every row.

    Returns
    -------
    ndarray of bool
        A missing value matches no comparison but ``== None``.

    Raises
    ------
    ParameterError
        Not an expression, an unknown column (the nearest is named), or a comparison across types.

    Examples
    --------
    >>> mask(pd.DataFrame({"recommend": [9, 3]}), "recommend >= 9").tolist()
    [True, False]
    """
    if not expression.strip():
        return np.ones(len(frame), dtype=bool)
    return matches({str(name): frame[name] for name in frame.columns}, expression)


def apply(frame: pd.DataFrame, expression: str, *, table: str) -> pd.DataFrame:
    """Return the rows of `frame` that match, if they can be shown without giving anyone away.

    Customers are distinct `customer_id`s where the table has them (a row without one counts for one), or
    distinct values of the column by which the table tells persons apart; the sum of `trials` or `n` where
    rows are counts, else rows. Of employees the limit is 8.

    Parameters
    ----------
    frame : DataFrame
        A canonical table; it is not changed.
    expression : str
        Empty leaves every row.
    table : str
        Its name, for the messages.

    Returns
    -------
    DataFrame
        With the index and the `attrs` of `frame`.

    Raises
    ------
    ParameterError
        As `mask`; and when nothing is left, or 1 to 9 customers would be left or removed.
    """
    kept = mask(frame, expression)
    if not kept.any() and len(frame):
        raise ParameterError(
            "{expression!r} leaves no row of {table}; check the values with `cxlab check`, or widen it",
            expression=expression,
            table=table,
        )
    if personal(table):
        for rows, wording in ((kept, "leaves"), (~kept, "removes")):
            if 0 < customers(frame.loc[rows], table) < fewest(table):
                _too_few(expression, table, removes=wording == "removes")
    return frame.loc[kept]


def personal(table: str) -> bool:
    """Tell whether a table's rows speak of persons; one that is not canonical is taken to.

    Examples
    --------
    >>> personal("billing"), personal("standards"), personal("another")
    (True, False, True)
    """
    return table not in tables() or tables()[table].people is not None or table in _COUNTED


def fewest(table: str) -> int:
    """Return how few persons of a table could be told apart."""
    employees = table in tables() and tables()[table].people == "employees"
    return FEWEST_EMPLOYEES if employees else FEWEST_CUSTOMERS


def _too_few(expression: str, table: str, *, removes: bool) -> None:
    if fewest(table) == FEWEST_EMPLOYEES:
        raise ParameterError(
            "{expression!r} leaves or removes under 8 employees of {table}: their answers could be told; "
            "widen or drop the filter",
            expression=expression,
            table=table,
        )
    if removes:
        raise ParameterError(
            "{expression!r} removes under 10 customers from {table}: comparing with the whole would give "
            "them away; widen or drop the filter",
            expression=expression,
            table=table,
        )
    raise ParameterError(
        "{expression!r} leaves under 10 customers of {table}: their answers could be told; widen the filter",
        expression=expression,
        table=table,
    )


def customers(rows: pd.DataFrame, table: str = "") -> float:
    """Return how many people are behind `rows` of a table of people."""
    known = tables()[table].person if table in tables() else ""
    person = next((name for name in ("customer_id", known) if name and name in rows), "")
    if person:
        ids: pd.Series[Any] = rows[person]
        return float(ids.nunique() + ids.isna().sum())
    for count in ("trials", "n"):
        if count in rows:
            return float(rows[count].sum(min_count=1)) if rows[count].notna().any() else np.inf
    # Published scores without a base are not rows of people.
    return np.inf if "metric" in rows and "value" in rows else float(len(rows))
