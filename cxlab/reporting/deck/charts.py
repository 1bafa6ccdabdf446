"""Native charts with their data: horizontal bars and curves, each with its intervals as error bars.

Where a label stands is reckoned here, because a slide is laid out before it is opened: the scale of the axis
leaves room for it, and it is moved past the end of its interval. Labels are text in the report's language;
a number format would follow the machine of whoever opens the file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from pptx.chart.data import CategoryChartData, XyChartData
from pptx.chart.xlsx import CategoryWorkbookWriter, XyWorkbookWriter
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_TICK_LABEL_POSITION, XL_TICK_MARK
from pptx.enum.dml import MSO_LINE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Pt

from cxlab.reporting.colours import LIGHT
from cxlab.reporting.deck import workbook
from cxlab.reporting.deck.drawn import Bars, Lines, Room, Series
from cxlab.reporting.deck.lettering import LEADING, SMALLEST, cut, width
from cxlab.reporting.words import Words

GAP = 8.0  # between an interval's end and the text beside it, in points
LINE = SMALLEST * LEADING
LEADING_LINES = (
    "{CE6537A1-D6FC-4f65-9D91-7224C49458BB}",
    "http://schemas.microsoft.com/office/drawing/2012/chart",
)  # where Office keeps whether labels have them
NUMBERS_PART = 0.6  # of a plot, for the numbers beside bars
RIGHTMOST = 0.4  # of a chart, for the names at the ends of its curves
DASHES = (MSO_LINE.SOLID, MSO_LINE.DASH, MSO_LINE.LONG_DASH_DOT, MSO_LINE.ROUND_DOT, MSO_LINE.DASH_DOT)


class _Data(CategoryChartData):
    """Data of bars, whose workbook is ours."""

    book: bytes = b""

    @property
    def _workbook_writer(self) -> Any:
        return _writer(CategoryWorkbookWriter, self, self.book)


class _Points(XyChartData):
    """Data of curves, whose workbook is ours."""

    book: bytes = b""

    @property
    def _workbook_writer(self) -> Any:
        return _writer(XyWorkbookWriter, self, self.book)


def _new(kind: Any) -> Any:
    return kind()


def _writer(kind: Any, data: Any, book: bytes) -> Any:
    """Return python-pptx's writer, which knows the ranges, with our workbook: its own makes formulas."""

    class Writer(kind):  # type: ignore[misc]
        xlsx_blob = book

    return Writer(data)


# --- bars ------------------------------------------------------------------------------------------


def bars(
    shapes: Any, drawn: Bars, place: tuple[int, int, int, int], room: Room, focal: str, words: Words
) -> Any:
    """Add horizontal bars with their intervals and return the graphic frame.

    Parameters
    ----------
    shapes : SlideShapes
    drawn : Bars
    place : (int, int, int, int)
        Left, top, width, height in EMU.
    room : Room
        The same width and height, in points.
    focal : str
        #RRGGBB.
    words : Words
        Language of the workbook's heads.
    """
    data: Any = _new(_Data)
    data.categories = list(drawn.names)
    for series in drawn.series:
        data.add_series(series.name, list(series.values))
    data.book = workbook.of_bars(drawn, words)
    frame = shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *place, data)
    chart, several = frame.chart, len(drawn.series) > 1
    _plain(chart, legend=several)
    lead = drawn.lead + 2 * GAP
    plot = room.width - lead - GAP
    drawn = _spoken_within(drawn, plot)
    low, high = _scale(drawn, plot)
    _frame(
        chart, lead / room.width, 0.01, plot / room.width, 0.98 - (1.6 * LINE / room.height if several else 0)
    )
    _axes_of_bars(chart, drawn, low, high)
    chart.plots[0].gap_width, chart.plots[0].overlap = (45, 0) if several else (60, 0)
    for k, (series, labels) in enumerate(zip(drawn.series, drawn.labels, strict=True)):
        own = chart.plots[0].series[k]
        _fill(own.format, LIGHT["context"] if k or drawn.focal else focal)
        for point in sorted(drawn.focal if not k else ()):
            _fill(own.points[point].format, focal)
        _labelled(own, series, labels, drawn.reference, (low, high, plot / room.width, GAP / room.width))
        _error_bars(own._element, workbook.errors_of_bars(drawn, k))
    for point in chart._chartSpace.xpath(".//c:dPt"):
        point.insert(1, parse_xml(f'<c:invertIfNegative {nsdecls("c")} val="0"/>'))
    return frame


