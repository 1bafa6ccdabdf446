"""Areas, or the touchpoints of one: their part of the gap and of what weighs, with the ranges of both."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.importance import places
from cxlab.reporting.words import Words, absent

CODES = (
    "drivers.area", "drivers.area_none", "drivers.area_first", "drivers.areas_open", "drivers.areas_nothing",
)  # fmt: skip
APART = 4.5  # points between the two marks of a row, to each side of its middle


@plate.figure_of
def draw_areas(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how much of the gap, and of what weighs, each area or touchpoint carries.

    Parameters
    ----------
    result : Result
        Of `drivers.areas` or `drivers.area_card`: table with area_id, maybe touchpoint_id, pain and
        contribution with their ranges, n.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A circle for the gap and a square for the weight on each row, each on its range.
    """
    table = result.table.head(plate.ROWS)
    title = plate.title_of(result, words, CODES, words("figure.areas.title"))
    if not table["pain"].notna().any():
        return plate.nothing(result, words, title, ax)
    low_base, suppressed = plate.flags_of(table)
    outcome = words.metric(result.settings.get("outcome", ""))
    ax, rows = plate.row_sheet(
        _labels(table, words),
        _columns(table, words),
        title=title,
        subtitle=words("figure.areas.subtitle", outcome=outcome),
        foot=plate.foot_of(
            result, words, low_base=low_base, suppressed=suppressed, interval="figure.foot.range",
            undrawn=len(result.table) - len(table),
        ),
        ax=ax,
        muted=(table["area_id"] == "nobody").tolist(),
    )  # fmt: skip
    _marks(ax, table, rows, words)
    return ax


def _labels(table: pd.DataFrame, words: Words) -> list[str]:
    areas = [words.label("area_id", area) for area in table["area_id"]]
    if "touchpoint_id" not in table:
        return areas
    touchpoints = [words.label("touchpoint_id", each) for each in table["touchpoint_id"]]
    if table["area_id"].nunique() == 1:
        return touchpoints
    return [f"{area}: {touchpoint}" for area, touchpoint in zip(areas, touchpoints, strict=True)]


def _columns(table: pd.DataFrame, words: Words) -> list[plate.Column]:
    gap, weight = (
        ["" if absent(value) else words.percent(value, 0) for value in table[column]]
        for column in ("pain", "contribution")
    )
    columns = [
        plate.Column(gap, words("figure.areas.pain")),
        plate.Column(weight, words("figure.areas.contribution"), quiet=True),
    ]
    if "responsibility" in table:
        charge = ["" if absent(value) else words.percent(value, 0) for value in table["responsibility"]]
        columns.append(plate.Column(charge, words("figure.areas.responsibility"), quiet=True))
    if "score" in table:
        score = ["" if absent(value) else words.number(value, 0) for value in table["score"]]
        columns.append(plate.Column(score, words("figure.areas.score"), quiet=True))
    if "rank_low" in table:
        pairs = zip(table["rank_low"], table["rank_high"], strict=True)
        possible = [places(low, high, words) for low, high in pairs]
        columns.append(plate.Column(possible, words("figure.importance.places"), quiet=True))
    return columns


def _marks(ax: Axes, table: pd.DataFrame, rows: list[plate.Row], words: Words) -> None:
    drawn: list[float] = [0.0]
    for column, ends, colour, marker, shift in (
        ("contribution", ("contribution_low", "contribution_high"), LIGHT["context"], "s", APART),
        ("pain", ("conf_low", "conf_high"), LIGHT["focal"], "o", -APART),
    ):
        y = [row.y + shift for row in rows]
        low, high = (table[end].astype(float) for end in ends)
        ax.hlines(y, low, high, colors=colour, linewidth=1.8, zorder=2)
        plate.dots(ax, table[column].to_list(), y, [colour] * len(y), marker=marker, size=34)
        drawn += [*high, *table[column]]
    ax.set_xlim(*plate.limits(drawn, zero=True))
    ax.set_ylim(plate.height_of(rows), 0)
    plate.value_axis(ax, words, share=True)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=1)
