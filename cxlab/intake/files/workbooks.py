"""Excel workbooks: one sheet as a table of text, with what people leave around and inside their tables.

Titles over the names, merged cells, hidden rows, totals and cells without a value are named by their row,
not bent into data; what only matters if it is used is a doubt of the reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from cxlab.errors import Message, Problem
from cxlab.intake.coded import Coded
from cxlab.intake.declared.declaration import nearest
from cxlab.intake.declared.models import Source
from cxlab.intake.files import sheetdoubts
from cxlab.intake.files.layouts import MOST_ROWS, Heading, Layout, heading, set_aside
from cxlab.intake.files.reading import Reading, checked_header, fault, framed, limited, unreadable
from cxlab.intake.files.sheetcells import BLANK, NUMBER, TEXT, Grid, Row
from cxlab.intake.files.spreadsheet import Sheet, Spreadsheet
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.privacy.pseudonyms import named

# Rows looked at for the names of the columns, should the declared one not have them.
MOST_TITLES = 30


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is declared of a sheet.

    Attributes
    ----------
    sheet : str
        Must be named where there is more than one.
    header_row, header_rows, layout
        Row of the names, and how the rows from there on make them; see `layouts.heading`.
    skip_after_header, skip_at_end : int
        Rows under the names and at the end that are not data.
    ends_in_data : bool
        Whether a row that looks like a total is declared to be data.
    hidden_rows : {"read", "skip"}, optional
        What is to be done with rows that nobody sees.
    decimal : str
        How the source writes numbers; those stored as numbers are written so too.
    codes : collection of str
        Codes declared as no answer, which may stand among dates.
    serials : collection of str
        Headers of columns whose dates are declared to be serial numbers.
    """

    sheet: str = ""
    header_row: int = 1
    header_rows: int = 1
    layout: Layout = "plain"
    skip_after_header: int = 0
    skip_at_end: int = 0
    ends_in_data: bool = False
    hidden_rows: str | None = None
    decimal: str = "."
    codes: Collection[str] = ()
    serials: Collection[str] = ()

    @classmethod
    def of(cls, source: Source) -> Expected:
        """Return what a source declares."""
        named = {name: header for header, name in source.names.items()}
        serial = [key for key, form in source.dates.items() if form == "excel"]
        codes = (source.missing, source.not_applicable)
        return cls(
            sheet=source.sheet,
            header_row=source.header_row,
            header_rows=source.header_rows,
            layout=source.layout,
            skip_after_header=source.skip_after_header,
            skip_at_end=source.skip_at_end,
            ends_in_data="skip_at_end" in source.model_fields_set and source.skip_at_end == 0,
            hidden_rows=source.hidden_rows,
            decimal=source.decimal,
            codes={code for given in codes for each in given.values() for code in each},
            serials={*serial, *(named[key] for key in serial if key in named)},
        )


def read_workbook(content: bytes, *, file: str, expected: Expected) -> Reading:
    """Read one sheet of an .xlsx file.

    Parameters
    ----------
    content : bytes
    file : str
        What the messages call it.
    expected : Expected
        What is declared of the sheet.

    Raises
    ------
    InputError
        With the row or cell, for anything that is not a plain table.
    """
    book = Spreadsheet(content, file=file)
    sheet = _chosen(book.sheets, expected.sheet, file=file)
    grid = book.grid(sheet)
    if expected.decimal != ".":
        _write_decimals(grid.rows, expected.decimal)
    rows, skipped = _seen(grid.rows, expected, file=file)
    at = _names_at(rows, expected, file=file, sheet=sheet.name)
    heads = _heading(rows[at : at + max(MOST_ROWS, expected.header_rows)], grid, expected, file=file)
    header = _named(heads, file=file, row=expected.header_row)
    data = rows[at + heads.rows :]
    skipped["blank lines"] = _blank(rows[at + heads.rows - 1], data, grid, expected)
    data = _trimmed(data, expected, skipped)
    _refuse_outside(data, len(header), file=file)
    data = _answers(data, heads, skipped)
    doubts = sheetdoubts.found(data, header, grid, expected, file=file)
    columns, lines = framed(
        [_padded(row, len(header)) for row in data],
        header,
        [row.number for row in data],
        file=file,
        header_row=expected.header_row,
    )
    return Reading(
        columns=columns,
        lines=lines,
        read=len(lines) + sum(skipped.values()),
        skipped={reason: n for reason, n in skipped.items() if n},
        questions=heads.asked(header),
        typed=True,
        how={"sheet": sheet.name},
        notes=[*_said_of(book, grid, header, file=file), *_said_of_rows(data, file=file)],
        doubts=doubts,
    )


