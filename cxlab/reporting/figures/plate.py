"""The sheet a figure is drawn on: title, subtitle, label column, body, number columns, foot.

Everything is laid out in points. The body's y axis counts points from its top, so that a row's height
is what its label needs; columns of text stand at the left and right of the body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, ParamSpec

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Claim, Result
from cxlab.reporting import claims
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures.theme import SMALL, TEXT, TITLE, themed
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.words import Words, absent

WIDTH, HEIGHT = 7.2 * 72, 4.2 * 72
EDGE, GAP = 4.0, 12.0
LEADING, ROW = 12.5, 11.0  # line height of a label; air above and below it
CLOSE, AIR = 7.5, 3.0  # text and air of rows that stand close together
ROWS = 40
Parameters = ParamSpec("Parameters")


@dataclass(frozen=True)
class Row:
    """One line of a figure: its label, where its middle stands, and its numbers."""

    lines: tuple[str, ...]
    y: float
    height: float
    size: float = TEXT


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What surrounds the body: texts, and the room (in points) at its left, right and under it."""

    title: str
    subtitle: str
    foot: Sequence[str]
    left: float = 0.0
    right: float = EDGE
    above: float = 0.0
    axis: float = 22.0
    body: float = HEIGHT


def figure_of(draw: Callable[Parameters, Axes]) -> Callable[Parameters, Axes]:
    """Run a draw function within the report's theme."""

    @wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Axes:
        with themed():
            return draw(*args, **kwargs)

    return drawn


def lay(sheet: Sheet, ax: Axes | None) -> Axes:
    """Put title, subtitle and foot around a body and return the body's Axes.

    Without `ax` a figure is made whose height is what the sheet needs; a given `ax` is shrunk inside
    its own place, so that all the text stays there.
    """
    # A little less than the width: hinted glyphs are wider than measured ones.
    across = 0.985 * room(ax)
    title = wrapped(sheet.title, across - EDGE, TITLE, bold=True)
    subtitle = wrapped(sheet.subtitle, across - EDGE, TEXT, lines=2)
    foot = wrapped("  ·  ".join(part for part in sheet.foot if part), across - EDGE, SMALL, lines=3)
    top = 4 + 17 * len(title) + 13.5 * len(subtitle) + 8 + sheet.above
    bottom = sheet.axis + 8 + 11.5 * len(foot)
    if ax is None:
        ax = _new_axes(sheet, top, bottom)
    else:
        _shrink(ax, sheet, top, bottom)
    ax.set_label(sheet.title)
    _stack(ax, title, top - 4, sheet.left, size=TITLE, leading=17, weight="bold", color=LIGHT["ink"])
    _stack(ax, subtitle, top - 4 - 17 * len(title), sheet.left, size=TEXT, leading=13.5, color=LIGHT["muted"])
    for k, line in enumerate(foot):
        write(
            ax,
            line,
            (0, 0),
            (-sheet.left, -sheet.axis - 8 - 11.5 * k),
            size=SMALL,
            va="top",
            color=LIGHT["muted"],
        )
    return ax


def room(ax: Axes | None) -> float:
    """Return how wide a sheet is, in points."""
    return WIDTH if ax is None else points_of(ax)[0]


def rows_of(labels: Sequence[str], room: float, *, size: float = TEXT, start: float = 4.0) -> list[Row]:
    """Return one row for each label, wrapped into `room` points, one under the other from `start`."""
    rows, y = [], start
    for label in labels:
        lines = wrapped(label, room, size)
        height = LEADING * len(lines) + ROW if size == TEXT else size + AIR
        rows.append(Row(tuple(lines if size == TEXT else lines[:1]), y + height / 2, height, size))
        y += height
    return rows


def height_of(rows: Sequence[Row]) -> float:
    """Return the height of a body that holds `rows`."""
    return (rows[-1].y + rows[-1].height / 2 + 4) if rows else 40.0


def label_room(labels: Sequence[str], most: float = 168.0, least: float = 60.0) -> float:
    """Return how much room the label column takes: its widest label, within bounds."""
    return min(most, max([least, *(width(label) + 2 for label in labels)]))


def label_rows(
    ax: Axes, rows: Sequence[Row], left: float, right: float = 0.0, *, muted: Sequence[bool] = ()
) -> None:
    """Write the labels at the left edge of the sheet, and a thin rule between rows, from edge to edge."""
    wide = points_of(ax)[0]
    for k, row in enumerate(rows):
        colour = LIGHT["muted"] if muted and muted[k] else LIGHT["ink"]
        for j, line in enumerate(row.lines):
            offset = (len(row.lines) - 1) / 2 * LEADING - j * LEADING
            write(ax, line, (0, row.y), (-left, offset), y="data", va="center", color=colour, size=row.size)
        if k:
            ax.axhline(
                row.y - row.height / 2,
                -left / wide,
                1 + right / wide,
                color=LIGHT["rule"],
                linewidth=0.6,
                zorder=0,
                clip_on=False,
            )


