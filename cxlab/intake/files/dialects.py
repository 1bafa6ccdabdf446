"""How a delimited text is written: its separator, its quotes, where its names stand, its number marks."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cxlab.errors import Message
from cxlab.intake.files.headers import Header, found_header
from cxlab.intake.privacy.identifiers import ip_written

SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
RECORDS = 400
TAIL_LINES = 40
_COMMA = re.compile(r"[-+]?\d+,\d+")
_POINT = re.compile(r"[-+]?\d+\.\d+")
_GROUPED = {
    ".": re.compile(r"[-+]?\d{1,3}(?:\.\d{3})+(?:,\d+)?"),
    ",": re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"),
    " ": re.compile(r"[-+]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?"),
}


@dataclass(frozen=True)
class Dialect:
    """How a delimited text is written, how sure it is, and why."""

    separator: str
    header: Header
    first_line: int
    confidence: float
    evidence: tuple[Message, ...]


def found_dialect(text: str) -> Dialect:
    r"""Return how a delimited text is written.

    Examples
    --------
    >>> found_dialect("a;b\n1,5;2\n3,5;4\n").separator
    ';'
    """
    parsed = {each: _records(text, each) for each in SEPARATORS}
    scores = {each: _regularity(rows) for each, rows in parsed.items()}
    best, second = sorted(scores, key=lambda each: -scores[each][0])[:2]
    records = parsed[best]
    cells = [row for _, row in records]
    header = found_header(cells, [row for _, row in _records(_tail(text), best)])
    first = records[header.at][0] if records else 1
    fit, width, share = scores[best]
    evidence = [
        Message(
            "{separator}: {width} fields in {share} % of {n} records",
            separator=SEPARATOR_NAMES[best],
            width=width,
            share=round(100 * share),
            n=len(records),
        )
    ]
    if scores[second][0] > 0:
        evidence.append(
            Message(
                "{separator}: {width} fields in {share} %",
                separator=SEPARATOR_NAMES[second],
                width=scores[second][1],
                share=round(100 * scores[second][2]),
            )
        )
    alone = bool(records) and len(records[header.at][1]) > 1 and second not in "".join(records[header.at][1])
    sure = 0.95 if share > 0.9 and (alone or fit > 1.5 * scores[second][0]) else 0.5
    if '"' not in text and re.search(rf"(?m)(?:^|{re.escape(best)})'[^'\n]*'(?:{re.escape(best)}|$)", text):
        evidence.append(Message("single quotes around texts: they are read as part of the text"))
        sure = min(sure, 0.5)
    return Dialect(best, header, first, sure, tuple(evidence))


def _records(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return the first records with the line each starts on, as far as they can be parsed."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for row in reader:
            rows.append((start, row))
            start = reader.line_num + 1
            if len(rows) >= RECORDS:
                break
    except csv.Error:
        pass
    return rows


def _regularity(rows: Sequence[tuple[int, list[str]]]) -> tuple[float, int, float]:
    """Return how well the records agree in width: a score, the width, and the share that has it."""
    widths = Counter(len(row) for _, row in rows if any(cell.strip() for cell in row))
    wide = {width: n for width, n in widths.items() if width > 1}
    if not wide:
        return 0.0, 1, 1.0
    width = max(wide, key=lambda each: (wide[each], each))
    share = wide[width] / widths.total()
    return share**2 * min(width, 12) ** 0.5, width, share


def _tail(text: str) -> str:
    lines = text.rstrip("\r\n").splitlines(keepends=True)
    return "".join(lines[-TAIL_LINES:])


@dataclass(frozen=True)
class NumberMarks:
    """The decimal and thousands marks of a file's numbers, how sure they are, and why."""

    decimal: str
    thousands: str
    confidence: float
    evidence: tuple[Message, ...]


def found_marks(columns: Iterable[Sequence[str]]) -> NumberMarks:
    """Return the number marks of a file's columns, each given as distinct texts.

    Examples
    --------
    >>> found_marks([["5,76706", "67", "9,99"]]).decimal
    ','
    >>> found_marks([["1.234,50", "12.500,00"]]).thousands
    '.'
    """
    seen: Counter[str] = Counter()
    example: dict[str, str] = {}
    for texts in columns:
        numbers = [each.strip() for each in texts if re.fullmatch(r"[-+]?[\d.,\s]*\d", each.strip())]
        numbers = [each for each in numbers if not ip_written(each)]
        if not numbers or 2 * len(numbers) < len(texts):
            continue
        for each in numbers:
            if kind := _mark(each):
                seen[kind] += 1
                example.setdefault(kind, re.sub(r"\d", "9", each))  # its shape, not whose it is
    return _marks(seen, example)


def _mark(text: str) -> str:
    """Return what a number proves: decimal and thousands mark, `?` where three digits leave both open."""
    for thousands, pattern in _GROUPED.items():
        if pattern.fullmatch(text):
            rest = re.search(r"([.,])\d+$", text) if thousands != "." else re.search(r"(,)\d+$", text)
            decimal = rest[1] if rest and rest[1] != thousands else ""
            twice = len(re.findall(re.escape(thousands), text)) > 1
            if decimal or twice or thousands == " ":
                return f"{decimal or ('.' if thousands == ',' else ',')}{thousands}"
            return f"?{thousands}"
    return "," if _COMMA.fullmatch(text) else "." if _POINT.fullmatch(text) else ""


def _marks(seen: Counter[str], example: dict[str, str]) -> NumberMarks:
    decimals = {kind[0] for kind in seen if kind[0] != "?"}
    thousands = {kind[1] for kind in seen if len(kind) == 2 and kind[0] != "?"}
    said = tuple(
        Message("{n} numbers like {example}", n=n, example=example[kind]) for kind, n in seen.most_common(3)
    )
    if not decimals:
        doubtful = [kind for kind in seen if kind[0] == "?"]
        if not doubtful:
            return NumberMarks(".", "", 1.0, ())
        doubt = Message("three digits after the mark: thousands or decimals?")
        return NumberMarks(".", "", 0.3, (*said, doubt))
    if len(decimals) > 1 or len(thousands) > 1:
        return NumberMarks(
            max(decimals, key=lambda mark: sum(n for kind, n in seen.items() if kind[0] == mark)),
            next(iter(thousands), ""),
            0.3,
            (*said, Message("numbers written in two ways")),
        )
    decimal, mark = decimals.pop(), next(iter(thousands), "")
    grouped = [kind for kind in seen if kind == f"?{mark or ('.' if decimal == ',' else ',')}"]
    if grouped and not mark:
        # 1.234 beside 5,5: if the point groups thousands nothing contradicts it.
        return NumberMarks(decimal, grouped[0][1], 0.5, (*said,))
    return NumberMarks(decimal, mark, 0.95, said)
