"""Time between two dates in whole units of the calendar: the rule that every duration here follows.

Time runs in half-open intervals (k-1, k] of units, counted from the day a relation began. Whoever leaves
on the very day a unit is completed has stayed that many; the days after it fall in the next one. A month
is completed on the day of the month it began on, or on the last day of a shorter month.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

Unit = Literal["day", "week", "month", "quarter", "year"]
UNITS: tuple[Unit, ...] = get_args(Unit)

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def completed(start: pd.Series[Any], end: pd.Series[Any], unit: Unit = "month") -> pd.Series[Any]:
    """Return the units completed between two dates, as numbers; missing where a date is.

    Examples
    --------
    >>> days = pd.to_datetime(pd.Series(["2024-01-31", "2024-02-29", "2024-03-30", "2024-03-31"]))
    >>> completed(pd.Series([days[0]] * 4), days).tolist()
    [0.0, 1.0, 1.0, 2.0]
    """
    if unit in _DAYS:
        return (end - start).dt.days.astype(float) // _DAYS[unit]
    return _months(start, end)[0] // _MONTHS[unit]


def reached(start: pd.Series[Any], end: pd.Series[Any], unit: Unit = "month") -> pd.Series[Any]:
    """Return the units completed between two dates, one more where another has begun; missing as above.

    Examples
    --------
    >>> start = pd.to_datetime(pd.Series(["2024-01-15"] * 3))
    >>> end = pd.to_datetime(pd.Series(["2024-01-15", "2024-02-15", "2024-02-16"]))
    >>> reached(start, end).tolist(), reached(start, end, "quarter").tolist()
    ([0.0, 1.0, 2.0], [0.0, 1.0, 1.0])
    """
    if unit in _DAYS:
        return -(-(end - start).dt.days.astype(float) // _DAYS[unit])
    whole, exact = _months(start, end)
    return -(-(whole + ~exact) // _MONTHS[unit])


def begun(start: pd.Series[Any], end: pd.Series[Any], unit: Unit = "month") -> pd.Series[Any]:
    """Return the units begun between two dates: the interval in which `end` falls, zero days in the first.

    Examples
    --------
    >>> start = pd.to_datetime(pd.Series(["2024-01-15"] * 4))
    >>> end = pd.to_datetime(pd.Series(["2024-01-15", "2024-02-15", "2024-02-16", "2025-01-15"]))
    >>> begun(start, end).tolist(), begun(start, end, "day").tolist()
    ([1.0, 1.0, 2.0, 12.0], [1.0, 31.0, 32.0, 366.0])
    """
    return reached(start, end, unit).clip(lower=1.0)


def _months(start: pd.Series[Any], end: pd.Series[Any]) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return the months completed, and whether the last of them is completed on that very day."""
    months = (end.dt.year - start.dt.year) * 12 + (end.dt.month - start.dt.month)
    due = np.minimum(start.dt.day, end.dt.days_in_month)
    whole: pd.Series[Any] = (months - (end.dt.day < due)).astype(float)
    return whole.where(start.notna() & end.notna()), end.dt.day == due