@dataclass(frozen=True)
class Column:
    """A column of numbers at the right of the body; a quiet one is muted."""

    texts: Sequence[str]
    head: str = ""
    quiet: bool = False
    least: float = 0.0

    @property
    def width(self) -> float:
        """The room that it takes."""
        return max([width(self.head, SMALL) + GAP, self.least, *(width(text) + GAP for text in self.texts)])


def bases(table: pd.DataFrame, words: Words) -> Column:
    """Return the column of bases; ``<10``, or ``n/s``, where a base may not be shown."""
    more = table["withheld"].to_list() if "withheld" in table else [False] * len(table)
    texts = [
        words("table.withheld" if also else "table.under_ten") if absent(n) else words.number(n, 0)
        for n, also in zip(table["n"], more, strict=True)
    ]
    return Column(texts, words("figure.base"), quiet=True)


def write_columns(ax: Axes, rows: Sequence[Row], columns: Sequence[Column], *, heads: bool = True) -> None:
    """Write columns of numbers side by side, right-aligned, their heads above them."""
    right = 0.0
    for column in columns:
        right += column.width
        colour = LIGHT["muted" if column.quiet else "ink"]
        for row, text in zip(rows, column.texts, strict=True):
            place = (1, row.y), (right, 0)
            write(ax, text, *place, y="data", ha="right", va="center", color=colour, size=row.size)
        note(ax, column.head if heads else "", (1, 1), (right, 3), ha="right")


def row_sheet(
    labels: Sequence[str],
    columns: Sequence[Column],
    *,
    title: str,
    subtitle: str,
    foot: Sequence[str],
    ax: Axes | None,
    muted: Sequence[bool] = (),
    close: bool = False,
) -> tuple[Axes, list[Row]]:
    """Lay a figure of rows: labels at the left, body, columns of numbers at the right; many stand close."""
    left, right = label_room(labels) + 10, sum(column.width for column in columns)
    rows = rows_of(labels, left - 10, size=CLOSE if close else TEXT)
    body = height_of(rows)
    sheet = Sheet(title=title, subtitle=subtitle, foot=foot, left=left, right=right + 4, above=18, body=body)
    ax = lay(sheet, ax)
    ax.set_ylim(body, 0)
    label_rows(ax, rows, left, right, muted=muted)
    write_columns(ax, rows, columns)
    return ax, rows


def write(
    ax: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float] = (0.0, 0.0),
    *,
    y: Literal["axes fraction", "data"] = "axes fraction",
    x: Literal["axes fraction", "data"] = "axes fraction",
    size: float = TEXT,
    **style: Any,
) -> None:
    """Write one line at a place of the body, moved by `offset` points."""
    if text:
        ax.annotate(
            text,
            xy=at,
            xycoords=(x, y),
            xytext=offset,
            textcoords="offset points",
            fontsize=size,
            annotation_clip=False,
            **style,
        )


def note(
    ax: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float] = (0.0, 3.0),
    *,
    x: Literal["axes fraction", "data"] = "axes fraction",
    ha: str = "left",
    va: str = "bottom",
) -> None:
    """Write a small muted line: heads, names of reference lines."""
    write(ax, text, at, offset, x=x, size=SMALL, ha=ha, va=va, color=LIGHT["muted"])


def dots(
    ax: Axes,
    x: Sequence[Any],
    y: Sequence[float],
    colours: Sequence[str],
    *,
    hollow: Sequence[bool] = (),
    marker: str = "o",
    size: float = 52.0,
) -> None:
    """Put a dot on each row that has a number; a hollow one where the base is low."""
    known = [k for k, value in enumerate(x) if not absent(value)]
    fill = [LIGHT["paper"] if hollow and hollow[k] else colours[k] for k in known]
    if known:
        sns.scatterplot(
            x=[float(x[k]) for k in known],
            y=[y[k] for k in known],
            ax=ax,
            s=size,
            marker=marker,
            c=fill,
            edgecolor=[colours[k] for k in known],
            linewidth=1.5,
            legend=False,
            zorder=4,
        )
    bare(ax)


def hollows(table: pd.DataFrame) -> list[bool]:
    """Return which rows have a low base."""
    return [flag == "low_base" for flag in table["flag"]] if "flag" in table else [False] * len(table)


def value_axis(ax: Axes, words: Words, *, share: bool = False, ticks: int = 5) -> None:
    """Give the body a quiet value axis: a few ticks in the report's numbers, light grid lines, no frame."""
    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v) if share else words.number(v)))
    bare(ax)


