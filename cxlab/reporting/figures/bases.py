"""Bases of each level: a dot for each cell on a log axis, with the lines under which nothing is published."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from cxlab.analysis.estimates import LOW_BASE, MINIMUM_CUSTOMERS, Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent

CODES = ("intake.publish", "intake.with_care", "intake.hold")
LEFT = 5.0  # where the axis begins; bases under 10 are never placed, they stand in its hatched start
TICKS = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 1_000_000, 10_000_000)


@plate.figure_of
def draw_bases(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the bases of the cells of each level.

    Parameters
    ----------
    result : Result
        Of `coverage.bases`: table with variable, category, n, flag; ``levels`` and ``by_wave``.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        One row for each level: a dot for each cell, hollow under 30; under 10 only how many there are.
    """
    levels = result.tables["levels"].head(plate.ROWS)
    title = plate.title_of(result, words, CODES, words("figure.bases.title"))
    if not result.table["n"].notna().any():
        return plate.nothing(result, words, title, ax)
    cells = _cells(result)
    low_base, suppressed = plate.flags_of(cells)
    ax, rows = plate.row_sheet(
        [words.crossing(name) for name in levels["variable"]],
        [
            plate.Column(
                [words.number(n, 0) for n in levels["cells"]], words("figure.bases.cells"), quiet=True
            ),
            plate.Column(
                [words.number(n, 0) for n in levels["low"]],
                words("figure.bases.low", minimum=words.number(LOW_BASE, 0)),
            ),
        ],
        title=title,
        subtitle=words("figure.bases.subtitle"),
        foot=plate.foot_of(
            result,
            words,
            low_base=low_base,
            suppressed=suppressed,
            undrawn=len(result.tables["levels"]) - len(levels),
        ),
        ax=ax,
        muted=[verdict == "hold" for verdict in levels["verdict"]],
    )
    _axis(ax, float(cells["n"].max()), words)
    for row, level in zip(rows, levels.to_dict("records"), strict=True):
        _dots(ax, row, cells[cells["level"] == level["variable"]])
        hidden = int(level["hidden"])
        said = words("figure.bases.hidden", count=words.number(hidden, 0)) if hidden else ""
        plate.write(ax, said, (LEFT, row.y), (2, 0), x="data", y="data", size=7.5, va="center")
    return ax


def _cells(result: Result) -> pd.DataFrame:
    """Return the cells of every level, of those by wave under the level's own name."""
    alone = result.table.assign(level=result.table["variable"])
    wave = str(result.settings.get("wave") or "")
    crossed = result.tables.get("by_wave", result.table.iloc[:0])  # without rows it is not shown
    crossed = crossed.assign(level=[f"{name} x {wave}" for name in crossed["variable"]])
    kept = [part[["level", "n", "flag"]] for part in (alone, crossed) if len(part)]
    return pd.concat(kept, ignore_index=True)


def _axis(ax: Axes, most: float, words: Words) -> None:
    ax.set_xscale("log")
    right = max(most, 100.0) * 1.25
    ax.set_xlim(LEFT, right)
    ax.xaxis.set_major_locator(FixedLocator([t for t in TICKS if t < right]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    ax.xaxis.set_minor_formatter(NullFormatter())
    plate.bare(ax)
    ax.axvspan(
        LEFT,
        MINIMUM_CUSTOMERS,
        facecolor=LIGHT["wash"],
        edgecolor=LIGHT["rule"],
        hatch="///",
        linewidth=0,
        zorder=0,
    )
    for line, style in ((MINIMUM_CUSTOMERS, "-"), (LOW_BASE, (0, (3, 2)))):
        ax.axvline(line, color=LIGHT["muted"], linewidth=1.0, linestyle=style, zorder=1)


def _dots(ax: Axes, row: plate.Row, cells: pd.DataFrame) -> None:
    known = cells[[not absent(n) for n in cells["n"]]]
    colours = [LIGHT["worse"] if flag == "low_base" else LIGHT["focal"] for flag in known["flag"]]
    plate.dots(ax, known["n"].to_list(), [row.y] * len(known), colours, hollow=plate.hollows(known), size=34)
