"""mapping.xlsx: the proposal as a workbook that a person corrects and signs.

Text only: no cell is a formula, whatever a client's texts begin with. Texts of columns that may hold
personal data are not in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from openpyxl import Workbook, load_workbook
from openpyxl.packaging.custom import StringProperty
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from cxlab.catalogues import translate
from cxlab.errors import InputError, Message, WorkbenchError
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.models import Client, Language
from cxlab.intake.declared.source_text import flow
from cxlab.intake.folders import write_private
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.proposals.book_rows import read_rows
from cxlab.intake.proposals.book_words import (
    CHANGES,
    COLUMNS,
    FILES,
    HELP,
    SHEETS,
    VALUES,
    heading,
    term,
    terms,
)
from cxlab.intake.proposals.differences import Change
from cxlab.intake.proposals.proposal import ROW_LINE, SURE, ColumnProposal, FileProposal, Proposal
from cxlab.intake.proposals.signed_book import keys_said

Say = Callable[[Message], str]
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_MARK = "cxlab_written"
LONGEST = 32_000
_LISTS = "·"
_HEAD = PatternFill("solid", start_color="FF1F3A5F")
_UNSURE = PatternFill("solid", start_color="FFFFF2B3")
_FIXED = PatternFill("solid", start_color="FFF0F2F5")
_ENCODINGS = ("utf-8", "utf-16", "latin-1", "cp1252", "mac_roman", "cp850")


def write(
    proposal: Proposal,
    path: str | Path,
    *,
    say: Say | None = None,
    edits: Literal["refuse", "set aside"] = "refuse",
) -> None:
    """Write a proposal as a workbook.

    Parameters
    ----------
    proposal : Proposal
    path : path
        Of the workbook.
    say : callable, optional
        Gives a message in the client's language, as the catalogue does by itself.
    edits : {"refuse", "set aside"}
        What to do with a workbook that was edited since it was written or confirmed: refuse, or put it
        aside as mapping.previous.xlsx.

    Raises
    ------
    InputError
        If there is an edited workbook and it may not be replaced.
    WorkbenchError
        If the folder may not be written.
    """
    path = Path(path)
    if path.exists() and edited(path):
        if edits == "refuse":
            raise InputError(
                "{file} was edited and is not confirmed: confirm it with `cxlab map {client} --confirm`, or "
                "put it aside with `cxlab map {client} --again`",
                file=path.name,
                client=proposal.client,
            )
        os.replace(path, path.with_name("mapping.previous.xlsx"))
    save(_book(proposal, say or partial(translate, language=proposal.language)), path)


def read_as_said(path: Path, client: Client) -> dict[str, dict[str, Any]]:
    """Return how a workbook says that each file is to be read, by label; nothing without a workbook."""
    if not path.is_file():
        return {}
    try:
        return keys_said(read_rows(path, client=client.slug), client.language)
    except InputError:
        return {}


def _props(book: Any) -> Any:
    """Return a workbook's own properties, which its type stubs do not know."""
    return book.custom_doc_props


def edited(path: Path) -> bool:
    """Tell whether a workbook is not as it was written or confirmed."""
    try:
        book = load_workbook(path)
    except Exception:  # openpyxl lets through whatever its parsers raise; a damaged book is not ours
        return True
    marks = {each.name: each.value for each in _props(book).props}
    return marks.get(_MARK) != fingerprint(book)


def fingerprint(book: Workbook) -> str:
    """Return the hash of all cells of a workbook."""
    digest = sha256()
    for sheet in book.worksheets:
        digest.update(sheet.title.encode())
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value not in (None, ""):
                    digest.update(f"{cell.coordinate}={cell.value}\n".encode())
    return digest.hexdigest()


def save(book: Workbook, path: Path) -> None:
    """Write a workbook whole or not at all, marked as written by cxlab.

    Raises
    ------
    WorkbenchError
        If the folder may not be written.
    """
    props = _props(book)
    if any(each.name == _MARK for each in props.props):
        del props[_MARK]
    # As a reader will see it: numbers and dates as a workbook keeps them.
    first = BytesIO()
    book.save(first)
    props.append(StringProperty(name=_MARK, value=fingerprint(load_workbook(first))))
    content = BytesIO()
    book.save(content)
    try:
        write_private(path, content.getvalue())
    except OSError as error:
        raise WorkbenchError(
            "cannot write in {folder}: {why}", folder=path.parent, why=error.strerror
        ) from None


