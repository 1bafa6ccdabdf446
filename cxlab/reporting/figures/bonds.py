"""Why customers stay: bound and discontent, bound, free, as one bar for each group."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words

CODES = ("retention.hostage", "retention.free")
COLOURS = {"hostage": "worse", "bound": "context", "free": "focal"}
BAR, READABLE = 15.0, 0.055


@plate.figure_of
def draw_bonds(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the shares of customers who are bound and discontent, bound, and free.

    Parameters
    ----------
    result : Result
        Of `survival.bonds`: table with bond, estimate, n, flag and the groups.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A bar for each group, from 0 to 100 %, with the shares in it; the most discontent group first.
    """
    title = plate.title_of(result, words, CODES, words("figure.bonds.title"))
    by = [k for k in result.keys if k in result.table.columns and k != "bond"]
    table = result.table[result.table["estimate"].notna()]
    if table.empty:
        return plate.nothing(result, words, title, ax)
    groups = _groups(table, by, words)
    low_base, _ = plate.flags_of(table)
    keys = [Key(words.label("bond", bond), "s", LIGHT[colour]) for bond, colour in COLOURS.items()]
    bases = plate.bases(pd.DataFrame({"n": [rows["n"].iloc[0] for _, rows in groups]}), words)
    labels = [label for label, _ in groups]
    left, right = plate.label_room(labels) + 10, bases.width
    rows = plate.rows_of(labels, left - 10)
    foot = plate.foot_of(
        result, words, low_base=low_base, suppressed=plate.flags_of(result.table)[1],
        interval="figure.incidence.table",
    )  # fmt: skip
    sheet = plate.Sheet(
        title=title, subtitle=words("figure.bonds.subtitle"), foot=foot, left=left, right=right + 4,
        above=18 + height_of(keys), body=plate.height_of(rows),
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    ax.set_ylim(plate.height_of(rows), 0)
    ax.set_xlim(0, 1)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, [bases])
    plate.value_axis(ax, words, share=True)
    draw_keys(ax, keys, left)
    for (_, own), row in zip(groups, rows, strict=True):
        _bar(ax, dict(zip(own["bond"], own["estimate"], strict=True)), row, words)
    return ax


def _groups(table: pd.DataFrame, by: list[str], words: Words) -> list[tuple[str, pd.DataFrame]]:
    if not by:
        return [(words("figure.retention.all"), table)]
    found = [
        (" × ".join(words.label(k, v) for k, v in zip(by, values, strict=True)), rows)
        for values, rows in table.groupby(by, sort=True, observed=True)
    ]
    worst = sorted(found, key=lambda each: -float(each[1].set_index("bond")["estimate"]["hostage"]))
    return worst[: plate.ROWS]


def _bar(ax: Axes, shares: dict[Any, float], row: plate.Row, words: Words) -> None:
    start = 0.0
    for bond, colour in COLOURS.items():
        share = float(shares[bond])
        ax.barh(row.y, share, left=start, height=BAR, color=LIGHT[colour], edgecolor=LIGHT["paper"], zorder=2)
        if share >= READABLE:
            ink = LIGHT["ink" if bond == "bound" else "paper"]
            at = (start + share / 2, row.y)
            plate.write(
                ax, words.percent(share, 0), at, x="data", y="data", ha="center", va="center", size=SMALL,
                color=ink,
            )  # fmt: skip
        start += share
