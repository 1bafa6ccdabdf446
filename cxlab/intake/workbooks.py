"""Excel workbooks: the cells of one sheet as text, limits checked before anything is parsed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.declaration import nearest
from cxlab.intake.reading import Reading, checked_header, fault, framed, limited, unreadable

MOST_UNPACKED = 600_000_000
MOST_RATIO = 400
# Small parts may be nothing but repetition; a bomb is large.
RATIO_FROM = 20_000_000
MOST_EMPTY_ROWS = 1_000
MOST_WORKBOOK_CELLS = 50_000_000
# Beyond 15 digits Excel itself has replaced the rest by zeros.
LOST_DIGITS = 10**15


def read_workbook(
    content: bytes, *, file: str, sheet: str = "", header_row: int = 1, skip_after_header: int = 0
) -> Reading:
    """Read one sheet of an .xlsx file.

    Parameters
    ----------
    content : bytes
    file : str
        What the messages call it.
    sheet : str
        Must be named when there is more than one.
    header_row, skip_after_header : int
        Row of the names, and rows under it that are not data.

    Raises
    ------
    InputError
        With the row or cell, for anything that is not a plain table.
    """
    _refuse_bomb(content, file=file)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except Exception as error:  # openpyxl lets through whatever its parsers raise
        raise _not_a_workbook(file, str(error)) from None
    try:
        name = _chosen_sheet(book.sheetnames, sheet, file=file)
        rows = list(_filled_rows(book[name], file=file))
    except InputError:
        raise
    except Exception as error:
        raise _not_a_workbook(file, str(error)) from None
    finally:
        book.close()
    formulas = _formulas(content, name) if rows else set()
    return _table(rows, formulas, file=file, sheet=name, header_row=header_row, skip=skip_after_header)


def _refuse_bomb(content: bytes, *, file: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError):
        raise _not_a_workbook(file, "not a complete zip archive") from None
    unpacked = sum(each.file_size for each in members)
    worst = max(
        (each.file_size / max(each.compress_size, 1) for each in members if each.file_size > RATIO_FROM),
        default=0,
    )
    if unpacked > MOST_UNPACKED or worst > MOST_RATIO:
        raise fault(
            file,
            Message(
                "a workbook that unpacks to {mb} MB, up to {ratio} times its size",
                mb=unpacked // 10**6,
                ratio=round(worst),
            ),
            Message("at most {mb} MB and {ratio} times", mb=MOST_UNPACKED // 10**6, ratio=MOST_RATIO),
            Message("save the sheet as CSV or Parquet"),
        )


def _not_a_workbook(file: str, why: str) -> InputError:
    return fault(
        file,
        Message("a workbook that cannot be opened ({why})", why=why[:120]),
        Message("an .xlsx file without a password"),
        Message("open it in Excel, save it as .xlsx without a password, or ask for it again"),
    )


def _chosen_sheet(names: list[str], sheet: str, *, file: str) -> str:
    if sheet and sheet not in names:
        close = nearest(sheet, names)
        raise fault(
            file,
            Message("no sheet {sheet!r}", sheet=sheet[:60]),
            Message("{names}", names=", ".join(names)),
            Message("did you mean {close}?", close=close)
            if close
            else Message("name one of them as `sheet:`"),
        )
    if not sheet and len(names) > 1:
        raise fault(
            file,
            Message("{n} sheets and none named", n=len(names)),
            Message("{names}", names=", ".join(names)),
            Message("name the one with the data as `sheet:` in client.yaml"),
        )
    return sheet or names[0]


def _filled_rows(sheet: Any, *, file: str) -> Iterator[tuple[int, list[Any]]]:
    """Give the rows that hold anything, cut after their last filled cell, with their number."""
    if not hasattr(sheet, "reset_dimensions"):
        raise fault(
            file,
            Message("a sheet of charts"),
            Message("a sheet of cells"),
            Message("name another as `sheet:`"),
        )
    sheet.reset_dimensions()
    cells, last = 0, 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        full = [cell for cell in row if cell.value is not None and cell.value != ""]
        cells += len(row)
        if cells > MOST_WORKBOOK_CELLS:
            raise fault(
                file,
                Message("more than {n} cells", n=MOST_WORKBOOK_CELLS),
                Message("a table"),
                Message("save the sheet as CSV or Parquet"),
                row=number,
            )
        if not full:
            continue
        if last and number - last > MOST_EMPTY_ROWS:
            raise fault(
                file,
                Message(
                    "a cell {cell} alone, {n} empty rows under the table",
                    cell=full[0].coordinate,
                    n=number - last - 1,
                ),
                Message("one table"),
                Message("delete what is under the table and save the file"),
                row=number,
            )
        last = number
        yield number, list(row)


def _formulas(content: bytes, sheet: str) -> set[str]:
    """Return the cells of `sheet` that hold a formula; its cached value, not the formula, is what is read."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
        if not any(re.search(rb"<(?:\w+:)?f[ />]", archive.read(name)) for name in parts):
            return set()
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    try:
        page: Any = book[sheet]
        page.reset_dimensions()
        return {cell.coordinate for row in page.iter_rows() for cell in row if cell.data_type == "f"}
    finally:
        book.close()


