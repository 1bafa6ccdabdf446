"""What is doubtful inside a table of a sheet: cells without a value, merged ones, mixed dates, totals.

Each is a problem of its row and column, which stands only if they are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from openpyxl.utils import get_column_letter

from cxlab.errors import Message, Problem
from cxlab.intake.files.reading import limited
from cxlab.intake.files.sheetcells import BLANK, DATE, ERROR, LOST, NUMBER, TEXT, UNSAVED, Grid, Row

if TYPE_CHECKING:
    from cxlab.intake.files.workbooks import Expected

_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})")
_DATE_TEXT = re.compile(
    r"(?:\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}/\d{1,2}/\d{2})(?:[ T].*)?"
)
_TOTAL = re.compile(
    r"\W*(?:(?:gran|grand|sub)?[ -]?total(?:es)?(?: general)?|suma|sum|promedio|average)\W*(?:\d{4})?\W*",
    re.IGNORECASE,
)
_TOTAL_OF = re.compile(r"\W*(?:sub[ -]?)?total(?:es)?\b", re.IGNORECASE)
# Fewer rows than these add up to the next one by chance.
FEWEST_ADDED = 3
# A column of text that is filled in this share of the rows is blank in a total.
USUALLY_FILLED = 0.8
_VALUELESS = (ERROR, UNSAVED, LOST)
Bounds = tuple[int, int, int, int]


def bounds(merged: str) -> Bounds | None:
    """Return the first column and row and the last column and row of a range.

    Examples
    --------
    >>> bounds("B2:D2")
    (2, 2, 4, 2)
    """
    match = _RANGE.fullmatch(merged)
    if match is None:
        return None
    return _column(match[1]), int(match[2]), _column(match[3]), int(match[4])


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


def place(column: int, row: int) -> str:
    """Return a cell as Excel calls it.

    Examples
    --------
    >>> place(28, 7)
    'AB7'
    """
    return f"{get_column_letter(column)}{row}"


def found(data: list[Row], header: list[str], grid: Grid, expected: Expected, *, file: str) -> list[Problem]:
    """Return the doubts of a table's rows."""
    named = [name or f"column {at}" for at, name in enumerate(header, 1)]
    doubts = [
        *_without_value(data, named, file=file),
        *_merged(data, named, grid, file=file),
        *_mixed(data, named, expected, file=file),
    ]
    if not expected.ends_in_data:
        doubts += _totals(data, file=file)
    columns = dict.fromkeys(doubt.column for doubt in doubts)
    return [each for name in columns for each in _summed([doubt for doubt in doubts if doubt.column == name])]


def _summed(doubts: list[Problem]) -> list[Problem]:
    """Return the first doubts of one column, and one that sums up the rest."""
    return [replace(each, column=doubts[0].column) for each in limited(doubts, file=doubts[0].file)]


def _without_value(data: list[Row], header: list[str], *, file: str) -> Iterator[Problem]:
    patterns = {kinds for kinds in {row.kinds for row in data} if set(_VALUELESS) & set(kinds)}
    for row in data if patterns else ():
        if row.kinds not in patterns:
            continue
        for at, kind in enumerate(row.kinds[: len(header)]):
            if kind in _VALUELESS:
                yield Problem(
                    _message(kind, row.texts[at], place(at + 1, row.number)),
                    Message("values under the names of the columns"),
                    Message("open the file in Excel, replace it by its value (or clear it), and save"),
                    file=file,
                    row=row.number,
                    column=header[at],
                )
                row.texts[at] = ""


def _message(kind: str, value: str, cell: str) -> Message:
    if kind == ERROR:
        return Message("the error {value} in cell {cell}", value=value[:20], cell=cell)
    if kind == UNSAVED:
        return Message("the formula in cell {cell} without a saved result", cell=cell)
    return Message(
        "a number of more than 15 digits in cell {cell}: Excel has lost its last digits", cell=cell
    )


def _merged(data: list[Row], header: list[str], grid: Grid, *, file: str) -> Iterator[Problem]:
    """Give merged cells among the data: only the first of them holds the value that is seen in all."""
    rows = {row.number: row for row in data} if grid.merged else {}
    for merged in grid.merged:
        at = bounds(merged)
        row = rows.get(at[1]) if at else None
        if at is None or row is None or at[0] > min(len(row.texts), len(header)) or not row.texts[at[0] - 1]:
            continue
        yield Problem(
            Message("merged cells {cells}", cells=merged),
            Message("a value in each cell"),
            Message("unmerge them in Excel, fill each with the value, and save"),
            file=file,
            row=at[1],
            column=header[at[0] - 1],
            count=at[3] - at[1] + 1,
        )


