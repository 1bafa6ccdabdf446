"""Columns of dates, and single dates, as days of one calendar; what is no date is refused, not guessed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.columns import shown
from cxlab.analysis.estimates import check_columns
from cxlab.errors import AnalysisError, Message, Problem

# Days, not nanoseconds: a date of 9999 (still here, in many systems) is one too.
_DAY: Literal["datetime64[s]"] = "datetime64[s]"


def as_days(table: pd.DataFrame, columns: Iterable[str]) -> dict[str, pd.Series[Any]]:
    """Return columns of dates as days without a time zone, missing where they are.

    Dates with a time zone become the days of one zone, that of the first column that has a single one
    (UTC where none has).

    Raises
    ------
    AnalysisError
        With a problem for each column of text or numbers; where some dates have a time zone and others not.

    Examples
    --------
    >>> table = pd.DataFrame({"seen": pd.to_datetime(["2024-01-31 23:30"]).tz_localize("America/Santiago")})
    >>> as_days(table, ["seen"])["seen"].astype(str).tolist()
    ['2024-01-31']
    """
    asked = list(dict.fromkeys(columns))
    check_columns(table, asked)
    read = {column: _read(table[column]) for column in asked}
    problems = [_no_dates(column, found) for column, found in read.items() if isinstance(found, str)]
    if problems:
        raise AnalysisError("these columns cannot be used as dates", problems=problems)
    dates = {column: found for column, found in read.items() if isinstance(found, pd.Series)}
    zones = {column: _zones(held) for column, held in dates.items()}
    aware = [column for column, found in zones.items() if found - {None}]
    naive = [column for column, found in zones.items() if None in found]
    if aware and naive:
        raise AnalysisError(
            "some dates have a time zone ({aware}) and others have none ({naive}); say of which zone these "
            "are (.dt.tz_localize), or take the zone away (.dt.tz_localize(None)), before they are compared",
            aware=shown(aware), naive=shown(naive),
        )  # fmt: skip
    single = [next(iter(zones[column])) for column in aware if len(zones[column]) == 1]
    return {column: _in_days(held, single[0] if single else "UTC") for column, held in dates.items()}


def as_day(given: Any, name: str) -> pd.Timestamp:
    """Return one date (or its ISO text) as a day; its own day, if it has a time zone.

    Examples
    --------
    >>> print(as_day("2024-01-31", "window"))
    2024-01-31 00:00:00
    """
    found = given
    if isinstance(given, str):
        try:
            found = datetime.fromisoformat(given)
        except ValueError:
            found = None
    if isinstance(given, np.datetime64):
        found = pd.Timestamp(given)
    if not isinstance(found, date) or pd.isna(found):
        raise AnalysisError(
            "{name} is {given!r}, which is no date; give a date, or its text as 2024-12-31",
            name=name, given=given,
        )  # fmt: skip
    return pd.Timestamp(np.datetime64(date(found.year, found.month, found.day), "s"))


def _read(held: pd.Series[Any]) -> pd.Series[Any] | str:
    """Return a column as dates, as it holds them, or what it holds instead (its first value)."""
    if pd.api.types.is_datetime64_any_dtype(held) and not isinstance(held.dtype, pd.ArrowDtype):
        return held
    values = held.astype(object)
    other = [v for v in values[held.notna()] if not isinstance(v, date)]
    return repr(other[0]) if other else values


def _zones(held: pd.Series[Any]) -> set[tzinfo | None]:
    """Return the time zones of a column's dates; None among them where a date has none."""
    if held.dtype != object:
        zone: Any = getattr(held.dtype, "tz", None)
        return {zone} if held.notna().any() else set()
    return {getattr(v, "tzinfo", None) for v in held[held.notna()]}


def _in_days(held: pd.Series[Any], zone: Any) -> pd.Series[Any]:
    if held.dtype != object:
        if getattr(held.dtype, "tz", None) is not None:
            held = held.dt.tz_convert(zone).dt.tz_localize(None)
        return held.astype(_DAY).dt.normalize()
    days = [_day(v, zone) if known else None for v, known in zip(held, held.notna(), strict=True)]
    return pd.Series(np.array(days, dtype="datetime64[D]").astype(_DAY), index=held.index)


def _day(value: Any, zone: Any) -> date:
    if getattr(value, "tzinfo", None) is not None:
        value = pd.Timestamp(value).tz_convert(zone)
    return date(value.year, value.month, value.day)


def _no_dates(column: str, found: str) -> Problem:
    return Problem(
        found=Message("no dates ({value})", value=found),
        allowed=Message("dates"),
        action=Message(
            "say how they are written, as in pd.to_datetime(column, format='%d/%m/%Y'), or under dates in "
            "client.yaml: a date that is guessed may be another day"
        ),
        column=column,
    )