def _axes_of_bars(chart: Any, drawn: Bars, low: float, high: float) -> None:
    names, values = chart.category_axis, chart.value_axis
    names.reverse_order = True
    names.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    names.major_tick_mark = XL_TICK_MARK.NONE
    names.format.line.color.rgb = rgb(LIGHT["muted"])
    _font(names.tick_labels.font)
    values.has_major_gridlines, values.visible = False, False
    values.minimum_scale, values.maximum_scale = low, high
    values.crosses_at = drawn.reference
    if drawn.reference:
        scaling = values._element.find("{*}scaling")
        scaling.insert(0, parse_xml(f'<c:logBase {nsdecls("c")} val="10"/>'))


def _spoken_within(drawn: Bars, plot: float) -> Bars:
    """Return bars whose numbers have room beside them: without their intervals in words if need be."""
    values = [value for series in drawn.series for value in series.values]
    both = min(values) < drawn.reference <= max(values)
    longest = max(width(label) for labels in drawn.labels for label in labels) + 3 * GAP
    if longest <= (NUMBERS_PART / 2 if both else NUMBERS_PART) * plot:
        return drawn
    return replace(drawn, labels=[[label.partition(" (")[0] for label in own] for own in drawn.labels])


def _scale(drawn: Bars, plot: float) -> tuple[float, float]:
    """Return the ends of the axis that leave room for each label past its interval."""
    there = _on(drawn.reference)
    ends: list[tuple[float, float]] = []
    for series, labels in zip(drawn.series, drawn.labels, strict=True):
        for value, low, high, label in zip(series.values, series.low, series.high, labels, strict=True):
            wide = min(width(label) + 3 * GAP, NUMBERS_PART * plot)
            side = value >= drawn.reference
            ends.append((there(_end(value, low, high, up=side)), wide if side else -wide))
    every = [there(x) for s in drawn.series for x in (*s.values, *s.low, *s.high) if x is not None]
    least, most = min(there(drawn.reference), *every), max(there(drawn.reference), *every)
    most = most if most > least else least + 1.0
    for _ in range(30):
        most = max(
            most, *(least + (end - least) * plot / (plot - wide) for end, wide in ends if wide > 0), most
        )
        least = min(
            least, *(most - (most - end) * plot / (plot + wide) for end, wide in ends if wide < 0), least
        )
    return (10**least, 10**most) if drawn.reference else (least, most)


def _on(reference: float) -> Any:
    """Return the scale on which bars stand: logarithmic around a ratio's 1."""
    return math.log10 if reference else float


def _end(value: float, low: float | None, high: float | None, *, up: bool) -> float:
    ends = [value, *(end for end in (low, high) if end is not None)]
    return max(ends) if up else min(ends)


def _labelled(
    own: Any,
    series: Series,
    labels: Sequence[str],
    reference: float,
    scale: tuple[float, float, float, float],
) -> None:
    """Write each bar's number past the end of its interval."""
    there = _on(reference)
    span = there(scale[1]) - there(scale[0])
    for k, (value, low, high, label) in enumerate(
        zip(series.values, series.low, series.high, labels, strict=True)
    ):
        if not label:
            continue
        up = value >= reference
        shift = (there(_end(value, low, high, up=up)) - there(value)) / span * scale[2]
        text = own.points[k].data_label
        _written(text, label)
        text.position = XL_LABEL_POSITION.OUTSIDE_END
        _moved(text._dLbl, shift + (scale[3] if up else -scale[3]), 0.0)
    _unled(own)


# --- curves ----------------------------------------------------------------------------------------


