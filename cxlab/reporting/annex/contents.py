"""The first sheet: what the annex is of, and a link to every table with its rows and base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxlab.reporting.annex.book import Book, aligned
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.words import clean

if TYPE_CHECKING:
    from cxlab.reporting.annex.plan import Plan, Sheet
    from cxlab.reporting.volume import Chapter, Volume

HEAD = 7
WIDTHS = (8, 48, 60, 8, 11, 26, 11)


def write_contents(book: Book, plan: Plan, volume: Volume) -> None:
    """Write the contents; the names of the sheets that follow are settled here."""
    words = book.words
    sheet = book.sheet(book.name(words("annex.contents")))
    findings = book.name(words("annex.findings"))
    for each in plan.sheets:
        each.name = book.name(f"{each.number} {each.title}")
    book.text(sheet, 0, 0, words("annex.title", study=clean(volume.title)), bold=True, font_size=16)
    book.text(sheet, 1, 0, volume.client.name, font_size=11, font_color=LIGHT["muted"])
    for at, key in enumerate(("annex.about", "annex.about.bases"), 2):
        book.text(sheet, at, 0, words(key), font_color=LIGHT["muted"])
    book.link(sheet, 5, 0, findings, words("annex.findings.link"), bold=True)
    heads = [
        words(f"annex.contents.{name}")
        for name in ("number", "chapter", "table", "rows", "base", "entry", "run")
    ]
    for k, (head, width) in enumerate(zip(heads, WIDTHS, strict=True)):
        book.head(sheet, (HEAD, k), head, right=k in (3, 4))
        sheet.set_column(k, k, width)
    row = HEAD + 1
    for chapter, sheets in plan.listed:
        for each in sheets:
            _write_line(book, sheet, row, chapter, each)
            row += 1
    sheet.autofilter(HEAD, 0, max(row - 1, HEAD), len(heads) - 1)
    sheet.freeze_panes(HEAD + 1, 0)
    sheet.repeat_rows(HEAD)


def _write_line(book: Book, sheet: Any, row: int, chapter: Chapter, each: Sheet) -> None:
    rule: dict[str, Any] = {"bottom": 4, "bottom_color": LIGHT["rule"]}
    book.link(sheet, row, 0, each.name, each.number, **rule)
    for k, text in enumerate((chapter.title, each.title), 1):
        book.text(sheet, row, k, text, {**rule, "text_wrap": True, **aligned(k)})
    counts = [len(each.bundle["tables"][each.table]["rows"]), each.bundle.get("n_used") or 0]
    for k, count in enumerate(counts, 3):
        if count:
            sheet.write_number(row, k, count, book.style(num_format="#,##0", **rule))
        else:
            book.text(sheet, row, k, "", **rule)
    for k, text in enumerate((chapter.entry, chapter.run[:8]), 5):
        book.text(sheet, row, k, text, {**rule, **aligned(k), "font_color": LIGHT["muted"]})
    book.tall(sheet, row, [(chapter.title, WIDTHS[1] - 1), (each.title, WIDTHS[2] - 1)])
