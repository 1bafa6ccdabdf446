"""The cells of one sheet as they stand in its XML: text, kind and row, streamed.

Formatted cells without a value cost nothing, and what lies far under the table is found without parsing
what is between.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openpyxl.utils import get_column_letter

from cxlab.errors import InputError, Message
from cxlab.intake.files.reading import fault
from cxlab.intake.files.xmlparts import not_a_workbook

MOST_EMPTY_ROWS = 1_000
MOST_WORKBOOK_CELLS = 50_000_000
# Formatted cells without a value, beyond four for each cell that has one.
MOST_EMPTY_CELLS = 1_000_000
# No cell of Excel holds more.
LONGEST_TEXT = 32_767
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
# Beyond 15 digits Excel itself has replaced the rest by zeros.
LOST_DIGITS = 10**15
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is|f)[\s>/]")
_SHEET_END = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_PLACE = re.compile(rb'\sr="([A-Z]{1,3}[0-9]{1,7})"')

# Kinds of cells: text, number, date, truth value; and what has no value to read.
TEXT, NUMBER, DATE, TRUTH, ERROR, UNSAVED, LOST, BLANK = "tndbeflx"


@dataclass(frozen=True)
class Row:
    """One row that holds anything, cut after its last filled cell.

    `kinds` has one letter for each cell; `hidden` tells that a person does not see the row.
    """

    number: int
    texts: list[str]
    kinds: str
    hidden: bool = False


@dataclass
class Grid:
    """The filled rows of a sheet, its merged ranges and hidden columns (first and last, from 1)."""

    rows: list[Row] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    filtered: bool = False


@dataclass(frozen=True)
class Style:
    """How a number is shown: as a date, a duration, or with leading zeros."""

    date: bool = False
    duration: bool = False
    zeros: int = 0


class Written:
    """Text being read: pieces of runs together, guides to pronunciation left out."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._pieces: list[str] = []
        self._length = 0
        self.listening = self.guide = False

    def text(self, data: str) -> None:
        """Take some text, where it is listened to."""
        if self.listening:
            self._pieces.append(data)
            self._length += len(data)
            if self._length > LONGEST_TEXT:
                raise fault(
                    self._file,
                    Message("a cell of more than {n} characters", n=LONGEST_TEXT),
                    Message("what a cell of Excel can hold"),
                    Message("ask for the file again: it is damaged, or made to harm"),
                )

    def taken(self) -> str:
        """Return the text so far, and start anew."""
        text = "".join(self._pieces)
        self._pieces, self._length = [], 0
        return text


