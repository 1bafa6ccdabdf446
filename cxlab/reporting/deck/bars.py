"""Horizontal bars as a native chart, each with its interval as error bar and its number beside it.

Where a number stands is reckoned here, because a slide is laid out before it is opened: the scale of the axis
leaves room for it, and it is moved past the end of its interval. Numbers are text in the report's language;
a number format would follow the machine of whoever opens the file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_TICK_LABEL_POSITION, XL_TICK_MARK
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls

from cxlab.reporting.colours import LIGHT
from cxlab.reporting.deck import workbook
from cxlab.reporting.deck.drawn import Bars, Series
from cxlab.reporting.deck.grids import Room
from cxlab.reporting.deck.lettering import width
from cxlab.reporting.deck.marks import (
    GAP,
    LINE,
    Data,
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

NUMBERS_PART = 0.6  # of a plot, for the numbers beside bars


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
    data: Any = new(Data)
    data.categories = list(drawn.names)
    for series in drawn.series:
        data.add_series(series.name, list(series.values))
    data.book = workbook.of_bars(drawn, words)
    frame = shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *place, data)
    chart, several = frame.chart, len(drawn.series) > 1
    plain(chart, legend=several)
    lead = drawn.lead + 2 * GAP
    plot = room.width - lead - GAP
    drawn = _spoken_within(drawn, plot)
    low, high = _scale(drawn, plot)
    framed(
        chart, lead / room.width, 0.01, plot / room.width, 0.98 - (1.6 * LINE / room.height if several else 0)
    )
    _axes_of_bars(chart, drawn, low, high)
    chart.plots[0].gap_width, chart.plots[0].overlap = (45, 0) if several else (60, 0)
    for k, (series, labels) in enumerate(zip(drawn.series, drawn.labels, strict=True)):
        own = chart.plots[0].series[k]
        fill(own.format, LIGHT["context"] if k or drawn.focal else focal)
        for point in sorted(drawn.focal if not k else ()):
            fill(own.points[point].format, focal)
        _labelled(own, series, labels, drawn.reference, (low, high, plot / room.width, GAP / room.width))
        error_bars(own._element, workbook.errors_of_bars(drawn, k))
    for point in chart._chartSpace.xpath(".//c:dPt"):
        point.insert(1, parse_xml(f'<c:invertIfNegative {nsdecls("c")} val="0"/>'))
    return frame


def _axes_of_bars(chart: Any, drawn: Bars, low: float, high: float) -> None:
    names, values = chart.category_axis, chart.value_axis
    names.reverse_order = True
    names.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    names.major_tick_mark = XL_TICK_MARK.NONE
    names.format.line.color.rgb = rgb(LIGHT["muted"])
    font(names.tick_labels.font)
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
        written(text, label)
        text.position = XL_LABEL_POSITION.OUTSIDE_END
        moved(text._dLbl, shift + (scale[3] if up else -scale[3]), 0.0)
    unled(own)