def lines(
    shapes: Any, drawn: Lines, place: tuple[int, int, int, int], room: Room, focal: str, words: Words
) -> Any:
    """Add curves with intervals at some of their times and return the graphic frame; as `bars`."""
    plotted = [_stepped(drawn, k) for k in range(len(drawn.series))]
    book = workbook.of_lines(drawn, plotted, words)
    data: Any = _new(_Data if drawn.ticks else _Points)
    data.book = book
    if drawn.ticks:
        data.categories = list(drawn.ticks)
        for k, series in enumerate(drawn.series):
            by_place = dict(zip(drawn.times[k], series.values, strict=True))
            data.add_series(series.name, [by_place.get(float(t)) for t in range(len(drawn.ticks))])
    else:
        for series, (times, values, _) in zip(drawn.series, plotted, strict=True):
            added = data.add_series(series.name)
            for time, value in zip(times, values, strict=True):
                added.add_data_point(time, value)
    kind = XL_CHART_TYPE.LINE_MARKERS if drawn.ticks else XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS
    frame = shapes.add_chart(kind, *place, data)
    chart = frame.chart
    _plain(chart, legend=False)
    ends = [f"{name}: {end}" for name, end in zip(drawn.names, drawn.ends, strict=True)]
    ends = [cut(end, RIGHTMOST * room.width) for end in ends] if len(ends) > 1 else list(drawn.ends)
    trail = max(map(width, ends)) + 2 * GAP
    lead, foot = 60.0, (2.6 if drawn.axis else 1.6) * LINE
    plot = Room(room.width - lead - trail, room.height - foot - LINE / 2)
    _frame(
        chart, lead / room.width, LINE / 2 / room.height, plot.width / room.width, plot.height / room.height
    )
    low, high = _axes_of_lines(chart, drawn, plot.width)
    shifts = _spread([(s.values[-1] - low) / (high - low) * plot.height for s in drawn.series])
    for k in range(len(drawn.series)):
        own, last = chart.plots[0].series[k], len(plotted[k][0]) - 1
        if drawn.ticks:
            last = int(drawn.times[k][-1])
        _stroke(own, focal if not k else LIGHT["muted"] if k == 1 else LIGHT["context"], k)
        text = own.points[last].data_label
        _written(text, ends[k])
        text.position = XL_LABEL_POSITION.RIGHT
        _moved(text._dLbl, GAP / room.width, -shifts[k] / room.height)
        _unled(own)
        _error_bars(own._element, workbook.errors_of_lines(drawn, plotted, k), direction="y")
    return frame


def _stepped(drawn: Lines, k: int) -> workbook.Plotted:
    """Return what is plotted of a curve: times, values, and the place of each value's interval or none."""
    times, series = drawn.times[k], drawn.series[k]
    plotted: list[tuple[float, float, int | None]] = []
    for place, (time, value) in enumerate(zip(times, series.values, strict=True)):
        if drawn.steps and plotted:
            plotted.append((time, plotted[-1][1], None))
        told = time and time % drawn.step == 0 if drawn.step > 1 else True
        plotted.append((time, value, place if told else None))
    a, b, c = zip(*plotted, strict=True)
    return list(a), list(b), list(c)


def _axes_of_lines(chart: Any, drawn: Lines, plot: float) -> tuple[float, float]:
    over, values = chart.category_axis, chart.value_axis
    for axis in (over, values):
        axis.major_tick_mark = XL_TICK_MARK.NONE
        axis.has_major_gridlines = False
        axis.format.line.color.rgb = rgb(LIGHT["rule"])
        axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        _font(axis.tick_labels.font, LIGHT["muted"])
    if drawn.ticks:
        _skipping(over, drawn.ticks, plot)
    else:
        last = max(time for times in drawn.times for time in times)
        over.minimum_scale, over.maximum_scale = 0.0, last
        over.major_unit = next(u for u in (1, 2, 3, 6, 12, 24, 60, 120, last) if last / u <= 8)
        over.tick_labels.number_format, over.tick_labels.number_format_is_linked = "0", False
    if drawn.axis:
        over.has_title = True
        over.axis_title.text_frame.text = drawn.axis
        _font(over.axis_title.text_frame.paragraphs[0].runs[0].font, LIGHT["muted"], bold=False)
    every = [x for s in drawn.series for x in (*s.values, *s.low, *s.high) if x is not None]
    low, high, unit = (0.0, 1.0, 0.25) if drawn.share else _round(min(every), max(every))
    values.minimum_scale, values.maximum_scale, values.major_unit = low, high, unit
    values.has_major_gridlines = True
    values.major_gridlines.format.line.color.rgb = rgb(LIGHT["rule"])
    values.tick_labels.number_format = '0"\N{NO-BREAK SPACE}"%' if drawn.share else "0"
    values.tick_labels.number_format_is_linked = False
    if unit < 1 and not drawn.share:
        values.tick_label_position = XL_TICK_LABEL_POSITION.NONE
    return low, high