def _mixed(data: list[Row], header: list[str], expected: Expected, *, file: str) -> Iterator[Problem]:
    """Give the columns that mix real dates, numbers that may be dates, and dates written as text."""
    patterns = {row.kinds for row in data}
    for at, name in enumerate(header):
        present = {kinds[at] for kinds in patterns if len(kinds) > at}
        if not (DATE in present and present & {NUMBER, TEXT}) and not {NUMBER, TEXT} <= present:
            continue
        firsts: dict[str, tuple[int, int]] = {}
        for row in data:
            kind = _dated(row, at, expected, serial=name in expected.serials)
            if kind:
                first, n = firsts.get(kind, (row.number, 0))
                firsts[kind] = (first, n + 1)
        if len(firsts) > 1 and firsts.keys() != {NUMBER}:
            yield _mix(firsts, name, file=file)


def _dated(row: Row, at: int, expected: Expected, *, serial: bool) -> str:
    """Return the kind of a cell as far as dates go; none for empty ones, plain text and codes."""
    if at >= len(row.kinds) or row.kinds[at] in (BLANK, ERROR, UNSAVED, LOST):
        return ""
    kind, text = row.kinds[at], row.texts[at].strip()
    if kind == DATE or text in expected.codes:
        return DATE if kind == DATE else ""
    if kind == NUMBER:
        return DATE if serial else NUMBER
    return TEXT if kind == TEXT and _DATE_TEXT.fullmatch(text) else ""


def _mix(firsts: dict[str, tuple[int, int]], name: str, *, file: str) -> Problem:
    said = {DATE: "dates", NUMBER: "numbers", TEXT: "dates written as text"}
    kinds = [_kind_found(kind, firsts[kind][1], firsts[kind][0]) for kind in said if kind in firsts]
    joined = Message("{first}, {rest}", first=kinds[0], rest=kinds[1])
    if len(kinds) > 2:
        joined = Message("{first}, {rest}", first=joined, rest=kinds[2])
    return Problem(
        joined,
        Message("dates of one kind"),
        Message(
            "make all of them dates in Excel and save; serial numbers alone can be declared as "
            "`dates: {{{name}: excel}}`, codes under `missing:`",
            name=name,
        ),
        file=file,
        column=name,
        count=min(n for _, n in firsts.values()),
    )


def _kind_found(kind: str, n: int, row: int) -> Message:
    if kind == DATE:
        return Message("{n} real dates (first in row {row})", n=n, row=row)
    if kind == NUMBER:
        return Message("{n} numbers (first in row {row})", n=n, row=row)
    return Message("{n} dates written as text (first in row {row})", n=n, row=row)


def _totals(data: list[Row], *, file: str) -> Iterator[Problem]:
    """Give the rows that add up others: by what they are called, or because the last one does."""
    if len(data) < 2:
        return
    usual = _usual_texts(data)
    for row in data:
        if _called_total(row, usual, last=row is data[-1]):
            yield _total(Message("a row of totals"), row, data, file=file)
    if not _called_total(data[-1], usual, last=True) and _adds_up(data):
        yield _total(Message("a last row that is the sum of those above"), data[-1], data, file=file)


def _total(said: str, row: Row, data: list[Row], *, file: str) -> Problem:
    action = (
        Message(
            "declare `skip_at_end: 1`, or leave it out under `exclude:`; `skip_at_end: 0` says it is data"
        )
        if row is data[-1]
        else Message("leave the row out under `exclude:`, or delete it in Excel and save")
    )
    return Problem(said, Message("rows of data"), action, file=file, row=row.number)


def _usual_texts(data: list[Row]) -> set[int]:
    """Return the columns of text that are filled in most rows."""
    counts: dict[int, int] = {}
    for row in data:
        for at, kind in enumerate(row.kinds):
            if kind == TEXT:
                counts[at] = counts.get(at, 0) + 1
    return {at for at, n in counts.items() if n >= USUALLY_FILLED * len(data)}


def _called_total(row: Row, usual: set[int], *, last: bool) -> bool:
    filled = [at for at, kind in enumerate(row.kinds) if kind != BLANK]
    if not filled or row.kinds[filled[0]] != TEXT:
        return False
    name = row.texts[filled[0]]
    others = "".join(row.kinds[at] for at in filled[1:])
    sums = bool(others) and not others.strip(NUMBER)
    if _TOTAL.fullmatch(name):
        return last or sums
    gaps = any(at >= len(row.kinds) or row.kinds[at] == BLANK for at in usual)
    return bool(_TOTAL_OF.match(name)) and sums and gaps


def _adds_up(data: list[Row]) -> bool:
    """Tell whether every number of the last row is the sum of those above it, and more than any of them."""
    *above, last = data
    if len(above) < FEWEST_ADDED:
        return False
    sums = 0
    for at, kind in enumerate(last.kinds):
        if kind != NUMBER:
            continue
        column = [_number(row.texts[at]) for row in above if at < len(row.kinds) and row.kinds[at] == NUMBER]
        value, total = _number(last.texts[at]), sum(column)
        if len(column) < 2 or abs(value - total) > 1e-9 * max(1.0, abs(total)) or value <= max(column):
            return False
        sums += 1
    return sums > 1 or (sums == 1 and len(last.kinds) - last.kinds.count(BLANK) == 1)


def _number(text: str) -> float:
    return float(text.replace(",", "."))
