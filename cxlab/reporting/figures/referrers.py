"""Who has recommended in deed, by what they said they would do."""

from __future__ import annotations

from dataclasses import replace

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent


@plate.figure_of
def draw_referrers(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the share of promoters, passives and detractors who ever referred somebody.

    Parameters
    ----------
    result : Result
        Of `economics.behaviours`: among its tables referrers (class, estimate, conf_low, conf_high, n).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Dots with intervals on an axis that starts at zero, promoters first.
    """
    table = result.tables["referrers"]
    title = _title(result, words)
    if not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    rows = table.to_dict("records")
    low_base, suppressed = plate.flags_of(table)
    own = replace(result, n_used=int(table["n"].sum()))  # all who answered, followed or not
    shares = ["" if absent(row["estimate"]) else words.percent(row["estimate"], 1) for row in rows]
    ax, places = plate.row_sheet(
        [words.label("class", row["class"]) for row in rows],
        [plate.Column(shares), plate.bases(table, words)],
        title=title,
        subtitle=words("figure.referrers.subtitle"),
        foot=plate.foot_of(own, words, low_base=low_base, suppressed=suppressed),
        ax=ax,
    )
    y = [place.y for place in places]
    low, high = (table[c].astype(float) for c in ("conf_low", "conf_high"))
    colours = [LIGHT["focal" if row["class"] == "promoter" else "context"] for row in rows]
    ax.hlines(y, low, high, colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, table["estimate"].to_list(), y, colours, hollow=plate.hollows(table))
    ax.set_xlim(*plate.limits([*high, 0.05], zero=True))
    ax.set_ylim(plate.height_of(places), 0)
    plate.value_axis(ax, words, share=True)
    return ax


def _title(result: Result, words: Words) -> str:
    """Return what promoters did beside passives, where there are enough of both."""
    own = result.tables["referrers"].set_index("class")
    known = [n for n in ("promoter", "passive") if n in own.index and own.loc[n, "flag"] == "ok"]
    if len(known) < 2:
        return words("figure.referrers.title")
    amount, passives = (words.percent(own.loc[name, "estimate"], 1) for name in known)
    return words("figure.referrers.said", amount=amount, passives=passives)


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: the share of each group."""
    rows = [
        words(
            "figure.alt.row.interval", label=words.label("class", row["class"]),
            amount=words.amount(row["estimate"], "share"),
            interval=words.interval(row["conf_low"], row["conf_high"], "share"),
        )
        for row in result.tables["referrers"].to_dict("records")
        if not absent(row["estimate"])
    ]  # fmt: skip
    return f"{_title(result, words)}. {'; '.join(rows)}."
