"""Importance against performance: a cross for each driver, as wide and as high as it is uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words

CODES = ("drivers.priority", "drivers.no_priority")
BODY, LIST, LEFT, UNDER = 250.0, 140.0, 36.0, 44.0
# Where a number may stand about its dot, in points, and how near to another thing it may not.
SIDES = (
    (8.0, 8.0),
    (8.0, -8.0),
    (-8.0, 8.0),
    (-8.0, -8.0),
    (11.0, 0.0),
    (-11.0, 0.0),
    (0.0, 11.0),
    (0.0, -11.0),
)
APART = 9.0
# Behind a text that may lie on a line.
CLEAR = {"boxstyle": "square,pad=0.1", "facecolor": LIGHT["paper"], "edgecolor": "none", "alpha": 0.8}
# Where each quadrant's name stands: corner of the body, and how the text leans on it.
CORNERS = {
    "concentrate": ((1, 0), "right", "bottom"),
    "keep": ((1, 1), "right", "top"),
    "low_priority": ((0, 0), "left", "bottom"),
    "overkill": ((0, 1), "left", "top"),
}


@plate.figure_of
def draw_priorities(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how much each driver weighs against how well it is rated, with the uncertainty of both.

    Parameters
    ----------
    result : Result
        Of `priorities.importance_performance`.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Numbered crosses, named in a list with the probability that each belongs to the first quadrant.
    """
    whole = result.table[result.table["performance"].notna()]
    table = whole.head(plate.ROWS)
    outcome = result.settings.get("outcome", "")
    title = plate.title_of(
        result, words, CODES, words("figure.priorities.title", outcome=words.metric(outcome, "the"))
    )
    if table.empty:
        return plate.nothing(result, words, title, ax)
    standing = {c.fields["driver"] for c in result.claims if c.code == "drivers.priority"}
    colours = [LIGHT["worse" if driver in standing else "focal"] for driver in table["driver"]]
    names = [f"{k}  {words.covariate(driver)}" for k, driver in enumerate(table["driver"], start=1)]
    chances = plate.Column(
        [words.percent(p, 0) for p in table["p_concentrate"]], words("figure.priorities.chance"), quiet=True
    )
    rows = plate.rows_of(names, LIST)
    body = max(BODY, plate.height_of(rows))
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.priorities.subtitle", outcome=words.metric(outcome)),
        foot=[
            *plate.foot_of(
                result, words, suppressed=plate.flags_of(result.table)[1], undrawn=len(whole) - len(table)
            ),
            words("figure.priorities.foot") if _likely(result, table) - standing else "",
        ],
        left=LEFT,
        right=16 + LIST + chances.width,
        above=18,
        axis=UNDER,
        body=body,
    )
    ax = plate.lay(sheet, ax)
    _crosses(ax, table, result, colours)
    _axes(ax, result, words)
    numbers(ax, list(table[result.estimate_column]), list(table["performance"]), colours)
    listed(ax, rows, chances, colours)
    return ax


def listed(ax: Axes, rows: Sequence[plate.Row], column: plate.Column, colours: Sequence[str]) -> None:
    """Write the list of the numbered dots at the right of the body, with a column of numbers."""
    right = 16 + LIST + column.width
    for row, text, colour in zip(rows, column.texts, colours, strict=True):
        for k, line in enumerate(row.lines):
            place = (len(row.lines) - 1) / 2 * plate.LEADING - k * plate.LEADING - row.y
            shade = LIGHT["ink"] if colour == LIGHT["focal"] else colour
            plate.write(ax, line, (1, 1), (16, place), va="center", color=shade)
        plate.write(ax, text, (1, 1), (right, -row.y), ha="right", va="center", color=LIGHT["muted"])
    plate.note(ax, column.head, (1, 1), (right, 3), ha="right")


def _likely(result: Result, table: pd.DataFrame) -> set[str]:
    """Return the drivers that are heavy and low in as many samples as the level asks."""
    sure = table["p_concentrate"].astype(float) >= result.settings.get("level", 0.95)
    return set(table.loc[sure, "driver"])


def _crosses(ax: Axes, table: pd.DataFrame, result: Result, colours: list[str]) -> None:
    estimate = result.estimate_column
    x, y = table[estimate].astype(float), table["performance"].astype(float)
    ax.hlines(
        y, table["conf_low"].astype(float), table["conf_high"].astype(float), colors=colours, linewidth=1.2
    )
    ax.vlines(
        x,
        table["performance_low"].astype(float),
        table["performance_high"].astype(float),
        colors=colours,
        linewidth=1.2,
    )
    plate.dots(ax, list(x), list(y), colours, size=40)
    lines: dict[str, Any] = {"color": LIGHT["muted"], "linewidth": 1.0, "linestyle": (0, (4, 3)), "zorder": 1}
    ax.axvline(getattr(result, "importance_line", float(x.mean())), **lines)
    ax.axhline(getattr(result, "performance_line", float(y.mean())), **lines)
    ax.set_xlim(*plate.limits([*x, *table["conf_low"], *table["conf_high"]], pad=0.1))
    ax.set_ylim(*plate.limits([*y, *table["performance_low"], *table["performance_high"]], pad=0.14))


def _axes(ax: Axes, result: Result, words: Words) -> None:
    share = result.estimate_column == "share"
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda v, _: words.percent(v) if share else words.number(v, 2))
    )
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v)))
    ax.grid(visible=True, axis="both", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, pad=5)
    ax.yaxis.set_visible(True)
    ax.set_xlabel("")
    ax.set_ylabel("")
    key = "figure.priorities.share" if share else "figure.priorities.coefficient"
    plate.note(ax, words(key), (0.5, 0), (0, -22), ha="center", va="top")
    plate.note(ax, words("figure.priorities.performance"), (0, 1), (-LEFT, 3))
    for quadrant, (corner, ha, va) in CORNERS.items():
        offset = (-4.0 if corner[0] else 4.0, -4.0 if corner[1] else 4.0)
        plate.write(
            ax, words.label("quadrant", quadrant), corner, offset, size=SMALL, ha=ha, va=va,
            color=LIGHT["muted"], bbox=CLEAR,
        )  # fmt: skip


def numbers(ax: Axes, x: Sequence[float], y: Sequence[float], colours: Sequence[str]) -> None:
    """Write each dot's number beside it, on the first side where nothing lies already."""
    box, figure = ax.get_window_extent(), ax.get_figure(root=True)
    assert figure is not None
    points = 72 / figure.dpi
    dots = [
        tuple(points * v for v in ax.transData.transform((float(across), float(up))) - box.p0)
        for across, up in zip(x, y, strict=True)
    ]
    taken = list(dots)
    for k, (dot, colour) in enumerate(zip(dots, colours, strict=True)):
        sides = [(dot[0] + dx, dot[1] + dy) for dx, dy in SIDES]
        free = [side for side in sides if all(_apart(side, other) for other in taken if other is not dot)]
        place = (free or sides)[0]
        taken.append(place)
        plate.write(
            ax, f"{k + 1}", (0, 0), place, size=SMALL, ha="center", va="center", weight="bold",
            color=LIGHT["ink"] if colour == LIGHT["focal"] else colour, bbox=CLEAR,
        )  # fmt: skip


def _apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return abs(one[0] - other[0]) > APART or abs(one[1] - other[1]) > APART
