"""Who could rate what: a triangle of the shares that rated each two drivers, the bases at its side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent

CODES = ("drivers.all_rated", "drivers.few_rated_all", "drivers.rated_all")
MOST, CLOSE = 25, 16  # drivers whose cells can still be read, and can be in the usual type
TINY = 6.5
FADED, FULL = 0.05, 0.5  # of the focal colour: the ink of the numbers reads on all of it


@plate.figure_of
def draw_base_map(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the share that rated each two drivers, on the diagonal the one that rated each.

    Parameters
    ----------
    result : Result
        Of `drivers.base_map`: table with driver, rated, n, flag; ``pairs`` with driver, other, rated, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A row and a column for each driver, of more than 25 those that fewest rated; a sentence where
        everybody rated everything.
    """
    title = plate.title_of(result, words, CODES, words("figure.base_map.title"))
    if any(claim.code == "drivers.all_rated" for claim in result.claims):
        return _alike(result, words, title, ax)
    table = result.table.tail(MOST)
    if not table["rated"].notna().any():
        return plate.nothing(result, words, title, ax)
    names = table["driver"].tolist()
    pairs = result.tables["pairs"]
    kept = pairs[pairs["driver"].isin(names) & pairs["other"].isin(names)]
    low_base, suppressed = plate.flags_of(pd.concat([table[["flag"]], kept[["flag"]]]))
    count = len(names)
    labels = [f"{k + 1}  {words.covariate(name)}" for k, name in enumerate(names)]
    ax, rows = plate.row_sheet(
        labels,
        [plate.bases(table, words)],
        title=title,
        subtitle=words("figure.base_map.subtitle"),
        foot=[
            *plate.foot_of(result, words, suppressed=suppressed, undrawn=len(result.table) - count),
            words("figure.base_map.low_base") if low_base else "",
        ],
        ax=ax,
    )
    ax.set_xlim(0, count)
    ax.set_xticks([])
    plate.bare(ax)
    own = dict(zip(names, table.to_dict("records"), strict=True))
    both = {(row["driver"], row["other"]): row for row in kept.to_dict("records")}
    for k, row in enumerate(rows):
        for j in range(k + 1):
            held = own[names[k]] if j == k else both[(names[j], names[k])]
            _cell(ax, j, row, held, words, small=count > CLOSE)
    for j in range(count):
        size = TINY if count > CLOSE else SMALL
        plate.write(
            ax, str(j + 1), (j + 0.5, 1), (0, 3), x="data", size=size, ha="center", color=LIGHT["muted"]
        )
    return ax


def _cell(ax: Axes, x: int, row: plate.Row, held: Mapping[Any, Any], words: Words, *, small: bool) -> None:
    """Draw one share: hatched where its base is low, empty and hatched where it may not be shown."""
    corner, size = (x + 0.04, row.y - row.height / 2 + 1), (0.92, row.height - 2)
    hidden = absent(held["rated"])
    share = 0.0 if hidden else float(held["rated"])
    ax.add_patch(
        Rectangle(corner, *size, facecolor=LIGHT["focal"], alpha=FADED + (FULL - FADED) * share, linewidth=0)
    )
    if hidden or held["flag"] == "low_base":
        hatch = "////" if hidden else "//"
        ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor=LIGHT["rule"], linewidth=0, hatch=hatch))
    text = "" if hidden else words.number(100 * share, 0)
    plate.write(
        ax,
        text,
        (x + 0.5, row.y),
        x="data",
        y="data",
        size=TINY if small else SMALL,
        ha="center",
        va="center",
    )


def _alike(result: Result, words: Words, title: str, ax: Axes | None) -> Axes:
    """Return a figure that says that there is nothing to map: everybody rated everything."""
    sheet = plate.Sheet(title=title, subtitle="", foot=plate.foot_of(result, words), body=48.0)
    axes = plate.lay(sheet, ax)
    axes.set_axis_off()
    said = words("figure.base_map.alike")
    plate.write(axes, said, (0.5, 0.5), ha="center", va="center", color=LIGHT["muted"])
    return axes