def unescaped(text: str) -> str:
    """Return text with the characters that XML cannot hold, which Excel writes as _x000D_."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def too_much(file: str, found: str, row: int = 0) -> InputError:
    """Return the error of a sheet beyond the limits."""
    return fault(file, found, Message("a table"), Message("save the sheet as CSV or Parquet"), row=row)


class Cells(Written):
    """The cells of a sheet as they come."""

    def __init__(self, file: str, texts: list[str], styles: list[Style], *, old_epoch: bool) -> None:
        super().__init__(file)
        self.grid = Grid()
        self.root = b""
        # Set once many rows were empty: then only what is filled matters.
        self.far_below = False
        self.carried = b""
        self._shared, self._styles, self._old_epoch = texts, styles, old_epoch
        self._columns: dict[str, int] = {}
        self._number = self._last = self._column = 0
        self._filled = self._empty = 0
        self._hidden = self._formula = self._in_data = False
        self._value: str | None = None
        self._type, self._style = "n", ""
        self._texts: list[str] = []
        self._kinds: list[str] = []
        self._starts: dict[str, Callable[[dict[str, str]], None]] = {
            "row": self._start_row,
            "c": self._start_cell,
            "col": self._hidden_columns,
            "mergeCell": lambda given: self.grid.merged.append(given.get("ref", "")),
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        local = name.rpartition(":")[2]
        if local in ("v", "t"):
            self.listening = not self.guide
        elif local == "f":
            self._formula = True
        elif local in self._starts:
            self._starts[local](attributes)
        elif local == "sheetData":
            self._in_data = True
        elif local == "rPh":
            self.guide = True
        elif local == "autoFilter":
            self.grid.filtered = True
        if not self.root:
            self.root = name.encode()

    def end(self, name: str) -> None:
        """Take the end of an element."""
        local = name.rpartition(":")[2]
        if local in ("v", "t"):
            self.listening = False
            self._value = (self._value or "") + self.taken()
        elif local == "c":
            self._end_cell()
        elif local == "row":
            self._end_row()
        elif local == "rPh":
            self.guide = False
        elif local == "sheetData":
            self._in_data = False

    def _hidden_columns(self, given: dict[str, str]) -> None:
        if given.get("hidden") in ("1", "true") or given.get("width") == "0":
            first, last = given.get("min", ""), given.get("max", "")
            if first.isdecimal() and last.isdecimal():
                self.grid.hidden_columns.append((int(first), int(last)))

    def _start_row(self, given: dict[str, str]) -> None:
        number = given.get("r", "")
        before = self._number
        self._number = int(number) if number.isdecimal() and len(number) <= 7 else before + 1
        if not before < self._number <= LAST_ROW:
            raise not_a_workbook(
                self._file, Message("row {row} after row {before}", row=self._number, before=before)
            )
        self._hidden = given.get("hidden") in ("1", "true") or given.get("ht") == "0"
        self._column, self._texts, self._kinds = 0, [], []

    def _start_cell(self, given: dict[str, str]) -> None:
        place = given.get("r", "")
        before = self._column
        if place:
            letters = place.rstrip("0123456789")
            column = self._columns.get(letters) or self._known_column(letters)
            if place[len(letters) :] != str(self._number):
                raise not_a_workbook(
                    self._file, Message("cell {cell} in row {row}", cell=place[:20], row=self._number)
                )
        else:
            column = before + 1
        if not before < column <= LAST_COLUMN:
            raise not_a_workbook(self._file, Message("cells of row {row} out of order", row=self._number))
        self._column, self._value, self._formula = column, None, False
        self._type, self._style = given.get("t", "n"), given.get("s", "")

    def _known_column(self, letters: str) -> int:
        number = 0
        for letter in letters if re.fullmatch("[A-Z]{1,3}", letters) else "":
            number = 26 * number + ord(letter) - 64
        self._columns[letters] = number
        return number

    def _end_cell(self) -> None:
        if self._value is None and not self._formula:
            self._empty += 1
            if self._empty > MOST_EMPTY_CELLS + 4 * self._filled:
                found = Message("more than {n} formatted cells without a value", n=self._empty - 1)
                raise too_much(self._file, found, self._number)
            return
        text, kind = self._read()
        if kind == TEXT and not text:
            return
        gap = self._column - len(self._texts) - 1
        if gap:
            self._texts += [""] * gap
            self._kinds += BLANK * gap
        self._texts.append(text)
        self._kinds.append(kind)
        self._filled += 1

    def _end_row(self) -> None:
        if self._filled + self._empty > MOST_WORKBOOK_CELLS:
            raise too_much(self._file, Message("more than {n} cells", n=MOST_WORKBOOK_CELLS), self._number)
        if self._texts:
            if self._number - self._last > MOST_EMPTY_ROWS:
                column = next(at for at, kind in enumerate(self._kinds, 1) if kind != BLANK)
                raise self.alone(get_column_letter(column) + str(self._number))
            self._last = self._number
            kinds = sys.intern("".join(self._kinds))
            self.grid.rows.append(Row(self._number, self._texts, kinds, self._hidden))
        elif self._number - self._last > MOST_EMPTY_ROWS:
            self.far_below = True

    def alone(self, place: str) -> InputError:
        """Return the error of a cell far under the table."""
        number = int(re.sub(r"\D", "", place) or 0)
        return fault(
            self._file,
            Message(
                "a cell {cell} alone, {n} empty rows under the table", cell=place, n=number - self._last - 1
            ),
            Message("one table"),
            Message("delete what is under the table and save the file"),
            row=number,
        )

    def _read(self) -> tuple[str, str]:
        """Return the cell's text and its kind."""
        value, stored = self._value, self._type
        if value is None or (value == "" and stored not in ("s", "str", "inlineStr")):
            return "", UNSAVED if self._formula else TEXT
        if stored == "s":
            at = int(value) if value.isdecimal() else -1
            if not 0 <= at < len(self._shared):
                raise not_a_workbook(self._file, Message("a text of row {row} is missing", row=self._number))
            return self._shared[at], TEXT
        if stored in ("str", "inlineStr"):
            return unescaped(value), TEXT
        if stored == "b":
            return "true" if value == "1" else "false", TRUTH
        if stored == "e":
            return value, ERROR
        if stored == "d":
            return value.replace("T", " ").removesuffix("Z").removesuffix(" 00:00:00"), DATE
        return self._number_read(value)

    def _number_read(self, value: str) -> tuple[str, str]:
        try:
            number = float(value)
        except ValueError:
            raise not_a_workbook(
                self._file, Message("a number of row {row} is none", row=self._number)
            ) from None
        at = int(self._style) if self._style.isdecimal() else 0
        style = self._styles[at] if at < len(self._styles) else Style()
        if style.date or style.duration:
            return _moment(number, style, old_epoch=self._old_epoch)
        if not number.is_integer():
            return repr(number), NUMBER
        if abs(number) >= LOST_DIGITS:
            return "", LOST
        # A column formatted 00000 shows its codes with their leading zeros: those are the codes.
        return str(int(number)).zfill(style.zeros if number >= 0 else 0), NUMBER


def _moment(number: float, style: Style, *, old_epoch: bool) -> tuple[str, str]:
    """Return a serial number as the date, time or duration that is shown, to the second."""
    seconds = round(number * 86_400)
    if style.duration:
        hours, rest = divmod(abs(seconds), 3_600)
        return f"{'-' if seconds < 0 else ''}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}", DATE
    if not 0 <= number < 2_958_466:
        return "#####", ERROR
    if number < 1:
        return str((datetime(2000, 1, 1) + timedelta(seconds=seconds)).time()), DATE
    # Excel's calendar has a 29 February 1900, so that its first 59 days are one number short.
    origin = datetime(1904, 1, 1) if old_epoch else datetime(1899, 12, 31 if number < 60 else 30)
    text = (origin + timedelta(seconds=seconds)).isoformat(sep=" ")
    return text.removesuffix(" 00:00:00"), DATE


def skimmed(piece: bytes, cells: Cells) -> bytes | None:
    """Look through rows far below for a filled cell; return what follows the last row, None if it goes on."""
    data = cells.carried + piece
    end = _SHEET_END.search(data)
    rows = data[: end.start()] if end else data
    found = _VALUE.search(rows)
    if found:
        place = _PLACE.findall(rows, 0, found.start())
        raise cells.alone((place[-1] if place else b"A1048576").decode())
    cells.carried = data[-400:]
    return data[end.end() :] if end else None
