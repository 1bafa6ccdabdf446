"""Lines of delimited text to columns, strictly: a record that does not fit is named by its line, not bent.

A block of text whose records are lines and whose quotes are well formed is split by arrow; any other goes
through the exact parser, which knows the line of each record and says what is wrong with it.
"""

from __future__ import annotations

import csv
import gc
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as pc

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.files.quotes import Quotes
from cxlab.intake.files.reading import MOST_SHOWN, fault, limited, unreadable

Row = tuple[int, list[str]]


@dataclass
class Records:
    """The records of a block.

    Attributes
    ----------
    columns : list of arrow arrays
        One of text for each column.
    lines : ndarray of int
        The line on which each record starts.
    blank : int
        Records without any text.
    under, footers : int
        Records left out at the top and at the end.
    rest : str
        Lines of a record that goes on after the block.
    """

    columns: list[Any]
    lines: npt.NDArray[np.int64]
    blank: int = 0
    under: int = 0
    footers: int = 0
    rest: str = ""


@dataclass
class Parser:
    """How the records of one file are read, and the misfits found so far."""

    file: str
    separator: str
    width: int
    misfits: Misfits = field(init=False)
    quotes: Quotes = field(init=False)

    def __post_init__(self) -> None:
        self.quotes = Quotes(self.file, self.separator)
        self.misfits = Misfits(self.file, self.separator, self.width)

    def parse(self, text: str, first: int, *, last: bool, under: int = 0, footers: int = 0) -> Records:
        """Return the records of whole lines.

        Parameters
        ----------
        text : str
        first : int
            Line on which it starts.
        last : bool
            Whether the file ends with it.
        under, footers : int
            Records to leave out at the top and at the end.

        Raises
        ------
        InputError
            If quotes do not close; names the line.
        """
        if not (under or footers) and (swift := self._swift(text)) is not None:
            lines = np.arange(first, first + len(swift[0]), dtype=np.int64)
            self.misfits.fitting += len(lines)
            return Records(swift, lines)
        return self._exact(text, first, last=last, under=under, footers=footers)

    def head(self, text: str, first: int, most: int, *, last: bool) -> tuple[list[Row], list[int]]:
        """Return the first records with their line, and how many lines there are up to the end of each.

        Raises
        ------
        InputError
            If quotes do not close; names the line.
        """
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, strict=True)
        rows: list[Row] = []
        ends: list[int] = []
        try:
            for row in islice(reader, most):
                rows.append((first + (ends[-1] if ends else 0), row))
                ends.append(reader.line_num)
        except csv.Error as error:
            if last or not rows or "unexpected end" not in str(error):
                start, stop = first + (ends[-1] if ends else 0), first + reader.line_num - 1
                raise _misquoted(str(error), file=self.file, start=start, last=stop) from None
        return rows, ends

    def _swift(self, text: str) -> list[Any] | None:
        """Split lines that are one record each; None if some line is not, or may not be."""
        if "\r" in text and text.count("\r") != text.count("\r\n"):
            return None
        raw = text.encode()
        ends = np.flatnonzero(np.frombuffer(raw, dtype=np.uint8) == 10)
        if not len(ends) or np.diff(ends, prepend=-1, append=len(raw)).max() > csv.field_size_limit():
            return None
        quoted = b'"' in raw
        if quoted and not _well_quoted(raw, self.separator, ends):
            return None
        names = [str(at) for at in range(self.width)]
        try:
            table = pc.read_csv(
                pa.BufferReader(raw),
                read_options=pc.ReadOptions(column_names=names, block_size=max(len(raw) // 4, 1 << 20)),
                parse_options=pc.ParseOptions(
                    delimiter=self.separator, quote_char='"' if quoted else False, ignore_empty_lines=False
                ),
                convert_options=pc.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        if table.num_rows != len(ends) + (not raw.endswith(b"\n")) or _some_blank(table):
            return None
        self.quotes.used = self.quotes.used or quoted
        columns: list[Any] = table.columns
        return columns

    def _exact(self, text: str, first: int, *, last: bool, under: int, footers: int) -> Records:
        rows, rest = self._rows(text, first, last=last)
        full = [row for row in rows if "".join(row[1]).strip()]
        records = Records([], np.empty(0, dtype=np.int64), blank=len(rows) - len(full), rest=rest)
        records.under, full = len(full[:under]), full[under:]
        if footers:
            records.footers, full = len(full[-footers:]), full[:-footers]
        self.misfits.take(full)
        if self.misfits.wrong:
            full = []  # the file will be refused: its rows are only counted
        records.lines = np.array([line for line, _ in full], dtype=np.int64)
        cells = list(zip(*(row for _, row in full), strict=True)) or [()] * self.width
        records.columns = [pa.array(column, pa.string()) for column in cells]
        return records

    def _rows(self, text: str, first: int, *, last: bool) -> tuple[list[Row], str]:
        """Return every record with the line it starts on, and the lines of one that goes on."""
        lines = list(io.StringIO(text, newline=""))
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        rows: list[Row] = []
        start = 0
        quoted = '"' in text
        collecting = gc.isenabled()
        gc.disable()  # hundreds of thousands of lists, and never a cycle to look for
        try:
            for row in reader:
                rows.append((first + start, row))
                if quoted:
                    self.quotes.look("".join(lines[start : reader.line_num]), first + start)
                start = reader.line_num
        except csv.Error as error:
            if not last and "unexpected end" in str(error):
                return rows, "".join(lines[start:])
            ends = first + reader.line_num - 1
            raise _misquoted(str(error), file=self.file, start=first + start, last=ends) from None
        finally:
            if collecting:
                gc.enable()
        return rows, ""


def _well_quoted(raw: bytes, separator: str, ends: npt.NDArray[np.intp]) -> bool:
    """Tell whether quotes enclose whole fields, two of them stand for one inside, and no line ends inside."""
    text = np.frombuffer(raw, dtype=np.uint8)
    at = np.flatnonzero(text == 34)
    if len(at) % 2 or bool((np.searchsorted(at, ends) % 2).any()):
        return False
    edge = np.zeros(256, dtype=bool)
    edge[[ord(separator), 10, 13]] = True
    opening, closing = at[::2], at[1::2]
    escaped = np.zeros(len(opening) + 1, dtype=bool)
    escaped[1:-1] = closing[:-1] + 1 == opening[1:]
    starts = edge[text[opening - 1]] | escaped[:-1]
    starts[0] |= opening[0] == 0
    finishes = edge[text[np.minimum(closing + 1, len(text) - 1)]] | escaped[1:]
    finishes[-1] |= closing[-1] == len(text) - 1
    return bool(starts.all() and finishes.all())


def _some_blank(table: Any) -> bool:
    """Tell whether some record may have no text in any cell."""
    rows = table
    for at in range(table.num_columns):
        rows = rows.filter(compute.equal(compute.utf8_ltrim_whitespace(rows.column(at)), ""))
        if not rows.num_rows:
            return False
    return True


def _misquoted(why: str, *, file: str, start: int, last: int) -> InputError:
    if "field larger" in why:
        found = Message(
            "a field of more than {n} characters: a quote was opened and not closed", n=csv.field_size_limit()
        )
    elif "unexpected end" in why:
        found = Message("a quote opened in this record and not closed until the end of the file")
    elif "expected after" in why:
        found = Message("a quote in the middle of a field (the record ends on line {last})", last=last)
    else:
        found = Message("a record that cannot be parsed ({why})", why=why)
    return fault(
        file,
        found,
        Message('quotes around whole fields only, and "" for a quote inside one'),
        Message("correct the quotes of that line in the file, or ask for the file again"),
        row=start,
    )


@dataclass
class Misfits:
    """Records that are not as wide as the header, and fields that swallowed lines of the table."""

    file: str
    separator: str
    width: int
    fitting: int = 0
    wrong: int = 0
    shown: list[Row] = field(default_factory=list)
    swallowed: list[Problem] = field(default_factory=list)
    widths: Counter[int] = field(default_factory=Counter)
    firsts: dict[int, int] = field(default_factory=dict)
    least_digits: int = 99

    def take(self, rows: list[Row]) -> None:
        """Look at the records of a block."""
        wrong = [(line, row) for line, row in rows if len(row) != self.width]
        self.fitting += len(rows) - len(wrong)
        self.wrong += len(wrong)
        self.shown += wrong[: MOST_SHOWN + 1 - len(self.shown)]
        for line, row in wrong:
            self.widths[len(row)] += 1
            self.firsts.setdefault(len(row), line)
            digits = sum(bool(re.fullmatch(r'"?\d+"?', each.strip())) for each in row)
            self.least_digits = min(self.least_digits, digits)
        if (
            self.width > 1 and rows and rows[-1][0] - rows[0][0] != len(rows) - 1
        ):  # else a line each: no field holds a line
            self.swallowed += self._swallowed(rows)

    def _swallowed(self, rows: list[Row]) -> list[Problem]:
        """Refuse a field that holds whole lines of the table: a stray quote ate them."""
        return [
            Problem(
                Message("a quoted field that holds other lines of the table"),
                Message("one row on one record"),
                Message("a stray quote opens on that line: remove it, or double it"),
                file=self.file,
                row=line,
            )
            for line, row in rows
            for at, value in enumerate(row)
            if ("\n" in value or "\r" in value) and _holds_lines(value, row, at, self.separator)
        ]

    def refuse(self, *, header_row: int, cut_line: int = 0, misquoted: Sequence[Problem] = ()) -> None:
        """Refuse the file for its misfits.

        Parameters
        ----------
        header_row : int
            Line of the names.
        cut_line : int
            The last line, if the file stops in the middle of it: it may be a record cut short.
        misquoted : sequence of Problem
            Records whose quotes are not as they must be.

        Raises
        ------
        InputError
            With the first records that do not fit, and how many more.
        """
        if self.wrong:
            action = self._action()
            problems = [
                Problem(
                    Message("{found} fields", found=len(row)),
                    Message("{width} fields, as in the header", width=self.width),
                    _CUT if line == cut_line and len(row) < self.width else action,
                    file=self.file,
                    row=line,
                )
                for line, row in self.shown
            ]
            found = [*misquoted, *self._header(header_row), *self._summed(problems)]
            raise unreadable(self.file, found)
        if misquoted or self.swallowed:
            raise unreadable(self.file, [*misquoted, *limited(self.swallowed, file=self.file)])

    def _header(self, row: int) -> list[Problem]:
        """Return the problem of a header that no row is as wide as."""
        if self.fitting or len(self.widths) > 1:
            return []
        usual = next(iter(self.widths))
        return [
            Problem(
                Message("{width} names over rows of {usual} fields", width=self.width, usual=usual),
                Message("a name for each field"),
                self._action(),
                file=self.file,
                row=row,
            )
        ]

    def _summed(self, problems: list[Problem]) -> list[Problem]:
        if self.wrong <= MOST_SHOWN:
            return problems
        more = Message("{n} more like these", n=self.wrong - MOST_SHOWN)
        rest = problems[MOST_SHOWN]
        return [
            *problems[:MOST_SHOWN],
            Problem(
                more,
                rest.allowed,
                rest.action,
                file=self.file,
                row=rest.row,
                count=self.wrong - MOST_SHOWN,
            ),
        ]

    def _action(self) -> str:
        if self.separator == "," and min(self.widths) > self.width and self.least_digits >= 2:
            return Message(
                "it looks like decimal commas between commas: ask for the file with semicolons, "
                "or with quotes"
            )
        usual, times = self.widths.most_common(1)[0]
        if times > (self.wrong + self.fitting) / 2:
            return Message(
                "most rows have {usual} fields: if the names stand on line {line}, "
                "declare header_row: {line}",
                usual=usual,
                line=self.firsts[usual],
            )
        return Message("correct that line: a separator inside a text needs quotes around the text")


_CUT = Message("the file ends in the middle of that line: it was cut on its way, ask for it again")


def _holds_lines(value: str, row: list[str], at: int, separator: str) -> bool:
    """Tell whether a field's lines look like rows: as many separators, a first cell of the same make."""
    first, *inner, last = re.split(r"\r\n|\n|\r", value)
    width = len(row)

    def alike(line: str) -> bool:
        return width >= 4 or _make(line.split(separator)[0]) == _make(row[0].split("\n")[0])

    if any(line.count(separator) == width - 1 and alike(line) for line in inner):
        return True
    split = first.count(separator) == width - 1 - at and last.count(separator) == at
    return split and at > 0 and alike(last)


def _make(cell: str) -> str:
    """Return the shape of a cell: digits as 9, letters as a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip().strip('"')))
