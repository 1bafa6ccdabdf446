"""revision.xlsx: what a check found, as a workbook that can be forwarded to the client, in its language.

It holds no value of a person: problems show cells as messages do, and names that look personal are left
out. Every text is a text, whatever sign it starts with; the same outcome gives the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from cxlab.catalogues import translate
from cxlab.errors import Message, Problem, WorkbenchError
from cxlab.intake.folders import write_private
from cxlab.intake.ledger import CheckReport, Language
from cxlab.intake.printed import state
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.rules.registry import rules

FILE = "revision.xlsx"
# No clock: the workbook of the same outcome is the same file.
WRITTEN = datetime(2000, 1, 1)
LONGEST = 32_000
HEADER_FILL = PatternFill("solid", fgColor="1F2A44")
STATE_FILLS = {
    "problems": PatternFill("solid", fgColor="F8D7D3"),
    "warnings": PatternFill("solid", fgColor="FBEBC8"),
    "unchecked": PatternFill("solid", fgColor="E9EBEF"),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SEVERITY = {"stop": Message("stops"), "warn": Message("warns")}

# Each sheet: its name, then the head and width of each column.
SUMMARY = (
    Message("Summary"),
    (
        (Message("Rule"), 7),
        (Message("What it looks for"), 44),
        (Message("Severity"), 12),
        (Message("State"), 60),
    ),
)
FOUND = (
    (Message("Rule"), 7), (Message("File"), 28), (Message("Column"), 22), (Message("Row"), 9),
    (Message("Rows"), 9), (Message("Found"), 48), (Message("Allowed"), 40), (Message("What to do"), 60),
)  # fmt: skip
PROBLEMS, WARNINGS = (Message("Problems"), FOUND), (Message("Warnings"), FOUND)
LEDGER = (
    Message("Rows read"),
    (
        (Message("Table"), 22), (Message("File"), 34), (Message("Read"), 11), (Message("Used"), 11),
        (Message("Excluded"), 11), (Message("Of which"), 11), (Message("Reason"), 52),
    ),
)  # fmt: skip
UNUSED = (
    Message("Columns not used"),
    ((Message("Table"), 22), (Message("File"), 34), (Message("Column"), 40), (Message("Why"), 40)),
)
MATCH = (
    Message("Surveys and customers"),
    (
        (Message("Group"), 22), (Message("Value"), 30), (Message("Surveys with a customer code"), 16),
        (Message("Whose customer is there"), 16), (Message("Rate"), 10),
    ),
)  # fmt: skip


def write(report: CheckReport, path: str | Path) -> None:
    """Write the outcome of a check as a workbook.

    Parameters
    ----------
    report : CheckReport
    path : path
        Of the workbook; what was there is replaced.

    Raises
    ------
    WorkbenchError
        If it cannot be written there.
    """
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "cxlab"
    book.properties.created = WRITTEN
    _summary(book, report)
    for sheet, found in ((PROBLEMS, report.problems), (WARNINGS, report.warnings)):
        _sheet(book, sheet, (_found(each, report.language) for each in found), report.language)
    _sheet(book, LEDGER, _ledger(report), report.language)
    _sheet(book, UNUSED, _unused(report), report.language)
    _sheet(book, MATCH, _matches(report), report.language, percent=5)
    packed = io.BytesIO()
    book.save(packed)
    try:
        write_private(Path(path), _timeless(packed.getvalue()))
    except OSError as error:
        raise WorkbenchError(
            "the review cannot be written to {file}: {why}; close it if it is open",
            file=path,
            why=error.strerror,
        ) from None


def _summary(book: openpyxl.Workbook, report: CheckReport) -> None:
    language = report.language
    rows = [
        (
            each.number,
            rules()[each.number].title(language),
            _SEVERITY[rules()[each.number].severity],
            state(each),
        )
        for each in report.rules
    ]
    outcome = (
        Message("{n} problems: nothing was stored until they are solved", n=len(report.problems))
        if report.problems
        else Message("The files were read and stored; {n} warnings", n=len(report.warnings))
    )
    opening = [Message("Review of the files of {client}", client=report.title), outcome]
    sheet = _sheet(book, SUMMARY, rows, language, opening=opening)
    for row, each in enumerate(report.rules, start=len(opening) + 3):
        if each.state in STATE_FILLS:
            sheet.cell(row, 4).fill = STATE_FILLS[each.state]


def _found(problem: Problem, language: Language) -> tuple[Any, ...]:
    action = translate(problem.action, language)
    return (
        problem.rule or None, _name(problem.file), _name(problem.column), problem.row or None,
        problem.count, problem.found, problem.allowed, action,
    )  # fmt: skip


def _ledger(report: CheckReport) -> Iterable[tuple[Any, ...]]:
    for table, entry in report.tables.items():
        for source in entry["sources"]:
            excluded = sum(source["excluded"].values())
            yield table, _name(source["file"]), source["read"], source["used"], excluded, None, None
            for reason, count in source["excluded"].items():
                yield table, _name(source["file"]), None, None, None, count, Message(_name(reason))


def _unused(report: CheckReport) -> Iterable[tuple[Any, ...]]:
    whys = {"unmapped": Message("no table needs it"), "dropped": Message("left out on purpose")}
    for table, entry in report.tables.items():
        for source in entry["sources"]:
            for kind, why in whys.items():
                for column in source[kind]:
                    yield table, _name(source["file"]), _name(column), why


def _matches(report: CheckReport) -> Iterable[tuple[Any, ...]]:
    for row in report.tables.get("survey_responses", {}).get("match_rates", ()):
        group = row["column"] or Message("all")
        yield group, _name(row["value"]), row["with_customer"], row["matched"], row["rate"]


def _name(text: str) -> str:
    """Return a name of the client's files, unless it may be personal."""
    return "…" if identifier(text) else text