def _book(proposal: Proposal, say: Say) -> Workbook:
    book = Workbook()
    language = proposal.language
    guide = book.active
    assert guide is not None
    guide.title = SHEETS[language]["help"]
    for at, line in enumerate(HELP[language], start=1):
        _put(guide, at, 1, line)
        guide.cell(at, 1).alignment = Alignment(wrap_text=True, vertical="top")
    guide.column_dimensions["A"].width = 110
    files = _sheet(book, SHEETS[language]["files"], FILES, language)
    columns = _sheet(book, SHEETS[language]["columns"], COLUMNS, language)
    values = _sheet(book, SHEETS[language]["values"], VALUES, language)
    for number, each in enumerate(proposal.files, start=2):
        _row(files, number, FILES, file_cells(each, language, say), unsure=each.confidence < SURE)
    rows = [(each, column) for each in proposal.files for column in each.columns]
    for number, (each, column) in enumerate(rows, start=2):
        cells = column_cells(each, column, language, say)
        _row(columns, number, COLUMNS, cells, unsure=not column.decision)
    for number, cells in enumerate(_value_rows(proposal, language), start=2):
        _row(values, number, VALUES, cells, unsure=False)
    changed = [(each, change) for each in proposal.files for change in each.changes]
    if changed:
        changes = _sheet(book, SHEETS[language]["changes"], CHANGES, language)
        for number, (each, change) in enumerate(changed, start=2):
            _row(changes, number, CHANGES, change_cells(each, change, say), unsure=False)
    _validate(book, files, columns, values, language)
    for sheet, fields in ((files, FILES), (columns, COLUMNS), (values, VALUES)):
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(fields))}{max(sheet.max_row, 2)}"
    return book


def _sheet(
    book: Workbook, title: str, fields: Mapping[str, tuple[str, str, int]], language: Language
) -> Worksheet:
    sheet: Worksheet = book.create_sheet(title)
    for at, field in enumerate(fields, start=1):
        cell = sheet.cell(1, at, heading(fields, field, language))
        cell.font, cell.fill = Font(bold=True, color="FFFFFFFF"), _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(at)].width = fields[field][2]
    sheet.freeze_panes = "C2"
    return sheet


def _row(
    sheet: Worksheet, number: int, fields: Mapping[str, Any], cells: Mapping[str, Any], *, unsure: bool
) -> None:
    for at, field in enumerate(fields, start=1):
        _put(sheet, number, at, cells.get(field, ""))
        if unsure:
            sheet.cell(number, at).fill = _UNSURE
        elif field in ("file", "header", "found"):
            sheet.cell(number, at).fill = _FIXED


