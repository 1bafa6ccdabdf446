"""A result as a table of a slide: the columns and rows of the printed table that fit, none suppressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.reporting import banners, tables
from cxlab.reporting.deck.lettering import LEADING, SMALLEST, cut, spoken, width, wrapped
from cxlab.reporting.tables import Cell
from cxlab.reporting.words import Words

WIDEST = 250.0  # column, in points
LABEL_LINES = 2
AIR = 10.0  # between two rows


@dataclass(frozen=True)
class Room:
    """What there is for the figure, in points."""

    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: heads and rows of texts; widths in points."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[bool]
    widths: Sequence[float]
    lines: Sequence[int]
    measure: str = ""
    left_out: int = 0


def shown(bundle: Mapping[str, Any], claim: Mapping[str, Any]) -> str:
    """Return which table a slide shows: the main one; of a banner, that of the groups its claim speaks of."""
    cut = str(claim.get("fields", {}).get("column", ""))
    return cut if bundle.get("kind") == banners.KIND and cut in bundle["tables"] else "main"


def grid(bundle: Mapping[str, Any], name: str, words: Words, room: Room) -> Grid | None:
    """Return the first rows and columns of a printed table that fit, whole cells in at most two lines."""
    table = tables.readable(bundle, name, words)
    rows = [row for row in table.rows if row.flag != "suppressed"]
    if not rows:
        return None
    wide = bundle.get("kind") == banners.KIND  # whose lines are not the rows of its table
    places, widths = _columns(table.heads, [row.cells for row in rows[:12]], room)
    texts = [[_cell(row.cells[place], row.flag) for place in places] for row in rows]
    heads = [cut(spoken(table.heads[k].text), w - AIR, lines=3) for k, w in zip(places, widths, strict=True)]
    stand, lines, used = [], [], _height(heads, widths)
    lines.append(max(len(wrapped(h, w - AIR)) for h, w in zip(heads, widths, strict=True)))
    for row in texts:
        short = [cut(text, w - AIR, lines=LABEL_LINES) for text, w in zip(row, widths, strict=True)]
        used += _height(short, widths)
        if used > room.height:
            break
        stand.append(short)
        lines.append(max(len(wrapped(text, w - AIR)) for text, w in zip(short, widths, strict=True)))
    return Grid(
        heads=heads,
        rows=stand,
        numbers=[table.heads[k].number for k in places],
        widths=widths,
        lines=lines,
        measure="",
        left_out=(len(rows) if wide else len(bundle["tables"][name]["rows"])) - len(stand),
    )


def _cell(cell: Cell, flag: str) -> str:
    return spoken(f"{cell.text} {cell.mark}".strip()) if flag == "low_base" else spoken(cell.text)


def _height(cells: Sequence[str], widths: Sequence[float]) -> float:
    lines = max(len(wrapped(text, w - AIR)) for text, w in zip(cells, widths, strict=True))
    return lines * SMALLEST * LEADING + AIR


def _columns(
    heads: Sequence[Cell], rows: Sequence[Sequence[Cell]], room: Room
) -> tuple[list[int], list[float]]:
    """Return the columns that fit side by side, from the left, and how wide each is."""
    places: list[int] = []
    widths: list[float] = []
    for place, head in enumerate(heads):
        longest = max((width(spoken(row[place].text + row[place].mark)) for row in rows), default=0.0)
        word = max(width(part, bold=True) for part in spoken(head.text).split(" "))
        needed = min(max(longest, word, 40.0), WIDEST) + 2 * AIR
        if sum(widths) + needed > room.width:
            break
        places.append(place)
        widths.append(needed)
    texts = [k for k, place in enumerate(places) if not heads[place].number] or [0]
    for k in texts if widths else ():
        widths[k] += min((room.width - sum(widths)) / len(texts), 160.0)
    return places, widths
