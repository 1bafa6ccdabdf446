"""What charts of all kinds have: letters, colours, intervals, and data whose workbook is ours."""

from __future__ import annotations

from typing import Any

from pptx.chart.data import CategoryChartData, XyChartData
from pptx.chart.xlsx import CategoryWorkbookWriter, XyWorkbookWriter
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_LEGEND_POSITION
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Pt

from cxlab.reporting.colours import LIGHT
from cxlab.reporting.deck import workbook
from cxlab.reporting.deck.lettering import LEADING, SMALLEST

GAP = 8.0  # between an interval's end and the text beside it, in points
LINE = SMALLEST * LEADING
LEADING_LINES = (
    "{CE6537A1-D6FC-4f65-9D91-7224C49458BB}",
    "http://schemas.microsoft.com/office/drawing/2012/chart",
)  # where Office keeps whether labels have them


class Data(CategoryChartData):
    """Data of bars, whose workbook is ours."""

    book: bytes = b""

    @property
    def _workbook_writer(self) -> Any:
        return _writer(CategoryWorkbookWriter, self, self.book)


class Points(XyChartData):
    """Data of curves, whose workbook is ours."""

    book: bytes = b""

    @property
    def _workbook_writer(self) -> Any:
        return _writer(XyWorkbookWriter, self, self.book)


def new(kind: Any) -> Any:
    """Return data without any series."""
    return kind()


def _writer(kind: Any, data: Any, book: bytes) -> Any:
    """Return python-pptx's writer, which knows the ranges, with our workbook: its own makes formulas."""

    class Writer(kind):  # type: ignore[misc]
        xlsx_blob = book

    return Writer(data)


def plain(chart: Any, *, legend: bool) -> None:
    """Give a chart our letters, no title, and a legend where it has several series."""
    chart.has_title, chart.has_legend = False, legend
    font(chart.font)
    if legend:
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
        font(chart.legend.font)


def framed(chart: Any, x: float, y: float, w: float, h: float) -> None:
    """Fix where the plot stands within its chart, so that what was reckoned holds."""
    area = chart._chartSpace.chart.plotArea
    for old in area.findall("{*}layout"):
        area.remove(old)
    ends = "".join(f'<c:{name} val="{value:.5f}"/>' for name, value in zip("xywh", (x, y, w, h), strict=True))
    modes = '<c:layoutTarget val="inner"/><c:xMode val="edge"/><c:yMode val="edge"/>'
    layout = f"<c:layout {nsdecls('c')}><c:manualLayout>{modes}{ends}</c:manualLayout></c:layout>"
    area.insert(0, parse_xml(layout))


def moved(label: Any, x: float, y: float) -> None:
    """Move a label by shares of the chart."""
    place = f'<c:x val="{x:.5f}"/><c:y val="{y:.5f}"/>'
    layout = f"<c:layout {nsdecls('c')}><c:manualLayout>{place}</c:manualLayout></c:layout>"
    label.insert(1, parse_xml(layout))


def unled(own: Any) -> None:
    """Let no line lead from a label to its bar: it would read as an interval."""
    given = own._element.find("{*}dLbls")
    if given is not None:
        for leading in given.findall("{*}showLeaderLines"):
            leading.set("val", "0")
        held = f'<c15:showLeaderLines xmlns:c15="{LEADING_LINES[1]}" val="0"/>'
        given.append(
            parse_xml(f'<c:extLst {nsdecls("c")}><c:ext uri="{LEADING_LINES[0]}">{held}</c:ext></c:extLst>')
        )


def written(label: Any, text: str) -> None:
    """Write a label on one line."""
    frame = label.text_frame
    frame.text = text
    frame.word_wrap = False
    font(frame.paragraphs[0].runs[0].font)


def error_bars(own: Any, ranges: workbook.Errors | None, direction: str = "") -> None:
    """Add the intervals of a series, bound to their cells of the workbook."""
    if ranges is None:
        return
    side = f'<c:errDir val="{direction}"/>' if direction else ""
    ends = "".join(
        f"<c:{name}><c:numRef><c:f>{place}</c:f><c:numCache><c:formatCode>General</c:formatCode>"
        f'<c:ptCount val="{len(numbers)}"/>'
        + "".join(f'<c:pt idx="{k}"><c:v>{n!r}</c:v></c:pt>' for k, n in enumerate(numbers) if n is not None)
        + f"</c:numCache></c:numRef></c:{name}>"
        for name, (place, numbers) in zip(("plus", "minus"), ranges, strict=True)
    )
    line = f'<a:solidFill><a:srgbClr val="{LIGHT["ink"][1:].upper()}"/></a:solidFill>'
    cap = 1 if direction else 0
    bars = parse_xml(
        f'<c:errBars {nsdecls("c", "a")}>{side}<c:errBarType val="both"/><c:errValType val="cust"/>'
        f'<c:noEndCap val="{cap}"/>{ends}<c:spPr><a:ln w="15875">{line}</a:ln></c:spPr></c:errBars>'
    )
    after = next(own.find(f"{{*}}{name}") for name in ("cat", "xVal") if own.find(f"{{*}}{name}") is not None)
    after.addprevious(bars)


def fill(form: Any, colour: str) -> None:
    """Fill with #RRGGBB."""
    form.fill.solid()
    form.fill.fore_color.rgb = rgb(colour)


def font(font: Any, colour: str = LIGHT["ink"], *, bold: bool | None = None) -> None:
    """Set letters at the size of a slide."""
    font.size, font.bold = Pt(SMALLEST), bold
    font.color.rgb = rgb(colour)


def rgb(colour: str) -> Any:
    """Return #RRGGBB as python-pptx has it."""
    return RGBColor.from_string(colour[1:].upper())  # type: ignore[no-untyped-call]
