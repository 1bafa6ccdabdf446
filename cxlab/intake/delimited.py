"""Delimited text: bytes to rows, strictly. A row that does not fit is named by its line, not bent."""

from __future__ import annotations

import csv
import gc
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.layouts import MOST_ROWS, Layout, heading, set_aside
from cxlab.intake.reading import Reading, checked_header, fault, framed, limited, unreadable

SEPARATORS = (",", ";", "\t", "|")
# Where two separators fit every row, one is taken only if it gives this many times the other's fields
# (a decimal comma in each row of a semicolon file).
CLEARLY_WIDER = 3
NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# What two-byte UTF-8 of the Latin letters looks like when it was read as latin-1 or cp1252.
_MOJIBAKE = re.compile(
    "[\u00c2\u00c3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]|\u00e2\u20ac|\u00e2\u0080"
)
_CONTROL = re.compile("[\u0080-\u0084\u0086-\u009f]")
Row = tuple[int, list[str]]


def read_delimited(
    content: bytes,
    *,
    file: str,
    encoding: str | None = None,
    separator: str | None = None,
    header_row: int = 1,
    header_rows: int = 1,
    layout: Layout = "plain",
    skip_after_header: int = 0,
    skip_at_end: int = 0,
) -> Reading:
    """Read delimited text.

    Parameters
    ----------
    content : bytes
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

    Raises
    ------
    InputError
        With the line, for anything that cannot be read as declared.
    """
    encoding, text = decoded(content, file=file, encoding=encoding)
    _refuse_damage(text, file=file, encoding=encoding)
    body, first = _from_line(text, header_row, file=file)
    separator = separator or _found_separator(body, file=file, first=first)
    rows = _rows(body, separator, file=file, first=first)
    header_line = rows[0][0]
    heads = heading(rows[: max(MOST_ROWS, header_rows)], file=file, layout=layout, header_rows=header_rows)
    header = checked_header(heads.names, file=file, row=header_line)
    data = rows[heads.rows :]
    full = [row for row in data if any(cell.strip() for cell in row[1])]
    skipped = Counter({"blank lines": len(data) - len(full), "header rows": len(full[:skip_after_header])})
    full = full[skip_after_header:]
    skipped["footer rows"] = len(full[len(full) - skip_at_end :]) if skip_at_end else 0
    full = full[: max(len(full) - skip_at_end, 0)]
    _refuse_ragged(full, len(header), file=file, separator=separator)
    _refuse_swallowed(full, len(header), file=file, separator=separator)
    why = set_aside(heads, lambda at: [row[at] for _, row in full])
    if why is not None:
        skipped.update(reason for reason in why if reason)
        full = [row for row, reason in zip(full, why, strict=True) if not reason]
    frame, lines = framed(
        [row for _, row in full], header, [line for line, _ in full], file=file, header_row=header_line
    )
    return Reading(
        frame=frame,
        lines=lines,
        read=len(frame) + sum(skipped.values()),
        skipped={reason: n for reason, n in skipped.items() if n},
        questions={
            name: asked for name, asked in zip(header, heads.questions, strict=True) if name and asked
        },
        how={"encoding": encoding, "separator": NAMED[separator]},
    )


def decoded(content: bytes, *, file: str, encoding: str | None) -> tuple[str, str]:
    """Return the encoding used and the text.

    Raises
    ------
    InputError
        If the bytes are not text in that encoding; names the line and, for Latin bytes, what to declare.
    """
    mark = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    chosen = mark or encoding or "utf-8"
    if mark and encoding and not _same_family(mark, encoding):
        raise fault(
            file,
            Message(
                "the byte-order mark of {mark}, declared as {encoding}",
                mark=mark.removesuffix("-sig"),
                encoding=encoding,
            ),
            Message("the encoding the file starts with"),
            Message("remove `encoding:` from client.yaml"),
            row=1,
        )
    try:
        return chosen.removesuffix("-sig"), content.decode(chosen)
    except UnicodeDecodeError as error:
        raise _undecodable(content, error, file=file, chosen=chosen) from None


