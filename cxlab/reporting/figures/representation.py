"""Margins of the sample: without weights, with them, and the population, on one line for each category."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent

CODES = ("intake.gap", "intake.alike", "intake.weight_cost", "intake.unweighted")


@plate.figure_of
def draw_representation(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each category's share in the sample, before and after weighting, and in the population.

    Parameters
    ----------
    result : Result
        Of `coverage.representation`: table with variable, category, target, before, after, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A line from the share without weights (hollow) to the one with them (full); a tick is the population.
    """
    table = result.table.head(plate.ROWS)
    title = plate.title_of(result, words, CODES, words("figure.weights.title"))
    if not table["before"].notna().any():
        return plate.nothing(result, words, title, ax)
    known = bool(table["target"].notna().any())
    suppressed = plate.flags_of(table)[1]
    ax, rows = plate.row_sheet(
        [
            f"{words.crossing(r['variable'])}: {words.cell(r['variable'], r['category'])}"
            for r in table.to_dict("records")
        ],
        [
            plate.Column(_percents(table, "before", words), words("figure.weights.before"), quiet=True),
            plate.Column(_percents(table, "after", words), words("figure.weights.after")),
        ],
        title=title,
        subtitle=words("figure.weights.subtitle" if known else "figure.weights.subtitle.plain"),
        foot=plate.foot_of(result, words, suppressed=suppressed, undrawn=len(result.table) - len(table)),
        ax=ax,
    )
    _marks(ax, table, rows, words)
    return ax


def _percents(table: pd.DataFrame, column: str, words: Words) -> list[str]:
    """Return the shares of a column; why one is not shown stands in the first of the two."""
    said = []
    for row in table.to_dict("records"):
        hidden = words("table.withheld" if row.get("withheld") else "table.under_ten")
        said.append(
            (hidden if column == "before" else "") if absent(row[column]) else words.percent(row[column], 1)
        )
    return said


def _marks(ax: Axes, table: pd.DataFrame, rows: list[plate.Row], words: Words) -> None:
    y = [row.y for row in rows]
    before, after, target = (table[name].astype(float) for name in ("before", "after", "target"))
    low, high = (table[name].astype(float) for name in ("conf_low", "conf_high"))
    right = plate.limits([*before, *after, *target, *high], zero=True)[1]
    ax.set_xlim(-0.015 * right, right)  # a dot at nothing is not cut
    plate.value_axis(ax, words, share=True)
    ax.hlines(y, low, high, colors=LIGHT["context"], linewidth=4.5, alpha=0.35, zorder=1)
    ax.hlines(y, before, after, colors=LIGHT["context"], linewidth=1.6, zorder=2)
    for height, share in zip(y, target, strict=True):
        if not absent(share):
            ax.plot([share, share], [height - 7, height + 7], color=LIGHT["ink"], linewidth=1.6, zorder=3)
    context, focal = [LIGHT["context"]] * len(y), [LIGHT["focal"]] * len(y)
    plate.dots(ax, before.to_list(), y, context, hollow=[True] * len(y), size=46)
    plate.dots(ax, after.to_list(), y, focal, size=40)
