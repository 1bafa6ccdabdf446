"""What the sheets of a workbook hold at a glance: whether hidden, their first and last rows as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cxlab.intake.files.headers import LOOKED_AT
from cxlab.intake.files.spreadsheet import Spreadsheet

TAIL = 40

NumberedRow = tuple[int, list[str]]


@dataclass(frozen=True)
class Glance:
    """One sheet: its name, whether it or some of its rows are hidden, its first and last filled rows."""

    name: str
    hidden: bool
    hidden_rows: int
    head: list[NumberedRow]
    tail: list[NumberedRow]


def glances(content: bytes, *, file: str) -> Iterator[Glance]:
    """Give the sheets of cells of an .xlsx file.

    Raises
    ------
    InputError
        If it is not a workbook that can be read within limits.
    """
    book = Spreadsheet(content, file=file)
    for sheet in book.sheets:
        if sheet.part:
            rows = book.grid(sheet).rows
            hidden = sum(row.hidden for row in rows)
            head, tail = (
                [(row.number, row.texts) for row in part] for part in (rows[:LOOKED_AT], rows[-TAIL:])
            )
            yield Glance(sheet.name, sheet.hidden, hidden, head, tail)
