"""Cells of text to values of one kind; what does not fit is said, not bent."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message

CellKind = Literal["number", "flag", "date", "text"]
# More digits than a float holds exactly: a code, not a measure.
MOST_DIGITS = 15
EXCEL_DATES = "excel"
# Years that no customer's date has: before 1901, and from 2199 on.
_NO_DATE = re.compile(r"0|1[0-8]|1900|2199|2[2-9]|[3-9]")
# A long code that Excel shows, and saves, as a number: 1.23457E+17.
LOST_CODE = r"^[1-9](?:[.,][0-9]+)?E\+[0-9]{2}$"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True)
class Fault:
    """Why one distinct text does not fit: what is allowed, what to do, and which validity rule it breaks."""

    allowed: str
    action: str
    rule: int = 0


@dataclass(frozen=True)
class Marks:
    """How numbers and dates are written in one source."""

    decimal: str = "."
    thousands: str = ""
    declared: bool = False
    typed: bool = False
    timezone: str = ""


@dataclass
class Typed:
    """The values of distinct texts, in their order; a fault has no value."""

    values: npt.NDArray[Any]
    faults: dict[int, Fault] = field(default_factory=dict)


def typed(
    texts: Sequence[str | None], kind: CellKind, marks: Marks, *, form: str = "", name: str = ""
) -> Typed:
    """Turn distinct texts into values of one kind.

    Parameters
    ----------
    texts : sequence of str or None
        Distinct cells; None is missing.
    kind : {"number", "flag", "date", "text"}
    marks : Marks
    form : str
        Of dates, as strptime writes it, or ``"excel"`` for serial numbers; empty for ISO.
    name : str
        The column, for the advice.

    Returns
    -------
    Typed
        float64, datetime64[ns] or object values.

    Examples
    --------
    >>> typed(["7", None, "7,5"], "number", Marks()).values.tolist()
    [7.0, nan, nan]
    """
    make = {"number": _numbers, "flag": _flags, "text": _texts}
    return _dates(texts, marks, form, name) if kind == "date" else make[kind](texts, marks, name)


def number(text: str, marks: Marks) -> float | None:
    """Return the number that `text` writes, or None.

    Examples
    --------
    >>> number("1.234,5", Marks(decimal=",", thousands=".")), number("7,5", Marks())
    (1234.5, None)
    """
    if not any(each.isdigit() for each in text[-1:]):
        return None
    return _number(text, marks.decimal, marks.thousands)


@cache
def _written(decimal: str, thousands: str) -> re.Pattern[str]:
    """Return the pattern of a number: digits, or thousands in threes, with decimals or an exponent."""
    whole, mark = r"[0-9]+", re.escape(decimal)
    if thousands:
        whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+)"
    return re.compile(rf"[-+]?{whole}(?:{mark}[0-9]+)?(?:[eE][-+]?[0-9]{{1,3}})?")


def _number(text: str, decimal: str, thousands: str) -> float | None:
    if thousands == " ":
        text = text.replace("\u00a0", " ").replace("\u202f", " ")
    if not _written(decimal, thousands).fullmatch(text):
        return None
    plain = text.replace(thousands, "") if thousands else text
    value = float(plain.replace(decimal, "."))
    return value if math.isfinite(value) else None


def plain(text: str, marks: Marks) -> str:
    """Return a whole number without its decimals (99.0 as 99), any other text as it is."""
    value = number(text, marks)
    if value is None or not value.is_integer() or abs(value) >= 10**MOST_DIGITS:
        return text
    return str(int(value))


def is_code(text: str) -> bool:
    """Tell whether digits are a code, not a measure: leading zeros, or more digits than a number holds."""
    digits = text.lstrip("+-")
    return (len(digits) > 1 and digits[0] == "0" and digits.isdigit()) or _whole_digits(text) > MOST_DIGITS


def _whole_digits(text: str) -> int:
    """Count the digits before any decimals or exponent; thousands marks are skipped."""
    return len(re.sub(r"\D", "", re.split(r"[eE]|[.,](?!\d{3}(?:\D|$))", text)[0]))


def inferred(counts: Mapping[str, int], marks: Marks) -> CellKind:
    """Return the kind of a column that nobody declared, from its distinct texts and how often each occurs.

    Numbers if at least four cells in five are (the others are then faults, not categories); ISO dates
    if all are; else text.
    """
    total = sum(counts.values())
    if not total:
        return "text"
    if all(_ISO.fullmatch(text) for text in counts):
        return "date"
    if marks.typed and set(counts) <= {"true", "false"}:
        return "flag"
    if any(is_code(text) for text in counts):
        return "text"
    numeric = sum(n for text, n in counts.items() if _means_number(text, marks))
    return "number" if 5 * numeric >= 4 * total else "text"


def _means_number(text: str, marks: Marks) -> bool:
    """Tell whether a person reads `text` as a number, however it is written: $ 1.234,5 or 12 %."""
    bare = re.sub(r"[$€£%\s]", "", text)
    forms = ((marks.decimal, marks.thousands), (".", ","), (",", "."))
    return any(_number(bare, *form) is not None for form in forms)


def _numbers(texts: Sequence[str | None], marks: Marks, name: str) -> Typed:
    allowed = Message("a number written as 1234{decimal}5", decimal=marks.decimal)
    result = Typed(np.full(len(texts), np.nan))
    grouped = _looks_grouped(texts, marks)
    for at, text in enumerate(texts):
        if text is None:
            continue
        value = number(text, marks)
        if value is None:
            result.faults[at] = Fault(allowed, _number_advice(text, marks, name))
        elif _whole_digits(text) > MOST_DIGITS:
            result.faults[at] = Fault(
                Message("at most {n} digits in a measure", n=MOST_DIGITS),
                Message(
                    "it looks like a code: declare `kinds: {{{name}: text}}`, or list it in ids", name=name
                ),
            )
        elif grouped and marks.decimal in text:
            result.faults[at] = Fault(
                Message("thousands and decimals told apart"),
                Message(
                    "every {mark} stands before three digits: declare `thousands:` and `decimal:`",
                    mark=marks.decimal,
                ),
            )
        else:
            result.values[at] = value
    return result


def _looks_grouped(texts: Sequence[str | None], marks: Marks) -> bool:
    """Tell whether undeclared decimals look like thousands: 1.234, 12.500 and 950 in one column.

    Where numbers are stored as numbers, only text can end in a zero after the mark.
    """
    if marks.declared:
        return False
    mark = re.escape(marks.decimal)
    with_mark = [text for text in texts if text and marks.decimal in text]
    whole = [text for text in texts if text and re.fullmatch(r"\d{1,3}", text)]
    longer = [text for text in texts if text and re.fullmatch(r"\d{4,}", text)]
    grouped = all(re.fullmatch(rf"[1-9]\d{{0,2}}{mark}\d{{3}}", text) for text in with_mark)
    if marks.typed:
        return grouped and any(text.endswith("0") for text in with_mark)
    return len(with_mark) >= 2 and grouped and bool(whole) and not longer


def _number_advice(text: str, marks: Marks, name: str) -> str:
    other = "," if marks.decimal == "." else "."
    if _number(text, other, "") is not None and other in text:
        return Message('it looks like a decimal {mark}: declare `decimal: "{mark}"`', mark=other)
    if _number(text, marks.decimal, other) is not None or _number(text, other, marks.decimal) is not None:
        return Message("it looks like thousands marks: declare `thousands:` and `decimal:`")
    if re.search(r"[$€£%]", text):
        return Message("take currency and percent signs out of the file")
    if re.match(r"[-+]?\d+\s*[-–.)=:]*\s*\D", text):
        return Message("a number and a text: declare `leading_number: [{name}]`", name=name)
    if not text.strip():
        return Message('declare `missing: {{{name}: [" "]}}` if it means no answer', name=name)
    return Message(
        "declare it under `missing:` or `not_applicable:`, recode it under `values:`, or declare "
        "`kinds: {{{name}: category}}` if the column holds categories",
        name=name,
    )


def _flags(texts: Sequence[str | None], marks: Marks, name: str) -> Typed:
    result = Typed(np.full(len(texts), np.nan))
    known = {"0": 0.0, "1": 1.0} | ({"true": 1.0, "false": 0.0} if marks.typed else {})
    for at, text in enumerate(texts):
        if text is None:
            continue
        value = known.get(plain(text, marks))
        if value is None:
            result.faults[at] = Fault(
                Message("0 or 1"),
                Message("recode it: `values: {{{name}: {{found: 1, other: 0}}}}`", name=name),
            )
        else:
            result.values[at] = value
    return result


def _texts(texts: Sequence[str | None], _: Marks, name: str) -> Typed:
    values = np.empty(len(texts), dtype=object)
    values[:] = [None if text is None else unicodedata.normalize("NFC", text) for text in texts]
    blank = Fault(
        Message("text, or an empty cell"),
        Message('declare `missing: {{{name}: [" "]}}` if it means no answer', name=name),
    )
    lost = Fault(
        Message("codes with all their digits"),
        Message("Excel wrote this code as a number and its digits are lost: ask for the column as text"),
    )
    faults = {at: blank for at, text in enumerate(texts) if text is not None and not text.strip()}
    faults |= {at: lost for at, text in enumerate(texts) if text is not None and re.search(LOST_CODE, text)}
    for at in faults:
        values[at] = None
    return Typed(values, faults)


def _dates(texts: Sequence[str | None], marks: Marks, form: str, name: str) -> Typed:
    given = pd.Series(list(texts), dtype=object)
    iso = given.map(lambda text: bool(_ISO.fullmatch(text)), na_action="ignore").eq(True)  # noqa: FBT003  Series.eq
    if form and not marks.typed and form != "%Y-%m-%d":
        iso &= False
    values = pd.Series(np.full(len(given), np.datetime64("NaT"), dtype="datetime64[ns]"))
    zoned = iso & given.map(lambda text: bool(_zone(text)), na_action="ignore").eq(True)  # noqa: FBT003
    plain_iso = iso & ~zoned
    values[plain_iso] = pd.to_datetime(given[plain_iso], format="ISO8601", errors="coerce")
    if marks.timezone:
        values[zoned] = _local(given[zoned], marks.timezone)
    other = given.notna() & ~iso
    if form == EXCEL_DATES:
        values[other] = _serials(given[other])
    elif form:
        values[other] = _formed(given[other], form)
    result = Typed(values.to_numpy())
    advice = _date_advice([text for text in given[other] if text], form, name)
    sentinels = given.map(lambda text: bool(_NO_DATE.match(text)), na_action="ignore").eq(True) & iso  # noqa: FBT003
    for at in np.flatnonzero((given.notna() & values.isna() & ~sentinels).to_numpy()):
        result.faults[int(at)] = Fault(
            *_date_fault(str(given[at]), advice, form, zoned=bool(zoned[at]), name=name)
        )
    _refuse_sentinels(result, sentinels.to_numpy(), name)
    return result


def _zone(text: str) -> str:
    match = _ISO.fullmatch(text)
    return (match["zone"] or "") if match else ""


def _local(texts: pd.Series[Any], timezone: str) -> pd.Series[Any]:
    moments = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    return moments.dt.tz_convert(timezone).dt.tz_localize(None)


def _serials(texts: pd.Series[Any]) -> pd.Series[Any]:
    days = pd.to_numeric(texts, errors="coerce")
    days = days.where((days >= 1) & (days < 2_958_466))
    return pd.to_datetime(days, unit="D", origin="1899-12-30", errors="coerce").dt.round("s")


def _formed(texts: pd.Series[Any], form: str) -> pd.Series[Any]:
    try:
        found = pd.to_datetime(texts, format=form, errors="coerce")
    except ValueError:
        return pd.Series(np.datetime64("NaT", "ns"), index=texts.index)
    return found.dt.tz_localize(None) if getattr(found.dt, "tz", None) is not None else found


def _date_advice(texts: Sequence[str], form: str, name: str) -> str:
    """Propose the format that the dates of a column prove, or say that two fit."""
    if form:
        return Message(
            "correct the format of {name} under `dates:`, or declare the value as missing", name=name
        )
    parts = [
        match
        for match in (
            re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?:[ T].*)?", text) for text in texts
        )
        if match
    ]
    if parts:
        mark, year = parts[0][2], "%Y" if len(parts[0][4]) == 4 else "%y"
        days, months = f"%d{mark}%m{mark}{year}", f"%m{mark}%d{mark}{year}"
        if any(int(part[1]) > 12 for part in parts):
            return Message('declare `dates: {{{name}: "{form}"}}`', name=name, form=days)
        if any(int(part[3]) > 12 for part in parts):
            return Message('declare `dates: {{{name}: "{form}"}}`', name=name, form=months)
        return Message(
            'day and month cannot be told apart: declare "{first}" or "{second}" for {name} under `dates:`',
            name=name,
            first=days,
            second=months,
        )
    return Message(
        'declare its format, such as `dates: {{{name}: "%d-%m-%Y"}}`, or the value as missing', name=name
    )


def _date_fault(text: str, advice: str, form: str, *, zoned: bool, name: str) -> tuple[str, str]:
    if zoned:
        return Message("local times"), Message("declare `timezone:` of the source, such as America/Santiago")
    if re.fullmatch(r"[2-6]\d{4}(?:\.\d+)?", text) and not form:
        return Message("dates"), Message(
            "it looks like an Excel serial number: declare `dates: {{{name}: excel}}`", name=name
        )
    allowed = (
        Message("dates written as {form}", form=form) if form else Message("dates written as 2025-06-30")
    )
    return allowed, Message("{advice}", advice=advice)


def _refuse_sentinels(result: Typed, written: npt.NDArray[np.bool_], name: str) -> None:
    """Refuse dates that stand for something else: 1900-01-01 and before, 2199 and later.

    `written` are those whose text says so: beyond 2262, no date is held at all.
    """
    years = pd.DatetimeIndex(result.values).year
    for at in np.flatnonzero((years <= 1900) | (years >= 2199) | written):
        result.values[at] = np.datetime64("NaT")
        result.faults[int(at)] = Fault(
            Message("dates between 1901 and 2198"),
            Message("if it stands for no date, declare it under `missing: {{{name}: [...]}}`", name=name),
        )