def _skipping(axis: Any, ticks: Sequence[str], plot: float) -> None:
    """Name as many waves as stand side by side, upright: every second one, every third..."""
    every = math.ceil(len(ticks) * (max(map(width, ticks)) + GAP) / plot)
    axis._element.find("{*}txPr").find("{*}bodyPr").set("rot", "0")
    held = f'<c:tickLblSkip {nsdecls("c")} val="{every}"/>'
    axis._element.find("{*}noMultiLvlLbl").addprevious(parse_xml(held))


def _round(low: float, high: float) -> tuple[float, float, float]:
    """Return ends of an axis that hold both numbers, and a step of whole numbers where there is room."""
    span = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(span / 4))
    unit = next(size * k for k in (1, 2, 5, 10) if span / (size * k) <= 5)
    return math.floor(low / unit) * unit, math.ceil(high / unit) * unit, unit


def _spread(heights: Sequence[float]) -> list[float]:
    """Return how far up each text must go so that none covers another."""
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    placed = {order[0]: heights[order[0]]}
    for below, k in pairwise(order):
        placed[k] = max(heights[k], placed[below] + LINE)
    return [placed[k] - height for k, height in enumerate(heights)]


def _stroke(own: Any, colour: str, k: int) -> None:
    own.smooth = False
    own.format.line.color.rgb, own.format.line.width = rgb(colour), Pt(2.5)
    own.format.line.dash_style = DASHES[k % len(DASHES)]
    if hasattr(own, "marker"):
        _fill(own.marker.format, colour)
        own.marker.format.line.color.rgb = rgb(colour)


# --- both ------------------------------------------------------------------------------------------


def _plain(chart: Any, *, legend: bool) -> None:
    chart.has_title, chart.has_legend = False, legend
    _font(chart.font)
    if legend:
        from pptx.enum.chart import XL_LEGEND_POSITION

        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
        _font(chart.legend.font)


def _frame(chart: Any, x: float, y: float, w: float, h: float) -> None:
    """Fix where the plot stands within its chart, so that what was reckoned holds."""
    area = chart._chartSpace.chart.plotArea
    for old in area.findall("{*}layout"):
        area.remove(old)
    ends = "".join(f'<c:{name} val="{value:.5f}"/>' for name, value in zip("xywh", (x, y, w, h), strict=True))
    modes = '<c:layoutTarget val="inner"/><c:xMode val="edge"/><c:yMode val="edge"/>'
    layout = f"<c:layout {nsdecls('c')}><c:manualLayout>{modes}{ends}</c:manualLayout></c:layout>"
    area.insert(0, parse_xml(layout))


def _moved(label: Any, x: float, y: float) -> None:
    place = f'<c:x val="{x:.5f}"/><c:y val="{y:.5f}"/>'
    layout = f"<c:layout {nsdecls('c')}><c:manualLayout>{place}</c:manualLayout></c:layout>"
    label.insert(1, parse_xml(layout))


def _unled(own: Any) -> None:
    """Let no line lead from a label to its bar: it would read as an interval."""
    given = own._element.find("{*}dLbls")
    if given is not None:
        held = f'<c15:showLeaderLines xmlns:c15="{LEADING_LINES[1]}" val="0"/>'
        given.append(
            parse_xml(f'<c:extLst {nsdecls("c")}><c:ext uri="{LEADING_LINES[0]}">{held}</c:ext></c:extLst>')
        )


def _written(label: Any, text: str) -> None:
    frame = label.text_frame
    frame.text = text
    frame.word_wrap = False
    _font(frame.paragraphs[0].runs[0].font)


def _error_bars(own: Any, ranges: workbook.Errors | None, direction: str = "") -> None:
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


def _fill(form: Any, colour: str) -> None:
    form.fill.solid()
    form.fill.fore_color.rgb = rgb(colour)


def _font(font: Any, colour: str = LIGHT["ink"], *, bold: bool | None = None) -> None:
    font.size, font.bold = Pt(SMALLEST), bold
    font.color.rgb = rgb(colour)


def rgb(colour: str) -> Any:
    """Return #RRGGBB as python-pptx has it."""
    return RGBColor.from_string(colour[1:].upper())  # type: ignore[no-untyped-call]
