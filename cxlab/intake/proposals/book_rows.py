"""The rows of mapping.xlsx as they come back: cells as text by field, with their sheet and row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.declared.declaration import nearest
from cxlab.intake.declared.models import Language
from cxlab.intake.files.xmlparts import archive_of
from cxlab.intake.proposals.book_words import COLUMNS, FILE, FILES, SHEETS, VALUES, heading
from cxlab.intake.proposals.vocabulary import folded

LARGEST = 50_000_000
_SHEET_FIELDS: dict[str, dict[str, tuple[str, str, int]]] = {
    "files": FILES,
    "columns": COLUMNS,
    "values": VALUES,
}
# Without these a sheet cannot be understood; the others may be missing, and then say nothing.
_NEEDED = {
    "files": ("file", "table", "signed_by", "header_row"),
    "columns": ("file", "header", "decision", "column", "kind", "low", "high", "direction", "missing"),
    "values": ("file", "header", "found", "means"),
}


@dataclass(frozen=True)
class BookRow:
    """One row of a sheet."""

    sheet: str
    number: int
    cells: Mapping[str, str]
    headings: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")

    def problem(self, name: str, found: str, allowed: str, action: str) -> Problem:
        """Return a problem of one of its cells."""
        column = self.headings.get(name, name)
        return Problem(found, allowed, action, file=f"{FILE} [{self.sheet}]", column=column, row=self.number)


@dataclass
class BookRows:
    """All rows of a workbook, and what is wrong with its form."""

    book: Workbook
    files: list[BookRow] = field(default_factory=list)
    columns: list[BookRow] = field(default_factory=list)
    values: list[BookRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_rows(path: Path, *, client: str) -> BookRows:
    """Read the rows of a client's mapping.xlsx.

    Raises
    ------
    InputError
        If there is none, or it is no workbook.
    """
    if not path.is_file() or path.is_symlink():
        raise InputError(
            "{client} has no {file} yet; make it with `cxlab map {client}`", client=client, file=path.name
        )
    content = path.read_bytes()
    if len(content) > LARGEST:
        raise InputError("{file} is too large to be a mapping", file=path.name)
    archive_of(content, file=path.name).close()
    try:
        book = load_workbook(path)
    except Exception as error:  # openpyxl lets through whatever its parsers raise
        raise InputError(
            "{file} cannot be opened ({why}); make it again with `cxlab map {client} --again`",
            file=path.name,
            why=" ".join(str(error).split())[:120],
            client=client,
        ) from None
    rows = BookRows(book)
    for kind in _SHEET_FIELDS:
        getattr(rows, kind).extend(_sheet_rows(rows, kind))
    return rows


def _sheet_rows(rows: BookRows, kind: str) -> list[BookRow]:
    titles = {folded(names[kind]): names[kind] for names in SHEETS.values()}
    title = next((name for name in rows.book.sheetnames if folded(name) in titles), None)
    if title is None:
        rows.problems.append(
            Problem(
                Message("no sheet {sheet}", sheet=" / ".join(titles.values())),
                Message("the sheets as they were written"),
                Message("give the sheet its name back, or make the book again"),
                file=FILE,
            )
        )
        return []
    sheet: Any = rows.book[title]
    places = _places(sheet, kind)
    for name in _NEEDED[kind]:
        if name not in places:
            rows.problems.append(_no_heading(sheet, title, kind, name))
    headings = {name: str(sheet.cell(1, at).value) for name, at in places.items()}
    found = []
    for number in range(2, sheet.max_row + 1):
        cells = {name: sheet.cell(number, at) for name, at in places.items()}
        texts = {name: text_of(cell.value) for name, cell in cells.items()}
        if not any(text.strip() for text in texts.values()):
            continue
        row = BookRow(title, number, texts, headings)
        for name, cell in cells.items():
            if cell.data_type == "f":
                said = Message("type the value itself")
                rows.problems.append(
                    row.problem(name, Message("a formula"), Message("a text or a number"), said)
                )
        found.append(row)
    return found


def _places(sheet: Any, kind: str) -> dict[str, int]:
    """Return the column of each field, whichever language its heading is in."""
    known: dict[str, str] = {}
    languages: tuple[Language, ...] = ("es", "en")
    for language in languages:
        fields = _SHEET_FIELDS[kind]
        known |= {folded(heading(fields, name, language)): name for name in fields}
    places: dict[str, int] = {}
    for at in range(1, sheet.max_column + 1):
        name = known.get(folded(text_of(sheet.cell(1, at).value)))
        if name is not None:
            places.setdefault(name, at)
    return places


def _no_heading(sheet: Any, title: str, kind: str, name: str) -> Problem:
    wanted = heading(_SHEET_FIELDS[kind], name, "es"), heading(_SHEET_FIELDS[kind], name, "en")
    there = [text_of(sheet.cell(1, at).value) for at in range(1, sheet.max_column + 1)]
    close = nearest(wanted[0], there) or nearest(wanted[1], there)
    return Problem(
        Message("no column {name}", name=" / ".join(dict.fromkeys(wanted))),
        Message("the headings as they were written"),
        Message("did you rename {close}?", close=close)
        if close
        else Message("give the column its heading back"),
        file=f"{FILE} [{title}]",
        row=1,
    )


def text_of(value: Any) -> str:
    """Return a cell as the text that a person sees: whole numbers without decimals, dates as ISO.

    Examples
    --------
    >>> text_of(7.0), text_of(None), text_of(date(2025, 1, 31))
    ('7', '', '2025-01-31')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
