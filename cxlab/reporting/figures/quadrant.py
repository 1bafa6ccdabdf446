"""Delivered or not, matters or not: each standard as a cross, as wide and as high as it is uncertain."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.priorities import CLEAR, LEFT, LIST, UNDER, listed, numbers
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent

CODES = ("emitted.link", "emitted.link_none")
BODY = 270.0
CORNERS = {
    "keep": ((1, 1), "right", "top"),
    "mend": ((0, 1), "left", "top"),
    "let": ((1, 0), "right", "bottom"),
    "leave": ((0, 0), "left", "bottom"),
}


@plate.figure_of
def draw_quadrant(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how often each standard is met against how far it goes with what customers perceive.

    Parameters
    ----------
    result : Result
        Of `emitted.perceived`.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Numbered crosses: in colour where the link can be told from chance, grey where it cannot; named in a
        list with the correlation.
    """
    whole = result.table[result.table["correlation"].notna() & (result.table["flag"] != "suppressed")]
    table = whole.sort_values("correlation", ascending=False, kind="stable").head(plate.ROWS)
    metric = result.settings.get("perceived", "")
    title = plate.title_of(
        result, words, CODES, words("figure.quadrant.title", metric=words.metric(metric, "the"))
    )
    if table.empty:
        return plate.nothing(result, words, title, ax)
    shades = {"keep": "focal", "mend": "worse"}
    colours = [LIGHT[shades.get(place, "context")] for place in table["place"]]
    labels = [words.label("standard_id", name) for name in table["standard_id"]]
    rows = plate.rows_of([f"{k}  {label}" for k, label in enumerate(labels, start=1)], LIST)
    links = plate.Column(
        [words.number(r, 2) for r in table["correlation"]], words("figure.quadrant.link"), quiet=True
    )
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.quadrant.subtitle", metric=words.metric(metric, "the")),
        foot=[
            *plate.foot_of(result, words, undrawn=len(result.table) - len(table)),
            words("figure.quadrant.foot"),
        ],
        left=LEFT,
        right=16 + LIST + links.width,
        above=18,
        axis=UNDER,
        body=max(BODY, plate.height_of(rows)),
    )
    ax = plate.lay(sheet, ax)
    _crosses(ax, table, result, colours)
    _axes(ax, words)
    numbers(ax, list(table["compliance"]), list(table["correlation"]), colours)
    listed(ax, rows, links, colours)
    return ax


def _crosses(ax: Axes, table: pd.DataFrame, result: Result, colours: list[str]) -> None:
    x, y = table["compliance"].astype(float), table["correlation"].astype(float)
    ends = [
        table[name].astype(float) for name in ("compliance_low", "compliance_high", "conf_low", "conf_high")
    ]
    ax.hlines(y, ends[0], ends[1], colors=colours, linewidth=1.2)
    ax.vlines(x, ends[2], ends[3], colors=colours, linewidth=1.2)
    plate.dots(ax, list(x), list(y), colours, size=40)
    lines: dict[str, Any] = {"color": LIGHT["muted"], "linewidth": 1.0, "zorder": 1}
    delivered = float(getattr(result, "delivered", 0.8))
    ax.axvline(delivered, linestyle=(0, (4, 3)), **lines)
    ax.axhline(0.0, **lines)
    ax.set_xlim(*plate.limits([*x, *ends[0], *ends[1], delivered], pad=0.08))
    ax.set_ylim(*plate.limits([*y, *ends[2], *ends[3], 0.0], pad=0.12))


def _axes(ax: Axes, words: Words) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v, 0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 1)))
    ax.grid(visible=True, axis="both", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, pad=5)
    ax.yaxis.set_visible(True)
    ax.set_xlabel("")
    ax.set_ylabel("")
    plate.note(ax, words("figure.quadrant.across"), (0.5, 0), (0, -22), ha="center", va="top")
    plate.note(ax, words("figure.quadrant.up"), (0, 1), (-LEFT, 3))
    for place, (corner, ha, va) in CORNERS.items():
        offset = (-4.0 if corner[0] else 4.0, -4.0 if corner[1] else 4.0)
        plate.write(
            ax, words(f"figure.quadrant.{place}"), corner, offset, size=SMALL, ha=ha, va=va,
            color=LIGHT["muted"], bbox=CLEAR,
        )  # fmt: skip


def spoken(result: Result, words: Words) -> str:
    """Say where each standard stands."""
    said = plate.title_of(result, words, CODES, words("figure.quadrant.title", metric=""))
    rows = [
        f"{words.label('standard_id', row['standard_id'])}: {words.percent(row['compliance'], 0)}, "
        f"{words.number(row['correlation'], 2)}, {words.label('link', row['link'])}"
        for row in result.table.to_dict("records")
        if not absent(row["correlation"])
    ]
    return f"{said}. {'; '.join(rows)}."