def _chosen(sheets: list[Sheet], wanted: str, *, file: str) -> Sheet:
    names = Message("{names}", names=named(each.name for each in sheets))
    hidden = [each.name for each in sheets if each.hidden]
    if hidden:
        names = Message("{names} (hidden: {hidden})", names=names, hidden=named(hidden))
    found = [each for each in sheets if each.name == wanted] if wanted else sheets
    if wanted and not found:
        close = nearest(wanted, [each.name for each in sheets if not identifier(each.name)])
        raise fault(
            file,
            Message("no sheet {sheet!r}", sheet=wanted[:60]),
            names,
            Message("did you mean {close}?", close=close)
            if close
            else Message("name one of them as `sheet:`"),
        )
    if len(found) != 1:
        raise fault(
            file,
            Message("{n} sheets and none named", n=len(sheets)),
            names,
            Message("name the one with the data as `sheet:` in client.yaml"),
        )
    if not found[0].part:
        raise fault(
            file,
            Message("a sheet of charts"),
            Message("a sheet of cells"),
            Message("name another as `sheet:`"),
        )
    return found[0]


def _write_decimals(rows: list[Row], decimal: str) -> None:
    """Write numbers as the source declares, so that text cells and numbers are read alike."""
    for row in rows:
        for at, kind in enumerate(row.kinds):
            if kind == NUMBER:
                row.texts[at] = row.texts[at].replace(".", decimal)


def _seen(rows: list[Row], expected: Expected, *, file: str) -> tuple[list[Row], Counter[str]]:
    """Return the rows to be read; hidden ones only if that is declared."""
    hidden = [row.number for row in rows if row.hidden and row.number > expected.header_row]
    if not hidden or expected.hidden_rows == "read":
        return rows, Counter()
    if expected.hidden_rows == "skip":
        shown = [row for row in rows if not row.hidden or row.number <= expected.header_row]
        return shown, Counter({"hidden rows": len(hidden)})
    raise fault(
        file,
        Message(
            "{n} rows that nobody sees, hidden or filtered out: {rows}", n=len(hidden), rows=spans(hidden)
        ),
        Message("rows that are all seen"),
        Message("take the filter off and save, or declare `hidden_rows: read` or `hidden_rows: skip`"),
        row=hidden[0],
        count=len(hidden),
    )


def spans(numbers: list[int], most: int = 6) -> str:
    """Return row numbers as ranges, the first few of them.

    Examples
    --------
    >>> spans([4, 5, 6, 9, 11, 12])
    '4-6, 9, 11-12'
    """
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:most]]
    return ", ".join(shown) + (", ..." if len(ranges) > most else "")


def _names_at(rows: list[Row], expected: Expected, *, file: str, sheet: str) -> int:
    """Return the place of the row of names.

    One that is not there or is a title is refused; the first row that looks like names is proposed.
    """
    at = next((n for n, row in enumerate(rows) if row.number == expected.header_row), None)
    proposed = _proposed(rows)
    if at is not None and not _is_title(rows[at], rows[at + 1 : at + 200], proposed):
        return at
    action = Message("give the row of the names as header_row")
    if proposed is not None:
        action = Message(
            "declare `header_row: {row}`: it holds {n} different texts, and {full} rows as wide follow",
            row=proposed[0],
            n=proposed[1],
            full=proposed[2],
        )
    found = Message("nothing on row {row} of sheet {sheet}", row=expected.header_row, sheet=sheet)
    if at is not None:
        found = Message(
            "row {row} ends in column {n}, most rows under it go on: a title",
            row=expected.header_row,
            n=len(rows[at].texts),
        )
    raise fault(file, found, Message("the names of the columns"), action, row=expected.header_row)


def _is_title(head: Row, under: list[Row], proposed: tuple[int, int, int] | None) -> bool:
    """Tell whether a row is narrower than most rows under it, and the names stand elsewhere."""
    wider = sum(len(row.texts) > len(head.texts) for row in under)
    return 2 * wider > len(under) and (proposed is None or proposed[0] != head.number)