def _same_family(mark: str, encoding: str) -> bool:
    marked, declared = (re.sub(r"[^a-z0-9]", "", each.lower()) for each in (mark, encoding))
    return marked.startswith(declared) or declared.startswith(marked)


def _undecodable(content: bytes, error: UnicodeDecodeError, *, file: str, chosen: str) -> InputError:
    at = error.start
    line = content.count(b"\n", 0, at) + 1
    byte = content[at : at + 1]
    high = set(content) & set(range(0x80, 0xA0))
    proposed = "cp1252" if high and not high & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"
    if not high:
        action = Message(
            "add `encoding: latin-1` (that byte is then {letter!r}), or save the file as UTF-8",
            letter=byte.decode("latin-1"),
        )
    elif proposed == "cp1252":
        action = Message(
            "add `encoding: cp1252` (that byte is then {letter!r}), or save the file as UTF-8",
            letter=byte.decode("cp1252", "replace"),
        )
    else:
        action = Message(
            "ask how it was saved (mac_roman?), declare it as `encoding:`, or save the file as UTF-8"
        )
    return fault(
        file,
        Message(
            "byte 0x{byte}, which is not {encoding} text",
            byte=byte.hex().upper(),
            encoding=chosen.removesuffix("-sig"),
        ),
        Message("UTF-8, UTF-16 with its mark, or the encoding declared"),
        action,
        row=line,
    )


def _refuse_damage(text: str, *, file: str, encoding: str) -> None:
    """Refuse text that was decoded but says it was damaged: NUL, lost characters, mojibake, C1 controls."""
    problems = []
    for found, pattern, action in (
        (Message("a NUL byte"), "\x00", Message("ask for the file again: it is damaged, or not text")),
        (
            Message("a lost character (U+FFFD)"),
            "\ufffd",
            Message("ask for the file again in UTF-8: letters were lost"),
        ),
        (
            Message(
                "UTF-8 letters read as {encoding}, such as {letters}",
                encoding=encoding,
                letters="\u00c3\u00b3",
            ),
            _MOJIBAKE,
            Message(
                "declare `encoding: utf-8`; if it already is, ask for the file again: it was saved twice"
            ),
        ),
        (
            Message("a control character (0x80 to 0x9F)"),
            _CONTROL,
            Message("declare `encoding: cp1252` (or mac_roman): those bytes are letters or quotes there"),
        ),
    ):
        at = (
            text.find(pattern)
            if isinstance(pattern, str)
            else getattr(pattern.search(text), "start", lambda: -1)()
        )
        if at >= 0:
            problems.append(
                Problem(found, Message("text as it was typed"), action, file=file, row=_line(text, at))
            )
    if problems:
        raise unreadable(file, problems)


def _line(text: str, at: int) -> int:
    before = text[:at]
    return before.count("\n") + before.replace("\r\n", "").count("\r") + 1


def _from_line(text: str, header_row: int, *, file: str) -> tuple[str, int]:
    """Return the text from the header's line on, and that line's number."""
    if not text.strip():
        raise fault(
            file,
            Message("an empty file"),
            Message("a header and rows"),
            Message("ask for the file again: the export may have failed"),
        )
    stream = io.StringIO(text, newline="")
    before = sum(len(line) for line in islice(stream, header_row - 1))
    if not text[before:].strip():
        raise fault(
            file,
            Message("fewer lines than header_row {row}", row=header_row),
            Message("a header and rows"),
            Message("correct header_row in client.yaml"),
        )
    blank = len(text[before:]) - len(text[before:].lstrip("\r\n"))
    lead = text[before : before + blank]
    return text[before + blank :], header_row + (_line(lead + "x", blank) - 1)


