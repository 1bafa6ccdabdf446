"""Missing answers: one stacked bar for each question, by the reason for which it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent, digits_for

CODES = ("intake.unexplained", "intake.explained")
BAR = 12.0
KEY = 14.0


@dataclass(frozen=True)
class Look:
    """How a state is drawn: its colour and its hatching."""

    colour: str
    alpha: float = 1.0
    hatch: str = ""


# What was said, by design, and what nobody explains: hatching repeats what colour says.
LOOKS = {
    "answered": Look("focal", 0.35),
    "not_asked": Look("rule", 1.0, "///"),
    "absent": Look("rule", 1.0, "..."),
    "not_applicable": Look("context", 0.55),
    "dont_know": Look("second", 0.75, "\\\\\\"),
    "refused": Look("third", 0.75, "+++"),
    "technical": Look("third", 0.75, "xxx"),
    "open": Look("worse", 0.95),
}


@plate.figure_of
def draw_missing(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw what is missing of each question.

    Parameters
    ----------
    result : Result
        Of `coverage.missing`: table with item, a share for each state, unexplained, its interval, n.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Stacked bars that add up to all rows, the question with most missing first.
    """
    table = result.table.sort_values("answered", kind="stable", na_position="last").head(plate.ROWS)
    title = plate.title_of(result, words, CODES, words("figure.missing.title"))
    if not table["answered"].notna().any():
        return plate.nothing(result, words, title, ax)
    states = [s for s in LOOKS if s == "answered" or (s in table and (table[s].fillna(0) > 0).any())]
    low_base, suppressed = plate.flags_of(table)
    labels = [words.label(item) for item in table["item"]]
    columns = [
        plate.Column(_unexplained(table, words), words("figure.missing.unexplained")),
        plate.Column(plate.bases(table, words).texts, words("figure.missing.asked"), quiet=True),
    ]
    left, right = plate.label_room(labels) + 10, sum(column.width for column in columns)
    rows = plate.rows_of(labels, left - 10)
    keys = plate.keys_of([words.label(s) for s in states], plate.WIDTH - 8)
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.missing.subtitle"),
        foot=plate.foot_of(
            result, words, low_base=low_base, suppressed=suppressed, undrawn=len(result.table) - len(table)
        ),
        left=left,
        right=right + 4,
        above=20 + KEY * (1 + max(line for line, _ in keys)),
        body=plate.height_of(rows),
    )
    ax = plate.lay(sheet, ax)
    ax.set_ylim(plate.height_of(rows), 0)
    ax.set_xlim(0, 1)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, columns)
    plate.value_axis(ax, words, share=True)
    for row, record in zip(rows, table.to_dict("records"), strict=True):
        start = 0.0
        for state in states:
            share = 0.0 if absent(record[state]) else float(record[state])
            _part(ax, start, share, row.y, LOOKS[state])
            start += share
    _legend(ax, [(words.label(s), LOOKS[s]) for s in states], keys, left)
    return ax


def _unexplained(table: pd.DataFrame, words: Words) -> list[str]:
    records = table.to_dict("records")
    known = [r for r in records if not absent(r["unexplained"])]
    digits = max((digits_for("share", r["conf_low"], r["conf_high"]) for r in known), default=1)
    said = []
    for row in records:
        ends = [words.number(100 * float(row[end]), digits) for end in ("conf_low", "conf_high")]
        share = words.percent(row["unexplained"], digits)
        said.append("" if absent(row["unexplained"]) else f"{share} ({ends[0]}–{ends[1]})")
    return said


def _part(ax: Axes, start: float, share: float, y: float, look: Look) -> None:
    if share <= 0:
        return
    corner = (start, y - BAR / 2)
    ax.add_patch(Rectangle(corner, share, BAR, facecolor=LIGHT[look.colour], alpha=look.alpha, linewidth=0))
    if look.hatch:
        ax.add_patch(
            Rectangle(
                corner, share, BAR, fill=False, edgecolor=LIGHT["context"], linewidth=0, hatch=look.hatch
            )
        )


def _legend(
    ax: Axes, looks: Sequence[tuple[str, Look]], places: Sequence[tuple[int, float]], left: float
) -> None:
    """Write the keys above the body, from the left edge of the sheet."""
    box, figure = ax.get_window_extent(), ax.get_figure(root=True)
    assert figure is not None
    wide, high = (side * 72 / figure.dpi for side in (box.width, box.height))
    lines = 1 + max(line for line, _ in places)
    for (label, look), (line, x) in zip(looks, places, strict=True):
        up = 18 + KEY * (lines - 1 - line)
        corner, size = ((x - left) / wide, 1 + up / high), (9 / wide, 8 / high)
        common: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False, "linewidth": 0}
        ax.add_artist(Rectangle(corner, *size, facecolor=LIGHT[look.colour], alpha=look.alpha, **common))
        if look.hatch:
            ax.add_artist(
                Rectangle(corner, *size, fill=False, edgecolor=LIGHT["context"], hatch=look.hatch, **common)
            )
        plate.note(ax, label, (0, 1), (x - left + 13, up - 1))
