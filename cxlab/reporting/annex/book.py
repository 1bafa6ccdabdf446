"""A workbook that is written once: texts that stay texts, formats by need, the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from io import BytesIO
from typing import TYPE_CHECKING, Any

import xlsxwriter

from cxlab.reporting import body
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.words import clean

if TYPE_CHECKING:
    from cxlab.reporting.volume import Volume

LONGEST = 32_000  # letters that a cell holds, and a few to spare
NAME = 31
LINE = 13.5  # points
EARLIEST = date(2000, 1, 1)
_ILLEGAL = re.compile(r"[\[\]:*?/\\']+")
_ACTIVE = tuple("=+-@")  # a text that begins so would become a formula for whoever edits its cell


class Book:
    """A workbook of a volume.

    Parameters
    ----------
    volume : Volume
        Its language and client give names, its data the date.
    """

    def __init__(self, volume: Volume) -> None:
        self.words = volume.words
        self._file = BytesIO()
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._names: set[str] = set()
        settings = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.book = xlsxwriter.Workbook(self._file, settings)
        self._study, self._client = clean(volume.title), clean(volume.client.name)
        written = datetime.combine(_date_of(volume), time(), UTC).replace(tzinfo=None)
        title = self.words("annex.title", study=self._study)
        self.book.set_properties({"title": title, "subject": self._client, "created": written})

    def sheet(self, name: str) -> Any:
        """Return a new sheet, set up for paper; `name` is one that `name` gave."""
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.7, bottom=0.7)
        sheet.set_header(f"&L&9{_printed(self._study)}&R&9{_printed(self._client)}")
        sheet.set_footer("&L&9&A&R&9&P / &N")
        return sheet

    def name(self, wanted: str) -> str:
        """Return a sheet's name that Excel takes and no other sheet has, in capitals or not."""
        plain = _shortened(clean(_ILLEGAL.sub(" ", wanted))) or "–"
        name, count = plain, 1
        while name.casefold() in self._names or name.casefold() in ("history", "historial"):
            count += 1
            name = f"{plain[: NAME - len(str(count)) - 1].strip()} {count}"
        self._names.add(name.casefold())
        return name

    def style(self, **given: Any) -> Any:
        """Return a format, made once."""
        key = tuple(sorted(given.items()))
        if key not in self._formats:
            plain = {"font_name": "Calibri", "font_size": 10, "font_color": LIGHT["ink"], "valign": "top"}
            self._formats[key] = self.book.add_format({**plain, **given})
        return self._formats[key]

    def text(
        self,
        sheet: Any,
        row: int,
        column: int,
        text: str,
        style: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Write a text as a text, whatever it begins with."""
        said, style = clean(text), {**(style or {}), **more}
        if not said:
            sheet.write_blank(row, column, None, self.style(**style))
            return
        if said.startswith(_ACTIVE):
            style["quote_prefix"] = True
        short = said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
        sheet.write_string(row, column, short, self.style(**style))

    def head(
        self,
        sheet: Any,
        place: tuple[int, int],
        text: str,
        *,
        right: bool = False,
        ground: str = LIGHT["wash"],
    ) -> None:
        """Write the head of a column."""
        rule = {"bottom": 1, "bottom_color": LIGHT["muted"], "bg_color": ground, "valign": "bottom"}
        self.text(
            sheet, *place, text, bold=True, text_wrap=True, style={**rule, **aligned(place[1], right=right)}
        )

    def paragraph(self, sheet: Any, row: int, across: tuple[int, float], text: str, **style: Any) -> None:
        """Write a text over several columns, up to the one given with their width in letters."""
        last, width = across
        if last:
            sheet.merge_range(row, 0, row, last, "", self.style(text_wrap=True, **style))
        self.text(sheet, row, 0, text, text_wrap=True, **style)
        size = style.get("font_size", 10)
        lines = lines_in(text, width * 10 / size)
        sheet.set_row(row, LINE * size / 10 * min(lines, 30) + 2)

    def tall(self, sheet: Any, row: int, wrapped: Iterable[tuple[str, float]]) -> None:
        """Make a row as high as the texts in it need, each in a column of so many letters."""
        lines = max((lines_in(text, width - 1) for text, width in wrapped), default=1)
        if lines > 1:
            sheet.set_row(row, LINE * min(lines, 30) + 2)

    def link(self, sheet: Any, row: int, column: int, target: str, text: str, **style: Any) -> None:
        """Write a link to a sheet of this book."""
        given = self.style(font_color=LIGHT["focal"], underline=1, **style)
        sheet.write_url(row, column, f"internal:'{target}'!A1", given, clean(text)[:LONGEST])

    def content(self) -> bytes:
        """Close the book and return it."""
        self.book.close()
        return self._file.getvalue()


def _date_of(volume: Volume) -> date:
    """Return the last date of the data: when the book is said to have been made."""
    dates = [c.cover.data_date for c in volume.chapters if c.cover.data_date]
    told = [text for c in volume.chapters if (text := body.latest_data(c.notebook))]
    return max([*dates, *(date.fromisoformat(text[:10]) for text in told)], default=EARLIEST)


def aligned(column: int, *, right: bool = False) -> dict[str, Any]:
    """Return how a cell is aligned: numbers at the right; texts at the left, a little off what is before."""
    return {"align": "right"} if right else {"align": "left", "indent": min(column, 1)}


def lines_in(text: str, width: float) -> int:
    """Return how many lines a text takes in a column of so many letters."""
    lines, used = 1, 0.0
    for word in clean(text).split():
        if used and used + len(word) > width:
            lines, used = lines + 1, 0.0
        # One that no line holds is broken where it ends, or at its hyphens.
        lines += int(len(word) // max(width, 1.0))
        used += len(word) + 1
    return lines


def _shortened(name: str) -> str:
    """Cut a name between words, where it is too long for a sheet."""
    if len(name) <= NAME:
        return name.strip()
    words = name[: NAME - 1].rsplit(" ", 1)
    return f"{(words[0] if len(words[0]) > NAME // 2 else name[: NAME - 1]).strip()}…"


def _printed(text: str) -> str:
    """Return a text as headers of pages take it, where ``&`` begins a code; they hold 255 letters."""
    return text[:80].replace("&", "&&")
