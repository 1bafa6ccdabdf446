"""One table on one sheet: title, heads that stay, rows to filter, and under them base, method and notes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cxlab.reporting.annex import method
from cxlab.reporting.annex.book import Book, aligned
from cxlab.reporting.annex.typed import Cell, Typed, typed
from cxlab.reporting.colours import LIGHT

if TYPE_CHECKING:
    from cxlab.reporting.annex.plan import Sheet

HEAD = 3  # the row of the heads, from 0
NARROW, WIDE, WIDEST = 9, 16, 46  # of a column, in letters
PAGE = 230.0  # letters across a page that can still be read
USUAL, READABLE = 8.43, 95.0  # of a column that nobody set; of a line of text
FROZEN = 2  # columns that stay, at most


def write_table(book: Book, planned: Sheet) -> None:
    """Write a table and what must be known to read it."""
    words = planned.chapter.words
    table = typed(planned.bundle, planned.table, words)
    sheet = book.sheet(planned.name)
    across = _across([_width(table, k) for k in range(len(table.heads))])
    book.paragraph(sheet, 0, across, f"{planned.number}  {planned.title}", bold=True, font_size=13)
    under = [planned.chapter.title, *([table.title] if planned.title != table.title else [])]
    book.paragraph(sheet, 1, across, " · ".join(under), font_color=LIGHT["muted"])
    book.link(sheet, 2, 0, book.words("annex.contents"), book.words("annex.back"), font_size=9)
    widths = [_width(table, k) for k in range(len(table.heads))]
    book.tall(sheet, HEAD, [(head, width - 3) for head, width in zip(table.heads, widths, strict=True)])
    for k, head in enumerate(table.heads):
        right = any(not isinstance(line.cells[k].value, str) for line in table.lines)
        book.head(sheet, (HEAD, k), head, right=right and k >= table.names)
        sheet.set_column(k, k, widths[k])
    for at, line in enumerate(table.lines, HEAD + 1):
        for k, cell in enumerate(line.cells):
            _write(book, sheet, (at, k), cell, line.flag)
        texts = [(cell.value, width) for cell, width in zip(line.cells, widths, strict=True)]
        book.tall(sheet, at, [(text, width) for text, width in texts if isinstance(text, str)])
    last = HEAD + len(table.lines)
    sheet.autofilter(HEAD, 0, last, len(table.heads) - 1)
    sheet.freeze_panes(HEAD + 1, min(table.names, FROZEN, len(table.heads) - 1))
    sheet.repeat_rows(HEAD)
    if sum(widths) > PAGE:  # smaller print than that nobody reads
        sheet.fit_to_pages(math.ceil(sum(widths) / PAGE), 0)
        sheet.repeat_columns(0, min(table.names, FROZEN) - 1)
    _write_notes(book, sheet, last + 2, across, planned, table)


def _write(book: Book, sheet: Any, place: tuple[int, int], cell: Cell, flag: str) -> None:
    style: dict[str, Any] = {"bottom": 4, "bottom_color": LIGHT["rule"]}
    if cell.quiet or flag == "suppressed":
        style["font_color"] = LIGHT["muted"]
    if flag == "low_base":
        style["italic"] = True
    if cell.value is None:
        sheet.write_blank(*place, None, book.style(**style))
    elif isinstance(cell.value, str):
        style |= {"text_wrap": True, **aligned(place[1], right=cell.right)}
        book.text(sheet, *place, cell.value, style)
    else:
        sheet.write_number(*place, cell.value, book.style(num_format=cell.form, **style))


def _write_notes(
    book: Book, sheet: Any, row: int, across: tuple[int, float], planned: Sheet, table: Typed
) -> None:
    told = [(planned.chapter.words("annex.note"), note) for note in table.notes]
    for at, (what, text) in enumerate([*told, *method.lines(planned.chapter, planned.bundle)], row):
        book.paragraph(sheet, at, across, f"{what}: {text}", font_size=9, font_color=LIGHT["muted"])


def _across(widths: Sequence[float]) -> tuple[int, float]:
    """Return up to which column a paragraph goes, and how wide that is: a line to read, on the page."""
    last, wide = 0, widths[0]
    while wide < READABLE:
        last += 1
        wide += widths[last] if last < len(widths) else USUAL
    return last, wide


def _width(table: Typed, k: int) -> float:
    """Return a column's width: what its cells need, and the longest word of its head."""
    longest = max((_letters(line.cells[k]) for line in table.lines), default=0)
    words = max((len(word) for word in table.heads[k].split()), default=0)
    least = NARROW if k else WIDE
    return float(min(max(longest, words + 3, least) + 1.5, WIDEST))


def _letters(cell: Cell) -> int:
    if cell.value is None:
        return 0
    if isinstance(cell.value, str):
        return len(cell.value)
    decimals = len(cell.form.split(";")[0].partition(".")[2])
    return len(f"{cell.value:,.0f}") + 1 + decimals
