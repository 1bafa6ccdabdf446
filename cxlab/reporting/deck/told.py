"""What a deck says, place by place: texts, tables, charts with the workbooks behind them, notes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openpyxl import load_workbook
from pptx import Presentation
from pptx.exc import PackageNotFoundError

from cxlab.errors import InputError

RUN = re.compile(r"(?<![0-9a-f])([0-9a-f]{16}(?:-\d+)?)(?:/(\d+))?(?![0-9a-f])")
LARGEST = 500_000_000  # bytes of a deck, unpacked


@dataclass(frozen=True)
class Told:
    """One text of a slide, or one number of a chart (`number`; then `text` says which).

    `where` is title, text, table, chart, workbook, notes, description or properties; slide 0 is the file.
    """

    slide: int
    where: str
    text: str
    number: float | None = None


def told(content: bytes) -> list[Told]:
    """Return all that a .pptx file says, in the order of its slides.

    Raises
    ------
    InputError
        If it cannot be opened.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(each.file_size for each in package.infolist()) > LARGEST:
                raise InputError("the deck unpacks to more than {size} MB", size=LARGEST // 10**6)
        presentation = Presentation(io.BytesIO(content))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError("this is not a .pptx file that can be opened") from error
    said = presentation.core_properties
    named = [said.title, said.author, said.subject, said.keywords, said.comments, said.category]
    found = [Told(0, "properties", text) for text in named if text]
    for number, slide in enumerate(presentation.slides, start=1):
        found += _of_shapes(number, slide.shapes, slide.shapes.title)
        if slide.has_notes_slide:
            frame = slide.notes_slide.notes_text_frame
            found += [Told(number, "notes", text) for text in _paragraphs(frame)] if frame else []
    return [each for each in found if each.text.strip() or each.number is not None]


def runs(found: list[Told]) -> dict[str, None]:
    """Return the runs that slides name, in order."""
    return {match[1]: None for each in found if each.number is None for match in RUN.finditer(each.text)}


def _of_shapes(slide: int, shapes: Any, title: Any) -> Iterator[Told]:
    for shape in shapes:
        if described := shape._element.xpath("./*/p:cNvPr/@descr"):
            yield Told(slide, "description", described[0])
        if hasattr(shape, "shapes"):
            yield from _of_shapes(slide, shape.shapes, title)
        elif shape.has_text_frame:
            where = "title" if title is not None and shape.shape_id == title.shape_id else "text"
            yield from (Told(slide, where, text) for text in _paragraphs(shape.text_frame))
        elif getattr(shape, "has_table", False) and shape.has_table:
            for row in shape.table.rows:
                for cell in row.cells:
                    yield from (Told(slide, "table", text) for text in _paragraphs(cell.text_frame))
        elif getattr(shape, "has_chart", False) and shape.has_chart:
            yield from _of_chart(slide, shape.chart)


def _paragraphs(frame: Any) -> Iterator[str]:
    """Give the paragraphs of a text without its fields, which are the number of the slide or a date."""
    for paragraph in frame.paragraphs:
        parts = paragraph._p.xpath("./a:r/a:t | ./a:br")
        yield "".join(part.text or "" if part.tag.endswith("}t") else "\n" for part in parts)


def _of_chart(slide: int, chart: Any) -> Iterator[Told]:
    space = chart._chartSpace
    for text in space.xpath(".//c:strCache//c:v/text()"):
        yield Told(slide, "chart", str(text))
    for paragraph in space.xpath(".//c:rich/a:p"):
        yield Told(slide, "chart", "".join(paragraph.xpath(".//a:t/text()")))
    for series in space.xpath(".//c:ser"):
        name = "".join(series.xpath("./c:tx//c:v/text()"))
        for text in series.xpath("./c:val//c:v/text() | ./c:yVal//c:v/text() | ./c:xVal//c:v/text()"):
            yield Told(slide, "chart", name, float(text))
    book = chart.part.chart_workbook.xlsx_part
    if book is not None:
        yield from _of_workbook(slide, book.blob)


def _of_workbook(slide: int, content: bytes) -> Iterator[Told]:
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        return
    for sheet in book.worksheets:
        for row in sheet.iter_rows(values_only=True):
            for value in row:
                if isinstance(value, bool) or value is None:
                    continue
                if isinstance(value, int | float):
                    yield Told(slide, "workbook", sheet.title, float(value))
                else:
                    yield Told(slide, "workbook", str(value))
    book.close()
