"""Shares of variance: how much of what a score varies by lies between the units of each level."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words

CODES = ("benchmark.variance",)


@plate.figure_of
def draw_variance(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw a bar for each level, from the coarsest to the customers, with its interval.

    Parameters
    ----------
    result : Result
        Of `benchmark.variance_shares`: between, units, share, conf_low, conf_high.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Bars from zero to the whole; they add up to it.
    """
    table = result.table[result.table["of_variance"].notna()]
    metric = words.metric(result.settings.get("outcome", ""))
    title = plate.title_of(result, words, CODES, words("figure.variance.title", metric=metric))
    if table.empty:
        return plate.nothing(result, words, title, ax)
    labels = [words.crossing(name) for name in table["between"]]
    columns = [
        plate.Column(
            [words.percent(share, 0) for share in table["of_variance"]], words("figure.variance.share")
        ),
        plate.Column(
            [words.number(units, 0) for units in table["units"]], words("figure.variance.units"), quiet=True
        ),
    ]
    ax, rows = plate.row_sheet(
        labels,
        columns,
        title=title,
        subtitle=words("figure.variance.subtitle", metric=metric),
        foot=plate.foot_of(result, words, suppressed=plate.flags_of(table)[1]),
        ax=ax,
    )
    y, last = [row.y for row in rows], len(table) - 1
    colours = [LIGHT["context" if k == last else "focal"] for k in range(len(table))]
    ax.barh(y, table["of_variance"], height=16.0, color=colours, alpha=0.55, zorder=2)
    ax.hlines(y, table["conf_low"], table["conf_high"], colors=LIGHT["ink"], linewidth=1.4, zorder=3)
    ax.set_xlim(0.0, 1.0)
    plate.value_axis(ax, words, share=True)
    return ax