def _sheet(
    book: openpyxl.Workbook,
    form: tuple[Message, Sequence[tuple[Message, int]]],
    rows: Iterable[Sequence[Any]],
    language: Language,
    *,
    opening: Sequence[Message] = (),
    percent: int = 0,
) -> Worksheet:
    """Add a sheet: opening lines, heads that stay in view, and rows as they come."""
    title, columns = form
    sheet: Worksheet = book.create_sheet(translate(title, language))
    for row, line in enumerate(opening, start=1):
        _write(sheet, row, 1, line, language).font = Font(bold=row == 1, size=14 if row == 1 else 11)
    top = len(opening) + (2 if opening else 1)
    for at, (head, width) in enumerate(columns, start=1):
        cell = _write(sheet, top, at, head, language)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), HEADER_FILL
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(at)].width = width
    for row, values in enumerate(rows, start=top + 1):
        for at, value in enumerate(values, start=1):
            cell = _write(sheet, row, at, value, language)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if at == percent:
                cell.number_format = "0.0%"
    sheet.freeze_panes = f"A{top + 1}"
    sheet.auto_filter.ref = f"A{top}:{get_column_letter(len(columns))}{max(sheet.max_row, top)}"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet


def _write(sheet: Worksheet, row: int, column: int, value: Any, language: Language) -> Any:
    """Write one cell; a text is a text, never a formula."""
    cell = sheet.cell(row, column)
    if value is None or isinstance(value, int | float):
        cell.value = value
        return cell
    text = _ILLEGAL.sub(" ", translate(value, language))[:LONGEST]
    cell.value = text
    cell.data_type = "s"
    if text.startswith(_FORMULA):
        cell.quotePrefix = True
    return cell


def _timeless(workbook: bytes) -> bytes:
    """Pack a workbook again without the time at which it was saved."""
    out = io.BytesIO()
    stamp = WRITTEN.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts, zipfile.ZipFile(out, "w") as packed:
        for name in sorted(parts.namelist(), key=lambda each: (each != "[Content_Types].xml", each)):
            content = parts.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            part = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            part.create_system, part.compress_type = 3, zipfile.ZIP_DEFLATED
            packed.writestr(part, content)
    return out.getvalue()