def _put(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    """Write a cell: a number as a number, anything else as text, never as a formula."""
    cell: Any = sheet.cell(row, column)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        cell.value = value
    elif value not in (None, ""):
        put_text(cell, str(value))


def put_text(cell: Any, text: str) -> None:
    """Write a text into a cell as text, whatever it begins with."""
    cell.value = _ILLEGAL.sub("\ufffd", text)[:LONGEST]
    cell.data_type = "s"


def file_cells(file: FileProposal, language: Language, say: Say = str) -> dict[str, Any]:
    """Return what the sheet of files says of one file, by field."""
    keys = file.keys
    text = keys.get("encoding") is not None or keys.get("separator") is not None
    cells: dict[str, Any] = {
        "file": file.label,
        "table": file.table,
        "wave": file.wave,
        "signed_by": file.signed_by,
        "signed_on": file.signed_on,
        "confidence": file.confidence,
        "encoding": keys.get("encoding", ""),
        "separator": term("separator", keys["separator"], language) if "separator" in keys else "",
        "decimal": term("mark", keys.get("decimal", "."), language) if text else "",
        "thousands": term("mark", keys.get("thousands", ""), language) if text else "",
        "header_row": keys.get("header_row", 1),
        "header_rows": keys.get("header_rows", 1),
        "layout": keys.get("layout", "plain"),
        "skip_after_header": keys.get("skip_after_header", 0),
        "skip_at_end": keys.get("skip_at_end", 0),
        "more": flow(_other(file)),
        "evidence": "; ".join(say(each) for each in file.evidence),
    }
    return cells


def _other(file: FileProposal) -> dict[str, Any]:
    shown = {"encoding", "separator", "decimal", "thousands", "sheet", *FILES}
    return {**{key: value for key, value in file.keys.items() if key not in shown}, **file.more}


def column_cells(
    file: FileProposal, column: ColumnProposal, language: Language, say: Say = str
) -> dict[str, Any]:
    """Return what the sheet of columns says of one column, by field."""
    low, high = column.scale or ("", "")
    recodes = [each for each in column.values if each.means and each.reason is None]
    rated = column.kind == "rating"
    return {
        "file": file.label,
        "header": term("line", column.header, language) if column.header == ROW_LINE else column.header,
        "question": column.question if identifier(column.question) is None else "…",
        "examples": " | ".join(column.examples),
        "distinct": column.distinct,
        "blank": column.blank,
        "decision": term("decision", column.decision, language) if column.decision else "",
        "column": column.column,
        "kind": term("kind", column.kind, language),
        "low": low,
        "high": high,
        "direction": term("direction", "down" if column.reverse else "up", language) if rated else "",
        "missing": codes_text(column, language),
        "recodes": "; ".join(f"{each.found} → {each.means}" for each in recodes[:20]),
        "form": column.form,
        "leading": term("yes", "yes", language) if column.leading else "",
        "labelled": term("yes", "yes", language) if column.labelled else "",
        "confidence": column.confidence,
        "reasons": "; ".join(say(each) for each in column.reasons),
    }


def change_cells(file: FileProposal, change: Change, say: Say = str) -> dict[str, Any]:
    """Return what the sheet of changes says of one change, by field."""
    return {
        "file": file.label,
        "follows": file.follows,
        "header": change.header,
        "column": change.column,
        "says": say(change.says),
        "before": change.before,
        "after": change.after,
        "action": say(change.action),
    }


def codes_text(column: ColumnProposal, language: Language) -> str:
    """Return the codes of no answer of a column that the sheet of values does not list, with their reason."""
    return "; ".join(f"{code} = {term('reason', why, language)}" for code, why in column.missing.items())


def _value_rows(proposal: Proposal, language: Language) -> Iterator[dict[str, Any]]:
    for file in proposal.files:
        for column in file.columns:
            for each in column.values:
                yield {
                    "file": file.label,
                    "header": column.header,
                    "found": term("blanks", each.found, language) if not each.found.strip() else each.found,
                    "count": each.count,
                    "label": each.label,
                    "means": term("reason", each.reason, language) if each.reason else each.means,
                }


def _validate(
    book: Workbook, files: Worksheet, columns: Worksheet, values: Worksheet, language: Language
) -> None:
    """Add the drop-downs; they help and do not forbid, what is typed is checked when it is confirmed."""
    lists = book.create_sheet(_LISTS)
    lists.sheet_state = "hidden"
    known = sorted({name for table in tables().values() for name in table.columns})
    offers: list[tuple[Worksheet, Mapping[str, Any], str, list[str]]] = [
        (files, FILES, "table", [*tables(), *terms("table", language)]),
        (files, FILES, "encoding", list(_ENCODINGS)),
        (files, FILES, "separator", terms("separator", language)),
        (files, FILES, "decimal", terms("mark", language)[:2]),
        (files, FILES, "thousands", terms("mark", language)),
        (files, FILES, "layout", ["plain", "qualtrics", "surveymonkey"]),
        (columns, COLUMNS, "decision", terms("decision", language)),
        (columns, COLUMNS, "column", known),
        (columns, COLUMNS, "kind", terms("kind", language)),
        (columns, COLUMNS, "direction", terms("direction", language)),
        (columns, COLUMNS, "leading", terms("yes", language)),
        (columns, COLUMNS, "labelled", terms("yes", language)),
        (values, VALUES, "means", terms("reason", language)),
    ]
    for at, (sheet, fields, field, options) in enumerate(offers, start=1):
        _offer(lists, at, options)
        letter, place = get_column_letter(at), get_column_letter(list(fields).index(field) + 1)
        rule = DataValidation(
            type="list", formula1=f"'{_LISTS}'!${letter}$1:${letter}${len(options)}", allow_blank=True
        )
        rule.showErrorMessage = False
        sheet.add_data_validation(rule)
        rule.add(f"{place}2:{place}{max(sheet.max_row, 2)}")


def _offer(lists: Worksheet, at: int, options: Iterable[str]) -> None:
    for row, option in enumerate(options, start=1):
        _put(lists, row, at, option)
