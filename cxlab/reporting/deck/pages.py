"""The slides themselves: titles, numbers, charts, tables, feet and notes, each where it fits."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Emu, Pt

from cxlab.reporting.cards import Card
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.deck.bars import bars
from cxlab.reporting.deck.curves import lines
from cxlab.reporting.deck.drawn import Bars, Drawn, drawn
from cxlab.reporting.deck.grids import AIR, Grid, Room
from cxlab.reporting.deck.house import Box, House
from cxlab.reporting.deck.lettering import LEADING, SMALLEST, fitting, spoken, width, wrapped
from cxlab.reporting.deck.marks import rgb
from cxlab.reporting.deck.outline import Content
from cxlab.reporting.words import Words

POINT = 12700  # EMU
TITLES = (28.0, 26.0, 24.0, 22.0, 20.0, 18.0)
NUMBERS = (54.0, 48.0, 40.0, 32.0, 26.0)
FOOT = 11.0
FOOT_LINES = 3
TITLE_PART = 0.34  # of what is inside, for a title at most
PANEL = 0.235  # of the width, for a claim's number
LINE = SMALLEST * LEADING
TALLEST = 84.0  # of a bar with the air around it, in points


class Pages:
    """Writes slides into a presentation, one after the other."""

    def __init__(self, house: House, focal: str, words: Words) -> None:
        self.house, self.focal, self.words = house, focal, words

    def begin(self, layout: Any, title: str, notes: str = "") -> tuple[Any, Box]:
        """Add a slide with its title and return it with the room under the title."""
        slide = self.house.presentation.slides.add_slide(layout)
        inside = self.house.inside
        size, text, height = fitting(
            title, inside.width / POINT - 4, inside.height / POINT * TITLE_PART, TITLES, bold=True
        )
        box = Box(inside.left, inside.top, inside.width, int((height + 8) * POINT))
        self._titled(slide, text, box, size)
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
        gap = int(0.02 * inside.height)
        top = box.top + box.height + gap
        return slide, Box(inside.left, top, inside.width, inside.top + inside.height - top)

    def _titled(self, slide: Any, text: str, box: Box, size: float) -> None:
        title = slide.shapes.title
        for shape in list(slide.placeholders):
            if shape.placeholder_format.idx != 0:
                shape._element.getparent().remove(shape._element)
        if title is None:
            title = slide.shapes.add_textbox(*box.place)
        title.left, title.top, title.width, title.height = box.place
        _wording(title.text_frame, [text], size, bold=True, colour="" if self.house.firm else LIGHT["ink"])

    def cover(self, title: str, facts: Sequence[str], client: str, logo: str) -> None:
        """Add the title slide: the study, whose it is, of when and in which language."""
        slide = self.house.presentation.slides.add_slide(self.house.title)
        for shape in list(slide.placeholders):
            if shape.placeholder_format.idx != 0:
                shape._element.getparent().remove(shape._element)
        whole = self.house.box(0.08, 0.30, 0.84, 0.28)
        room, high = whole.width / POINT - 4, whole.height / POINT - 4
        size, text, _ = fitting(title, room, high, (44.0, 40.0, 36.0, 32.0, 28.0, 24.0), bold=True)
        heading = slide.shapes.title
        if heading is None:
            heading = slide.shapes.add_textbox(*whole.place)
        heading.left, heading.top, heading.width, heading.height = whole.place
        _wording(heading.text_frame, [text], size, bold=True, anchor=MSO_ANCHOR.BOTTOM)
        if not self.house.firm:
            self._rule(slide, self.house.box(0.08, 0.60, 0.12, 0.008))
        under = self.house.box(0.08, 0.63, 0.84, 0.25)
        size, named, height = fitting(client, under.width / POINT - 4, 60, (24.0, 22.0, 20.0, 18.0))
        self.text(slide, Box(under.left, under.top, under.width, int((height + 8) * POINT)), [named], size)
        below = Box(under.left, under.top + int((height + 14) * POINT), under.width, under.height // 2)
        self.text(slide, below, facts, SMALLEST, colour=LIGHT["muted"])
        self._logo(slide, logo, client)

    def _rule(self, slide: Any, box: Box) -> None:
        from pptx.enum.shapes import MSO_SHAPE

        bar = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *box.place)
        bar.fill.solid()
        bar.fill.fore_color.rgb = rgb(self.focal)
        bar.line.fill.background()
        bar.shadow.inherit = False
        _described(bar, "")

    def _logo(self, slide: Any, logo: str, client: str) -> None:
        kind, _, coded = logo.partition(";base64,")
        if kind != "data:image/png" or not coded:
            return
        room = self.house.box(0.08, 0.07, 0.3, 0.14)
        picture = slide.shapes.add_picture(io.BytesIO(base64.b64decode(coded)), room.left, room.top)
        factor = min(room.width / picture.width, room.height / picture.height)
        picture.width, picture.height = Emu(int(picture.width * factor)), Emu(int(picture.height * factor))
        _described(picture, client)

    def finding(self, content: Content) -> Any:
        """Add a slide with a claim: its number at the left, its figure beside it, its foot under both."""
        slide, room = self.begin(self.house.content, content.title, content.notes)
        beside = room
        if content.card:
            wide = int(room.width * PANEL)
            left = Box(room.left, room.top, wide, room.height)
            self._number(slide, content.card, left, content.chapter.words)
            gap = int(room.width * 0.02)
            beside = Box(room.left + wide + gap, room.top, room.width - wide - gap, room.height)
        space = Room(beside.width / POINT, beside.height / POINT - 2 * LINE - 8)
        figure = drawn(content.bundle, content.claim, content.chapter.words, space)
        if figure is not None:
            self._figure(slide, figure, beside, content)
        elif content.claim:
            self.text(slide, beside, [str(content.claim.get("sentence", ""))], SMALLEST)
        self.foot(slide, content.foot)
        return slide

    def _number(self, slide: Any, card: Card, box: Box, words: Words) -> None:
        room, percent = box.width / POINT - 4, card.unit == "%"
        given = words("unit.percent", number=card.number) if percent else card.number
        size, number, _ = fitting(given, room, 54 * LEADING, NUMBERS, bold=True)
        told = [(number, size, self.focal, True)]
        told += [(card.unit, SMALLEST, LIGHT["ink"], False)] if card.unit and not percent else []
        grade = words("deck.grade", grade=card.grade) if card.grade else ""
        told += [(text, SMALLEST, LIGHT["muted"], False) for text in (card.interval, grade) if text]
        lines = (len(wrapped(text, room, size, bold=bold)) * size for text, size, _, bold in told)
        left = box.height / POINT - 4 - sum(deep * LEADING + 6 for deep in lines)
        if card.recommendation and left >= LINE:
            _, advice, _ = fitting(card.recommendation, room, left, (SMALLEST,))
            told.append((advice, SMALLEST, LIGHT["ink"], True))
        frame = slide.shapes.add_textbox(*box.place).text_frame
        _frame(frame)
        for k, (text, points, colour, bold) in enumerate(told):
            paragraph = frame.paragraphs[0] if not k else frame.add_paragraph()
            run = paragraph.add_run()
            run.text = spoken(text)
            paragraph.space_after = Pt(6)
            _lettered(run.font, points, colour, bold=bold)

    def _figure(self, slide: Any, figure: Drawn, box: Box, content: Content) -> None:
        words, many = content.chapter.words, figure.left_out
        said = " · ".join(
            part for part in (figure.measure, words.plural("deck.part", many) if many else "") if part
        )
        size, text, height = fitting(said, box.width / POINT - 4, 2 * LINE, (SMALLEST,))
        head = Box(box.left, box.top, box.width, int((height + 4) * POINT) if said else 0)
        if said:
            self.text(slide, head, [text], size, colour=LIGHT["muted"])
        under = Box(box.left, head.top + head.height + 4 * POINT, box.width, 0)
        deep = box.top + box.height - under.top
        if isinstance(figure, Grid):
            self.table(slide, figure, under, content.alt)
            return
        if isinstance(figure, Bars):
            legend = 2 * LINE if len(figure.series) > 1 else 0
            deep = min(deep, int((len(figure.names) * TALLEST + legend + 8) * POINT))
        place = (under.left, under.top, under.width, deep)
        room = Room(under.width / POINT, deep / POINT)
        draw: Any = bars if isinstance(figure, Bars) else lines
        frame = draw(slide.shapes, figure, place, room, self.focal, words)
        _described(frame, content.alt)

    def table(self, slide: Any, grid: Grid, box: Box, alt: str) -> Any:
        """Add a table whose rows are as high as was reckoned."""
        size = len(grid.rows) + 1, len(grid.heads)
        wide = int(sum(grid.widths) * POINT)
        frame = slide.shapes.add_table(*size, box.left, box.top, wide, 100)
        table = frame.table
        style = frame._element.graphic.graphicData.tbl.tblPr
        for part in style.findall("{*}tableStyleId"):
            part.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # no style, no grid
        table.horz_banding = False
        for place, each in enumerate(grid.widths):
            table.columns[place].width = Emu(int(each * POINT))
        for k, row in enumerate((grid.heads, *grid.rows)):
            table.rows[k].height = Emu(int((grid.lines[k] * LINE + AIR) * POINT))
            for place, text in enumerate(row):
                self._cell(table.cell(k, place), text, head=not k, number=grid.numbers[place], even=not k % 2)
        _described(frame, alt)
        return frame

    def _cell(self, cell: Any, text: str, *, head: bool, number: bool, even: bool) -> None:
        cell.margin_left = cell.margin_right = Pt(AIR / 2)
        cell.margin_top = cell.margin_bottom = Pt(AIR / 4)
        cell.vertical_anchor = MSO_ANCHOR.BOTTOM if head else MSO_ANCHOR.MIDDLE
        paragraph = cell.text_frame.paragraphs[0]
        run = paragraph.add_run()
        run.text = spoken(text)
        paragraph.alignment = PP_ALIGN.RIGHT if number else PP_ALIGN.LEFT
        _lettered(run.font, SMALLEST, LIGHT["muted" if head else "ink"], bold=head)
        cell.fill.solid()
        cell.fill.fore_color.rgb = rgb(LIGHT["wash"] if even and not head else LIGHT["paper"])

    def text(self, slide: Any, box: Box, texts: Sequence[str], size: float, *, colour: str = "") -> Any:
        """Add a box of text, one paragraph each."""
        shape = slide.shapes.add_textbox(*box.place)
        _wording(shape.text_frame, texts, size, colour=colour or LIGHT["ink"])
        return shape

    def foot(self, slide: Any, parts: Sequence[str]) -> None:
        """Add the foot: what a slide stands on, and its number."""
        inside = self.house.inside
        whole = self.house.box(0, 0.905, 0, 0.085)
        number = int(40 * POINT)
        room = (inside.width - number) / POINT - 4
        last = parts[-1] if parts else ""
        _, text, _ = fitting(
            "  ·  ".join(parts[:-1]), room - width("  ·  " + last, FOOT), FOOT_LINES * FOOT * LEADING, (FOOT,)
        )
        said = "  ·  ".join(part for part in (text, last) if part)
        box = Box(inside.left, whole.top, inside.width - number, whole.height)
        self.text(slide, box, [said], FOOT, colour=LIGHT["muted"])
        corner = Box(inside.left + inside.width - number, whole.top, number, whole.height)
        shape = self.text(slide, corner, [""], FOOT, colour=LIGHT["muted"])
        paragraph = shape.text_frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.RIGHT
        for run in list(paragraph.runs):
            run._r.getparent().remove(run._r)
        paragraph._p.append(
            parse_xml(
                f'<a:fld {nsdecls("a")} id="{{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}}" type="slidenum">'
                f'<a:rPr sz="{int(FOOT * 100)}"><a:solidFill><a:srgbClr val="{LIGHT["muted"][1:].upper()}"/>'
                "</a:solidFill></a:rPr><a:t>‹#›</a:t></a:fld>"
            )
        )


def _wording(
    frame: Any,
    texts: Sequence[str],
    size: float,
    *,
    bold: bool = False,
    colour: str = "",
    anchor: Any = MSO_ANCHOR.TOP,
) -> None:
    _frame(frame, anchor)
    for k, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if not k else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        run = paragraph.add_run()
        run.text = spoken(text)
        _lettered(run.font, size, colour, bold=bold)


def _frame(frame: Any, anchor: Any = MSO_ANCHOR.TOP) -> None:
    from pptx.enum.text import MSO_AUTO_SIZE

    frame.word_wrap, frame.vertical_anchor, frame.auto_size = True, anchor, MSO_AUTO_SIZE.NONE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Pt(2)


def _lettered(font: Any, size: float, colour: str, *, bold: bool) -> None:
    font.size, font.bold = Pt(size), bold
    if colour:
        font.color.rgb = rgb(colour)


def _described(shape: Any, text: str) -> None:
    """Give a shape its alternative text; of an ornament none."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", spoken(text))