def bare(ax: Axes) -> None:
    """Leave only grid lines: no y axis, no axis titles."""
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.yaxis.set_visible(False)
    ax.grid(visible=True, axis="x", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", length=0, pad=5)


def limits(values: Sequence[Any], *, zero: bool = False, pad: float = 0.06) -> tuple[float, float]:
    """Return axis limits that hold all `values` with some air."""
    known = [float(v) for v in values if not absent(v)] or [0.0, 1.0]
    low, high = min(known), max(known)
    air = (high - low) * pad or max(abs(high) * pad, 0.5)
    return (0.0 if zero else low - air, high + air)


def title_of(result: Result, words: Words, codes: Sequence[str], otherwise: str) -> str:
    """Return the finding in words: the first claim whose code comes first in `codes`, or `otherwise`."""
    found = claim_of(result, codes)
    return claims.short(found, words) if found else otherwise


def claim_of(result: Result, codes: Sequence[str]) -> Claim | None:
    """Return the first claim with the earliest of `codes`."""
    return next((claim for code in codes for claim in result.claims if claim.code == code), None)


def foot_of(
    result: Result,
    words: Words,
    *,
    low_base: bool = False,
    suppressed: bool = False,
    interval: str = "figure.foot.interval",
    undrawn: int = 0,
) -> list[str]:
    """Return what stands under a figure: base, weighting, level, notes on bases and on rows not drawn."""
    level = result.settings.get("level")
    return [
        words("figure.foot.n", n=words.number(result.n_used, 0)) if result.n_used else "",
        words("figure.foot.weighted") if result.settings.get("weights") else "",
        words(interval, level=words.percent(level)) if level else "",
        words("figure.foot.low_base") if low_base else "",
        words("figure.foot.suppressed") if suppressed else "",
        words("table.withheld.note") if suppressed and _withheld(result) else "",
        words.plural("figure.alt.more", undrawn) if undrawn else "",
    ]


def _withheld(result: Result) -> bool:
    return "withheld" in result.table and bool(result.table["withheld"].any())


def flags_of(table: pd.DataFrame) -> tuple[bool, bool]:
    """Return whether a table has low and suppressed bases."""
    if "flag" not in table:
        return False, False
    return bool((table["flag"] == "low_base").any()), bool((table["flag"] == "suppressed").any())


def keys_of(labels: Sequence[str], room: float) -> list[tuple[int, float]]:
    """Return the line and the start, in points, of each key of a legend as wide as `room`."""
    line, x, places = 0, 0.0, []
    for label in labels:
        wide = 14 + width(label, SMALL) + 14
        if x and x + wide > room:
            line, x = line + 1, 0.0
        places.append((line, x))
        x += wide
    return places


def nothing(
    result: Result, words: Words, title: str, ax: Axes | None, *, said: str = "figure.nothing"
) -> Axes:
    """Return a figure that says that no number may be shown, or what else it has none for."""
    axes = lay(Sheet(title=title, subtitle="", foot=foot_of(result, words), body=60.0), ax)
    axes.set_axis_off()
    write(axes, words(said), (0.5, 0.5), ha="center", va="center", color=LIGHT["muted"])
    return axes


def _new_axes(sheet: Sheet, top: float, bottom: float) -> Axes:
    height = top + sheet.body + bottom
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    FigureCanvasAgg(figure)  # gives texts a renderer to be measured with; nothing is kept by pyplot
    place = (
        sheet.left / WIDTH,
        bottom / height,
        (WIDTH - sheet.left - sheet.right) / WIDTH,
        sheet.body / height,
    )
    return figure.add_axes(place)


def points_of(ax: Axes) -> tuple[float, float]:
    """Return width and height of a body, in points."""
    box, figure = ax.get_position(), ax.get_figure(root=True)
    assert figure is not None
    return box.width * figure.get_figwidth() * 72, box.height * figure.get_figheight() * 72


def _shrink(ax: Axes, sheet: Sheet, top: float, bottom: float) -> None:
    box, (wide, high) = ax.get_position(), points_of(ax)
    inner_width = max(wide - sheet.left - sheet.right, wide * 0.2) / wide * box.width
    inner_height = max(high - top - bottom, high * 0.2) / high * box.height
    ax.set_position(
        (
            box.x0 + sheet.left / wide * box.width,
            box.y0 + bottom / high * box.height,
            inner_width,
            inner_height,
        )
    )


def _stack(
    ax: Axes, lines: Sequence[str], start: float, left: float, *, size: float, leading: float, **style: Any
) -> None:
    for k, line in enumerate(lines):
        write(ax, line, (0, 1), (-left, start - leading * k), size=size, va="top", **style)
