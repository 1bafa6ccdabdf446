"""Robustness of a ranking: the share of each driver under each way of computing it, one dot for each."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.words import Words, absent

CODES = ("drivers.fragile", "drivers.robust")
MARK = 34.0


@dataclass(frozen=True)
class Look:
    """How a way is drawn: its column, colour and shape; the main one is filled."""

    column: str
    colour: str
    marker: str


LOOKS = {
    "lmg": Look("share", "focal", "o"),
    "johnson": Look("johnson", "context", "^"),
    "listwise": Look("listwise", "second", "s"),
    "indicator": Look("indicator", "second", "s"),
    "mcfadden": Look("mcfadden", "third", "D"),
    "unweighted": Look("unweighted", "context", "v"),
}


@plate.figure_of
def draw_robustness(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each driver's share of what is explained under each way of dividing it.

    Parameters
    ----------
    result : Result
        Of `drivers.diagnose`: table with driver, share and a column for each other way, empty if it was
        not computed.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A line from the least to the most and a dot for each way, the main one filled; the strongest first.
    """
    whole = result.table[result.table["share"].notna()]
    table = whole.head(plate.ROWS)
    outcome = result.settings.get("outcome", "")
    title = plate.title_of(
        result, words, CODES, words("figure.robustness.title", outcome=words.metric(outcome, "the"))
    )
    if table.empty:
        return plate.nothing(result, words, title, ax)
    ways = [way for way, look in LOOKS.items() if look.column in table and table[look.column].notna().any()]
    keys = [
        Key(words.label("way", way), look.marker, LIGHT[look.colour], look.column == "share")
        for way, look in LOOKS.items()
        if way in ways
    ]
    labels = [words.covariate(driver) for driver in table["driver"]]
    shares = plate.Column([words.percent(share, 0) for share in table["share"]])
    ends = table[[LOOKS[way].column for way in ways]].agg(["min", "max"], axis=1)
    between = [_between(low, high, words) for low, high in ends.itertuples(index=False)]
    columns = [shares, plate.Column(between, words("figure.robustness.between"), quiet=True)]
    left, right = plate.label_room(labels) + 10, sum(column.width for column in columns)
    rows = plate.rows_of(labels, left - 10)
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.robustness.subtitle", outcome=words.metric(outcome)),
        foot=plate.foot_of(
            result, words, suppressed=plate.flags_of(result.table)[1], undrawn=len(whole) - len(table)
        ),
        left=left,
        right=right + 4,
        above=20 + height_of(keys),
        body=plate.height_of(rows),
    )
    ax = plate.lay(sheet, ax)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, columns)
    _shares(ax, table, ends, rows, ways)
    plate.value_axis(ax, words, share=True)
    draw_keys(ax, keys, left)
    return ax


def _between(low: float, high: float, words: Words) -> str:
    if absent(low):
        return ""
    ends = [words.number(100 * end, 0) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"


def _shares(
    ax: Axes, table: pd.DataFrame, ends: pd.DataFrame, rows: list[plate.Row], ways: list[str]
) -> None:
    y = [row.y for row in rows]
    ax.hlines(y, ends["min"], ends["max"], colors=LIGHT["rule"], linewidth=4.0, zorder=2)
    for way in reversed(ways):
        look = LOOKS[way]
        plate.dots(
            ax, table[look.column].to_list(), y, [LIGHT[look.colour]] * len(y),
            hollow=[way != "lmg"] * len(y), marker=look.marker, size=52 if way == "lmg" else MARK,
        )  # fmt: skip
    ax.set_xlim(*plate.limits([*ends["min"], *ends["max"]], zero=True))
    ax.set_ylim(plate.height_of(rows), 0)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=2)