def _proposed(rows: list[Row]) -> tuple[int, int, int] | None:
    """Return the first row that is mostly different texts and is followed by rows as wide: row, n, rows."""
    filled = [len(row.kinds) - row.kinds.count(BLANK) for row in rows]
    if not filled:
        return None
    usual = int(np.median(filled[MOST_TITLES // 2 : 200] or filled))
    for at, row in enumerate(rows[:MOST_TITLES]):
        texts = {text for text, kind in zip(row.texts, row.kinds, strict=True) if kind == TEXT}
        n = filled[at]
        if n < max(2, 0.6 * usual) or len(texts) < max(2, 0.8 * n):
            continue
        full = sum(2 * each >= n for each in filled[at + 1 :])
        if all(2 * each >= n for each in filled[at + 1 : at + 4]) and full:
            return row.number, len(texts), full
    return None


def _heading(rows: list[Row], grid: Grid, expected: Expected, *, file: str) -> Heading:
    """Return the names that the first rows give; merged ones only if their rows are declared."""
    if expected.layout == "plain":
        first, last = expected.header_row, expected.header_row + expected.header_rows - 1
        wide = [each for each in map(sheetdoubts.bounds, grid.merged) if each and each[0] < each[2]]
        across = [each for each in wide if first <= each[1] <= last]
        if across and expected.header_rows == 1:
            raise fault(
                file,
                Message(
                    "the name in cell {cell} is merged over {n} columns",
                    cell=sheetdoubts.place(across[0][0], first),
                    n=across[0][2] - across[0][0] + 1,
                ),
                Message("a name for each column"),
                Message(
                    "declare `header_rows: 2` if the row under it goes on with the names, or unmerge it and "
                    "give each column its name"
                ),
                row=first,
            )
    cells = [(row.number, row.texts) for row in rows]
    return heading(cells, file=file, layout=expected.layout, header_rows=expected.header_rows)


def _named(heads: Heading, *, file: str, row: int) -> list[str]:
    """Return the checked names, those beyond the last one left out."""
    width = max((at for at, name in enumerate(heads.names, 1) if name.strip()), default=0)
    header = checked_header(heads.names[:width] if width else heads.names, file=file, row=row)
    del heads.names[width:], heads.questions[width:]
    return header


def _blank(head: Row, data: list[Row], grid: Grid, expected: Expected) -> int:
    """Count the blank rows among the data; hidden ones that were taken away are none."""
    if not data:
        return 0
    last = data[-1].number
    away = expected.hidden_rows == "skip"
    hidden = sum(row.hidden and head.number < row.number < last for row in grid.rows) if away else 0
    return last - head.number - len(data) - hidden


def _trimmed(data: list[Row], expected: Expected, skipped: Counter[str]) -> list[Row]:
    skipped["header rows"] = len(data[: expected.skip_after_header])
    data = data[expected.skip_after_header :]
    end = max(len(data) - expected.skip_at_end, 0)
    skipped["footer rows"] = len(data) - end
    return data[:end]


def _answers(data: list[Row], heads: Heading, skipped: Counter[str]) -> list[Row]:
    """Return the rows that are answers, where the export says which are not."""
    why = set_aside(heads, lambda at: Coded.of(row.texts[at] if at < len(row.texts) else "" for row in data))
    if why is None:
        return data
    skipped.update(reason for reason in why if reason)
    return [row for row, reason in zip(data, why, strict=True) if not reason]


def _refuse_outside(data: list[Row], width: int, *, file: str) -> None:
    problems = [
        Problem(
            Message("cell {cell}, right of the last name", cell=sheetdoubts.place(at + 1, row.number)),
            Message("values under the names of the columns"),
            Message("name its column, or clear it, in Excel, and save"),
            file=file,
            row=row.number,
        )
        for row in data
        if len(row.texts) > width
        for at in range(width, len(row.texts))
        if row.texts[at].strip() or row.kinds[at] not in (TEXT, BLANK)
    ]
    if problems:
        raise unreadable(file, limited(problems, file=file))


def _padded(row: Row, width: int) -> list[str]:
    short = width - len(row.texts)
    return row.texts[:width] if short <= 0 else [*row.texts, *[""] * short]


def _said_of(book: Spreadsheet, grid: Grid, header: list[str], *, file: str) -> list[Message]:
    notes = []
    hidden = [
        header[at - 1]
        for first, last in grid.hidden_columns
        for at in range(first, min(last, len(header)) + 1)
        if header[at - 1]
    ]
    if hidden:
        notes.append(
            Message(
                "{file}: hidden columns were read like the others: {names}",
                file=file,
                names=named(hidden),
            )
        )
    if book.has_macros:
        notes.append(Message("{file}: its macros were not run", file=file))
    if book.has_links:
        notes.append(Message("{file}: its links to other files were not followed", file=file))
    return notes


def _said_of_rows(data: list[Row], *, file: str) -> list[Message]:
    hidden = [row.number for row in data if row.hidden]
    if not hidden:
        return []
    return [
        Message("{file}: {n} hidden rows were read: {rows}", file=file, n=len(hidden), rows=spans(hidden))
    ]