def _table(
    rows: list[tuple[int, list[Any]]],
    formulas: set[str],
    *,
    file: str,
    sheet: str,
    header_row: int,
    skip: int,
) -> Reading:
    head = next((row for number, row in rows if number == header_row), None)
    if head is None:
        raise fault(
            file,
            Message("nothing on row {row} of sheet {sheet}", row=header_row, sheet=sheet),
            Message("the names of the columns"),
            Message("give the row of the names as header_row"),
            row=header_row,
        )
    width = max(at for at, cell in enumerate(head, start=1) if cell.value not in (None, ""))
    header = checked_header([_as_text(cell)[0] for cell in head[:width]], file=file, row=header_row)
    data = [(number, row) for number, row in rows if number > header_row]
    last = data[-1][0] if data else header_row
    under, data = data[:skip], data[skip:]
    skipped = {"blank lines": last - header_row - len(data) - len(under), "header rows": len(under)}
    problems: list[Problem] = []
    texts = [
        _row_text(row, width, formulas, file=file, number=number, problems=problems) for number, row in data
    ]
    if problems:
        raise unreadable(file, limited(problems, file=file))
    frame, lines = framed(texts, header, [number for number, _ in data], file=file, header_row=header_row)
    return Reading(
        frame=frame,
        lines=lines,
        read=len(frame) + sum(skipped.values()),
        skipped={reason: n for reason, n in skipped.items() if n},
        typed=True,
        how={"sheet": sheet},
    )


def _row_text(
    row: list[Any], width: int, formulas: set[str], *, file: str, number: int, problems: list[Problem]
) -> list[str]:
    texts = [""] * width
    for at, cell in enumerate(row):
        if cell.value is None and not (formulas and getattr(cell, "coordinate", "") in formulas):
            continue
        text, fault_found = _as_text(cell)
        place = f"{get_column_letter(at + 1)}{number}"
        if cell.value is None:
            fault_found = Message("the formula in cell {cell} without a saved result", cell=place)
        elif at >= width and text.strip():
            fault_found = Message("cell {cell}, right of the last name", cell=place)
        if fault_found:
            problems.append(
                Problem(
                    fault_found,
                    Message("values under the names of the columns"),
                    Message("open the file in Excel, replace it by its value (or clear it), and save"),
                    file=file,
                    row=number,
                )
            )
        elif at < width:
            texts[at] = text
    return texts


def _as_text(cell: Any) -> tuple[str, str]:
    """Return a cell as text, and what is wrong with it (empty if nothing)."""
    value = cell.value
    if value is None:
        return "", ""
    if cell.data_type == "e":
        return "", Message("the error {value} in cell {cell}", value=value, cell=cell.coordinate)
    if isinstance(value, bool):
        return ("true" if value else "false"), ""
    if isinstance(value, (int, float)):
        return _number_text(cell, value)
    if isinstance(value, datetime):
        return (
            value.date().isoformat()
            if value.time() == time()
            else value.isoformat(sep=" ", timespec="seconds")
        ), ""
    if isinstance(value, (date, time)):
        return value.isoformat(), ""
    return str(value), ""


def _number_text(cell: Any, value: float) -> tuple[str, str]:
    if abs(value) >= LOST_DIGITS and float(value).is_integer():
        return "", Message(
            "a number of more than 15 digits in cell {cell}: Excel has lost its last digits",
            cell=cell.coordinate,
        )
    if isinstance(value, float) and not value.is_integer():
        return repr(value), ""
    text = str(int(value))
    shown = str(cell.number_format or "")
    # A column formatted 00000 shows its codes with their leading zeros: those are the codes.
    return (text.zfill(len(shown)) if value >= 0 and re.fullmatch("0{2,}", shown) else text), ""
