"""Curves over months or waves as a native chart, with intervals at some times and names at their ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_TICK_LABEL_POSITION, XL_TICK_MARK
from pptx.enum.dml import MSO_LINE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Pt

from cxlab.reporting.colours import LIGHT
from cxlab.reporting.deck import workbook
from cxlab.reporting.deck.drawn import Lines
from cxlab.reporting.deck.grids import Room
from cxlab.reporting.deck.lettering import cut, width
from cxlab.reporting.deck.marks import (
    GAP,
    LINE,
    Data,
    Points,
    error_bars,
    fill,
    font,
    framed,
    moved,
    new,
    plain,
    rgb,
    unled,
    written,
)
from cxlab.reporting.words import Words

RIGHTMOST = 0.4  # of a chart, for the names at the ends of its curves
DASHES = (MSO_LINE.SOLID, MSO_LINE.DASH, MSO_LINE.LONG_DASH_DOT, MSO_LINE.ROUND_DOT, MSO_LINE.DASH_DOT)


def lines(
    shapes: Any, drawn: Lines, place: tuple[int, int, int, int], room: Room, focal: str, words: Words
) -> Any:
    """Add curves with intervals at some of their times and return the graphic frame; as `bars`."""
    plotted = [_stepped(drawn, k) for k in range(len(drawn.series))]
    book = workbook.of_lines(drawn, plotted, words)
    data: Any = new(Data if drawn.ticks else Points)
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
    plain(chart, legend=False)
    ends = [
        _called(name, end, RIGHTMOST * room.width) for name, end in zip(drawn.names, drawn.ends, strict=True)
    ]
    ends = ends if len(ends) > 1 else list(drawn.ends)
    trail = max(map(width, ends)) + 2 * GAP
    lead, foot = 60.0, (2.6 if drawn.axis else 1.6) * LINE
    plot = Room(room.width - lead - trail, room.height - foot - LINE / 2)
    framed(
        chart, lead / room.width, LINE / 2 / room.height, plot.width / room.width, plot.height / room.height
    )
    low, high = _axes_of_lines(chart, drawn, plot.width, words)
    shifts = _spread([(s.values[-1] - low) / (high - low) * plot.height for s in drawn.series])
    for k in range(len(drawn.series)):
        own, last = chart.plots[0].series[k], len(plotted[k][0]) - 1
        if drawn.ticks:
            last = int(drawn.times[k][-1])
        _stroke(own, focal if not k else LIGHT["muted"] if k == 1 else LIGHT["context"], k)
        text = own.points[last].data_label
        written(text, ends[k])
        text.position = XL_LABEL_POSITION.RIGHT
        moved(text._dLbl, GAP / room.width, -shifts[k] / room.height)
        unled(own)
        error_bars(own._element, workbook.errors_of_lines(drawn, plotted, k), direction="y")
    return frame


def _called(name: str, end: str, room: float) -> str:
    """Return what stands at the end of a curve: its name, as much as fits, and its last value."""
    return f"{cut(name, room - width(f': {end}'))}: {end}"


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


def _axes_of_lines(chart: Any, drawn: Lines, plot: float, words: Words) -> tuple[float, float]:
    over, values = chart.category_axis, chart.value_axis
    for axis in (over, values):
        axis.major_tick_mark = XL_TICK_MARK.NONE
        axis.has_major_gridlines = False
        axis.format.line.color.rgb = rgb(LIGHT["rule"])
        axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        font(axis.tick_labels.font, LIGHT["muted"])
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
        font(over.axis_title.text_frame.paragraphs[0].runs[0].font, LIGHT["muted"], bold=False)
    every = [x for s in drawn.series for x in (*s.values, *s.low, *s.high) if x is not None]
    low, high, unit = (0.0, 1.0, 0.25) if drawn.share else _round(min(every), max(every))
    values.minimum_scale, values.maximum_scale, values.major_unit = low, high, unit
    values.has_major_gridlines = True
    values.major_gridlines.format.line.color.rgb = rgb(LIGHT["rule"])
    percent = words("unit.percent", number="0").replace("\N{NO-BREAK SPACE}", '"\N{NO-BREAK SPACE}"')
    values.tick_labels.number_format = percent if drawn.share else "0"
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
        fill(own.marker.format, colour)
        own.marker.format.line.color.rgb = rgb(colour)
