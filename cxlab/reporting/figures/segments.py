"""Importance by segment: one panel for each, the drivers in the same order, what stands apart marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import wrapped
from cxlab.reporting.words import Words, absent

CODES = ("drivers.segment", "drivers.first_elsewhere", "drivers.segments_alike")
MARKS = {"more": ("^", "focal"), "less": ("v", "focal"), "mixed": ("D", "focal"), "open": ("o", "context")}
ACROSS, PANELS = 4, 12
INSET, INNER = 0.04, 0.86  # of a panel: air at its left, and what its axis takes
LINE, UNDER, APART = 11.0, 10.0, 40.0


@dataclass(frozen=True)
class _Panel:
    """One segment: its head in lines, its drivers in the figure's order, and where it stands."""

    head: list[str]
    rows: pd.DataFrame
    block: int
    column: int


@plate.figure_of
def draw_segments(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how much each driver holds of what is explained in each segment.

    Parameters
    ----------
    result : Result
        Of `segments.compare`; with its table ``segments`` heads say what is explained in each.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Panels of dots with intervals on one axis, up to twelve segments; a triangle where a share stands
        apart from that in another segment.
    """
    outcome = result.settings.get("outcome", "")
    title = plate.title_of(
        result, words, CODES, words("figure.segments.title", outcome=words.metric(outcome, "the"))
    )
    whole = result.table
    if whole.empty or not whole["share"].notna().any():
        return plate.nothing(result, words, title, ax)
    by = list(result.settings.get("by", []))
    cells = whole[by].drop_duplicates().head(PANELS)
    drivers = whole.groupby("driver", sort=False)["share"].mean().sort_values(ascending=False, kind="stable")
    drivers = drivers.head(plate.ROWS)
    labels = [words.covariate(driver) for driver in drivers.index]
    blocks = ceil(len(cells) / ACROSS)
    across = ceil(len(cells) / blocks)
    left = plate.label_room(labels) + 10
    head_room = (plate.room(ax) - left - plate.EDGE) / across * (INSET + INNER)
    order = list(drivers.index)
    panels = [
        _Panel(
            _head(result, cell, head_room, words),
            _of(whole, cell).set_index("driver").reindex(order),
            *divmod(k, across),
        )
        for k, cell in enumerate(cells.to_dict("records"))
    ]
    heads = [LINE * max(len(p.head) for p in panels if p.block == b) + 4 for b in range(blocks)]
    places: list[list[plate.Row]] = []
    start = 0.0
    for head in heads:
        places.append(plate.rows_of(labels, left - 10, start=start + head))
        start = plate.height_of(places[-1]) + UNDER
    low_base, suppressed = plate.flags_of(whole)
    foot = plate.foot_of(
        result, words, low_base=low_base, suppressed=suppressed,
        undrawn=len(whole) - len(cells) * len(drivers),
    )  # fmt: skip
    sheet = plate.Sheet(
        title=title, subtitle=words("figure.segments.subtitle", outcome=words.metric(outcome)),
        foot=[words("figure.segments.key"), *foot], left=left, body=start - UNDER,
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    ax.set_xlim(0, across)
    ax.set_ylim(start - UNDER, 0)
    _panels(ax, panels, places, left, words)
    return ax


def _head(result: Result, cell: Mapping[Any, Any], room: float, words: Words) -> list[str]:
    """Return a panel's head: the segment, then its base and what is explained in it."""
    lines = wrapped(" × ".join(words.label(k, v) for k, v in cell.items()), room, SMALL, bold=True)
    levels = result.tables.get("segments", pd.DataFrame())
    if levels.empty:
        return lines
    own = _of(levels, cell).iloc[0]
    if own["flag"] == "suppressed":
        return lines
    base = words("figure.foot.n", n=words.number(own["n"], 0))
    explained = words("figure.segments.explained", r_squared=words.percent(own["r_squared"], 0))
    return [*lines, base, explained]


def _of(table: pd.DataFrame, cell: Mapping[Any, Any]) -> pd.DataFrame:
    """Return the rows of a segment."""
    same = np.all([table[column] == value for column, value in cell.items()], axis=0)
    return table.iloc[np.flatnonzero(same)]


def _panels(
    ax: Axes, panels: Sequence[_Panel], places: Sequence[list[plate.Row]], left: float, words: Words
) -> None:
    ends = [float(v) for p in panels for c in ("conf_high", "share") for v in p.rows[c] if not absent(v)]
    across = max(p.column for p in panels) + 1
    found = MaxNLocator(3 if across <= 3 else 2, steps=[1, 2, 2.5, 5, 10]).tick_values(0.0, max(ends))
    scale = INNER / max(ends)
    # No tick so far to the right that its number would meet the next panel's zero.
    most = (1 + INSET - APART * across / plate.room(ax)) / scale
    ticks = [float(t) for t in found if 0 <= t <= min(max(ends), most)]
    for rows in places:
        plate.label_rows(ax, rows, left)
    for panel in panels:
        start, rows = panel.column + INSET, places[panel.block]
        top, bottom = rows[0].y - rows[0].height / 2, plate.height_of(rows)
        for tick in ticks:
            colour = LIGHT["muted" if tick == 0 else "rule"]
            ax.vlines(start + tick * scale, top, bottom, colors=colour, linewidth=0.8, zorder=1)
        for k, line in enumerate(panel.head):
            weight = "bold" if k < len(panel.head) - 2 or len(panel.head) < 3 else "normal"
            at = top - 4 - LINE * (len(panel.head) - 1 - k)
            plate.write(
                ax, line, (start, at), y="data", x="data", size=SMALL, va="bottom", weight=weight,
                color=LIGHT["ink" if weight == "bold" else "muted"],
            )  # fmt: skip
        _dots(ax, panel.rows, [row.y for row in rows], start, scale)
    plate.bare(ax)
    ax.grid(visible=False)
    ax.set_xticks(
        [c + INSET + t * scale for c in range(across) for t in ticks],
        [words.percent(t) for _ in range(across) for t in ticks],
    )


def _dots(ax: Axes, rows: pd.DataFrame, y: Sequence[float], start: float, scale: float) -> None:
    told = [str(w) if w in MARKS else "open" for w in rows["weighs"]]
    colours = [LIGHT[MARKS[w][1]] for w in told]
    low, high, share = (start + scale * rows[c].astype(float) for c in ("conf_low", "conf_high", "share"))
    ax.hlines(y, low, high, colors=colours, linewidth=1.8, zorder=3)
    hollow = [flag == "low_base" for flag in rows["flag"]]
    for word, (marker, _) in MARKS.items():
        chosen = [value if w == word else np.nan for value, w in zip(share, told, strict=True)]
        plate.dots(ax, chosen, y, colours, hollow=hollow, marker=marker, size=40)