def _found_separator(body: str, *, file: str, first: int) -> str:
    """Return the one separator that gives every row as many fields as the header."""
    header = next(io.StringIO(body, newline=""))
    present = [each for each in SEPARATORS if each in header]
    if not present:
        # A title above the table has none; the rows under it then tell.
        return next((each for each in SEPARATORS if _separates_rows(body, each)), ",")
    widths = {each: width for each in present if (width := _whole_width(body, each))}
    whole = sorted(widths, key=lambda each: -widths[each])
    if len(whole) == 1 or (whole and widths[whole[0]] >= CLEARLY_WIDER * widths[whole[1]]):
        return whole[0]
    if not whole:
        # None fits: the one that the header uses most is the likeliest, and its misfits get named.
        counted = sorted(present, key=header.count, reverse=True)
        if len(counted) == 1 or header.count(counted[0]) > header.count(counted[1]):
            return counted[0]
    raise fault(
        file,
        Message(
            "separators that fit equally: {fitting}",
            fitting=", ".join(NAMED[each] for each in whole or present),
        ),
        Message("one separator for every row"),
        Message("declare `separator:` in client.yaml"),
        row=first,
    )


def _separates_rows(body: str, separator: str) -> bool:
    try:
        widths = Counter(len(row) for row in _parsed(body, separator) if row)
    except csv.Error:
        return False
    width, rows = widths.most_common(1)[0]
    return width > 1 and 2 * rows > widths.total() - 1


def _whole_width(body: str, separator: str) -> int:
    """Return how many fields every row has, 0 if they differ or there is only one."""
    try:
        widths = {len(row) for row in _parsed(body, separator) if row}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 and widths != {1} else 0


def _parsed(body: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)


def _rows(body: str, separator: str, *, file: str, first: int) -> list[Row]:
    """Return every record with the line it starts on."""
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    start = first
    collecting = gc.isenabled()
    gc.disable()  # hundreds of thousands of lists, and never a cycle to look for
    try:
        for row in reader:
            rows.append((start, row))
            start = first + reader.line_num
    except csv.Error as error:
        raise _misquoted(str(error), file=file, start=start, last=first + reader.line_num - 1) from None
    finally:
        if collecting:
            gc.enable()
    return rows


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


def _refuse_ragged(rows: list[Row], width: int, *, file: str, separator: str) -> None:
    wrong = [(line, row) for line, row in rows if len(row) != width]
    if not wrong:
        return
    action = _ragged_action(rows, wrong, width, separator)
    problems = [
        Problem(
            Message("{found} fields", found=len(row)),
            Message("{width} fields, as in the header", width=width),
            action,
            file=file,
            row=line,
        )
        for line, row in wrong
    ]
    raise unreadable(file, limited(problems, file=file))


def _ragged_action(rows: list[Row], wrong: list[Row], width: int, separator: str) -> str:
    usual, times = Counter(len(row) for _, row in rows).most_common(1)[0]
    digits = [sum(bool(re.fullmatch(r'"?\d+"?', each.strip())) for each in row) for _, row in wrong]
    if separator == "," and all(len(row) > width for _, row in wrong) and min(digits) >= 2:
        return Message(
            "it looks like decimal commas between commas: ask for the file with semicolons, or with quotes"
        )
    if usual != width and times > len(rows) / 2:
        line = next(line for line, row in rows if len(row) == usual)
        return Message(
            "most rows have {usual} fields: if the names stand on line {line}, declare header_row: {line}",
            usual=usual,
            line=line,
        )
    return Message("correct that line: a separator inside a text needs quotes around the text")


def _refuse_swallowed(rows: list[Row], width: int, *, file: str, separator: str) -> None:
    """Refuse a field that holds whole lines of the table: a stray quote ate them."""
    if not rows or rows[-1][0] - rows[0][0] == len(rows) - 1:
        return  # a line each: no field holds a line
    problems = [
        Problem(
            Message("a quoted field that holds other lines of the table"),
            Message("one row on one record"),
            Message("a stray quote opens on that line: remove it, or double it"),
            file=file,
            row=line,
        )
        for line, row in rows
        for at, value in enumerate(row)
        if ("\n" in value or "\r" in value) and width > 1 and _holds_lines(value, row, at, separator)
    ]
    if problems:
        raise unreadable(file, limited(problems, file=file))


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
