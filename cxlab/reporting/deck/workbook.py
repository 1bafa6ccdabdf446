"""The workbook behind a chart: what is drawn, its limits and bases, as numbers and text, never a formula.

The same bytes each time. Only rows that are shown ever come here.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from cxlab.reporting.deck.drawn import Bars, Lines
from cxlab.reporting.words import Words

SHEET = "Sheet1"  # as python-pptx's ranges have it
MADE = datetime(2000, 1, 1)
Plotted = tuple[list[float], list[float], list[int | None]]
Distances = Sequence[float | None]
Errors = tuple[tuple[str, Distances], tuple[str, Distances]]
Column = tuple[str, Sequence[str | float | None]]


def of_bars(drawn: Bars, words: Words) -> bytes:
    """Return the workbook of bars: names, values; then limits and how far they are, and bases."""
    columns: list[Column] = [("", drawn.names)]
    columns += [(series.name, series.values) for series in drawn.series]
    for series in drawn.series:
        if any(low is not None for low in series.low):
            plus, minus = _distances(series.values, series.low, series.high)
            columns += [(words(f"deck.sheet.{end}"), getattr(series, end)) for end in ("low", "high")]
            columns += [(words("deck.sheet.plus"), plus), (words("deck.sheet.minus"), minus)]
    if any(base is not None for base in drawn.bases):
        columns.append(("n", drawn.bases))
    return _book([(0, columns)])


def errors_of_bars(drawn: Bars, k: int) -> Errors | None:
    """Return where the intervals of a series stand in its workbook, upwards and downwards."""
    series = drawn.series[k]
    if all(low is None for low in series.low):
        return None
    before = sum(any(low is not None for low in s.low) for s in drawn.series[:k])
    first = 1 + len(drawn.series) + 4 * before + 2
    plus, minus = _distances(series.values, series.low, series.high)
    rows = (2, len(series.values) + 1)
    return (_range(first, *rows), plus), (_range(first + 1, *rows), minus)


def of_lines(drawn: Lines, plotted: Sequence[Plotted], words: Words) -> bytes:
    """Return the workbook of curves: over waves a table, else one table of two columns under the other."""
    if drawn.ticks:
        size = len(drawn.ticks)
        columns: list[Column] = [("", drawn.ticks)]
        columns += [(s.name, _at(drawn.times[k], s.values, size)) for k, s in enumerate(drawn.series)]
        for k, series in enumerate(drawn.series):
            plus, minus = _distances(series.values, series.low, series.high)
            for end in ("low", "high"):
                columns.append((words(f"deck.sheet.{end}"), _at(drawn.times[k], getattr(series, end), size)))
            columns.append((words("deck.sheet.plus"), _at(drawn.times[k], plus, size)))
            columns.append((words("deck.sheet.minus"), _at(drawn.times[k], minus, size)))
        return _book([(0, columns)])
    parts: list[tuple[int, list[Column]]] = []
    row = 0
    for k, (times, values, places) in enumerate(plotted):
        plus, minus = _plotted_distances(drawn, k, places)
        columns = [("", times), (drawn.series[k].name, values)]
        columns += [(words("deck.sheet.plus"), plus), (words("deck.sheet.minus"), minus)]
        parts.append((row, columns))
        row += len(times) + 2
    return _book(parts)


def errors_of_lines(drawn: Lines, plotted: Sequence[Plotted], k: int) -> Errors | None:
    """Return where the intervals of a curve stand in its workbook, upwards and downwards."""
    series = drawn.series[k]
    if all(low is None for low in series.low):
        return None
    if drawn.ticks:
        size = len(drawn.ticks)
        first = 1 + len(drawn.series) + 4 * k + 2
        up, down = (
            _at(drawn.times[k], each, size) for each in _distances(series.values, series.low, series.high)
        )
        return (_range(first, 2, size + 1), up), (_range(first + 1, 2, size + 1), down)
    start = sum(len(times) + 2 for times, _, _ in plotted[:k]) + 2
    plus, minus = _plotted_distances(drawn, k, plotted[k][2])
    rows = (start, start + len(plus) - 1)
    return (_range(2, *rows), plus), (_range(3, *rows), minus)


def _plotted_distances(drawn: Lines, k: int, places: Sequence[int | None]) -> tuple[Distances, Distances]:
    series = drawn.series[k]
    plus, minus = _distances(series.values, series.low, series.high)
    return [None if p is None else plus[p] for p in places], [None if p is None else minus[p] for p in places]


def _distances(
    values: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]
) -> tuple[Distances, Distances]:
    """Return how far each upper limit is above its value and each lower one below; an open end is none."""
    plus = [0.0 if end is None else max(end - value, 0.0) for value, end in zip(values, high, strict=True)]
    minus = [0.0 if end is None else max(value - end, 0.0) for value, end in zip(values, low, strict=True)]
    return plus, minus


def _at(times: Sequence[float], values: Sequence[float | None], size: int) -> list[float | None]:
    known = {int(time): value for time, value in zip(times, values, strict=True)}
    return [known.get(k) for k in range(size)]


def _range(column: int, first: int, last: int) -> str:
    letter = xl_col_to_name(column)
    return f"{SHEET}!${letter}${first}:${letter}${last}"


def _book(parts: Sequence[tuple[int, Sequence[Column]]]) -> bytes:
    """Write tables one under the other, each from its row on."""
    written = io.BytesIO()
    given = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = Workbook(written, {**given, "strings_to_numbers": False, "nan_inf_to_errors": False})
    book.set_properties({"created": MADE})
    sheet = book.add_worksheet(SHEET)
    for row, columns in parts:
        for place, (head, cells) in enumerate(columns):
            for k, cell in enumerate((head, *cells)):
                if isinstance(cell, str):
                    sheet.write_string(row + k, place, cell)
                elif cell is not None:
                    sheet.write_number(row + k, place, cell)
    book.close()
    return written.getvalue()
