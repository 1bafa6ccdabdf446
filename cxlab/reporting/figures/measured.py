"""Measurement of interactions: types by channels, answers printed in each cell, hatched where it is dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL, TEXT
from cxlab.reporting.figures.type import wrapped
from cxlab.reporting.words import Words, absent

CODES = ("intake.dark", "intake.measured")
ROW = 40.0
ACROSS = 10
HATCHES = {"dark": "////", "low": "//"}


@plate.figure_of
def draw_measured(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how much of each type of interaction and channel is measured.

    Parameters
    ----------
    result : Result
        Of `coverage.measured`: table with interaction_type, channel, state, per_thousand, n, flag;
        ``volume`` among its tables.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A map of cells: answers for each 1,000 contacts, under them the share of the contacts.
    """
    table = result.table
    title = plate.title_of(result, words, CODES, words("figure.measured.title"))
    types = list(dict.fromkeys(table["interaction_type"]))[: plate.ROWS]
    channels = list(dict.fromkeys(table["channel"]))[:ACROSS]
    labels = [words.label("interaction_type", name) for name in types]
    left = plate.label_room(labels, most=150) + 10
    rows = [
        plate.Row(tuple(wrapped(label, left - 10)), ROW * (k + 0.5), ROW) for k, label in enumerate(labels)
    ]
    drawn = len(types) * len(channels)
    room = (plate.WIDTH - left - plate.EDGE) / max(len(channels), 1) - 8
    heads = [wrapped(words.label("channel", channel), room, SMALL) for channel in channels]
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.measured.subtitle"),
        foot=[
            *plate.foot_of(result, words, undrawn=len(table) - drawn),
            words("figure.measured.foot"),
        ],
        left=left,
        above=18 + 10.5 * max((len(lines) for lines in heads), default=1),
        axis=4.0,
        body=ROW * len(rows),
    )
    ax = plate.lay(sheet, ax)
    ax.set_xlim(0, len(channels))
    ax.set_ylim(ROW * len(rows), 0)
    ax.set_xticks([])
    plate.bare(ax)
    ax.grid(visible=False)
    plate.label_rows(ax, rows, left, plate.EDGE)
    for k, lines in enumerate(heads):
        _head(ax, lines, k + 0.5)
    volume = {
        (r["interaction_type"], r["channel"]): r["volume"]
        for r in result.tables.get("volume", table.iloc[:0]).to_dict("records")
    }
    busiest = max((float(v) for v in volume.values() if not absent(v)), default=1.0) or 1.0
    found = {(r["interaction_type"], r["channel"]): r for r in table.to_dict("records")}
    for row, name in zip(rows, types, strict=True):
        for k, channel in enumerate(channels):
            share = volume.get((name, channel))
            strength = 0.0 if absent(share) else float(share or 0.0) / busiest
            said = "" if absent(share) else words.percent(share, 1)
            _cell(ax, found[(name, channel)], (k, row.y), strength, said, words)
    return ax


def _cell(
    ax: Axes, cell: Mapping[Any, Any], at: tuple[int, float], strength: float, share: str, words: Words
) -> None:
    """Tint a cell by its share of the contacts, hatch it where few answer, print both numbers."""
    k, y = at
    corner, size = (k + 0.02, y - ROW / 2 + 1), (0.96, ROW - 2)
    ax.add_patch(Rectangle(corner, *size, facecolor=LIGHT["focal"], alpha=0.04 + 0.3 * strength, linewidth=0))
    hatch = HATCHES.get(str(cell["state"]))
    if hatch:
        ax.add_patch(
            Rectangle(corner, *size, fill=False, edgecolor=LIGHT["context"], linewidth=0, hatch=hatch)
        )
    hidden = "table.withheld" if cell.get("withheld") else "table.under_ten"
    rate = words(hidden) if absent(cell["per_thousand"]) else words.number(cell["per_thousand"], 0)
    place: dict[str, Any] = {"x": "data", "y": "data", "ha": "center", "va": "center"}
    if hatch:
        place["bbox"] = {"facecolor": LIGHT["paper"], "edgecolor": "none", "alpha": 0.85, "pad": 1.2}
    plate.write(ax, rate, (k + 0.5, y), (0, 7), size=TEXT, color=LIGHT["ink"], weight="bold", **place)
    plate.write(ax, share, (k + 0.5, y), (0, -8), size=SMALL, color=LIGHT["muted"], **place)


def _head(ax: Axes, lines: Sequence[str], x: float) -> None:
    for k, line in enumerate(lines):
        offset = (0, 4 + 10.5 * (len(lines) - 1 - k))
        plate.write(
            ax, line, (x, 1), offset, x="data", size=SMALL, ha="center", va="bottom", color=LIGHT["muted"]
        )
