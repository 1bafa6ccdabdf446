"""The separator of a delimited file: the one that gives every row as many fields."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from cxlab.errors import Message
from cxlab.intake.files.reading import fault

SEPARATORS = (",", ";", "\t", "|")
# Where two separators fit every row, one is taken only if it gives this many times the other's fields
# (a decimal comma in each row of a semicolon file).
CLEARLY_WIDER = 3
NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Marks that some programs put between columns.
UNUSUAL = " :^~!#&*§¬¦¤" + "".join(map(chr, range(1, 32)))
# One that does not fit the first lines fits no file: the rest is gone through only if two of them do.
SAMPLE = 500_000


def found_separator(body: str, rest: Callable[[], Iterable[str]], *, file: str, first: int) -> str:
    """Return the one separator that gives every row as many fields as the header.

    Parameters
    ----------
    body : str
        The file's first lines, from the header on.
    rest : callable
        Gives every line of the file from the header on; asked only if `body` does not decide.
    file : str
        What the messages call it.
    first : int
        Line of the header.

    Raises
    ------
    InputError
        If several fit equally.
    """
    sample = body if len(body) <= SAMPLE else body[: body.rfind("\n", 0, SAMPLE) + 1] or body
    lines = list(io.StringIO(sample, newline=""))
    present = [each for each in SEPARATORS if each in lines[0]]
    if not present:
        # A title above the table has none; the rows under it then tell.
        found = next((each for each in SEPARATORS if _separates_rows(lines, each)), "")
        if not found:
            _refuse_unusual(lines, file=file, first=first, cut=sample is not body)
        return found or ","
    widths = {each: width for each in present if (width := _whole_width(lines, each, cut=sample is not body))}
    if len(widths) > 1:
        widths = {each: width for each in widths if (width := _whole_width(rest(), each))}
    whole = sorted(widths, key=lambda each: -widths[each])
    if len(whole) == 1 or (whole and widths[whole[0]] >= CLEARLY_WIDER * widths[whole[1]]):
        return whole[0]
    if not whole:
        # None fits: the one that the header uses most is the likeliest, and its misfits get named.
        counted = sorted(present, key=lines[0].count, reverse=True)
        if len(counted) == 1 or lines[0].count(counted[0]) > lines[0].count(counted[1]):
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


def _refuse_unusual(lines: list[str], *, file: str, first: int, cut: bool) -> None:
    """Refuse what would be one column, if another mark cuts every row into as many fields."""
    for mark in dict.fromkeys(each for each in lines[0].rstrip("\r\n") if each in UNUSUAL):
        # Two words or a time of day in every row are one column all the same.
        least = 3 if mark in " :" else 2
        if _whole_width(lines, mark, cut=cut) >= least or (mark == " " and _in_blanks(lines) >= least):
            raise fault(
                file,
                Message("what looks like columns separated by {mark}", mark=repr(mark)),
                Message("{names}", names=", ".join(NAMED.values())),
                Message(
                    "save the file with one of those; if it is one column, declare `separator:` all the same"
                ),
                row=first,
            )


def _in_blanks(lines: list[str]) -> int:
    """Return how many parts every line has between runs of blanks, as in columns of fixed width."""
    if not any("  " in line.strip() for line in lines):
        return 0
    widths = {len(line.split()) for line in lines if line.strip()}
    return widths.pop() if len(widths) == 1 else 0


def _separates_rows(lines: list[str], separator: str) -> bool:
    widths: Counter[int] = Counter()
    try:
        widths.update(_widths(lines, separator))
    except csv.Error:
        return False
    width, rows = widths.most_common(1)[0]
    return width > 1 and 2 * rows > widths.total() - 1


def _whole_width(lines: Iterable[str], separator: str, *, cut: bool = False) -> int:
    """Return how many fields every row has, 0 if they differ or there is only one."""
    width = 0
    try:
        for found in _widths(lines, separator):
            width = width or found
            if found != width or found == 1:
                return 0
    except csv.Error as error:
        return width if cut and "unexpected end" in str(error) else 0
    return width


def _widths(lines: Iterable[str], separator: str) -> Iterator[int]:
    for row in csv.reader(lines, delimiter=separator, strict=True):
        if row:
            yield len(row)
