"""Delimited text: bytes to columns, strictly and block by block; a file is never in memory as a whole."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cxlab.errors import InputError, Message
from cxlab.intake.coded import Coded
from cxlab.intake.files.blocks import Block, Blocks, line_ends
from cxlab.intake.files.layouts import MOST_ROWS, Heading, Layout, heading, set_aside
from cxlab.intake.files.reading import Progress, Reading, Wanted, checked_header, fault, held
from cxlab.intake.files.records import Parser
from cxlab.intake.files.separators import NAMED, found_separator


def read_delimited(
    content: bytes | Path,
    *,
    file: str,
    encoding: str | None = None,
    separator: str | None = None,
    header_row: int = 1,
    header_rows: int = 1,
    layout: Layout = "plain",
    skip_after_header: int = 0,
    skip_at_end: int = 0,
    wanted: Wanted | None = None,
    progress: Progress | None = None,
) -> Reading:
    """Read delimited text.

    Parameters
    ----------
    content : bytes or path
    file : str
        What the messages call it.
    encoding, separator : str, optional
        As declared; else found: a byte-order mark or UTF-8, and the one separator that gives every
        row the same number of fields.
    header_row : int
        Line of the names, from 1.
    header_rows, layout
        How the rows from there on make the names; see `layouts.heading`.
    skip_after_header, skip_at_end : int
        Records under the header and at the end that are not data.
    wanted : callable, optional
        Given all headers, returns those whose cells are kept; all, if not given.
    progress : callable, optional
        Called with the rows read and the share of the file, block by block.

    Raises
    ------
    InputError
        With the line, for anything that cannot be read as declared.
    """
    blocks = Blocks(content, file=file, encoding=encoding)
    stream = iter(blocks)
    body, first, last = _from_header(stream, header_row, file=file)
    separator = separator or found_separator(
        body, lambda: _lines(Blocks(content, file=file, encoding=encoding), first), file=file, first=first
    )
    try:
        rows, ends = Parser(file, separator, 0).head(body, first, max(MOST_ROWS, header_rows), last=last)
        heads = heading(rows, file=file, layout=layout, header_rows=header_rows)
        header = checked_header(heads.names, file=file, row=first)
        table = _Table(Parser(file, separator, len(header)), heads, header, wanted, skip_after_header)
        under = body[_offset(body, ends[heads.rows - 1]) :]
        for start, end in zip([0, *ends], ends[: heads.rows], strict=False):
            record = body[_offset(body, start) : _offset(body, end)]
            table.parser.quotes.look(record, first + start)
        table.take(Block(under, 0.0, last), first + ends[heads.rows - 1], footers=skip_at_end)
        for block in stream:
            if progress is not None:
                progress(table.rows, block.share)
            table.take(block, table.next_line, footers=skip_at_end)
        if progress is not None:
            progress(table.rows, 1.0)
    except InputError:
        for _ in stream:
            pass  # what no line of the file should hold is told first
        blocks.refuse_damage()
        raise
    blocks.refuse_damage()
    table.parser.misfits.refuse(
        header_row=first,
        cut_line=0 if blocks.ended else table.last_line,
        misquoted=table.parser.quotes.problems(),
    )
    how = {"encoding": blocks.encoding, "separator": NAMED[separator]}
    reading = table.reading(file=file, header_row=first, how=how)
    return reading if blocks.ended else replace(reading, notes=[*reading.notes, _unended(file)])


def _unended(file: str) -> Message:
    return Message(
        "{file}: the last line has no end: if the file was cut on its way, its last value is not whole",
        file=file,
    )


def _from_header(stream: Iterator[Block], header_row: int, *, file: str) -> tuple[str, int, bool]:
    """Return the first text from the header's line on, that line, and whether the file ends with it."""
    skip, line, empty = header_row - 1, 1, True
    for block in stream:
        text = block.text
        empty = empty and not text.strip()
        if skip:
            lines = list(islice(io.StringIO(text, newline=""), skip))
            skip, line = skip - len(lines), line + len(lines)
            text = text[sum(map(len, lines)) :]
        body = text.lstrip("\r\n")
        line += line_ends(text[: len(text) - len(body)])
        if body.strip() or (body and not block.last):
            return body, line, block.last
    if empty:
        raise fault(
            file,
            Message("an empty file"),
            Message("a header and rows"),
            Message("ask for the file again: the export may have failed"),
        )
    raise fault(
        file,
        Message("fewer lines than header_row {row}", row=header_row),
        Message("a header and rows"),
        Message("correct header_row in client.yaml"),
    )


def _lines(blocks: Blocks, first: int) -> Iterator[str]:
    """Give every line of a file from `first` on."""
    lines = (line for block in blocks for line in io.StringIO(block.text, newline=""))
    return islice(lines, first - 1, None)


def _offset(text: str, lines: int) -> int:
    """Return where the line after so many lines starts."""
    return sum(map(len, islice(io.StringIO(text, newline=""), lines)))


class _Table:
    """The columns of a file as they grow, block by block."""

    def __init__(
        self,
        parser: Parser,
        heads: Heading,
        header: list[str],
        wanted: Wanted | None,
        skip_after_header: int,
    ) -> None:
        self.parser, self.heads, self.header = parser, heads, header
        asked = set(header) if wanted is None else set(wanted([name for name in header if name]))
        told = {heads.status, heads.channel}
        # A column without a name is kept until it is known whether it is empty.
        self.parts: dict[int, list[Any]] = {
            at: [] for at, name in enumerate(header) if not name or name in asked or at in told
        }
        self.lines: list[Any] = []
        self.skipped: Counter[str] = Counter()
        self.under = skip_after_header
        self.rows = self.next_line = self.last_line = 0
        self.rest = ""

    def take(self, block: Block, first: int, *, footers: int) -> None:
        """Add the records of a block that starts on line `first`."""
        text = self.rest + block.text
        records = self.parser.parse(
            text, first, last=block.last, under=self.under, footers=footers if block.last else 0
        )
        self.under -= records.under
        self.rest = records.rest
        self.next_line = first + line_ends(text) - line_ends(self.rest)
        self.last_line = self.next_line if not text.endswith(("\n", "\r")) else self.next_line - 1
        self.rows += len(records.lines)
        self.lines.append(records.lines)
        self.skipped += Counter(
            {"blank lines": records.blank, "header rows": records.under, "footer rows": records.footers}
        )
        for at, parts in self.parts.items():
            column = records.columns[at]
            if len(column):
                parts.append(column.dictionary_encode())

    def reading(self, *, file: str, header_row: int, how: dict[str, str]) -> Reading:
        """Return what was read.

        Raises
        ------
        InputError
            If there is no row.
        """
        lines = np.concatenate(self.lines)
        self.lines.clear()
        columns = {}
        for at in list(self.parts):
            columns[at] = Coded.joined(self.parts.pop(at))
        if lines.size:
            why = set_aside(self.heads, lambda at: columns[at])
            if why is not None:
                kept = why == ""
                self.skipped.update(Counter(why[~kept].tolist()))
                lines, columns = lines[kept], {at: column.kept(kept) for at, column in columns.items()}
        headers, found = held(columns, self.header, rows=len(lines), file=file, header_row=header_row)
        return Reading(
            headers=headers,
            columns=found,
            lines=lines,
            read=len(lines) + self.skipped.total(),
            skipped={reason: n for reason, n in self.skipped.items() if n},
            questions=self.heads.asked(self.header),
            how=how,
        )
