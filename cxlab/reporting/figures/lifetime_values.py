"""What a customer is worth, by group: dots with intervals, the months expected and the base beside them."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent

CODES = ("economics.cltv_difference", "economics.cltv_alike", "economics.cltv")


@plate.figure_of
def draw_lifetime_values(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the lifetime value of each group with its interval.

    Parameters
    ----------
    result : Result
        Of `economics.lifetime_value`: table with the groups, estimate, conf_low, conf_high, months, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        In the order of the table; grey where the groups cannot be told apart.
    """
    table = result.table.head(plate.ROWS)
    title = plate.title_of(result, words, CODES, words("figure.lifetime_values.title"))
    if table.empty or not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    by = list(result.settings["by"])
    rows = table.to_dict("records")
    apart = plate.claim_of(result, ("economics.cltv_alike",)) is None
    low_base, suppressed = plate.flags_of(table)
    ax, places = plate.row_sheet(
        [
            " × ".join(words.label(c, row[c]) for c in by) if by else words("figure.retention.all")
            for row in rows
        ],
        [
            plate.Column([words.amount(r["estimate"], "money") for r in rows]),
            plate.Column(
                ["" if absent(r["months"]) else words.number(r["months"], 1) for r in rows],
                words("figure.lifetime_values.months"), quiet=True,
            ),
            plate.bases(table, words),
        ],
        title=title,
        subtitle=words(
            "figure.lifetime_values.subtitle", horizon=words.amount(result.settings["horizon"], "months"),
            money=str(result.settings.get("currency") or words("figure.money")),
        ),
        foot=plate.foot_of(
            result, words, low_base=low_base, suppressed=suppressed, undrawn=len(result.table) - len(table)
        ),
        ax=ax,
    )  # fmt: skip
    y = [place.y for place in places]
    colours = [LIGHT["focal" if apart else "context"]] * len(rows)
    low, high = (table[c].astype(float) for c in ("conf_low", "conf_high"))
    ax.hlines(y, low, high, colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, table["estimate"].to_list(), y, colours, hollow=plate.hollows(table))
    ax.set_xlim(*plate.limits([*low, *high, *table["estimate"]]))
    ax.set_ylim(plate.height_of(places), 0)
    plate.value_axis(ax, words)
    return ax
